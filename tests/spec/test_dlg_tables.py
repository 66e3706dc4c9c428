"""DLG-15: the state tables in SPEC.md are those the programs run on."""

from enum import Enum
from itertools import product
from types import UnionType
from typing import Any, get_args

import pytest

from protocol.dialogue import machine, server
from protocol.errors import NoTransitionError
from protocol.table import Table
from rmfs_tools.spec import SPEC, fill


def test_the_generated_parts_of_the_specification_are_up_to_date() -> None:
    text = SPEC.read_text("utf-8")
    assert fill(text) == text, "run: python -m rmfs_tools.spec"


def event_types(union: UnionType) -> list[type]:
    return list(get_args(union))


@pytest.mark.parametrize(
    ("table", "events"),
    [
        (machine.TABLE, event_types(machine.MachineEvent)),
        (server.TABLE, event_types(server.ServerEvent)),
    ],
    ids=["machine", "server"],
)
def test_every_state_and_event_has_one_row_or_none_by_product(
    table: Table[Any, Any], events: list[type]
) -> None:
    rows = {(row.state, row.event) for row in table.rows}
    assert {row.event for row in table.rows} == set(events)
    states: list[Enum] = [*type(table.initial).__members__.values()]
    for state, event in product(states, events):
        stand_in: object = object.__new__(event)
        if (state, event) in rows:
            assert table.row(state, stand_in).state is state
        else:
            with pytest.raises(NoTransitionError):
                table.row(state, stand_in)


@pytest.mark.parametrize("table", [machine.TABLE, server.TABLE])
def test_every_state_but_the_last_can_fail_and_lose_the_line(
    table: Table[Any, Any],
) -> None:
    for state in type(table.initial):
        names = {row.event.__name__ for row in table.rows if row.state is state}
        if state.name == "ENDED":
            assert not names
        else:
            assert {"Failed", "LineLost"} <= names
