"""Lines through a simulated USB device: for programs on a computer without one.

    user -- line -- port -- pyusb -- simulated bus : device -- further line

The device is plugged in when the further line is up, as a modem stick is that makes its
call by itself; what it is told by the host it sends over that line. When that line is
lost the device is gone. All that a real device would need of a program is used, down to
the calls of pyusb, and so a whole recharge through it can be tried with two processes.
"""

from typing import Final

from hw.lines.direct import DirectDialler
from hw.lines.port import (
    Answer,
    Call,
    Dialler,
    Line,
    LineLoss,
    LineUser,
    Listener,
    LossCause,
)
from hw.lines.port_strings import UsbAddress
from hw.lines.relay import Splice, SpliceSide
from hw.reactor import MonotonicReactor
from hw.usb.device_end import DeviceEndOpener
from hw.usb.opener import DEFAULT, UsbOpener, UsbTiming
from hw.usb.simulated import SimulatedBus
from hw.usb.simulated_device import DeviceIdentity, SimulatedDevice

IDENTITY: Final = DeviceIdentity()
_ADDRESS: Final = UsbAddress(IDENTITY.vendor, IDENTITY.product)


class SimulatedUsbDialler:
    """Dials by way of another dialler, with a USB device on this side of it."""

    def __init__(
        self, reactor: MonotonicReactor, through: Dialler, timing: UsbTiming = DEFAULT
    ) -> None:
        """Put a device before each line of `through`."""
        self._reactor = reactor
        self._through = through
        self._timing = timing

    def dial(self, user: LineUser) -> Call:
        """Call the place of the other dialler for `user`."""
        bridge = _Bridge(self._reactor, user, self._timing)
        bridge.attempt = self._through.dial(bridge)
        return bridge


class SimulatedUsbListener:
    """Answers the calls of another listener, with a USB device on this side of it."""

    def __init__(
        self, reactor: MonotonicReactor, through: Listener, timing: UsbTiming = DEFAULT
    ) -> None:
        """Put a device before each line of `through`."""
        self._reactor = reactor
        self._through = through
        self._timing = timing

    @property
    def address(self) -> str:
        """The line string of the other listener."""
        return self._through.address

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: The place is taken or not ours.
        """

        def answer_through(caller: str) -> LineUser | None:
            user = answer(caller)
            if user is None:
                return None
            return _Bridge(self._reactor, user, self._timing)

        self._through.listen(answer_through)

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        self._through.close()


class _Bridge:
    """One line through a device; the user of the further line, and a `Call`."""

    def __init__(
        self, reactor: MonotonicReactor, user: LineUser, timing: UsbTiming
    ) -> None:
        self.attempt: Call | None = None
        self._reactor = reactor
        self._user = user
        self._timing = timing
        self._splice = Splice()
        self._host: Call | None = None
        self._host_side: _HostSide | None = None

    def drop(self) -> None:
        if self._host is not None:
            self._host.drop()
        elif self.attempt is not None:
            self.attempt.drop()

    def line_up(self, line: Line) -> None:
        """Plug the device in, be it, and have the host open it."""
        self._splice.right.line_up(line)
        device = SimulatedDevice(IDENTITY)
        bus = SimulatedBus(device)
        device_side = _DeviceSide(self._splice.left, device)
        opener = DeviceEndOpener(self._reactor, device, self._timing)
        self._splice.left.call = DirectDialler(self._reactor, opener).dial(device_side)
        host = UsbOpener(self._reactor, _ADDRESS, bus, self._timing)
        self._host_side = _HostSide(self._user, self._splice.left)
        self._host = DirectDialler(self._reactor, host).dial(self._host_side)

    def octets_received(self, octets: bytes) -> None:
        self._splice.right.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        if self._host_side is None:
            self._user.line_lost(loss)
        else:
            self._host_side.why = loss
            self._splice.right.line_lost(loss)


class _DeviceSide:
    """The user of the device's end: when it is lost, the device is gone."""

    def __init__(self, side: SpliceSide, device: SimulatedDevice) -> None:
        self._side = side
        self._device = device

    def line_up(self, line: Line) -> None:
        self._side.line_up(line)

    def octets_received(self, octets: bytes) -> None:
        self._side.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        self._device.unplug()
        self._side.line_lost(loss)


class _HostSide:
    """The user of the host's end: when it is lost, the device hangs up.

    Attributes:
        why: Why the further line was lost, and the device with it.
    """

    def __init__(self, user: LineUser, device_side: SpliceSide) -> None:
        self.why: LineLoss | None = None
        self._user = user
        self._device_side = device_side

    def line_up(self, line: Line) -> None:
        self._user.line_up(line)

    def octets_received(self, octets: bytes) -> None:
        self._user.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        is_gone = loss.cause in {LossCause.CARRIER_LOST, LossCause.NO_ANSWER}
        self._device_side.drop()
        self._user.line_lost(self.why if is_gone and self.why is not None else loss)
