# ruff: noqa: SLF001  # the table stands below the class whose actions it names
"""One client's port at an access server, from the call to its end, as a table.

The port is up as soon as the client has agreed to RFC 2217, has refused it, has sent
data, or has had time to; only one that has agreed has circuits. A setting that no port
of ours can have is answered with the one in force, as RFC 2217 section 2 has it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line, LineLoss
from hw.ports.port import (
    ModemCircuits,
    ModemPortUser,
    PortFault,
    PortLoss,
    PortLossCause,
    TerminalCircuits,
)
from hw.ports.rfc2217.circuits import FAULTS, is_news, modem_state
from hw.ports.rfc2217.events import (
    LOSS_CAUSES,
    Agreed,
    Closed,
    Connected,
    Drained,
    Ended,
    Event,
    Failed,
)
from hw.ports.rfc2217.messages import (
    FLOWS,
    Command,
    ComPortMessage,
    Control,
    ModemState,
    Purge,
)
from hw.ports.rfc2217.session import Agreement, Role, Session, SessionEvent
from hw.ports.rfc2217.telnet import DataReceived, Order
from hw.ports.rfc2217.transmitting import PENDING_OCTETS_MAX, Transmitter
from hw.ports.rfc2217.wire_settings import COMMANDS, setting_value, with_value
from hw.ports.settings import PortSettings
from protocol.table import Row, Table

MODEM_STATE_MASK: Final = 255
"""What a client is notified of before it has set a mask."""

LINE_STATES: Final = {fault: flag for flag, fault in FAULTS}
"""What NOTIFY-LINESTATE tells of."""

_INBOUND: Final = Control.INBOUND_FLOW_NONE - Control.FLOW_NONE


@dataclass(frozen=True, slots=True)
class AccessParameters:
    """Limits of an access server.

    Attributes:
        clients_max: Clients that are served at once.
        agree_timeout_s: How long a client may take to say whether it speaks RFC 2217.
        drain_timeout_s: How long a client that has no room may take to make some,
            after the port was closed here.
        hang_up_s: How long a client on a line may take to hang up after the carrier
            fell.
        keepalive_s: After this time, and again, a command that says nothing is sent,
            so that a client that is gone without a word is found out by TCP.
        pending_octets_max: Most octets that wait while the client has no room.
    """

    clients_max: int = 1
    agree_timeout_s: float = 2.0
    drain_timeout_s: float = 5.0
    hang_up_s: float = 1.0
    keepalive_s: float = 60.0
    pending_octets_max: int = PENDING_OCTETS_MAX


class State(Enum):
    """Where the port of a client stands."""

    CALLED = "called"
    AGREEING = "agreeing about telnet options"
    UP = "up"
    DRAINING = "closing: what was sent leaves"
    LEAVING = "hanging up"
    LOST = "lost"


class ServerPort:
    """The modem's end of a client's port; made by `hw.ports.rfc2217.access`."""

    def __init__(
        self,
        reactor: IReactorTime,
        name: str,
        parameters: AccessParameters,
        user: ModemPortUser,
        gone: Callable[["ServerPort"], None],
    ) -> None:
        """Wait for the connection; `gone` is called when it is lost."""
        self._reactor = reactor
        self._name = name
        self._parameters = parameters
        self._user = user
        self._gone = gone
        self._state = State.CALLED
        self._session = Session(Role.SERVER)
        self._transmitter = Transmitter(
            reactor, self, octet_s=0.0, octets_max=parameters.pending_octets_max
        )
        self._line: Line | None = None
        self._loss: PortLoss | None = None
        self._timer: IDelayedCall | None = None
        self._settings = PortSettings()
        self._terminal = TerminalCircuits()
        self._has_circuits = False
        self._in_break = False
        self._modem = ModemCircuits()
        self._notified: ModemState | None = None
        self._mask = MODEM_STATE_MASK
        self._line_mask = 0

    @property
    def name(self) -> str:
        """Who the client is."""
        return self._name

    @property
    def terminal(self) -> TerminalCircuits | None:
        """What the client sets now; None where it does not speak RFC 2217."""
        return self._terminal if self._has_circuits else None

    @property
    def waiting_octets(self) -> int:
        """Octets that wait because the client has no room."""
        return self._transmitter.waiting_octets

    def send(self, octets: bytes) -> None:
        """Hand octets to the client."""
        if self._state is not State.UP or not octets:
            return
        if not self._transmitter.send(octets):
            waiting = self._transmitter.waiting_octets
            detail = f"{waiting} octets were waiting for {self._name}"
            self._happened(Failed(PortLoss(PortLossCause.OVERFLOW, detail)))

    def set_circuits(self, circuits: ModemCircuits) -> None:
        """Set CTS, DSR, DCD and RI."""
        if self._state is State.UP:
            self._modem = circuits
            self._notify()

    def tell_fault(self, fault: PortFault) -> None:
        """Tell the client, at this place, of what a receiver of ours has heard."""
        state = LINE_STATES[fault]
        if self._state is State.UP and self._line_mask & state:
            self._answer(Command.NOTIFY_LINESTATE, state)

    def close(self) -> None:
        """Let go of the port after what was sent has left."""
        self._happened(Closed())

    def line_up(self, line: Line) -> None:
        """Take the connection."""
        self._line = line
        self._happened(Connected())

    def octets_received(self, octets: bytes) -> None:
        """Take what the client sends."""
        events = self._session.receive(octets)
        self._flush()
        has_answered = self._session.com_port is not Agreement.OPEN
        if self._state is State.AGREEING and (events or has_answered):
            self._happened(Agreed())
        self._look_for_circuits()
        for event in events:
            self._take(event)

    def line_lost(self, loss: LineLoss) -> None:
        """Hear the end of the connection."""
        self._line = None
        self._happened(Ended(loss))

    def transmit_octets(self, octets: bytes) -> None:
        """Hand octets to the network."""
        self._session.send_data(octets)
        self._flush()

    def transmit_break(self, *, on: bool) -> None:
        """Do nothing: a modem's end sends no BREAK."""

    def _take(self, event: SessionEvent) -> None:
        if isinstance(event, ComPortMessage):
            if event.command is Command.FLOWCONTROL_SUSPEND:
                self._transmitter.suspend()
            elif event.command is Command.FLOWCONTROL_RESUME:
                self._transmitter.resume()
            elif self._state is State.UP:
                self._take_message(event.command, event.value)
        elif self._state is State.UP:
            if isinstance(event, DataReceived):
                self._user.octets_received(event.octets)
            elif event is Order.BREAK:
                self._user.fault_received(PortFault.BREAK)

    def _take_message(self, command: Command, value: int) -> None:
        if command in COMMANDS:
            self._set(with_value(self._settings, command, value), command)
        elif command is Command.SET_CONTROL:
            self._take_control(value)
        elif command is Command.NOTIFY_MODEMSTATE:
            self._notify(asked=True)
        elif command is Command.SET_MODEMSTATE_MASK:
            self._mask = value
            self._answer(command, value)
            self._notify(asked=True)
        else:
            # Nothing of the client ever waits here; only what goes to it does.
            if command is Command.SET_LINESTATE_MASK:
                self._line_mask = value
            if command is Command.PURGE_DATA and value in _PURGES_RECEIVED:
                self._transmitter.clear()
            self._answer(command, value)

    def _set(self, settings: PortSettings, command: Command) -> None:
        before, self._settings = self._settings, settings
        self._answer(command, setting_value(settings, command))
        if settings != before:
            self._user.settings_changed(settings)

    def _take_control(self, value: int) -> None:
        if value in _BREAKS:
            self._take_break(value)
        elif value in _DTRS:
            is_on = _asked_for(value, Control.ASK_DTR, self._terminal.terminal_ready)
            self._answer(Command.SET_CONTROL, Control.ASK_DTR + (1 if is_on else 2))
            self._set_terminal(replace(self._terminal, terminal_ready=is_on))
        elif value in _RTSS:
            is_on = _asked_for(value, Control.ASK_RTS, self._terminal.request_to_send)
            self._answer(Command.SET_CONTROL, Control.ASK_RTS + (1 if is_on else 2))
            self._set_terminal(replace(self._terminal, request_to_send=is_on))
        elif value in _INBOUND_FLOWS:
            flow = FLOWS[self._settings.flow] + _INBOUND
            self._answer(Command.SET_CONTROL, flow)
        else:
            settings = with_value(self._settings, Command.SET_CONTROL, value)
            self._set(settings, Command.SET_CONTROL)

    def _take_break(self, value: int) -> None:
        was_on = self._in_break
        self._in_break = _asked_for(value, Control.ASK_BREAK, was_on)
        state = Control.BREAK_ON if self._in_break else Control.BREAK_OFF
        self._answer(Command.SET_CONTROL, state)
        if self._in_break and not was_on:
            self._user.fault_received(PortFault.BREAK)

    def _set_terminal(self, circuits: TerminalCircuits) -> None:
        before, self._terminal = self._terminal, circuits
        if circuits != before:
            self._user.terminal_changed(circuits)

    def _look_for_circuits(self) -> None:
        # A client may agree late: until then its port had no circuits.
        if self._has_circuits or self._session.com_port is not Agreement.YES:
            return
        self._has_circuits = True
        self._notify(asked=True)
        if self._state is State.UP:
            self._user.terminal_changed(self._terminal)

    def _notify(self, *, asked: bool = False) -> None:
        if not self._has_circuits:
            return
        before = ModemState(0) if self._notified is None else self._notified
        state = modem_state(self._modem, before)
        if asked or is_news(state, before, self._mask):
            self._notified = state
            self._answer(Command.NOTIFY_MODEMSTATE, state & self._mask)

    def _answer(self, command: Command, value: int) -> None:
        self._session.send_message(ComPortMessage(command, value))
        self._flush()

    def _flush(self) -> None:
        self._session.send_through(self._line)

    def _arm(self, wait_s: float, do: Callable[[], None]) -> None:
        self._disarm()
        self._timer = self._reactor.callLater(wait_s, do)

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _keep_alive(self) -> None:
        self._session.send_nothing()
        self._flush()
        self._arm(self._parameters.keepalive_s, self._keep_alive)

    def _happened(self, event: Event) -> None:
        row = TABLE.row(self._state, event)
        self._state = row.to
        row.do(self, event)

    def _begin(self, _event: Event) -> None:
        self._flush()
        self._arm(self._parameters.agree_timeout_s, lambda: self._happened(Agreed()))

    def _go_up(self, _event: Event) -> None:
        self._arm(self._parameters.keepalive_s, self._keep_alive)
        if self._session.com_port is Agreement.YES:
            self._has_circuits = True
            self._notify(asked=True)
        self._user.port_up(self)

    def _drain(self, _event: Event) -> None:
        self._loss = PortLoss(PortLossCause.CLOSED_HERE)
        timeout_s = self._parameters.drain_timeout_s
        self._transmitter.drain(lambda: self._happened(Drained()), timeout_s)

    def _hang_up(self, event: Event) -> None:
        self._disarm()
        self._transmitter.stop()
        if isinstance(event, Failed):
            self._loss = event.loss
        self._modem = ModemCircuits()
        self._notify()
        if self._line is not None:
            self._line.drop()

    def _tell_loss(self, event: Event) -> None:
        self._disarm()
        self._transmitter.stop()
        self._gone(self)
        loss = self._loss
        if loss is None and isinstance(event, Ended):
            loss = PortLoss(LOSS_CAUSES[event.loss.cause], event.loss.detail)
        self._user.port_lost(loss or PortLoss(PortLossCause.CLOSED_HERE))

    def _ignore(self, _event: Event) -> None:
        """Do nothing."""


