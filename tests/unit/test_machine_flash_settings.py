"""Settings: kept whole, read strictly, and never a reason to lose the machine."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fm_device.flash.layout import FLASH_OCTETS, SETTINGS
from fm_device.flash.settings import (
    LOW_FUNDS_PAISE,
    AutoDial,
    Beginning,
    Department,
    Mailed,
    MailedRow,
    Medium,
    Settings,
    SettingsError,
    SettingsStore,
    decode_settings,
    reset_settings,
)
from fm_device.psd.records import CLASSES_MAX, DEPARTMENTS_MAX, USAGE_ROWS_MAX
from fm_device.psd.vault import Vault
from hw.nvram import MemoryNvram
from protocol.errors import StoreError
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, EpochSeconds, Paise

CHANGED = Settings(
    high_value_paise=Paise(50_000),
    low_funds_paise=Paise(0),
    date_advance_max_days=7,
    auto_advance_minute=990,
    slogan=3,
    departments=(
        Department(1, "Accounts", Paise(100_000)),
        Department(7, "Sales", pin_needed=True),
    ),
    accounts_on=True,
    pins_on=True,
    auto_dial=AutoDial(1320, "tcp:127.0.0.1:7001"),
    office_name="Bengaluru GPO",
    medium=Medium.TAPE,
    som_number=12,
    mailed=Mailed(
        EpochSeconds(1_780_000_000),
        Paise(5000),
        Paise(195_000),
        (MailedRow(0, 3, 8, Paise(4000)), MailedRow(7, 3, 2, Paise(1000))),
    ),
    mailed_before=Mailed(
        EpochSeconds(1_779_900_000),
        Paise(500),
        Paise(199_500),
        (MailedRow(7, 3, 1, Paise(500)),),
    ),
    mailed_by_customer=True,
    batch_items=10,
    batch_ascending_paise=Paise(5000),
    battery_changed=EpochSeconds(1_600_000_000),
    battery_warned=EpochSeconds(1_780_000_000),
    battery_warned_items=11,
)


def _flash() -> MemoryNvram:
    return MemoryNvram.erased(FLASH_OCTETS)


def _written(flash: MemoryNvram, octets: bytes) -> MemoryNvram:
    SettingsStore(flash)
    Vault(flash, SETTINGS).commit(octets)
    return flash


def _with(**changed: Any) -> bytes:
    return json.dumps(json.loads(Settings().encode()) | changed).encode()


def test_a_new_machine_has_the_defaults() -> None:
    store = SettingsStore(_flash())
    assert store.beginning is Beginning.NEW
    assert store.settings == Settings()
    assert store.settings.low_funds_paise == LOW_FUNDS_PAISE == 10_000
    assert store.settings.high_value_paise == 0


def test_what_was_stored_is_found_again() -> None:
    flash = _flash()
    SettingsStore(flash).store(CHANGED)
    found = SettingsStore(flash)
    assert (found.beginning, found.settings) == (Beginning.KEPT, CHANGED)
    assert found.settings.department(7) == Department(7, "Sales", pin_needed=True)
    assert found.settings.department(2) is None


def test_the_same_settings_cost_no_write() -> None:
    flash = _flash()
    store = SettingsStore(flash)
    store.store(CHANGED)
    image = flash.image()
    store.store(replace(CHANGED))
    assert flash.image() == image


def test_the_largest_settings_fit() -> None:
    keys = [
        (department, product_class)
        for department in range(DEPARTMENTS_MAX, 0, -1)
        for product_class in range(CLASSES_MAX, 0, -1)
    ]
    statement = Mailed(
        EpochSeconds(U32_MAX),
        Paise(AMOUNT_PAISE_MAX),
        Paise(AMOUNT_PAISE_MAX),
        tuple(
            MailedRow(*key, U32_MAX, Paise(AMOUNT_PAISE_MAX))
            for key in sorted(keys[:USAGE_ROWS_MAX])
        ),
    )
    largest = replace(
        CHANGED,
        departments=tuple(
            Department(number, "D" * 32, Paise(AMOUNT_PAISE_MAX), pin_needed=True)
            for number in range(1, DEPARTMENTS_MAX + 1)
        ),
        office_name='"' * 32,
        auto_dial=AutoDial(1320, "\\" * 200),
        mailed=statement,
        mailed_before=statement,
    )
    flash = _flash()
    SettingsStore(flash).store(largest)
    assert SettingsStore(flash).settings == largest


def test_one_damaged_copy_is_repaired_and_counted() -> None:
    flash = _flash()
    SettingsStore(flash).store(CHANGED)
    flash.write(SETTINGS.addresses[1] + 40, b"\x00")
    store = SettingsStore(flash)
    assert (store.settings, store.repaired, store.damage) == (CHANGED, 1, 1)
    again = SettingsStore(flash)
    assert (again.repaired, again.damage) == (0, 1)


def test_settings_that_are_lost_are_the_defaults_and_are_told() -> None:
    flash = _flash()
    SettingsStore(flash).store(CHANGED)
    for address in SETTINGS.addresses:
        flash.write(address + 40, b"\x00")
    store = SettingsStore(flash)
    assert (store.beginning, store.settings) == (Beginning.LOST, Settings())
    assert SettingsStore(flash).beginning is Beginning.KEPT


def test_what_a_newer_firmware_wrote_is_left_out_and_told() -> None:
    flash = _written(_flash(), _with(colour="green", beep=1, slogan=2))
    store = SettingsStore(flash)
    assert store.left_out == ("beep", "colour")
    assert store.settings == Settings(slogan=2)
    store.store(Settings(slogan=3))
    assert SettingsStore(flash).left_out == ()


def test_what_an_older_firmware_did_not_write_has_its_default() -> None:
    assert decode_settings(b'{"slogan":4}').settings == Settings(slogan=4)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"slogan":1,"slogan":2}',
        b"[" * 100_000,
        _with(slogan=11),
        _with(slogan=True),
        _with(slogan=1.0),
        _with(slogan=None),
        _with(pins_on=1),
        _with(medium="stone"),
        _with(office_name=" GPO"),
        _with(office_name="G\u00d6"),
        _with(office_name=5),
        _with(auto_dial=[1440, "tcp:a:1"]),
        _with(auto_dial=[1]),
        _with(auto_dial=[1, ""]),
        _with(auto_advance_minute=-1),
        _with(departments={}),
        _with(departments=[[51, "x", 0, False]]),
        _with(departments=[[2, "x", 0, False], [1, "y", 0, False]]),
        _with(departments=[[1, "x", 0, False], [1, "y", 0, False]]),
        _with(departments=[[1, "x", 0]]),
        _with(mailed=[0, 0, 0, [[0, 0, 0, 0]]]),
        _with(mailed=[0, -1, 0, []]),
        _with(high_value_paise=2**53),
    ],
)
def test_settings_of_another_form_are_refused_and_can_be_reset(octets: bytes) -> None:
    with pytest.raises(StoreError, match="cannot be read by this firmware"):
        decode_settings(octets)
    if octets:
        flash = _written(_flash(), octets[:1000])
        with pytest.raises(StoreError, match="cannot be read by this firmware"):
            SettingsStore(flash)
        reset_settings(flash)
        assert SettingsStore(flash).settings == Settings()


def test_a_value_that_is_not_possible_says_what_is() -> None:
    with pytest.raises(SettingsError, match="slogan: 11 is not in 0 to 10"):
        Settings(slogan=11)
    with pytest.raises(SettingsError, match="department: 0 is not in 1 to 50"):
        Department(0, "None")
