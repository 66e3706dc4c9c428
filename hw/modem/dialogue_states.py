"""States, events and effects of the dialogue with a modem."""

from dataclasses import dataclass
from enum import Enum, auto

from hw.lines.port import LineLoss, LossCause
from hw.ports.port import TerminalCircuits


class DialogueState(Enum):
    """How far this end is with its modem."""

    CLOSED = auto()
    """The port is not open yet."""
    SETTLING = auto()
    """DTR was just set."""
    WAKING = auto()
    """Does it take commands?"""
    QUIET = auto()
    """It may be in a call that a crash left behind: the pause before ``+++``."""
    ESCAPING = auto()
    RECOVERING = auto()
    """ATH, for that call."""
    INITIALISING = auto()
    READY = auto()
    DIALLING = auto()
    WAITING = auto()
    """For a call."""
    PROBING = auto()
    """Is it still there?"""
    RINGING = auto()
    ANSWERING = auto()
    CONNECTED = auto()
    FADING = auto()
    """DCD is off; what the modem still holds may follow."""
    DRAINING = auto()
    """Hanging up: what was sent leaves first."""
    DROPPING = auto()
    """DTR is off."""
    HUSHED = auto()
    """DTR was of no use: the pause before ``+++``."""
    INTERRUPTING = auto()
    HANGING_UP = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class PortOpened:
    """The port is open."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """What was waited for did not come."""


@dataclass(frozen=True, slots=True)
class RetriesExhausted:
    """It did not come the last time either."""


@dataclass(frozen=True, slots=True)
class OkReceived:
    """OK."""


@dataclass(frozen=True, slots=True)
class ErrorReceived:
    """ERROR."""


@dataclass(frozen=True, slots=True)
class ConnectReceived:
    """CONNECT.

    Attributes:
        bit_s: The speed, where it was told.
        more: What else was told.
    """

    bit_s: int | None = None
    more: str = ""


@dataclass(frozen=True, slots=True)
class RingReceived:
    """RING."""


@dataclass(frozen=True, slots=True)
class CallFailed:
    """NO CARRIER, BUSY, NO ANSWER, NO DIALTONE and their like.

    Attributes:
        cause: For programs.
        words: What the modem said.
    """

    cause: LossCause
    words: str


@dataclass(frozen=True, slots=True)
class DialDue:
    """The modem is set up, and there is a number."""


@dataclass(frozen=True, slots=True)
class WaitDue:
    """The modem is set up, and is to answer."""


@dataclass(frozen=True, slots=True)
class AnswerDue:
    """It has rung as often as it should."""


@dataclass(frozen=True, slots=True)
class CarrierFell:
    """DCD went off."""


@dataclass(frozen=True, slots=True)
class CarrierTextBelieved:
    """NO CARRIER, and silence."""


@dataclass(frozen=True, slots=True)
class HangUpOrdered:
    """This end wants no more."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What was sent has left, and the port has DTR."""


@dataclass(frozen=True, slots=True)
class DrainedWithoutCircuits:
    """What was sent has left; only ``+++`` is of use."""


@dataclass(frozen=True, slots=True)
class PortEnded:
    """The port is of no use any more."""

    loss: LineLoss


@dataclass(frozen=True, slots=True)
class Send:
    """Effect: send octets to the modem."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class SetCircuits:
    """Effect: set DTR and RTS."""

    circuits: TerminalCircuits


@dataclass(frozen=True, slots=True)
class Connected:
    """Effect: the line is up.

    Attributes:
        bit_s: Its speed, where the modem told it.
        more: What else it told, such as ``V42BIS``.
        caller: The caller's number, where it was told.
    """

    bit_s: int | None
    more: str
    caller: str


@dataclass(frozen=True, slots=True)
class Received:
    """Effect: octets of the other end came."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Over:
    """Effect: close the port and tell why."""

    loss: LineLoss


Effect = Send | SetCircuits | Connected | Received | Over
