"""What a link reports to the layer above, and what it counts."""

from dataclasses import dataclass, field
from enum import Enum

from protocol.link.framing import FramingCounters


class DownReason(Enum):
    """Why a link ended."""

    CLOSED = "closed"
    """This end closed it, by `disconnect` or `abort`."""
    CLOSED_BY_PEER = "closed by peer"
    """The peer sent DISC."""
    RESET_BY_PEER = "reset by peer"
    """The peer set the link up again; a `LinkUp` follows."""
    NO_LINK_AT_PEER = "no link at peer"
    """The peer sent DM: it restarted, or gave up."""
    REFUSED = "refused"
    """The peer answered SABM with DM."""
    NO_ANSWER = "no answer"
    """N2 repetitions were not answered."""
    REJECTED_BY_PEER = "rejected by peer"
    """The peer sent FRMR: it could not make sense of a frame of ours."""
    PROTOCOL_VIOLATION = "protocol violation"
    """The peer broke a rule; FRMR was sent."""
    LINE_LOST = "line lost"
    """The layer below reported that the line is gone."""


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A link is set up: both ends begin at 0 with nothing pending."""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A whole message came, exactly once and in order."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link ended; whatever was not acknowledged may or may not have arrived."""

    reason: DownReason


LinkEvent = LinkUp | MessageReceived | LinkDown


@dataclass
class LinkCounters:
    """What happened since this end was built, over all its links."""

    octets_sent: int = 0
    octets_received: int = 0
    frames_sent: int = 0
    framing: FramingCounters = field(default_factory=FramingCounters)
    """Frames received, and what came damaged."""
    foreign_frames: int = 0
    """Good frames that were not for this end."""
    unexpected_frames: int = 0
    """Good frames that had no meaning in the state that the link was in."""
    messages_sent: int = 0
    messages_received: int = 0
    information_sent: int = 0
    """I frames given to the line for the first time."""
    retransmissions: int = 0
    """I frames given to the line again."""
    duplicates: int = 0
    """I frames that came again, or that were out of the window."""
    acknowledgements_sent: int = 0
    """Lone RR or RNR that no poll asked for."""
    polls_sent: int = 0
    timeouts: int = 0
    """T1 ran out."""
    rejects_sent: int = 0
    """REJ and SREJ."""
    rejects_received: int = 0
    violations: int = 0
    """FRMR sent."""
    links: int = 0
    """Links set up."""

    @property
    def line_is_noisy(self) -> bool:
        """Whether the line damaged frames, this way or the other."""
        return bool(self.framing.damaged or self.retransmissions)
