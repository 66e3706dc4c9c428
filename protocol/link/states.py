"""States of one end of a link, and what can happen to it.

Each class here is an event of the table in `procedures`. What data decides has a class
of its own (`SetUpAsked` and `SetUpUnwanted`, `ReplyOverdue` and `RetriesExhausted`), so
that a row of the table never chooses where it goes.
"""

from dataclasses import dataclass
from enum import Enum

from protocol.link.frames import Frame, FrameKind, MalformedFrame


class State(Enum):
    """Where one end of a link is."""

    DISCONNECTED = "disconnected"
    NEGOTIATING = "negotiating"
    """XID was sent; its answer is awaited."""
    CONNECTING = "connecting"
    """SABM was sent; UA is awaited."""
    CONNECTED = "connected"
    DRAINING = "draining"
    """To be closed as soon as everything queued was acknowledged."""
    DISCONNECTING = "disconnecting"
    """DISC was sent; UA is awaited."""


class ConnectOrdered:
    """The layer above dials, with the default parameters."""


class NegotiationOrdered:
    """The layer above dials, and this end wants other parameters."""


class DisconnectOrdered:
    """The layer above is done: close when all is acknowledged."""


class AbortOrdered:
    """The layer above wants the link closed at once."""


class LineLost:
    """The layer below lost the line."""


class AllAcknowledged:
    """Nothing waits any more in an end that is draining."""


class ReplyOverdue:
    """T1 ran out, and there are retries left."""


class AgreementOverdue:
    """T1 ran out on a SABM that followed an XID, and there are retries left."""


class RetriesExhausted:
    """T1 ran out, or a frame was refused, once too often."""


class AcknowledgementDue:
    """T2 ran out: the acknowledgement must go alone."""


class LineIdle:
    """T3 ran out: nothing was heard for long."""


@dataclass(frozen=True, slots=True)
class FrameEvent:
    """A frame came."""

    frame: Frame


class SetUpAsked(FrameEvent):
    """SABM or SABME that this end can accept."""


class SetUpUnwanted(FrameEvent):
    """SABM at a machine that does not dial, or SABME without an agreement."""


class SetUpAccepted(FrameEvent):
    """UA with F = 1: the answer to SABM, which has P = 1."""


class DisconnectAccepted(FrameEvent):
    """UA with F = 0: the answer to DISC, which has P = 0."""


class SetUpRefused(FrameEvent):
    """DM with F = 1: the answer to SABM, or to a poll."""


class NoLinkReported(FrameEvent):
    """DM with F = 0: the answer to DISC, or nobody asked."""


class DisconnectReceived(FrameEvent):
    """DISC."""


class RejectionReceived(FrameEvent):
    """FRMR."""


class OfferReceived(FrameEvent):
    """XID command."""


class OfferAnswered(FrameEvent):
    """XID response."""


class InformationReceived(FrameEvent):
    """I frame with an N(R) that is possible."""


class SupervisionReceived(FrameEvent):
    """RR, RNR, REJ or SREJ with an N(R) that is possible."""


@dataclass(frozen=True, slots=True)
class ViolationReceived:
    """A good frame that breaks a rule of this link."""

    refused: MalformedFrame


FRAME_EVENTS: dict[FrameKind, type[FrameEvent]] = {
    FrameKind.INFORMATION: InformationReceived,
    FrameKind.RR: SupervisionReceived,
    FrameKind.RNR: SupervisionReceived,
    FrameKind.REJ: SupervisionReceived,
    FrameKind.SREJ: SupervisionReceived,
    FrameKind.DISC: DisconnectReceived,
    FrameKind.FRMR: RejectionReceived,
}
"""Frames whose kind alone says what happened."""

EVENTS: tuple[type, ...] = (
    ConnectOrdered,
    NegotiationOrdered,
    DisconnectOrdered,
    AbortOrdered,
    LineLost,
    AllAcknowledged,
    ReplyOverdue,
    AgreementOverdue,
    RetriesExhausted,
    AcknowledgementDue,
    LineIdle,
    SetUpAsked,
    SetUpUnwanted,
    SetUpAccepted,
    DisconnectAccepted,
    SetUpRefused,
    NoLinkReported,
    DisconnectReceived,
    RejectionReceived,
    OfferReceived,
    OfferAnswered,
    InformationReceived,
    SupervisionReceived,
    ViolationReceived,
)
