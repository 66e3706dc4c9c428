"""Virtual lines between processes: TCP on both sides, a paced noisy line in between.

`Splice` joins two lines so that what one brings the other sends. With it a virtual line
can be put before a dialler (`PacedDialler`), behind a listener (`PacedListener`), or
between two programs that know nothing of it (`Relay`). *Up* is always from the caller.
"""

from typing import Final

from twisted.internet.interfaces import IReactorTime

from hw.lines.exchange import CallPlan
from hw.lines.port import Answer, Call, Dialler, Line, LineLoss, LineUser, Listener
from hw.lines.virtual import VirtualLine

PENDING_OCTETS_MAX: Final = 65_536
"""Most octets that wait for the other side of a splice to come up."""

CALLS_MAX: Final = 64
"""Most calls that a relay carries at once unless it is told otherwise."""


class Splice:
    """Joins two lines: octets of one go to the other, the loss of one drops both.

    Attributes:
        left: The user to be given to one line.
        right: The user to be given to the other.
    """

    def __init__(self) -> None:
        """Join two lines that are not up yet."""
        self.left = SpliceSide()
        self.right = SpliceSide()
        self.left.other = self.right
        self.right.other = self.left

    @property
    def is_over(self) -> bool:
        """Whether both lines are lost."""
        return self.left.is_lost and self.right.is_lost


class SpliceSide:
    """The user of one of the two lines; made by `Splice`.

    Attributes:
        call: The call that is to bring this side up, where it is the one that dials.
    """

    other: "SpliceSide"

    def __init__(self) -> None:
        """Wait for a line."""
        self.call: Call | None = None
        self._line: Line | None = None
        self._waiting = bytearray()
        self._is_dropped = False
        self._is_lost = False

    @property
    def is_lost(self) -> bool:
        """Whether this line was lost."""
        return self._is_lost

    def line_up(self, line: Line) -> None:
        """Send what the other line has brought so far."""
        self._line = line
        line.send(bytes(self._waiting))
        self._waiting.clear()
        if self._is_dropped:
            line.drop()

    def octets_received(self, octets: bytes) -> None:
        """Send them over the other line."""
        self.other.send(octets)

    def line_lost(self, loss: LineLoss) -> None:
        """Drop the other line too."""
        self._is_lost = True
        self._waiting.clear()
        self.other.drop()

    def send(self, octets: bytes) -> None:
        """Send octets over this line, as soon as it is up."""
        if self._line is not None:
            self._line.send(octets)
        elif len(self._waiting) + len(octets) > PENDING_OCTETS_MAX:
            self.drop()
            self.other.drop()
        else:
            self._waiting += octets

    def drop(self) -> None:
        """Hang this line up, or give up its call."""
        self._is_dropped = True
        if self._line is not None:
            self._line.drop()
        elif self.call is not None:
            self.call.drop()


class PacedDialler:
    """Dials by way of another dialler, with a virtual line on this side of it.

    The virtual line is laid when the other line is up, so that a place that does not
    answer is heard of as such.
    """

    def __init__(self, reactor: IReactorTime, plan: CallPlan, through: Dialler) -> None:
        """Put lines as `plan` has them before the lines of `through`."""
        self._reactor = reactor
        self._plan = plan
        self._through = through
        self._calls = 0

    def dial(self, user: LineUser) -> Call:
        """Call the place of the other dialler for `user`."""
        number = self._calls
        self._calls += 1
        call = _PacedCall(self._reactor, self._plan, number, user)
        call.attempt = self._through.dial(call)
        return call


class PacedListener:
    """Answers the calls of another listener, with a virtual line on this side of it."""

    def __init__(
        self, reactor: IReactorTime, plan: CallPlan, through: Listener
    ) -> None:
        """Put lines as `plan` has them behind the lines of `through`."""
        self._reactor = reactor
        self._plan = plan
        self._through = through
        self._calls = 0

    @property
    def address(self) -> str:
        """The line string of the other listener."""
        return self._through.address

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: The place is taken or not ours.
        """

        def answer_through(caller: str) -> LineUser | None:
            user = answer(caller)
            if user is None:
                return None
            splice = Splice()
            number = self._calls
            self._calls += 1
            line = VirtualLine(
                self._reactor,
                self._plan(number),
                splice.right,
                user,
                number,
                side="answered call",
            )
            splice.right.call = line.calling_end
            return splice.left

        self._through.listen(answer_through)

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        self._through.close()


class Relay:
    """Passes the calls of a listener on to a dialler, a bounded number at a time."""

    def __init__(
        self, listener: Listener, dialler: Dialler, calls_max: int = CALLS_MAX
    ) -> None:
        """Join what calls `listener` to what `dialler` reaches.

        Args:
            listener: Where clients call.
            dialler: Where each call goes on to; a `PacedDialler` for a virtual line.
            calls_max: Further calls are refused.
        """
        self._listener = listener
        self._dialler = dialler
        self._calls_max = calls_max
        self._splices: list[Splice] = []

    @property
    def address(self) -> str:
        """Where clients call."""
        return self._listener.address

    @property
    def calls(self) -> int:
        """How many calls are carried now."""
        self._splices = [splice for splice in self._splices if not splice.is_over]
        return len(self._splices)

    def start(self) -> None:
        """Carry calls from now on.

        Raises:
            LineError: The listener's place is taken or not ours.
        """
        self._listener.listen(self._answer)

    def stop(self) -> None:
        """Answer no more, and drop the calls that are carried."""
        self._listener.close()
        for splice in self._splices:
            splice.left.drop()
            splice.right.drop()

    def _answer(self, caller: str) -> LineUser | None:
        if self.calls >= self._calls_max:
            return None
        splice = Splice()
        splice.right.call = self._dialler.dial(splice.right)
        self._splices.append(splice)
        return splice.left


class _PacedCall:
    """A call by way of another dialler: its line's user first, then a splice."""

    attempt: Call

    def __init__(
        self, reactor: IReactorTime, plan: CallPlan, number: int, user: LineUser
    ) -> None:
        self._reactor = reactor
        self._plan = plan
        self._number = number
        self._user = user
        self._far_side: SpliceSide | None = None
        self._near_end: Call | None = None

    def drop(self) -> None:
        if self._near_end is None:
            self.attempt.drop()
        else:
            self._near_end.drop()

    def line_up(self, line: Line) -> None:
        splice = Splice()
        virtual_line = VirtualLine(
            self._reactor,
            self._plan(self._number),
            self._user,
            splice.left,
            self._number,
        )
        self._near_end = virtual_line.calling_end
        self._far_side = splice.right
        splice.right.line_up(line)

    def octets_received(self, octets: bytes) -> None:
        if self._far_side is not None:
            self._far_side.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        if self._far_side is None:
            self._user.line_lost(loss)
        else:
            self._far_side.line_lost(loss)
