"""What must hold after a kill: what was done is in both books, each thing once.

It is plain values: `Done` is what people and machines did, as they did it, and nothing
of it was read out of books; `Found` is what the two books have. Whoever is to be judged
takes no part in it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

K = TypeVar("K", bound=Hashable)

ACKNOWLEDGEMENT: Final = "acknowledgement"
"""It is through once it was read: nobody answers it by a file of its own."""


@dataclass
class Done:
    """What was done since the beginning.

    Attributes:
        deposits: Licence and paise of each deposit, by its reference.
        credits: Paise that a machine took, by licence and number of the recharge.
        dial_ins: How often each machine has told of itself.
        descending: What each machine may still frank, in paise.
        standing: State that the authority has given to each licence.
        discrepancies: How often the server has refused each machine over its registers.
    """

    deposits: dict[str, tuple[str, int]] = field(default_factory=dict)
    credits: dict[tuple[str, int], int] = field(default_factory=dict)
    dial_ins: dict[str, int] = field(default_factory=dict)
    descending: dict[str, int] = field(default_factory=dict)
    standing: dict[str, str] = field(default_factory=dict)
    discrepancies: dict[str, int] = field(default_factory=dict)

    def deposited_paise(self, licence: str) -> int:
        """Sum what was paid for a licence."""
        return sum(paise for of, paise in self.deposits.values() if of == licence)

    def credited_paise(self, licence: str) -> int:
        """Sum what the machine of a licence took."""
        return sum(
            paise for (of, _number), paise in self.credits.items() if of == licence
        )


@dataclass(frozen=True, slots=True)
class Balances:
    """What the books have of a licence, in paise.

    Attributes:
        deposited: At the gateway: paid, and not with the maker yet.
        remaining: At the gateway: with the maker.
        machine: At the gateway: in the machine.
        funds: At the server: what a machine may ask for.
        reserved: At the server: what a voucher under way holds.
        control_total: At the server: what the machine ever took.
    """

    deposited: int
    remaining: int
    machine: int
    funds: int
    reserved: int
    control_total: int


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as one side has it.

    Attributes:
        is_settled: It was carried out by who it is for, and that one has said so, as
            far as this side can know it.
    """

    layout: str
    sequence: int
    sha256: bytes
    is_settled: bool


