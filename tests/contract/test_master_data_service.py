"""What people set in calendars and parameters is told to the audit."""

import json
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import select

from dop_gateway.audit import trail
from dop_gateway.audit.tables import audit
from dop_gateway.calendars import service as calendars
from dop_gateway.calendars import store as calendar_store
from dop_gateway.calendars.model import COMMON, DCR
from dop_gateway.calendars.reading import parse_years
from dop_gateway.errors import InvalidError
from dop_gateway.parameters import service as parameters
from hw.database import Store
from tests.gateway import ASHA, gateway_at

DAY = date(2027, 11, 1)


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    """Open a database in which nothing is set."""
    with gateway_at(store_place) as store:
        yield store


def acts(store: Store) -> list[tuple[str, str, dict[str, object]]]:
    with store.reading() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.number)).all()
        assert list(trail.verify(connection)) == []
    return [(row.subject, row.move, json.loads(row.detail)) for row in rows]


def test_a_day_is_said_and_taken_back_and_both_are_told(store: Store) -> None:
    with store.writing("test") as connection:
        calendars.say(connection, DCR, DAY, " A poll ", ASHA)
        calendars.take_back(connection, DCR, DAY, ASHA)
        calendars.say(connection, DCR, DAY, "Duty", ASHA, works=True)
        assert calendar_store.calendar(connection, DCR).is_working_day(DAY)
    assert [(subject, act) for subject, act, _ in acts(store)] == [
        ("DCR", "say holiday"),
        ("DCR", "take back"),
        ("DCR", "say it is worked"),
    ]
    assert acts(store)[0][2] == {"day": "2027-11-01", "what": "A poll"}


def test_a_day_without_a_name_is_refused_and_nothing_is_told(store: Store) -> None:
    with store.writing("test") as connection, pytest.raises(InvalidError):
        calendars.say(connection, DCR, DAY, " ", ASHA)
    assert acts(store) == []


def test_the_list_of_a_year_is_told_with_its_source(store: Store) -> None:
    (year,) = parse_years(
        '[[year]]\nyear = 2027\nsource = "a circular"\nholidays = [2027-11-01]\n'
    )
    with store.writing("test") as connection:
        calendars.bring_in_year(connection, COMMON, year, ASHA)
    ((subject, act, detail),) = acts(store)
    assert (subject, act) == ("COMMON", "bring in year")
    assert (detail["year"], detail["source"], detail["added"]) == (
        *(2027, "a circular", 1),
    )


def test_a_parameter_that_is_set_is_told_with_its_days(store: Store) -> None:
    with store.writing("test") as connection:
        parameters.set_value(connection, "licence.fee_paise", 40_000, DAY, ASHA)
        parameters.set_value(
            connection, "licence.fee_paise", None, DAY, ASHA, valid_to=DAY
        )
        with pytest.raises(InvalidError):
            parameters.set_value(connection, "licence.fee_paise", -1, DAY, ASHA)
    assert acts(store) == [
        (
            "licence.fee_paise",
            "set",
            {"value": 40_000, "valid_from": "2027-11-01", "valid_to": ""},
        ),
        (
            "licence.fee_paise",
            "give back",
            {"value": None, "valid_from": "2027-11-01", "valid_to": "2027-11-01"},
        ),
    ]
