"""A link over a line: the one adapter that both ends use.

`LinkDriver` feeds what the line brings to a `protocol.link.Link`, gives its events to
the user, sends what the link wants to send, and arms one timer for whichever of the two
is due first. Everything that decides anything is sans-I/O and elsewhere.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line, LineLoss
from protocol.link import Link, LinkEvent, LinkUp, MessageReceived, State


class LinkUser(Protocol):
    """Whoever talks messages over a link."""

    @property
    def deadline(self) -> float | None:
        """When `handle_timer` is due, in the reactor's seconds, or None."""
        ...

    def link_up(self, driver: "LinkDriver", now: float) -> None:
        """Begin a dialogue: nothing of an earlier one is left."""
        ...

    def message_received(self, message: bytes, now: float) -> None:
        """Take one whole message of the peer."""
        ...

    def link_down(self, reason: str, now: float) -> None:
        """End the dialogue; another `link_up` may follow on the same line."""
        ...

    def line_lost(self, loss: LineLoss, now: float) -> None:
        """End: nothing follows."""
        ...

    def handle_timer(self, now: float) -> None:
        """Look at the time; it may be early."""
        ...


class LinkDriver:
    """Runs one link over one line; a `hw.lines.port.LineUser`.

    Attributes:
        link: The link, for its counters.
        octets_out: Octets handed to the line.
        octets_in: Octets that the line brought.
        on_link_event: Told of each event of the link before the user is; for captures.
    """

    def __init__(
        self, link: Link, reactor: IReactorTime, user: LinkUser, *, connect: bool
    ) -> None:
        """Wait for a line; with `connect` the link is set up as soon as it is up."""
        self.link = link
        self.octets_out = 0
        self.octets_in = 0
        self.on_link_event: Callable[[LinkEvent], None] | None = None
        self._reactor = reactor
        self._user = user
        self._connect = connect
        self._is_up = False
        self._line: Line | None = None
        self._timer: IDelayedCall | None = None

    def line_up(self, line: Line) -> None:
        """Begin to use a line."""
        self._line = line
        if self._connect:
            self.link.connect(self._now())
        self.settle()

    def octets_received(self, octets: bytes) -> None:
        """Feed what came."""
        self.octets_in += len(octets)
        now = self._now()
        self._tell(self.link.receive_each(octets, now), now)
        self.settle()

    def line_lost(self, loss: LineLoss) -> None:
        """End: the timer goes, the user hears it once."""
        self._line = None
        now = self._now()
        self._tell(self.link.line_lost(now), now)
        self._user.line_lost(loss, now)
        self._disarm()

    def send_message(self, message: bytes) -> None:
        """Queue a message of the user; it leaves at the next `settle`.

        One frame may bring both a message and the end of the link, when a wrong one
        that came early follows upon it. Until the user is told of that end, what it
        answers is lost with the link.
        """
        if self._is_up and self.link.state is State.DISCONNECTED:
            return
        self.link.send_message(message, self._now())

    def disconnect(self) -> None:
        """End the link once everything queued is acknowledged."""
        self.link.disconnect(self._now())

    def drop(self) -> None:
        """Hang up after the link's last word, such as the UA on a DISC, has left."""
        self.settle()
        if self._line is not None:
            self._line.drop()

    def settle(self) -> None:
        """Transmit and re-arm: to be called after anything that may have changed.

        A timer that is due no later than it has to be stays: most deadlines move on
        with every frame, and a timer that comes early does nothing but arm the next.
        """
        line = self._line
        octets = self.link.octets_to_send()
        if octets and line is not None:
            self.octets_out += len(octets)
            line.send(octets)
        due = self.link.deadline
        users = self._user.deadline
        if due is None or (users is not None and users < due):
            due = users
        timer = self._timer
        if due is None or line is None:
            self._disarm()
        elif timer is None:
            self._timer = self._reactor.callLater(self._until(due), self._timer_fired)
        elif timer.getTime() > due:
            # Not reset: Twisted looks for a timer that comes sooner among all it has.
            timer.cancel()
            self._timer = self._reactor.callLater(self._until(due), self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        now = self._now()
        self._tell(self.link.handle_timer(now), now)
        self._user.handle_timer(now)
        self.settle()

    def _tell(self, events: Iterable[LinkEvent], now: float) -> None:
        # Each event is acted upon before the next frame is looked at.
        for event in events:
            if self.on_link_event is not None:
                self.on_link_event(event)
            if isinstance(event, MessageReceived):
                self._user.message_received(event.octets, now)
            elif isinstance(event, LinkUp):
                self._is_up = True
                self._user.link_up(self, now)
            else:
                self._is_up = False
                self._user.link_down(event.reason.value, now)

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _until(self, due: float) -> float:
        return max(0.0, due - self._now())

    def _now(self) -> float:
        return float(self._reactor.seconds())
