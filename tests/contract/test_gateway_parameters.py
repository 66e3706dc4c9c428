"""What a deployment sets wins for its dates, and stays written, on both engines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time

import pytest

from dop_gateway.errors import InvalidError
from dop_gateway.parameters import store as parameters
from hw.database import Store
from tests.gateway import ASHA, NOW, gateway_at

FEE = "licence.fee_paise"
OPEN = "oem.letters_open"


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    """Open a database in which nothing is set."""
    with gateway_at(store_place) as store:
        yield store


def fees(store: Store) -> list[int]:
    """Give the fee of three days."""
    with store.reading() as connection:
        table = parameters.table(connection)
    return [table.paise(FEE, date(year, 4, 1)) for year in (2026, 2027, 2028)]


def test_what_is_shipped_holds_where_nothing_is_set(store: Store) -> None:
    assert fees(store) == [37_500, 37_500, 37_500]


def test_a_value_that_is_set_wins_for_its_days_and_the_newest_first(
    store: Store,
) -> None:
    with store.writing("test") as connection:
        parameters.set_value(connection, FEE, 40_000, date(2027, 1, 1), ASHA)
    assert fees(store) == [37_500, 40_000, 40_000]
    with store.writing("test") as connection:
        parameters.set_value(
            connection, FEE, 45_000, date(2027, 4, 1), ASHA, valid_to=date(2027, 4, 1)
        )
    assert fees(store) == [37_500, 45_000, 40_000]


def test_days_may_be_given_back_to_what_is_shipped(store: Store) -> None:
    with store.writing("test") as connection:
        parameters.set_value(connection, FEE, 40_000, date(2026, 1, 1), ASHA)
        parameters.set_value(connection, OPEN, ["P"], date(2020, 1, 1), ASHA)
        parameters.set_value(connection, FEE, None, date(2027, 1, 1), ASHA)
        parameters.set_value(connection, OPEN, None, date(2024, 1, 1), ASHA)
        table = parameters.table(connection)
    assert fees(store) == [40_000, 37_500, 37_500]
    letters = [
        table.letters(OPEN, date(*day)) for day in ((2023, 1, 1), (2024, 12, 15))
    ]
    assert letters == [("P",), ("F", "N", "P")]
    assert table.letters(OPEN, date(2024, 12, 16)) == ("N", "P")


def test_what_was_set_is_told_with_who_and_why(store: Store) -> None:
    with store.writing("test") as connection:
        parameters.set_value(connection, "bank.run_at", "21:30", date(2027, 1, 1), ASHA)
        parameters.set_value(connection, "bank.run_at", None, date(2027, 2, 1), ASHA)
        last, first = parameters.history(connection, "bank.run_at")
        row = parameters.table(connection).row("bank.run_at", date(2027, 1, 1))
    assert (first.value, last.value) == (time(21, 30), None)
    assert (first.person, first.reason, first.at) == ("asha", "a test", NOW)
    assert (first.valid_from, first.valid_to) == (date(2027, 1, 1), date.max)
    assert (row.tag, row.source) == ("deployment", "asha: a test")


@pytest.mark.parametrize(
    ("key", "written", "pointer"),
    [
        ("licence.color", 1, "/key"),
        (FEE, "375", "/value"),
        (FEE, 37_500.0, "/value"),
        ("exchange.windows", ["10:00-09:30"], "/value"),
    ],
)
def test_what_cannot_be_is_not_set(
    store: Store, key: str, written: object, pointer: str
) -> None:
    with store.writing("test") as connection:
        with pytest.raises(InvalidError) as refused:
            parameters.set_value(connection, key, written, date(2027, 1, 1), ASHA)
        assert [one.pointer for one in refused.value.findings] == [pointer]


def test_everything_that_is_wrong_is_told_at_once(store: Store) -> None:
    with store.writing("test") as connection:
        with pytest.raises(InvalidError) as refused:
            parameters.set_value(
                connection,
                FEE,
                -1,
                date(2027, 1, 1),
                replace(ASHA, reason=" "),
                valid_to=date(2026, 1, 1),
            )
        assert [one.pointer for one in refused.value.findings] == [
            *("/value", "/valid_to", "/reason")
        ]
        assert parameters.history(connection, FEE) == []
