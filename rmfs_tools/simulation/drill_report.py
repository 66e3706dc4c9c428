"""What a restore drill tells: a row for each case, the totals, and a last line."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from protocol.values import Paise, show_rupees
from rmfs_tools.simulation.drill_result import DrillResult, Fate


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the machines of one case.

    Attributes:
        case: Its name.
        machines: How many played it.
        settled: How many of them are as they must be.
        found: Which discrepancies, and of how many machines.
        actions: What was done, and with how many machines.
        dial_ins: How often they dialled after the restore.
        behind_paise: How much CT in their memories was ahead of the books put back.
        difference_paise: What their licences have at the end beyond their deposits.
    """

    case: str
    machines: int
    settled: int
    found: dict[str, int]
    actions: dict[str, int]
    dial_ins: int
    behind_paise: int
    difference_paise: int


def rows(result: DrillResult) -> list[Row]:
    """Sum up the machines of each case, in the order of the cases."""
    by_case: dict[str, list[Fate]] = {}
    for case, fate in result.fates.values():
        by_case.setdefault(case.name, []).append(fate)
    return [
        Row(
            case=name,
            machines=len(fates),
            settled=sum(not fate.wrong for fate in fates),
            found=dict(Counter(", ".join(fate.codes) or "nothing" for fate in fates)),
            actions=dict(
                Counter(", ".join(fate.actions) or "nothing" for fate in fates)
            ),
            dial_ins=sum(fate.dial_ins for fate in fates),
            behind_paise=sum(fate.behind_paise for fate in fates),
            difference_paise=sum(fate.difference_paise for fate in fates),
        )
        for name, fates in by_case.items()
    ]


def summary(result: DrillResult) -> dict[str, Any]:
    """Give the last line for programs."""
    return {
        "machines": len(result.fates),
        "settled": result.settled,
        "lost_paise": result.lost_paise,
        "doubled_paise": result.doubled_paise,
        "suspense_paise": result.totals["settled"].suspense,
        "findings": result.findings,
        "cases": len(rows(result)),
        "frozen": sum(bool(fate.codes) for _, fate in result.fates.values()),
        "rounds": result.rounds,
        "dial_ins": result.dial_ins,
        "dial_ins_after": sum(fate.dial_ins for _, fate in result.fates.values()),
        "commands": dict(result.commands),
        "totals_paise": {
            moment: asdict(totals) for moment, totals in result.totals.items()
        },
        "history": result.history,
    }


def show(result: DrillResult) -> Iterator[str]:
    """Show a drill to a person."""
    form = "{:<37} {:>4} {:<22} {:<20} {:>8} {:>16}"
    yield form.format("case", "", "found", "done", "dial-ins", "machines ahead")
    for row in rows(result):
        yield form.format(
            row.case,
            row.machines,
            "; ".join(row.found),
            "; ".join(row.actions),
            row.dial_ins,
            show_rupees(Paise(row.behind_paise)),
        )
    yield ""
    form = "{:<10} {:>18} {:>18} {:>18} {:>16} {:>18} {:>12}"
    names = ("deposited", "in machines", "funds", "reserved", "booked", "suspense")
    yield form.format("", *names)
    for moment, totals in result.totals.items():
        shown = (show_rupees(Paise(amount)) for amount in asdict(totals).values())
        yield form.format(moment, *shown)
    yield ""
    given = ", ".join(f"{name} {times}" for name, times in result.commands.items())
    yield f"commands: {given}"
    for licence, (case, fate) in result.fates.items():
        if fate.wrong:
            yield f"{licence}, {case.name}: {'; '.join(fate.wrong)}"
    yield (
        f"{result.settled} of {len(result.fates)} machines settled, "
        f"{show_rupees(Paise(result.lost_paise))} lost, "
        f"{show_rupees(Paise(result.doubled_paise))} doubled, "
        f"{result.findings} findings in the books"
    )
