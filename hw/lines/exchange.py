"""A telephone exchange in one process: machines dial, a server answers, no sockets.

It is both a `Dialler` and a `Listener`, and lays one `VirtualLine` for each call. What
the line of a call is like may depend on the number of the call, so that a test can cut
the first call and let the second one through.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from hw.lines.port import Answer, Call, LineError, LineLoss, LineUser, LossCause
from hw.lines.virtual import VirtualLine, VirtualLineParameters

CallPlan = Callable[[int], VirtualLineParameters]
"""What the line of call 0, 1, 2 and so on is like."""


def every_call(parameters: VirtualLineParameters) -> CallPlan:
    """Plan every call alike; the noise of each still is its own."""
    return lambda _call_number: parameters


class VirtualExchange:
    """Connects calls to whoever listens."""

    def __init__(self, reactor: IReactorTime, plan: CallPlan) -> None:
        """Make an exchange that nobody listens at.

        Args:
            reactor: The time, real or virtual.
            plan: What the lines are like.
        """
        self._reactor = reactor
        self._plan = plan
        self._answer: Answer | None = None
        self._calls = 0
        self._latest: VirtualLine | None = None

    @property
    def address(self) -> str:
        """There is no line string for a place inside a process."""
        return "virtual exchange"

    @property
    def calls(self) -> int:
        """How many calls were connected."""
        return self._calls

    @property
    def latest(self) -> VirtualLine | None:
        """The line of the call that was connected last, for its counters."""
        return self._latest

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: Somebody listens already.
        """
        if self._answer is not None:
            raise LineError("somebody listens at this exchange already")
        self._answer = answer

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        self._answer = None

    def dial(self, user: LineUser) -> Call:
        """Call whoever listens."""
        answering = None if self._answer is None else self._answer("virtual exchange")
        if answering is None:
            return _Unanswered(self._reactor, user)
        number = self._calls
        self._calls += 1
        self._latest = VirtualLine(
            self._reactor, self._plan(number), user, answering, number
        )
        return self._latest.calling_end


class _Unanswered:
    """A call that will be told that nobody answers."""

    def __init__(self, reactor: IReactorTime, user: LineUser) -> None:
        self._cause = LossCause.NO_ANSWER
        self._user = user
        reactor.callLater(0, self._tell)

    def drop(self) -> None:
        self._cause = LossCause.DROPPED_HERE

    def _tell(self) -> None:
        self._user.line_lost(LineLoss(self._cause))
