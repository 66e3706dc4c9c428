"""The power of a simulated machine: what is stored when it fails at a write."""

import pytest

from hw.nvram import MemoryNvram, PowerCutError
from rmfs_tools.simulation.dice import Dice
from rmfs_tools.simulation.supply import WHOLE, Strike, Supply

OLD = bytes(range(64))
NEW = bytes(range(128, 192))
PAGE = 16


def struck(part: int, torn: str, seed: int = 1) -> bytes:
    """Say what 64 octets hold after a write that was struck."""
    memory, supply = MemoryNvram(OLD), Supply()
    fed = supply.feed(memory)
    supply.arm(Strike(1, part, torn, Dice(seed)))
    with pytest.raises(PowerCutError):
        fed.write(0, NEW)
    return memory.image()


@pytest.mark.parametrize("torn", ["head", "tail", "scattered"])
def test_nothing_and_everything_are_what_they_say(torn: str) -> None:
    assert struck(0, torn) == OLD
    assert struck(WHOLE, torn) == NEW


def test_of_a_head_the_first_octets_are_stored() -> None:
    assert struck(250, "head") == NEW[:16] + OLD[16:]
    assert struck(999, "head") == NEW[:63] + OLD[63:]


def test_of_a_tail_the_last_octets_are_stored() -> None:
    assert struck(250, "tail") == OLD[:48] + NEW[48:]
    assert struck(1, "tail") == OLD


def test_scattered_pages_are_whole_pages_in_any_places() -> None:
    seen = {struck(500, "scattered", seed) for seed in range(40)}
    for image in seen:
        for at in range(0, len(OLD), PAGE):
            assert image[at : at + PAGE] in {OLD[at : at + PAGE], NEW[at : at + PAGE]}
    assert any(image[:PAGE] == OLD[:PAGE] and image[-1] == NEW[-1] for image in seen)
    assert any(image[:PAGE] == NEW[:PAGE] and image[-1] == OLD[-1] for image in seen)


def test_garbage_follows_what_was_stored() -> None:
    images = [struck(500, "garbage", seed) for seed in range(4)]
    assert all(image[:32] == NEW[:32] for image in images)
    assert len({image[32:] for image in images}) == len(images)
    assert not {image[32:] for image in images} & {OLD[32:], NEW[32:]}
    assert struck(0, "garbage")[:4] not in {OLD[:4], NEW[:4]}


def test_the_dice_of_a_strike_decide_it() -> None:
    for torn in ("scattered", "garbage"):
        assert struck(500, torn, 3) == struck(500, torn, 3)


def test_writes_of_both_memories_are_counted_together() -> None:
    supply = Supply()
    psd, flash = MemoryNvram(OLD), MemoryNvram(OLD)
    fed_psd, fed_flash = supply.feed(psd), supply.feed(flash)
    supply.arm(Strike(3, 0, "head", Dice(1)))
    fed_psd.write(0, b"1")
    fed_flash.write(0, b"2")
    with pytest.raises(PowerCutError):
        fed_psd.write(1, b"3")
    assert psd.image() == b"1" + OLD[1:]
    assert flash.image() == b"2" + OLD[1:]


def test_a_struck_write_stands_where_it_was_written() -> None:
    memory, supply = MemoryNvram(OLD), Supply()
    supply.arm(Strike(1, 500, "tail", Dice(1)))
    with pytest.raises(PowerCutError):
        supply.feed(memory).write(8, b"abcd")
    assert memory.image() == OLD[:10] + b"cd" + OLD[12:]


def test_without_power_nothing_is_read_or_written() -> None:
    memory, supply = MemoryNvram(OLD), Supply()
    fed = supply.feed(memory)
    supply.fail()
    with pytest.raises(PowerCutError):
        fed.read(0, 1)
    with pytest.raises(PowerCutError):
        fed.write(0, NEW)
    assert memory.image() == OLD
    assert supply.is_dead


def test_a_strike_that_is_taken_back_strikes_nothing() -> None:
    memory, supply = MemoryNvram(OLD), Supply()
    supply.arm(Strike(1, 0, "head", Dice(1)))
    supply.arm(None)
    for _ in range(3):
        supply.feed(memory).write(0, NEW)
    assert memory.image() == NEW
    assert not supply.is_dead
