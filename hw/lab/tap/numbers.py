"""I frames: their numbers, acknowledgements, window, repetitions, segments.

What an end sends by itself is judged whatever became of it on the line: N(S) of new
frames has no gaps, N(R) never goes back. A gap where octets came that were no good
frame says nothing.
"""

from typing import Final

from hw.lab.tap.link_view import EndView, LinkView, Sent
from hw.lab.tap.sheet import Sheet
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind
from protocol.link.parameters import (
    ACK_DELAY_S,
    ACKNOWLEDGE_TIMEOUT_S,
    ATTEMPTS_PER_RETRY,
    MESSAGE_OCTETS_MAX,
    SLOWEST_OCTET_S,
)
from protocol.link.segments import FIRST, LAST

_ACKNOWLEDGE: Final = frozenset(
    {FrameKind.INFORMATION, FrameKind.RR, FrameKind.RNR, FrameKind.REJ}
)


class Numbers:
    """Judges the numbers of I and supervisory frames, while a link is up."""

    def __init__(self, sheet: Sheet, view: LinkView) -> None:
        """Begin with a line.

        Args:
            sheet: Takes what is found.
            view: The link, before the frame that is judged; its ends are kept here.
        """
        self._sheet = sheet
        self._view = view

    def judge(self, side: Role, frame: Frame, octets: int, now_s: float) -> None:
        """Judge one I or supervisory frame.

        Args:
            side: Who sent it.
            frame: It.
            octets: Its length on the line, as far as is known.
            now_s: When.
        """
        for end in self._view.ends.values():
            for sent in end.frames.values():
                sent.octets_behind += octets
        if _acknowledges(frame):
            self._acknowledged(side, frame, now_s)
        if frame.kind is FrameKind.INFORMATION:
            self._information(side, frame, now_s)

    def _acknowledged(self, side: Role, frame: Frame, now_s: float) -> None:
        view, number = self._view, frame.receive_number
        other = view.ends[side.peer]
        taken = view.behind(number, other.acknowledged)
        waiting = view.behind(other.next, other.acknowledged)
        if taken > waiting:
            unseen = view.was_disturbed or other.damaged
            if not unseen:
                self._sheet.failed(
                    "LINK-6.5",
                    side,
                    f"N(R) from {other.acknowledged} to {other.next}",
                    f"N(R) = {number}",
                )
            if unseen and taken < view.modulus // 2:
                view.was_missed = True
                other.next = number
                other.acknowledged = number
                other.frames.clear()
                other.in_message = None
            view.was_disturbed = True
            return
        if waiting:
            self._sheet.met("LINK-6.5", side)
        for step in range(taken):
            sent = other.frames.pop((other.acknowledged + step) % view.modulus, None)
            if sent is not None:
                self._in_time(side, sent, now_s)
        other.acknowledged = number

    def _in_time(self, side: Role, sent: Sent, now_s: float) -> None:
        """Judge how long an end took to acknowledge what it has certainly received."""
        if sent.times > 1 or self._view.was_disturbed:
            return
        most = self._view.in_force.ack_delay_s
        most = max(most, ACK_DELAY_S) + ACKNOWLEDGE_TIMEOUT_S
        most += (len(sent.information) + sent.octets_behind) * SLOWEST_OCTET_S
        took = now_s - sent.at_s
        self._sheet.look(
            "LINK-8.3",
            side,
            took <= most,
            f"an acknowledgement within T2, on any line {most:.1f} s",
            f"after {took:.1f} s",
        )

    def _information(self, side: Role, frame: Frame, now_s: float) -> None:
        view, end = self._view, self._view.ends[side]
        ahead = view.behind(frame.send_number, end.next)
        back = view.behind(end.next, frame.send_number)
        is_again = 0 < back <= max(view.in_force.window, view.modulus // 2)
        if ahead and is_again:
            self._again(side, end, frame)
            return
        missed = end.damaged or view.was_disturbed
        if ahead == 0 or not missed:
            self._sheet.look(
                "LINK-6.1",
                side,
                ahead == 0,
                f"N(S) = {end.next}",
                f"N(S) = {frame.send_number}",
            )
        if ahead:
            end.in_message = None
            view.was_disturbed = True
        end.damaged = False
        end.next = (frame.send_number + 1) % view.modulus
        end.frames[frame.send_number] = Sent(frame.information, now_s)
        self._window(side, end)
        self._segment(side, end, frame.information, is_next=not ahead)

    def _again(self, side: Role, end: EndView, frame: Frame) -> None:
        view = self._view
        view.was_disturbed = True
        number = frame.send_number
        if end.requested:
            # T1 may have the oldest one repeated at the same time.
            right = number in end.requested | {end.acknowledged}
            asked = ", ".join(map(str, sorted(end.requested)))
            expected = f"the I frame that SREJ names: {asked}"
            self._sheet.look("LINK-7.3", side, right, expected, f"I frame {number}")
            end.requested.discard(number)
        sent = end.frames.get(number)
        if sent is None:
            return
        sent.times += 1
        self._sheet.look(
            "LINK-7.3",
            side,
            frame.information == sent.information,
            f"the I frame {frame.send_number} again as it was",
            "other information",
        )
        most = 1 + ATTEMPTS_PER_RETRY * view.in_force.retries_max
        self._sheet.look(
            "LINK-7.7",
            side,
            sent.times <= most,
            f"an I frame at most {most} times",
            f"for the time {sent.times}",
        )

    def _window(self, side: Role, end: EndView) -> None:
        view = self._view
        if view.was_disturbed or view.ends[side.peer].damaged:
            return
        waiting, most = view.behind(end.next, end.acknowledged), view.in_force.window
        words = f"{waiting} I frames"
        self._sheet.look(
            "LINK-6.3", side, waiting <= most, f"at most k = {most} that wait", words
        )

    def _segment(
        self, side: Role, end: EndView, information: bytes, *, is_next: bool
    ) -> None:
        most = self._view.in_force.frame_octets_max
        segment = information[0] if information else 0
        begun = end.in_message
        right = 1 < len(information) <= most and not segment & ~(FIRST | LAST)
        if is_next and (begun is not None or not end.damaged):
            right = right and bool(segment & FIRST) == (begun is None)
        octets = len(information)
        self._sheet.look(
            "LINK-9.1",
            side,
            right or (not is_next and octets > 1),
            f"a segment octet that fits, and up to {most} octets",
            f"{octets} octets, the first {segment:02x}",
        )
        whole = (begun or 0) + octets - 1
        end.in_message = None if segment & LAST else whole
        if segment & LAST:
            right = whole <= MESSAGE_OCTETS_MAX
            expected = f"a message of 1 to {MESSAGE_OCTETS_MAX} octets"
            self._sheet.look("LINK-9.2", side, right, expected, f"{whole} octets")


def _acknowledges(frame: Frame) -> bool:
    """Say whether N(R) acknowledges (LINK-6.5): a SREJ that only asks does not."""
    if frame.kind is FrameKind.SREJ:
        return frame.poll_final or bool(frame.information)
    return frame.kind in _ACKNOWLEDGE
