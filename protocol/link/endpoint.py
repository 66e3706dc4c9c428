"""One end of a link, without I/O: octets and time go in, octets and events come out.

A driver is always the same five lines: feed `receive_octets` (or `handle_timer`), act
upon the events, drain `octets_to_send`, send them, and only then read `deadline` and
arm one timer. Frames are made while draining, so that an acknowledgement rides on the
answer that the events led to.

Nothing that the peer sends raises. `LocalProtocolError` means that our own code is
wrong.

Source: SPEC.md LINK; the procedures are a table in `protocol.link.procedures`.
"""

from collections.abc import Iterator

from protocol.errors import LocalProtocolError, NoTransitionError
from protocol.link.events import LinkCounters, LinkEvent
from protocol.link.frames import (
    Fault,
    ForeignFrame,
    Frame,
    FrameKind,
    MalformedFrame,
    decode_frame,
    encode_control,
)
from protocol.link.framing import Deframer
from protocol.link.outbox import OnFrame, Outbox
from protocol.link.parameters import (
    DEFAULT,
    QUEUE_OCTETS_MAX,
    Direction,
    LinkParameters,
    Role,
)
from protocol.link.procedures import TABLE, Station, set_up_event
from protocol.link.reports import decode_report
from protocol.link.states import (
    FRAME_EVENTS,
    AbortOrdered,
    AcknowledgementDue,
    AgreementOverdue,
    AllAcknowledged,
    ConnectOrdered,
    DisconnectAccepted,
    DisconnectOrdered,
    LineIdle,
    LineLost,
    NegotiationOrdered,
    NoLinkReported,
    OfferAnswered,
    OfferReceived,
    ReplyOverdue,
    RetriesExhausted,
    SetUpAccepted,
    SetUpRefused,
    State,
    ViolationReceived,
)
from protocol.link.xid import decode_offer

_CONTROL_OCTETS_MAX = 3
"""Address, and a control field of 2 octets."""
_ALWAYS_POSSIBLE = frozenset({FrameKind.DISC, FrameKind.FRMR})
"""Frames of a link in which there is nothing to be wrong."""


