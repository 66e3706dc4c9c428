"""How two ends set a link up and close it: SABM, UA, DISC, DM, XID, FRMR.

An answer is judged by the commands that were seen before it: F belongs to P (LINK-5.2,
5.5). A command that was repeated may be answered as often.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hw.lab.tap.link_view import SET_UPS, WIDEST, LinkState, LinkView
from hw.lab.tap.sheet import Sheet
from protocol.link import Role
from protocol.link.frames import SUPERVISORY, Frame, FrameKind
from protocol.link.parameters import MODULO_8, RETRIES_MAX, LinkParameters
from protocol.link.xid import agree, decode_offer

REPEAT_LEAST_S: Final = 2.4
"""T1 is 3 s at least for commands without numbers (LINK-11); a fifth is allowed for
what a line between the end and the tap holds back."""
REPEAT_MOST_S: Final = 4.5
"""T1 is 3.4 s on the slowest line: who waits longer for UA dials anew (DLG-14.3)."""
COMMANDS_KEPT: Final = 64
DISC_ANSWER_S: Final = 2.0
"""After so long an end that got a DISC sends nothing more but its answer."""
_REJECTION_OCTETS: Final = {MODULO_8: 3}
_REJECTION_OCTETS_128: Final = 5


@dataclass(slots=True)
class _Asked:
    """Commands of one end that wait for their answers, by P.

    Attributes:
        set_up: SABMs and SABMEs.
        close: DISCs.
        offer: XIDs.
    """

    set_up: list[bool] = field(default_factory=list)
    close: list[bool] = field(default_factory=list)
    offer: list[bool] = field(default_factory=list)


class SettingUp:
    """Judges frames without numbers."""

    def __init__(self, sheet: Sheet, view: LinkView, *, is_timed: bool) -> None:
        """Begin with a line.

        Args:
            sheet: Takes what is found.
            view: The link, before the frame that is judged.
            is_timed: The times of records are those at which they passed.
        """
        self._sheet = sheet
        self._view = view
        self._is_timed = is_timed
        self._judges: Final[dict[FrameKind, Callable[[Role, Frame], None]]] = {
            FrameKind.XID: self._xid,
            FrameKind.UA: self._accepted,
            FrameKind.DM: self._refused,
            FrameKind.FRMR: self._rejected,
        }
        self.line_ended()

    def line_ended(self) -> None:
        """Forget what waits for answers: another call begins."""
        self._asked = {role: _Asked() for role in Role}
        self._attempts = 0
        self._last_command: tuple[Role, FrameKind, float] | None = None
        self._offer: LinkParameters | None = None
        self._offer_is_fresh = False
        self._set_up_kind = FrameKind.SABM
        self._is_unwanted = False
        self._was_up = False
        self._closing_at_s: dict[Role, float] = {}
        self._missed = False

    def damage(self) -> None:
        """Take octets that are no good frame: a command may have been among them."""
        self._missed = True

    def judge(self, side: Role, frame: Frame, now_s: float) -> None:
        """Judge one frame."""
        self._after_disc(side, frame, now_s)
        kind = frame.kind
        if kind in SET_UPS:
            self._set_up(side, frame, now_s)
        elif kind is FrameKind.DISC:
            self._disc(side, frame, now_s)
        else:
            judge = self._judges.get(kind)
            if judge is not None:
                judge(side, frame)
        is_answer = kind not in SET_UPS and not is_numbered(frame)
        if side is Role.SERVER and is_answer:
            self._met("LINK-5.1", side)
        if kind not in SET_UPS and kind is not FrameKind.XID:
            self._offer_is_fresh = False
        if self._last_command is not None and self._last_command[0] is not side:
            self._last_command = None
            self._attempts = 0

    def _look(
        self, clause: str, side: Role, right: bool, expected: str, seen: str
    ) -> None:
        self._sheet.look(clause, side, right, expected, seen)

    def _met(self, clause: str, side: Role) -> None:
        self._sheet.met(clause, side)

    def _failed(self, clause: str, side: Role, expected: str, seen: str) -> None:
        self._sheet.failed(clause, side, expected, seen)

    def _set_up(self, side: Role, frame: Frame, now_s: float) -> None:
        name = frame.kind.name
        if side is Role.SERVER:
            self._failed("LINK-5.1", side, "a server sets no link up", name)
            _wait(self._asked[side].set_up, frame)
            return
        poll = "P = 1" if frame.poll_final else "P = 0"
        self._look("LINK-5.1", side, frame.poll_final, f"{name} with P = 1", poll)
        self._count(side, frame.kind, now_s)
        self._agreement(frame.kind)
        self._was_up = self._view.state is LinkState.UP
        _wait(self._asked[side].set_up, frame)

    def _agreement(self, kind: FrameKind) -> None:
        agreed = self._view.agreed
        side = Role.MACHINE
        self._set_up_kind, self._is_unwanted = kind, False
        if kind is FrameKind.SABME:
            fits = agreed is not None and agreed.modulus != MODULO_8
            self._is_unwanted = not fits and not self._missed
            self._look(
                "LINK-10.3",
                side,
                fits or self._missed,
                "SABM: no modulo 128 was agreed",
                "SABME",
            )
        if agreed is None or self._missed:
            return
        right = self._offer_is_fresh
        self._offer_is_fresh = False
        self._look(
            "LINK-10.5",
            side,
            right,
            "XID before a SABM that is repeated after an agreement",
            kind.name,
        )

    def _count(self, side: Role, kind: FrameKind, now_s: float) -> None:
        """Count what is repeated, and how soon."""
        last, self._last_command = self._last_command, (side, kind, now_s)
        same = last is not None and last[:2] == (side, kind)
        if last is None or not same or now_s - last[2] > REPEAT_MOST_S:
            self._attempts = 0
        self._attempts += 1
        most = 1 + max(RETRIES_MAX, self._view.in_force.retries_max)
        if self._attempts > 1:
            right = self._attempts <= most or self._missed
            words = f"{kind.name} for the time {self._attempts} without an answer"
            self._look("LINK-5.4", side, right, f"{most} at most", words)
        if last is not None and same and self._is_timed:
            after = now_s - last[2]
            self._look(
                "LINK-11",
                side,
                after >= REPEAT_LEAST_S,
                "T1 of 3 s at least before a command is repeated",
                f"{kind.name} again after {after:.2f} s",
            )

    def _disc(self, side: Role, frame: Frame, now_s: float) -> None:
        poll = "P = 1" if frame.poll_final else "P = 0"
        self._look("LINK-5.5", side, not frame.poll_final, "DISC with P = 0", poll)
        self._count(side, FrameKind.DISC, now_s)
        _wait(self._asked[side].close, frame)
        self._closing_at_s.setdefault(side.peer, now_s)

    def _after_disc(self, side: Role, frame: Frame, now_s: float) -> None:
        """Judge what comes from an end that was sent a DISC."""
        since_s = self._closing_at_s.get(side)
        if since_s is None:
            return
        if frame.kind in {FrameKind.UA, FrameKind.DM, FrameKind.DISC}:
            self._met("LINK-5.7", side)
            del self._closing_at_s[side]
        elif frame.kind in SET_UPS or self._missed or self._view.was_disturbed:
            del self._closing_at_s[side]
        elif now_s - since_s > DISC_ANSWER_S:
            self._failed("LINK-5.7", side, "UA or DM upon DISC", frame.kind.name)
            del self._closing_at_s[side]

    def _accepted(self, side: Role, frame: Frame) -> None:
        asked = self._asked[side.peer]
        final = frame.poll_final
        seen = f"UA with F = {int(final)}"
        for commands, clause in ((asked.set_up, "LINK-5.2"), (asked.close, "LINK-5.5")):
            if final in commands:
                commands.remove(final)
                self._met(clause, side)
                if clause == "LINK-5.2":
                    self._taken(side, seen, taken=True)
                return
        if self._missed or self._view.state is LinkState.UNKNOWN:
            return
        clause = "LINK-5.5" if asked.close and not asked.set_up else "LINK-5.2"
        self._failed(clause, side, "UA with F = P of a command", seen)

    def _refused(self, side: Role, frame: Frame) -> None:
        asked = self._asked[side.peer]
        seen = f"DM with F = {int(frame.poll_final)}"
        for commands in (asked.set_up, asked.close, asked.offer):
            if frame.poll_final in commands:
                commands.remove(frame.poll_final)
                self._met("LINK-5.3", side)
                if commands is asked.set_up:
                    self._taken(side, seen, taken=False)
                return
        polled = bool(self._view.ends[side.peer].polls) or not self._view.is_up
        unknown = self._missed or self._view.state is LinkState.UNKNOWN
        if frame.poll_final and not polled and not unknown:
            self._failed("LINK-5.3", side, "DM with F = 1 upon a P = 1", seen)

    def _taken(self, side: Role, seen: str, *, taken: bool) -> None:
        """Judge how a server answers a set-up."""
        if side is not Role.SERVER or self._missed:
            return
        if self._is_unwanted:
            expected = "DM upon SABME without an agreement"
            self._look("LINK-5.3", side, not taken, expected, seen)
        elif self._view.links and self._set_up_kind is FrameKind.SABM:
            clause = "LINK-13.2" if self._was_up else "LINK-1.9"
            self._look(clause, side, taken, "UA: a further call on the line", seen)

    def _xid(self, side: Role, frame: Frame) -> None:
        offer = decode_offer(frame.information)
        octets = frame.information[:16].hex(" ")
        self._look(
            "LINK-10.3", side, offer is not None, "groups that fill the field", octets
        )
        if side is Role.MACHINE:
            right = (
                frame.command
                and frame.poll_final
                and self._view.state is not LinkState.UP
            )
            what = "command" if frame.command else "response"
            seen = f"an XID {what}, P/F = {int(frame.poll_final)}"
            expected = "an XID command with P = 1 before SABM"
            self._look("LINK-10.1", side, right, expected, seen)
            if frame.command:
                _wait(self._asked[side].offer, frame)
            if offer is not None:
                self._offer = agree(WIDEST, offer)
            return
        offered = self._asked[Role.MACHINE].offer
        right = not frame.command and (frame.poll_final in offered or self._missed)
        seen = f"an XID {'command' if frame.command else 'response'}"
        self._look("LINK-10.1", side, right, "an XID response to a machine's", seen)
        if frame.poll_final in offered:
            offered.remove(frame.poll_final)
        if offer is not None and self._offer is not None and not frame.command:
            self._answer(agree(WIDEST, offer))
            self._view.agreed = agree(self._offer, offer)
            self._offer_is_fresh = True

    def _answer(self, answer: LinkParameters) -> None:
        """Judge whether an answer widens what was offered."""
        offer = self._offer or WIDEST
        widened = [
            words
            for words, wider, left_out in (
                (
                    "N1",
                    answer.frame_octets_max > offer.frame_octets_max,
                    answer.frame_octets_max == WIDEST.frame_octets_max,
                ),
                ("k", answer.window > offer.window, answer.window == WIDEST.window),
                (
                    "N2",
                    answer.retries_max < offer.retries_max,
                    answer.retries_max == WIDEST.retries_max,
                ),
                (
                    "T2",
                    answer.ack_delay_s < offer.ack_delay_s,
                    answer.ack_delay_s == WIDEST.ack_delay_s,
                ),
                (
                    "modulo",
                    answer.modulus > offer.modulus,
                    answer.modulus == WIDEST.modulus and answer.window > MODULO_8,
                ),
                ("ACCM", offer.accm & ~answer.accm != 0, answer.accm == WIDEST.accm),
                ("arrival reports", answer.reports and not offer.reports, False),
            )
            if wider and not left_out
        ]
        self._look(
            "LINK-10.4",
            Role.SERVER,
            not widened,
            "an answer within what was offered",
            f"another {', '.join(widened)}" if widened else "so",
        )

    def _rejected(self, side: Role, frame: Frame) -> None:
        seen = f"FRMR with F = {int(frame.poll_final)}"
        self._look("LINK-14.1", side, not frame.poll_final, "FRMR with F = 0", seen)
        due = _REJECTION_OCTETS.get(self._view.modulus, _REJECTION_OCTETS_128)
        octets = len(frame.information)
        self._look(
            "LINK-14.2",
            side,
            octets == due or not self._view.is_up,
            f"{due} octets of information",
            f"{octets} octets",
        )


def _wait(commands: list[bool], frame: Frame) -> None:
    """Note a command; of very many that have no answer only the last count."""
    commands.append(frame.poll_final)
    del commands[:-COMMANDS_KEPT]


def is_numbered(frame: Frame) -> bool:
    """Say whether a frame is an I or supervisory one."""
    return frame.kind is FrameKind.INFORMATION or frame.kind in SUPERVISORY
