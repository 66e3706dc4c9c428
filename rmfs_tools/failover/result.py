"""What came of a rehearsal, for people and for programs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rmfs_tools.failover.judging import Judgement

EXIT_GOOD: Final = 0
EXIT_LOST: Final = 1
EXIT_DOES_NOT_BITE: Final = 3
"""The control lost nothing, so that nothing is said of the others."""

FAULTS_SHOWN_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Played:
    """One event, and what came of it.

    Attributes:
        event: Its name.
        synchronous: Nothing might be lost in it.
        recharges: Complete ones during the event.
        outage_s: For how long none was complete, at the longest.
        in_doubt: Dial-ins during the event that ended without an answer.
        errors: Questions to the books during the event that the database failed; some
            of them at a COMMIT, whose outcome was unknown then.
        leaders: Who led before, and after.
        judgement: Of everything since the beginning.
        found_again: During this event alone.
        findings: What `rmfs server verify` found.
    """

    event: str
    synchronous: bool
    recharges: int
    outage_s: float
    in_doubt: int
    errors: int
    leaders: tuple[str, str]
    judgement: Judgement
    found_again: int
    findings: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether it came out as it has to."""
        found = self.judgement
        if not self.synchronous:
            return found.lost > 0
        return not (found.lost or found.doubled or found.faults or self.findings)

    def show(self) -> str:
        """Tell a person, in a row of the table."""
        return (
            f"{self.event:18} {self.recharges:9,} {self.outage_s:9.1f} "
            f"{self.in_doubt:9} {self.errors:7} {self.found_again:12} "
            f"{self.judgement.lost:5} {self.judgement.doubled:8}  "
            f"{' to '.join(dict.fromkeys(self.leaders))}"
        )

    def as_json(self) -> dict[str, Any]:
        """Give it to a program; numbers of recharges, seconds."""
        return {
            "event": self.event,
            "synchronous": self.synchronous,
            "recharges": self.recharges,
            "outage_s": round(self.outage_s, 2),
            "in_doubt": self.in_doubt,
            "database_errors": self.errors,
            "found_again": self.found_again,
            "lost": self.judgement.lost,
            "doubled": self.judgement.doubled,
            "faults": len(self.judgement.faults),
            "findings": len(self.findings),
            "leader_before": self.leaders[0],
            "leader_after": self.leaders[1],
            "good": self.is_good,
        }


@dataclass(frozen=True, slots=True)
class Result:
    """All events of a rehearsal."""

    played: Sequence[Played]

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        if any(not one.is_good for one in self.played if one.synchronous):
            return EXIT_LOST
        if any(not one.is_good for one in self.played):
            return EXIT_DOES_NOT_BITE
        return EXIT_GOOD

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        protected = [one for one in self.played if one.synchronous]
        control = [one for one in self.played if not one.synchronous]
        return {
            "events": [one.as_json() for one in self.played],
            "recharges": sum(one.recharges for one in self.played),
            "lost": max((one.judgement.lost for one in protected), default=0),
            "doubled": max((one.judgement.doubled for one in protected), default=0),
            "found_again": sum(one.found_again for one in protected),
            "longest_outage_s": round(
                max((one.outage_s for one in protected), default=0.0), 2
            ),
            "control_lost": sum(one.judgement.lost for one in control),
            "good": self.exit_code == EXIT_GOOD,
        }

    def show(self, say: Callable[[str], None]) -> None:
        """Tell a person."""
        say(
            "event              recharges  outage s  in doubt  errors  found again"
            "  lost  doubled  leader"
        )
        for one in self.played:
            say(one.show())
        for one in self.played:
            if one.synchronous:
                faults = (*one.judgement.faults, *one.findings)
                for words in faults[:FAULTS_SHOWN_MAX]:
                    say(f"{one.event}: {words}")
        say(_LAST_WORDS[self.exit_code])


_LAST_WORDS: Final = {
    EXIT_GOOD: "nothing was lost, and nothing doubled",
    EXIT_LOST: "WRONG: see above",
    EXIT_DOES_NOT_BITE: "the control lost nothing: this rehearsal shows nothing",
}
