"""A passive tap of two serial ports, one for each direction of a line.

Each port only listens: nothing is sent, and DTR and RTS stay off. One is wired to the
circuit that carries the machine's octets (circuit 103, TXD of the terminal), the other
to the one that carries the server's (104, RXD). Faults and circuits that a port hears
become line events of its direction.
"""

from collections.abc import Callable
from typing import Final

from hw.capture import CaptureDirection, LineEvent
from hw.ports.port import (
    ModemCircuits,
    Port,
    PortCall,
    PortFault,
    PortLoss,
    PortOpener,
)
from hw.seen.tap import Tap

FAULT_EVENTS: Final = {
    PortFault.BREAK: LineEvent.BREAK,
    PortFault.PARITY: LineEvent.PARITY,
    PortFault.FRAMING: LineEvent.FRAMING,
    PortFault.OVERRUN: LineEvent.OVERRUN,
}

OnEnd = Callable[[str], None]
"""Told once which port is lost, and why; the other is closed by then."""


class PortTap:
    """Listens to two ports until one of them is lost."""

    def __init__(self, tap: Tap, on_end: OnEnd) -> None:
        """Prepare; nothing is opened yet."""
        self._tap = tap
        self._on_end = on_end
        self._calls: list[PortCall] = []
        self._has_ended = False

    def open(self, machine: PortOpener, server: PortOpener) -> None:
        """Listen to what the machine sends at one port, what the server at the other.

        Two openers of one port are one opener too many: the second finds it in use.
        """
        for opener, way in (
            (machine, CaptureDirection.FROM_MACHINE),
            (server, CaptureDirection.TO_MACHINE),
        ):
            self._calls.append(opener.open(_Ear(self, self._tap, opener.name, way)))

    def close(self) -> None:
        """Let go of both ports."""
        for call in self._calls:
            call.close()

    def lost(self, name: str, loss: PortLoss) -> None:
        """Hear of the loss of one port: half a line is no line."""
        if not self._has_ended:
            self._has_ended = True
            self.close()
            self._on_end(f"{name}: {loss}")


class _Ear:
    """One of the two ports; a `PortUser`."""

    def __init__(
        self, both: PortTap, tap: Tap, name: str, way: CaptureDirection
    ) -> None:
        self._both = both
        self._tap = tap
        self._name = name
        self._way = way

    def port_up(self, port: Port) -> None:
        self._tap.event(LineEvent.UP, port.name, self._way)

    def octets_received(self, octets: bytes) -> None:
        self._tap.octets(self._way, octets)

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        self._tap.event(LineEvent.CIRCUITS, show_circuits(circuits), self._way)

    def fault_received(self, fault: PortFault) -> None:
        self._tap.event(FAULT_EVENTS[fault], direction=self._way)

    def port_lost(self, loss: PortLoss) -> None:
        self._tap.ended(self._way)
        self._tap.event(LineEvent.LOST, str(loss), self._way)
        self._both.lost(self._name, loss)


def show_circuits(circuits: ModemCircuits) -> str:
    """Name the circuits that are on: ``CTS DSR DCD``, or ``none``."""
    states = {
        "CTS": circuits.clear_to_send,
        "DSR": circuits.data_set_ready,
        "DCD": circuits.carrier,
        "RI": circuits.ringing,
    }
    return " ".join(name for name, is_on in states.items() if is_on) or "none"
