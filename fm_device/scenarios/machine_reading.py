"""Reading what a machine of a scenario is set to: PINs, departments, settings."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fm_device.flash.settings import (
    AutoDial,
    Department,
    Medium,
    Settings,
    SettingsError,
)
from fm_device.psd.pins import check_pin_form
from fm_device.psd.records import DEPARTMENTS_MAX
from fm_device.scenarios.form import (
    ScenarioError,
    Table,
    WrongValueError,
    flag,
    number,
    one_of,
    rupees,
    shown,
    text,
    whole,
)
from fm_device.scenarios.moments import moment
from fm_device.scenarios.scenario import MachineSettings
from fm_device.scenarios.vocabulary import ROLES
from protocol.values import Paise


def read_machine(table: Table) -> MachineSettings:
    """Read what a machine is set to."""
    pins = table.table("pins")
    found = MachineSettings(
        pins={role: pins.take(role, new_pin) for role in ROLES if pins.has(role)},
        departments=_departments_of(table),
        drift_ppm=table.take("drift-ppm", number(-1000, 1000), 0.0),
        changes=read_changes(table),
    )
    pins.end()
    table.end()
    return found


def _departments_of(table: Table) -> tuple[Department, ...]:
    found = [read_department(one) for one in table.tables("departments")]
    found.sort(key=lambda one: one.number)
    if len({one.number for one in found}) != len(found):
        raise ScenarioError(table.place_of("departments"), "each number stands once")
    return tuple(found)


def new_pin(value: Any) -> str:
    """Read a PIN that is to be set."""
    return check_pin_form(text(value))


def read_department(table: Table) -> Department:
    """Read a department."""
    number_given: int = table.take("number", whole(1, DEPARTMENTS_MAX))
    name: str = table.take("name", text)
    limit: Paise = table.take("limit", rupees, Paise(0))
    pin_needed: bool = table.take("pin", flag, False)  # noqa: FBT003
    table.end()
    try:
        return Department(number_given, name, limit, pin_needed)
    except SettingsError as error:
        raise ScenarioError(table.place, str(error)) from error


def _minute(value: Any) -> int:
    found = moment(value)
    if found.clock is None or found.days is not None:
        raise WrongValueError(f'{shown(value)} is no time of the day: write "22:00"')
    return found.clock.hour * 60 + found.clock.minute


_SETTINGS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "high-value": ("high_value_paise", rupees),
    "low-funds": ("low_funds_paise", rupees),
    "date-advance-days": ("date_advance_max_days", whole(0, 366)),
    "auto-advance": ("auto_advance_minute", _minute),
    "slogan": ("slogan", whole(0, 10)),
    "accounts": ("accounts_on", flag),
    "operator-pins": ("pins_on", flag),
    "auto-dial": ("auto_dial", lambda value: AutoDial(_minute(value), "virtual")),
    "office": ("office_name", text),
    "medium": (
        "medium",
        lambda value: Medium(one_of(one.value for one in Medium)(value)),
    ),
}


def read_changes(table: Table) -> dict[str, Any]:
    """Read settings that are to be others."""
    found = {
        name: table.take(key, read)
        for key, (name, read) in _SETTINGS.items()
        if table.has(key)
    }
    try:
        Settings(**found)
    except SettingsError as error:
        raise ScenarioError(table.place, str(error)) from error
    return found
