"""A null modem cable in memory: two terminals' ends, each the modem of the other.

DTR of one end is DSR and DCD of the other, RTS is CTS; there is no RI. What one end
does reaches the other in the next reactor turn, in order, without taking time. An end
that is not open hears nothing, and its circuits are off.

Source: the null modem with full handshake, as it is sold; circuits by ITU-T V.24.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

from hw.ports.port import (
    ModemCircuits,
    PortFault,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)

PENDING_OCTETS_MAX: Final = 65_536


class NullModem:
    """A cable between two ports.

    Attributes:
        left: The port at one end.
        right: The port at the other.
    """

    def __init__(
        self, reactor: IReactorTime, *, pending_octets_max: int = PENDING_OCTETS_MAX
    ) -> None:
        """Lay the cable between two ports that nobody has opened."""
        self.left = NullModemPort(reactor, "left port", pending_octets_max)
        self.right = NullModemPort(reactor, "right port", pending_octets_max)
        self.left.other, self.right.other = self.right, self.left


class NullModemPort:
    """The port at one end; a `hw.ports.port.PortOpener`."""

    other: "NullModemPort"

    def __init__(
        self, reactor: IReactorTime, name: str, pending_octets_max: int
    ) -> None:
        """Have a port that nobody has opened."""
        self.pending_octets_max = pending_octets_max
        self.end: _End | None = None
        self.is_plugged = True
        self._reactor = reactor
        self._name = name

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return self._name

    @property
    def set_to(self) -> TerminalCircuits:
        """What its terminal sets; all off while nobody has it open."""
        return TerminalCircuits() if self.end is None else self.end.set_to

    def open(self, user: PortUser) -> "_End":
        """Open the port, unless it is in use or pulled out."""
        end = _End(self, user)
        if not self.is_plugged:
            end.lose(PortLoss(PortLossCause.NOT_THERE, self._name))
        elif self.end is not None:
            end.lose(PortLoss(PortLossCause.IN_USE, self._name))
        else:
            self.end = end
            self.later(end.begin)
        return end

    def unplug(self) -> None:
        """Pull the port out, until `plug_in`."""
        self.is_plugged = False
        if self.end is not None:
            self.end.lose(PortLoss(PortLossCause.UNPLUGGED, self._name))

    def plug_in(self) -> None:
        """Put the port back, to be opened again."""
        self.is_plugged = True

    def disturb(self, fault: PortFault) -> None:
        """Have the port hear a fault."""
        if self.end is not None:
            self.later(self.end.hear, fault)

    def later(self, call: Callable[..., None], *arguments: object) -> None:
        """Have something done in the next turn."""
        self._reactor.callLater(0, call, *arguments)


class _End:
    """One opening of a port: its `Port` and `PortCall`."""

    def __init__(self, place: NullModemPort, user: PortUser) -> None:
        self.set_to = TerminalCircuits()
        self._place = place
        self._user = user
        self._waiting_octets = 0
        self._is_up = False
        self._loss: PortLoss | None = None

    @property
    def name(self) -> str:
        return self._place.name

    @property
    def circuits(self) -> ModemCircuits:
        other = self._place.other.set_to
        return ModemCircuits(
            clear_to_send=other.request_to_send,
            data_set_ready=other.terminal_ready,
            carrier=other.terminal_ready,
        )

    @property
    def waiting_octets(self) -> int:
        return 0 if self._loss is not None else self._waiting_octets

    def send(self, octets: bytes) -> None:
        if self._loss is not None or not octets:
            return
        waiting = self._waiting_octets
        if waiting + len(octets) > self._place.pending_octets_max:
            detail = f"{waiting} octets were waiting"
            self.lose(PortLoss(PortLossCause.OVERFLOW, detail))
            return
        self._waiting_octets += len(octets)
        self._place.later(self._leave, octets)

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        if self._loss is None:
            self._place.later(self._set, circuits)

    def send_break(self, duration_s: float) -> None:
        if self._loss is None:
            self._place.later(self._leave, PortFault.BREAK)

    def close(self) -> None:
        self.lose(PortLoss(PortLossCause.CLOSED_HERE))

    def lose(self, loss: PortLoss) -> None:
        """End in a later turn, behind what was sent."""
        if self._loss is None:
            self._loss = loss
            self._place.later(self._end)

    def begin(self) -> None:
        if self._loss is None:
            self._is_up = True
            self._user.port_up(self)

    def hear(self, what: bytes | PortFault) -> None:
        if not self._is_up or self._loss is not None:
            return
        if isinstance(what, bytes):
            self._user.octets_received(what)
        else:
            self._user.fault_received(what)

    def look(self) -> None:
        """Tell the circuits, which have changed."""
        if self._is_up and self._loss is None:
            self._user.circuits_changed(self.circuits)

    def _leave(self, what: bytes | PortFault) -> None:
        if isinstance(what, bytes):
            self._waiting_octets -= len(what)
        other = self._place.other
        if other.end is not None:
            other.end.hear(what)

    def _set(self, circuits: TerminalCircuits) -> None:
        changed, self.set_to = circuits != self.set_to, circuits
        other = self._place.other
        if changed and other.end is not None:
            other.end.look()

    def _end(self) -> None:
        if self._place.end is self:
            self._set(TerminalCircuits())
            self._place.end = None
        if self._loss is not None:
            self._user.port_lost(self._loss)
