"""Payments judged and dated by the rules: pure, with the shipped parameters.

Requirements RMFS-02 to RMFS-08, RMFS-25 and RMFS-26.
"""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dop_gateway.deposits.judging import Rules, against_amount, available_from
from dop_gateway.deposits.lifecycle import DEPOSIT
from dop_gateway.deposits.model import (
    CHEQUES,
    MODES_OF_SOURCES,
    DepositState,
    Payment,
)
from dop_gateway.ledger import Source
from dop_gateway.parameters.shipped import shipped_parameters
from protocol.calendar import shipped_calendar
from protocol.exchange import PaymentMode
from protocol.values import Paise

RULES = Rules(shipped_parameters())
DAY = date(2026, 11, 16)
S = DepositState
SOURCES = {mode: source for source, modes in MODES_OF_SOURCES.items() for mode in modes}


def _payment(mode: PaymentMode, day: date, realised_on: date | None = None) -> Payment:
    return Payment(
        SOURCES[mode],
        "R1",
        "N123456",
        "KN0600065",
        "Somebody",
        Paise(200_000),
        mode,
        day,
        realised_on=realised_on,
    )


@given(st.integers(1, 10_000_000), st.booleans())
def test_an_amount_is_taken_from_the_minimum_on_in_steps_of_a_hundred_rupees(
    amount: int, first: bool
) -> None:
    least = 200_000 if first else 100_000
    taken = against_amount(amount, DAY, RULES, is_first=first) is None
    assert taken == (amount >= least and amount % 10_000 == 0)


def test_nothing_is_taken_before_there_was_a_rule() -> None:
    against = against_amount(200_000, date(2010, 8, 15), RULES, is_first=True)
    assert against is not None
    assert against.code == "DEP-01-010"


def test_every_mode_of_payment_belongs_to_one_source() -> None:
    assert SOURCES.keys() == set(PaymentMode)
    assert SOURCES[PaymentMode.NOTIONAL] is Source.NOTIONAL


@pytest.mark.parametrize(
    ("mode", "on"),
    [
        (PaymentMode.NETBANKING, True),
        (PaymentMode.PO_CASH, True),
        (PaymentMode.PO_CHEQUE, True),
        (PaymentMode.PO_DRAFT, True),
        (PaymentMode.NOTIONAL, True),
        (PaymentMode.SBI_CASH, False),
        (PaymentMode.SBI_CHEQUE, False),
        (PaymentMode.SBI_DRAFT, False),
        (PaymentMode.PORTAL_UPI, False),
    ],
)
def test_ways_to_pay_are_switched_on_and_off(mode: PaymentMode, on: bool) -> None:
    assert RULES.takes(mode, DAY) == on


@given(
    st.sampled_from([one for one in PaymentMode if one is not PaymentMode.NOTIONAL]),
    st.dates(date(2020, 1, 1), date(2035, 12, 1)),
)
def test_credit_is_available_on_a_working_day_after_that_of_the_payment(
    mode: PaymentMode, day: date
) -> None:
    calendar = shipped_calendar()
    found = available_from(_payment(mode, day), RULES, calendar)
    days = 3 if mode in CHEQUES else 1
    assert found == calendar.add_working_days(day, days)
    assert found > day


@given(st.integers(0, 60))
def test_a_cheque_is_never_available_before_it_was_paid(later: int) -> None:
    calendar = shipped_calendar()
    paid = date.fromordinal(DAY.toordinal() + later)
    payment = _payment(PaymentMode.PO_CHEQUE, DAY, paid)
    found = available_from(payment, RULES, calendar)
    assert found == max(paid, date(2026, 11, 19))


def test_a_deposit_that_was_given_back_has_no_way_on() -> None:
    for state in (S.BOUNCED, S.REVERSED, S.RETURNED):
        assert DEPOSIT.possible(state) == ()