def _asked_for(value: int, question: Control, now: bool) -> bool:
    """Read one of three values: the question, on, off."""
    return now if value == question else value == question + 1


_BREAKS: Final = {Control.ASK_BREAK, Control.BREAK_ON, Control.BREAK_OFF}
_DTRS: Final = {Control.ASK_DTR, Control.DTR_ON, Control.DTR_OFF}
_RTSS: Final = {Control.ASK_RTS, Control.RTS_ON, Control.RTS_OFF}
_INBOUND_FLOWS: Final = {
    Control.ASK_INBOUND_FLOW,
    Control.INBOUND_FLOW_NONE,
    Control.INBOUND_FLOW_XON_XOFF,
    Control.INBOUND_FLOW_HARDWARE,
    Control.INBOUND_FLOW_DTR,
}

_PURGES_RECEIVED: Final = {Purge.RECEIVED, Purge.BOTH}

_Action = Callable[[ServerPort, Event], None]
_S = State
_P = ServerPort

TABLE: Final[Table[State, _Action]] = Table(
    _S.CALLED,
    [
        Row(_S.CALLED, Connected, _P._begin, _S.AGREEING),
        Row(_S.CALLED, Ended, _P._tell_loss, _S.LOST),
        Row(_S.AGREEING, Agreed, _P._go_up, _S.UP),
        Row(_S.AGREEING, Ended, _P._tell_loss, _S.LOST),
        Row(_S.UP, Failed, _P._hang_up, _S.LEAVING),
        Row(_S.UP, Closed, _P._drain, _S.DRAINING),
        Row(_S.UP, Ended, _P._tell_loss, _S.LOST),
        Row(_S.DRAINING, Drained, _P._hang_up, _S.LEAVING),
        Row(_S.DRAINING, Closed, _P._ignore, _S.DRAINING),
        Row(_S.DRAINING, Ended, _P._tell_loss, _S.LOST),
        Row(_S.LEAVING, Closed, _P._ignore, _S.LEAVING),
        Row(_S.LEAVING, Ended, _P._tell_loss, _S.LOST),
        Row(_S.LOST, Closed, _P._ignore, _S.LOST),
    ],
)
"""The life of a client's port at an access server."""
