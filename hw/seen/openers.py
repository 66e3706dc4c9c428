"""Recorded ports: what a terminal says and hears at a port, with a tap beside it.

Where a line comes out of a port, the port is the better place to listen: what is said
to a modem and what it answers passes there, and faults and circuits are heard. The tap
then takes all octets from the port, and none from the line above it
(`Tap.hears_port`).
"""

from hw.capture import CaptureDirection, LineEvent
from hw.ports.port import (
    ModemCircuits,
    Port,
    PortCall,
    PortFault,
    PortLoss,
    PortOpener,
    PortUser,
    TerminalCircuits,
)
from hw.seen.ports import FAULT_EVENTS, show_circuits
from hw.seen.tap import Tap

_SENT = CaptureDirection.FROM_MACHINE
_RECEIVED = CaptureDirection.TO_MACHINE


class RecordedOpener:
    """A `PortOpener` whose ports are recorded; the machine's end."""

    def __init__(self, opener: PortOpener, tap: Tap) -> None:
        """Put a tap beside what `opener` brings."""
        self._opener = opener
        self._tap = tap
        tap.hears_port = True

    @property
    def name(self) -> str:
        """What the port is called, for people."""
        return self._opener.name

    def open(self, user: PortUser) -> PortCall:
        """Open the port for `user`; it is told in a later turn."""
        return self._opener.open(_RecordedPortUser(user, self._tap))


class _RecordedPortUser:
    """Stands between a port and its user; both notice nothing."""

    def __init__(self, user: PortUser, tap: Tap) -> None:
        self._user = user
        self._tap = tap

    def port_up(self, port: Port) -> None:
        self._user.port_up(_RecordedPort(port, self._tap))

    def octets_received(self, octets: bytes) -> None:
        self._tap.octets(_RECEIVED, octets)
        self._user.octets_received(octets)

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        self._tap.event(LineEvent.CIRCUITS, show_circuits(circuits), _RECEIVED)
        self._user.circuits_changed(circuits)

    def fault_received(self, fault: PortFault) -> None:
        self._tap.event(FAULT_EVENTS[fault], direction=_RECEIVED)
        self._user.fault_received(fault)

    def port_lost(self, loss: PortLoss) -> None:
        self._tap.ended()
        self._tap.event(LineEvent.REMARK, f"the port is closed: {loss}")
        self._user.port_lost(loss)


class _RecordedPort:
    """A port that records what is given to it."""

    def __init__(self, port: Port, tap: Tap) -> None:
        self._port = port
        self._tap = tap

    @property
    def name(self) -> str:
        return self._port.name

    @property
    def circuits(self) -> ModemCircuits | None:
        return self._port.circuits

    @property
    def waiting_octets(self) -> int:
        return self._port.waiting_octets

    def send(self, octets: bytes) -> None:
        self._tap.octets(_SENT, octets)
        self._port.send(octets)

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        self._port.set_circuits(circuits)

    def send_break(self, duration_s: float) -> None:
        self._tap.event(LineEvent.BREAK, direction=_SENT)
        self._port.send_break(duration_s)

    def close(self) -> None:
        self._port.close()
