"""Verdicts of cases: they only worsen, and each has its reason.

The order is that of TTCN-3 (ETSI ES 201 873-1, clause 24): a case that failed cannot
pass any more, whatever follows, and the first reason of the worst verdict is kept.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Verdict(Enum):
    """How a case came out."""

    NOT_APPLICABLE = "NOT APPLICABLE"
    """The declaration says that the unit does not do what the case tests."""
    PASS = "PASS"  # noqa: S105
    """Everything that the case expects was seen."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """What had to come first did not happen: nothing is said of the clause."""
    FAIL = "FAIL"
    """The unit did not do what the clause says."""
    ERROR = "ERROR"
    """The bench, the line or a hook failed: nothing is said of the unit."""


NOTHING_ASSERTED: Final = "nothing was asserted"
_WORSE: Final = {
    None: 0,
    Verdict.NOT_APPLICABLE: 1,
    Verdict.PASS: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.FAIL: 3,
    Verdict.ERROR: 4,
}


class Level(Enum):
    """How binding a clause is (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"


@dataclass(slots=True)
class Judgement:
    """What is known of a case so far.

    Attributes:
        verdict: The worst so far; None before anything was asserted.
        reason: Why, in words; of the first that was so bad.
        asserted: How many expectations were met.
    """

    verdict: Verdict | None = None
    reason: str = ""
    asserted: int = 0

    def met(self) -> None:
        """Note that an expectation of the case was met."""
        self.asserted += 1

    def worsen(self, verdict: Verdict, reason: str) -> None:
        """Note something worse; what is better than what is known changes nothing."""
        if _WORSE[verdict] > _WORSE[self.verdict]:
            self.verdict = verdict
            self.reason = reason

    def conclude(self) -> None:
        """End: what met its expectations passes; what had none says nothing."""
        if self.verdict is not None:
            return
        if self.asserted:
            self.worsen(Verdict.PASS, "as expected")
        else:
            self.worsen(Verdict.INCONCLUSIVE, NOTHING_ASSERTED)
