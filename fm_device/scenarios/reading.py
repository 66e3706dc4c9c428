"""Reading a scenario: the file, its start, its machine, its line and its steps."""

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Final

from fm_device.scenarios.expectations import read_expectations
from fm_device.scenarios.form import (
    ScenarioError,
    Table,
    flag,
    listed,
    number,
    one_of,
    rupees,
    suggestion,
    text,
    whole,
)
from fm_device.scenarios.machine_reading import read_machine
from fm_device.scenarios.moments import Moment, instant, moment
from fm_device.scenarios.scenario import (
    Line,
    Scenario,
    Start,
    StartRegisters,
    StartState,
)
from fm_device.scenarios.steps import Action, Repeat, Step
from fm_device.scenarios.values import epoch, steps_of_100
from fm_device.scenarios.verb_reading import ONE_VERBS, PRESETS
from protocol.parameters import business_date, parameter
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, Paise, show_rupees

FILE_OCTETS_MAX: Final = 262_144
DEPTH_MAX: Final = 4
_LINE_OF_ERROR: Final = re.compile(r"\s*\(at line ([0-9]+), column [0-9]+\)")


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
        machine=read_machine(table.table("machine")),
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
        funds_paise=table.take("funds", steps_of_100, usual.funds_paise),
        deposited_paise=table.take("deposited", steps_of_100, usual.deposited_paise),
        with_tariff=table.take("tariff", flag, True),  # noqa: FBT003
        with_clock=table.take("clock", flag, True),  # noqa: FBT003
        registers=_registers(registers) if has_registers else None,
        preset=table.take("preset", one_of(PRESETS), usual.preset),
    )
    table.end()
    in_service = start.state is StartState.IN_SERVICE
    funds = start.funds_paise if in_service else 0
    first = funds + start.deposited_paise
    least = parameter("deposit.first_min_paise", business_date(epoch(start.at)))
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


VERBS: Final[Mapping[str, Callable[[Table, str], Action]]] = {
    **ONE_VERBS,
    "repeat": lambda table, _verb: _repeat(table, 1),
}
"""Every verb of a step, and how it is read; `repeat` is read where its depth is known.
"""
