"""Slots for the contents that orders bring: kept over dial-ins, resumed, never torn.

A content comes in parts, in order, and each part is stored with a head that says which
content it belongs to, where, and how long that is, under a checksum over all of it. So
there is no directory that could part from what lies there:

    the owner of a slot    the content that its first part names
    what is on hand        the parts of that content from the first without a gap

A power cut inside a write leaves a part whose checksum is wrong: it is asked for again.
What an earlier owner left behind the parts of a new one names another content and does
not count. A slot whose owner must be kept is never written.

A part's head is: content id 8, offset 4, total 4, the first 8 octets of SHA-256 over
those and the data.

Whether a content is genuine is for the PSD to say: here a content is whole when its
octets have the id by which it was asked for.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from fm_device.flash.layout import (
    PART_HEAD_OCTETS,
    PART_OCTETS,
    PART_ROOM_OCTETS,
    SLOTS,
    SlotGroup,
)
from hw.nvram import ERASED_OCTET, Nvram
from protocol.contents import Content, ContentKind
from protocol.contents import content_id as content_id_of
from protocol.errors import LocalProtocolError, StoreError

_NAME: Final = struct.Struct(">QII")
_DIGEST_OCTETS: Final = PART_HEAD_OCTETS - _NAME.size


@dataclass(frozen=True, slots=True)
class _Part:
    content_id: int
    offset: int
    total: int
    data: bytes

    def encode(self) -> bytes:
        name = _NAME.pack(self.content_id, self.offset, self.total)
        return name + _digest(name + self.data) + self.data


class ContentSlots:
    """The contents on hand; fits the port `fm_device.psd.contents.ContentStore`."""

    def __init__(
        self,
        flash: Nvram,
        keep: Callable[[], frozenset[int]],
        accepts: Callable[[Content], bool],
    ) -> None:
        """Look at the slots of a flash.

        Args:
            flash: The whole flash.
            keep: Gives the ids of the contents that still count, whenever asked.
            accepts: Whether the firmware can use a content that is genuine.
        """
        self._flash = flash
        self._keep = keep
        self._accepts = accepts

    def received(self, kind: int, content_id: int) -> int:
        """Say how many octets are on hand, from the start and without a gap.

        A content that is whole and does not have its id, as after a power cut before
        it was forgotten, counts as none: it is fetched anew.

        Args:
            kind: Number of a `ContentKind`, or of the order that brings one.
            content_id: The content.
        """
        slot = self._slot_of(_group(kind), content_id)
        if slot is None or self._is_wrong(slot, content_id):
            return 0
        return sum(len(one.data) for one in self._parts(slot))

    def store_part(
        self, kind: int, content_id: int, offset: int, total: int, data: bytes
    ) -> None:
        """Store the next part; one that is stored already changes nothing.

        A part that contradicts those before it, or a last part with which the whole
        does not have its id, makes the content forgotten: it is asked for anew.

        Args:
            kind: As in `received`.
            content_id: The content.
            offset: Where the part begins: at most what was received so far.
            total: Octets of the whole content.
            data: 512 octets, or what is left at the end.

        Raises:
            LocalProtocolError: The part does not follow those on hand, or is no part.
            StoreError: The content is too long, every slot of its kind is needed, or
                the write has failed.
        """
        group = _group(kind)
        _check_part(offset, total, data)
        if total > group.content_octets_max:
            name = ContentKind(kind).name
            raise StoreError(
                f"a content {name} of {total} octets does not fit: "
                f"{group.content_octets_max} are the most that this machine holds"
            )
        part = _Part(content_id, offset, total, data)
        slot = self._slot_of(group, content_id)
        if slot is not None and self._is_wrong(slot, content_id):
            self._forget(slot)
            slot = None
        if slot is None:
            _check_follows(offset, 0)
            self._write(self._free_slot(kind, group), part)
        else:
            self._store_further(slot, part)
        if offset + len(data) == total:
            self._check_whole(group, content_id)

    def read(self, content_id: int) -> bytes | None:
        """Read a whole content, checked against its id; None where there is none."""
        for group in SLOTS.values():
            slot = self._slot_of(group, content_id)
            if slot is not None:
                octets = b"".join(part.data for part in self._parts(slot))
                if content_id_of(octets) == content_id:
                    return octets
        return None

    def accepts(self, content: Content) -> bool:
        """Say whether the firmware can use a content that is genuine."""
        return self._accepts(content)

    def _store_further(self, slot: "_Slot", part: _Part) -> None:
        parts = tuple(self._parts(slot))
        received = sum(len(one.data) for one in parts)
        _check_follows(part.offset, received)
        stored = parts[part.offset // PART_OCTETS] if part.offset < received else None
        if part.total != parts[0].total or stored not in (None, part):
            self._forget(slot)
            raise StoreError(
                "the parts of a content contradict each other: dial again, "
                "it is fetched from its start"
            )
        if stored is None:
            self._write(slot, part)

    def _check_whole(self, group: SlotGroup, content_id: int) -> None:
        slot = self._slot_of(group, content_id)
        if slot is not None and self._is_wrong(slot, content_id):
            self._forget(slot)
            raise StoreError(
                "a content does not have the name that it was ordered by: dial again, "
                "it is fetched from its start"
            )

    def _is_wrong(self, slot: "_Slot", content_id: int) -> bool:
        """Say whether a content is whole and is not the one that was asked for."""
        parts = tuple(self._parts(slot))
        octets = b"".join(part.data for part in parts)
        return len(octets) == parts[0].total and content_id_of(octets) != content_id

    def _free_slot(self, kind: int, group: SlotGroup) -> "_Slot":
        kept = self._keep()
        free = [slot for slot in _slots(group) if self._owner(slot) not in kept]
        if not free:
            name = ContentKind(kind).name
            raise StoreError(
                f"all {group.slots} places for {name} are needed: the order waits "
                "until one of them is no longer in force"
            )
        # One that nobody owns first: what may be half fetched stays as long as it can.
        return min(free, key=lambda slot: self._owner(slot) is not None)

    def _slot_of(self, group: SlotGroup, content_id: int) -> "_Slot | None":
        owned = (slot for slot in _slots(group) if self._owner(slot) == content_id)
        return next(owned, None)

    def _owner(self, slot: "_Slot") -> int | None:
        first = self._read_part(slot, 0)
        return None if first is None else first.content_id

    def _parts(self, slot: "_Slot") -> Iterator[_Part]:
        first = self._read_part(slot, 0)
        index = 0
        part = first
        while part is not None and first is not None:
            yield part
            index += 1
            if index * PART_OCTETS >= first.total:
                return
            part = self._read_part(slot, index)
            if part is not None and (part.content_id, part.total) != (
                first.content_id,
                first.total,
            ):
                return

    def _read_part(self, slot: "_Slot", index: int) -> _Part | None:
        octets = self._flash.read(slot.address_of(index), PART_ROOM_OCTETS)
        name, rest = octets[: _NAME.size], octets[_NAME.size :]
        content_id, offset, total = _NAME.unpack(name)
        if offset != index * PART_OCTETS or not offset < total <= slot.octets_max:
            return None
        digest, data = rest[:_DIGEST_OCTETS], rest[_DIGEST_OCTETS:]
        data = data[: total - offset]
        if _digest(name + data) != digest:
            return None
        return _Part(content_id, offset, total, data)

    def _write(self, slot: "_Slot", part: _Part) -> None:
        self._flash.write(slot.address_of(part.offset // PART_OCTETS), part.encode())

    def _forget(self, slot: "_Slot") -> None:
        """Erase every part, the last one first: none of them counts when it returns."""
        erased = bytes([ERASED_OCTET]) * PART_HEAD_OCTETS
        for index in reversed(range(len(tuple(self._parts(slot))))):
            self._flash.write(slot.address_of(index), erased)


@dataclass(frozen=True, slots=True)
class _Slot:
    address: int
    octets_max: int

    def address_of(self, index: int) -> int:
        return self.address + index * PART_ROOM_OCTETS


def _slots(group: SlotGroup) -> Iterator[_Slot]:
    for address in group.addresses:
        yield _Slot(address, group.content_octets_max)


def _group(kind: int) -> SlotGroup:
    try:
        return SLOTS[ContentKind(kind)]
    except ValueError as error:
        raise LocalProtocolError(f"{kind} is no kind of content") from error


def _check_part(offset: int, total: int, data: bytes) -> None:
    if (
        offset < 0
        or offset % PART_OCTETS
        or not data
        or len(data) != min(PART_OCTETS, total - offset)
    ):
        raise LocalProtocolError(
            f"{len(data)} octets at {offset} of {total} are no part of a content"
        )


def _check_follows(offset: int, received: int) -> None:
    if offset > received:
        raise LocalProtocolError(
            f"a part at {offset} came, the next one needed begins at {received}"
        )


def _digest(octets: bytes) -> bytes:
    return sha256(octets).digest()[:_DIGEST_OCTETS]
