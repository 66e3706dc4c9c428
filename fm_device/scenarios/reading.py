"""Reading a scenario: the file, its start, its machine, its line and its steps."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fm_device.firmware.consumables import Sensors
from fm_device.firmware.dates import NextWorkingDay
from fm_device.firmware.reporting import REPORTS
from fm_device.flash.settings import (
    AutoDial,
    Department,
    Medium,
    Settings,
    SettingsError,
)
from fm_device.presets.library import library_names as preset_names
from fm_device.psd.pins import check_pin_form
from fm_device.psd.records import DEPARTMENTS_MAX
from fm_device.scenarios.expectations import read_expectations
from fm_device.scenarios.form import (
    ScenarioError,
    Table,
    WrongValueError,
    day,
    flag,
    listed,
    number,
    one_of,
    one_or_more,
    rupees,
    shown,
    suggestion,
    text,
    whole,
)
from fm_device.scenarios.moments import Moment, instant, moment
from fm_device.scenarios.scenario import (
    ASK_FOR,
    Line,
    MachineSettings,
    Scenario,
    Start,
    StartRegisters,
    StartState,
)
from fm_device.scenarios.steps import (
    DAMAGES,
    ORDERS,
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
    GiveOrder,
    Install,
    Leave,
    LoseCarrier,
    LoseClock,
    NewFlash,
    Power,
    PrintReport,
    PutDepartment,
    Reinitialise,
    Repeat,
    RestoreImage,
    Sense,
    Serve,
    SetPin,
    Step,
    Tamper,
    TryOut,
    UseScale,
)
from fm_device.scenarios.vocabulary import (
    LICENCE_STATES,
    MESSAGES,
    ROLES,
    SCALE_FAULTS,
    SERVICES,
)
from protocol.parameters import business_date, parameter
from protocol.values import (
    AMOUNT_PAISE_MAX,
    U32_MAX,
    EpochSeconds,
    Paise,
    parse_licence_identifier,
    show_rupees,
)

FILE_OCTETS_MAX: Final = 262_144
COUNT_MAX: Final = 100_000
PRESETS: Final = tuple(preset_names())
DEPTH_MAX: Final = 4
_LINE_OF_ERROR: Final = re.compile(r"\s*\(at line ([0-9]+), column [0-9]+\)")
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


def read_scenario(octets: bytes, name: str) -> Scenario:
    """Read a scenario that a person has written.

    Args:
        octets: The file.
        name: Its name, told in errors; a file's stem is the scenario's.

    Raises:
        ScenarioError: It is not TOML, or not a scenario; line, place and reason.
    """
    if len(octets) > FILE_OCTETS_MAX:
        reason = f"{len(octets):,} octets, {FILE_OCTETS_MAX:,} are allowed"
        raise ScenarioError("", reason, file=name)
    try:
        written = octets.decode("utf-8")
        found = tomllib.loads(written)
    except UnicodeDecodeError as error:
        broken = octets.count(b"\n", 0, error.start) + 1
        raise ScenarioError("", "it is not UTF-8", broken, name) from error
    except (ValueError, RecursionError) as error:
        at = _LINE_OF_ERROR.search(str(error))
        reason = f"it is not TOML: {_LINE_OF_ERROR.sub('', str(error))}"
        line = None if at is None else int(at[1])
        raise ScenarioError("", reason, line, name) from error
    try:
        return _scenario(Table(found, ""), name)
    except ScenarioError as error:
        at_line = line_of(written, error.place)
        raise ScenarioError(error.place, error.reason, at_line, name) from error


def line_of(written: str, place: str) -> int | None:
    """Find the line of a place: of its key, else of the table that it stands in."""
    lines = written.splitlines()
    first, end, found = 0, len(lines), None
    path: list[str] = []
    for part in filter(None, place.split(".")):
        name, _, index = part.partition("[")
        path.append(re.escape(name))
        header = re.compile(rf"\s*\[\[?\s*{'[.]'.join(path)}\s*\]\]?\s*(?:#.*)?")
        key = re.compile(rf"\s*{re.escape(name)}\s*=.*")
        headers = [at for at in range(first, end) if header.fullmatch(lines[at])]
        if not headers:
            return next(
                (at + 1 for at in range(first, end) if key.fullmatch(lines[at])), found
            )
        nth = min(int(index.rstrip("]") or 1), len(headers)) - 1
        found, first = headers[nth] + 1, headers[nth] + 1
        end = headers[nth + 1] if nth + 1 < len(headers) else end
    return found


def _scenario(table: Table, name: str) -> Scenario:
    found = Scenario(
        name=name.rsplit("/", 1)[-1].removesuffix(".toml"),
        title=table.take("title", text),
        description=table.take("description", text, ""),
        shows=table.take("shows", listed(text), ()),
        seed=table.take("seed", whole(0, 2**63 - 1), 1),
        start=_start(table.table("start")),
        machine=_machine(table.table("machine")),
        line=_line(table.table("line")),
        steps=_steps(table, 1),
    )
    table.end()
    if not found.steps:
        raise ScenarioError("", "there are no steps: write [[steps]]")
    return found


def _start(table: Table) -> Start:
    usual = Start()
    has_registers = table.has("registers")
    registers = table.table("registers")
    start = Start(
        at=table.take("at", instant, usual.at),
        state=StartState(
            table.take("state", one_of(one.value for one in StartState), "in-service")
        ),
        funds_paise=table.take("funds", _steps_of_100, usual.funds_paise),
        deposited_paise=table.take("deposited", _steps_of_100, usual.deposited_paise),
        with_tariff=table.take("tariff", flag, True),  # noqa: FBT003
        with_clock=table.take("clock", flag, True),  # noqa: FBT003
        registers=_registers(registers) if has_registers else None,
        preset=table.take("preset", one_of(PRESETS), usual.preset),
    )
    table.end()
    in_service = start.state is StartState.IN_SERVICE
    funds = start.funds_paise if in_service else 0
    first = funds + start.deposited_paise
    least = parameter("deposit.first_min_paise", business_date(_epoch(start.at)))
    if start.state is not StartState.NEW and 0 < first < least:
        raise ScenarioError(
            table.place,
            "funds and deposited are one first deposit: "
            f"at least {show_rupees(Paise(least))}, or nothing",
        )
    return start


def _registers(table: Table) -> StartRegisters:
    found = StartRegisters(
        ascending_paise=table.take("ascending", rupees, Paise(0)),
        descending_paise=table.take("descending", rupees, Paise(0)),
        items=table.take("items", whole(0, U32_MAX), 0),
        imprints=table.take("imprints", whole(0, U32_MAX), 0),
        recharge_number=table.take("recharges", whole(0, U32_MAX), 0),
    )
    table.end()
    if found.items > found.imprints:
        raise ScenarioError(
            table.place, "imprints count zero imprints too: at least as many as items"
        )
    if found.ascending_paise + found.descending_paise > AMOUNT_PAISE_MAX:
        raise ScenarioError(table.place, "ascending and descending pass what CT holds")
    return found


def _steps_of_100(value: Any) -> Paise:
    amount = rupees(value)
    if amount % 10_000:
        raise WrongValueError("deposits and recharges go in steps of Rs 100")
    return amount


def _machine(table: Table) -> MachineSettings:
    pins = table.table("pins")
    found = MachineSettings(
        pins={role: pins.take(role, _new_pin) for role in ROLES if pins.has(role)},
        departments=_departments_of(table),
        drift_ppm=table.take("drift-ppm", number(-1000, 1000), 0.0),
        changes=_changes(table),
    )
    pins.end()
    table.end()
    return found


def _departments_of(table: Table) -> tuple[Department, ...]:
    found = [_department(one) for one in table.tables("departments")]
    found.sort(key=lambda one: one.number)
    if len({one.number for one in found}) != len(found):
        raise ScenarioError(table.place_of("departments"), "each number stands once")
    return tuple(found)


def _line(table: Table) -> Line:
    usual = Line()
    found = Line(
        bit_s=table.take("bit-s", whole(50, 10_000_000), usual.bit_s),
        delay_s=table.take("delay-s", number(0, 60), usual.delay_s),
        bit_error_rate=table.take("noise", number(0, 0.01), usual.bit_error_rate),
        real_channel=table.take("real-channel", flag, usual.real_channel),
    )
    table.end()
    return found


# Steps.


def _steps(table: Table, depth: int) -> tuple[Step, ...]:
    if depth > DEPTH_MAX:
        raise ScenarioError(table.place, "repetitions stand in one another too deep")
    return tuple(_step(one, depth) for one in table.tables("steps"))


def _step(table: Table, depth: int) -> Step:
    at: Moment | None = table.take("at", moment, None)
    say: str = table.take("say", text, "")
    expect = read_expectations(table.table("expect"))
    verbs = [verb for verb in VERBS if table.has(verb)]
    if len(verbs) > 1:
        raise ScenarioError(
            table.place, f"one thing a step: {' and '.join(verbs)} are two"
        )
    verb = verbs[0] if verbs else ""
    action: Action | None = None
    if verb == "repeat":
        action = _repeat(table, depth)
    elif verb:
        action = VERBS[verb](table, verb)
    else:
        unknown = [key for key in table.keys if key not in ("at", "say", "expect")]
        if unknown:
            raise ScenarioError(
                table.place_of(unknown[0]),
                f"no such verb{suggestion(unknown[0], VERBS)}",
            )
        if not expect and at is None:
            raise ScenarioError(
                table.place, f"nothing to do, nothing expected{suggestion('', VERBS)}"
            )
    table.end()
    return Step(table.place, verb, at, action, expect, say)


def _repeat(table: Table, depth: int) -> Repeat:
    inner = table.table("repeat")
    every: Moment | None = inner.take("every", moment, None)
    if every is not None and every.lapse is None:
        raise ScenarioError(inner.place_of("every"), 'a lapse is needed: "+7d"')
    found = Repeat(
        inner.take("times", whole(1, 10_000)),
        _steps(table, depth + 1),
        None if every is None else every.lapse,
    )
    inner.end()
    if not found.steps:
        raise ScenarioError(inner.place, "no steps to repeat: write [[steps.steps]]")
    return found


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


def _department_number(value: Any) -> int:
    return whole(0, DEPARTMENTS_MAX)(value)


def _departments(value: Any) -> tuple[int, ...]:
    """Read one department, a list of them, or a span as in "1-50"."""
    if isinstance(value, str):
        span = re.fullmatch(r"(\d{1,2})-(\d{1,2})", value, re.ASCII)
        if span is None:
            raise WrongValueError(f'{value!r} is no span of departments: "1-50"')
        first, last = map(_department_number, map(int, span.groups()))
        return tuple(range(first, last + 1))
    return one_or_more(_department_number)(value)


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
        table.take("department", _department_number, None),
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


def _new_pin(value: Any) -> str:
    return check_pin_form(text(value))


def _pin(value: Any) -> str | None:
    return None if value is False else _new_pin(value)


def _enter_pin(table: Table) -> Action:
    return EnterPin(
        table.take("role", one_of(ROLES)),
        table.take("pin", text),
        table.take("times", whole(1, 100), 1),
        table.take("patiently", flag, False),  # noqa: FBT003
    )


def _set_pin(table: Table) -> Action:
    return SetPin(table.take("role", one_of(ROLES)), table.take("pin", _pin))


def _department(table: Table) -> Department:
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


def _changes(table: Table) -> dict[str, Any]:
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


_CLOCK_NOW: Final = 0


def _epoch(value: Any) -> EpochSeconds:
    found: datetime = instant(value)
    return EpochSeconds(int(found.timestamp()))


_ORDER_VALUES: Final[Mapping[str, tuple[str, Callable[[Any], int], Any]]] = {
    "clock": ("at", _epoch, _CLOCK_NOW),
    "lock": ("reason", whole(0, 2**63 - 1), 0),
    "unlock": ("reason", whole(0, 2**63 - 1), 0),
    "next-call": ("at", _epoch, None),
    "frank-limit": ("value", rupees, None),
    "funds-limit": ("value", rupees, None),
    "retire-credit-key": ("number", whole(1, 255), None),
    "slogan-off": ("number", whole(1, 10), None),
}


def _order(table: Table) -> Action:
    kind: str = table.take("kind", one_of(ORDERS))
    if kind in _ORDER_VALUES:
        key, read, default = _ORDER_VALUES[kind]
        if default is None:
            return GiveOrder(kind, table.take(key, read))
        return GiveOrder(kind, table.take(key, read, default))
    return GiveOrder(kind, None, dict(_CONTENTS[kind](table)))


def _tariff(table: Table) -> Iterator[tuple[str, Any]]:
    """A tariff made from the factory's: dearer, or with more classes."""
    yield "number", table.take("number", whole(2, U32_MAX))
    yield "valid_from", table.take("valid-from", day)
    yield "dearer_paise", table.take("dearer", rupees, Paise(0))
    yield "without", table.take("without", listed(text), ())
    yield "more_classes", table.take("more-classes", whole(0, 40), 0)


