"""Ports over USB: a vendor's two bulk endpoints, with neither circuits nor a speed.

A device that was unplugged ends its port with `UNPLUGGED`, and can be opened again when
it is back: it is looked for by its numbers each time. Octets that a device sent while
nobody had it open may be the first that are received.

What blocks is done by two threads for each open port (`hw.usb.pump`); what is told, is
told in turns of the reactor. A `port_lost` is told when the device has been let go, so
that it can be opened again at once. A reactor that stops waits for that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from hw.lines.port_strings import UsbAddress
from hw.ports.port import (
    PortFault,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.reactor import MonotonicReactor
from hw.usb.finding import open_pipe
from hw.usb.pipe import BulkPipe
from hw.usb.pump import Pump


@dataclass(frozen=True, slots=True)
class UsbTiming:
    """Times and bounds of a port.

    Attributes:
        transfer_s: How long a transfer may block its thread, and so at most a close
            that has nothing to wait for.
        drain_s: How long what was sent may take to leave after `close`.
        stuck_s: How long after that the system may hold a thread in a call before the
            port is given up without it.
        pending_octets_max: Most octets that wait here.
    """

    transfer_s: float = 0.1
    drain_s: float = 10.0
    stuck_s: float = 5.0
    pending_octets_max: int = 65_536


DEFAULT: Final = UsbTiming()
_CLOSED_HERE: Final = PortLoss(PortLossCause.CLOSED_HERE)
_FAILED: Final = "an error of ours, which stands in the log"


class UsbOpener:
    """Opens a USB device by its numbers; a `hw.ports.port.PortOpener`."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        address: UsbAddress,
        backend: Any = None,
        timing: UsbTiming = DEFAULT,
    ) -> None:
        """Remember the device; nothing is looked for yet.

        Args:
            reactor: The time, and the turns in which users are told.
            address: Which device, and which interface of it.
            backend: A pyusb backend; None for libusb.
            timing: See `UsbTiming`.
        """
        self._reactor = reactor
        self._address = address
        self._backend = backend
        self._timing = timing

    @property
    def name(self) -> str:
        """Its line string."""
        return str(self._address)

    def open(self, user: PortUser) -> "UsbPort":
        """Open the device for `user`; it is told in a later turn."""
        port = UsbPort(self._reactor, self.name, user, self._timing, self._open)
        self._reactor.callLater(0, port.begin)
        return port

    def _open(self) -> BulkPipe:
        return open_pipe(self._address, self._backend, self._timing.transfer_s)


class _State(Enum):
    OPENING = auto()
    OPEN = auto()
    CLOSING = auto()
    LOST = auto()


class UsbPort:
    """A port, and the call that opens it; a `hw.usb.pump.PumpUser`."""

    circuits: Final = None

    def __init__(
        self,
        reactor: MonotonicReactor,
        name: str,
        user: PortUser,
        timing: UsbTiming,
        open_device: Callable[[], BulkPipe],
    ) -> None:
        """Wait to be opened."""
        self._reactor = reactor
        self._name = name
        self._user = user
        self._timing = timing
        self._pump = Pump(reactor, self, open_device, name, timing.transfer_s)
        self._state = _State.OPENING
        self._loss: PortLoss | None = None
        self._timer: IDelayedCall | None = None
        self._trigger: Any = None
        self._shut_down: Deferred[None] | None = None

    @property
    def name(self) -> str:
        """Its line string."""
        return self._name

    @property
    def waiting_octets(self) -> int:
        """Octets that were sent, and that the device does not have yet."""
        return self._pump.waiting_octets

    def begin(self) -> None:
        """Start the threads, unless the port was given up before."""
        if self._state is _State.OPENING:
            self._trigger = self._reactor.addSystemEventTrigger(
                "before", "shutdown", self._reactor_stops
            )
            self._pump.start()
        elif self._state is _State.CLOSING:
            self._end(_CLOSED_HERE)

    def send(self, octets: bytes) -> None:
        """Hand octets to the port."""
        if self._state is not _State.OPEN:
            return
        waiting = self._pump.waiting_octets
        if waiting + len(octets) > self._timing.pending_octets_max:
            detail = f"{waiting} octets were waiting"
            self._give_up(PortLoss(PortLossCause.OVERFLOW, detail))
        else:
            self._pump.send(octets)

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        """Do nothing: there are none."""

    def send_break(self, duration_s: float) -> None:
        """Do nothing: there is no line to hold."""

    def close(self) -> None:
        """Let go of the device after what was sent has left."""
        if self._state is _State.OPENING:
            self._give_up(_CLOSED_HERE)
        elif self._state is _State.OPEN:
            self._loss = _CLOSED_HERE
            self._state = _State.CLOSING
            self._pump.finish()
            self._timer = self._reactor.callLater(self._timing.drain_s, self._abandon)

    def pump_opened(self) -> None:
        """Begin, unless the port was given up meanwhile."""
        if self._state is _State.OPENING:
            self._state = _State.OPEN
            self._user.port_up(self)

    def pump_read(self, part: bytes | PortFault) -> None:
        """Pass on what came, unless the port is being closed."""
        if self._state is not _State.OPEN:
            return
        if isinstance(part, PortFault):
            self._user.fault_received(part)
        else:
            self._user.octets_received(part)

    def pump_ended(self, loss: PortLoss | None) -> None:
        """End: the device is gone, or let go."""
        failed = PortLoss(PortLossCause.CANNOT_BE_SET, f"{self._name}: {_FAILED}")
        self._end(self._loss or loss or failed)

    def _give_up(self, loss: PortLoss) -> None:
        """End as soon as the threads have, without waiting for anything else."""
        self._loss = loss
        self._state = _State.CLOSING
        self._abandon()

    def _abandon(self) -> None:
        self._cancel_timer()
        self._pump.abandon()
        self._timer = self._reactor.callLater(
            self._timing.stuck_s, self._end, self._loss or _CLOSED_HERE
        )

    def _reactor_stops(self) -> Deferred[None]:
        self._trigger = None
        self._shut_down = Deferred()
        if self._state in {_State.OPENING, _State.OPEN}:
            self._give_up(_CLOSED_HERE)
        else:
            self._abandon()
        return self._shut_down

    def _end(self, loss: PortLoss) -> None:
        if self._state is _State.LOST:
            return
        self._state = _State.LOST
        self._cancel_timer()
        if self._trigger is not None:
            self._reactor.removeSystemEventTrigger(self._trigger)
            self._trigger = None
        self._user.port_lost(loss)
        if self._shut_down is not None:
            self._shut_down.callback(None)

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
