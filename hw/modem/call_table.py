"""The telephone side of an emulated modem, as a table: from on-hook to carrier lost.

What the terminal types is not in here: a modem that is CONNECTED may take data or,
after an escape, commands. Actions act on a `CallWorks`; what they find out comes back
as an event of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Protocol

from hw.lines.port import LineLoss
from hw.modem.dial_string import DialString
from protocol.table import Row, Table


class CallState(Enum):
    """What a modem does on its telephone line."""

    ON_HOOK = auto()
    OFF_HOOK = auto()
    """It holds the line and does nothing with it (ATH1, or after a ``;``)."""
    LISTENING = auto()
    """For the dial tone, or S6 if it dials blind."""
    DIALLING = auto()
    CALLING = auto()
    """The digits are out: until somebody answers, for at most S7."""
    ANSWERING = auto()
    """It has answered and waits for the other modem, for at most S7."""
    TRAINING = auto()
    """The modems agree on a speed and learn the line."""
    CONNECTED = auto()
    FADING = auto()
    """The carrier is lost; S10 says when that is believed."""


@dataclass(frozen=True, slots=True)
class DialOrdered:
    """ATD."""

    what: DialString


@dataclass(frozen=True, slots=True)
class AnswerOrdered:
    """ATA, or as many rings as S0 says."""


@dataclass(frozen=True, slots=True)
class OffHookOrdered:
    """ATH1."""


@dataclass(frozen=True, slots=True)
class HangUpOrdered:
    """ATH, ATZ, or DTR went off."""


@dataclass(frozen=True, slots=True)
class KeyTyped:
    """The terminal sent something while a command was being executed."""


@dataclass(frozen=True, slots=True)
class ToneHeard:
    """There is a dial tone, or it is not waited for any longer."""


@dataclass(frozen=True, slots=True)
class ToneMissed:
    """There is no dial tone."""


@dataclass(frozen=True, slots=True)
class DialEnded:
    """The last digit is out."""


@dataclass(frozen=True, slots=True)
class DialPaused:
    """The last digit is out, and a ``;`` follows."""


@dataclass(frozen=True, slots=True)
class LineCameUp:
    """The other end has answered."""


@dataclass(frozen=True, slots=True)
class CallRefused:
    """The network tells why there will be no line, and the modem understands it."""

    loss: LineLoss


@dataclass(frozen=True, slots=True)
class ToneUnheard:
    """An engaged tone that X tells the modem not to listen for."""


@dataclass(frozen=True, slots=True)
class LineEnded:
    """The line is lost."""


@dataclass(frozen=True, slots=True)
class TrainingEnded:
    """The modems have agreed."""


@dataclass(frozen=True, slots=True)
class TimeRanOut:
    """S7 is over, S10 is over, or nothing was sent for S30."""


class CallWorks(Protocol):
    """What the actions of the table do."""

    def listen(self, what: DialString) -> None:
        """Go off-hook and wait for the dial tone."""
        ...

    def dial_digits(self) -> None:
        """Dial."""
        ...

    def call_number(self) -> None:
        """Have the network call the number."""
        ...

    def pause_dialling(self) -> None:
        """Take commands again, off-hook."""
        ...

    def answer(self) -> None:
        """Take the call that rings, or wait for a carrier."""
        ...

    def train(self) -> None:
        """Agree with the other modem."""
        ...

    def carry(self) -> None:
        """Carry octets from now on."""
        ...

    def fade(self) -> None:
        """Wait whether the carrier comes back."""
        ...

    def release(self) -> None:
        """Go on hook; a line hangs up after what was sent has left."""
        ...

    def tell_no_dialtone(self) -> None:
        """Tell the result."""
        ...

    def tell_no_carrier(self) -> None:
        """Tell the result."""
        ...

    def tell_time_out(self) -> None:
        """Go on hook, and tell what was heard until then."""
        ...

    def tell_refusal(self, loss: LineLoss) -> None:
        """Tell what the network said."""
        ...


Action = Callable[[CallWorks, Any], None]


def _listen(works: CallWorks, event: DialOrdered) -> None:
    works.listen(event.what)


def _dial(works: CallWorks, _: object) -> None:
    works.dial_digits()


def _call(works: CallWorks, _: object) -> None:
    works.call_number()


def _pause(works: CallWorks, _: object) -> None:
    works.pause_dialling()


def _answer(works: CallWorks, _: object) -> None:
    works.answer()


def _train(works: CallWorks, _: object) -> None:
    works.train()


def _carry(works: CallWorks, _: object) -> None:
    works.carry()


def _fade(works: CallWorks, _: object) -> None:
    works.fade()


def _release(works: CallWorks, _: object) -> None:
    works.release()


def _no_dialtone(works: CallWorks, _: object) -> None:
    works.release()
    works.tell_no_dialtone()


def _no_carrier(works: CallWorks, _: object) -> None:
    works.release()
    works.tell_no_carrier()


def _time_out(works: CallWorks, _: object) -> None:
    # Whether the bell was heard is known until the call is released.
    works.tell_time_out()


def _refused(works: CallWorks, event: CallRefused) -> None:
    works.release()
    works.tell_refusal(event.loss)


def _nothing(_works: CallWorks, _: object) -> None:
    """Go on waiting."""


_S = CallState


def _given_up(state: CallState) -> list[Row[CallState, Action]]:
    """Every attempt ends in the same two ways."""
    return [
        Row(state, HangUpOrdered, _release, _S.ON_HOOK),
        Row(state, KeyTyped, _no_carrier, _S.ON_HOOK),
    ]


CALL_TABLE: Final[Table[CallState, Action]] = Table(
    _S.ON_HOOK,
    [
        Row(_S.ON_HOOK, DialOrdered, _listen, _S.LISTENING),
        Row(_S.ON_HOOK, AnswerOrdered, _answer, _S.ANSWERING),
        Row(_S.ON_HOOK, OffHookOrdered, _nothing, _S.OFF_HOOK),
        Row(_S.ON_HOOK, HangUpOrdered, _release, _S.ON_HOOK),
        Row(_S.OFF_HOOK, DialOrdered, _listen, _S.LISTENING),
        Row(_S.OFF_HOOK, AnswerOrdered, _answer, _S.ANSWERING),
        Row(_S.OFF_HOOK, OffHookOrdered, _nothing, _S.OFF_HOOK),
        Row(_S.OFF_HOOK, HangUpOrdered, _release, _S.ON_HOOK),
        Row(_S.LISTENING, ToneHeard, _dial, _S.DIALLING),
        Row(_S.LISTENING, ToneMissed, _no_dialtone, _S.ON_HOOK),
        *_given_up(_S.LISTENING),
        Row(_S.DIALLING, DialEnded, _call, _S.CALLING),
        Row(_S.DIALLING, DialPaused, _pause, _S.OFF_HOOK),
        *_given_up(_S.DIALLING),
        Row(_S.CALLING, LineCameUp, _train, _S.TRAINING),
        Row(_S.CALLING, CallRefused, _refused, _S.ON_HOOK),
        Row(_S.CALLING, ToneUnheard, _nothing, _S.CALLING),
        Row(_S.CALLING, TimeRanOut, _time_out, _S.ON_HOOK),
        *_given_up(_S.CALLING),
        Row(_S.ANSWERING, LineCameUp, _train, _S.TRAINING),
        Row(_S.ANSWERING, CallRefused, _refused, _S.ON_HOOK),
        Row(_S.ANSWERING, TimeRanOut, _no_carrier, _S.ON_HOOK),
        *_given_up(_S.ANSWERING),
        Row(_S.TRAINING, TrainingEnded, _carry, _S.CONNECTED),
        Row(_S.TRAINING, LineEnded, _no_carrier, _S.ON_HOOK),
        Row(_S.TRAINING, TimeRanOut, _no_carrier, _S.ON_HOOK),
        *_given_up(_S.TRAINING),
        Row(_S.CONNECTED, LineEnded, _fade, _S.FADING),
        Row(_S.CONNECTED, TimeRanOut, _no_carrier, _S.ON_HOOK),
        Row(_S.CONNECTED, HangUpOrdered, _release, _S.ON_HOOK),
        Row(_S.FADING, TimeRanOut, _no_carrier, _S.ON_HOOK),
        Row(_S.FADING, HangUpOrdered, _release, _S.ON_HOOK),
    ],
)
"""A pair without a row has no meaning: the modem does not heed it."""
