"""What a scenario has in its hand: time, memories, printer and channels.

They are the product's own where they can be, and let a scenario do what the world does:
cut the power at a write, let a chip or a print fail, hear which message is sealed.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.internet.task import Clock

from fm_device.firmware.printing import FolderPrinter
from fm_device.folder import write_file
from fm_device.frank import FrankFace
from hw.clock import epoch_seconds
from hw.nvram import MemoryNvram, Nvram, PowerCutError, PowerCutNvram
from protocol.channel import (
    DoubleMachineChannel,
    DoubleServerChannel,
    MachineChannel,
    ServerChannel,
)
from protocol.channel.ends import MachineEnd, ServerEnd
from protocol.errors import StoreError
from protocol.keys import MachineIdentity, ServerCredential, ServerIdentity
from protocol.values import EpochSeconds

Told = Callable[[int], None]
"""Is told the type of each message that a channel is about to seal."""


class VirtualTime:
    """The time of day of a virtual reactor: one time for line, machine and server."""

    def __init__(self, reactor: Clock, began: datetime) -> None:
        """Begin when the reactor's clock shows what it shows now."""
        self._reactor = reactor
        self._began = began.astimezone(UTC) - timedelta(seconds=reactor.seconds())

    def now(self) -> EpochSeconds:
        """Read the clock in whole seconds."""
        return epoch_seconds(self.utc())

    def utc(self) -> datetime:
        """Read the clock as an aware UTC instant."""
        return self._began + timedelta(seconds=self._reactor.seconds())


class LabMemory:
    """A memory that a scenario can cut off, let fail, copy and damage."""

    def __init__(self, size_octets: int) -> None:
        """Begin with an erased memory."""
        self.chip = MemoryNvram.erased(size_octets)
        self._seen: Nvram = self.chip
        self._how = "whole"

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self.chip.size_octets

    def read(self, address: int, length: int) -> bytes:
        """Read, unless the chip is dead."""
        if self._how == "dead":
            raise StoreError("the chip does not answer")
        return self._seen.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        """Write, unless the chip takes nothing any more."""
        if self._how != "whole":
            raise StoreError("the chip takes no octets any more")
        self._seen.write(address, octets)

    def cut_at(self, write: int, torn_octets: int | None) -> None:
        """Have the power fail at the n-th write from now on."""
        self._seen = PowerCutNvram(self.chip, write, torn_octets)

    def restore_power(self) -> None:
        """Hold the power again."""
        self._seen = self.chip

    def fail(self, how: str) -> None:
        """Let the chip be whole, read-only or dead."""
        self._how = how

    def put_image(self, image: bytes) -> None:
        """Solder another chip in."""
        self.chip = MemoryNvram(image)
        self._seen = self.chip

    def flip(self, address: int) -> None:
        """Turn every bit of one octet."""
        (octet,) = self.chip.read(address, 1)
        self.chip.write(address, bytes([octet ^ 0xFF]))


class LabPrinter:
    """A printer that counts what came out, and that the power can fail in."""

    def __init__(self, folder: Path | None) -> None:
        """Print into a folder, or nowhere."""
        self.last: FrankFace | None = None
        self.printed = 0
        self.franked = 0
        """Imprints that were accounted: zero imprints too, no specimen."""
        self.value_paise = 0
        self.cut = False
        self.failing = False
        self._pictures = None if folder is None else FolderPrinter(folder, write_file)

    def put(self, face: FrankFace) -> None:
        """Print one frank.

        Raises:
            PowerCutError: The power fails now; what is on the paper is no frank.
            StoreError: The printer fails, and the power is on.
        """
        if self.failing:
            self.failing = False
            raise StoreError("the printer has stopped in the middle of a frank")
        if self.cut:
            self.cut = False
            raise PowerCutError("the power failed while the frank was printed")
        self.last = face
        self.printed += 1
        self.franked += face.item is not None
        self.value_paise += face.value_paise
        if self._pictures is not None:
            self._pictures.put(face)


class LabMachineChannel(MachineEnd):
    """A machine's end of a channel, telling which message is sealed."""

    told: Told

    def greeting_3(self, body: bytes) -> bytes:
        """Tell of the message that this greeting carries."""
        self.told(body[0])
        return super().greeting_3(body)

    def seal(self, body: bytes) -> bytes:
        """Tell of the message, and seal it."""
        self.told(body[0])
        return super().seal(body)


class _RealMachine(LabMachineChannel, MachineChannel):
    """The product's channel."""


class _DoubleMachine(LabMachineChannel, DoubleMachineChannel):
    """The channel's deterministic double."""


class LabServerChannel(ServerEnd):
    """A server's end of a channel, telling which message is sealed."""

    told: Told

    def greeting_4(self, body: bytes) -> bytes:
        """Tell of the message that this greeting carries."""
        self.told(body[0])
        return super().greeting_4(body)

    def seal(self, body: bytes) -> bytes:
        """Tell of the message, and seal it."""
        self.told(body[0])
        return super().seal(body)


class _RealServer(LabServerChannel, ServerChannel):
    """The product's channel."""


class _DoubleServer(LabServerChannel, DoubleServerChannel):
    """The channel's deterministic double."""


def machine_channel(
    identity: MachineIdentity, server: ServerCredential, seed: bytes | None
) -> LabMachineChannel:
    """Make a machine's end: the double from a seed, or the product's own with None."""
    if seed is None:
        return _RealMachine(identity, server)
    return _DoubleMachine(identity, server, seed)


def server_channel(identity: ServerIdentity, seed: bytes | None) -> LabServerChannel:
    """Make a server's end: the double from a seed, or the product's own with None."""
    if seed is None:
        return _RealServer(identity)
    return _DoubleServer(identity, seed)
