"""The machine's non-volatile memory, and the power cuts it must survive.

Rules:

1. What `write` was given is durable when it returns. There is no "flush".
2. A write is not atomic: power may fail inside it. Whoever keeps registers here holds
   redundant copies and checksums; this module promises nothing about half a write.
3. After a failure whose outcome is unknown the memory refuses every later call, until
   it is opened again and read: a failed `fdatasync` may have dropped the octets from
   the cache, so that asking again would report a success that never happened.

`PowerCutNvram` ships with the product: the lab and the simulator cut the power at every
write and at every octet of a write (`every_power_cut` lists the cuts).
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from protocol.errors import LocalProtocolError, RmfsError, StoreError
from protocol.ports import Entropy

ERASED_OCTET: Final = 0xFF
"""What a memory holds that was never written, as flash and EEPROM do."""
_ERASED: Final = bytes([ERASED_OCTET])
_PAGE_OCTETS: Final = 1024
_ERASED_PAGE: Final = _ERASED * _PAGE_OCTETS
_OWNER_ONLY: Final = 0o600


class PowerCutError(RmfsError):
    """The power failed: the machine that this memory belongs to has stopped.

    Deliberately not a `StoreError`: firmware that handles a bad memory must not be
    able to handle the loss of its own power.
    """


class Nvram(Protocol):
    """Octet-addressed memory of fixed size that survives the loss of power."""

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """Read `length` octets, at least 1.

        Raises:
            LocalProtocolError: The span is empty or outside the memory.
            StoreError: The memory cannot be read.
        """
        ...

    def write(self, address: int, octets: bytes) -> None:
        """Write at least 1 octet; they are durable when this returns.

        Raises:
            LocalProtocolError: The span is empty or outside the memory.
            StoreError: The outcome is unknown, and later calls are refused.
        """
        ...


class MemoryNvram:
    """A memory in a process: durable for as long as somebody holds it.

    It keeps only the pages that hold something, so that a thousand machines with a
    quarter of a mebibyte each idle in what they have written.
    """

    def __init__(self, image: bytes) -> None:
        """Start with the octets of `image`, which also gives the size."""
        self._size_octets = len(image)
        self._pages: dict[int, bytearray] = {}
        for number in range(-(-len(image) // _PAGE_OCTETS)):
            held = image[number * _PAGE_OCTETS : (number + 1) * _PAGE_OCTETS]
            if held != _ERASED_PAGE[: len(held)]:
                self._pages[number] = bytearray(held.ljust(_PAGE_OCTETS, _ERASED))

    @classmethod
    def erased(cls, size_octets: int) -> "MemoryNvram":
        """Make a memory that was never written."""
        nvram = cls(b"")
        nvram._size_octets = size_octets
        return nvram

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self._size_octets

    @property
    def held_octets(self) -> int:
        """Number of octets that this memory takes up, in whole pages."""
        return len(self._pages) * _PAGE_OCTETS

    def read(self, address: int, length: int) -> bytes:
        """Read `length` octets."""
        _check_span(self._size_octets, address, length)
        return self._read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        """Write `octets`."""
        length = len(octets)
        _check_span(self._size_octets, address, length)
        at = 0
        while at < length:
            number, begin = divmod(address + at, _PAGE_OCTETS)
            count = min(length - at, _PAGE_OCTETS - begin)
            page = self._pages.get(number)
            if page is None:
                page = self._pages[number] = bytearray(_ERASED_PAGE)
            page[begin : begin + count] = octets[at : at + count]
            at += count

    def image(self) -> bytes:
        """Copy the whole memory, to be restored by a new `MemoryNvram`."""
        return self._read(0, self._size_octets)

    def _read(self, address: int, length: int) -> bytes:
        first, begin = divmod(address, _PAGE_OCTETS)
        pages = range(first, -(-(address + length) // _PAGE_OCTETS))
        octets = b"".join(self._pages.get(number, _ERASED_PAGE) for number in pages)
        return octets[begin : begin + length]


class FileNvram:
    """A memory in a file of exactly its size, synchronised at every write.

    One process at a time may have it open: the owner of the machine's folder sees to
    that with its lock.
    """

    def __init__(self, path: Path, size_octets: int) -> None:
        """Open the memory that `create` made.

        Raises:
            StoreError: There is no such file, or it has another size.
        """
        self._path = path
        self._size_octets = size_octets
        self._failed = False
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            message = f"NVRAM {path} cannot be opened: {error.strerror}"
            raise StoreError(message) from error
        found_octets = os.fstat(self._descriptor).st_size
        if found_octets != size_octets:
            self.close()
            message = (
                f"NVRAM {path} holds {found_octets} octets where {size_octets} are "
                "needed: it belongs to another model, or was cut short by a copy"
            )
            raise StoreError(message)

    @classmethod
    def create(cls, path: Path, size_octets: int) -> "FileNvram":
        """Make an erased memory and open it.

        The file appears under its name only when it is complete, so that a power cut
        here leaves either nothing or a whole memory. Its owner alone can read it: keys
        will lie in it.

        Raises:
            StoreError: A file of that name exists, or none can be made.
        """
        if path.exists():
            message = f"NVRAM {path} exists already: registers are never overwritten"
            raise StoreError(message)
        unfinished = path.with_name(path.name + ".new")
        try:
            unfinished.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(unfinished, flags, _OWNER_ONLY), "wb") as file:
                file.write(_ERASED * size_octets)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
            _sync_directory(path.parent)
        except OSError as error:
            message = f"NVRAM {path} cannot be made: {error.strerror}"
            raise StoreError(message) from error
        return cls(path, size_octets)

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self._size_octets

    def read(self, address: int, length: int) -> bytes:
        """Read `length` octets."""
        _check_span(self._size_octets, address, length)
        self._check_usable()
        try:
            octets = os.pread(self._descriptor, length, address)
        except OSError as error:
            raise self._failure("read", address, error.strerror) from error
        if len(octets) != length:
            raise self._failure("read", address, "the file has become shorter")
        return octets

    def write(self, address: int, octets: bytes) -> None:
        """Write `octets` and wait until the disk has them."""
        _check_span(self._size_octets, address, len(octets))
        self._check_usable()
        try:
            written = 0
            while written < len(octets):
                rest = octets[written:]
                written += os.pwrite(self._descriptor, rest, address + written)
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise self._failure("written", address, error.strerror) from error

    def close(self) -> None:
        """Let go of the file; the memory is of no use afterwards."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _check_usable(self) -> None:
        if self._failed or self._descriptor < 0:
            state = "has failed" if self._failed else "is closed"
            message = f"NVRAM {self._path} {state}: open it again and read it"
            raise StoreError(message)

    def _failure(self, verb: str, address: int, why: str | None) -> StoreError:
        self._failed = True
        return StoreError(
            f"NVRAM {self._path} cannot be {verb} at address {address}: {why}"
        )


