"""Two bulk endpoints of a USB device, as calls that block: what a thread works with.

One transfer is one packet, each way. What a stall or a time-out has left undone is then
known to the octet, and no transfer waits for a device that ends a message with a full
packet and sends no empty one behind it. It costs speed that a line does not need: one
packet of 64 octets in each frame of 1 ms, all that a host at full speed may get through
that waits for each, is five times 115,200 bit/s.

An endpoint that stalls, babbles or answers with errors is tried again, so many times in
a row; then the pipe is lost. So it is when the device is gone, which the system says at
once (ENODEV), or only by errors (EIO).

Source: USB 2.0, 5.8 (bulk transfers), 8.4.6 (stall), 9.6.6 (endpoint descriptors);
errors by libusb 1.0, `libusb_bulk_transfer`, as pyusb shows them.
"""

import contextlib
import errno
from dataclasses import dataclass
from typing import Any, Final

import usb.core
import usb.util

from hw.ports.port import PortFault, PortLoss, PortLossCause
from protocol.errors import RmfsError

RETRIES_MAX: Final = 4
"""How often in a row an endpoint may fail and is tried again."""

_GONE: Final = (errno.ENODEV, errno.ENOENT, errno.ESHUTDOWN)
_HALTED: Final = (errno.EPIPE, errno.EOVERFLOW)
"""After these an endpoint may be halted, and has to be let go on."""
_END: Final = {
    errno.EPIPE: (PortLossCause.CLOSED_BY_PEER, "its endpoint stalls again and again"),
    errno.EOVERFLOW: (
        PortLossCause.CLOSED_BY_PEER,
        "it sends more than a packet holds, again and again",
    ),
}
"""What an endpoint that keeps failing so means; any other error: it is gone."""


class PipeLostError(RmfsError):
    """The pipe is of no use any more."""

    def __init__(self, loss: PortLoss) -> None:
        """Say why."""
        super().__init__(str(loss))
        self.loss = loss


@dataclass(frozen=True, slots=True)
class BulkPair:
    """Where the endpoints of an interface are.

    Attributes:
        interface: ``bInterfaceNumber``.
        in_address: ``bEndpointAddress`` of the one that we read.
        in_packet_octets: Most octets in a packet of it.
        out_address: ``bEndpointAddress`` of the one that we write.
        out_packet_octets: Most octets in a packet of it.
    """

    interface: int
    in_address: int
    in_packet_octets: int
    out_address: int
    out_packet_octets: int


class BulkPipe:
    """An interface that is claimed, with its two endpoints.

    One thread may read while another writes; neither may call `close` before the other
    is done.
    """

    def __init__(
        self,
        name: str,
        device: Any,
        pair: BulkPair,
        *,
        transfer_s: float,
        driver_was_detached: bool = False,
    ) -> None:
        """Take a device whose interface is claimed.

        Args:
            name: What it is called, for people.
            device: A `usb.core.Device`; it belongs to the pipe from now on.
            pair: The endpoints.
            transfer_s: How long a call may block.
            driver_was_detached: So that the kernel's driver gets it back.
        """
        self.packet_octets = pair.out_packet_octets
        self._device = device
        self._pair = pair
        self._transfer_ms = max(1, round(transfer_s * 1000))
        self._driver_was_detached = driver_was_detached
        self._in = _Endpoint(name, device, pair.in_address)
        self._out = _Endpoint(name, device, pair.out_address)

    def read(self) -> bytes | PortFault:
        """Wait for a packet.

        Returns:
            Its octets; none when it was empty, none came in time, or the endpoint is
            to be tried again; `OVERRUN` when octets were lost.

        Raises:
            PipeLostError: There is nothing to be read from any more.
        """
        size = self._pair.in_packet_octets
        try:
            octets = self._device.read(self._pair.in_address, size, self._transfer_ms)
        except usb.core.USBTimeoutError:
            octets = b""
        except usb.core.USBError as error:
            self._in.failed(error)
            return PortFault.OVERRUN if error.errno == errno.EOVERFLOW else b""
        self._in.worked()
        return bytes(octets)

    def write(self, packet: bytes) -> int | None:
        """Write one packet, an empty one too.

        Returns:
            How many of its octets the device has; None when it took no packet.

        Raises:
            PipeLostError: There is nothing to be written to any more.
        """
        try:
            count = self._device.write(
                self._pair.out_address, packet, self._transfer_ms
            )
        except usb.core.USBTimeoutError:
            self._out.worked()
            return None
        except usb.core.USBError as error:
            self._out.failed(error)
            return None
        self._out.worked()
        return int(count)

    def close(self) -> None:
        """Let go of the device, whether it is still there or not."""
        interface = self._pair.interface
        with contextlib.suppress(usb.core.USBError):
            usb.util.release_interface(self._device, interface)
        if self._driver_was_detached:
            with contextlib.suppress(usb.core.USBError, NotImplementedError):
                self._device.attach_kernel_driver(interface)
        usb.util.dispose_resources(self._device)


class _Endpoint:
    """Counts how often in a row an endpoint has failed."""

    def __init__(self, name: str, device: Any, address: int) -> None:
        self._name = name
        self._device = device
        self._address = address
        self._failures = 0

    def worked(self) -> None:
        self._failures = 0

    def failed(self, error: usb.core.USBError) -> None:
        """Have it ready to be tried again.

        Raises:
            PipeLostError: It has failed too often, or is gone.
        """
        self._failures += 1
        if error.errno in _GONE or self._failures > RETRIES_MAX:
            raise PipeLostError(self._loss(error)) from error
        if error.errno in _HALTED:
            try:
                self._device.clear_halt(self._address)
            except usb.core.USBError as further:
                raise PipeLostError(self._loss(further)) from further

    def _loss(self, error: usb.core.USBError) -> PortLoss:
        cause, words = _END.get(
            error.errno, (PortLossCause.UNPLUGGED, f"it is gone ({error.strerror})")
        )
        return PortLoss(cause, f"{self._name}: {words}")
