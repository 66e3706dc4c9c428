"""What must hold whatever a fuzz case has said, and what is found when it does not.

======= ==============================================================================
oracle  what it says
======= ==============================================================================
ALIVE   the unit still runs, and serves a good dial-in
TIME    it answers or hangs up in the time that SPEC.md allows
MEMORY  what it holds in memory stays below a bound
MONEY   no value comes from nothing, none is lost, no voucher counts twice
IGNORED what must be ignored has changed nothing
SECRET  nothing that the channel hides is on the line in clear
CLAUSE  a clause that can be seen in every dialogue was broken
======= ==============================================================================
"""

from dataclasses import dataclass
from enum import Enum


class Oracle(Enum):
    """Who has found something."""

    ALIVE = "ALIVE"
    TIME = "TIME"
    MEMORY = "MEMORY"
    MONEY = "MONEY"
    IGNORED = "IGNORED"
    SECRET = "SECRET"  # noqa: S105  a name, and no secret
    CLAUSE = "CLAUSE"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be.

    Attributes:
        oracle: Who has found it.
        clause: The clause that is broken.
        reason: In which way, with values.
    """

    oracle: Oracle
    clause: str
    reason: str

    def __str__(self) -> str:
        """Show it in a line."""
        return f"{self.oracle.value} {self.clause}: {self.reason}"
