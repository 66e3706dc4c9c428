"""What happens in a simulated world from outside: one class for each kind of deed.

A deed is a value: it names its moment, whom it befalls, and everything that was chosen
for it, so that a plan can be written to a file, cut down and played again. Times are
simulated seconds since the world began. Bodies are named as in `observations`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class LineTrouble:
    """What befalls one call.

    Attributes:
        bit_error_rate: Bits struck, both ways.
        burst_rate: Bursts of 24 bits that begin, for each bit, both ways.
        cut_after_octets: The carrier is lost after so many octets of both ways.
        hang_after_octets: From then on nothing is heard any more, and nobody is told:
            a hung modem.
        machine_told: The machine's end hears at once that the carrier is lost, so that
            it dials again while the server still has this call.
        late_s: What a hung modem holds is heard so many seconds later after all; 0 for
            never.
        repeated: Every so many-th delivery of octets comes twice, the second time late;
            0 for never.
        stale: So many deliveries of an earlier call of this machine are heard first.
        answer: A voucher other than the one meant is put before the PSD, below the
            channel: ``old`` (one it has applied), ``other`` (of another machine),
            ``none``.
    """

    bit_error_rate: float = 0.0
    burst_rate: float = 0.0
    cut_after_octets: int | None = None
    hang_after_octets: int | None = None
    machine_told: bool = False
    late_s: float = 0.0
    repeated: int = 0
    stale: int = 0
    answer: str = "none"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happens.

    Attributes:
        at_s: When.
    """

    at_s: float


@dataclass(frozen=True, slots=True)
class OfBody(Deed):
    """Something that happens to one machine.

    Attributes:
        body: Which.
    """

    body: str


@dataclass(frozen=True, slots=True)
class Mail(OfBody):
    """An operator franks letters of 18 g.

    Attributes:
        items: How many.
    """

    items: int


@dataclass(frozen=True, slots=True)
class DialIn(OfBody):
    """An operator dials in, and dials again where the line fails.

    Attributes:
        kind: ``INSPECTION``, ``RECHARGE``, ``REFUND`` or ``WITHDRAWAL``.
        amount_paise: Of a recharge or refund.
        attempts: How often at most.
        trouble: What befalls the calls, in their order; later ones are good.
    """

    kind: str = "INSPECTION"
    amount_paise: int = 0
    attempts: int = 1
    trouble: tuple[LineTrouble, ...] = ()


@dataclass(frozen=True, slots=True)
class PowerFails(OfBody):
    """The power fails at a write of the machine's memories, and comes back.

    Attributes:
        at_write: At which write from now, 1 is the next.
        part: How much of it is stored, of 1,000; 1,000 is all of it, nobody told.
        torn: How, where it is a part: ``head``, ``tail``, ``scattered`` or ``garbage``.
        off_s: How long it is off.
    """

    at_write: int
    part: int
    torn: str
    off_s: float


@dataclass(frozen=True, slots=True)
class PlugPulled(OfBody):
    """Somebody pulls the plug, and puts it in again.

    Attributes:
        off_s: How long it is out.
    """

    off_s: float


@dataclass(frozen=True, slots=True)
class ClockJumps(OfBody):
    """The battery clock of a machine jumps.

    Attributes:
        by_s: By how much, forward or back.
    """

    by_s: int


@dataclass(frozen=True, slots=True)
class ImageKept(OfBody):
    """Somebody copies the memories of a machine that is off for a moment."""


@dataclass(frozen=True, slots=True)
class ImageRestored(OfBody):
    """Somebody puts the copy back that was kept last."""


@dataclass(frozen=True, slots=True)
class Cloned(OfBody):
    """Somebody makes a second machine of the same memories.

    Attributes:
        clone: The name of its body.
    """

    clone: str


@dataclass(frozen=True, slots=True)
class RegistersForged(OfBody):
    """Somebody writes another DR into the memory, and a CT that fits it.

    Attributes:
        by_paise: How much is added.
    """

    by_paise: int


