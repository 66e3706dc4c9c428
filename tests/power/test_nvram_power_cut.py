"""A power cut strikes before, inside or after any write; then the memory is dead."""

from pathlib import Path

import pytest

from hw.entropy import SeededEntropy
from hw.nvram import (
    FileNvram,
    MemoryNvram,
    Nvram,
    PowerCut,
    PowerCutError,
    PowerCutNvram,
    every_power_cut,
)
from protocol.errors import LocalProtocolError, StoreError

OLD = b"\x11" * 8


def _three_writes(nvram: Nvram) -> None:
    nvram.write(0, b"ab")
    nvram.write(2, b"cde")
    nvram.write(1, b"F")


def test_without_a_cut_writes_are_counted_and_measured() -> None:
    nvram = PowerCutNvram(MemoryNvram(OLD))
    _three_writes(nvram)
    assert nvram.writes == 3
    assert nvram.write_lengths == (2, 3, 1)


@pytest.mark.parametrize(
    ("torn_octets", "expected"),
    [
        (0, b"ab\x11\x11\x11\x11\x11\x11"),
        (1, b"abc\x11\x11\x11\x11\x11"),
        (2, b"abcd\x11\x11\x11\x11"),
        (None, b"abcde\x11\x11\x11"),
    ],
    ids=["before", "after one octet", "after two octets", "after"],
)
def test_a_cut_leaves_the_first_octets_new_and_the_rest_old(
    torn_octets: int | None, expected: bytes
) -> None:
    survivor = MemoryNvram(OLD)
    with pytest.raises(PowerCutError, match=r"failed at write 2 \(3 octets\)"):
        _three_writes(PowerCutNvram(survivor, 2, torn_octets))
    assert survivor.image() == expected


def test_a_cut_can_leave_garbage_where_the_new_octets_did_not_arrive() -> None:
    survivor = MemoryNvram(OLD)
    nvram = PowerCutNvram(survivor, 2, 1, garbage=SeededEntropy(b"page"))
    with pytest.raises(PowerCutError):
        _three_writes(nvram)
    garbage = SeededEntropy(b"page").octets(2)
    assert survivor.image() == b"abc" + garbage + b"\x11\x11\x11"


def test_a_dead_memory_refuses_every_call() -> None:
    nvram = PowerCutNvram(MemoryNvram(OLD), 1)
    with pytest.raises(PowerCutError):
        nvram.write(0, b"a")
    with pytest.raises(PowerCutError, match="has been off since write 1"):
        nvram.write(0, b"a")
    with pytest.raises(PowerCutError, match="has been off since write 1"):
        nvram.read(0, 1)


def test_a_power_cut_is_not_mistaken_for_a_bad_memory() -> None:
    assert not issubclass(PowerCutError, StoreError)


def test_there_is_no_write_number_zero() -> None:
    with pytest.raises(LocalProtocolError, match="no write 0"):
        PowerCutNvram(MemoryNvram(OLD), 0)


def test_every_cut_of_a_series_is_listed_once() -> None:
    assert list(every_power_cut([2, 1])) == [
        PowerCut(1, 0),
        PowerCut(1, 1),
        PowerCut(1, None),
        PowerCut(2, 0),
        PowerCut(2, None),
    ]


def test_every_cut_of_a_file_leaves_what_a_memory_would_hold(tmp_path: Path) -> None:
    uncut = PowerCutNvram(MemoryNvram(OLD))
    _three_writes(uncut)
    for number, cut in enumerate(every_power_cut(uncut.write_lengths)):
        memory = MemoryNvram(b"\xff" * 8)
        path = tmp_path / f"nvram-{number}"
        file = FileNvram.create(path, 8)
        for survivor in (memory, file):
            with pytest.raises(PowerCutError):
                _three_writes(PowerCutNvram(survivor, cut.at_write, cut.torn_octets))
        file.close()
        assert path.read_bytes() == memory.image(), cut