def _slogan(table: Table) -> Iterator[tuple[str, Any]]:
    yield "number", table.take("number", whole(1, 10))
    yield "lines", table.take("lines", listed(text))
    yield "customer", table.take("customer", _department_number, 0)


def _version(value: Any) -> tuple[int, ...]:
    parts = text(value).split(".")
    if len(parts) != 3 or not all(  # noqa: PLR2004
        one.isascii() and one.isdecimal() and int(one) < 256  # noqa: PLR2004
        for one in parts
    ):
        raise WrongValueError(f'{shown(value)} is no version: write "0.2.0"')
    return tuple(map(int, parts))


def _firmware(table: Table) -> Iterator[tuple[str, Any]]:
    yield "version", table.take("version", _version)
    yield "boots", table.take("boots", flag, True)  # noqa: FBT003
    yield "payload_octets", table.take("octets", whole(0, 30_000), 2048)


def _credit_key(table: Table) -> Iterator[tuple[str, Any]]:
    yield "number", table.take("number", whole(2, 255))


_CONTENTS: Final = {
    "tariff": _tariff,
    "slogan": _slogan,
    "firmware": _firmware,
    "credit-key": _credit_key,
}


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

VERBS: Final[Mapping[str, Callable[[Table, str], Action]]] = {
    "frank": _inner(_frank),
    "zero": _plain(_COUNT, lambda count: TryOut(count, zero=True)),
    "try": _plain(_COUNT, TryOut),
    "choose": _inner(_choose),
    "ask-psd": _inner(_ask_psd),
    "dial": _inner(_dial),
    "enter-pin": _inner(_enter_pin),
    "set-pin": _inner(_set_pin),
    "leave": _only_true(Leave()),
    "set": _inner(lambda table: Change(_changes(table))),
    "department": _inner(lambda table: PutDepartment(_department(table))),
    "drop-department": _plain(_department_number, DropDepartment),
    "service": _plain(one_of(SERVICES), Serve),
    "new-flash": _inner(_new_flash),
    "sensors": _inner(_sense),
    "scale": _inner(_scale),
    "power": _plain(one_of(("on", "off", "cycle")), Power),
    "power-cut": _inner(_power_cut),
    "print-fails": _only_true(FailPrint()),
    "carrier-lost": _inner(_carrier_lost),
    "order": _inner(_order),
    "licence": _inner(_licence),
    "deposit": _plain(_steps_of_100, Deposit),
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
    "repeat": lambda table, _verb: _repeat(table, 1),
}
"""Every verb of a step, and how it is read; `repeat` is read where its depth is known.
"""
