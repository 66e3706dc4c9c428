"""The port for serial ports: what drivers may ask of any, and what any promises.

A serial port carries octets and a few circuits. Seen from the terminal (DTE), it sets
DTR and RTS and sees CTS, DSR, DCD and RI; seen from the modem (DCE), the other way
round. `Port` is the terminal's end, `ModemPort` the modem's.

Every port keeps the rules of lines (`hw.lines.port`):

1. A user hears `port_up` at most once, then anything else any number of times, and
   `port_lost` **exactly once**, last. A port that cannot be opened has a `port_lost`
   only.
2. No callback runs inside a call of the port: always in a later reactor turn.
3. What is sent after the loss, or after `close`, is thrown away.
4. `close` lets what was sent leave first, for a bounded time; nothing is received from
   then on; the `port_lost` that follows says `CLOSED_HERE`.
5. What waits to be sent is bounded; when the bound is passed the port is lost with
   `OVERFLOW`.
6. A port that has no circuits (a pseudo-terminal, a USB bulk pipe) says so:
   its `circuits` are None, and setting its own does nothing.

Source of the circuits and their numbers: ITU-T V.24.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from hw.ports.settings import PortSettings


class PortFault(Enum):
    """What a port can hear beside octets."""

    BREAK = "break"
    PARITY = "parity error"
    FRAMING = "framing error"
    OVERRUN = "overrun"


class PortLossCause(Enum):
    """Why a port is of no use any more."""

    NOT_THERE = "not there"
    IN_USE = "in use"
    NOT_PERMITTED = "not permitted"
    CANNOT_BE_SET = "cannot be set so"
    CLOSED_HERE = "closed here"
    CLOSED_BY_PEER = "closed by the other end"
    UNPLUGGED = "unplugged"
    OVERFLOW = "too much waited to be sent"


@dataclass(frozen=True, slots=True)
class PortLoss:
    """The end of a port: the cause for programs, the detail for people."""

    cause: PortLossCause
    detail: str = ""

    def __str__(self) -> str:
        """Show both."""
        cause = self.cause.value
        return f"{cause}: {self.detail}" if self.detail else cause


@dataclass(frozen=True, slots=True)
class ModemCircuits:
    """What the modem's end sets.

    Attributes:
        clear_to_send: CTS, circuit 106.
        data_set_ready: DSR, circuit 107.
        carrier: DCD, circuit 109.
        ringing: RI, circuit 125.
    """

    clear_to_send: bool = False
    data_set_ready: bool = False
    carrier: bool = False
    ringing: bool = False


@dataclass(frozen=True, slots=True)
class TerminalCircuits:
    """What the terminal's end sets.

    Attributes:
        request_to_send: RTS, circuit 105.
        terminal_ready: DTR, circuit 108/2.
    """

    request_to_send: bool = False
    terminal_ready: bool = False


class Port(Protocol):
    """The terminal's end of a serial port that is open."""

    @property
    def name(self) -> str:
        """What it is called, for people."""
        ...

    @property
    def circuits(self) -> ModemCircuits | None:
        """What the modem sets now; None where the port has no circuits."""
        ...

    @property
    def waiting_octets(self) -> int:
        """Octets that were sent and have not left yet, as far as this end knows."""
        ...

    def send(self, octets: bytes) -> None:
        """Hand octets to the port."""
        ...

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        """Set DTR and RTS."""
        ...

    def send_break(self, duration_s: float) -> None:
        """Hold the line in BREAK for so long, behind what was sent before."""
        ...

    def close(self) -> None:
        """Let go of the port after what was sent has left; DTR falls."""
        ...


class PortUser(Protocol):
    """Whoever works the terminal's end: told what happens, in the order of rule 1."""

    def port_up(self, port: Port) -> None:
        """Begin: the port is open. DTR and RTS are off."""
        ...

    def octets_received(self, octets: bytes) -> None:
        """Take octets, at least one, cut anywhere."""
        ...

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        """Look at what the modem sets now; short changes may be missed."""
        ...

    def fault_received(self, fault: PortFault) -> None:
        """Hear of a fault or BREAK at this place between the octets."""
        ...

    def port_lost(self, loss: PortLoss) -> None:
        """End: nothing follows."""
        ...


class PortCall(Protocol):
    """A port that is being opened."""

    def close(self) -> None:
        """Give it up, or close the port that came of it."""
        ...


class PortOpener(Protocol):
    """Opens one port, any number of times, once at a time."""

    @property
    def name(self) -> str:
        """What the port is called, for people."""
        ...

    def open(self, user: PortUser) -> PortCall:
        """Open the port for `user`; it is told in a later turn."""
        ...


class ModemPort(Protocol):
    """The modem's end of a serial port, for what stands in for a modem."""

    @property
    def name(self) -> str:
        """What it is called, for people."""
        ...

    @property
    def terminal(self) -> TerminalCircuits | None:
        """What the terminal sets now; None where the port has no circuits."""
        ...

    @property
    def waiting_octets(self) -> int:
        """Octets that were sent and have not left yet, as far as this end knows."""
        ...

    def send(self, octets: bytes) -> None:
        """Hand octets to the terminal."""
        ...

    def set_circuits(self, circuits: ModemCircuits) -> None:
        """Set CTS, DSR, DCD and RI."""
        ...

    def close(self) -> None:
        """Let go of the port after what was sent has left."""
        ...


class ModemPortUser(Protocol):
    """Whoever works the modem's end."""

    def port_up(self, port: ModemPort) -> None:
        """Begin: a terminal is there, or may come."""
        ...

    def octets_received(self, octets: bytes) -> None:
        """Take octets of the terminal."""
        ...

    def terminal_changed(self, circuits: TerminalCircuits) -> None:
        """Look at what the terminal sets now."""
        ...

    def fault_received(self, fault: PortFault) -> None:
        """Hear of a fault or BREAK of the terminal."""
        ...

    def settings_changed(self, settings: PortSettings) -> None:
        """Hear how the terminal has set its port, where the port can tell."""
        ...

    def port_lost(self, loss: PortLoss) -> None:
        """End: nothing follows."""
        ...
