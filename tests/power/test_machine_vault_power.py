"""Power fails at every octet of every write of a vault: old or new, never a mix."""

import pytest

from fm_device.psd.vault import Region, Vault
from hw.entropy import SeededEntropy
from hw.nvram import (
    MemoryNvram,
    PowerCut,
    PowerCutError,
    PowerCutNvram,
    every_power_cut,
)
from protocol.errors import StoreError

REGION = Region(offset=8, slot_octets=48, bank_octets=64)
OLD, NEW = b"old content", b"the new content"


def _old() -> MemoryNvram:
    nvram = MemoryNvram.erased(192)
    Vault.create(nvram, REGION, OLD)
    return nvram


def _cuts() -> list[PowerCut]:
    counted = PowerCutNvram(_old())
    Vault(counted, REGION).commit(NEW)
    assert counted.writes == 3
    return list(every_power_cut(counted.write_lengths))


@pytest.mark.parametrize("garbage", [False, True])
def test_a_cut_commit_leaves_old_or_new(garbage: bool) -> None:
    for cut in _cuts():
        nvram = _old()
        cutting = PowerCutNvram(
            nvram,
            cut.at_write,
            cut.torn_octets,
            garbage=SeededEntropy(b"page") if garbage else None,
        )
        vault = Vault(cutting, REGION)
        with pytest.raises(PowerCutError):
            vault.commit(NEW)
        with pytest.raises(StoreError, match="switch the machine off"):
            _ = vault.content
        stored = cut.at_write > 1 or cut.torn_octets is None
        assert Vault(nvram, REGION).content == (NEW if stored else OLD), cut


def test_a_cut_repair_leaves_what_the_first_power_on_would_have_found() -> None:
    """Cut a commit anywhere, then cut the repair at the next power-on anywhere."""
    for cut in _cuts():
        nvram = _old()
        with pytest.raises(PowerCutError):
            Vault(PowerCutNvram(nvram, cut.at_write, cut.torn_octets), REGION).commit(
                NEW
            )
        image = nvram.image()
        counted = PowerCutNvram(MemoryNvram(image))
        expected = Vault(counted, REGION).content
        for repair in every_power_cut(counted.write_lengths):
            again = MemoryNvram(image)
            with pytest.raises(PowerCutError):
                Vault(PowerCutNvram(again, repair.at_write, repair.torn_octets), REGION)
            assert Vault(again, REGION).content == expected, (cut, repair)


def test_one_damaged_copy_beside_a_cut_does_not_lose_a_finished_commit() -> None:
    for copy in range(3):
        nvram = _old()
        Vault(nvram, REGION).commit(NEW)
        nvram.write(REGION.addresses[copy] + 3, b"\x00\xff")
        assert Vault(nvram, REGION).content == NEW


def test_a_cut_creation_leaves_nothing_or_all_of_it() -> None:
    counted = PowerCutNvram(MemoryNvram.erased(192))
    Vault.create(counted, REGION, OLD)
    for cut in every_power_cut(counted.write_lengths):
        nvram = MemoryNvram.erased(192)
        with pytest.raises(PowerCutError):
            Vault.create(
                PowerCutNvram(nvram, cut.at_write, cut.torn_octets), REGION, OLD
            )
        try:
            found = Vault(nvram, REGION)
        except StoreError:
            assert Vault.create(nvram, REGION, OLD).content == OLD
        else:
            assert found.content == OLD
