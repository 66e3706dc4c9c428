"""What a restore drill came to: the fate of each machine, and where the money is."""

from collections import Counter
from dataclasses import dataclass, field

from protocol.values import LicenceIdentifier
from rmfs_tools.simulation.drill_cases import Case


@dataclass(frozen=True, slots=True)
class Totals:
    """Where the money of all licences is, in paise.

    Attributes:
        deposited: What the fund files have brought.
        machines: CT in the memories of the machines.
        funds: In the books, remaining at the server.
        reserved: In the books, held by vouchers.
        booked: In the books, CT of the machines.
        suspense: In the books, without an owner.
    """

    deposited: int
    machines: int
    funds: int
    reserved: int
    booked: int
    suspense: int


@dataclass
class Fate:
    """What became of one machine after the restore.

    Attributes:
        behind_paise: How much CT of its memory was ahead of the books put back.
        codes: The discrepancies that were found.
        actions: What the operator did, in order.
        wrong: What is not as it must be at the end, in words.
        differences_paise: What the licence of each of its lives has at the end beyond
            what was deposited.
    """

    behind_paise: int = 0
    codes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    differences_paise: tuple[int, ...] = ()
    dial_ins: int = 0

    @property
    def difference_paise(self) -> int:
        """What all of its licences have beyond what was deposited."""
        return sum(self.differences_paise)


@dataclass
class DrillResult:
    """What a drill came to.

    Attributes:
        fates: Of each machine, by the licence of its first life, with its case.
        totals: Where the money was, by the moment.
        findings: What `verify` finds in the books at the end.
        rounds: How often those that were not done yet had to dial.
        commands: How often each command was given.
        dial_ins: In all, before the loss and after.
        history: SHA-256 over all memories at the end: the same for the same seed.
    """

    fates: dict[LicenceIdentifier, tuple[Case, Fate]] = field(default_factory=dict)
    totals: dict[str, Totals] = field(default_factory=dict)
    findings: int = 0
    rounds: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    dial_ins: int = 0
    history: str = ""

    @property
    def lost_paise(self) -> int:
        """What licences have less than was deposited for them."""
        return sum(
            max(0, -one)
            for _, fate in self.fates.values()
            for one in fate.differences_paise
        )

    @property
    def doubled_paise(self) -> int:
        """What licences have beyond what was deposited for them."""
        return sum(
            max(0, one)
            for _, fate in self.fates.values()
            for one in fate.differences_paise
        )

    @property
    def settled(self) -> int:
        """How many machines are as they must be."""
        return sum(not fate.wrong for _, fate in self.fates.values())

    @property
    def holds(self) -> bool:
        """Whether everything is settled and not a paisa lost or doubled."""
        return (
            self.settled == len(self.fates)
            and not self.findings
            and not self.lost_paise
            and not self.doubled_paise
            and not self.totals["settled"].suspense
        )