@dataclass
class Found:
    """What the books of both sides have.

    Attributes:
        deposits: Paise that came into the server's funds, by the reference of the
            deposit; one row for each time.
        credits: Paise that the gateway took over from machines, by licence and number;
            one row for each time.
        dial_ins: Licence of each dial-in that the gateway has.
        discrepancies: Licence of each discrepancy that the gateway was told.
        balances: By licence.
        standing: State of each licence at the server.
        given: Files of the gateway, as it has them, and as the server has them.
        brought: Files of the server, as the gateway has them, and as it has them.
        findings: What the checks of the two books say.
        incidents: What the gateway says is wrong.
        unexplained_paise: What its reconciliation does not explain.
    """

    deposits: Sequence[tuple[str, int]]
    credits: Sequence[tuple[tuple[str, int], int]]
    dial_ins: Sequence[str]
    discrepancies: Sequence[str]
    balances: Mapping[str, Balances]
    standing: Mapping[str, str]
    given: tuple[Sequence[SeenFile], Sequence[SeenFile]]
    brought: tuple[Sequence[SeenFile], Sequence[SeenFile]]
    findings: Sequence[str]
    incidents: Sequence[str]
    unexplained_paise: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong.

    Attributes:
        lost_paise: Paid or credited, and not in the other side's books.
        doubled_paise: There more often than it was done, or without being done.
        unexplained_paise: What the gateway's reconciliation does not explain.
        faults: Everything that does not hold, in words.
    """

    lost_paise: int
    doubled_paise: int
    unexplained_paise: int
    faults: tuple[str, ...]


def judge(done: Done, found: Found) -> Judgement:
    """Hold what was done against what both sides have."""
    judging = _Judging()
    paid = {reference: paise for reference, (_, paise) in done.deposits.items()}
    judging.compare("deposit {} in the server's funds", paid, found.deposits)
    judging.compare("credit {} at the gateway", done.credits, found.credits)
    told = [(licence, 1) for licence in found.dial_ins]
    judging.count("dial-ins of {} at the gateway", done.dial_ins, told)
    told = [(licence, 1) for licence in found.discrepancies]
    judging.count("discrepancies of {} at the gateway", done.discrepancies, told)
    judging.balances(done, found.balances)
    judging.equal("licence {} at the server", done.standing, found.standing)
    judging.files("of the gateway", *found.given)
    judging.files("of the server", *found.brought)
    judging.faults += [*found.findings, *found.incidents]
    if found.unexplained_paise:
        judging.faults.append(f"{found.unexplained_paise} paise are not explained")
    return Judgement(
        judging.lost_paise,
        judging.doubled_paise,
        found.unexplained_paise,
        tuple(judging.faults),
    )


class _Judging:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.lost_paise = 0
        self.doubled_paise = 0

    def compare(
        self, words: str, wanted: Mapping[K, int], found: Iterable[tuple[K, int]]
    ) -> None:
        """See that each amount is there once, and nothing else."""
        rows: dict[K, list[int]] = {}
        for key, paise in found:
            rows.setdefault(key, []).append(paise)
        for key in {**wanted, **rows}:
            due, there = wanted.get(key, 0), rows.get(key, [])
            self.lost_paise += max(0, due - sum(there))
            self.doubled_paise += max(0, sum(there) - due)
            if there != [due]:
                of = words.format(key)
                self.faults.append(f"{of}: {due} paise are due, found {there}")

    def count(
        self, words: str, wanted: Mapping[K, int], found: Iterable[tuple[K, int]]
    ) -> None:
        """See that something happened as often as it was done."""
        totals: dict[K, int] = {}
        for key, times in found:
            totals[key] = totals.get(key, 0) + times
        self.equal(words, wanted, totals)

    def balances(self, done: Done, found: Mapping[str, Balances]) -> None:
        """See that the ledgers say what follows from deposits, credits and franks."""
        due = {}
        for licence in done.standing:
            credited = done.credited_paise(licence)
            left = done.deposited_paise(licence) - credited
            held = done.descending.get(licence, 0)
            due[licence] = Balances(0, left, held, left, 0, credited)
        self.equal("balances of {}", due, found)

    def equal(
        self, words: str, wanted: Mapping[K, object], found: Mapping[K, object]
    ) -> None:
        """See that two tables are the same."""
        for key in {**wanted, **found}:
            due, there = wanted.get(key), found.get(key)
            if due != there:
                self.faults.append(f"{words.format(key)}: {due} is due, found {there}")

    def files(
        self, whose: str, first: Sequence[SeenFile], second: Sequence[SeenFile]
    ) -> None:
        """See that both have the same files, numbered without gaps, and settled."""
        ours = {(one.layout, one.sequence): one.sha256 for one in first}
        theirs = {(one.layout, one.sequence): one.sha256 for one in second}
        for key in sorted({**ours, **theirs}):
            if ours.get(key) != theirs.get(key):
                self.faults.append(f"file {key} {whose} is not the same on both sides")
        for files in (first, second):
            self._numbers(whose, files)
            self.faults += [
                f"file {one.layout} no. {one.sequence} {whose} is not settled"
                for one in files
                if not one.is_settled and one.layout != ACKNOWLEDGEMENT
            ]

    def _numbers(self, whose: str, files: Sequence[SeenFile]) -> None:
        numbers: dict[str, list[int]] = {}
        for one in files:
            numbers.setdefault(one.layout, []).append(one.sequence)
        for layout, found in numbers.items():
            if sorted(found) != list(range(1, len(found) + 1)):
                words = f"files {layout} {whose} are numbered {sorted(found)}"
                self.faults.append(words)
