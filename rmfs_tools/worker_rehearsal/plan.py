"""What a rehearsal of workers does, and what came of it."""

from dataclasses import dataclass
from typing import Any, Final

from rmfs_tools.load.heard import Heard
from rmfs_tools.load.judging import Judgement

_MS: Final = 1_000
_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "longest": 1.0}
_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to whom.

    Attributes:
        machines: How many dial.
        rate: Dial-ins that begin in a second.
        seconds: How long.
        workers: Of the server.
        kill_every_s: From one kill of a worker to the next.
        database_kills: How often the database is killed, at even distances.
        database_away_s: How long it stays away each time, at least.
        seed: Decides which worker is killed.
        durable: Whether the database waits for the disk at each commit. One that does
            not must lose what it was told, or the rehearsal shows nothing.
    """

    machines: int
    rate: float
    seconds: float
    workers: int = 3
    kill_every_s: float = 1.0
    database_kills: int = 1
    database_away_s: float = 2.0
    seed: int = 1
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """All of it."""

    plan: Plan
    heard: Heard
    silent_s: float
    worker_kills: int
    database_kills: int
    wall_s: float
    judgement: Judgement
    answered: dict[str, int]

    @property
    def is_good(self) -> bool:
        """Whether the rehearsal went as it must."""
        return self.judgement.is_good and bool(self.heard.confirmed)

    def waits_ms(self) -> dict[str, float]:
        """Give how long a complete recharge took, by share."""
        return {
            name: round(self.heard.waits.at(share) * _MS, 1)
            for name, share in _SHARES.items()
        }

    def summary(self) -> dict[str, Any]:
        """Give it to a program."""
        heard, judged = self.heard, self.judgement
        return {
            "machines": self.plan.machines,
            "workers": self.plan.workers,
            "rate": self.plan.rate,
            "seconds": round(self.wall_s, _DIGITS),
            "dial_ins": heard.begun,
            "left_out": heard.left_out,
            "ended": dict(heard.ended),
            "redials": heard.redials,
            "worker_kills": self.worker_kills,
            "database_kills": self.database_kills,
            "waits_ms": self.waits_ms(),
            "silent_ms": round(self.silent_s * _MS, 1),
            "answered": self.answered,
            "recharges": judged.recharges,
            "paise": judged.paise,
            "lost_paise": judged.lost_paise,
            "doubled_paise": judged.doubled_paise,
            "unsettled": judged.unsettled,
            "faults": list(judged.faults),
        }

    def show(self) -> str:
        """Say it in words."""
        heard, judged, waits = self.heard, self.judgement, self.waits_ms()
        ends = ", ".join(f"{count} {name}" for name, count in heard.ended.items())
        waited = ", ".join(f"{name} {value:,.0f} ms" for name, value in waits.items())
        return "\n".join(
            (
                (
                    f"{heard.begun} dial-ins in {self.wall_s:.1f} s, {heard.left_out} "
                    f"left out, {heard.redials} redials: {ends}"
                ),
                (
                    f"{self.worker_kills} kills of {self.plan.workers} workers, "
                    f"{self.database_kills} of the database"
                ),
                f"a recharge took: {waited}",
                f"longest time without a recharge: {self.silent_s:.1f} s",
                (
                    f"{judged.recharges} recharges in the books; lost "
                    f"{judged.lost_paise} paise, doubled {judged.doubled_paise}, "
                    f"{judged.unsettled} machines unsettled"
                ),
                *judged.faults,
            )
        )
