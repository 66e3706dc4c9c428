"""What the model is checked for: configurations, their bounds, and planted mistakes.

A configuration is a set of switches in the one source; its bounds say how far it is
searched. All of it is exhaustive within the bounds: no hashing, no sampling.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeVar

from protocol.errors import RmfsError


class UnknownNameError(RmfsError):
    """No configuration or variant has this name."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a search goes.

    Attributes:
        calls: Dial-ins of all machines together, those of the calm phase included.
        faults: Cut lines, power cuts and crashes of the server.
        wishes: Requests that operators type; inspections are free.
        franks: Franks between dial-ins.
        deposit: Download steps paid in.
    """

    calls: int
    faults: int
    wishes: int
    franks: int = 1
    deposit: int = 3

    @property
    def switches(self) -> tuple[str, ...]:
        """As the model's preprocessor takes them."""
        return (
            f"-DCALLS={self.calls}",
            f"-DFAULTS={self.faults}",
            f"-DWISHES={self.wishes}",
            f"-DFRANKS={self.franks}",
            f"-DDEPOSIT={self.deposit}",
        )

    def __str__(self) -> str:
        """Show it in a cell of a table."""
        return (
            f"dial-ins {self.calls}, faults {self.faults}, requests {self.wishes}, "
            f"franks {self.franks}, paid in {self.deposit}"
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """One search.

    Attributes:
        name: What the command calls it.
        what: What may happen in it beside faults of line and power.
        parts: Switches of the model.
        short: Bounds of continuous integration.
        long: Deeper bounds.
        ends: Search for runs without end, too: with none, the check at every end state
            says that everything is settled in the end.
    """

    name: str
    what: str
    parts: tuple[str, ...]
    short: Bounds
    long: Bounds
    ends: bool = False

    def switches(self, *, long: bool = False) -> tuple[str, ...]:
        """Parts and bounds as the model's preprocessor takes them."""
        bounds = self.long if long else self.short
        return (*(f"-D{part}" for part in self.parts), *bounds.switches)

    @property
    def random_switches(self) -> tuple[str, ...]:
        """Those of a random run that the real code has to follow.

        Without a channel there are no franks in it: USAGE, which the model leaves out,
        would meet answers that nobody gave.
        """
        franks = 0 if "STALE" in self.parts else self.short.franks
        bounds = replace(self.short, franks=franks)
        return (*(f"-D{part}" for part in self.parts), *bounds.switches, "-DLATE_CALM")


@dataclass(frozen=True, slots=True)
class Variant:
    """The model with one mistake planted.

    Attributes:
        name: What the command calls it; the switch is ``PLANT_`` and this in capitals.
        what: The mistake.
        clause: What it breaks.
        parts: Switches of the model that it needs to show.
        bounds: How far it is searched for.
    """

    name: str
    what: str
    clause: str
    parts: tuple[str, ...]
    bounds: Bounds

    @property
    def switches(self) -> tuple[str, ...]:
        """As the model's preprocessor takes them."""
        plant = f"-DPLANT_{self.name.upper().replace('-', '_')}"
        parts = (f"-D{part}" for part in self.parts)
        return (plant, *parts, *self.bounds.switches)


CONFIGURATIONS: Final = (
    Configuration(
        "base",
        "one line at a time",
        (),
        Bounds(calls=5, faults=3, wishes=2),
        Bounds(calls=6, faults=7, wishes=4, franks=2),
        ends=True,
    ),
    Configuration(
        "void",
        "a person takes vouchers back at any time",
        ("VOIDING",),
        Bounds(calls=5, faults=3, wishes=2),
        Bounds(calls=6, faults=7, wishes=4, franks=2),
    ),
    Configuration(
        "returns",
        "refunds, withdrawals, and vouchers taken back",
        ("RETURNS", "VOIDING"),
        Bounds(calls=5, faults=3, wishes=3, franks=2),
        Bounds(calls=6, faults=5, wishes=4, franks=3, deposit=4),
    ),
    Configuration(
        "lines",
        "the machine dials while sides of earlier calls are alive at the server; "
        "refunds, withdrawals, vouchers taken back",
        ("LINES", "RETURNS", "VOIDING"),
        Bounds(calls=4, faults=2, wishes=2),
        Bounds(calls=5, faults=2, wishes=2),
    ),
    Configuration(
        "clone",
        "an idle machine's memory is copied into a second body; both dial",
        ("CLONE", "LINES"),
        Bounds(calls=3, faults=1, wishes=1),
        Bounds(calls=4, faults=2, wishes=1, franks=0),
    ),
    Configuration(
        "image",
        "a copy of an idle machine's memory is put back later",
        ("IMAGE", "LINES"),
        Bounds(calls=4, faults=1, wishes=1),
        Bounds(calls=5, faults=1, wishes=2),
    ),
    Configuration(
        "no-channel",
        "any voucher, RECEIPT or REFUSAL that was ever sent arrives at any time, as "
        "often as it likes; several lines, refunds, withdrawals, vouchers taken back",
        ("STALE", "LINES", "RETURNS", "VOIDING"),
        Bounds(calls=3, faults=1, wishes=2, franks=0, deposit=2),
        Bounds(calls=4, faults=1, wishes=2, franks=0),
    ),
    Configuration(
        "backup",
        "an old copy of the books is put back; a person resolves the freeze; several "
        "lines, refunds, withdrawals, vouchers taken back",
        ("BACKUP", "LINES", "RETURNS", "VOIDING"),
        Bounds(calls=5, faults=1, wishes=2),
        Bounds(calls=6, faults=1, wishes=2),
    ),
)

_Named = TypeVar("_Named", Configuration, Variant)

_SMALL: Final = Bounds(calls=3, faults=2, wishes=1)
_TWO: Final = Bounds(calls=3, faults=2, wishes=2)

VARIANTS: Final = (
    Variant(
        "send-first",
        "the server sends a voucher before it is stored",
        "DLG-5.1",
        (),
        _SMALL,
    ),
    Variant(
        "confirm-first",
        "the machine confirms before the voucher is stored",
        "DLG-6.1",
        (),
        _SMALL,
    ),
    Variant(
        "torn",
        "DR and CT are stored in two steps",
        "REG-6",
        (),
        _SMALL,
    ),
    Variant(
        "no-rollback",
        "funds are reserved in a transaction of their own",
        "REG-8",
        (),
        _SMALL,
    ),
    Variant(
        "no-freeze",
        "the operator may change the amount while a request is pending",
        "DLG-4.2",
        (),
        _TWO,
    ),
    Variant(
        "pending-volatile",
        "a restart forgets the pending request",
        "DLG-4.2",
        (),
        _SMALL,
    ),
    Variant(
        "pending-survives",
        "a voucher does not end the pending request",
        "DLG-4.3",
        (),
        _SMALL,
    ),
    Variant(
        "new-id",
        "a redial is granted anew in place of what is outstanding",
        "REG-8",
        (),
        _SMALL,
    ),
    Variant(
        "asked-again",
        "a redial that asks for nothing is granted once more what it has just settled",
        "DLG-14.4",
        (),
        _SMALL,
    ),
    Variant(
        "rebuilt",
        "the outstanding voucher is made anew for the amount asked now",
        "REG-7.1",
        ("STALE",),
        Bounds(calls=4, faults=0, wishes=3, deposit=1),
    ),
    Variant(
        "check-first",
        "CT is checked before the outstanding recharge is settled",
        "REG-5",
        (),
        _SMALL,
    ),
    Variant(
        "post-on-sending",
        "that the voucher was sent is taken for its confirmation",
        "REG-5",
        (),
        _SMALL,
    ),
    Variant(
        "receipt-confirms",
        "the machine takes any RECEIPT for the answer to its request",
        "DLG-4.3",
        ("STALE",),
        _SMALL,
    ),
    Variant(
        "timer",
        "a reservation is released after a while",
        "REG-7.3",
        (),
        _SMALL,
    ),
    Variant(
        "void-frees",
        "storing a VOID frees the funds at once",
        "REG-7.2",
        ("VOIDING",),
        _SMALL,
    ),
    Variant(
        "void-blind",
        "with a VOID stored, the number alone settles as voided",
        "REG-5",
        ("VOIDING",),
        _SMALL,
    ),
    Variant(
        "credit-early",
        "a refund is credited when it is granted",
        "REG-5.3",
        ("RETURNS",),
        _TWO,
    ),
    Variant(
        "frank-lock",
        "the machine franks while a refund or withdrawal is pending",
        "REG-6.1",
        ("RETURNS",),
        Bounds(calls=4, faults=2, wishes=2),
    ),
    Variant(
        "generation",
        "an older call may still write",
        "DLG-14.2",
        ("LINES",),
        _SMALL,
    ),
    Variant(
        "dial-in",
        "an older dial-in on a slow line is judged as if it were new",
        "DLG-14.2",
        ("LINES",),
        _SMALL,
    ),
    Variant(
        "mark-one",
        "the mark acknowledged last is no longer accepted once another is issued",
        "DLG-7.2",
        (),
        _SMALL,
    ),
    Variant(
        "mark",
        "the mark is not looked at",
        "DLG-7.2",
        ("IMAGE",),
        _SMALL,
    ),
    Variant(
        "ar",
        "that AR went back is not looked at",
        "REG-3",
        ("IMAGE", "LINES"),
        Bounds(calls=4, faults=1, wishes=1),
    ),
    Variant(
        "number",
        "the PSD does not look at the recharge number",
        "REG-6",
        ("STALE", "RETURNS"),
        Bounds(calls=3, faults=1, wishes=2),
    ),
    Variant(
        "ct",
        "the PSD does not compare CT before",
        "REG-6",
        ("STALE", "CLONE", "VOIDING"),
        Bounds(calls=4, faults=0, wishes=2, franks=0),
    ),
    Variant(
        "body",
        "the PSD does not look at licence and credential",
        "REG-6",
        ("STALE",),
        _SMALL,
    ),
)


def configurations_named(names: tuple[str, ...]) -> tuple[Configuration, ...]:
    """Find configurations by name; all of them where none is named.

    Raises:
        UnknownNameError: There is none of that name.
    """
    return _named(names, CONFIGURATIONS)


def variants_named(names: tuple[str, ...]) -> tuple[Variant, ...]:
    """Find planted mistakes by name; all of them where none is named.

    Raises:
        UnknownNameError: There is none of that name.
    """
    return _named(names, VARIANTS)


def _named(names: tuple[str, ...], known: tuple[_Named, ...]) -> tuple[_Named, ...]:
    by_name = {one.name: one for one in known}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        message = f"{', '.join(unknown)}: not known; there are {', '.join(by_name)}"
        raise UnknownNameError(message)
    return tuple(by_name[name] for name in names) or known
