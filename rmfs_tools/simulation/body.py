"""One machine of a world: what stands on one desk.

Its firmware and PSD are the product's, over two memories that outlive them. Power comes
and goes; with it goes everything that is not stored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine, Parts
from fm_device.frank import FrankFace
from fm_device.psd.device import ChannelMaker
from fm_device.psd.records import PsdRecord
from hw.clock import DriftingWallClock, WallClock
from hw.nvram import MemoryNvram, PowerCutError
from hw.scales.simulated import SimulatedScale
from protocol.values import LicenceIdentifier
from rmfs_tools.simulation.observations import (
    Franked,
    MachineStored,
    Observation,
)
from rmfs_tools.simulation.setting import BEGAN, Papers, papers_of
from rmfs_tools.simulation.supply import Strike, Supply

_ITEMS: Final = ((3, 18), (1, 4))
"""Class and weight in grams of what is franked in turn: letters and post cards."""

Tell = Callable[[Observation], None]


@dataclass(frozen=True, slots=True)
class Image:
    """A copy of the memories of a machine.

    Attributes:
        memories: What PSD memory and flash held.
        life: Which life that was.
    """

    memories: tuple[bytes, bytes]
    life: int


class Body:
    """A machine on a desk.

    Attributes:
        name: As observations name it.
        papers: Its licence.
        life: Which life it lives, from 1.
        machine: The machine, or None while it has no power.
        is_enrolled: The server knows its present life.
        is_suspect: Somebody has cloned it, put an image back or forged its registers.
        dial_in: Number of the dial-in that is under way, or 0.
        image: Its memories as somebody kept them, and whose life they held; or None.
        beyond_repair: Why it could not be switched on any more, or empty.
    """

    def __init__(
        self,
        name: str,
        life: int,
        memories: tuple[bytes, bytes],
        *,
        clock: WallClock,
        ppm: float,
        channel: ChannelMaker,
        seconds: Callable[[], float],
        tell: Tell,
    ) -> None:
        """Put it on its desk, without power.

        Args:
            name: Its name.
            life: Which life it lives, from 1.
            memories: What PSD memory and flash hold.
            clock: The true time.
            ppm: How much its battery clock gains.
            channel: Makes the channel of a dial-in.
            seconds: Simulated seconds since the world began.
            tell: Takes observations.
        """
        self.name = name
        self.life = life
        self.is_enrolled = True
        self.machine: Machine | None = None
        self.is_suspect = False
        self.dial_in = 0
        self.image: Image | None = None
        self.beyond_repair = ""
        self.battery = DriftingWallClock(clock, ppm, BEGAN)
        # Of the machine that it is, or was copied from.
        self._place = int(name.partition("-")[0])
        self._nvram = MemoryNvram(memories[0])
        self._flash = MemoryNvram(memories[1])
        self._supply = Supply()
        self._scale = SimulatedScale()
        self._channel = channel
        self._seconds = seconds
        self._tell = tell
        self._strike: Strike | None = None
        self._seen: PsdRecord | None = None

    @property
    def papers(self) -> Papers:
        """Its licence."""
        return papers_of(self._place, self.life)

    @property
    def next_licence(self) -> LicenceIdentifier:
        """The licence identifier that a new life would have."""
        return papers_of(self._place, self.life + 1).identifier

    @property
    def former_licence(self) -> LicenceIdentifier:
        """The licence identifier of the life before this one."""
        return papers_of(self._place, self.life - 1).identifier

    @property
    def licence(self) -> LicenceIdentifier:
        """The licence identifier of its present life."""
        return self.papers.identifier

    @property
    def memories(self) -> tuple[bytes, bytes]:
        """What both memories hold now."""
        return self._nvram.image(), self._flash.image()

    def switch_on(self) -> bool:
        """Give it power; whether it is on then."""
        self._supply = Supply()
        self._supply.arm(self._strike)
        self._strike = None
        self._seen = None
        self.dial_in = 0
        parts = Parts(
            self._supply.feed(self._nvram),
            self._supply.feed(self._flash),
            self.battery,
            self._scale,
            _Printer(self._printed),
            self._channel,
        )
        machine = Machine(parts)
        try:
            machine.switch_on()
        except PowerCutError:
            return False
        if not machine.is_on:
            self.beyond_repair = "no copy of its memory can be read"
            return False
        self.machine = machine
        self._find_life(machine)
        self.look(powered_on=True)
        return True

    def _find_life(self, machine: Machine) -> None:
        """See whether a new life was stored before the power failed."""
        if machine.psd.credential.licence_identifier == self.next_licence:
            self.begin_life()

    def begin_life(self) -> None:
        """Note that a new life has begun, which the server does not know yet."""
        self.life += 1
        self.is_enrolled = False

    def lose_power(self) -> None:
        """Take the power away, wherever it stands."""
        self._supply.fail()
        self.machine = None
        self.dial_in = 0

    def strike(self, strike: Strike | None) -> None:
        """Have the power fail at a write, or no more; if it is off, once it is on."""
        if self.machine is None:
            self._strike = strike
        else:
            self._supply.arm(strike)

    @property
    def has_failed(self) -> bool:
        """Whether the power has failed at a write."""
        return self._supply.is_dead

    def replace_memories(self, memories: tuple[bytes, bytes]) -> None:
        """Put other octets into both memories of a machine without power."""
        self._nvram = MemoryNvram(memories[0])
        self._flash = MemoryNvram(memories[1])

    def keep_image(self) -> None:
        """Copy its memories."""
        self.image = Image(self.memories, self.life)

    def put_back(self, image: Image) -> None:
        """Put a copy of its memories back; it must have no power."""
        self.replace_memories(image.memories)
        self.life = image.life
        self.is_enrolled = True

    def jump(self, by_s: int) -> None:
        """Let its battery clock jump."""
        self.battery.set(self.battery.utc() + timedelta(seconds=by_s))

    def frank(self, items: int) -> int:
        """Frank letters and post cards until one is refused; how many were.

        Raises:
            PowerCutError: The power failed.
        """
        machine = self.machine
        for done in range(items):
            if machine is None:
                return done
            product_class, grams = _ITEMS[done % len(_ITEMS)]
            self._scale.put(grams)
            machine.franking.choose_class(product_class)
            printed = machine.franking.frank(confirmed=True)
            self.look()
            if not isinstance(printed, Printed) or printed.frank is None:
                return done
        return items

    def _printed(self, face: FrankFace) -> None:
        """Note a frank that came out of the printer."""
        self.look()
        if face.item is not None:
            self._tell(Franked(self._seconds(), self.name, face.value_paise))

    def look(self, *, powered_on: bool = False) -> None:
        """Tell what the PSD holds, if that is new."""
        if self.machine is None or self._supply.is_dead:
            return
        record = self.machine.record
        if record is self._seen and not powered_on:
            return
        self._seen = record
        registers, pending = record.registers, record.pending
        self._tell(
            MachineStored(
                at_s=self._seconds(),
                body=self.name,
                licence=self.licence,
                powered_on=powered_on,
                ascending_paise=registers.ascending_paise,
                descending_paise=registers.descending_paise,
                control_total_paise=registers.control_total_paise,
                items=registers.items,
                items_with_zero=registers.items_with_zero,
                number=record.recharge_number,
                pending=None
                if pending is None
                else (pending.kind.name, pending.amount_paise),
                mark=record.mark,
                state=record.standing.name,
            )
        )


class _Printer:
    """Tells of each frank while it is printed; a `printing.Printer`."""

    def __init__(self, tell: Callable[[FrankFace], None]) -> None:
        self._tell = tell

    def put(self, face: FrankFace) -> None:
        """Print it."""
        self._tell(face)
