"""Recorded lines: what a dialler or listener brings, with a tap beside it.

The tap hears what the line brings and what is given to it; it changes nothing, and a
line with a tap keeps all rules of `hw.lines.port`. Times are those at this end: a frame
that is sent is recorded when it is handed to the line.
"""

from collections.abc import Callable

from hw.capture import CaptureDirection, LineEvent
from hw.lines.port import Answer, Call, Dialler, Line, LineLoss, LineUser, Listener
from hw.link_driver import LinkDriver
from hw.seen.tap import Tap
from protocol.link import LinkDown, LinkEvent, LinkUp, Role

TapMaker = Callable[[str], Tap | None]
"""Begins the capture of a call from its caller's name; None records nothing."""


class RecordedDialler:
    """A `Dialler` whose calls are recorded, one after another; the machine's end."""

    def __init__(self, dialler: Dialler, tap: Tap, where: str) -> None:
        """Put a tap beside what `dialler` brings.

        Args:
            dialler: Makes the lines.
            tap: Hears all of them.
            where: What is dialled, such as a line string.
        """
        self._dialler = dialler
        self._tap = tap
        self._where = where

    def dial(self, user: LineUser) -> Call:
        """Call that place for `user`."""
        self._tap.event(LineEvent.DIALLED, self._where)
        return self._dialler.dial(RecordedUser(user, self._tap, Role.MACHINE))


class RecordedListener:
    """A `Listener` whose calls are recorded, each by a tap of its own."""

    def __init__(self, listener: Listener, make_tap: TapMaker) -> None:
        """Put taps beside what `listener` brings."""
        self._listener = listener
        self._make_tap = make_tap

    @property
    def address(self) -> str:
        """The line string by which others reach this listener."""
        return self._listener.address

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on; one that is refused is not recorded.

        Raises:
            LineError: The place is taken or not ours.
        """

        def answered(caller: str) -> LineUser | None:
            user = answer(caller)
            if user is None:
                return None
            tap = self._make_tap(caller)
            return user if tap is None else RecordedUser(user, tap, Role.SERVER)

        self._listener.listen(answered)

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        self._listener.close()


class RecordedUser:
    """Stands between a line and its user; both notice nothing."""

    def __init__(self, user: LineUser, tap: Tap, role: Role) -> None:
        """Join a user and a tap.

        Args:
            user: Whoever talks over the line. A `LinkDriver` tells of its link as well.
            tap: Hears the line.
            role: Of this end.
        """
        self._user = user
        self._tap = tap
        own = CaptureDirection.FROM_MACHINE
        peers = CaptureDirection.TO_MACHINE
        self._sent, self._received = (
            (own, peers) if role is Role.MACHINE else (peers, own)
        )
        if isinstance(user, LinkDriver):
            user.on_link_event = self._link_event

    def line_up(self, line: Line) -> None:
        """Record that the line is up."""
        self._tap.event(LineEvent.UP, line.name)
        self._user.line_up(_RecordedLine(line, self._tap, self._sent))

    def octets_received(self, octets: bytes) -> None:
        """Record what came, then give it to the user."""
        if not self._tap.hears_port:
            self._tap.octets(self._received, octets)
        self._user.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        """Record what was left of a frame, and the loss with its cause."""
        if not self._tap.hears_port:
            self._tap.ended()
        self._user.line_lost(loss)
        self._tap.event(LineEvent.LOST, str(loss))

    def _link_event(self, event: LinkEvent) -> None:
        if isinstance(event, LinkUp):
            self._tap.event(LineEvent.LINK_UP)
        elif isinstance(event, LinkDown):
            self._tap.event(LineEvent.LINK_DOWN, event.reason.value)


class _RecordedLine:
    """A line that records what is given to it."""

    def __init__(self, line: Line, tap: Tap, sent: CaptureDirection) -> None:
        self._line = line
        self._tap = tap
        self._sent = sent

    @property
    def name(self) -> str:
        """Who is at the far end."""
        return self._line.name

    def send(self, octets: bytes) -> None:
        """Record octets and hand them to the line."""
        if not self._tap.hears_port:
            self._tap.octets(self._sent, octets)
        self._line.send(octets)

    def drop(self) -> None:
        """Hang up."""
        self._line.drop()
