"""A write of the NVRAM at which the power fails, and all that it may leave behind."""

import sqlite3
from dataclasses import dataclass

from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram, Nvram, PowerCutError, PowerCutNvram
from protocol.errors import InvariantError
from rmfs_tools.simulation.cuts_points import WriteCut


class NotedNvram:
    """A memory that notes the write which was asked for last.

    Attributes:
        latest: Its address and octets.
    """

    def __init__(self, inner: Nvram) -> None:
        """Pass everything on to `inner`."""
        self.latest: tuple[int, bytes] = (0, b"")
        self._inner = inner

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self._inner.size_octets

    def read(self, address: int, length: int) -> bytes:
        """Read `length` octets."""
        return self._inner.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        """Note the write, and pass it on."""
        self.latest = (address, octets)
        self._inner.write(address, octets)


@dataclass(frozen=True)
class StruckWrite:
    """A write that the power failed at, before its first octet.

    Attributes:
        image: The memory then.
        books: The database, when both ends had lost the line.
        books_digest: SHA-256 of its octets.
        address: Where it was to go.
        octets: What was to be written.
    """

    image: bytes
    books: sqlite3.Connection
    books_digest: bytes
    address: int
    octets: bytes

    def image_after(self, cut: WriteCut) -> bytes:
        """Give the memory when some of the octets are stored.

        Raises:
            InvariantError: The cut is of a write of another length.
        """
        if cut.length != len(self.octets):
            message = f"write {cut.write} has {len(self.octets)} octets, not as before"
            raise InvariantError(message)
        memory = MemoryNvram(self.image)
        noise = SeededEntropy(b"page %d" % cut.write) if cut.garbage else None
        stored = None if cut.stored == cut.length else cut.stored
        try:
            PowerCutNvram(memory, 1, stored, garbage=noise).write(
                self.address, self.octets
            )
        except PowerCutError:
            return memory.image()
        raise InvariantError(f"the power did not fail at write {cut.write}")
