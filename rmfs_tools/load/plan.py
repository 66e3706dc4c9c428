"""What a load does, and what came of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Final

from protocol.values import Paise, show_rupees
from rmfs_tools.load.heard import Heard
from rmfs_tools.load.judging import Judgement

PARTS_MAX: Final = 3_600
"""Of the time in which dial-ins come due: what is told has to be held and drawn."""
SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "longest": 1.0}
_MS: Final = 1_000
_LATE_S: Final = 0.1
"""Behind it whoever reads must know that it was the load that could not keep up."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is done.

    Attributes:
        server: Folder of the server, for enrolments and for its books.
        fleet: Folder of a fleet that is enrolled, whose first machines dial; empty:
            new machines in memory do.
        line: Where it answers: a line string.
        machines: How many dial.
        rate: Dial-ins that come due in a second, on average.
        seconds: How long.
        processes: In which the machines are, evenly.
        seed: Chooses the moments.
        even: The same gap between all moments, instead of drawn ones.
        amount_paise: Of each recharge.
        attempts: Calls of a dial-in before its machine gives up.
    """

    server: str
    fleet: str
    line: str
    machines: int
    rate: float
    seconds: float
    processes: int
    seed: int
    even: bool
    amount_paise: Paise
    attempts: int

    @property
    def every_s(self) -> int:
        """How long the parts are in which it is told: a second, of a day 24."""
        return max(1, ceil(self.seconds / PARTS_MAX))


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    Attributes:
        load: What was done.
        by_part: What was heard in each part of it, as long as `Load.every_s` says,
            until the last dial-in had ended.
        heard: All of that together.
        judgement: What is in the books and in the machines.
    """

    load: Load
    by_part: Sequence[Heard]
    heard: Heard
    judgement: Judgement

    @property
    def is_good(self) -> bool:
        """Whether something was recharged, and every paisa is where it must be."""
        return self.judgement.is_good and bool(self.heard.confirmed)

    @property
    def served_per_s(self) -> float:
        """Recharges in a second that were complete while dial-ins came due."""
        every_s = self.load.every_s
        whole = max(1, int(self.load.seconds / every_s))
        served = sum(one.confirmed for one in self.by_part[:whole])
        return served / (whole * every_s)

    @property
    def waits_ms(self) -> dict[str, float]:
        """How long a complete recharge took since it came due, by share."""
        return {
            name: round(self.heard.waits.at(share) * _MS, 1)
            for name, share in SHARES.items()
        }

    @property
    def late_ms(self) -> float:
        """How late 99 of 100 dial-ins began at most: the load's own fault."""
        return round(self.heard.late.at(SHARES["p99"]) * _MS, 1)

    @property
    def was_late(self) -> bool:
        """Whether the load could not keep up, so that times say more of it."""
        return self.heard.late.at(SHARES["p99"]) > _LATE_S

    def as_json(self) -> dict[str, Any]:
        """Give it to a program; money in paise."""
        heard = self.heard
        return {
            "load": asdict(self.load),
            "due": heard.due,
            "left_out": heard.left_out,
            "begun": heard.begun,
            "ended": dict(heard.ended.most_common()),
            "redials": heard.redials,
            "busy": heard.busy,
            "served_per_s": round(self.served_per_s, 1),
            "waits_ms": self.waits_ms,
            "late_ms": self.late_ms,
            "every_s": self.load.every_s,
            "by_part": [
                {
                    "due": one.due,
                    "confirmed": one.confirmed,
                    "failed": one.failed,
                    "left_out": one.left_out,
                    "busy": one.busy,
                    "redials": one.redials,
                    "under_way": one.under_way,
                    "p50_ms": round(one.waits.at(SHARES["p50"]) * _MS, 1),
                    "p99_ms": round(one.waits.at(SHARES["p99"]) * _MS, 1),
                }
                for one in self.by_part
            ],
            "judgement": asdict(self.judgement),
        }

    def show(self) -> list[str]:
        """Tell a person."""
        heard, judged, load = self.heard, self.judgement, self.load
        waits = ", ".join(f"{name} {ms:,.0f} ms" for name, ms in self.waits_ms.items())
        ends = ", ".join(f"{count} {kind}" for kind, count in heard.ended.most_common())
        lines = [
            (
                f"{heard.due} dial-ins came due in {load.seconds:g} s, "
                f"{heard.left_out} found no machine free; {ends or 'none ended'}"
            ),
            (
                f"{load.rate:g} offered a second, {self.served_per_s:.1f} served; "
                f"{heard.redials} redials, told to be busy {heard.busy} times"
            ),
            f"a recharge took: {waits}",
            (
                f"{judged.recharges} recharges in the books, "
                f"{show_rupees(Paise(judged.paise))}; lost {judged.lost_paise} paise, "
                f"doubled {judged.doubled_paise}, {judged.unsettled} machines unsettled"
            ),
            *judged.faults,
        ]
        if self.was_late:
            lines.append(
                f"dial-ins began up to {self.late_ms:,.0f} ms late: this load is more "
                "than its processes can do here"
            )
        return lines
