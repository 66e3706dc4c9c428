"""One link as a tap sees it: its state, what was agreed, and the numbers of both ends.

The view is built from frames alone and decides nothing; the judges read it before each
frame is taken into it. It knows how far it can be trusted: `was_disturbed` says that
something may have passed unseen, or was lost behind the tap.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from protocol.link import Role
from protocol.link.frames import SUPERVISORY, Frame, FrameKind
from protocol.link.parameters import (
    DEFAULT,
    FRAME_OCTETS_LIMIT,
    MODULO_8,
    MODULO_128,
    LinkParameters,
)

WIDEST: Final = LinkParameters(
    frame_octets_max=FRAME_OCTETS_LIMIT,
    window=MODULO_128 // 2,
    retries_max=1,
    acknowledge_timeout_s=0.002,
    ack_delay_s=0.001,
    modulus=MODULO_128,
    reports=True,
)
"""Takes every value of an offer as it is: what is left out stays as wide as can be."""

SET_UPS: Final = frozenset({FrameKind.SABM, FrameKind.SABME})
_ENDS: Final = frozenset({FrameKind.UA, FrameKind.DM, FrameKind.FRMR})


class LinkState(Enum):
    """Where the link of a line stands."""

    UNKNOWN = auto()
    """The tap began in the middle: nothing is known until a set-up is seen."""
    SETTING_UP = auto()
    UP = auto()
    CLOSING = auto()
    DOWN = auto()


@dataclass(slots=True)
class Sent:
    """An I frame that an end has sent.

    Attributes:
        information: Its information field.
        at_s: When first.
        times: How often.
        octets_behind: What both ends have sent since.
    """

    information: bytes
    at_s: float
    times: int = 1
    octets_behind: int = 0


@dataclass(slots=True)
class EndView:
    """What one end has sent in this link.

    Attributes:
        next: V(S): the number of its next new I frame.
        acknowledged: V(A): the oldest number that the other end has not acknowledged.
        frames: Its I frames that are not acknowledged, by number.
        heard_at_s: When the last good frame came from it.
        polls: How many of its polls the other end has not answered.
        polls_unanswered: Its polls since the last answer to one.
        polls_in_a_row: Its polls since the other end was heard.
        busy_since_s: When its RNR came, or None.
        busy_times: How many RNRs since then.
        requested: Numbers that the other end's SREJs have asked it for.
        asked: Numbers that its SREJs have asked for, and that did not come again.
        has_numbered: It has sent an I or supervisory frame.
        damaged: Something came from it that was no good frame, since its last I frame.
        in_message: Octets of a message that it has begun, or None.
    """

    next: int = 0
    acknowledged: int = 0
    frames: dict[int, Sent] = field(default_factory=dict)
    heard_at_s: float | None = None
    polls: int = 0
    polls_unanswered: int = 0
    polls_in_a_row: int = 0
    busy_since_s: float | None = None
    busy_times: int = 0
    requested: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    has_numbered: bool = False
    damaged: bool = False
    in_message: int | None = None


class LinkView:
    """The link of one line.

    Attributes:
        state: Where it stands.
        agreed: What an XID and its answer have agreed on for the next or this link.
        in_force: What this link works with.
        up_at_s: When UA was seen.
        was_disturbed: Damage was seen, or a repetition: frames may be lost.
        was_missed: An I frame was acknowledged that the tap has not seen.
        links: How many were set up on this line.
    """

    def __init__(self) -> None:
        """Begin in the middle of anything."""
        self.state = LinkState.UNKNOWN
        self.agreed: LinkParameters | None = None
        self.in_force = DEFAULT
        self.up_at_s = 0.0
        self.was_disturbed = False
        self.was_missed = False
        self.links = 0
        self.ends = {role: EndView() for role in Role}

    @property
    def modulus(self) -> int:
        """Of the numbers."""
        return self.in_force.modulus

    @property
    def is_up(self) -> bool:
        """Whether I frames have a meaning now."""
        return self.state in {LinkState.UP, LinkState.CLOSING}

    def behind(self, later: int, earlier: int) -> int:
        """Count from one number to a later one."""
        return (later - earlier) % self.modulus

    def begin(self, modulus: int) -> None:
        """Take a SABM or SABME: all numbers begin anew (LINK-5.2)."""
        agreed = self.agreed
        fits = agreed is not None and agreed.modulus == modulus
        self.in_force = agreed if agreed is not None and fits else DEFAULT
        if modulus == MODULO_128 and not fits:
            self.in_force = WIDEST
        self.state = LinkState.SETTING_UP
        self.was_disturbed = False
        self.was_missed = False
        self.ends = {role: EndView() for role in Role}

    def line_ended(self) -> None:
        """Take the end of the line: no agreement outlives it (LINK-10.5)."""
        self.state = LinkState.DOWN
        self.agreed = None
        self.links = 0

    def damage(self, side: Role | None) -> None:
        """Take octets that are no good frame."""
        self.was_disturbed = True
        for role in Role if side is None else (side,):
            self.ends[role].damaged = True

    def take(self, side: Role, frame: Frame, now_s: float) -> None:
        """Take a good frame, after it was judged."""
        kind = frame.kind
        if kind in SET_UPS:
            self.begin(MODULO_8 if kind is FrameKind.SABM else MODULO_128)
        elif kind is FrameKind.DISC:
            self.state = LinkState.CLOSING if self.is_up else LinkState.DOWN
        elif kind in _ENDS:
            self._answered(frame, now_s)
        elif kind is FrameKind.INFORMATION or kind in SUPERVISORY:
            if self.state is LinkState.SETTING_UP:
                # UA was not seen; whoever sends numbers has a link.
                self.state, self.up_at_s = LinkState.UP, now_s
                self.was_disturbed = True
            self.ends[side].has_numbered = True
        end = self.ends[side]
        end.heard_at_s = now_s
        self.ends[side.peer].polls_in_a_row = 0

    def _answered(self, frame: Frame, now_s: float) -> None:
        sets_up = frame.kind is FrameKind.UA and frame.poll_final
        if sets_up and self.state is LinkState.SETTING_UP:
            self.state, self.up_at_s = LinkState.UP, now_s
            self.links += 1
            return
        if sets_up and self.state is LinkState.UP:
            return
        if self.state is not LinkState.UNKNOWN:
            self.state = LinkState.DOWN
            self.agreed = None
