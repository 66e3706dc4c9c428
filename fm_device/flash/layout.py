"""What lies where in the firmware's flash.

    settings     3 banks of 48 KiB, a vault
    update       3 banks of 1 KiB, a vault: which firmware image runs
    events       1,024 entries of 32 octets
    contents     slots: 4 tariffs of at most 32 KiB, 11 slogans of at most 2 KiB,
                 2 firmware images of at most 64 KiB, 1 credit key of at most 8 KiB

One slot more than can be in force, so that a new content never takes the place of the
one that still counts: a tariff in force, one that begins later, one for a day that is
past the next, and the new one; ten slogans and the new one; the image that runs and the
new one. A credit key is in the PSD as soon as it is taken.

A content lies in parts of 512 octets, as it comes (SPEC.md DLG-10), each with a head of
its own (`contents`). The settings have room for two statements of mailing, the last and
the one before, with a row each for every row of the PSD's usage table.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from fm_device.psd.vault import COPIES, Region
from protocol.contents import CONTENT_OCTETS_MAX, ContentKind
from protocol.errors import LocalProtocolError

FLASH_OCTETS: Final = 524_288

SETTINGS: Final = Region(offset=0, slot_octets=49_152, bank_octets=49_152)
UPDATE: Final = Region(
    offset=COPIES * SETTINGS.bank_octets, slot_octets=1024, bank_octets=1024
)
EVENTS_AT: Final = UPDATE.offset + COPIES * UPDATE.bank_octets
EVENT_OCTETS: Final = 32
EVENTS_MAX: Final = 1024

PART_OCTETS: Final = 512
PART_HEAD_OCTETS: Final = 24
PART_ROOM_OCTETS: Final = PART_HEAD_OCTETS + PART_OCTETS
_CONTENTS_AT: Final = EVENTS_AT + EVENTS_MAX * EVENT_OCTETS


@dataclass(frozen=True, slots=True)
class SlotGroup:
    """Equal slots for contents of one kind.

    Attributes:
        address: Where the first one begins.
        slots: How many there are.
        content_octets_max: The longest content that fits into one.
    """

    address: int
    slots: int
    content_octets_max: int

    @property
    def parts(self) -> int:
        """How many parts fit into a slot."""
        return -(-self.content_octets_max // PART_OCTETS)

    @property
    def slot_octets(self) -> int:
        """Distance from slot to slot."""
        return self.parts * PART_ROOM_OCTETS

    @property
    def end(self) -> int:
        """The address after the last slot."""
        return self.address + self.slots * self.slot_octets

    @property
    def addresses(self) -> tuple[int, ...]:
        """Where each slot begins."""
        return tuple(range(self.address, self.end, self.slot_octets))


_TARIFFS: Final = SlotGroup(_CONTENTS_AT, 4, 32_768)
_SLOGANS: Final = SlotGroup(_TARIFFS.end, 11, 2048)
_IMAGES: Final = SlotGroup(_SLOGANS.end, 2, CONTENT_OCTETS_MAX)
_CREDIT_KEYS: Final = SlotGroup(_IMAGES.end, 1, 8192)

SLOTS: Final = {
    ContentKind.TARIFF: _TARIFFS,
    ContentKind.SLOGAN: _SLOGANS,
    ContentKind.FIRMWARE: _IMAGES,
    ContentKind.CREDIT_KEY: _CREDIT_KEYS,
}

SPANS: Final = (
    *((at, at + SETTINGS.slot_octets) for at in SETTINGS.addresses),
    *((at, at + UPDATE.slot_octets) for at in UPDATE.addresses),
    (EVENTS_AT, _CONTENTS_AT),
    *((group.address, group.end) for group in SLOTS.values()),
)
"""Every part of the flash: its first address and the one after its last."""

if SPANS[-1][1] > FLASH_OCTETS or any(
    before[1] > after[0] for before, after in pairwise(SPANS)
):
    raise LocalProtocolError("the parts of the flash overlap, or do not fit it")
