"""Atomic commits over a memory that can lose its power at every octet.

Content is kept three times, each copy in a bank of its own, so that no write touches
two of them. A commit writes the journal copy first, then the other two; the journal is
what makes it count:

    cut before or inside the journal write    the old content, whole
    cut later                                 the new content, whole

At power-on the newest copy that is whole wins and the others are brought to it, the
winner itself last: at no moment is there less than one whole copy of what was found.
A copy that only lags behind was overtaken by a power cut; a copy that is not whole is
damage, and counted. More than `DAMAGE_MAX` damaged copies in a life mean a memory that
is worn out (as the FP T1000 stops above 999 corrections).

A copy is: magic 2, version 1, zero 1, sequence 4, damage 2, length 2, content, and the
first 8 octets of SHA-256 over all of it. The sequence rises by one with each commit, so
it counts the writes of each bank.
"""

import struct
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from hw.nvram import ERASED_OCTET, Nvram
from protocol.errors import LocalProtocolError, StoreError
from protocol.values import U32_MAX

COPIES: Final = 3
DAMAGE_MAX: Final = 999
WRITES_MAX: Final = U32_MAX - 1_000_000
"""A memory that was written so often is worn out, long before its numbers end."""
_DAMAGE_STORED_MAX: Final = 0xFFFF

_HEAD: Final = struct.Struct(">2sBBIHH")
_MAGIC: Final = b"VC"
_VERSION: Final = 1
_DIGEST_OCTETS: Final = 8
OVERHEAD_OCTETS: Final = _HEAD.size + _DIGEST_OCTETS


@dataclass(frozen=True)
class Region:
    """Where a vault lives: the same place in each of three equal banks.

    Attributes:
        offset: First octet within a bank.
        slot_octets: Room for one copy.
        bank_octets: Distance from bank to bank.
    """

    offset: int
    slot_octets: int
    bank_octets: int

    @cached_property
    def addresses(self) -> tuple[int, ...]:
        """The address of each copy; the journal's is the first."""
        return tuple(self.offset + bank * self.bank_octets for bank in range(COPIES))

    @property
    def content_octets_max(self) -> int:
        """Longest content."""
        return self.slot_octets - OVERHEAD_OCTETS


@dataclass(frozen=True, slots=True)
class _Copy:
    sequence: int
    damage: int
    content: bytes


