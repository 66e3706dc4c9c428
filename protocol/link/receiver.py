"""The receiving half of a link: what came, what is missing, and what the peer is owed.

Acknowledgements ride on I frames where there are any; what is owed alone is written by
`write_due`, when the line takes frames. What is missing is asked for with SREJ or REJ,
or told in arrival reports where both ends agreed on them.

Source: ISO/IEC 13239 6.11, ITU-T V.42 8.4; SPEC.md LINK-7 to LINK-9, LINK-17.
"""

from protocol.link.events import LinkCounters, LinkEvent, MessageReceived
from protocol.link.frames import (
    Fault,
    Frame,
    FrameKind,
    MalformedFrame,
    encode_control,
)
from protocol.link.outbox import Outbox
from protocol.link.parameters import LinkParameters
from protocol.link.reports import ArrivalReport, encode_report
from protocol.link.segments import Reassembler
from protocol.link.timing import Timers
from protocol.link.windows import Arrival, ReceiveWindow


class Receiver:
    """Takes I frames, and tells the peer of them."""

    def __init__(
        self,
        agreed: LinkParameters,
        outbox: Outbox,
        timers: Timers,
        counters: LinkCounters,
    ) -> None:
        """Begin at 0.

        Args:
            agreed: The parameters in force.
            outbox: Takes the frames.
            timers: Of this end; T2 is set here.
            counters: Counted up here.
        """
        self._agreed = agreed
        self._outbox = outbox
        self._timers = timers
        self._counters = counters
        self._window = ReceiveWindow(agreed.modulus, agreed.window, srej=agreed.srej)
        self._reassembler = Reassembler(agreed.message_octets_max)
        self._busy = False
        self._latest_arrival = 0
        self._unacknowledged = 0
        self._greeting_due = False
        self._acknowledge_at_once = False
        self._report_due = False

    @property
    def next_number(self) -> int:
        """V(R)."""
        return self._window.next_number

    def take(
        self, frame: Frame, now: float
    ) -> tuple[list[LinkEvent], MalformedFrame | None]:
        """Take an I frame.

        Returns:
            The messages that it completed, and what was wrong with it, if anything.
        """
        if self._busy:
            # What an end cannot take it drops; the peer repeats it when RR comes.
            self.answer(poll=frame.poll_final)
            return [], None
        arrival = self._window.accept(frame.send_number, frame.information)
        self._latest_arrival = frame.send_number
        events: list[LinkEvent] = []
        for information in arrival.in_order:
            message = self._reassembler.add(information)
            if isinstance(message, Fault):
                control = encode_control(frame, self._agreed.modulus)
                return events, MalformedFrame(control, frame.command, message)
            if message is not None:
                self._counters.messages_received += 1
                events.append(MessageReceived(message))
        if arrival.ask_for and not self._agreed.reports:
            self._ask_for(arrival.ask_for)
        if frame.poll_final:
            self.answer(poll=True)
        elif self._agreed.reports:
            self._owe_report(arrival, now)
        else:
            self._owe_acknowledgement(arrival, now)
        return events, None

    def greet(self, now: float) -> None:
        """Let the peer hear of us within T2, though nothing came from it yet."""
        self._greeting_due = True
        self._timers.acknowledgement = now + self._agreed.ack_delay_s

    def acknowledgement_due(self) -> None:
        """T2 ran out."""
        self._timers.acknowledgement = None
        self._acknowledge_at_once = self._unacknowledged > 0 or self._greeting_due

    def acknowledge_last(self) -> None:
        """The link is about to be closed: write the acknowledgement that is owed."""
        if self._report_due:
            self._report(poll=False)
        if self._unacknowledged > 0:
            self._acknowledge_alone()

    def set_busy(self, *, busy: bool) -> None:
        """Stop or go on taking I frames."""
        if busy != self._busy:
            self._busy = busy
            self.answer(poll=False)

    def write_due(self) -> None:
        """Write what is owed and nothing else carries."""
        if self._report_due:
            self._report(poll=False)
        if self._acknowledge_at_once:
            self._acknowledge_alone()

    def poll(self) -> None:
        """Ask the peer for its state; the frame tells ours."""
        self._supervise(self._ready(), command=True, poll_final=True)

    def answer(self, *, poll: bool) -> None:
        """Tell the peer what this end has, what it misses, and if it is busy.

        Args:
            poll: The peer asked for it.
        """
        if self._agreed.reports:
            self._report(poll=poll)
            return
        missing = [] if self._busy else self._window.missing()
        kind = self._ready()
        if missing and poll:
            self._ask_for(missing[1:])
            self._counters.rejects_sent += 1
            kind = FrameKind.SREJ
        self._supervise(kind, command=False, poll_final=poll)

    def acknowledged(self) -> None:
        """A frame with N(R) = V(R) was written: nothing is owed any more."""
        self._unacknowledged = 0
        self._greeting_due = False
        self._acknowledge_at_once = False
        self._timers.acknowledgement = None

    def _owe_acknowledgement(self, arrival: Arrival, now: float) -> None:
        if not arrival.in_order:
            if arrival.ask_for or self._window.has_gap:
                return
            # The peer repeats what came: our acknowledgement was lost.
            self._counters.duplicates += 1
        self._unacknowledged += max(1, len(arrival.in_order))
        # At the end of a message an answer is to be expected that acknowledges it. In
        # its midst the peer has more to send, and its window must not close meanwhile.
        window = self._agreed.window
        limit = window - 1 if self._reassembler.is_between_messages else window // 2
        self._acknowledge_within(now, at_once=self._unacknowledged >= max(1, limit))

    def _owe_report(self, arrival: Arrival, now: float) -> None:
        if self._window.has_gap or len(arrival.in_order) != 1:
            self._counters.duplicates += not arrival.in_order and not arrival.ask_for
            self._report_due = True
            return
        # The peer sends no faster than it hears of what came: only what completes a
        # message, and may be answered by one, is acknowledged later.
        self._unacknowledged += 1
        goes_on = not self._reassembler.is_between_messages
        self._acknowledge_within(now, at_once=goes_on or self._unacknowledged > 1)

    def _acknowledge_within(self, now: float, *, at_once: bool) -> None:
        if at_once:
            self._acknowledge_at_once = True
        elif self._timers.acknowledgement is None:
            self._timers.acknowledgement = now + self._agreed.ack_delay_s

    def _acknowledge_alone(self) -> None:
        self._counters.acknowledgements_sent += 1
        self._supervise(self._ready(), command=False)

    def _ask_for(self, numbers: list[int]) -> None:
        kind = FrameKind.SREJ if self._agreed.srej else FrameKind.REJ
        for number in numbers:
            self._counters.rejects_sent += 1
            self._supervise(kind, command=False, number=number)

    def _report(self, *, poll: bool) -> None:
        """Write an arrival report, or RR where nothing is held behind a gap."""
        self._report_due = False
        held = self._window.held
        if self._busy or not held:
            self._supervise(self._ready(), command=False, poll_final=poll)
            return
        report = ArrivalReport(self._latest_arrival, held)
        number, modulus = self.next_number, self._agreed.modulus
        self._counters.rejects_sent += 1
        self._write(
            Frame(
                FrameKind.SREJ,
                command=False,
                poll_final=poll,
                receive_number=number,
                information=encode_report(report, number, modulus),
            )
        )
        self.acknowledged()

    def _ready(self) -> FrameKind:
        return FrameKind.RNR if self._busy else FrameKind.RR

    def _supervise(
        self,
        kind: FrameKind,
        *,
        command: bool,
        poll_final: bool = False,
        number: int | None = None,
    ) -> None:
        """Write a supervisory frame; without a number of its own it acknowledges."""
        if number is None or number == self.next_number:
            number = self.next_number
            if kind is not FrameKind.SREJ or poll_final:
                self.acknowledged()
        self._write(Frame(kind, command, poll_final, receive_number=number))

    def _write(self, frame: Frame) -> None:
        self._outbox.write(frame, self._agreed.modulus)
