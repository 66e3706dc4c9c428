"""The dialogue with a modem as a table: every row is one sentence of it."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from hw.lines.port import LossCause
from hw.modem.dialogue_states import (
    AnswerDue,
    CallFailed,
    CarrierFell,
    CarrierTextBelieved,
    ConnectReceived,
    DialDue,
    DialogueState,
    Drained,
    DrainedWithoutCircuits,
    ErrorReceived,
    HangUpOrdered,
    OkReceived,
    PortEnded,
    PortOpened,
    RetriesExhausted,
    RingReceived,
    TimedOut,
    WaitDue,
)
from hw.modem.settings import ModemSettings
from protocol.table import Row, Table

WAKE: Final = "ATE0Q0V1"
"""What every modem understands, and answers however it was left."""

SETTLE_S: Final = 0.3
WAKES_MAX: Final = 2
RING_PAUSE_S: Final = 8.0
"""Without a ring for so long, nobody calls any more."""

PROBE_S: Final = 60.0
"""How often a modem that waits is asked whether it is still there."""

DRAIN_POLL_S: Final = 0.05
DRAIN_S: Final = 60.0
"""How long hanging up waits for the port: 57,600 octets at 9,600 bit/s."""

DTR_S: Final = 5.0
"""How long a modem may take to hang up because of DTR."""

GONE: Final = (
    "the modem has lost the carrier: the other end hung up, or the line is bad"
)


class Works(Protocol):
    """What the actions act on: `hw.modem.dialogue.ModemDialogue`."""

    settings: ModemSettings
    answers: bool
    retries: int
    rings: int
    follow_ups: Any
    waiting_octets: int
    has_circuits: bool
    now: float
    drain_until: float

    def wait(self, seconds: float) -> None:
        """Have `TimedOut` after so long."""
        ...

    def command(self, text: str) -> None:
        """Send a command line."""
        ...

    def send(self, octets: bytes) -> None:
        """Send octets."""
        ...

    def set_ready(self, *, ready: bool) -> None:
        """Set DTR and RTS, or let DTR go."""
        ...

    def begin_data(self, event: ConnectReceived) -> None:
        """Be connected."""
        ...

    def fade(self) -> None:
        """Wait until the port is silent."""
        ...

    def forget_caller(self) -> None:
        """The next call is another."""
        ...

    def end(self, cause: LossCause, detail: str = "") -> None:
        """Close the port and tell why."""
        ...


Action = Callable[[Works, Any], None]


def _settle(works: Works, _: object) -> None:
    works.set_ready(ready=True)
    works.wait(SETTLE_S)


def _wake(works: Works, _: object) -> None:
    works.command(WAKE)


def _wake_again(works: Works, _: object) -> None:
    works.retries += 1
    if works.retries < WAKES_MAX:
        works.command(WAKE)
    else:
        works.follow_ups.append(RetriesExhausted())


def _hush(works: Works, _: object) -> None:
    works.wait(works.settings.guard_s)


def _escape(works: Works, _: object) -> None:
    works.send(b"+++")
    works.wait(works.settings.guard_s + works.settings.command_s)


def _end_old_call(works: Works, _: object) -> None:
    works.command("ATH")


def _initialise(works: Works, _: object) -> None:
    rings = works.settings.rings
    itself = f"S0={rings}" if works.settings.answers_itself and works.answers else ""
    works.command(works.settings.init + itself)


def _initialised(works: Works, _: object) -> None:
    works.follow_ups.append(WaitDue() if works.answers else DialDue())


def _no_modem(works: Works, _: object) -> None:
    words = "it says nothing: is it on, is its cable in, is the port the right one?"
    works.end(LossCause.NO_MODEM, words)


def _init_refused(works: Works, _: object) -> None:
    words = f"it does not know {works.settings.init}: give the line another init="
    works.end(LossCause.MODEM_REFUSED, words)


def _dial(works: Works, _: object) -> None:
    works.command(f"ATD{works.settings.dialled}")
    works.wait(works.settings.wait_s)


def _dial_refused(works: Works, _: object) -> None:
    works.end(LossCause.MODEM_REFUSED, f"it does not dial {works.settings.dialled}")


def _failed(works: Works, event: CallFailed) -> None:
    works.end(event.cause, f"{works.settings.dialled} ({event.words})")


def _interrupted(works: Works, _: object) -> None:
    words = f"{works.settings.dialled}: the modem has broken the attempt off"
    works.end(LossCause.NO_CARRIER, words)


def _nobody(works: Works, _: object) -> None:
    # Any octet makes a modem give an attempt up.
    works.send(b"\r")
    words = f"{works.settings.dialled} within {works.settings.wait_s:g} s"
    works.end(LossCause.NO_ANSWER, words)


def _listen(works: Works, _: object) -> None:
    works.forget_caller()
    works.wait(PROBE_S)


def _break_off(works: Works, event: object) -> None:
    works.send(b"\r")
    _listen(works, event)


def _probe(works: Works, _: object) -> None:
    works.command("AT")


def _ring(works: Works, _: object) -> None:
    works.rings += 1
    works.wait(RING_PAUSE_S)
    if works.rings >= works.settings.rings and not works.settings.answers_itself:
        works.follow_ups.append(AnswerDue())


def _answer(works: Works, _: object) -> None:
    works.command("ATA")
    works.wait(works.settings.wait_s)


def _connect(works: Works, event: ConnectReceived) -> None:
    works.begin_data(event)


def _fade(works: Works, _: object) -> None:
    works.fade()


def _gone(works: Works, _: object) -> None:
    works.end(LossCause.DROPPED_BY_PEER, GONE)


def _drain(works: Works, event: object) -> None:
    works.drain_until = works.now + DRAIN_S
    _drain_on(works, event)


def _drain_on(works: Works, _: object) -> None:
    if works.waiting_octets and works.now < works.drain_until:
        works.wait(DRAIN_POLL_S)
    elif works.has_circuits:
        works.follow_ups.append(Drained())
    else:
        works.follow_ups.append(DrainedWithoutCircuits())


def _let_dtr_go(works: Works, _: object) -> None:
    works.set_ready(ready=False)
    works.wait(DTR_S)


def _hush_with_dtr(works: Works, event: object) -> None:
    works.set_ready(ready=True)
    _hush(works, event)


def _hang_up(works: Works, _: object) -> None:
    works.command("ATH")


def _give_up(works: Works, _: object) -> None:
    """Break an attempt off; the modem tells when it has."""
    works.command("")


def _dropped(works: Works, _: object) -> None:
    works.end(LossCause.DROPPED_HERE)


def _port_ended(works: Works, event: PortEnded) -> None:
    works.end(event.loss.cause, event.loss.detail)


_S = DialogueState
_AT_ONCE: Final = (
    *(_S.CLOSED, _S.SETTLING, _S.WAKING, _S.QUIET, _S.ESCAPING, _S.RECOVERING),
    *(_S.INITIALISING, _S.READY, _S.WAITING, _S.PROBING, _S.RINGING, _S.FADING),
)
_GOING: Final = (
    *(_S.DRAINING, _S.DROPPING, _S.HUSHED, _S.INTERRUPTING, _S.HANGING_UP),
)

_STAYING: Final = tuple(state for state in _S if state not in (*_GOING, _S.OVER))


def _rows(
    states: Iterable[DialogueState], event: type, do: Action
) -> list[Row[DialogueState, Action]]:
    """What ends every one of these states in the same way."""
    return [Row(state, event, do, _S.OVER) for state in states]


DIALOGUE_TABLE: Final[Table[DialogueState, Action]] = Table(
    _S.CLOSED,
    [
        Row(_S.CLOSED, PortOpened, _settle, _S.SETTLING),
        Row(_S.SETTLING, TimedOut, _wake, _S.WAKING),
        Row(_S.WAKING, OkReceived, _initialise, _S.INITIALISING),
        Row(_S.WAKING, ErrorReceived, _wake_again, _S.WAKING),
        Row(_S.WAKING, TimedOut, _wake_again, _S.WAKING),
        Row(_S.WAKING, RetriesExhausted, _hush, _S.QUIET),
        Row(_S.QUIET, TimedOut, _escape, _S.ESCAPING),
        Row(_S.ESCAPING, OkReceived, _end_old_call, _S.RECOVERING),
        Row(_S.ESCAPING, TimedOut, _end_old_call, _S.RECOVERING),
        Row(_S.RECOVERING, OkReceived, _initialise, _S.INITIALISING),
        Row(_S.RECOVERING, ErrorReceived, _initialise, _S.INITIALISING),
        Row(_S.RECOVERING, TimedOut, _no_modem, _S.OVER),
        Row(_S.INITIALISING, OkReceived, _initialised, _S.READY),
        Row(_S.INITIALISING, ErrorReceived, _init_refused, _S.OVER),
        Row(_S.INITIALISING, TimedOut, _no_modem, _S.OVER),
        Row(_S.READY, DialDue, _dial, _S.DIALLING),
        Row(_S.READY, WaitDue, _listen, _S.WAITING),
        Row(_S.DIALLING, ConnectReceived, _connect, _S.CONNECTED),
        Row(_S.DIALLING, CallFailed, _failed, _S.OVER),
        Row(_S.DIALLING, OkReceived, _interrupted, _S.OVER),
        Row(_S.DIALLING, ErrorReceived, _dial_refused, _S.OVER),
        Row(_S.DIALLING, TimedOut, _nobody, _S.OVER),
        Row(_S.DIALLING, HangUpOrdered, _give_up, _S.HANGING_UP),
        Row(_S.WAITING, RingReceived, _ring, _S.RINGING),
        Row(_S.WAITING, ConnectReceived, _connect, _S.CONNECTED),
        Row(_S.WAITING, TimedOut, _probe, _S.PROBING),
        Row(_S.PROBING, OkReceived, _listen, _S.WAITING),
        Row(_S.PROBING, RingReceived, _ring, _S.RINGING),
        Row(_S.PROBING, ConnectReceived, _connect, _S.CONNECTED),
        Row(_S.PROBING, TimedOut, _no_modem, _S.OVER),
        Row(_S.RINGING, RingReceived, _ring, _S.RINGING),
        Row(_S.RINGING, AnswerDue, _answer, _S.ANSWERING),
        Row(_S.RINGING, ConnectReceived, _connect, _S.CONNECTED),
        Row(_S.RINGING, TimedOut, _listen, _S.WAITING),
        Row(_S.ANSWERING, ConnectReceived, _connect, _S.CONNECTED),
        Row(_S.ANSWERING, CallFailed, _listen, _S.WAITING),
        Row(_S.ANSWERING, ErrorReceived, _listen, _S.WAITING),
        Row(_S.ANSWERING, TimedOut, _break_off, _S.WAITING),
        Row(_S.ANSWERING, HangUpOrdered, _give_up, _S.HANGING_UP),
        Row(_S.CONNECTED, CarrierFell, _fade, _S.FADING),
        Row(_S.CONNECTED, CarrierTextBelieved, _gone, _S.OVER),
        Row(_S.CONNECTED, HangUpOrdered, _drain, _S.DRAINING),
        Row(_S.FADING, CarrierTextBelieved, _gone, _S.OVER),
        Row(_S.FADING, TimedOut, _gone, _S.OVER),
        Row(_S.DRAINING, TimedOut, _drain_on, _S.DRAINING),
        Row(_S.DRAINING, Drained, _let_dtr_go, _S.DROPPING),
        Row(_S.DRAINING, DrainedWithoutCircuits, _hush, _S.HUSHED),
        Row(_S.DROPPING, OkReceived, _dropped, _S.OVER),
        Row(_S.DROPPING, CallFailed, _dropped, _S.OVER),
        Row(_S.DROPPING, TimedOut, _hush_with_dtr, _S.HUSHED),
        Row(_S.HUSHED, TimedOut, _escape, _S.INTERRUPTING),
        Row(_S.INTERRUPTING, OkReceived, _hang_up, _S.HANGING_UP),
        Row(_S.INTERRUPTING, TimedOut, _hang_up, _S.HANGING_UP),
        Row(_S.INTERRUPTING, CallFailed, _dropped, _S.OVER),
        Row(_S.HANGING_UP, OkReceived, _dropped, _S.OVER),
        Row(_S.HANGING_UP, ErrorReceived, _dropped, _S.OVER),
        Row(_S.HANGING_UP, CallFailed, _dropped, _S.OVER),
        Row(_S.HANGING_UP, TimedOut, _dropped, _S.OVER),
        *_rows(_AT_ONCE, HangUpOrdered, _dropped),
        *_rows(_GOING, CarrierFell, _dropped),
        *_rows(_GOING, PortEnded, _dropped),
        *_rows(_STAYING, PortEnded, _port_ended),
    ],
)
"""A pair without a row has no meaning: it is counted and not heeded."""
