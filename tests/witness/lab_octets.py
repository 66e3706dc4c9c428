"""The octets of a bench, as they pass between it and its lines.

They are taken where the bench hangs on the line, before it has looked at them and after
it has let go of them: cut as the line cuts them, with flags, escapes and FCS.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hw.lines.exchange import CallPlan, VirtualExchange
from hw.lines.port import Answer, Call, Line, LineLoss, LineUser
from protocol.link import Role
from rmfs_tools.simulation.clock import SimulatedClock
from tests.oracle.octets import Way


@dataclass(frozen=True)
class Octets:
    """What passed at once; empty when the line was lost.

    Attributes:
        at_s: In the seconds of the reactor.
        line: Number of the line, from 1.
        way: Which end they come from.
        octets: As they passed.
    """

    at_s: float
    line: int
    way: Way
    octets: bytes


_Tell = Callable[[Way, bytes], None]


class HeardExchange(VirtualExchange):
    """An exchange that writes down what passes at the bench's end of its lines.

    Attributes:
        heard: All of it, in order.
        clock: The time.
    """

    def __init__(self, clock: SimulatedClock, plan: CallPlan, bench: Role) -> None:
        """Connect calls.

        Args:
            clock: The time.
            plan: What the lines are like.
            bench: The end that is listened at.
        """
        super().__init__(clock, plan)
        self.heard: list[Octets] = []
        self.clock = clock
        self._bench = bench
        self._lines = 0

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on."""

        def answered(caller: str) -> LineUser | None:
            user = answer(caller)
            return None if user is None else self._beside(user)

        super().listen(answered if self._bench is Role.SERVER else answer)

    def dial(self, user: LineUser) -> Call:
        """Call whoever listens."""
        return super().dial(self._beside(user) if self._bench is Role.MACHINE else user)

    def _beside(self, user: LineUser) -> LineUser:
        self._lines += 1
        line = self._lines
        own = Way.MACHINE if self._bench is Role.MACHINE else Way.SERVER

        def tell(way: Way, octets: bytes) -> None:
            self.heard.append(Octets(self.clock.seconds(), line, way, octets))

        return _HeardUser(user, own, tell)


class _HeardUser:
    """Stands between a line and the bench; both notice nothing."""

    def __init__(self, user: LineUser, own: Way, tell: _Tell) -> None:
        self._user = user
        self._own = own
        self._tell = tell

    def line_up(self, line: Line) -> None:
        """Pass it on."""
        self._user.line_up(_HeardLine(line, self._own, self._tell))

    def octets_received(self, octets: bytes) -> None:
        """Write down what came, and pass it on."""
        self._tell(self._own.other, octets)
        self._user.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        """Write down the end, and pass it on."""
        self._tell(self._own.other, b"")
        self._user.line_lost(loss)


class _HeardLine:
    """A line that writes down what is given to it."""

    def __init__(self, line: Line, own: Way, tell: _Tell) -> None:
        self._line = line
        self._own = own
        self._tell = tell

    @property
    def name(self) -> str:
        """Who is at the far end."""
        return self._line.name

    def send(self, octets: bytes) -> None:
        """Write down octets, and hand them to the line."""
        self._tell(self._own, octets)
        self._line.send(octets)

    def drop(self) -> None:
        """Hang up."""
        self._line.drop()
