"""Frames of one line, judged by the clauses of LINK."""

from collections import Counter

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.lab.tap.link_view import LinkState, LinkView
from hw.lab.tap.numbers import Numbers
from hw.lab.tap.recovery import Recovery
from hw.lab.tap.setting_up import SettingUp, is_numbered
from hw.lab.tap.sheet import Sheet
from hw.seen.decoding import Understood
from hw.seen.reading import SeenEvent, SeenFrame, SeenNoFrame
from protocol.link import Role
from protocol.link.frames import (
    Fault,
    ForeignFrame,
    Frame,
    FrameKind,
    MalformedFrame,
    decode_frame,
)
from protocol.link.parameters import (
    ACKNOWLEDGE_TIMEOUT_S,
    FRAME_OVERHEAD_OCTETS,
    SLOWEST_OCTET_S,
)

SIDES = {
    CaptureDirection.FROM_MACHINE: Role.MACHINE,
    CaptureDirection.TO_MACHINE: Role.SERVER,
}
DAMAGED_LEAST = 3
"""Fewer damaged frames of an end are the line's doing."""
_DAMAGE_EVENTS = frozenset(
    {LineEvent.BREAK, LineEvent.PARITY, LineEvent.FRAMING, LineEvent.OVERRUN}
)
_LINE_EVENTS = frozenset({LineEvent.DIALLED, LineEvent.UP, LineEvent.LOST})


class LinkJudge:
    """Judges the frames of one line.

    Attributes:
        view: The link as it is seen.
        good: Good frames of each side.
        damaged: Octets between flags that are no good frame, of each side.
    """

    def __init__(self, sheet: Sheet, *, is_timed: bool) -> None:
        """Begin with a line.

        Args:
            sheet: Takes what is found.
            is_timed: The times of records are those at which they passed.
        """
        self.view = LinkView()
        self.good: Counter[Role] = Counter()
        self.damaged: Counter[Role] = Counter()
        self._sheet = sheet
        self._setting_up = SettingUp(sheet, self.view, is_timed=is_timed)
        self._numbers = Numbers(sheet, self.view)
        self._recovery = Recovery(sheet, self.view)

    def take(self, one: Understood) -> None:
        """Judge one record; they come in their order."""
        seen = one.seen
        side = None if one.direction is None else SIDES[one.direction]
        if isinstance(seen, SeenEvent):
            self._event(seen)
        elif isinstance(seen, SeenNoFrame):
            self._no_frame(side, seen)
        elif side is not None:
            self.good[side] += 1
            if one.frame is None:
                self._strange(side, seen)
            else:
                self._frame(side, one.frame, seen)

    def finish(self) -> None:
        """End: judge what only all frames together can show."""
        for side in Role:
            good, damaged = self.good[side], self.damaged[side]
            if good or damaged >= DAMAGED_LEAST:
                self._sheet.look(
                    "LINK-3.1",
                    side,
                    good >= damaged or damaged < DAMAGED_LEAST,
                    "frames whose FCS verifies",
                    f"{good} good frames and {damaged} that are none",
                )

    def _event(self, seen: SeenEvent) -> None:
        if seen.event in _LINE_EVENTS:
            self.view.line_ended()
            self._setting_up.line_ended()
        elif seen.event in _DAMAGE_EVENTS:
            self._damage(None if seen.direction is None else SIDES[seen.direction])

    def _no_frame(self, side: Role | None, seen: SeenNoFrame) -> None:
        if seen.why is NoFrame.BESIDE and not self.view.is_up:
            return
        if side is not None and seen.why is NoFrame.BAD_FCS:
            self.damaged[side] += 1
        self._damage(side)

    def _damage(self, side: Role | None) -> None:
        self.view.damage(side)
        self._setting_up.damage()

    def _strange(self, side: Role, seen: SeenFrame) -> None:
        """Judge a frame with a good FCS that makes no sense."""
        shown = seen.octets[:8].hex(" ")
        if len(seen.octets) < 2:  # noqa: PLR2004  address and control
            expected = "address and control field"
            self._sheet.failed("LINK-1.1", side, expected, shown)
            return
        frame = decode_frame(seen.octets, side.peer, self.view.modulus)
        if isinstance(frame, ForeignFrame):
            expected = "an address that fits the kind and the sender"
            self._sheet.failed("LINK-4.2", side, expected, shown)
        elif isinstance(frame, MalformedFrame):
            if frame.fault is Fault.INFORMATION_NOT_ALLOWED:
                expected = "no information in such a frame"
                self._sheet.failed("LINK-1.1", side, expected, shown)
            else:
                expected = "a control field that is listed"
                self._sheet.failed("LINK-4.4", side, expected, shown)
        # What an end makes of such a frame is its own matter: it may end the link.
        self.view.was_disturbed = True

    def _frame(self, side: Role, frame: Frame, seen: SeenFrame) -> None:
        now_s = seen.time.timestamp()
        for clause in ("LINK-1.1", "LINK-4.2", "LINK-4.4"):
            self._sheet.met(clause, side)
        self._setting_up.judge(side, frame, now_s)
        if self.view.is_up and is_numbered(frame):
            self._first(side, frame, now_s)
            octets = len(seen.octets) + FRAME_OVERHEAD_OCTETS
            self._numbers.judge(side, frame, octets, now_s)
            self._recovery.judge(side, frame, now_s)
        self.view.take(side, frame, now_s)

    def _first(self, side: Role, frame: Frame, now_s: float) -> None:
        """Judge how a link begins (LINK-5.8)."""
        view = self.view
        if view.state is not LinkState.UP or view.was_disturbed:
            return
        if view.ends[side].has_numbered:
            return
        if side is Role.SERVER:
            if frame.kind is FrameKind.INFORMATION:
                self._sheet.look(
                    "LINK-5.8",
                    side,
                    view.ends[Role.MACHINE].has_numbered,
                    "no I frame before one with numbers came",
                    "an I frame",
                )
            return
        most = view.in_force.ack_delay_s + ACKNOWLEDGE_TIMEOUT_S + 12 * SLOWEST_OCTET_S
        took = now_s - view.up_at_s
        self._sheet.look(
            "LINK-5.8",
            side,
            took <= most,
            f"RR or an I frame within T2 after UA, on any line {most:.1f} s",
            f"after {took:.1f} s",
        )
