"""What a person may set at a machine or around it: names, how to type it, how it reads.

A name stands once, with what is possible, so that what may be typed, what is shown and
what goes into `Settings` and `Sensors` is the same list.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Final

from fm_device.firmware.consumables import (
    INK_UL_FULL,
    TAPE_MM_FULL,
    ScaleCondition,
    Sensors,
)
from fm_device.flash.settings import (
    DATE_ADVANCE_DAYS_MAX,
    AutoDial,
    Medium,
    Settings,
)
from hw.lines.strings import parse_line_string
from protocol.amounts import parse_rupees
from protocol.errors import RmfsError
from protocol.values import Paise, show_rupees

NEVER: Final = "never"
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_WHOLE: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)


class SettingTypedError(RmfsError):
    """What was typed is no setting; the message says what is."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that may be set.

    Attributes:
        name: As it is typed.
        field: Its field in `Settings`.
        possible: What may be typed.
        read: Reads what was typed; raises `RmfsError`.
        show: Shows a value as it would be typed.
    """

    name: str
    field: str
    possible: str
    read: Callable[[str], Any]
    show: Callable[[Any], str]


def read_assignments(
    typed: Iterable[str], known: dict[str, Callable[[str], Any]]
) -> dict[str, Any]:
    """Read ``name=value`` pairs.

    Args:
        typed: What was typed.
        known: How the value of each name is read.

    Raises:
        SettingTypedError: A name is not known, stands twice, or its value is none.
    """
    found: dict[str, Any] = {}
    for word in typed:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            names = ", ".join(known)
            raise SettingTypedError(f"{word!r}: write NAME=VALUE with one of {names}")
        if name in found:
            raise SettingTypedError(f"{name} is typed twice")
        try:
            found[name] = known[name](value)
        except RmfsError as error:
            raise SettingTypedError(f"{name}: {error}") from error
    return found


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise SettingTypedError(f"{text!r} is no time of the day, as in 22:00")
    return int(found[1]) * 60 + int(found[2])


def _show_minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minute_or_never(text: str) -> int | None:
    return None if text == NEVER else _minute(text)


def _flag(text: str) -> bool:
    if text not in ("on", "off"):
        raise SettingTypedError(f"{text!r} is neither on nor off")
    return text == "on"


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise SettingTypedError(f"{text!r} is neither true nor false")
    return text == "true"


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if _WHOLE.fullmatch(text) is None or not least <= int(text) <= most:
            raise SettingTypedError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return read


def _auto_dial(text: str) -> AutoDial | None:
    if text == NEVER:
        return None
    minute, _, line = text.partition(",")
    parse_line_string(line)
    return AutoDial(_minute(minute), line)


def _medium(text: str) -> Medium:
    try:
        return Medium(text)
    except ValueError:
        raise SettingTypedError(f"{text!r} is neither paper nor tape") from None


def _scale(text: str) -> ScaleCondition:
    names = {one.value.replace(" ", "-"): one for one in ScaleCondition}
    if text not in names:
        raise SettingTypedError(f"{text!r} is none of {', '.join(names)}")
    return names[text]


def _show_rupees(amount: Paise) -> str:
    return show_rupees(amount).removeprefix("Rs ").replace(",", "")


def _show_flag(flag: Any) -> str:
    return "on" if flag else "off"


SETTINGS: Final = (
    Setting(
        "high-value",
        "high_value_paise",
        "rupees above which a frank is to be confirmed; 0 for never",
        parse_rupees,
        _show_rupees,
    ),
    Setting(
        "low-funds",
        "low_funds_paise",
        "rupees below which the funds are warned of; 0 for never",
        parse_rupees,
        _show_rupees,
    ),
    Setting(
        "date-ahead",
        "date_advance_max_days",
        "days that the date may be ahead, 0 to 366; the Department's limit is above it",
        _whole(0, DATE_ADVANCE_DAYS_MAX),
        str,
    ),
    Setting(
        "next-day-from",
        "auto_advance_minute",
        "time from which the next working day is offered, as 16:30; or never",
        _minute_or_never,
        lambda minute: NEVER if minute is None else _show_minute(minute),
    ),
    Setting(
        "pins",
        "pins_on",
        "on: franking needs the operator's PIN; or off",
        _flag,
        _show_flag,
    ),
    Setting(
        "departments",
        "accounts_on",
        "on: every frank needs a department; or off",
        _flag,
        _show_flag,
    ),
    Setting(
        "auto-dial",
        "auto_dial",
        "time and line of the daily dial-in, as 22:00,tcp:127.0.0.1:7120; or never",
        _auto_dial,
        lambda dial: (
            NEVER if dial is None else f"{_show_minute(dial.minute)},{dial.line}"
        ),
    ),
    Setting(
        "office",
        "office_name",
        "name of the office where the mail is handed in; may be empty",
        str,
        str,
    ),
    Setting("medium", "medium", "paper or tape", _medium, lambda medium: medium.value),
)
"""What the supervisor sets. Slogans, departments and PINs have their own commands."""

_BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


def read_settings(typed: Iterable[str]) -> dict[str, Any]:
    """Read what was typed into fields of `Settings`.

    Raises:
        SettingTypedError: It is no setting.
    """
    readers = {setting.name: setting.read for setting in SETTINGS}
    found = read_assignments(typed, readers)
    return {_BY_NAME[name].field: value for name, value in found.items()}


def show_settings(settings: Settings) -> dict[str, str]:
    """Show every setting as it would be typed."""
    return {
        setting.name: setting.show(getattr(settings, setting.field))
        for setting in SETTINGS
    }


_SENSED: Final[dict[str, Callable[[str], Any]]] = {
    "ink_ul": _whole(0, INK_UL_FULL),
    "tape_mm": _whole(0, TAPE_MM_FULL),
    "cover_open": _boolean,
    "paper_jam": _boolean,
    "paper_present": _boolean,
    "printer_c": _whole(-40, 120),
    "printer_answers": _boolean,
    "battery_age_days": _whole(0, 36_500),
    "scale": _scale,
}
"""What may be told of the world around a machine: the fields of `Sensors`."""


def read_sensors(typed: Iterable[str]) -> dict[str, Any]:
    """Read what was typed into fields of `Sensors`.

    Raises:
        SettingTypedError: It is none of them.
    """
    return read_assignments(typed, _SENSED)


def sensors_as_json(sensors: Sensors) -> dict[str, Any]:
    """Say to a program what the sensors tell."""
    values = {one.name: getattr(sensors, one.name) for one in fields(sensors)}
    return {**values, "scale": sensors.scale.value}
