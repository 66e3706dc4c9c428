"""Polls, answers, SREJ, REJ, busy ends, silence: what ends do about what is lost.

No end can be blamed for not answering what it may not have received: a poll counts as
unanswered only after several of them, and a busy end as ignored when it has said so
more than once.
"""

from typing import Final

from hw.lab.tap.link_view import LinkView
from hw.lab.tap.sheet import Sheet
from protocol.link import Role
from protocol.link.frames import SUPERVISORY, Frame, FrameKind
from protocol.link.parameters import IDLE_S, MODULO_8
from protocol.link.reports import decode_report

POLLS_LOST_MAX: Final = 2
"""So many polls may be lost behind the tap on a line that seems to lose nothing."""
BUSY_S: Final = 5.0
"""What was on its way when an end said that it is busy has passed by then."""
SILENCE_S: Final = IDLE_S + 10
"""T3, and what a line and a slow end add to it."""


class Recovery:
    """Judges supervisory frames, and polls in I frames, while a link is up."""

    def __init__(self, sheet: Sheet, view: LinkView) -> None:
        """Begin with a line.

        Args:
            sheet: Takes what is found.
            view: The link, before the frame that is judged; its ends are kept here.
        """
        self._sheet = sheet
        self._view = view

    def judge(self, side: Role, frame: Frame, now_s: float) -> None:
        """Judge one I or supervisory frame."""
        self._silence(side, frame, now_s)
        if frame.kind in SUPERVISORY:
            self._supervisory(side, frame)
            self._busy(side, frame, now_s)
        else:
            self._to_a_busy_end(side, frame, now_s)
        if frame.command and frame.poll_final:
            self._poll(side, frame, now_s)
        elif frame.poll_final:
            self._answer(side)
        self._unanswered(side, frame)

    def _supervisory(self, side: Role, frame: Frame) -> None:
        name = f"{frame.kind.name} {'command' if frame.command else 'response'}"
        seen = f"{name} with P/F = {int(frame.poll_final)}"
        polls = self._view.ends[side.peer].polls
        unseen = self._view.was_disturbed
        if frame.command or not frame.poll_final:
            self._sheet.look(
                "LINK-8.5",
                side,
                frame.command == frame.poll_final,
                "a poll, an answer, or a response with F = 0",
                seen,
            )
        elif polls or not unseen:
            self._sheet.look(
                "LINK-8.5", side, bool(polls), "F = 1 in the answer to a poll", seen
            )
        if frame.kind in {FrameKind.SREJ, FrameKind.REJ}:
            self._asks(side, frame)

    def _asks(self, side: Role, frame: Frame) -> None:
        agreed, number = self._view.in_force, frame.receive_number
        end = self._view.ends[side]
        is_report = frame.kind is FrameKind.SREJ and bool(frame.information)
        if is_report:
            read = decode_report(frame.information, number, self._view.modulus)
            self._sheet.look(
                "LINK-17.9",
                side,
                read is not None and agreed.reports and not frame.command,
                "a report as LINK-17.2 has it, where reports were agreed",
                frame.information.hex(" "),
            )
            if agreed.reports:
                self._sheet.met("LINK-17.3", side)
            return
        if agreed.reports:
            self._sheet.failed(
                "LINK-17.3", side, "a report, and no other SREJ", frame.kind.name
            )
            return
        right_kind = (frame.kind is FrameKind.SREJ) == agreed.srej
        if self._view.modulus == MODULO_8 or frame.kind is FrameKind.REJ:
            clause = "LINK-7.2" if agreed.srej else "LINK-7.5"
            expected = "SREJ" if agreed.srej else "REJ"
            again = (
                frame.kind is FrameKind.SREJ
                and not frame.poll_final
                and number in end.asked
            )
            seen = f"{frame.kind.name} {number}{' once more' if again else ''}"
            expected = f"{expected}, once for each number"
            self._sheet.look(clause, side, right_kind and not again, expected, seen)
        end.asked.add(number)
        self._view.was_disturbed = True
        requested = self._view.ends[side.peer].requested
        if frame.kind is FrameKind.SREJ and not frame.poll_final:
            requested.add(number)
        else:
            requested.clear()

    def _busy(self, side: Role, frame: Frame, now_s: float) -> None:
        end = self._view.ends[side]
        if frame.poll_final or frame.kind is FrameKind.RNR:
            # By such a frame an end may find more to be lost than it was asked for.
            self._view.ends[side.peer].requested.clear()
        if frame.kind is FrameKind.RNR:
            if end.busy_since_s is None:
                end.busy_since_s = now_s
            end.busy_times += 1
            return
        end.busy_since_s = None
        end.busy_times = 0

    def _to_a_busy_end(self, side: Role, frame: Frame, now_s: float) -> None:
        other = self._view.ends[side.peer]
        self._view.ends[side.peer].asked.discard(frame.send_number)
        if other.busy_since_s is None or other.busy_times <= 1:
            return
        waited = now_s - other.busy_since_s
        self._sheet.look(
            "LINK-8.4",
            side,
            waited <= BUSY_S,
            "no I frame to an end that is busy",
            f"an I frame {waited:.1f} s after RNR",
        )

    def _poll(self, side: Role, frame: Frame, now_s: float) -> None:
        end = self._view.ends[side]
        end.polls += 1
        end.polls_unanswered += 1
        end.polls_in_a_row += 1
        self._view.ends[side.peer].asked.clear()
        if self._view.ends[side.peer].busy_since_s is not None:
            self._sheet.met("LINK-8.4", side)
        most = 1 + self._view.in_force.retries_max
        if frame.kind is not FrameKind.INFORMATION and end.polls_in_a_row > 1:
            self._sheet.look(
                "LINK-7.7",
                side,
                end.polls_in_a_row <= most,
                f"the link given up after {most} polls without any answer",
                f"{end.polls_in_a_row} polls",
            )

    def _answer(self, side: Role) -> None:
        other = self._view.ends[side.peer]
        if other.polls:
            self._sheet.met("LINK-8.1", side)
            other.polls -= 1
            other.polls_unanswered = 0

    def _unanswered(self, side: Role, frame: Frame) -> None:
        """Judge an end that goes on and leaves polls without an answer."""
        other = self._view.ends[side.peer]
        unanswered = other.polls_unanswered
        if unanswered > POLLS_LOST_MAX and not self._view.was_disturbed:
            words = f"{frame.kind.name} after {unanswered} polls"
            self._sheet.failed("LINK-8.1", side, "a response with F = 1", words)
            other.polls_unanswered = 0

    def _silence(self, side: Role, frame: Frame, now_s: float) -> None:
        """Judge an end that heard nothing for long: it has to poll (LINK-12.1)."""
        heard = self._view.ends[side.peer].heard_at_s
        if heard is None or now_s - heard < IDLE_S - 1:
            return
        polls = frame.command and frame.poll_final
        waited = now_s - heard
        if polls or (waited > SILENCE_S and not self._view.ends[side].polls):
            self._sheet.look(
                "LINK-12.1",
                side,
                waited <= SILENCE_S,
                f"a poll after T3 = {IDLE_S:.0f} s of silence",
                f"{frame.kind.name} after {waited:.0f} s",
            )
