"""A simulated USB device on a desk, and programs at both of its ends."""

import threading
from dataclasses import dataclass

from hw.lines.port_strings import UsbAddress
from hw.reactor import MonotonicReactor
from hw.usb.device_end import DeviceEndOpener
from hw.usb.opener import UsbOpener, UsbTiming
from hw.usb.simulated import SimulatedBus
from hw.usb.simulated_device import (
    NO_FAULTS,
    DeviceIdentity,
    FaultPlan,
    SimulatedDevice,
)
from tests.port_user import RecordingPortUser

QUICK = UsbTiming(transfer_s=0.01, drain_s=1.0)
ADDRESS = UsbAddress(0x1209, 0x0001)


class UsbDesk:
    """One device, plugged in, and what opens either end."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        plan: FaultPlan = NO_FAULTS,
        *,
        packet_octets: int = 64,
        timing: UsbTiming = QUICK,
    ) -> None:
        self.device = SimulatedDevice(DeviceIdentity(packet_octets=packet_octets), plan)
        self.bus = SimulatedBus(self.device)
        self.host = UsbOpener(reactor, ADDRESS, self.bus, timing)
        self.far = DeviceEndOpener(reactor, self.device, timing)

    async def open(self) -> tuple[RecordingPortUser, RecordingPortUser]:
        """Open both ends: the host's, and the device's."""
        users = RecordingPortUser(), RecordingPortUser()
        self.host.open(users[0])
        self.far.open(users[1])
        for user in users:
            await user.is_up()
        return users


async def close(*users: RecordingPortUser) -> None:
    for user in users:
        user.port.close()
        await user.is_lost()


@dataclass
class PacketLog:
    """Is the device, and writes down the packets that the host writes."""

    device: SimulatedDevice

    def __post_init__(self) -> None:
        self.packets: list[bytes] = []
        self.device.attach(lambda: None)

    def look(self) -> list[bytes]:
        self.packets += self.device.take()
        return self.packets


def usb_threads_that_stay() -> list[str]:
    """Name the threads of ports that have not ended a while after their ports."""
    threads = [one for one in threading.enumerate() if one.name.startswith("usb:")]
    for thread in threads:
        thread.join(timeout=60)
    return [thread.name for thread in threads if thread.is_alive()]
