"""Reading what a step of a scenario does: one verb, and what is said of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fm_device.firmware.consumables import Sensors
from fm_device.firmware.dates import NextWorkingDay
from fm_device.firmware.reporting import REPORTS
from fm_device.presets.library import library_names as preset_names
from fm_device.scenarios.form import (
    Table,
    WrongValueError,
    day,
    flag,
    one_of,
    one_or_more,
    rupees,
    shown,
    text,
    whole,
)
from fm_device.scenarios.machine_reading import new_pin, read_changes, read_department
from fm_device.scenarios.order_reading import read_order
from fm_device.scenarios.scenario import ASK_FOR
from fm_device.scenarios.steps import (
    DAMAGES,
    TURN,
    Action,
    ApplyPreset,
    AskPsd,
    Change,
    ChangeLicence,
    Choose,
    CopyImage,
    CutPower,
    Damage,
    Day,
    Deposit,
    DialIn,
    DropDepartment,
    EnterPin,
    FailMemory,
    FailPrint,
    FrankItems,
    Install,
    Leave,
    LoseCarrier,
    LoseClock,
    NewFlash,
    Power,
    PrintReport,
    PutDepartment,
    Reinitialise,
    RestoreImage,
    Sense,
    Serve,
    SetPin,
    Tamper,
    TryOut,
    UseScale,
)
from fm_device.scenarios.values import department_number, steps_of_100
from fm_device.scenarios.vocabulary import (
    LICENCE_STATES,
    MESSAGES,
    ROLES,
    SCALE_FAULTS,
    SERVICES,
)
from protocol.values import U32_MAX, Paise, parse_licence_identifier

COUNT_MAX: Final = 100_000
PRESETS: Final = tuple(preset_names())
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


def _inner(
    read: Callable[[Table], Action],
) -> Callable[[Table, str], Action]:
    """Read a verb that has a table."""

    def reading(table: Table, verb: str) -> Action:
        inner = table.table(verb)
        action = read(inner)
        inner.end()
        return action

    return reading


def _plain(
    read: Callable[[Any], Any], make: Callable[[Any], Action]
) -> Callable[[Table, str], Action]:
    """Read a verb that has one value."""
    return lambda table, verb: make(table.take(verb, read))


def _only_true(action: Action) -> Callable[[Table, str], Action]:
    """Read a verb that has nothing to say: `tamper = true`."""

    def read(value: Any) -> bool:
        if value is not True:
            raise WrongValueError("write true, or leave the step out")
        return True

    return _plain(read, lambda _value: action)


def _departments(value: Any) -> tuple[int, ...]:
    """Read one department, a list of them, or a span as in "1-50"."""
    if isinstance(value, str):
        span = re.fullmatch(r"(\d{1,2})-(\d{1,2})", value, re.ASCII)
        if span is None:
            raise WrongValueError(f'{value!r} is no span of departments: "1-50"')
        first, last = map(department_number, map(int, span.groups()))
        return tuple(range(first, last + 1))
    return one_or_more(department_number)(value)


def _day(value: Any) -> Day:
    """Read a day that franks bear: days ahead, a day, or the next working day."""
    if value == "next-working-day":
        return NextWorkingDay.WANTED
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return day(value)
    except WrongValueError:
        message = (
            f"{shown(value)} is no day: write 3 for in three days, 2026-12-01, or "
            '"next-working-day"'
        )
        raise WrongValueError(message) from None


def _grams(value: Any) -> Decimal:
    try:
        grams = Decimal(str(value))
    except InvalidOperation:
        grams = Decimal("NaN")
    if isinstance(value, bool) or not grams.is_finite():
        raise WrongValueError(f"{shown(value)} is no weight in grams")
    return grams


def _frank(table: Table) -> Action:
    return FrankItems(
        classes=table.take("class", one_or_more(text), ()),
        weight_g=table.take("weight", _grams, None),
        zone=table.take("zone", text, ""),
        departments=table.take("department", _departments, ()),
        day=table.take("day", _day, None),
        count=table.take("count", whole(1, COUNT_MAX), 1),
        confirm=table.take("confirm", flag, False),  # noqa: FBT003
        until_refused=table.take("until-refused", flag, False),  # noqa: FBT003
    )


def _choose(table: Table) -> Action:
    return Choose(
        table.take("class", text, None),
        table.take("zone", text, None),
        table.take("department", department_number, None),
        table.take("day", _day, None),
        table.take("slogan", whole(0, 10), None),
    )


def _ask_psd(table: Table) -> Action:
    return AskPsd(
        table.take("value", rupees),
        table.take("class", whole(0, 999), 3),
        table.take("day", whole(-400, 400), 0),
    )


def _dial(table: Table) -> Action:
    return DialIn(
        table.take("for", one_of(ASK_FOR)),
        table.take("amount", rupees, Paise(0)),
        table.take("attempts", whole(1, 10), 1),
        table.take("if-due", flag, False),  # noqa: FBT003
        table.take("meanwhile", one_of(("frank", "dial")), ""),
    )


def _pin(value: Any) -> str | None:
    return None if value is False else new_pin(value)


def _enter_pin(table: Table) -> Action:
    return EnterPin(
        table.take("role", one_of(ROLES)),
        table.take("pin", text),
        table.take("times", whole(1, 100), 1),
        table.take("patiently", flag, False),  # noqa: FBT003
    )


def _set_pin(table: Table) -> Action:
    return SetPin(table.take("role", one_of(ROLES)), table.take("pin", _pin))


def _sense(table: Table) -> Action:
    usual = Sensors()
    changes: dict[str, Any] = {}
    for one in fields(Sensors):
        key = one.name.replace("_", "-")
        if one.name != "scale" and table.has(key):
            is_flag = isinstance(getattr(usual, one.name), bool)
            read: Callable[[Any], Any] = flag if is_flag else whole(-273, U32_MAX)
            changes[one.name] = table.take(key, read)
    return Sense(changes)


def _scale(table: Table) -> Action:
    return UseScale(
        mend=table.take("mend", flag, False),  # noqa: FBT003
        fault=table.take("fault", one_of(SCALE_FAULTS), ""),
        put_g=table.take("put", _grams, None),
        shake=table.take("shake", whole(0, 100), 0),
        weigh=table.take("weigh", flag, True),  # noqa: FBT003
    )


def _write_number(value: Any) -> int:
    return TURN if value == "turn" else whole(1, 10_000)(value)


def _torn(value: Any) -> int | None:
    return None if value == "none" else whole(0, 65_536)(value)


def _power_cut(table: Table) -> Action:
    return CutPower(
        table.take("during", one_of(("print", "nvram", "flash"))),
        table.take("write", _write_number, 1),
        table.take("torn", _torn, 0),
    )


def _carrier_lost(table: Table) -> Action:
    return LoseCarrier(
        table.take("during", one_of(MESSAGES)),
        table.take("number", whole(1, 1000), 1),
    )


def _licence(table: Table) -> Action:
    return ChangeLicence(
        table.take("state", one_of(LICENCE_STATES), None),
        table.take("expires", day, None),
        table.take("refund", flag, None),
    )


def _licence_name(value: Any) -> str:
    return parse_licence_identifier(text(value))


def _image_name(value: Any) -> str:
    name = text(value)
    if not _NAME.fullmatch(name):
        raise WrongValueError(f"{shown(value)}: small letters, digits and - only")
    return name


def _damage(table: Table) -> Action:
    return Damage(
        table.take("what", one_of(DAMAGES)),
        table.take("copies", whole(1, 3), 1),
        table.take("starts", whole(1, 2000), 1),
    )


def _new_flash(table: Table) -> Action:
    return NewFlash(table.take("meant", flag, False))  # noqa: FBT003


def _report(table: Table) -> Action:
    return PrintReport(
        table.take("kind", one_of(REPORTS)),
        table.take("again", flag, False),  # noqa: FBT003
        table.take("by-total", flag, False),  # noqa: FBT003
    )


_COUNT: Final = whole(1, COUNT_MAX)

ONE_VERBS: Final[Mapping[str, Callable[[Table, str], Action]]] = {
    "frank": _inner(_frank),
    "zero": _plain(_COUNT, lambda count: TryOut(count, zero=True)),
    "try": _plain(_COUNT, TryOut),
    "choose": _inner(_choose),
    "ask-psd": _inner(_ask_psd),
    "dial": _inner(_dial),
    "enter-pin": _inner(_enter_pin),
    "set-pin": _inner(_set_pin),
    "leave": _only_true(Leave()),
    "set": _inner(lambda table: Change(read_changes(table))),
    "department": _inner(lambda table: PutDepartment(read_department(table))),
    "drop-department": _plain(department_number, DropDepartment),
    "service": _plain(one_of(SERVICES), Serve),
    "new-flash": _inner(_new_flash),
    "sensors": _inner(_sense),
    "scale": _inner(_scale),
    "power": _plain(one_of(("on", "off", "cycle")), Power),
    "power-cut": _inner(_power_cut),
    "print-fails": _only_true(FailPrint()),
    "carrier-lost": _inner(_carrier_lost),
    "order": _inner(read_order),
    "licence": _inner(_licence),
    "deposit": _plain(steps_of_100, Deposit),
    "clock-lost": _only_true(LoseClock()),
    "tamper": _only_true(Tamper()),
    "copy-image": _plain(_image_name, CopyImage),
    "restore-image": _plain(_image_name, RestoreImage),
    "damage": _inner(_damage),
    "preset": _plain(one_of(PRESETS), ApplyPreset),
    "flash": _plain(one_of(("whole", "read-only", "dead")), FailMemory),
    "install": _plain(whole(100_000, 999_999), Install),
    "reinitialise": _plain(_licence_name, Reinitialise),
    "report": _inner(_report),
}
"""Every verb of a step but `repeat`, and how it is read."""
