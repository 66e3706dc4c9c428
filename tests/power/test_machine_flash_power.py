"""Power fails at writes of the flash and inside them: old or new, never a mix."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.firmware.update import (
    FirmwareUpdate,
    Image,
    UpdateState,
    running_version,
)
from fm_device.flash.contents import ContentSlots
from fm_device.flash.events import EventCode, EventLog
from fm_device.flash.layout import FLASH_OCTETS, PART_OCTETS
from fm_device.flash.settings import Settings, SettingsStore
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram, Nvram, PowerCut, PowerCutError, PowerCutNvram
from protocol.contents import ContentKind, content_id
from protocol.values import EpochSeconds, Paise

TARIFF = ContentKind.TARIFF
OLD, NEW = Settings(slogan=1), Settings(slogan=2, high_value_paise=Paise(5000))
NOW = EpochSeconds(1_780_000_000)


def _some_cuts(lengths: Iterable[int]) -> Iterator[PowerCut]:
    """List cuts around and inside each write: at its edges, its head, its middle."""
    for at_write, length in enumerate(lengths, start=1):
        torn = {0, 1, 8, 16, 20, 24, 25, length // 2, length - 9, length - 1}
        for torn_octets in sorted(one for one in torn if 0 <= one < length):
            yield PowerCut(at_write, torn_octets)
        yield PowerCut(at_write, None)


def _after_each_cut(
    before: Callable[[], MemoryNvram], act: Callable[[Nvram], None], garbage: bool
) -> Iterator[tuple[PowerCut, MemoryNvram]]:
    """Do the same with every cut, and give what each left behind."""
    counted = PowerCutNvram(before())
    act(counted)
    for cut in _some_cuts(counted.write_lengths):
        flash = before()
        noise = SeededEntropy(b"page %d" % cut.at_write) if garbage else None
        cutting = PowerCutNvram(flash, cut.at_write, cut.torn_octets, garbage=noise)
        with pytest.raises(PowerCutError):
            act(cutting)
        yield cut, flash


def _octets(octets: int, first: int = 1) -> bytes:
    return bytes((first + number) % 251 for number in range(octets))


def _slots(flash: Nvram, *kept: int) -> ContentSlots:
    return ContentSlots(flash, lambda: frozenset(kept), lambda _content: True)


def _fetch(flash: Nvram, octets: bytes, *kept: int) -> None:
    slots, name = _slots(flash, *kept), content_id(octets)
    while (at := slots.received(TARIFF, name)) < len(octets):
        part = octets[at : at + PART_OCTETS]
        slots.store_part(TARIFF, name, at, len(octets), part)


@pytest.mark.parametrize("garbage", [False, True])
def test_cut_settings_are_those_before_or_after_the_change(garbage: bool) -> None:
    def before() -> MemoryNvram:
        flash = MemoryNvram.erased(FLASH_OCTETS)
        SettingsStore(flash).store(OLD)
        return flash

    def change(flash: Nvram) -> None:
        SettingsStore(flash).store(NEW)

    for cut, flash in _after_each_cut(before, change, garbage):
        stored = cut.at_write > 1 or cut.torn_octets is None
        assert SettingsStore(flash).settings == (NEW if stored else OLD), cut


@pytest.mark.parametrize("garbage", [False, True])
def test_cut_first_settings_are_the_defaults(garbage: bool) -> None:
    def before() -> MemoryNvram:
        return MemoryNvram.erased(FLASH_OCTETS)

    def begin(flash: Nvram) -> None:
        SettingsStore(flash)

    for cut, flash in _after_each_cut(before, begin, garbage):
        assert SettingsStore(flash).settings == Settings(), cut


@pytest.mark.parametrize("garbage", [False, True])
def test_a_cut_event_is_there_or_not_and_spoils_no_newer_one(garbage: bool) -> None:
    def before() -> MemoryNvram:
        flash = MemoryNvram.erased(FLASH_OCTETS)
        log = EventLog(flash)
        for number in range(1030):
            log.append(EventCode.SERVICE, (number, 0), NOW)
        return flash

    image = before().image()

    def append(flash: Nvram) -> None:
        EventLog(flash).append(EventCode.TAMPER, (1, 0), NOW)

    old = EventLog(before()).entries()
    for cut, flash in _after_each_cut(lambda: MemoryNvram(image), append, garbage):
        log = EventLog(flash)
        if log.entries()[0].code == EventCode.TAMPER:
            assert log.entries()[1:] == old[:-1], cut
        else:
            # The oldest entry may have been struck, and no other.
            assert log.entries() in (old, old[:-1]), cut
        log.append(EventCode.SERVICE, (0, 0), NOW)
        assert EventLog(flash).entries() == log.entries(), cut


@pytest.mark.parametrize("garbage", [False, True])
def test_a_cut_fetch_loses_one_part_and_harms_nothing_that_is_kept(
    garbage: bool,
) -> None:
    """Every place of the kind is taken; the new content overwrites an older one."""
    kept = [_octets(900, n) for n in (1, 2, 3)]
    names = [content_id(octets) for octets in kept]
    new = _octets(3 * PART_OCTETS + 100, 9)

    def before() -> MemoryNvram:
        flash = MemoryNvram.erased(FLASH_OCTETS)
        for octets in (*kept, _octets(5000, 8)):
            _fetch(flash, octets)
        return flash

    image = before().image()

    def fetch(flash: Nvram) -> None:
        _fetch(flash, new, *names)

    for cut, flash in _after_each_cut(lambda: MemoryNvram(image), fetch, garbage):
        slots = _slots(flash, *names)
        on_hand = slots.received(TARIFF, content_id(new))
        whole_parts = cut.at_write - (cut.torn_octets is not None)
        # A torn part may be whole when the octets that did not arrive were the same.
        assert on_hand >= min(len(new), whole_parts * PART_OCTETS), cut
        assert on_hand <= min(len(new), cut.at_write * PART_OCTETS), cut
        _fetch(flash, new, *names)
        found = [slots.read(content_id(octets)) for octets in (*kept, new)]
        assert found == [*kept, new], cut


@pytest.mark.parametrize("garbage", [False, True])
def test_a_cut_update_is_before_or_after_each_of_its_steps(garbage: bool) -> None:
    """The whole of an update in one: staged, started, passed."""

    def before() -> MemoryNvram:
        flash = MemoryNvram.erased(FLASH_OCTETS)
        FirmwareUpdate(flash, (0, 1, 0))
        return flash

    def go(flash: Nvram) -> None:
        update = FirmwareUpdate(flash, (0, 1, 0))
        update.stage(Image((0, 2, 0), 77))
        update.boot(lambda _content_id: True)
        update.tested(passed=True)

    states = (
        UpdateState.IDLE,
        UpdateState.STAGED,
        UpdateState.TRIAL,
        UpdateState.CONFIRMED,
    )
    for cut, flash in _after_each_cut(before, go, garbage):
        steps, copies = divmod(cut.at_write - 1, 3)
        done = steps + (copies > 0 or cut.torn_octets is None)
        record = FirmwareUpdate(flash, (0, 1, 0)).record
        assert record.state is states[done], cut
        new = record.state in (UpdateState.TRIAL, UpdateState.CONFIRMED)
        assert running_version(record) == ((0, 2, 0) if new else (0, 1, 0)), cut


def test_an_image_that_takes_the_power_down_runs_three_times_at_most() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    FirmwareUpdate(flash, (0, 1, 0)).stage(Image((0, 2, 0), 77))
    versions = [
        FirmwareUpdate(flash, (0, 1, 0)).boot(lambda _content_id: True).version
        for _ in range(5)
    ]
    assert versions == [(0, 2, 0)] * 3 + [(0, 1, 0)] * 2


class _Fetch(NamedTuple):
    content: int
    parts: int
    cut_at_write: int | None
    torn_octets: int


_FETCHES = st.lists(
    st.builds(
        _Fetch,
        st.integers(0, 6),
        st.integers(1, 4),
        st.none() | st.integers(1, 3),
        st.integers(0, 540),
    ),
    max_size=25,
)


@given(_FETCHES)
def test_no_order_of_fetches_and_cuts_harms_a_content_in_force(
    fetches: list[_Fetch],
) -> None:
    """Three contents are in force at most: those that were whole last."""
    contents = [_octets(400 + 300 * n, n) for n in range(7)]
    flash = MemoryNvram.erased(FLASH_OCTETS)
    in_force: list[int] = []
    for fetch in fetches:
        octets = contents[fetch.content]
        name = content_id(octets)
        slots = _slots(flash, *in_force)
        before = slots.received(TARIFF, name)
        cutting = PowerCutNvram(flash, fetch.cut_at_write, fetch.torn_octets)
        with suppress(PowerCutError):
            _fetch_parts(_slots(cutting, *in_force), octets, fetch.parts)
        assert before <= slots.received(TARIFF, name) <= len(octets)
        if slots.read(name) is not None and name not in in_force:
            in_force = [*in_force[-2:], name]
        for kept in in_force:
            assert content_id(slots.read(kept) or b"") == kept


def _fetch_parts(slots: ContentSlots, octets: bytes, parts: int) -> None:
    name = content_id(octets)
    for _ in range(parts):
        at = slots.received(TARIFF, name)
        if at == len(octets):
            return
        part = octets[at : at + PART_OCTETS]
        slots.store_part(TARIFF, name, at, len(octets), part)
