"""Contents come in parts, are resumed, and never take the place of what counts."""

from itertools import pairwise

import pytest

from fm_device.flash.contents import ContentSlots
from fm_device.flash.layout import (
    FLASH_OCTETS,
    PART_HEAD_OCTETS,
    PART_OCTETS,
    SLOTS,
    SPANS,
)
from fm_device.psd.contents import ContentStore
from hw.nvram import MemoryNvram, Nvram, PowerCutError, PowerCutNvram
from protocol.contents import ContentKind, content_id
from protocol.errors import LocalProtocolError, StoreError

TARIFF = ContentKind.TARIFF


def _octets(octets: int, first: int = 1) -> bytes:
    return bytes((first + number) % 251 for number in range(octets))


def _slots(flash: Nvram, *kept: int) -> ContentSlots:
    return ContentSlots(flash, lambda: frozenset(kept), lambda _content: True)


def _fetch(
    slots: ContentSlots, octets: bytes, kind: ContentKind = TARIFF, parts: int = 999
) -> int:
    """Store the parts that are missing, at most so many; give the id."""
    name = content_id(octets)
    for _ in range(parts):
        at = slots.received(kind, name)
        if at == len(octets):
            break
        part = octets[at : at + PART_OCTETS]
        slots.store_part(kind, name, at, len(octets), part)
    return name


def test_the_parts_of_the_flash_do_not_overlap_and_fit() -> None:
    assert SPANS[0][0] == 0
    assert all(before[1] == after[0] for before, after in pairwise(SPANS))
    assert SPANS[-1][1] <= FLASH_OCTETS


def test_the_slots_are_what_the_psd_asks_for() -> None:
    store: ContentStore = _slots(MemoryNvram.erased(FLASH_OCTETS))
    assert store.received is not None


@pytest.mark.parametrize("octets", [1, 511, 512, 513, 1024, 5000])
def test_a_content_is_read_as_it_came(octets: int) -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    content = _octets(octets)
    name = _fetch(_slots(flash), content)
    assert _slots(flash).read(name) == content
    assert _slots(flash).received(TARIFF, name) == octets


@pytest.mark.parametrize("kind", ContentKind)
def test_every_slot_holds_the_longest_content_of_its_kind(kind: ContentKind) -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    group = SLOTS[kind]
    contents = [_octets(group.content_octets_max, n) for n in range(group.slots)]
    names: list[int] = []
    for content in contents:
        names.append(_fetch(_slots(flash, *names), content, kind))
    assert [_slots(flash).read(name) for name in names] == contents


def test_a_fetch_goes_on_where_it_stopped() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    content = _octets(3 * PART_OCTETS + 7)
    name = _fetch(_slots(flash), content, parts=2)
    again = _slots(flash)
    assert again.received(TARIFF, name) == 2 * PART_OCTETS
    assert again.read(name) is None
    _fetch(again, content)
    assert again.read(name) == content


def test_what_is_not_on_hand_is_none() -> None:
    slots = _slots(MemoryNvram.erased(FLASH_OCTETS))
    assert slots.received(TARIFF, 5) == 0
    assert slots.read(5) is None


def test_a_part_that_is_stored_is_not_written_again() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    slots = _slots(flash)
    content = _octets(900)
    name = _fetch(slots, content)
    image = flash.image()
    slots.store_part(TARIFF, name, 0, 900, content[:512])
    slots.store_part(TARIFF, name, 512, 900, content[512:])
    assert flash.image() == image


def test_a_damaged_part_is_asked_for_again_with_all_after_it() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    content = _octets(2000)
    name = _fetch(_slots(flash), content)
    at = SLOTS[TARIFF].address + 536 + PART_HEAD_OCTETS + 100
    flash.write(at, bytes([flash.read(at, 1)[0] ^ 1]))
    slots = _slots(flash)
    assert slots.received(TARIFF, name) == 512
    assert slots.read(name) is None
    _fetch(slots, content)
    assert slots.read(name) == content


def test_what_must_be_kept_is_never_overwritten() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    kept = [_fetch(_slots(flash), _octets(600, n)) for n in range(4)]
    assert [_slots(flash).received(TARIFF, name) for name in kept] == [600] * 4
    slots = _slots(flash, *kept)
    image = flash.image()
    with pytest.raises(StoreError, match="all 4 places for TARIFF are needed"):
        _fetch(slots, _octets(600, 9))
    assert flash.image() == image
    # One of them is no longer in force: its place, and no other, is taken.
    new = _fetch(_slots(flash, *kept[:2], *kept[3:]), _octets(700, 9))
    found = [_slots(flash).read(name) is not None for name in (*kept, new)]
    assert found == [True, True, False, True, True]


