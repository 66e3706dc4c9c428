"""Lines over an access server: a client's DTR is its call, and its fall hangs up.

The server's side of the line string ``rfc2217:HOST:PORT``. A client that raises DTR is
answered: DCD, DSR and CTS come up and the line is there. When DTR falls the line is
lost, and the client may call again. When this side drops, DCD falls, and a client that
does not let DTR fall is hung up after a while: pyserial, for one, throws away what it
has received and not read yet as soon as the connection is gone. A client that is plain
telnet has no DTR, and is on the line as long as it is connected.
"""

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Answer, LineLoss, LineUser, Listener, LossCause
from hw.ports.port import (
    ModemCircuits,
    ModemPort,
    PortFault,
    PortLoss,
    PortLossCause,
    TerminalCircuits,
)
from hw.ports.rfc2217.access import DEFAULT, AccessServer
from hw.ports.rfc2217.server_port import AccessParameters
from hw.ports.settings import PortSettings
from hw.reactor import MonotonicReactor

ON_LINE = ModemCircuits(clear_to_send=True, data_set_ready=True, carrier=True)
OFF_LINE = ModemCircuits()


class Rfc2217Listener:
    """Answers clients of RFC 2217 at one TCP port, one at a time."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        host: str,
        port: int,
        parameters: AccessParameters = DEFAULT,
        *,
        through: Listener | None = None,
    ) -> None:
        """Remember the place; the arguments are those of `AccessServer`."""
        self._reactor: IReactorTime = reactor
        self._hang_up_s = parameters.hang_up_s
        self._server = AccessServer(reactor, host, port, parameters, through=through)

    @property
    def address(self) -> str:
        """The line string of this place."""
        return self._server.address

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: The place is taken or not ours.
        """
        self._server.listen(lambda _name: _Desk(self._reactor, answer, self._hang_up_s))

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        self._server.close()


class _Desk:
    """Works the modem's end for one client: a call for every rise of its DTR."""

    _port: ModemPort

    def __init__(self, reactor: IReactorTime, answer: Answer, hang_up_s: float) -> None:
        self._reactor = reactor
        self._answer = answer
        self._hang_up_s = hang_up_s
        self._line: _AnsweredLine | None = None
        self._timer: IDelayedCall | None = None

    def port_up(self, port: ModemPort) -> None:
        self._port = port
        if port.terminal is None or port.terminal.terminal_ready:
            self._take_call()

    def octets_received(self, octets: bytes) -> None:
        if self._line is not None:
            self._line.receive(octets)

    def terminal_changed(self, circuits: TerminalCircuits) -> None:
        if circuits.terminal_ready and self._line is None:
            self._take_call()
        elif not circuits.terminal_ready and self._line is not None:
            self._port.set_circuits(OFF_LINE)
            self._lose(LineLoss(LossCause.DROPPED_BY_PEER, "DTR fell"))

    def fault_received(self, fault: PortFault) -> None:
        """Hear nothing: a line tells of no faults."""

    def settings_changed(self, settings: PortSettings) -> None:
        """Take any: there is no wire behind this port."""

    def port_lost(self, loss: PortLoss) -> None:
        self._lose(LineLoss(_CAUSES[loss.cause], loss.detail))

    def hang_up(self) -> None:
        """Let the carrier fall, and then, unless the client hangs up, the connection.

        Octets that the client has no room for yet go before both.
        """
        if self._port.terminal is None or self._port.waiting_octets:
            self._port.close()
        else:
            self._port.set_circuits(OFF_LINE)
            self._timer = self._reactor.callLater(self._hang_up_s, self._port.close)

    def _lose(self, loss: LineLoss) -> None:
        line, self._line = self._line, None
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if line is not None:
            line.lose(loss)

    def _take_call(self) -> None:
        user = self._answer(self._port.name)
        if user is None:
            self._port.close()
            return
        self._line = _AnsweredLine(self, self._port, user)
        self._port.set_circuits(ON_LINE)
        user.line_up(self._line)


class _AnsweredLine:
    """One call of a client, as a line."""

    def __init__(self, desk: _Desk, port: ModemPort, user: LineUser) -> None:
        self._desk = desk
        self._port = port
        self._user = user
        self._is_over = False

    @property
    def name(self) -> str:
        return self._port.name

    def send(self, octets: bytes) -> None:
        if not self._is_over:
            self._port.send(octets)

    def drop(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._desk.hang_up()

    def receive(self, octets: bytes) -> None:
        if not self._is_over:
            self._user.octets_received(octets)

    def lose(self, loss: LineLoss) -> None:
        was_dropped, self._is_over = self._is_over, True
        self._user.line_lost(LineLoss(LossCause.DROPPED_HERE) if was_dropped else loss)


_CAUSES = {
    PortLossCause.CLOSED_HERE: LossCause.DROPPED_HERE,
    PortLossCause.CLOSED_BY_PEER: LossCause.DROPPED_BY_PEER,
    PortLossCause.UNPLUGGED: LossCause.CARRIER_LOST,
    PortLossCause.OVERFLOW: LossCause.OVERFLOW,
}