@dataclass(frozen=True, slots=True)
class RecordingReplayed(OfBody):
    """A stranger dials the server and plays what the machine said in its last call."""


@dataclass(frozen=True, slots=True)
class NewLife(OfBody):
    """A withdrawn machine is given a new life, and is enrolled again."""


@dataclass(frozen=True, slots=True)
class ServerDies(Deed):
    """The server's process is killed, and started again.

    Attributes:
        at_commit: At which commit from now: 1 is the next; 0 is now.
        after: After that commit, nobody told; otherwise with everything written.
        down_s: How long it is down.
    """

    at_commit: int
    after: bool
    down_s: float


@dataclass(frozen=True, slots=True)
class DatabaseTrouble(Deed):
    """The database gives trouble for a while.

    Attributes:
        kind: ``full``, ``error``, ``busy``, ``gone``, ``refused`` (a COMMIT that fails)
            or ``unknown`` (a COMMIT that is carried out and reported as failed).
        statement: From which statement on, 1 is the next; for the last two it is a
            commit.
        for_s: How long.
    """

    kind: str
    statement: int
    for_s: float


@dataclass(frozen=True, slots=True)
class BackupMade(Deed):
    """Somebody makes a backup of the database."""


@dataclass(frozen=True, slots=True)
class BackupRestored(Deed):
    """The disk is lost; the last backup is put back, and fund files brought again."""


@dataclass(frozen=True, slots=True)
class FundFileCame(Deed):
    """A fund file reaches the server.

    Attributes:
        number: Of the file; the same number again is the same file again.
        lines: Its deposits: body and amount in paise.
        corrects: Its corrections: file number, line (from 1), body and difference.
    """

    number: int
    lines: tuple[tuple[str, int], ...]
    corrects: tuple[tuple[int, int, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class VoidGiven(OfBody):
    """A person takes the outstanding voucher back."""


@dataclass(frozen=True, slots=True)
class LicenceSet(OfBody):
    """The authority changes the state of a licence.

    Attributes:
        state: Name of the state.
    """

    state: str


@dataclass(frozen=True, slots=True)
class OrderGiven(OfBody):
    """A person orders something of the machine.

    Attributes:
        order: Name of the order.
        value: As SPEC DLG-10 says.
    """

    order: str
    value: int


@dataclass(frozen=True, slots=True)
class PersonLooks(Deed):
    """A person looks at what is frozen, and does what the evidence proposes."""


KINDS: Final[dict[str, type[Deed]]] = {
    kind.__name__: kind
    for kind in (
        Mail,
        DialIn,
        PowerFails,
        PlugPulled,
        ClockJumps,
        ImageKept,
        ImageRestored,
        Cloned,
        RegistersForged,
        RecordingReplayed,
        NewLife,
        ServerDies,
        DatabaseTrouble,
        BackupMade,
        BackupRestored,
        FundFileCame,
        VoidGiven,
        LicenceSet,
        OrderGiven,
        PersonLooks,
    )
}
"""Every kind of deed by its name in a plan's file."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will happen in one world.

    Attributes:
        seed: Chooses keys, marks and noise; the deeds were chosen by it.
        machines: How many there are; their bodies are ``1``, ``2`` and so on.
        days: How long faults may befall it; then comes calm.
        profile: By which the deeds were chosen.
        deeds: In the order of their times.
        found: What it has found, in a line, or empty: for people.
    """

    seed: int
    machines: int
    days: int
    profile: str
    deeds: tuple[Deed, ...] = field(repr=False)
    found: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give it to a file; `plan_file` reads it again."""
        head = {"seed": self.seed, "machines": self.machines, "days": self.days}
        deeds = [{"deed": type(one).__name__, **asdict(one)} for one in self.deeds]
        about = {"profile": self.profile, "found": self.found}
        return {**head, **about, "deeds": deeds}
