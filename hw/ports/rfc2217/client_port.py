# ruff: noqa: SLF001  # the table stands below the class whose actions it names
"""One port of a terminal server, from the call to its end, as a table of states.

It agrees about telnet's options, has the port set, and is up when the server has
confirmed that it is set so. A server that cannot do that is refused with words that
name the line string to use instead.

Source: RFC 2217.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Call, Line, LineLoss, LossCause
from hw.ports.port import (
    ModemCircuits,
    PortFault,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.ports.rfc2217.asking import Asking
from hw.ports.rfc2217.circuits import FAULTS, modem_circuits
from hw.ports.rfc2217.events import (
    LOSS_CAUSES,
    Agreed,
    Closed,
    Confirmed,
    Connected,
    Drained,
    Ended,
    Event,
    Failed,
)
from hw.ports.rfc2217.messages import (
    Command,
    ComPortMessage,
    Control,
    ModemState,
)
from hw.ports.rfc2217.session import Agreement, Role, Session
from hw.ports.rfc2217.telnet import DataReceived, Order
from hw.ports.rfc2217.transmitting import PENDING_OCTETS_MAX, Transmitter
from hw.ports.settings import FlowControl, PortSettings
from protocol.table import Row, Table

HEARD_OCTETS_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Rfc2217Parameters:
    """Limits of a port at a terminal server.

    Attributes:
        listen_first_s: How long the server may take to speak first. One whose port is
            taken says so and hangs up, and what it had not read yet would have its
            words thrown away.
        answer_timeout_s: How long the server may take to agree, and then to confirm;
            a lost segment of TCP is repeated after 1, then 3 s.
        drain_timeout_s: How long what was sent may take to leave after `close`: 1,200
            octets at 1,200 bit/s.
        pending_octets_max: Most octets that wait while the server has no room.
    """

    listen_first_s: float = 0.25
    answer_timeout_s: float = 5.0
    drain_timeout_s: float = 10.0
    pending_octets_max: int = PENDING_OCTETS_MAX


class State(Enum):
    """Where a port at a terminal server stands."""

    CALLING = "calling"
    AGREEING = "agreeing about telnet options"
    SETTING = "waiting for confirmations"
    UP = "up"
    DRAINING = "closing: what was sent leaves"
    LEAVING = "hanging up"
    LOST = "lost"


class ClientPort:
    """One port of a terminal server; made by `hw.ports.rfc2217.client`.

    Attributes:
        call: The call to the server, until it is taken.
    """

    call: Call

    def __init__(
        self,
        reactor: IReactorTime,
        place: str,
        settings: PortSettings,
        parameters: Rfc2217Parameters,
        user: PortUser,
    ) -> None:
        """Wait for the call to be taken."""
        self._reactor = reactor
        self._place = place
        self._settings = settings
        self._parameters = parameters
        self._user = user
        self._state = State.CALLING
        self._session = Session(Role.CLIENT)
        self._asking = Asking(settings)
        self._transmitter = Transmitter(
            reactor,
            self,
            octet_s=settings.bits_per_character / settings.baud,
            octets_max=parameters.pending_octets_max,
        )
        self._line: Line | None = None
        self._loss: PortLoss | None = None
        self._timer: IDelayedCall | None = None
        self._modem = ModemCircuits()
        self._terminal = TerminalCircuits()
        self._heard = b""
        self._has_spoken = False
        self._is_set = False

    @property
    def name(self) -> str:
        """The line string of the port."""
        return f"rfc2217:{self._place}"

    @property
    def circuits(self) -> ModemCircuits | None:
        """What the modem sets now; None where the server's port has no circuits."""
        return self._modem if self._asking.has_circuits else None

    @property
    def waiting_octets(self) -> int:
        """Octets that the server or a BREAK holds back."""
        return self._transmitter.waiting_octets

    def send(self, octets: bytes) -> None:
        """Hand octets to the port."""
        if self._state is not State.UP or not octets:
            return
        if self._transmitter.send(octets):
            self._flush()
        else:
            waiting = self._transmitter.waiting_octets
            detail = f"{waiting} octets were waiting for {self.name}"
            self._happened(Failed(PortLoss(PortLossCause.OVERFLOW, detail)))

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        """Set DTR and RTS; RTS belongs to the server with flow control by it."""
        if self._state is State.UP:
            self._set_terminal(circuits)
            self._flush()

    def send_break(self, duration_s: float) -> None:
        """Hold the line in BREAK for so long, behind what was sent before."""
        if self._state is State.UP:
            self._transmitter.send_break(duration_s)
            self._flush()

    def close(self) -> None:
        """Let go of the port after what was sent has left; DTR falls."""
        self._happened(Closed())

    def line_up(self, line: Line) -> None:
        """Take the connection."""
        self._line = line
        self._happened(Connected())

    def octets_received(self, octets: bytes) -> None:
        """Take what the server sends."""
        if not self._has_spoken:
            self._speak()
        for event in self._session.receive(octets):
            if isinstance(event, DataReceived):
                self._take_data(event.octets)
            elif isinstance(event, ComPortMessage):
                self._take_message(event)
            elif event is Order.BREAK:
                self._tell_fault(PortFault.BREAK)
        if self._state is State.AGREEING:
            self._look_at_agreement()
        self._flush()

    def line_lost(self, loss: LineLoss) -> None:
        """Hear the end of the connection."""
        self._line = None
        self._happened(Ended(loss))

    def transmit_octets(self, octets: bytes) -> None:
        """Hand octets to the network."""
        self._session.send_data(octets)
        self._flush()

    def transmit_break(self, *, on: bool) -> None:
        """Begin or end a BREAK."""
        self._control(Control.BREAK_ON if on else Control.BREAK_OFF)
        self._flush()

    def _speak(self) -> None:
        self._has_spoken = True
        self._wait_for_answer()

    def _look_at_agreement(self) -> None:
        if Agreement.NO in {self._session.com_port, self._session.binary}:
            what = "RFC 2217" if self._session.com_port is Agreement.NO else "8 bits"
            self._refuse(f"is a telnet server that refuses {what}")
        elif self._session.com_port is self._session.binary is Agreement.YES:
            self._happened(Agreed())

    def _take_data(self, octets: bytes) -> None:
        if self._state is State.UP:
            self._user.octets_received(octets)
        elif self._state in {State.AGREEING, State.SETTING}:
            self._heard = (self._heard + octets)[:HEARD_OCTETS_MAX]

    def _take_message(self, message: ComPortMessage) -> None:
        if message.command is Command.NOTIFY_MODEMSTATE:
            self._take_modem_state(ModemState(message.value))
        elif message.command is Command.NOTIFY_LINESTATE:
            for flag, fault in FAULTS:
                if message.value & flag:
                    self._tell_fault(fault)
        elif message.command is Command.FLOWCONTROL_SUSPEND:
            self._transmitter.suspend()
        elif message.command is Command.FLOWCONTROL_RESUME:
            self._transmitter.resume()
        elif self._state is State.SETTING:
            words = self._asking.receive(message)
            if words:
                self._refuse(f"cannot set its port so ({words})")
            elif self._asking.is_confirmed:
                self._happened(Confirmed())

    def _take_modem_state(self, state: ModemState) -> None:
        before = self.circuits
        self._modem = modem_circuits(state)
        if self._modem != ModemCircuits():
            self._asking.has_circuits = True
        if self._state is State.UP and self.circuits not in {before, None}:
            self._user.circuits_changed(self._modem)

    def _tell_fault(self, fault: PortFault) -> None:
        if self._state is State.UP:
            self._user.fault_received(fault)

    def _refuse(self, what: str) -> None:
        said = self._heard.decode("ascii", "replace").strip()
        heard = f"; it said {said!r}" if said else ""
        instead = f"set speed and parity there, and use raw TCP: tcp:{self._place}"
        detail = f"{self._place} {what}{heard}: {instead}"
        self._happened(Failed(PortLoss(PortLossCause.CANNOT_BE_SET, detail)))

    def _set_terminal(self, circuits: TerminalCircuits) -> None:
        before, self._terminal = self._terminal, circuits
        controls = []
        if circuits.request_to_send != before.request_to_send:
            controls.append(_RTS[circuits.request_to_send])
        if self._settings.flow is FlowControl.RTS_CTS:
            controls.clear()
        if circuits.terminal_ready != before.terminal_ready:
            # Whoever sees DTR rise finds RTS on; whoever sees it fall, does not care.
            controls.append(_DTR[circuits.terminal_ready])
        for control in controls:
            self._control(control)

    def _control(self, value: Control) -> None:
        self._session.send_message(ComPortMessage(Command.SET_CONTROL, value))

    def _flush(self) -> None:
        self._session.send_through(self._line)

    def _wait_for_answer(self) -> None:
        self._flush()
        self._stop_waiting()
        self._timer = self._reactor.callLater(
            self._parameters.answer_timeout_s, self._answer_is_overdue
        )

    def _stop_waiting(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _answer_is_overdue(self) -> None:
        waited = f"within {self._parameters.answer_timeout_s:g} s"
        if self._state is State.SETTING:
            self._refuse(f"has not confirmed {self._asking.unconfirmed} {waited}")
        elif self._session.has_spoken:
            self._refuse(f"has not agreed to RFC 2217 {waited}")
        else:
            self._refuse(f"speaks no telnet: nothing was agreed {waited}")

    def _happened(self, event: Event) -> None:
        row = TABLE.row(self._state, event)
        self._state = row.to
        row.do(self, event)

    def _begin(self, _event: Event) -> None:
        wait_s = self._parameters.listen_first_s
        self._timer = self._reactor.callLater(wait_s, self._speak)

    def _ask(self, _event: Event) -> None:
        for question in self._asking.questions():
            self._session.send_message(question)
        self._wait_for_answer()

    def _go_up(self, _event: Event) -> None:
        self._stop_waiting()
        self._is_set = True
        self._user.port_up(self)

    def _drain(self, _event: Event) -> None:
        self._loss = PortLoss(PortLossCause.CLOSED_HERE)
        timeout_s = self._parameters.drain_timeout_s
        self._transmitter.drain(lambda: self._happened(Drained()), timeout_s)

    def _hang_up(self, event: Event) -> None:
        self._stop_waiting()
        self._transmitter.stop()
        if isinstance(event, Failed):
            self._loss = event.loss
        else:
            self._loss = PortLoss(PortLossCause.CLOSED_HERE)
        self._set_terminal(TerminalCircuits())
        self._flush()
        if self._line is None:
            self.call.drop()
        else:
            self._line.drop()

    def _tell_loss(self, event: Event) -> None:
        self._stop_waiting()
        self._transmitter.stop()
        loss = self._loss
        if loss is None and isinstance(event, Ended):
            loss = self._loss_of(event.loss)
        self._user.port_lost(loss or PortLoss(PortLossCause.CLOSED_HERE))

    def _loss_of(self, loss: LineLoss) -> PortLoss:
        if self._is_set or loss.cause not in _HUNG_UP:
            return PortLoss(LOSS_CAUSES[loss.cause], loss.detail)
        said = self._heard.decode("ascii", "replace").strip()
        heard = f"saying {said!r}" if said else "without a word"
        in_use = "use" in said.lower() or "busy" in said.lower()
        cause = PortLossCause.IN_USE if in_use else PortLossCause.NOT_THERE
        detail = f"{self._place} hung up before its port was set, {heard}"
        return PortLoss(cause, detail)

    def _ignore(self, _event: Event) -> None:
        """Do nothing."""


_DTR: Final = {True: Control.DTR_ON, False: Control.DTR_OFF}
_RTS: Final = {True: Control.RTS_ON, False: Control.RTS_OFF}
_HUNG_UP: Final = {LossCause.DROPPED_BY_PEER, LossCause.CARRIER_LOST}

_Action = Callable[[ClientPort, Event], None]
_S = State
_C = ClientPort

TABLE: Final[Table[State, _Action]] = Table(
    _S.CALLING,
    [
        Row(_S.CALLING, Connected, _C._begin, _S.AGREEING),
        Row(_S.CALLING, Closed, _C._hang_up, _S.LEAVING),
        Row(_S.CALLING, Ended, _C._tell_loss, _S.LOST),
        Row(_S.AGREEING, Agreed, _C._ask, _S.SETTING),
        Row(_S.AGREEING, Failed, _C._hang_up, _S.LEAVING),
        Row(_S.AGREEING, Closed, _C._hang_up, _S.LEAVING),
        Row(_S.AGREEING, Ended, _C._tell_loss, _S.LOST),
        Row(_S.SETTING, Confirmed, _C._go_up, _S.UP),
        Row(_S.SETTING, Failed, _C._hang_up, _S.LEAVING),
        Row(_S.SETTING, Closed, _C._hang_up, _S.LEAVING),
        Row(_S.SETTING, Ended, _C._tell_loss, _S.LOST),
        Row(_S.UP, Failed, _C._hang_up, _S.LEAVING),
        Row(_S.UP, Closed, _C._drain, _S.DRAINING),
        Row(_S.UP, Ended, _C._tell_loss, _S.LOST),
        Row(_S.DRAINING, Drained, _C._hang_up, _S.LEAVING),
        Row(_S.DRAINING, Closed, _C._ignore, _S.DRAINING),
        Row(_S.DRAINING, Ended, _C._tell_loss, _S.LOST),
        Row(_S.LEAVING, Closed, _C._ignore, _S.LEAVING),
        Row(_S.LEAVING, Ended, _C._tell_loss, _S.LOST),
        Row(_S.LOST, Closed, _C._ignore, _S.LOST),
    ],
)
"""The life of a port at a terminal server."""
