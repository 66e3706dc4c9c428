"""What is seen at one point, and the words for it.

The row of REG-5 is told from its table in `protocol/SPEC.md`, with no code of the
server: what the server makes of it is seen by what it does.
"""

from dataclasses import dataclass
from enum import Enum

from fm_device.dial_in import DialInReport
from fm_device.psd.records import PsdRecord
from fm_device.show import show_report
from protocol.dialogue.machine import Request
from protocol.values import Paise, show_rupees
from rmfs_tools.simulation.cuts_points import Cut
from rmfs_tools.simulation.pair_books import BooksSeen


class Ended(Enum):
    """What became of the request in the end."""

    ONCE = "counted once"
    OTHER = "not at all, the other amount once"
    NEVER = "not at all, all as before"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class AtCut:
    """What both sides hold after a cut.

    Attributes:
        operator: What the operator reads first, without its reasons.
        machine: ``free``, ``pending`` or ``applied``.
        pending: What the machine shows as pending.
        server: What the books hold, in words.
        outstanding: What is granted in the books and not settled.
    """

    operator: str
    machine: str
    pending: str
    server: str
    outstanding: str


@dataclass(frozen=True, slots=True)
class Redialled:
    """What became of it.

    Attributes:
        row: The row of REG-5 that the first redial meets, from 1.
        found: What the server does upon it.
        dial_ins: How many until both sides were quiet.
        ended: What became of the request.
        after_paise: CT then.
        funds_paise: The funds then.
    """

    row: int
    found: str
    dial_ins: int
    ended: Ended
    after_paise: int
    funds_paise: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One point and all that was seen there.

    Attributes:
        cut: Where it was cut.
        at_cut: What both sides held then.
        redialled: What became of it.
        findings: What was wrong; none is well.
    """

    cut: Cut
    at_cut: AtCut
    redialled: Redialled
    findings: tuple[str, ...]

    @property
    def seen(self) -> tuple[AtCut, Redialled]:
        """All but the place: points with the same stand in one range."""
        return self.at_cut, self.redialled


def headline(report: DialInReport) -> str:
    """Give the first words that the operator reads, without the reasons."""
    return show_report(report)[0].split(" (")[0].split(":")[0]


def pending_words(pending: Request | None) -> str:
    """Say what is pending at a machine."""
    if pending is None:
        return "nothing"
    return f"{pending.kind.name} {show_rupees(pending.amount_paise)}"


def server_words(books: BooksSeen, before: BooksSeen) -> str:
    """Say what the books hold of a story, compared with those before it."""
    if books.opened:
        return "VOID stored" if books.opened[0].taken_back else "voucher stored"
    if books.number == before.number:
        return "nothing stored"
    return "voided" if books.posted_paise == before.posted_paise else "posted"


def outstanding_words(books: BooksSeen) -> str:
    """Say what is granted and not settled."""
    return ", ".join(
        f"{one.kind.name} {one.number} of {show_rupees(Paise(one.amount_paise))}"
        for one in books.opened
    )


def row_met(record: PsdRecord, books: BooksSeen) -> int:
    """Say which row of REG-5 the next STATEMENT meets."""
    number, total = record.recharge_number, record.registers.control_total_paise
    if number == books.number:
        return 1 if total == books.control_total_paise else 2
    if number < books.number:
        return 7
    if not books.opened or number != books.number + 1:
        return 6
    opened = books.opened[0]
    if total == books.control_total_paise + opened.effect_paise:
        return 3
    return 4 if opened.taken_back and total == books.control_total_paise else 5


def found_words(row: int, books: BooksSeen, pending: Request | None) -> str:
    """Say what the server does when the machine has dialled again."""
    if row == 1 and books.opened:
        stored = "VOID" if books.opened[0].taken_back else "voucher"
        return f"stored {stored} sent again"
    if row == 1:
        return "nothing to settle" if pending is None else "asked again"
    return {3: "posted by the STATEMENT", 4: "voided by the STATEMENT"}.get(
        row, "a discrepancy"
    )
