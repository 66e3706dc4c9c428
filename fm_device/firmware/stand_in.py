"""What stands in for a flash that cannot be read, until the power goes.

A machine without its flash franks nothing and can still be dialled in with, so that its
credit is withdrawn and not lost. It has the factory's image and the default settings. A
setting holds until it is switched off. Contents and events are not taken: no order
counts as applied whose content would be gone with the power.
"""

from fm_device.flash.layout import EVENTS_AT, FLASH_OCTETS
from hw.nvram import MemoryNvram
from protocol.errors import StoreError


class StandInFlash:
    """A flash in no memory that lasts; fits the port `hw.nvram.Nvram`."""

    def __init__(self) -> None:
        """Begin erased."""
        self._memory = MemoryNvram.erased(FLASH_OCTETS)

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self._memory.size_octets

    def read(self, address: int, length: int) -> bytes:
        """Read what was written since the power came."""
        return self._memory.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        """Write the settings and which image runs; what lies behind is not taken.

        Raises:
            StoreError: Contents or events would lie there.
        """
        if address >= EVENTS_AT:
            raise StoreError(
                "the flash memory cannot be read: what is to last is not taken; "
                "withdraw the credit, and have a new flash put in"
            )
        self._memory.write(address, octets)