@dataclass(frozen=True)
class PowerCut:
    """One moment at which the power fails.

    Attributes:
        at_write: Which write it strikes; the first is 1.
        torn_octets: How many of its first octets reach the memory: 0 cuts before the
            write, fewer than its length inside it, and None after it: everything is
            stored, but the caller never learns.
    """

    at_write: int
    torn_octets: int | None


class PowerCutNvram:
    """A memory whose power fails at a chosen write, and which then is dead.

    Without a cut it counts: run the whole story once, then once for every
    ``every_power_cut(nvram.write_lengths)``, each time opening what `inner` holds.
    """

    def __init__(
        self,
        inner: Nvram,
        cut_at_write: int | None = None,
        torn_octets: int | None = 0,
        *,
        garbage: Entropy | None = None,
    ) -> None:
        """Cut the power of `inner`, or with None never.

        Args:
            inner: The memory that survives.
            cut_at_write: See `PowerCut`.
            torn_octets: See `PowerCut`.
            garbage: Where the octets of the struck write come from that did not get
                their new value, as in an EEPROM page that was being programmed.
                Without it they keep their old value.
        """
        if cut_at_write is not None and cut_at_write < 1:
            message = f"writes are counted from 1, there is no write {cut_at_write}"
            raise LocalProtocolError(message)
        self._inner = inner
        self._cut_at_write = cut_at_write
        self._torn_octets = torn_octets
        self._garbage = garbage
        self._lengths: list[int] = []
        self._dead = False

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self._inner.size_octets

    @property
    def writes(self) -> int:
        """How many writes there were, the one that was struck included."""
        return len(self._lengths)

    @property
    def write_lengths(self) -> tuple[int, ...]:
        """Octets of each write so far, in order."""
        return tuple(self._lengths)

    def read(self, address: int, length: int) -> bytes:
        """Read `length` octets.

        Raises:
            PowerCutError: The power has failed.
        """
        self._check_power()
        return self._inner.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        """Write `octets`, unless this is where the power fails.

        Raises:
            PowerCutError: The power fails now, or has failed before.
        """
        self._check_power()
        _check_span(self.size_octets, address, len(octets))
        self._lengths.append(len(octets))
        if self.writes != self._cut_at_write:
            self._inner.write(address, octets)
            return
        self._dead = True
        stored = self._what_is_stored(octets)
        if stored:
            self._inner.write(address, stored)
        message = f"the power failed at write {self.writes} ({len(octets)} octets)"
        raise PowerCutError(message)

    def _what_is_stored(self, octets: bytes) -> bytes:
        whole = self._torn_octets is None
        stored = octets if whole else octets[: self._torn_octets]
        if self._garbage is not None:
            stored += self._garbage.octets(len(octets) - len(stored))
        return stored

    def _check_power(self) -> None:
        if self._dead:
            message = f"the power has been off since write {self.writes}"
            raise PowerCutError(message)


def every_power_cut(write_lengths: Iterable[int]) -> Iterator[PowerCut]:
    """List every cut before, inside and after each of a series of writes.

    Args:
        write_lengths: Octets of each write, as `PowerCutNvram.write_lengths` has them.
    """
    for at_write, length in enumerate(write_lengths, start=1):
        for torn_octets in range(length):
            yield PowerCut(at_write, torn_octets)
        yield PowerCut(at_write, None)


def _check_span(size_octets: int, address: int, length: int) -> None:
    if length < 1 or address < 0 or address + length > size_octets:
        message = (
            f"{length} octets at address {address} are no span of a memory of "
            f"{size_octets} octets"
        )
        raise LocalProtocolError(message)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
