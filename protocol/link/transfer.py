"""The information phase of one link: from UA on SABM until the link ends.

A `Transfer` is made when a link is set up and dropped when it ends, so that nothing of
a link can survive it. It sends what is queued as far as the window is open, repeats
what is asked for or lost, and decides how long to wait; its `Receiver` takes what comes
and acknowledges it.

Recovery works by four means, the first that comes wins. SREJ (or REJ) asks for what is
seen to be missing. An arrival report, where both ends agreed on them, judges everything
that was transmitted before what it says came last. Elsewhere a poll goes behind every
repetition, RR with P = 1: its answer shows whether the repetition was lost as well, a
round trip later and not a time-out later. When nothing comes at all, T1 repeats the
oldest frame and polls. The answer to a poll judges only what was transmitted before the
poll; later transmissions may still be under way.

Frames are made when the line takes them (`fill`), so that an acknowledgement rides on
whatever was queued meanwhile.

Source: ISO/IEC 13239 6.11, ISO/IEC 7776, ITU-T V.42 8.4; SPEC.md LINK-6 to LINK-9, 11,
17.
"""

from protocol.link.events import LinkCounters, LinkEvent
from protocol.link.flight import Flight
from protocol.link.frame_length import FrameLength
from protocol.link.frames import Frame, FrameKind, MalformedFrame
from protocol.link.outbox import Outbox
from protocol.link.parameters import (
    ASKING_LOSS,
    ATTEMPTS_PER_RETRY,
    BACKOFF_DOUBLINGS_MAX,
    FRAME_OVERHEAD_OCTETS,
    PATIENCE,
    REPORT_OCTETS_MAX,
    REPORTED_FRAME_OCTETS,
    SUPERVISORY_OCTETS,
    TIMEOUT_MARGIN,
    TIMEOUT_SLACK_S,
    LinkParameters,
)
from protocol.link.receiver import Receiver
from protocol.link.reports import decode_report
from protocol.link.segments import Segmenter
from protocol.link.timing import RoundTrips, Timers
from protocol.link.windows import SendWindow, SentFrame


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
        self.receiver = Receiver(agreed, outbox, timers, counters)
        self.closing = False
        """The last frame of the queue asks for its acknowledgement at once."""
        self.hopeless = False
        """A frame was sent so often that sending it again is of no use."""
        self._caller_heard = caller_heard
        self._outbox = outbox
        self._timers = timers
        self._round_trips = round_trips
        self._counters = counters
        longest = agreed.frame_octets_max
        first = min(longest, REPORTED_FRAME_OCTETS) if agreed.reports else longest
        self._frame_length = FrameLength(longest, first)
        self._flight = (
            Flight(agreed.modulus, round_trips.shortest_s) if agreed.reports else None
        )
        self._peer_busy = False
        self._order = 0
        self._asked_at_order = 0
        self._poll_order: int | None = None
        self._poll_due = False
        self._answers_more = 0
        self._unanswered = 0
        self._reply_started_at = 0.0
        self._information_at: float | None = None
        self._patience = 0

    @property
    def is_finished(self) -> bool:
        """Whether everything queued was acknowledged."""
        return self.queue.is_empty and not self.window.frames

    @property
    def retries_are_exhausted(self) -> bool:
        """Whether T1 may not run out once more."""
        return self._unanswered >= self.agreed.retries_max

    def is_possible(self, frame: Frame) -> bool:
        """Whether the N(R) of a frame lies between V(A) and V(S).

        A SREJ with F = 0 that is no report acknowledges nothing; one that comes late is
        only useless.
        """
        is_request = frame.kind is FrameKind.SREJ and not frame.information
        if is_request and not frame.poll_final:
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
        return self.receiver.take(frame, now)

    def receive_supervision(self, frame: Frame, now: float) -> None:
        """Take RR, RNR, REJ or SREJ."""
        self._caller_heard = True
        is_report = bool(frame.information)
        asks_for_one = frame.kind is FrameKind.SREJ and not is_report
        if frame.poll_final or not asks_for_one:
            self._acknowledged(frame.receive_number, now)
        if is_report:
            self._take_report(frame, now)
        elif frame.kind is FrameKind.RR and not frame.command:
            self.window.hold(frozenset())
        judged = self._poll_order
        is_answer = frame.poll_final and not frame.command and judged is not None
        if frame.poll_final and not frame.command:
            self._answered(judged, now)
        self._peer_is_busy(busy=frame.kind is FrameKind.RNR)
        if frame.kind in {FrameKind.SREJ, FrameKind.REJ}:
            self._counters.rejects_received += 1
        if asks_for_one:
            self._lost(self.window.repeat_one(frame.receive_number, before=judged))
        elif frame.kind is FrameKind.REJ or (is_answer and not self._peer_busy):
            self._all_lost(before=judged)
        if is_answer:
            # What was repeated after the poll was not judged by its answer.
            self._poll_due = self._flight is None and any(
                sent.transmissions > 1 and not sent.due for sent in self.window.frames
            )
        if frame.command and frame.poll_final:
            self.receiver.answer(poll=True)

    def _answered(self, judged: int | None, now: float) -> None:
        """A response with F = 1 came, upon a poll if one waits."""
        if judged is None:
            self._answers_more = max(0, self._answers_more - 1)
            return
        self._poll_order = None
        self._heard()
        self._resolved(judged, now, measured=False)

    def reply_overdue(self) -> None:
        """T1 ran out: repeat the oldest frame; a poll behind it tells what else."""
        self._counters.timeouts += 1
        self._unanswered += 1
        self.poll()
        self._timers.reply = None
        oldest = self.window.oldest
        if oldest is not None and not self._peer_busy:
            self._lost(self.window.repeat_one(oldest.number, before=None))

    def is_worth_waiting(self, now: float) -> bool:
        """Whether T1, which ran out, is to be given once more; it is then set.

        A peer that is sending is not dead: its acknowledgement may stand behind a
        window of frames on a slow line. While I frames arrive, T1 is given once more,
        as often as there can be frames.
        """
        came_at = self._information_at
        is_sending = came_at is not None and came_at > self._reply_started_at
        most = self.agreed.window if self._flight is None else PATIENCE
        if not is_sending or self._patience > most:
            return False
        self._patience += 1
        self._start_reply(now)
        return True

    def poll(self) -> None:
        """Ask the peer for its state with the next octets."""
        self._poll_due = True
        if self._flight is None:
            self._poll_order = None
        # All polls of a row may be answered. The first answer judges by the first poll:
        # taken for that of a later one, it would have all that follow taken so.
        in_a_row = self._poll_order is not None
        self._answers_more = self._answers_more + 1 if in_a_row else 0

    def close(self) -> None:
        """Ask for the last acknowledgement at once: an answer will not carry it."""
        self.closing = True
        if self.queue.is_empty and self.window.frames and self._poll_order is None:
            self._poll_due = True

    def fill(self, now: float) -> None:
        """Write all frames that may go now."""
        repeated = self._fill_information(now)
        self.receiver.write_due()
        wants_poll = self._is_in_doubt() if self._flight is not None else repeated
        if self._poll_due or (wants_poll and self._poll_order is None):
            self._poll_due = False
            self._order += 1
            self._asked_at_order = self._order
            if self._poll_order is None:
                self._poll_order = self._order
            self._counters.polls_sent += 1
            self.receiver.poll()
            self._timers.reply = None
        waits = self.window.frames or self._poll_order is not None or self._peer_busy
        if waits and self._timers.reply is None:
            self._start_reply(now)

    def _fill_information(self, now: float) -> bool:
        """Write I frames; tell whether one of them was a repetition."""
        if self._peer_busy or not self._caller_heard:
            return False
        repeated = False
        window, queue = self.window, self.queue
        for sent in window.frames:
            if sent.due:
                repeated = True
                self._transmit(sent, now)
        while not queue.is_empty and window.is_open and self._has_room():
            sent = window.add(queue.next(self._frame_length.octets))
            self._transmit(sent, now)
        return repeated

    def _has_room(self) -> bool:
        if self._flight is None:
            return True
        octets = self._frame_length.octets + FRAME_OVERHEAD_OCTETS
        return self._flight.has_room(octets)

    def _is_in_doubt(self) -> bool:
        """Whether no later frame would have the peer report a loss: it is asked then.

        So it is at the end of a queue, and as long as nothing at all came back.
        """
        newest = self.window.newest
        is_asked = self._asked_at_order == self._order
        if newest is None or is_asked or self._answers_more:
            return False
        if self._flight is not None and not self._flight.is_measured:
            return True
        loss = self._frame_length.loss(len(newest.information))
        return self.queue.is_empty and loss > ASKING_LOSS

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
        self._outbox.write(
            Frame(
                FrameKind.INFORMATION,
                command=True,
                poll_final=asks,
                send_number=sent.number,
                receive_number=self.receiver.next_number,
                information=sent.information,
            ),
            self.agreed.modulus,
        )
        sent.due = False
        sent.transmissions += 1
        sent.order = self._order
        sent.sent_at = now
        sent.octets_together = self._outbox.octets
        if self._flight is not None:
            octets = len(sent.information) + FRAME_OVERHEAD_OCTETS
            self._flight.transmitted(sent.number, sent.order, octets, now)
        if asks:
            self._order += 1
            self._poll_order = self._asked_at_order = self._order
        self.receiver.acknowledged()

    def _acknowledged(self, receive_number: int, now: float) -> None:
        frames = self.window.acknowledge(receive_number)
        if not frames:
            return
        for sent in frames:
            if not sent.held:
                self._came_through(sent)
        if self._flight is not None:
            latest = max(frames, key=lambda sent: sent.order)
            is_measured = latest.transmissions == 1
            self._flight.resolved(latest.order, now, measured=is_measured)
        newest = frames[-1]
        if newest.transmissions == 1:
            self._round_trips.add(
                newest.octets_together + SUPERVISORY_OCTETS - 1, now - newest.sent_at
            )
        self._heard()
        self._patience = 0
        if not self.window.frames and self._flight is None:
            self._poll_order = None

    def _take_report(self, frame: Frame, now: float) -> None:
        """Hear what the peer has: the rest that went before its latest is lost."""
        report = decode_report(
            frame.information, frame.receive_number, self.agreed.modulus
        )
        if report is None or self._flight is None:
            return
        for sent in self.window.hold(report.held):
            self._came_through(sent)
        order = self._flight.order_of(report.latest)
        latest = self.window.find(report.latest)
        is_measured = latest is not None and latest.transmissions == 1
        if self._resolved(order, now, measured=is_measured):
            self._heard()
        self._all_lost(before=order)

    def _resolved(self, order: int, now: float, *, measured: bool) -> bool:
        flight = self._flight
        return flight is not None and flight.resolved(order, now, measured=measured)

    def _heard(self) -> None:
        """The peer told something new; `fill` starts T1 again if anything waits."""
        self._unanswered = 0
        self._timers.reply = None

    def _came_through(self, sent: SentFrame) -> None:
        if sent.transmissions == 1:
            self._frame_length.arrived(len(sent.information))

    def _all_lost(self, *, before: int | None) -> None:
        for sent in self.window.repeat_all(before=before):
            self._lost(sent)

    def _lost(self, sent: SentFrame | None) -> None:
        if sent is None:
            return
        self._frame_length.lost(len(sent.information))
        if sent.transmissions >= ATTEMPTS_PER_RETRY * self.agreed.retries_max:
            self.hopeless = True

    def _peer_is_busy(self, *, busy: bool) -> None:
        was_busy = self._peer_busy
        self._peer_busy = busy
        if was_busy and not busy and self._flight is None:
            # A busy end dropped what was under way; nothing of it was lost by the line.
            self.window.repeat_all(before=None)
        elif was_busy and not busy and self._poll_order is None:
            # What it dropped, and what is still on its way, the answer tells apart.
            self._poll_due = bool(self.window.frames)

    def _start_reply(self, now: float) -> None:
        """Start T1 for all that waits."""
        timeout_s = self._timeout_s(now)
        if self._poll_order is None:
            timeout_s += self.agreed.ack_delay_s
        doubled_s = timeout_s * 2**self._unanswered
        timeout_s *= 2 ** min(self._unanswered, BACKOFF_DOUBLINGS_MAX)
        if self._flight is not None:
            # A modem that trains again is silent for seconds, which no speed shows.
            timeout_s = max(
                timeout_s, min(doubled_s, self.agreed.acknowledge_timeout_s)
            )
        self._reply_started_at = now
        self._timers.reply = now + timeout_s

    def _timeout_s(self, now: float) -> float:
        """Say how long what is under way and an answer may take."""
        # A full frame of the peer may carry the answer.
        answer = self.agreed.frame_octets_max + FRAME_OVERHEAD_OCTETS
        if self._flight is not None:
            if self._information_at is None:
                answer = REPORT_OCTETS_MAX
            passes_in_s = self._flight.passes_in_s(answer)
            if passes_in_s is not None:
                return passes_in_s * TIMEOUT_MARGIN + TIMEOUT_SLACK_S
        return self._round_trips.timeout_s(self._outbox.octets + answer, now)
