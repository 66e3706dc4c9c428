from enum import Enum

import pytest

from protocol.errors import LocalProtocolError, NoTransitionError
from protocol.table import Row, Table


class Lamp(Enum):
    OFF = "off"
    ON = "on"


class Pressed: ...


class Burnt: ...


def light() -> str:
    return "light"


def test_a_row_is_found_by_state_and_event() -> None:
    table = Table(Lamp.OFF, [Row(Lamp.OFF, Pressed, light, Lamp.ON)])
    assert table.row(Lamp.OFF, Pressed()).to is Lamp.ON


def test_a_missing_row_says_which_state_and_event() -> None:
    table = Table(Lamp.OFF, [Row(Lamp.OFF, Pressed, light, Lamp.ON)])
    with pytest.raises(NoTransitionError, match="OFF upon Burnt"):
        table.row(Lamp.OFF, Burnt())


def test_two_rows_for_one_state_and_event_are_refused() -> None:
    row = Row(Lamp.OFF, Pressed, light, Lamp.ON)
    with pytest.raises(LocalProtocolError, match="two rows for OFF upon Pressed"):
        Table(Lamp.OFF, [row, row])


def test_a_state_that_no_row_reaches_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="ON"):
        Table(Lamp.OFF, [Row(Lamp.OFF, Pressed, light, Lamp.OFF)])


def test_a_table_is_drawn_row_by_row() -> None:
    table = Table(Lamp.OFF, [Row(Lamp.OFF, Pressed, light, Lamp.ON)])
    assert table.mermaid() == (
        "stateDiagram-v2\n    [*] --> OFF\n    OFF --> ON: Pressed\n"
    )


class Hand(Enum):
    PRESSED = "pressed"


def test_an_event_that_carries_nothing_may_be_a_member_of_an_enumeration() -> None:
    rows = [Row(Lamp.OFF, Hand.PRESSED, light, Lamp.ON)]
    assert Table(Lamp.OFF, rows).mermaid() == (
        "stateDiagram-v2\n    [*] --> OFF\n    OFF --> ON: PRESSED\n"
    )
    with pytest.raises(LocalProtocolError, match="two rows for OFF upon PRESSED"):
        Table(Lamp.OFF, rows * 2)


def test_an_event_that_is_neither_a_class_nor_a_member_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="'pressed' is neither"):
        Table(Lamp.OFF, [Row(Lamp.OFF, "pressed", light, Lamp.ON)])
