"""Dated parameters are typed values that hold from one day to another."""

import json
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dop_gateway.parameters.shipped import shipped_parameters
from protocol.errors import LocalProtocolError
from protocol.parameter_values import ParameterType, Window, read_value, write_value
from protocol.parameters import (
    ParameterTable,
    all_parameters,
    parameter,
    parse_parameters,
)
from tests.house.sources import ROOT

TODAY = date(2026, 11, 22)
ROW = """
[[parameter]]
key = "licence.years"
type = "years"
value = 5
valid_from = 2010-08-16
tag = "procedure"
source = "a page"
"""
LATER = ROW.replace("value = 5", "value = 6").replace("2010-08-16", "2027-01-01")


def test_both_sides_know_the_numbers_of_deposits() -> None:
    assert parameter("deposit.first_min_paise", TODAY) == 200_000
    assert parameter("download.step_paise", TODAY) == 10_000
    with pytest.raises(
        LocalProtocolError, match=r"no parameter .* holds on 2010-08-15"
    ):
        parameter("deposit.first_min_paise", date(2010, 8, 15))


def test_the_gateway_knows_its_own_and_the_shared_ones() -> None:
    table = shipped_parameters()
    assert table.time_of_day("bank.run_at", TODAY) == time(22, 0)
    assert [str(one) for one in table.windows("exchange.windows", TODAY)] == [
        "09:30-10:00",
        "13:30-14:00",
        "16:30-17:00",
    ]
    assert table.working_days("clear.days.cheque", TODAY) == 3
    assert table.paise("renewal.fee_late_paise", TODAY) == 47_500
    assert table.basis_points("rebate.rate_basis_points", TODAY) == 300
    assert table.months("unused.months", TODAY) == 3
    assert table.years("licence.years", TODAY) == 5
    assert table.switch("deposit.mode.netbanking", TODAY)
    assert not table.switch("deposit.mode.sbi_cheque", TODAY)
    assert table.paise("deposit.first_min_paise", TODAY) == 200_000
    assert table.days("machine.max_silence_days", TODAY) == 30
    assert {row.key for row in all_parameters()} < {row.key for row in table.rows}


def test_a_day_is_judged_by_the_numbers_of_that_day() -> None:
    table = shipped_parameters()
    assert table.letters("oem.letters_open", date(2024, 12, 15)) == ("F", "N", "P")
    assert table.letters("oem.letters_open", date(2024, 12, 16)) == ("N", "P")


def test_no_parameter_is_shipped_twice() -> None:
    text = "".join(
        (ROOT / package / "parameters.toml").read_text()
        for package in ("protocol", "dop_gateway")
    )
    assert len(parse_parameters(text)) == len(shipped_parameters().rows)


def test_whoever_asks_for_another_type_is_told() -> None:
    table = shipped_parameters()
    with pytest.raises(LocalProtocolError, match=r"is working days .*, not calendar"):
        table.days("clear.days.cheque", TODAY)
    with pytest.raises(LocalProtocolError, match="which is no whole number"):
        table.integer("deposit.mode.netbanking", TODAY)
    with pytest.raises(LocalProtocolError, match="no parameter licence color"):
        table.type_of("licence color")


def test_the_first_row_that_holds_on_a_day_wins() -> None:
    table = ParameterTable((*parse_parameters(LATER), *parse_parameters(ROW)))
    assert table.years("licence.years", TODAY) == 5
    assert table.years("licence.years", date(2027, 1, 1)) == 6


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('"years"', '"year"', "its type or tag is not known"),
        ('"procedure"', '"hearsay"', "its type or tag is not known"),
        ("value = 5", "value = 5.0", r"5.0 is not a whole number from 0 to"),
        ("value = 5", "value = true", "True is not a whole number"),
        ("value = 5", "value = -1", "-1 is not a whole number"),
        ("value = 5", "value = 5\nkind = 1", "look at kind"),
        ("value = 5", "", "look at value"),
        ("tag", "tags", "look at tag"),
        ("source = ", "note = 1\nsource = ", "look at note"),
        ("tag = ", "valid_to = 2010-08-15\ntag = ", "it holds on no day"),
        ("2010-08-16", '"2010-08-16"', "it holds on no day"),
        ("[[parameter]]", "[[parameters]]", "parameters is no"),
        ("[[parameter]]", "[[parameter", "cannot be read"),
    ],
)
def test_a_row_with_a_mistake_is_refused(before: str, after: str, reason: str) -> None:
    with pytest.raises(LocalProtocolError, match=reason):
        parse_parameters(ROW.replace(before, after, 1))


def test_two_rows_of_a_key_on_one_day_are_refused() -> None:
    with pytest.raises(LocalProtocolError, match="two rows hold on 2027-01-01"):
        parse_parameters(ROW + LATER)
    ended = ROW.replace("tag = ", "valid_to = 2026-12-31\ntag = ")
    assert len(parse_parameters(ended + LATER)) == 2
    with pytest.raises(LocalProtocolError, match="or two types"):
        parse_parameters(ended + LATER.replace('"years"', '"months"'))


@pytest.mark.parametrize(
    ("of_type", "written"),
    [
        (ParameterType.TIME_OF_DAY, "24:00"),
        (ParameterType.TIME_OF_DAY, "9:30"),
        (ParameterType.TIME_OF_DAY, 2200),
        (ParameterType.WINDOWS, "09:30-10:00"),
        (ParameterType.WINDOWS, ["10:00-09:30"]),
        (ParameterType.WINDOWS, ["09:30"]),
        (ParameterType.WINDOWS, ["09:30-10:00", "09:45-11:00"]),
        (ParameterType.SWITCH, 1),
        (ParameterType.LETTERS, ["N", "N"]),
        (ParameterType.LETTERS, ["n"]),
        (ParameterType.LETTERS, [1]),
        (ParameterType.BASIS_POINTS, 10_001),
    ],
)
def test_a_value_of_another_form_is_refused(
    of_type: ParameterType, written: object
) -> None:
    with pytest.raises(LocalProtocolError, match=of_type.name):
        read_value(of_type, written)


def test_the_end_of_a_window_does_not_belong_to_it() -> None:
    window = Window(time(9, 30), time(10, 0))
    held = [window.holds(time(*at)) for at in ((9, 29), (9, 30), (9, 59), (10, 0))]
    assert held == [False, True, True, False]


TIMES = st.integers(0, 1439).map(lambda minute: time(*divmod(minute, 60)))
WRITTEN = {
    ParameterType.TIME_OF_DAY: TIMES.map("{:%H:%M}".format),
    ParameterType.SWITCH: st.booleans(),
    ParameterType.LETTERS: st.lists(st.sampled_from("FNP"), unique=True),
    ParameterType.BASIS_POINTS: st.integers(0, 10_000),
    ParameterType.WINDOWS: st.lists(TIMES, unique=True, max_size=8).map(
        lambda times: [
            f"{start:%H:%M}-{end:%H:%M}"
            for start, end in zip(sorted(times)[::2], sorted(times)[1::2], strict=False)
        ]
    ),
}


@given(st.data())
def test_what_is_written_is_read_back(data: st.DataObject) -> None:
    of_type = data.draw(st.sampled_from(list(ParameterType)))
    written = data.draw(WRITTEN.get(of_type, st.integers(0, 1_000_000)))
    value = read_value(of_type, written)
    assert write_value(value) == written
    assert read_value(of_type, json.loads(json.dumps(write_value(value)))) == value