class Vault:
    """Content that is always whole: the last one committed.

    `content`, `sequence` and `damage` are what is stored. From the moment a commit
    begins until it has ended they cannot be read: after a failed write nobody acts on
    what may not have been stored.

    Attributes:
        in_doubt: A commit has begun and not ended: whoever keeps what was read of the
            content asks here before it is used.
        repaired: How many damaged copies this power-on has repaired.
    """

    def __init__(self, nvram: Nvram, region: Region) -> None:
        """Find the content and repair the copies.

        Raises:
            StoreError: No copy is whole, or the memory fails.
        """
        self._nvram = nvram
        self._region = region
        found = [_read_copy(nvram, region, at) for at in region.addresses]
        whole = [copy for copy in found if copy is not None]
        if not whole:
            message = (
                "no copy of the PSD's memory is whole: the machine is out of order"
                if any(_is_written(nvram, at) for at in region.addresses)
                else "the PSD's memory was never written: there is no machine in it"
            )
            raise StoreError(message)
        self._now = max(whole, key=lambda copy: copy.sequence)
        self.in_doubt = False
        self.repaired = sum(copy is None for copy in found)
        self._repair(found)

    @classmethod
    def create(cls, nvram: Nvram, region: Region, content: bytes) -> "Vault":
        """Write the first content into a memory that holds none.

        Raises:
            StoreError: There is content already; it is never overwritten.
        """
        for address in region.addresses:
            if _read_copy(nvram, region, address) is not None:
                raise StoreError("the PSD's memory holds a machine already")
        first = _Copy(1, 0, content)
        # The journal last: content that is only half written is none.
        for address in reversed(region.addresses):
            nvram.write(address, _encode(first, region))
        return cls(nvram, region)

    @property
    def content(self) -> bytes:
        """The content committed last.

        Raises:
            StoreError: A write has failed: only a power-on tells what is stored.
        """
        return self._known().content

    @property
    def sequence(self) -> int:
        """How many times each bank was written."""
        return self._known().sequence

    @property
    def damage(self) -> int:
        """How many damaged copies were found and repaired so far."""
        return self._known().damage

    @property
    def worn_out(self) -> bool:
        """Whether more was damaged or written than a sound memory ever shows."""
        return self.damage > DAMAGE_MAX or self.sequence > WRITES_MAX

    def commit(self, content: bytes) -> None:
        """Store new content; when this returns it will be found at every power-on.

        Raises:
            LocalProtocolError: The content is too long for the region.
            StoreError: A write has failed, now or before: the outcome is unknown. Or
                the memory was written as often as it can count; nothing is written.
        """
        before = self._known()
        following = _Copy(before.sequence + 1, before.damage, content)
        self._write(following, self._region.addresses)

    def _write(self, copy: _Copy, addresses: tuple[int, ...]) -> None:
        octets = _encode(copy, self._region)
        self.in_doubt = True
        for address in addresses:
            self._nvram.write(address, octets)
        self._now = copy
        self.in_doubt = False

    def _repair(self, found: list[_Copy | None]) -> None:
        newest = self._known()
        if all(copy == newest for copy in found):
            return
        damaged = sum(copy is None for copy in found)
        repaired = _Copy(
            newest.sequence + 1,
            min(newest.damage + damaged, _DAMAGE_STORED_MAX),
            newest.content,
        )
        # False sorts first: a copy that holds the newest content is overwritten last.
        order = sorted(
            zip((copy == newest for copy in found), self._region.addresses, strict=True)
        )
        self._write(repaired, tuple(address for _, address in order))

    def _known(self) -> _Copy:
        if self.in_doubt:
            raise write_failed()
        return self._now


def write_failed() -> StoreError:
    """Say that only a power-on tells what is stored."""
    return StoreError("a write has failed: switch the machine off and on")


def overwrite(
    nvram: Nvram, region: Region, content: bytes, *, sequence: int, damage: int
) -> None:
    """Write all copies alike, whatever was there: for labs, never for a machine.

    Args:
        nvram: The memory.
        region: Where the vault lies in it.
        content: What all three copies will hold.
        sequence: How many writes they will tell of, 1 to `U32_MAX`.
        damage: How many repairs they will tell of, 0 to 65,535.

    Raises:
        LocalProtocolError: The content is too long for the region.
        StoreError: A write has failed.
    """
    octets = _encode(_Copy(sequence, damage, content), region)
    for address in region.addresses:
        nvram.write(address, octets)


def _encode(copy: _Copy, region: Region) -> bytes:
    if copy.sequence > U32_MAX:
        raise StoreError("the PSD's memory was written as often as it can count")
    if len(copy.content) > region.content_octets_max:
        message = f"{len(copy.content)} octets do not fit the vault"
        raise LocalProtocolError(message)
    head = _HEAD.pack(
        _MAGIC, _VERSION, 0, copy.sequence, copy.damage, len(copy.content)
    )
    body = head + copy.content
    return body + sha256(body).digest()[:_DIGEST_OCTETS]


def _read_copy(nvram: Nvram, region: Region, address: int) -> _Copy | None:
    head = nvram.read(address, _HEAD.size)
    magic, version, zero, sequence, damage, length = _HEAD.unpack(head)
    if (magic, version, zero) != (_MAGIC, _VERSION, 0):
        return None
    if not 0 < length <= region.content_octets_max:
        return None
    rest = nvram.read(address + _HEAD.size, length + _DIGEST_OCTETS)
    content, digest = rest[:length], rest[length:]
    if sha256(head + content).digest()[:_DIGEST_OCTETS] != digest:
        return None
    return _Copy(sequence, damage, content)


def _is_written(nvram: Nvram, address: int) -> bool:
    return nvram.read(address, _HEAD.size) != bytes([ERASED_OCTET]) * _HEAD.size
