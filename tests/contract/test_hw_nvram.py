"""Every memory reads back what it was given and refuses what lies outside it."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.nvram import FileNvram, MemoryNvram, Nvram, PowerCutError, PowerCutNvram
from protocol.errors import LocalProtocolError, StoreError

SIZE_OCTETS = 64


@pytest.fixture(params=["memory", "file", "power cut"])
def nvram(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nvram]:
    if request.param == "memory":
        yield MemoryNvram.erased(SIZE_OCTETS)
    elif request.param == "power cut":
        yield PowerCutNvram(MemoryNvram.erased(SIZE_OCTETS))
    else:
        file = FileNvram.create(tmp_path / "nvram", SIZE_OCTETS)
        yield file
        file.close()


def test_a_new_memory_is_erased(nvram: Nvram) -> None:
    assert nvram.size_octets == SIZE_OCTETS
    assert nvram.read(0, SIZE_OCTETS) == b"\xff" * SIZE_OCTETS


def test_a_memory_reads_back_what_was_written_and_nothing_else_changes(
    nvram: Nvram,
) -> None:
    nvram.write(10, b"paise")
    assert nvram.read(9, 7) == b"\xffpaise\xff"


def test_the_first_and_the_last_octet_can_be_written(nvram: Nvram) -> None:
    nvram.write(0, b"\x01")
    nvram.write(SIZE_OCTETS - 1, b"\x02")
    assert nvram.read(0, 1) + nvram.read(SIZE_OCTETS - 1, 1) == b"\x01\x02"


@pytest.mark.parametrize(
    ("address", "length"), [(-1, 1), (0, 0), (0, 65), (64, 1), (63, 2), (0, -1)]
)
def test_a_span_outside_the_memory_is_a_bug(
    nvram: Nvram, address: int, length: int
) -> None:
    with pytest.raises(LocalProtocolError, match="no span of a memory of 64 octets"):
        nvram.read(address, length)
    with pytest.raises(LocalProtocolError, match="no span of a memory of 64 octets"):
        nvram.write(address, bytes(max(length, 0)))
    assert nvram.read(0, SIZE_OCTETS) == b"\xff" * SIZE_OCTETS


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=3000)),
        max_size=8,
    )
)
def test_a_memory_that_holds_few_pages_reads_like_one_that_holds_all(
    writes: list[tuple[int, bytes]],
) -> None:
    nvram, model = MemoryNvram.erased(8000), bytearray(b"\xff" * 8000)
    for address, octets in writes:
        nvram.write(address, octets)
        model[address : address + len(octets)] = octets
    assert nvram.image() == model
    assert nvram.read(1000, 3000) == model[1000:4000]
    assert MemoryNvram(nvram.image()).image() == model


def test_a_memory_takes_up_only_what_holds_something() -> None:
    nvram = MemoryNvram.erased(262_144)
    assert nvram.size_octets == 262_144
    assert nvram.held_octets == 0
    assert nvram.read(0, 262_144) == b"\xff" * 262_144
    assert nvram.held_octets == 0
    nvram.write(1023, b"ab")
    assert nvram.held_octets == 2048


def test_a_restored_memory_takes_up_no_more_than_the_one_that_was_copied() -> None:
    nvram = MemoryNvram.erased(262_144)
    nvram.write(5000, b"registers")
    again = MemoryNvram(nvram.image())
    assert again.size_octets == 262_144
    assert again.held_octets == nvram.held_octets == 1024
    assert again.read(5000, 9) == b"registers"


def test_a_restored_memory_and_the_one_that_was_copied_go_separate_ways() -> None:
    nvram = MemoryNvram(b"old")
    again = MemoryNvram(nvram.image())
    again.write(0, b"new")
    assert nvram.image() == b"old"


def test_a_power_cut_strikes_across_the_pages_of_a_memory() -> None:
    survivor = MemoryNvram.erased(4096)
    with pytest.raises(PowerCutError):
        PowerCutNvram(survivor, 1, 3).write(1022, b"abcdef")
    assert survivor.read(1020, 8) == b"\xff\xffabc\xff\xff\xff"


def test_a_file_of_the_size_of_a_flash_is_made_erased(tmp_path: Path) -> None:
    nvram = FileNvram.create(tmp_path / "flash", 262_144)
    assert nvram.read(0, 262_144) == b"\xff" * 262_144
    nvram.close()


def test_a_file_keeps_its_octets_when_it_is_opened_again(tmp_path: Path) -> None:
    first = FileNvram.create(tmp_path / "nvram", SIZE_OCTETS)
    first.write(3, b"kept")
    first.close()
    second = FileNvram(tmp_path / "nvram", SIZE_OCTETS)
    assert second.read(3, 4) == b"kept"
    second.close()


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nvram").write_bytes(bytes(63))
    with pytest.raises(StoreError, match="holds 63 octets where 64 are needed"):
        FileNvram(tmp_path / "nvram", SIZE_OCTETS)


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened: No such file"):
        FileNvram(tmp_path / "nvram", SIZE_OCTETS)
    assert list(tmp_path.iterdir()) == []


def test_a_memory_is_never_made_over_another(tmp_path: Path) -> None:
    FileNvram.create(tmp_path / "nvram", SIZE_OCTETS).close()
    with pytest.raises(StoreError, match="exists already"):
        FileNvram.create(tmp_path / "nvram", SIZE_OCTETS)


def test_what_a_cut_creation_left_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "nvram.new").write_bytes(b"half")
    FileNvram.create(tmp_path / "nvram", SIZE_OCTETS).close()
    assert [path.name for path in tmp_path.iterdir()] == ["nvram"]


def test_a_memory_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    left = tmp_path / "nvram.new"
    left.write_bytes(b"cut short")
    left.chmod(0o644)
    before = os.umask(0o022)
    try:
        FileNvram.create(tmp_path / "nvram", SIZE_OCTETS).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "nvram").stat().st_mode) == 0o600


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made: No such file"):
        FileNvram.create(tmp_path / "nowhere" / "nvram", SIZE_OCTETS)


@pytest.mark.parametrize(
    "call",
    [lambda nvram: nvram.read(0, 1), lambda nvram: nvram.write(0, b"\x00")],
    ids=["read", "write"],
)
def test_a_closed_file_refuses_every_call(
    tmp_path: Path, call: Callable[[FileNvram], object]
) -> None:
    nvram = FileNvram.create(tmp_path / "nvram", SIZE_OCTETS)
    nvram.close()
    nvram.close()
    with pytest.raises(StoreError, match="is closed"):
        call(nvram)


def test_a_file_that_failed_once_refuses_every_later_call(tmp_path: Path) -> None:
    nvram = FileNvram.create(tmp_path / "nvram", SIZE_OCTETS)
    (tmp_path / "nvram").write_bytes(bytes(10))
    with pytest.raises(StoreError, match="the file has become shorter"):
        nvram.read(0, SIZE_OCTETS)
    with pytest.raises(StoreError, match="has failed: open it again"):
        nvram.read(0, 1)
    with pytest.raises(StoreError, match="has failed: open it again"):
        nvram.write(0, b"\x00")
    nvram.close()
