"""The port for lines: what a driver may ask of any line, and what any line promises.

A line carries octets both ways, in order, until it is lost. It may damage, delay and
lose them; it never says so. Making lines is the business of a `Dialler` (the machine)
and a `Listener` (the server).

Every line keeps these rules, so that drivers need no case for one kind of line:

1. A user hears `line_up` at most once, then `octets_received` any number of times,
   and `line_lost` **exactly once**, last. A call that nobody answers has a `line_lost`
   only.
2. No callback runs inside `dial`, `send` or `drop`: always in a later reactor turn.
3. `send` after the loss, or after `drop`, throws the octets away: a driver may not
   have heard of the loss yet.
4. `drop` hangs up after everything sent before it has left. Nothing is received from
   then on; the `line_lost` that follows says `DROPPED_HERE`.
5. What waits to be sent is bounded. When the bound is passed the line is lost at both
   ends with `OVERFLOW`: the peer has stopped reading, or the line is too slow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from protocol.errors import RmfsError


class LineError(RmfsError):
    """A line cannot be set up as asked: an address is in use, a setting impossible."""


class LossCause(Enum):
    """Why a line was lost, as far as this end can know."""

    NO_ANSWER = "no answer"
    DROPPED_HERE = "dropped here"
    DROPPED_BY_PEER = "dropped by the peer"
    CARRIER_LOST = "carrier lost"
    OVERFLOW = "too much waited to be sent"
    BUSY = "busy"
    NO_DIALTONE = "no dial tone"
    NO_CARRIER = "no carrier: the two modems did not agree"
    NO_MODEM = "the modem does not answer"
    MODEM_REFUSED = "the modem refused"
    NO_PORT = "the port cannot be used"


@dataclass(frozen=True)
class LineLoss:
    """The end of a line: the cause for programs, the detail for people."""

    cause: LossCause
    detail: str = ""

    def __str__(self) -> str:
        """Show both."""
        cause = self.cause.value
        return f"{cause}: {self.detail}" if self.detail else cause


class Line(Protocol):
    """One end of a line that is up."""

    @property
    def name(self) -> str:
        """Who is at the far end, for logs and limits; never proof of identity."""
        ...

    def send(self, octets: bytes) -> None:
        """Hand octets to the line."""
        ...

    def drop(self) -> None:
        """Hang up after what was sent has left; a second time does nothing."""
        ...


class LineUser(Protocol):
    """Whoever talks over a line: it is told what happens, in the order of rule 1."""

    def line_up(self, line: Line) -> None:
        """Begin: the line carries octets from now on."""
        ...

    def octets_received(self, octets: bytes) -> None:
        """Take octets from the far end, at least one, cut anywhere."""
        ...

    def line_lost(self, loss: LineLoss) -> None:
        """End: nothing follows."""
        ...


class Call(Protocol):
    """A call that was dialled, answered or not."""

    def drop(self) -> None:
        """Give the call up, or hang up the line that came of it."""
        ...


class Dialler(Protocol):
    """Makes lines to one place."""

    def dial(self, user: LineUser) -> Call:
        """Call that place for `user`."""
        ...


Answer = Callable[[str], LineUser | None]
"""Makes the user of an incoming line from its caller's name, or refuses with None."""


class Listener(Protocol):
    """Answers lines that others dial."""

    @property
    def address(self) -> str:
        """The line string by which others reach this listener."""
        ...

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: The place is taken or not ours.
        """
        ...

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        ...
