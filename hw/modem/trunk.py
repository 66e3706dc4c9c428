"""Calls that come in: the called end of a line, and lines from other places."""

from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line, LineLoss, LineUser
from hw.lines.relay import PENDING_OCTETS_MAX, Splice, SpliceSide
from hw.lines.virtual import VirtualLine, VirtualLineParameters
from hw.modem.telephone import Bell, PhoneCall

RINGS_FOR_S: Final = 60.0
"""How long a line from another place waits until it is answered."""


class AnsweredCall:
    """The called end of a line: its `PhoneCall`, and the line's user before the real.

    A call that is dropped before its line is up is never up for the real user.
    """

    def __init__(self, bit_s: int, user: LineUser) -> None:
        """Answer at a speed for a user."""
        self.bit_s = bit_s
        self.rings_there = False
        self._user = user
        self._line: Line | None = None
        self._is_dropped = False

    def drop(self) -> None:
        """Hang up, as soon as there is a line."""
        self._is_dropped = True
        if self._line is not None:
            self._line.drop()

    def line_up(self, line: Line) -> None:
        """Pass it on, unless it was dropped."""
        self._line = line
        if self._is_dropped:
            line.drop()
        else:
            self._user.line_up(line)

    def octets_received(self, octets: bytes) -> None:
        """Pass them on."""
        self._user.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        """Pass it on."""
        self._user.line_lost(loss)


class TrunkCall:
    """A line from another place that rings a bell here; its user, until it is answered.

    It is an `IncomingCall` of the bell. What comes before the modem has answered waits.
    """

    def __init__(
        self, reactor: IReactorTime, bell: Bell, number: int, caller: str
    ) -> None:
        """Wait for the line.

        Args:
            reactor: The time, real or virtual.
            bell: What rings.
            number: Of the call, for noise of its own.
            caller: The name of the other place, which is no telephone number.
        """
        self.name = caller
        self._reactor = reactor
        self._bell = bell
        self._number = number
        self._line: Line | None = None
        self._waiting = bytearray()
        self._side: SpliceSide | None = None
        self._limit: IDelayedCall | None = None

    @property
    def caller(self) -> str:
        """The caller has no number."""
        return ""

    def answer(self, user: LineUser, bit_s_max: int) -> PhoneCall:
        """Lay a line of that speed before the one from the other place."""
        self._stop_limit()
        splice = Splice()
        answered = AnsweredCall(bit_s_max, user)
        parameters = VirtualLineParameters(bit_s=bit_s_max)
        line = VirtualLine(
            self._reactor, parameters, splice.right, answered, self._number
        )
        splice.right.call = line.calling_end
        self._side = side = splice.left
        if self._line is not None:
            side.line_up(self._line)
        if self._waiting:
            side.octets_received(bytes(self._waiting))
            self._waiting.clear()
        return answered

    def line_up(self, line: Line) -> None:
        """Ring."""
        self._line = line
        if self._bell.is_busy:
            line.drop()
        else:
            self._limit = self._reactor.callLater(RINGS_FOR_S, line.drop)
            self._bell.ring(self)

    def octets_received(self, octets: bytes) -> None:
        """Pass them on, or keep them until the call is answered."""
        if self._side is not None:
            self._side.octets_received(octets)
        elif self._line is not None and (
            len(self._waiting) + len(octets) > PENDING_OCTETS_MAX
        ):
            self._line.drop()
        else:
            self._waiting += octets

    def line_lost(self, loss: LineLoss) -> None:
        """Hang up here too, or stop ringing."""
        self._stop_limit()
        self._waiting.clear()
        if self._side is not None:
            self._side.line_lost(loss)
        elif self._limit is not None:
            self._bell.stop_ringing()

    def _stop_limit(self) -> None:
        if self._limit is not None and self._limit.active():
            self._limit.cancel()
