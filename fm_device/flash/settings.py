"""What the operator and the supervisor have set, and how it is kept.

The settings are one frozen record. They are stored whole, as JSON, in a vault of three
copies, so that a power cut leaves the settings before or after a change. The reader is
strict: what stands there under a known name has the right form, or the settings are
refused. A name that is not known was written by a newer firmware that was rolled back:
it is left out, and the store says so (`left_out`), which goes into the event log. So a
newer firmware that needs another form uses another name.

Nothing in here is money: registers, PINs and counters are in the PSD.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any, Final, TypeVar

from fm_device.flash.layout import SETTINGS
from fm_device.psd.records import (
    CLASSES_MAX,
    DEPARTMENTS_MAX,
    NO_TIME,
    NOTHING,
    USAGE_ROWS_MAX,
)
from fm_device.psd.vault import Vault, write_failed
from hw.nvram import ERASED_OCTET, Nvram
from protocol.contents.slogan import SLOGAN_NUMBER_MAX
from protocol.errors import LocalProtocolError, StoreError
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, EpochSeconds, Paise

T = TypeVar("T")

NAME_CHARACTERS_MAX: Final = 32
LINE_CHARACTERS_MAX: Final = 200
DATE_ADVANCE_DAYS_MAX: Final = 366
MINUTES_OF_A_DAY: Final = 24 * 60
LOW_FUNDS_PAISE: Final = Paise(10_000)
"""Rs 100; a machine of another maker warns below $100."""


class SettingsError(LocalProtocolError):
    """A setting is not possible; the message says which, and what is."""


class Medium(Enum):
    """What franks are printed on."""

    PAPER = "paper"
    """The letter itself."""
    TAPE = "tape"
    """A strip of tape, to be stuck on a parcel."""


@dataclass(frozen=True, slots=True)
class Department:
    """An account that franks are booked under; to a commercial mailer, a customer.

    Attributes:
        number: 1 to 50.
        name: For people.
        limit_paise: The most that it may frank between two statements; 0 for no limit.
        pin_needed: Whether its operator must give a PIN.
    """

    number: int
    name: str
    limit_paise: Paise = NOTHING
    pin_needed: bool = False

    def __post_init__(self) -> None:
        _check_whole("department", self.number, 1, DEPARTMENTS_MAX)
        _check_text("department name", self.name, NAME_CHARACTERS_MAX)
        _check_whole("department limit", self.limit_paise, 0, AMOUNT_PAISE_MAX)


@dataclass(frozen=True, slots=True)
class AutoDial:
    """When the machine dials in by itself, every day.

    Attributes:
        minute: Minute of the Indian day, 0 to 1,439; 22:00 is 1,320.
        line: The line string that it dials.
    """

    minute: int
    line: str

    def __post_init__(self) -> None:
        _check_whole("time of the daily dial-in", self.minute, 0, MINUTES_OF_A_DAY - 1)
        _check_text("line", self.line, LINE_CHARACTERS_MAX)


@dataclass(frozen=True, slots=True)
class MailedRow:
    """One row of the usage table at the last statement of mailing."""

    department: int
    product_class: int
    items: int
    amount_paise: Paise

    def __post_init__(self) -> None:
        _check_whole("department of a row", self.department, 0, DEPARTMENTS_MAX)
        _check_whole("class of a row", self.product_class, 1, CLASSES_MAX)
        _check_whole("items of a row", self.items, 0, U32_MAX)
        _check_whole("amount of a row", self.amount_paise, 0, AMOUNT_PAISE_MAX)


@dataclass(frozen=True, slots=True)
class Mailed:
    """What the last statement of mailing was closed with; the next begins there.

    Attributes:
        time: When it was closed.
        ascending_paise: AR then.
        descending_paise: DR then.
        rows: The usage table then.
    """

    time: EpochSeconds = NO_TIME
    ascending_paise: Paise = NOTHING
    descending_paise: Paise = NOTHING
    rows: tuple[MailedRow, ...] = ()

    def __post_init__(self) -> None:
        _check_whole("time of the statement", self.time, 0, U32_MAX)
        _check_whole("AR of the statement", self.ascending_paise, 0, AMOUNT_PAISE_MAX)
        _check_whole("DR of the statement", self.descending_paise, 0, AMOUNT_PAISE_MAX)
        _check_whole("rows of the statement", len(self.rows), 0, USAGE_ROWS_MAX)
        keys = [(row.department, row.product_class) for row in self.rows]
        _check_rising("rows of the statement", keys)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, with what a new machine has.

    Attributes:
        high_value_paise: A frank above it is to be confirmed; 0 for never.
        low_funds_paise: A DR below it is warned of; 0 for never.
        date_advance_max_days: The supervisor's limit; the dated parameter stands above.
        auto_advance_minute: From this minute of the day on the machine offers the next
            working day; None for never.
        slogan: Number of the slogan that is printed; 0 for none.
        departments: By rising number.
        accounts_on: Whether every frank needs a department.
        pins_on: Whether an operator must give a PIN.
        auto_dial: The daily dial-in, or None.
        office_name: Where the mail is handed in; may be empty.
        medium: What is printed on.
        som_number: Number of the last statement of mailing; 0 before the first.
        mailed: What that was closed with.
        mailed_before: What the one before it was closed with, so that the last can be
            printed again.
        mailed_by_customer: Whether the last was a statement for each customer.
        mailed_items: The item counter when it was closed.
        mailed_total_items: Items of the last where it was a statement by total, as the
            rows before it were lost; 0 where its rows are known.
        batch_items: The item counter when the batch was begun: the batch is what came
            since, so that counting it costs no write.
        batch_ascending_paise: AR when the batch was begun.
        battery_changed: When the battery was put in; 0 for when the machine was made.
        battery_warned: When its age was first warned of; 0 for not yet.
        battery_warned_items: The item counter, zero imprints included, then.

    Raises:
        SettingsError: A value is out of range.
    """

    high_value_paise: Paise = NOTHING
    low_funds_paise: Paise = LOW_FUNDS_PAISE
    date_advance_max_days: int = 30
    auto_advance_minute: int | None = None
    slogan: int = 0
    departments: tuple[Department, ...] = ()
    accounts_on: bool = False
    pins_on: bool = False
    auto_dial: AutoDial | None = None
    office_name: str = ""
    medium: Medium = Medium.PAPER
    som_number: int = 0
    mailed: Mailed = field(default_factory=Mailed)
    mailed_before: Mailed = field(default_factory=Mailed)
    mailed_by_customer: bool = False
    mailed_items: int = 0
    mailed_total_items: int = 0
    batch_items: int = 0
    batch_ascending_paise: Paise = NOTHING
    battery_changed: EpochSeconds = NO_TIME
    battery_warned: EpochSeconds = NO_TIME
    battery_warned_items: int = 0

    def __post_init__(self) -> None:
        for name, value, largest in (
            ("high value", self.high_value_paise, AMOUNT_PAISE_MAX),
            ("low funds", self.low_funds_paise, AMOUNT_PAISE_MAX),
            ("date advance", self.date_advance_max_days, DATE_ADVANCE_DAYS_MAX),
            ("slogan", self.slogan, SLOGAN_NUMBER_MAX),
            ("statement number", self.som_number, U32_MAX),
            ("items at the statement", self.mailed_items, U32_MAX),
            ("items by total", self.mailed_total_items, U32_MAX),
            ("items of the batch", self.batch_items, U32_MAX),
            ("AR of the batch", self.batch_ascending_paise, AMOUNT_PAISE_MAX),
            ("battery's first day", self.battery_changed, U32_MAX),
            ("battery's warning", self.battery_warned, U32_MAX),
            ("items at that warning", self.battery_warned_items, U32_MAX),
        ):
            _check_whole(name, value, 0, largest)
        if self.auto_advance_minute is not None:
            minute = self.auto_advance_minute
            _check_whole("time of the date advance", minute, 0, MINUTES_OF_A_DAY - 1)
        if self.office_name:
            _check_text("office name", self.office_name, NAME_CHARACTERS_MAX)
        _check_rising("departments", [one.number for one in self.departments])

    def department(self, number: int) -> Department | None:
        """Find a department by its number."""
        return next((one for one in self.departments if one.number == number), None)

    def encode(self) -> bytes:
        """Write the settings as JSON: keys sorted, ASCII, no space."""
        dial = self.auto_dial
        fields = {
            "high_value_paise": self.high_value_paise,
            "low_funds_paise": self.low_funds_paise,
            "date_advance_max_days": self.date_advance_max_days,
            "auto_advance_minute": self.auto_advance_minute,
            "slogan": self.slogan,
            "departments": [
                [one.number, one.name, one.limit_paise, one.pin_needed]
                for one in self.departments
            ],
            "accounts_on": self.accounts_on,
            "pins_on": self.pins_on,
            "auto_dial": None if dial is None else [dial.minute, dial.line],
            "office_name": self.office_name,
            "medium": self.medium.value,
            "som_number": self.som_number,
            "mailed": _mailed_fields(self.mailed),
            "mailed_before": _mailed_fields(self.mailed_before),
            "mailed_by_customer": self.mailed_by_customer,
            "mailed_items": self.mailed_items,
            "mailed_total_items": self.mailed_total_items,
            "batch_items": self.batch_items,
            "batch_ascending_paise": self.batch_ascending_paise,
            "battery_changed": self.battery_changed,
            "battery_warned": self.battery_warned,
            "battery_warned_items": self.battery_warned_items,
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def _mailed_fields(mailed: Mailed) -> list[Any]:
    rows = [
        [row.department, row.product_class, row.items, row.amount_paise]
        for row in mailed.rows
    ]
    return [mailed.time, mailed.ascending_paise, mailed.descending_paise, rows]


@dataclass(frozen=True, slots=True)
class SettingsRead:
    """Settings, and the names beside them that this firmware does not know."""

    settings: Settings
    left_out: tuple[str, ...] = ()


def decode_settings(octets: bytes) -> SettingsRead:
    """Read settings back; what is missing has its default.

    Raises:
        StoreError: The octets are no settings of this product.
    """
    try:
        fields = json.loads(octets.decode("ascii"), object_pairs_hook=_no_key_twice)
        if not isinstance(fields, dict):
            raise SettingsError("there is no table of settings")
        known = {
            name: _READERS[name](value)
            for name, value in fields.items()
            if name in _READERS
        }
        settings = Settings(**known)
    except (ValueError, RecursionError, LocalProtocolError) as error:
        message = f"the stored settings cannot be read by this firmware: {error}"
        raise StoreError(message) from error
    return SettingsRead(settings, tuple(sorted(fields.keys() - _READERS.keys())))


class Beginning(Enum):
    """What a power-on found where the settings are kept."""

    KEPT = "the settings"
    NEW = "nothing: a new machine"
    LOST = "no whole copy: the defaults were taken"


class SettingsStore:
    """The settings in a flash.

    Attributes:
        beginning: What the power-on found.
        left_out: Names of settings that this firmware does not know.
    """

    def __init__(
        self, flash: Nvram, tell_lost: Callable[[], None] = lambda: None
    ) -> None:
        """Read the settings; write the defaults where there are none.

        Settings that are lost do not stop a machine: it can be set anew.

        Args:
            flash: The whole flash.
            tell_lost: Called when they are lost, before the defaults are written: so
                it is told of though the power fails again.

        Raises:
            StoreError: The flash fails, or another firmware's settings cannot be read.
        """
        self.beginning = Beginning.KEPT
        try:
            self._vault = Vault(flash, SETTINGS)
        except StoreError:
            # The last copy is written first: a first start that was cut has torn it.
            new = all(_is_erased(flash, at) for at in SETTINGS.addresses[:-1])
            self.beginning = Beginning.NEW if new else Beginning.LOST
            if self.beginning is Beginning.LOST:
                tell_lost()
            self._vault = Vault.create(flash, SETTINGS, Settings().encode())
        read = decode_settings(self._vault.content)
        self.left_out = read.left_out
        self._settings = read.settings

    @property
    def settings(self) -> Settings:
        """The settings stored last.

        Raises:
            StoreError: A write has failed: only a power-on tells what is stored.
        """
        if self._vault.in_doubt:
            raise write_failed()
        return self._settings

    @property
    def repaired(self) -> int:
        """How many damaged copies this power-on has repaired."""
        return self._vault.repaired

    @property
    def damage(self) -> int:
        """How many damaged copies were repaired so far."""
        return self._vault.damage

    def store(self, settings: Settings) -> None:
        """Store settings; the same ones cost no write.

        Raises:
            StoreError: A write has failed, now or before.
        """
        if settings != self.settings:
            self._vault.commit(settings.encode())
            self._settings = settings


def reset_settings(flash: Nvram) -> None:
    """Put the defaults in the place of settings that cannot be read, as service does.

    Raises:
        StoreError: The flash fails.
    """
    Vault(flash, SETTINGS).commit(Settings().encode())


def _is_erased(flash: Nvram, address: int) -> bool:
    erased = bytes([ERASED_OCTET]) * _LOOKED_AT
    return flash.read(address, _LOOKED_AT) == erased


_LOOKED_AT: Final = 16


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise SettingsError("a name stands twice")
    return fields


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingsError(f"{value!a} is no whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{value!a} is no text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"{value!a} is neither true nor false")
    return value


def _list(value: Any, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or length not in (None, len(value)):
        raise SettingsError(f"{value!a} is no such list")
    return value


def _or_none(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else read(value)


def _department(value: Any) -> Department:
    number, name, limit, pin_needed = _list(value, 4)
    return Department(
        _whole(number), _text(name), Paise(_whole(limit)), _flag(pin_needed)
    )


def _auto_dial(value: Any) -> AutoDial:
    minute, line = _list(value, 2)
    return AutoDial(_whole(minute), _text(line))


def _row(value: Any) -> MailedRow:
    department, product_class, items, amount = map(_whole, _list(value, 4))
    return MailedRow(department, product_class, items, Paise(amount))


def _mailed(value: Any) -> Mailed:
    time, ascending, descending, rows = _list(value, 4)
    return Mailed(
        EpochSeconds(_whole(time)),
        Paise(_whole(ascending)),
        Paise(_whole(descending)),
        tuple(_row(row) for row in _list(rows)),
    )


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "high_value_paise": _whole,
    "low_funds_paise": _whole,
    "date_advance_max_days": _whole,
    "auto_advance_minute": _or_none(_whole),
    "slogan": _whole,
    "departments": lambda value: tuple(_department(one) for one in _list(value)),
    "accounts_on": _flag,
    "pins_on": _flag,
    "auto_dial": _or_none(_auto_dial),
    "office_name": _text,
    "medium": lambda value: Medium(_text(value)),
    "som_number": _whole,
    "mailed": _mailed,
    "mailed_before": _mailed,
    "mailed_by_customer": _flag,
    "mailed_items": _whole,
    "mailed_total_items": _whole,
    "batch_items": _whole,
    "batch_ascending_paise": _whole,
    "battery_changed": _whole,
    "battery_warned": _whole,
    "battery_warned_items": _whole,
}


def _check_whole(name: str, value: int, least: int, largest: int) -> None:
    if not least <= value <= largest:
        raise SettingsError(f"{name}: {value} is not in {least} to {largest}")


def _check_text(name: str, value: str, characters_max: int) -> None:
    printable = value.isascii() and value.isprintable()
    if not printable or not 1 <= len(value) <= characters_max or value != value.strip():
        raise SettingsError(
            f"{name}: {value!a} is not 1 to {characters_max} printable ASCII "
            "characters without a space first or last"
        )


def _check_rising(name: str, keys: list[Any]) -> None:
    if any(before >= after for before, after in pairwise(keys)):
        raise SettingsError(f"{name}: each stands once, in rising order")