class Link:
    """One end of a link; built once for a stream of octets, for one call or many."""

    def __init__(
        self,
        role: Role,
        parameters: LinkParameters = DEFAULT,
        *,
        on_frame: OnFrame | None = None,
    ) -> None:
        """Begin disconnected.

        Args:
            role: Machine (dials) or server (waits).
            parameters: What this end is set to; where they differ from the defaults on
                the wire, a machine asks for them by XID and a server grants them.
            on_frame: Told of every frame sent and every good frame received, from the
                address octet up to the FCS, not included; for captures.
        """
        self.counters = LinkCounters()
        self._on_frame = on_frame
        self._role = role
        longest = max(parameters.frame_octets_max, DEFAULT.frame_octets_max)
        # A frame up to twice too long is still verified, and answered with FRMR.
        self._deframer = Deframer(
            _CONTROL_OCTETS_MAX + 2 * longest, self.counters.framing
        )
        self._outbox = Outbox(role, self.counters, on_frame)
        self._station = Station(
            role, parameters, self._outbox, self._deframer, self.counters
        )
        self._state = State.DISCONNECTED

    @property
    def state(self) -> State:
        """Where this end is."""
        return self._state

    @property
    def parameters(self) -> LinkParameters:
        """In force for the link that is up, or for the next SABM."""
        return self._station.agreed

    @property
    def deadline(self) -> float | None:
        """When `handle_timer` is to be called; read it after draining."""
        return self._station.timers.deadline

    @property
    def octets_queued(self) -> int:
        """Octets of messages that wait for the window to open."""
        transfer = self._station.transfer
        return 0 if transfer is None else transfer.queue.octets

    def connect(self, now: float) -> None:
        """Dial: a machine sends SABM, after XID if it wants other parameters.

        A server waits for SABM, whatever it is told.

        Raises:
            LocalProtocolError: The machine is not disconnected.
        """
        self._station.now = now
        if self._role is Role.SERVER:
            return
        if self._state is not State.DISCONNECTED:
            message = f"connect while {self._state.value}: wait for LinkDown first"
            raise LocalProtocolError(message, clause="LINK-5")
        wants_defaults = self._station.own.negotiable == DEFAULT.negotiable
        self._step(ConnectOrdered() if wants_defaults else NegotiationOrdered())

    def send_message(self, message: bytes, now: float) -> None:
        """Queue a message; it arrives exactly once and in order, or the link ends.

        Raises:
            LocalProtocolError: Not connected (or closing), empty, too long, or more is
                queued than a line can ever carry.
        """
        self._station.now = now
        transfer = self._station.transfer
        if self._state is not State.CONNECTED or transfer is None:
            message_ = f"a message cannot be sent while {self._state.value}"
            raise LocalProtocolError(message_, clause="LINK-9")
        longest = transfer.agreed.message_octets_max
        if not 1 <= len(message) <= longest:
            message_ = f"a message has 1 to {longest} octets, not {len(message)}"
            raise LocalProtocolError(message_, clause="LINK-9")
        if transfer.queue.octets + len(message) > QUEUE_OCTETS_MAX:
            message_ = (
                f"{transfer.queue.octets} octets wait already: let the line drain"
            )
            raise LocalProtocolError(message_, clause="LINK-9")
        self.counters.messages_sent += 1
        transfer.queue.add(bytes(message))

    def set_busy(self, now: float, *, busy: bool) -> None:
        """Stop the peer (RNR) or let it go on (RR); nothing if no link is up."""
        self._station.now = now
        if self._station.transfer is not None:
            self._station.transfer.receiver.set_busy(busy=busy)

    def disconnect(self, now: float) -> None:
        """Close in order: everything queued is acknowledged, then DISC and UA.

        `LinkDown` tells when it is done. Nothing happens if it is under way or no link
        is there: the peer may have been first.
        """
        self._station.now = now
        if self._state not in {
            State.DISCONNECTED,
            State.DRAINING,
            State.DISCONNECTING,
        }:
            self._step(DisconnectOrdered())

    def abort(self, now: float) -> None:
        """Close at once: DISC, and what is queued is dropped."""
        self._station.now = now
        if self._state not in {State.DISCONNECTED, State.DISCONNECTING}:
            self._step(AbortOrdered())

    def receive_octets(self, octets: bytes, now: float) -> list[LinkEvent]:
        """Take what the line delivered, in any split; never raises.

        Whoever answers while octets of one delivery are still to be read takes
        `receive_each` instead.
        """
        return list(self.receive_each(octets, now))

    def receive_each(self, octets: bytes, now: float) -> Iterator[LinkEvent]:
        """Take what the line delivered, and give each event before the next frame.

        So what is done upon an event is done on the link that the event belongs to: a
        message and the DISC or SABM behind it may come in one delivery. The iterator is
        to be run to its end; it never raises.
        """
        station = self._station
        station.now = now
        self.counters.octets_received += len(octets)
        for frame in self._deframer.frames(octets):
            if self._on_frame is not None:
                self._on_frame(Direction.RECEIVED, frame)
            yield from self._take(frame)

    def handle_timer(self, now: float) -> list[LinkEvent]:
        """Do what is due by now; calling it early does nothing."""
        station = self._station
        station.now = now
        timers = station.timers
        events: list[LinkEvent] = []
        if timers.acknowledgement is not None and timers.acknowledgement <= now:
            events += self._step(AcknowledgementDue())
        if timers.idle is not None and timers.idle <= now:
            events += self._step(LineIdle())
        if timers.reply is not None and timers.reply <= now:
            events += self._reply_overdue(now)
        return events

    def line_lost(self, now: float) -> list[LinkEvent]:
        """The line is gone; the next octets come from another call."""
        self._station.now = now
        self._deframer.reset()
        self._outbox.clear()
        self._station.forget_offer()
        if self._state is State.DISCONNECTED:
            return []
        return self._step(LineLost())

    def octets_to_send(self) -> bytes:
        """Drain what is to be sent now; empty when nothing is."""
        transfer = self._station.transfer
        if transfer is not None:
            transfer.fill(self._station.now)
        octets = self._outbox.take()
        self._station.round_trips.sent(len(octets), self._station.now)
        return octets

    def _reply_overdue(self, now: float) -> list[LinkEvent]:
        station = self._station
        transfer = station.transfer
        if transfer is not None:
            if transfer.is_worth_waiting(now):
                return []
            exhausted = transfer.retries_are_exhausted
        else:
            exhausted = station.retries >= station.agreed.retries_max
        if exhausted:
            return self._step(RetriesExhausted())
        if self._state is State.CONNECTING and station.negotiated:
            return self._step(AgreementOverdue())
        return self._step(ReplyOverdue())

    def _take(self, octets: bytes) -> list[LinkEvent]:
        """A good frame came."""
        station = self._station
        frame = decode_frame(octets, self._role, station.agreed.modulus)
        if isinstance(frame, ForeignFrame):
            self.counters.foreign_frames += 1
            return []
        if station.transfer is not None:
            station.timers.idle = station.now + station.agreed.idle_s
            # Two flags and the FCS; what stuffing added is not counted.
            station.measured(len(octets) + 4)
        event = self._event(frame)
        if event is None:
            self.counters.unexpected_frames += 1
            return []
        return self._step(event)

    def _event(self, frame: Frame | MalformedFrame) -> object | None:
        """Say what a frame means here; None if nothing."""
        if isinstance(frame, MalformedFrame):
            return ViolationReceived(frame)
        kind, final = frame.kind, frame.poll_final
        event = FRAME_EVENTS.get(kind)
        if event is not None:
            fault = self._fault_of(frame)
            if fault is not None:
                control = encode_control(frame, self._station.agreed.modulus)
                return ViolationReceived(MalformedFrame(control, frame.command, fault))
            return event(frame)
        if kind is FrameKind.UA:
            return SetUpAccepted(frame) if final else DisconnectAccepted(frame)
        if kind is FrameKind.DM:
            return SetUpRefused(frame) if final else NoLinkReported(frame)
        if kind is FrameKind.XID:
            if frame.command and self._role is Role.MACHINE:
                return None
            if decode_offer(frame.information) is None:
                # What does not have the form is no XID (LINK-10.3).
                return None
            return OfferReceived(frame) if frame.command else OfferAnswered(frame)
        return set_up_event(self._station, self._state, frame)

    def _fault_of(self, frame: Frame) -> Fault | None:
        """Look for what makes a frame impossible in this link, if one is up."""
        transfer = self._station.transfer
        if transfer is None or frame.kind in _ALWAYS_POSSIBLE:
            return None
        if frame.kind is FrameKind.SREJ and frame.information:
            modulus = transfer.agreed.modulus
            report = decode_report(frame.information, frame.receive_number, modulus)
            if report is None or frame.command or not transfer.agreed.reports:
                return Fault.INFORMATION_NOT_ALLOWED
        if len(frame.information) > transfer.agreed.frame_octets_max:
            return Fault.INFORMATION_TOO_LONG
        return None if transfer.is_possible(frame) else Fault.RECEIVE_NUMBER

    def _step(self, event: object) -> list[LinkEvent]:
        """Carry out the row for an event, and those for what it leads to."""
        follow_ups = self._station.follow_ups
        events = self._carry_out(event)
        while follow_ups or self._is_drained():
            led_to = follow_ups.popleft() if follow_ups else AllAcknowledged()
            events += self._carry_out(led_to)
        return events

    def _carry_out(self, event: object) -> list[LinkEvent]:
        try:
            row = TABLE.row(self._state, event)
        except NoTransitionError:
            self.counters.unexpected_frames += 1
            return []
        events = row.do(self._station, event)
        self._state = row.to
        return events

    def _is_drained(self) -> bool:
        if self._state is not State.DRAINING:
            return False
        transfer = self._station.transfer
        return transfer is not None and transfer.is_finished
