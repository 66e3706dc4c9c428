"""The other end of a simulated USB device, as a port: for whatever is the device.

A machine that is a USB device opens it, or a server behind such a device. Octets that a
host wrote are received, those that are sent are put for the host to read. A cable that
is pulled ends the port with `UNPLUGGED`.
"""

from enum import Enum, auto
from typing import Final

from twisted.internet.interfaces import IDelayedCall

from hw.ports.port import PortLoss, PortLossCause, PortUser, TerminalCircuits
from hw.reactor import MonotonicReactor
from hw.usb.opener import DEFAULT, UsbTiming
from hw.usb.simulated_device import SimulatedDevice

_CLOSED_HERE: Final = PortLoss(PortLossCause.CLOSED_HERE)


class DeviceEndOpener:
    """Opens the device's end; a `hw.ports.port.PortOpener`."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        device: SimulatedDevice,
        timing: UsbTiming = DEFAULT,
    ) -> None:
        """Remember the device."""
        self._reactor = reactor
        self._device = device
        self._timing = timing

    @property
    def name(self) -> str:
        """What the device calls itself."""
        return self._device.identity.name

    def open(self, user: PortUser) -> "DeviceEnd":
        """Begin to be the device for `user`; it is told in a later turn."""
        end = DeviceEnd(self._reactor, self._device, user, self._timing)
        self._reactor.callLater(0, end.begin)
        return end


class _State(Enum):
    OPENING = auto()
    OPEN = auto()
    CLOSING = auto()
    LOST = auto()


class DeviceEnd:
    """A port, and the call that opens it."""

    circuits: Final = None

    def __init__(
        self,
        reactor: MonotonicReactor,
        device: SimulatedDevice,
        user: PortUser,
        timing: UsbTiming,
    ) -> None:
        """Wait to be opened."""
        self._reactor = reactor
        self._device = device
        self._user = user
        self._timing = timing
        self._state = _State.OPENING
        self._is_attached = False
        self._loss = _CLOSED_HERE
        self._timer: IDelayedCall | None = None

    @property
    def name(self) -> str:
        """What the device calls itself."""
        return self._device.identity.name

    @property
    def waiting_octets(self) -> int:
        """Octets that the host has not read yet."""
        return self._device.waiting_octets if self._is_attached else 0

    def begin(self) -> None:
        """Be the device, unless the port was given up before."""
        if self._state is not _State.OPENING:
            self._end(self._loss)
        elif self._device.plugging is None:
            self._end(PortLoss(PortLossCause.NOT_THERE, f"{self.name}: no cable"))
        elif not self._device.attach(self._wake):
            self._end(PortLoss(PortLossCause.IN_USE, self.name))
        else:
            self._is_attached = True
            self._state = _State.OPEN
            self._user.port_up(self)

    def send(self, octets: bytes) -> None:
        """Put octets for the host to read."""
        if self._state is not _State.OPEN or not octets:
            return
        waiting = self.waiting_octets
        if waiting + len(octets) > self._timing.pending_octets_max:
            detail = f"{waiting} octets were waiting"
            self._loss = PortLoss(PortLossCause.OVERFLOW, detail)
            self._state = _State.CLOSING
            self._reactor.callLater(0, self._end, self._loss)
        else:
            self._device.put(octets)

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        """Do nothing: there are none."""

    def send_break(self, duration_s: float) -> None:
        """Do nothing: there is no line to hold."""

    def close(self) -> None:
        """Cease to be the device when the host has read what it wants to."""
        if self._state is _State.OPEN:
            drain_s = self._timing.drain_s
            self._timer = self._reactor.callLater(drain_s, self._end, _CLOSED_HERE)
            self._reactor.callLater(0, self._look)
        if self._state in {_State.OPEN, _State.OPENING}:
            self._state = _State.CLOSING

    def _wake(self) -> None:
        self._reactor.callFromThread(self._look)

    def _look(self) -> None:
        if self._state is _State.LOST:
            return
        if self._device.plugging is None:
            self._end(PortLoss(PortLossCause.UNPLUGGED, f"{self.name}: cable pulled"))
            return
        for packet in self._device.take():
            if packet and self._state is _State.OPEN:
                self._user.octets_received(packet)
        # A host that has let go of the device will not read any more.
        is_read = self._device.was_let_go or not self._device.waiting_octets
        if self._state is _State.CLOSING and is_read:
            self._end(self._loss)

    def _end(self, loss: PortLoss) -> None:
        if self._state is _State.LOST:
            return
        if self._state is _State.CLOSING:
            loss = self._loss
        self._state = _State.LOST
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._is_attached:
            self._device.detach()
            self._is_attached = False
        self._user.port_lost(loss)
