"""A USB device in memory: two bulk endpoints, and faults where a plan has them.

The host's side is what a pyusb backend needs (`hw.usb.simulated`); its calls block as
transfers do, in whatever thread. The device's side is a pair of queues for whatever is
the device: `attach`, then `take` what the host wrote and `put` what it is to read.

While nothing is attached, or `PACKETS_MAX` packets wait, the device takes no packet:
the host is answered with NAK, and its transfer times out.

Source: USB 2.0, 5.8 and 8.5.2 (bulk transactions); error numbers of libusb 1.0.
"""

import errno
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from threading import Condition
from typing import Final

import usb.core

PACKETS_MAX: Final = 8
"""How many packets of the host wait in the device."""

_LIBUSB_ERRORS: Final = {
    errno.EIO: (-1, "Input/Output Error"),
    errno.EACCES: (-3, "Access denied (insufficient permissions)"),
    errno.ENODEV: (-4, "No such device (it may have been disconnected)"),
    errno.ENOENT: (-5, "Entity not found"),
    errno.EBUSY: (-6, "Resource busy"),
    errno.ETIMEDOUT: (-7, "Operation timed out"),
    errno.EOVERFLOW: (-8, "Overflow"),
    errno.EPIPE: (-9, "Pipe error"),
}


def usb_error(number: int) -> usb.core.USBError:
    """Make the error that pyusb raises for an error of libusb.

    Args:
        number: Of `errno`.
    """
    code, words = _LIBUSB_ERRORS[number]
    kind = usb.core.USBTimeoutError if number == errno.ETIMEDOUT else usb.core.USBError
    return kind(words, code, number)


class Way(Enum):
    """A direction, as the host sees it."""

    OUT = "out"
    IN = "in"


class TransferFault(Enum):
    """What happens instead of the transfer of a packet."""

    STALL = "stall"
    """The endpoint is halted until the host clears that."""
    TIME_OUT = "time-out"
    """Nothing is transferred, as if the time was up."""
    SHORT = "short"
    """Half of its octets are transferred; the others remain to be."""
    BROKEN = "broken"
    """The host is told of an error, and nothing is transferred."""
    OVERFLOW = "overflow"
    """The packet is lost; what the host writes never is."""
    UNPLUG = "unplug"
    """The device is pulled out."""


FaultPlan = Callable[[Way, int], TransferFault | None]
"""From a direction, and the number of an attempt that has a packet, to its fault."""


def faults_at(faults: Mapping[tuple[Way, int], TransferFault]) -> FaultPlan:
    """Have these faults, and no others; attempts are counted from 0."""
    return lambda way, attempt: faults.get((way, attempt))