def test_a_place_that_nobody_owns_is_taken_first() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    half = _fetch(_slots(flash), _octets(2000), parts=2)
    _fetch(_slots(flash), _octets(600, 7))
    assert _slots(flash).received(TARIFF, half) == 1024


def test_remains_of_an_older_content_are_no_part_of_a_new_one() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    group = SLOTS[ContentKind.CREDIT_KEY]
    old, new = _octets(group.content_octets_max), _octets(1500, 5)
    old_name = _fetch(_slots(flash), old, ContentKind.CREDIT_KEY)
    name = _fetch(_slots(flash), new, ContentKind.CREDIT_KEY, parts=1)
    assert _slots(flash).received(ContentKind.CREDIT_KEY, name) == 512
    assert _slots(flash).received(ContentKind.CREDIT_KEY, old_name) == 0
    _fetch(_slots(flash), new, ContentKind.CREDIT_KEY)
    assert _slots(flash).read(name) == new
    # And the remains of the new one do not count when the old one comes again.
    _fetch(_slots(flash), old, ContentKind.CREDIT_KEY, parts=1)
    assert _slots(flash).received(ContentKind.CREDIT_KEY, old_name) == 512


def test_a_content_without_the_name_it_was_ordered_by_is_forgotten() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    slots = _slots(flash)
    content = _octets(700)
    slots.store_part(TARIFF, 77, 0, 700, content[:512])
    with pytest.raises(StoreError, match="does not have the name"):
        slots.store_part(TARIFF, 77, 512, 700, content[512:])
    assert slots.received(TARIFF, 77) == 0
    assert slots.read(77) is None


def test_a_wrong_content_that_a_power_cut_has_kept_is_fetched_anew() -> None:
    """The power fails between the last part and its being forgotten."""
    content = _octets(700)
    name = content_id(content)
    wrong = content[:-1] + b"x"
    flash = MemoryNvram.erased(FLASH_OCTETS)
    slots = _slots(PowerCutNvram(flash, 3))
    slots.store_part(TARIFF, name, 0, 700, wrong[:512])
    with pytest.raises(PowerCutError):
        slots.store_part(TARIFF, name, 512, 700, wrong[512:])
    assert _slots(flash).received(TARIFF, name) == 0
    _fetch(_slots(flash), content)
    assert _slots(flash).read(name) == content


def test_parts_that_contradict_each_other_are_forgotten() -> None:
    for offset, total, data in ((512, 900, bytes(388)), (0, 800, bytes(512))):
        flash = MemoryNvram.erased(FLASH_OCTETS)
        slots = _slots(flash)
        slots.store_part(TARIFF, 77, 0, 800, _octets(512))
        with pytest.raises(StoreError, match="contradict"):
            slots.store_part(TARIFF, 77, offset, total, data)
        assert slots.received(TARIFF, 77) == 0


def test_a_content_that_is_too_long_for_its_place_is_refused() -> None:
    slots = _slots(MemoryNvram.erased(FLASH_OCTETS))
    with pytest.raises(StoreError, match="SLOGAN of 2049 octets does not fit: 2048"):
        slots.store_part(ContentKind.SLOGAN, 1, 0, 2049, bytes(512))


@pytest.mark.parametrize(
    ("offset", "total", "data"),
    [
        (512, 1024, bytes(512)),
        (1, 1024, bytes(512)),
        (-512, 1024, bytes(512)),
        (0, 1024, bytes(511)),
        (0, 100, bytes(512)),
        (0, 0, b""),
        (512, 512, b""),
    ],
)
def test_what_is_no_next_part_is_our_own_fault(
    offset: int, total: int, data: bytes
) -> None:
    slots = _slots(MemoryNvram.erased(FLASH_OCTETS))
    with pytest.raises(LocalProtocolError):
        slots.store_part(TARIFF, 1, offset, total, data)


def test_an_unknown_kind_is_our_own_fault() -> None:
    slots = _slots(MemoryNvram.erased(FLASH_OCTETS))
    with pytest.raises(LocalProtocolError, match="no kind of content"):
        slots.received(5, 1)
