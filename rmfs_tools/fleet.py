"""A fleet: many machines from one file, each with an identity and habits of its own.

Everything about a machine of a fleet follows from the file, its seed and the machine's
place in it, so that the same file makes the same fleet. `fleet_file` reads the file,
`fleet_folder` makes its machines in folders and enrols them, `fleet_memory` makes them
in memory; `fleet_run` and `fleet_simulated` let them work, `fleet_scenarios` has them
play scenarios.

The form of the file is ours; docs/fleets.md tells how to write one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hw.entropy import SeededEntropy
from protocol.errors import LocalProtocolError, RmfsError
from protocol.ports import Entropy
from protocol.values import LicenceIdentifier, LicenceNumber, Paise

_SERIAL_DIGITS: Final = 5
_DRAW_OCTETS: Final = 4


class FleetError(RmfsError):
    """A fleet's file or folder is not what it should be; it says what to do."""


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind of mail that the offices of a fleet send.

    Attributes:
        product_class: Its class.
        zone: How far it goes, for classes that ask; else empty.
        grams_least: Its lightest item.
        grams_most: Its heaviest item.
        share: How often it comes, against the other kinds.
    """

    product_class: int
    zone: str
    grams_least: int
    grams_most: int
    share: int


@dataclass(frozen=True, slots=True)
class Item:
    """One item to be franked."""

    product_class: int
    zone: str
    grams: int


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What a fleet's file says.

    Attributes:
        title: One line about it.
        count: How many machines.
        first_licence: The licence of the first; the others follow by number.
        serial_prefix: Three letters before the five digits of the PSD's serial.
        circle: Two letters before the seven digits of the licence number.
        seed: Chooses what each machine franks.
        pin_code: Of the post office where all mail is tendered.
        dial_from: First minute of the Indian day at which a machine dials.
        dial_until: Last one; the machines are spread evenly between them.
        deposit_paise: Paid for each at its enrolment; 0 for nothing.
        recharge_below_paise: A machine asks for more when it has less than this.
        recharge_paise: How much it asks for.
        items_least: Mail of the quietest office in a day.
        items_most: Mail of the busiest one.
        kinds: What is in it.
        scenarios: Names of shipped scenarios that its machines play, dealt out in
            turn; may be empty.
    """

    title: str
    count: int
    first_licence: LicenceIdentifier
    serial_prefix: str
    circle: str
    seed: int
    pin_code: int
    dial_from: int
    dial_until: int
    deposit_paise: Paise
    recharge_below_paise: Paise
    recharge_paise: Paise
    items_least: int
    items_most: int
    kinds: tuple[MailKind, ...]
    scenarios: tuple[str, ...] = ()

    def members(self) -> "Iterator[Member]":
        """Name every machine of the fleet, in order."""
        return (Member(self, index) for index in range(self.count))


@dataclass(frozen=True, slots=True)
class Member:
    """One machine of a fleet, by its place in it, counted from 0."""

    plan: FleetPlan
    index: int

    @property
    def licence(self) -> LicenceIdentifier:
        """Its licence identifier."""
        first = self.plan.first_licence
        return LicenceIdentifier(f"{first[0]}{int(first[1:]) + self.index:06d}")

    @property
    def licence_number(self) -> LicenceNumber:
        """The number of its licence."""
        return LicenceNumber(f"{self.plan.circle}{int(self.licence[1:]):07d}")

    @property
    def licensee(self) -> str:
        """Who has it: an office that does not exist."""
        return f"Fleet office {self.index + 1}"

    @property
    def psd_serial(self) -> str:
        """The serial of its PSD."""
        return f"{self.plan.serial_prefix}{self.index + 1:0{_SERIAL_DIGITS}d}"

    @property
    def dial_minute(self) -> int:
        """When it dials in, in minutes of the Indian day."""
        window = self.plan.dial_until - self.plan.dial_from
        return self.plan.dial_from + window * self.index // self.plan.count

    @property
    def scenario(self) -> str:
        """The scenario that it plays, or an empty name."""
        names = self.plan.scenarios
        return names[self.index % len(names)] if names else ""

    @property
    def scenario_seed(self) -> int:
        """Chooses the keys, marks and noise of its scenario; 0 to 2^32 - 1."""
        return int.from_bytes(self._entropy("scenario").octets(_DRAW_OCTETS), "big")

    @property
    def scenario_delay_minutes(self) -> int:
        """How much later it begins than the first machine: as it dials."""
        return self.dial_minute - self.plan.dial_from

    @property
    def items_a_day(self) -> int:
        """How much it franks in a day; the same every day."""
        span = self.plan.items_most - self.plan.items_least + 1
        return self.plan.items_least + _draw(self._entropy("size"), span)

    def mail(self, day: int) -> tuple[Item, ...]:
        """What it franks on a day, counted from 0; the same for the same seed."""
        entropy = self._entropy(f"day {day}")
        return tuple(self._item(entropy) for _ in range(self.items_a_day))

    def _item(self, entropy: Entropy) -> Item:
        at = _draw(entropy, sum(kind.share for kind in self.plan.kinds))
        for kind in self.plan.kinds:
            at -= kind.share
            if at < 0:
                span = kind.grams_most - kind.grams_least + 1
                grams = kind.grams_least + _draw(entropy, span)
                return Item(kind.product_class, kind.zone, grams)
        raise LocalProtocolError("the shares of a fleet's mail are empty")

    def _entropy(self, what: str) -> SeededEntropy:
        return SeededEntropy(f"fleet {self.plan.seed} {self.index} {what}".encode())


def _draw(entropy: Entropy, span: int) -> int:
    """Draw a number from 0 up to, not including, a span far below 2^32."""
    return int.from_bytes(entropy.octets(_DRAW_OCTETS), "big") * span >> 32