NO_FAULTS: Final = faults_at({})


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What a device says of itself.

    Attributes:
        vendor: ``idVendor``.
        product: ``idProduct``.
        serial: Its serial number; empty for none.
        maker: The name of its maker.
        name: Its own.
        packet_octets: ``wMaxPacketSize``: 8, 16, 32 or 64 at full speed, 512 at high.
        interface: ``bInterfaceNumber`` of the one with the endpoints.
    """

    vendor: int = 0x1209
    product: int = 0x0001
    serial: str = ""
    maker: str = "RMFS"
    name: str = "simulated line"
    packet_octets: int = 64
    interface: int = 0


class SimulatedDevice:
    """A device that can be plugged in and pulled out.

    Attributes:
        identity: What it says of itself.
        is_permitted: Whether the host's programs may open it.
        has_driver: Whether a driver of the host's kernel has its interface.
        is_configured: Whether the host has chosen its one configuration.
    """

    def __init__(self, identity: DeviceIdentity, plan: FaultPlan = NO_FAULTS) -> None:
        """Have a device that is not plugged in."""
        self.identity = identity
        self.is_permitted = True
        self.has_driver = False
        self.is_configured = True
        self._plan = plan
        self._changed = Condition()
        self._plugging = 0
        self._is_plugged = False
        self._claimed_by: object | None = None
        self._was_let_go = False
        self._halted: set[Way] = set()
        self._attempts = dict.fromkeys(Way, 0)
        self._out: deque[bytes] = deque()
        self._in: deque[bytes] = deque()
        self._wake: Callable[[], None] | None = None

    # The cable.

    @property
    def plugging(self) -> int | None:
        """How often it has been plugged in; None while it is not."""
        return self._plugging if self._is_plugged else None

    def plug_in(self) -> None:
        """Connect it; what was under way before is forgotten."""
        with self._changed:
            self._plugging += 1
            self._is_plugged = True
            self._forget()

    def unplug(self) -> None:
        """Pull it out: transfers fail, and what is attached is woken."""
        with self._changed:
            self._is_plugged = False
            self._forget()
            self._notify()

    # The host's side.

    def claim(self, handle: object) -> None:
        """Claim the interface for `handle`.

        Raises:
            usb.core.USBError: Another has it.
        """
        with self._changed:
            if self.has_driver or self._claimed_by not in {None, handle}:
                raise usb_error(errno.EBUSY)
            self._claimed_by = handle
            self._was_let_go = False
            self._notify()

    def release(self, handle: object) -> None:
        """Let go of the interface."""
        with self._changed:
            if self._claimed_by is handle:
                self._claimed_by = None
                self._was_let_go = True
                self._notify()

    def write(self, octets: bytes, plugging: int, wait_s: float | None) -> int:
        """Have the device take octets, in packets; none are an empty packet.

        Args:
            octets: What to write.
            plugging: The connection that the host means.
            wait_s: How long each packet may take; None for ever.

        Returns:
            How many it took until its time was up, or all.

        Raises:
            usb.core.USBError: It took none, or something failed.
        """
        size = self.identity.packet_octets
        done = 0
        while True:
            packet = octets[done : done + size]
            try:
                count = self._write_packet(packet, plugging, wait_s)
            except usb.core.USBTimeoutError:
                if done:
                    return done
                raise
            done += count
            if count < len(packet) or done == len(octets):
                return done

    def read(self, most: int, plugging: int, wait_s: float | None) -> bytes:
        """Read packets until one is short, or `most` octets are there.

        Raises:
            usb.core.USBError: None came in time, or something failed.
        """
        got = b""
        while True:
            try:
                packet = self._read_packet(most - len(got), plugging, wait_s)
            except usb.core.USBTimeoutError:
                if got:
                    return got
                raise
            got += packet
            if len(packet) < self.identity.packet_octets or len(got) == most:
                return got

    def clear_halt(self, way: Way) -> None:
        """Let a halted endpoint go on."""
        with self._changed:
            self._halted.discard(way)

    # The device's side.

    @property
    def is_claimed(self) -> bool:
        """Whether a program of the host has the interface."""
        return self._claimed_by is not None

    @property
    def was_let_go(self) -> bool:
        """Whether a program of the host had it, and none has it now."""
        return self._was_let_go

    @property
    def waiting_octets(self) -> int:
        """Octets that the host has not read yet."""
        with self._changed:
            return sum(map(len, self._in))

    def attach(self, wake: Callable[[], None]) -> bool:
        """Begin to be the device.

        Args:
            wake: Called when there is something to take, or something has changed; in
                any thread, so it may only have somebody look.

        Returns:
            False if something else is the device.
        """
        with self._changed:
            if self._wake is not None:
                return False
            self._wake = wake
            self._changed.notify_all()
            return True

    def detach(self) -> None:
        """Be the device no more; what was not taken or read is thrown away."""
        with self._changed:
            self._wake = None
            self._out.clear()
            self._in.clear()

    def take(self) -> list[bytes]:
        """Take the packets that the host wrote, empty ones too."""
        with self._changed:
            packets = list(self._out)
            self._out.clear()
            self._changed.notify_all()
            return packets

    def put(self, octets: bytes) -> None:
        """Have the host read a message: its last packet is not full."""
        size = self.identity.packet_octets
        with self._changed:
            for start in range(0, len(octets) + 1, size):
                self._in.append(octets[start : start + size])
            self._changed.notify_all()

    def _write_packet(self, packet: bytes, plugging: int, wait_s: float | None) -> int:
        with self._changed:
            self._wait(Way.OUT, plugging, wait_s)
            if self._meets_fault(Way.OUT):
                packet = packet[: len(packet) // 2]
            self._out.append(packet)
            self._notify()
            return len(packet)

    def _read_packet(self, room: int, plugging: int, wait_s: float | None) -> bytes:
        with self._changed:
            self._wait(Way.IN, plugging, wait_s)
            is_half = self._meets_fault(Way.IN)
            packet = self._in.popleft()
            if is_half:
                half = len(packet) // 2
                self._in.appendleft(packet[half:])
                packet = packet[:half]
            if len(packet) > room:
                raise usb_error(errno.EOVERFLOW)
            self._notify()
            return packet

    def _wait(self, way: Way, plugging: int, wait_s: float | None) -> None:
        """Wait until a packet can be transferred."""

        def is_over() -> bool:
            return self.plugging != plugging or self._can(way)

        in_time = self._changed.wait_for(is_over, wait_s)
        if self.plugging != plugging:
            raise usb_error(errno.ENODEV)
        if not in_time:
            raise usb_error(errno.ETIMEDOUT)

    def _can(self, way: Way) -> bool:
        if way in self._halted:
            return True
        if way is Way.IN:
            return bool(self._in)
        return self._wake is not None and len(self._out) < PACKETS_MAX

    def _meets_fault(self, way: Way) -> bool:
        """Do what the plan has for this attempt; True if half is to be transferred."""
        if way in self._halted:
            raise usb_error(errno.EPIPE)
        attempt = self._attempts[way]
        self._attempts[way] += 1
        match self._plan(way, attempt):
            case TransferFault.STALL:
                self._halted.add(way)
                raise usb_error(errno.EPIPE)
            case TransferFault.TIME_OUT:
                raise usb_error(errno.ETIMEDOUT)
            case TransferFault.BROKEN:
                raise usb_error(errno.EIO)
            case TransferFault.OVERFLOW if way is Way.IN:
                self._in.popleft()
                raise usb_error(errno.EOVERFLOW)
            case TransferFault.UNPLUG:
                self.unplug()
                raise usb_error(errno.ENODEV)
            case TransferFault.SHORT:
                return True
        return False

    def _forget(self) -> None:
        self._claimed_by = None
        self._was_let_go = False
        self._halted.clear()
        self._out.clear()
        self._in.clear()

    def _notify(self) -> None:
        self._changed.notify_all()
        if self._wake is not None:
            self._wake()
