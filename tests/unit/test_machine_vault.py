"""The vault: three copies, one content, and what damage does to it."""

import pytest

from fm_device.psd.vault import DAMAGE_MAX, Region, Vault
from hw.nvram import MemoryNvram
from protocol.errors import LocalProtocolError, StoreError

REGION = Region(offset=16, slot_octets=64, bank_octets=100)


def _memory() -> MemoryNvram:
    return MemoryNvram.erased(300)


def _damage(nvram: MemoryNvram, copy: int) -> None:
    at = REGION.addresses[copy] + 14
    nvram.write(at, bytes((nvram.read(at, 1)[0] ^ 0x40,)))


def test_what_was_committed_last_is_found_at_power_on() -> None:
    nvram = _memory()
    vault = Vault.create(nvram, REGION, b"first")
    vault.commit(b"second, and longer")
    vault.commit(b"third")
    found = Vault(nvram, REGION)
    assert found.content == b"third"
    assert (found.sequence, found.damage) == (3, 0)


def test_a_power_on_without_damage_writes_nothing() -> None:
    nvram = _memory()
    Vault.create(nvram, REGION, b"content")
    image = nvram.image()
    Vault(nvram, REGION)
    assert nvram.image() == image


@pytest.mark.parametrize("damaged", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)])
def test_any_copy_alone_restores_the_others(damaged: tuple[int, ...]) -> None:
    nvram = _memory()
    Vault.create(nvram, REGION, b"content")
    for copy in damaged:
        _damage(nvram, copy)
    found = Vault(nvram, REGION)
    assert (found.content, found.damage) == (b"content", len(damaged))
    assert Vault(nvram, REGION).damage == len(damaged)


def test_a_memory_without_a_whole_copy_is_out_of_order() -> None:
    nvram = _memory()
    Vault.create(nvram, REGION, b"content")
    for copy in range(3):
        _damage(nvram, copy)
    with pytest.raises(StoreError, match="out of order"):
        Vault(nvram, REGION)


def test_a_memory_that_was_never_written_says_so() -> None:
    with pytest.raises(StoreError, match="never written"):
        Vault(_memory(), REGION)


def test_content_is_never_created_over_content() -> None:
    nvram = _memory()
    Vault.create(nvram, REGION, b"content")
    with pytest.raises(StoreError, match="already"):
        Vault.create(nvram, REGION, b"other")


def test_more_damage_than_a_sound_memory_shows_is_worn_out_for_good() -> None:
    nvram = _memory()
    Vault.create(nvram, REGION, b"content")
    for _ in range(DAMAGE_MAX):
        _damage(nvram, 1)
        assert not Vault(nvram, REGION).worn_out
    _damage(nvram, 1)
    assert Vault(nvram, REGION).worn_out
    assert Vault(nvram, REGION).worn_out


def test_content_that_does_not_fit_changes_nothing() -> None:
    nvram = _memory()
    vault = Vault.create(nvram, REGION, b"content")
    image = nvram.image()
    with pytest.raises(LocalProtocolError, match="do not fit"):
        vault.commit(bytes(REGION.content_octets_max + 1))
    assert nvram.image() == image
    assert vault.content == b"content"


def test_no_write_touches_another_copy() -> None:
    nvram = _memory()
    vault = Vault.create(nvram, REGION, bytes(REGION.content_octets_max))
    before = nvram.image()
    vault.commit(b"\xaa" * REGION.content_octets_max)
    slots = {
        address
        for start in REGION.addresses
        for address in range(start, start + REGION.slot_octets)
    }
    changed = {
        address
        for address, (old, new) in enumerate(zip(before, nvram.image(), strict=True))
        if old != new
    }
    assert changed <= slots
