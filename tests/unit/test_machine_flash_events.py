"""The event log: a ring that damage makes shorter and never wrong."""

import pytest

from fm_device.flash.events import Event, EventCode, EventLog, capped
from fm_device.flash.layout import EVENTS_AT, EVENTS_MAX, FLASH_OCTETS
from hw.nvram import MemoryNvram
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

NOW = EpochSeconds(1_780_000_000)


def _log(events: int) -> tuple[MemoryNvram, EventLog]:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    log = EventLog(flash)
    for number in range(1, events + 1):
        log.append(EventCode.SERVICE, (number, 0), NOW)
    return flash, log


def test_entries_are_found_again_newest_first() -> None:
    flash, log = _log(3)
    assert log.entries() == EventLog(flash).entries()
    assert [event.number for event in log.entries()] == [3, 2, 1]
    assert log.entries(1) == (Event(3, NOW, EventCode.SERVICE, (3, 0)),)


def test_a_new_log_is_empty() -> None:
    _, log = _log(0)
    assert (log.entries(), log.last_number) == ((), 0)


def test_a_full_log_loses_its_oldest_entry_for_each_new_one() -> None:
    flash, log = _log(EVENTS_MAX + 5)
    assert log.entries() == EventLog(flash).entries()
    numbers = [event.number for event in log.entries()]
    assert numbers == list(range(EVENTS_MAX + 5, 5, -1))


def test_a_damaged_entry_is_skipped() -> None:
    flash, _ = _log(5)
    flash.write(EVENTS_AT + 3 * 32 + 9, b"\x00")
    log = EventLog(flash)
    assert [event.number for event in log.entries()] == [5, 4, 2, 1]
    assert log.append(EventCode.SERVICE, (0, 0), NOW).number == 6


def test_an_entry_in_another_entrys_place_is_none() -> None:
    flash, _ = _log(2)
    flash.write(EVENTS_AT + 7 * 32, flash.read(EVENTS_AT + 32, 32))
    assert [event.number for event in EventLog(flash).entries()] == [2, 1]


def test_the_octets_of_an_entry_are_as_written_here() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    EventLog(flash).append(EventCode.MEMORY_REPAIRED, (1, 3), NOW)
    assert flash.read(EVENTS_AT + 32, 24).hex() == (
        "45560005000000016a18a500000000010000000300000000"
    )


def test_an_entry_tells_what_happened_in_words() -> None:
    event = Event(1, NOW, EventCode.MEMORY_REPAIRED, (1, 3))
    assert event.words == "memory repaired: copies 1, copies in its life 3"
    assert event.show_code == "LOG-00-005"
    assert Event(2, NOW, EventCode.POWER_ON, (0, 0)).words == "switched on"
    assert Event(3, NOW, EventCode.PIN_BLOCKED, (2, 0)).words.endswith(": role 2")


def test_an_entry_of_another_firmware_is_shown_all_the_same() -> None:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    EventLog(flash).append(999, (7, 8), NOW)
    (event,) = EventLog(flash).entries()
    assert event.words == "written by another firmware: 7, 8"


def test_every_code_has_words_and_at_most_two_details() -> None:
    assert len({code.words for code in EventCode}) == len(EventCode)
    assert all(len(code.details) <= 2 for code in EventCode)


def test_a_number_that_does_not_fit_is_refused_or_capped() -> None:
    flash, log = _log(1)
    image = flash.image()
    with pytest.raises(LocalProtocolError, match="does not fit"):
        log.append(EventCode.SERVICE, (2**32, 0), NOW)
    assert flash.image() == image
    assert (capped(2**40), capped(-1), capped(9)) == (2**32 - 1, 0, 9)
