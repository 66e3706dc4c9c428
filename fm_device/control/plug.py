"""The power of a machine at a rig: it comes, goes, and fails at a chosen moment.

Both memories hang on one plug: when the power fails in a write of one, the other takes
nothing any more either. `Plug.pull` may be called from any thread, in the middle of
whatever the machine does; everything else belongs to the machine's thread.
"""

from enum import Enum
from threading import Event

from fm_device.firmware.printing import Printer
from fm_device.frank import FrankFace
from hw.nvram import Nvram, PowerCutError, PowerCutNvram


class CutPlace(Enum):
    """Where the power is to fail."""

    NVRAM = "nvram"
    """In a write of the PSD's memory."""
    FLASH = "flash"
    """In a write of the firmware's memory."""
    PRINT = "print"
    """While a frank is printed: it is debited, and not complete."""


class Plug:
    """The power of one machine.

    Attributes:
        nvram: The PSD's memory, as the machine has it.
        flash: The firmware's memory, as the machine has it.
        armed: Where the power is to fail next, or None.
    """

    def __init__(self, nvram: Nvram, flash: Nvram) -> None:
        """Put the plug in.

        Args:
            nvram: The PSD's memory, which survives.
            flash: The firmware's memory, which survives.
        """
        self._pulled = Event()
        self._prints_left = 0
        self.nvram = PluggedNvram(self, nvram)
        self.flash = PluggedNvram(self, flash)
        self.armed: CutPlace | None = None

    @property
    def is_cut(self) -> bool:
        """Whether the power has failed, and the machine has not been told yet."""
        return self._pulled.is_set()

    def pull(self) -> None:
        """Cut the power now; the machine's next write, read or print fails."""
        self._pulled.set()

    def put_in(self) -> None:
        """Bring the power back; what was armed is not armed any more."""
        self.disarm()
        self._pulled.clear()

    def arm(self, place: CutPlace, number: int, torn_octets: int | None) -> None:
        """Let the power fail later, in place of what was armed.

        Args:
            place: In which memory, or in a print.
            number: In which write or print from now on; the next one is 1.
            torn_octets: How many octets of the write still reach the memory; None for
                all. A print is never torn.
        """
        self.disarm()
        self.armed = place
        if place is CutPlace.PRINT:
            self._prints_left = number
        else:
            memory = self.nvram if place is CutPlace.NVRAM else self.flash
            memory.arm(number, torn_octets)

    def hang_flash(self, flash: Nvram) -> "PluggedNvram":
        """Hang another memory of the firmware on it; nothing is armed then."""
        self.disarm()
        self.flash = PluggedNvram(self, flash)
        return self.flash

    def disarm(self) -> None:
        """Let the power not fail after all."""
        self._prints_left = 0
        self.nvram.disarm()
        self.flash.disarm()
        self.armed = None

    def check(self) -> None:
        """Go on only with power.

        Raises:
            PowerCutError: There is none.
        """
        if self.is_cut:
            raise PowerCutError("the power was cut")

    def begin_print(self) -> None:
        """Count a print that begins.

        Raises:
            PowerCutError: The power fails in it.
        """
        self.check()
        if self._prints_left:
            self._prints_left -= 1
            if not self._prints_left:
                self.pull()
                raise PowerCutError("the power failed while a frank was printed")


class PluggedNvram:
    """A memory that has power only while the plug is in."""

    def __init__(self, plug: Plug, memory: Nvram) -> None:
        """Hang a memory on a plug."""
        self._plug = plug
        self._memory = memory
        self._powered: Nvram = memory

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self._memory.size_octets

    def read(self, address: int, length: int) -> bytes:
        """Read `length` octets.

        Raises:
            PowerCutError: There is no power.
        """
        self._plug.check()
        return self._powered.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        """Write `octets`.

        Raises:
            PowerCutError: There is no power, or it fails now.
        """
        self._plug.check()
        try:
            self._powered.write(address, octets)
        except PowerCutError:
            self._plug.pull()
            raise

    def arm(self, number: int, torn_octets: int | None) -> None:
        """Let the power fail in a later write."""
        self._powered = PowerCutNvram(self._memory, number, torn_octets)

    def disarm(self) -> None:
        """Let it not fail."""
        self._powered = self._memory


class PluggedPrinter:
    """A printer that has power only while the plug is in."""

    def __init__(self, plug: Plug, printer: Printer) -> None:
        """Hang a printer on a plug."""
        self._plug = plug
        self._printer = printer

    def put(self, face: FrankFace) -> None:
        """Print one frank.

        Raises:
            PowerCutError: There is no power, or it fails now.
        """
        self._plug.begin_print()
        self._printer.put(face)
