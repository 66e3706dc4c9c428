"""The information phase of one link: from UA on SABM until the link ends.

A `Transfer` is made when a link is set up and dropped when it ends, so that nothing of
a link can survive it. It sends what is queued as far as the window is open, repeats
what is asked for or lost, acknowledges, and decides how long to wait.

Recovery works by three means, the first that comes wins. SREJ (or REJ) asks for what is
seen to be missing. Behind every repetition goes a poll, RR with P = 1: its answer shows
whether the repetition was lost as well, a round trip later and not a time-out later.
When nothing comes at all, T1 repeats the oldest frame and polls. The answer to a poll
judges only what was transmitted before the poll; later transmissions may still be under
way.

Frames are made when the line takes them (`fill`), so that an acknowledgement rides on
whatever was queued meanwhile.

Source: ISO/IEC 13239 6.11, ISO/IEC 7776, ITU-T V.42 8.4; SPEC.md LINK-6 to LINK-9, 11.
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
from protocol.link.parameters import (
    ATTEMPTS_PER_RETRY,
    BACKOFF_DOUBLINGS_MAX,
    FRAME_OVERHEAD_OCTETS,
    SUPERVISORY_OCTETS,
    LinkParameters,
)
from protocol.link.segments import FrameLength, Reassembler, Segmenter
from protocol.link.timing import RoundTrips, Timers
from protocol.link.windows import Arrival, ReceiveWindow, SendWindow, SentFrame


class Transfer:
    """One link, while it carries messages."""

    def __init__(
        self,
        agreed: LinkParameters,
        outbox: Outbox,
        timers: Timers,
        round_trips: RoundTrips,
        counters: LinkCounters,
        *,
        caller_heard: bool,
    ) -> None:
        """Begin at 0 in both directions.

        Args:
            caller_heard: Whether it is certain that the caller has our UA: until a
                frame of this link has come it may send SABM again, and an I frame of
                ours would be taken into the link that follows.
            agreed: The parameters in force.
            outbox: Takes the frames.
            timers: Of this end; T1 and T2 are set here.
            round_trips: What is known of the line so far.
            counters: Counted up here.
        """
        self.agreed = agreed
        self.queue = Segmenter()
        self.window = SendWindow(agreed.modulus, agreed.window)
        self.receive_window = ReceiveWindow(
            agreed.modulus, agreed.window, srej=agreed.srej
        )
        self.closing = False
        """The last frame of the queue asks for its acknowledgement at once."""
        self.hopeless = False
        """A frame was sent so often that sending it again is of no use."""
        self._caller_heard = caller_heard
        self._outbox = outbox
        self._timers = timers
        self._round_trips = round_trips
        self._counters = counters
        self._reassembler = Reassembler(agreed.message_octets_max)
        self._frame_length = FrameLength(agreed.frame_octets_max)
        self._busy = False
        self._peer_busy = False
        self._order = 0
        self._poll_order: int | None = None
        self._poll_due = False
        self._unanswered = 0
        self._unacknowledged = 0
        self._greeting_due = False
        self._acknowledge_at_once = False
        self._reply_started_at = 0.0
        self._information_at = 0.0
        self._patience = 0

    @property
    def is_finished(self) -> bool:
        """Whether everything queued was acknowledged."""
        return self.queue.is_empty and not self.window

    @property
    def retries_are_exhausted(self) -> bool:
        """Whether T1 may not run out once more."""
        return self._unanswered >= self.agreed.retries_max

    def is_possible(self, frame: Frame) -> bool:
        """Whether the N(R) of a frame lies between V(A) and V(S).

        A SREJ without P/F acknowledges nothing; one that comes late is only useless.
        """
        if frame.kind is FrameKind.SREJ and not frame.poll_final:
            return True
        return self.window.allows(frame.receive_number)

    def receive_information(
        self, frame: Frame, now: float
    ) -> tuple[list[LinkEvent], MalformedFrame | None]:
        """Take an I frame.

        Returns:
            The messages that it completed, and what was wrong with it, if anything.
        """
        self._caller_heard = True
        self._information_at = now
        self._acknowledged(frame.receive_number, now)
        if self._busy:
            # What an end cannot take it drops; the peer repeats it when RR comes.
            self._answer(poll=frame.poll_final)
            return [], None
        arrival = self.receive_window.accept(frame.send_number, frame.information)
        events: list[LinkEvent] = []
        for information in arrival.in_order:
            message = self._reassembler.add(information)
            if isinstance(message, Fault):
                control = encode_control(frame, self.agreed.modulus)
                return events, MalformedFrame(control, frame.command, message)
            if message is not None:
                self._counters.messages_received += 1
                events.append(MessageReceived(message))
        self._ask_for(arrival.ask_for)
        if frame.poll_final:
            self._answer(poll=True)
        else:
            self._owe_acknowledgement(arrival, now)
        return events, None

    def receive_supervision(self, frame: Frame, now: float) -> None:
        """Take RR, RNR, REJ or SREJ."""
        self._caller_heard = True
        asks_for_one = frame.kind is FrameKind.SREJ
        if frame.poll_final or not asks_for_one:
            self._acknowledged(frame.receive_number, now)
        judged = self._poll_order
        is_answer = frame.poll_final and not frame.command and judged is not None
        if is_answer:
            self._poll_order = None
            self._unanswered = 0
            self._timers.reply = None
        self._peer_is_busy(busy=frame.kind is FrameKind.RNR)
        if asks_for_one or frame.kind is FrameKind.REJ:
            self._counters.rejects_received += 1
        if asks_for_one:
            self._lost(self.window.repeat_one(frame.receive_number, before=judged))
        elif frame.kind is FrameKind.REJ or (is_answer and not self._peer_busy):
            for lost in self.window.repeat_all(before=judged):
                self._lost(lost)
        if is_answer:
            # What was repeated after the poll was not judged by its answer.
            self._poll_due = any(
                sent.transmissions > 1 and not sent.due for sent in self.window
            )
        if frame.command and frame.poll_final:
            self._answer(poll=True)

    def reply_overdue(self) -> None:
        """T1 ran out: repeat the oldest frame and poll.

        Behind the repetition goes a poll, whose answer tells what else is missing.
        """
        self._counters.timeouts += 1
        self._unanswered += 1
        self.poll()
        oldest = self.window.oldest
        if oldest is not None and not self._peer_busy:
            self._lost(self.window.repeat_one(oldest.number, before=None))
        self._timers.reply = None

    def is_worth_waiting(self, now: float) -> bool:
        """Whether T1, which ran out, is to be given once more; it is then set.

        A peer that is sending is not dead: its acknowledgement may stand behind a
        window of frames on a slow line. While I frames arrive, T1 is given once more,
        as often as there can be frames.
        """
        is_sending = self._information_at > self._reply_started_at
        if not is_sending or self._patience > self.agreed.window:
            return False
        self._patience += 1
        self._start_reply(now)
        return True

    def greet(self, now: float) -> None:
        """Let the peer hear of us within T2, though nothing came from it yet."""
        self._greeting_due = True
        self._timers.acknowledgement = now + self.agreed.ack_delay_s

    def acknowledgement_due(self) -> None:
        """T2 ran out."""
        self._timers.acknowledgement = None
        self._acknowledge_at_once = self._unacknowledged > 0 or self._greeting_due

    def acknowledge_last(self) -> None:
        """The link is about to be closed: write the acknowledgement that is owed."""
        if self._unacknowledged > 0:
            self._acknowledge_alone()

    def poll(self) -> None:
        """Ask the peer for its state with the next octets."""
        self._poll_order = None
        self._poll_due = True

    def close(self) -> None:
        """Ask for the last acknowledgement at once: an answer will not carry it."""
        self.closing = True
        if self.queue.is_empty and self.window and self._poll_order is None:
            self._poll_due = True

    def set_busy(self, *, busy: bool) -> None:
        """Stop or go on taking I frames."""
        if busy != self._busy:
            self._busy = busy
            self._answer(poll=False)

    def fill(self, now: float) -> None:
        """Write all frames that may go now."""
        repeated = self._fill_information(now)
        if self._acknowledge_at_once:
            self._acknowledge_alone()
        if self._poll_due or (repeated and self._poll_order is None):
            self._poll_due = False
            self._order += 1
            self._poll_order = self._order
            self._counters.polls_sent += 1
            self._supervise(self._ready(), command=True, poll_final=True)
            self._timers.reply = None
        needs_reply = self.window or self._poll_order is not None or self._peer_busy
        if needs_reply and self._timers.reply is None:
            self._start_reply(now)

    def _fill_information(self, now: float) -> bool:
        """Write I frames; tell whether one of them was a repetition."""
        if self._peer_busy or not self._caller_heard:
            return False
        while self.window.is_open and not self.queue.is_empty:
            self.window.add(self.queue.next(self._frame_length.octets))
        repeated = False
        for sent in self.window:
            if sent.due:
                repeated = repeated or sent.transmissions > 0
                self._transmit(sent, now)
        return repeated

    def _transmit(self, sent: SentFrame, now: float) -> None:
        is_last = self.queue.is_empty and sent is self.window.newest
        asks = (
            self.closing
            and is_last
            and not sent.transmissions
            and self._poll_order is None
            and not self._poll_due
        )
        if sent.transmissions:
            self._counters.retransmissions += 1
        else:
            self._counters.information_sent += 1
        self._order += 1
        self._write(
            Frame(
                FrameKind.INFORMATION,
                command=True,
                poll_final=asks,
                send_number=sent.number,
                receive_number=self.receive_window.next_number,
                information=sent.information,
            )
        )
        sent.due = False
        sent.transmissions += 1
        sent.order = self._order
        sent.sent_at = now
        sent.octets_together = self._outbox.octets
        if asks:
            self._order += 1
            self._poll_order = self._order
        self._acknowledgement_went()

    def _acknowledged(self, receive_number: int, now: float) -> None:
        frames = self.window.acknowledge(receive_number)
        if not frames:
            return
        for sent in frames:
            if sent.transmissions == 1:
                self._frame_length.arrived()
        newest = frames[-1]
        if newest.transmissions == 1:
            self._round_trips.add(
                newest.octets_together + SUPERVISORY_OCTETS - 1, now - newest.sent_at
            )
        self._unanswered = 0
        self._patience = 0
        if not self.window:
            self._poll_order = None
        # `fill` starts T1 again if anything still waits for an answer.
        self._timers.reply = None

    def _lost(self, sent: SentFrame | None) -> None:
        if sent is None:
            return
        self._frame_length.lost()
        if sent.transmissions >= ATTEMPTS_PER_RETRY * self.agreed.retries_max:
            self.hopeless = True

    def _peer_is_busy(self, *, busy: bool) -> None:
        was_busy = self._peer_busy
        self._peer_busy = busy
        if was_busy and not busy:
            # A busy end dropped what was under way; nothing of it was lost by the line.
            self.window.repeat_all(before=None)

    def _owe_acknowledgement(self, arrival: Arrival, now: float) -> None:
        if not arrival.in_order:
            if arrival.ask_for or self.receive_window.has_gap:
                return
            # The peer repeats what came: our acknowledgement was lost.
            self._counters.duplicates += 1
        self._unacknowledged += max(1, len(arrival.in_order))
        # At the end of a message an answer is to be expected that acknowledges it. In
        # its midst the peer has more to send, and its window must not close meanwhile.
        window = self.agreed.window
        limit = window - 1 if self._reassembler.is_between_messages else window // 2
        if self._unacknowledged >= max(1, limit):
            self._acknowledge_at_once = True
        elif self._timers.acknowledgement is None:
            self._timers.acknowledgement = now + self.agreed.ack_delay_s

    def _acknowledge_alone(self) -> None:
        self._counters.acknowledgements_sent += 1
        self._supervise(self._ready(), command=False)

    def _ask_for(self, numbers: list[int]) -> None:
        kind = FrameKind.SREJ if self.agreed.srej else FrameKind.REJ
        for number in numbers:
            self._counters.rejects_sent += 1
            self._supervise(kind, command=False, number=number)

    def _answer(self, *, poll: bool) -> None:
        """Tell the peer what this end has, what it misses, and if it is busy."""
        missing = [] if self._busy else self.receive_window.missing()
        kind = self._ready()
        if missing and poll:
            self._ask_for(missing[1:])
            self._counters.rejects_sent += 1
            kind = FrameKind.SREJ
        self._supervise(kind, command=False, poll_final=poll)

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
        if number is None or number == self.receive_window.next_number:
            number = self.receive_window.next_number
            if kind is not FrameKind.SREJ or poll_final:
                self._acknowledgement_went()
        self._write(Frame(kind, command, poll_final, receive_number=number))

    def _acknowledgement_went(self) -> None:
        self._unacknowledged = 0
        self._greeting_due = False
        self._acknowledge_at_once = False
        self._timers.acknowledgement = None

    def _start_reply(self, now: float) -> None:
        """Start T1 for all that waits, and for a full frame that carries the answer."""
        octets = (
            self._outbox.octets + self.agreed.frame_octets_max + FRAME_OVERHEAD_OCTETS
        )
        timeout_s = self._round_trips.timeout_s(octets, now)
        if self._poll_order is None:
            timeout_s += self.agreed.ack_delay_s
        timeout_s *= 2 ** min(self._unanswered, BACKOFF_DOUBLINGS_MAX)
        self._reply_started_at = now
        self._timers.reply = now + timeout_s

    def _write(self, frame: Frame) -> None:
        self._outbox.write(frame, self.agreed.modulus)
