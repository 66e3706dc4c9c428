"""Rebates: the arithmetic of the vectors, and who may claim what, when."""

from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dop_gateway.errors import (
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.moves import IllegalMoveError, ObjectionError
from dop_gateway.parameters import store as parameters
from dop_gateway.parameters.shipped import shipped_parameters
from dop_gateway.posting import claims_store, settling_claims
from dop_gateway.posting.claiming import propose_rebate
from dop_gateway.posting.model import Claim, ClaimState, PaidBy
from dop_gateway.posting.rebates import Rates, Rebate, deduction_paise
from protocol.errors import LocalProtocolError
from protocol.values import Paise
from tests.posting_desk import PostingDesk, posting_desk
from tests.witness.small_server import LICENCE

TODAY = date(2026, 6, 1)
RATES = Rates.on(TODAY, shipped_parameters())


@pytest.fixture
def desk(store_place: str) -> Iterator[PostingDesk]:
    with posting_desk(store_place) as desk:
        yield desk


def rebate(begin: int, end: int, came_sorted: int = 0, rates: Rates = RATES) -> Rebate:
    return Rebate(Paise(begin), Paise(end), Paise(came_sorted), rates)


def test_the_vectors_of_the_rebate_hold() -> None:
    """Domain notes 25: AR 10,000 to 15,000 gives 150.00; to 14,999 none."""
    assert rebate(1_000_000, 1_500_000).total_paise == 15_000
    assert rebate(1_000_000, 1_499_900).total_paise == 0
    assert rebate(1_000_000, 1_499_999).total_paise == 0


def test_sorted_mail_earns_more_only_where_that_is_on() -> None:
    assert rebate(0, 1_000_000, 600_000).sorted_rebate_paise == 0
    both = Rates(RATES.min_paise, 300, 200)
    assert rebate(0, 1_000_000, 600_000, both).total_paise == 30_000 + 12_000


@given(begin=st.integers(0, 10**12), more=st.integers(0, 10**9))
def test_a_rebate_is_never_more_than_its_rate(begin: int, more: int) -> None:
    made = rebate(begin, begin + more)
    assert made.total_paise * 10_000 <= more * 300
    assert made.is_earned == (more >= 500_000)


def test_registers_that_fell_earn_nothing() -> None:
    with pytest.raises(LocalProtocolError):
        rebate(2, 1)
    with pytest.raises(LocalProtocolError):
        rebate(1, 2, 3)


def test_a_fraction_of_a_paisa_is_kept() -> None:
    assert deduction_paise(Paise(500), 500) == 25
    assert deduction_paise(Paise(501), 500) == 26


def propose(
    desk: PostingDesk, to: str, since: str | None = None, login: str = "meena"
) -> Claim:
    with desk.store.writing("test") as connection:
        return propose_rebate(
            connection, LICENCE, (since, to), desk.today, desk.by(login)
        )


def settled(desk: PostingDesk, claim: Claim) -> Claim:
    with desk.store.writing("test") as connection:
        settling_claims.sanction(connection, claim.number, desk.by("prakash"))
        return settling_claims.pay(
            connection, claim.number, PaidBy.CASH, desk.today, desk.by("meena")
        )


def codes(refused: pytest.ExceptionInfo[InvalidError]) -> list[tuple[str, str]]:
    return [(one.pointer, one.code) for one in refused.value.findings]


def test_a_rebate_is_claimed_sanctioned_and_paid_by_several_people(
    desk: PostingDesk,
) -> None:
    desk.recharge(600_000)
    desk.franked_worth(500_000)
    stated = desk.handed_in()
    claim = propose(desk, stated.number)
    assert (claim.gross_paise, claim.payable_paise) == (15_000, 15_000)
    assert claim.number.startswith("RB")
    assert claim.state is ClaimState.PROPOSED
    with desk.store.writing("test") as connection:
        paid = settling_claims.sanction(connection, claim.number, desk.by("prakash"))
        assert paid.state is ClaimState.SANCTIONED
    paid = settle_pay(desk, claim)
    assert (paid.state, paid.schedule_on) == (ClaimState.PAID, desk.today)
    with pytest.raises(IllegalMoveError):
        settle_pay(desk, claim)


def settle_pay(desk: PostingDesk, claim: Claim) -> Claim:
    with desk.store.writing("test") as connection:
        return settling_claims.pay(
            connection, claim.number, PaidBy.CASH, desk.today, desk.by("meena")
        )


def test_the_next_rebate_begins_where_the_last_one_ended(desk: PostingDesk) -> None:
    desk.recharge(600_000)
    desk.franked_worth(500_000)
    first = desk.handed_in()
    settled(desk, propose(desk, first.number))
    desk.recharge(200_000)
    desk.franked_worth(500_000)
    second = desk.handed_in()
    with pytest.raises(InvalidError, match=f"claimed up to {first.number}"):
        propose(desk, second.number)
    claim = propose(desk, second.number, first.number)
    assert claim.gross_paise == 15_000
    with desk.store.reading() as connection:
        made_of = claims_store.rebate_of(connection, claim.id)
    assert made_of.from_mailing == first.id
    assert made_of.rebate.consumption_paise == 500_000


def test_too_little_consumption_waits_for_the_next_claim(desk: PostingDesk) -> None:
    desk.frank(1)
    stated = desk.handed_in()
    with pytest.raises(InvalidError) as refused:
        propose(desk, stated.number)
    assert codes(refused) == [("/to", "too_small")]


def test_a_rebate_is_claimed_at_the_first_mail_after_a_credit(
    desk: PostingDesk,
) -> None:
    desk.recharge(700_000)
    desk.franked_worth(500_000)
    desk.handed_in()
    desk.frank(1)
    later = desk.handed_in()
    with pytest.raises(InvalidError) as refused:
        propose(desk, later.number)
    assert codes(refused) == [("/to", "no_credit")]


def test_a_rebate_is_claimed_with_the_newest_statement_on_its_day(
    desk: PostingDesk,
) -> None:
    desk.recharge(700_000)
    desk.franked_worth(500_000)
    first = desk.handed_in()
    desk.bench.days_pass(1)
    with pytest.raises(InvalidError) as refused:
        propose(desk, first.number)
    assert codes(refused) == [("/to", "not_today")]
    desk.frank(1)
    desk.handed_in()
    with pytest.raises(InvalidError) as refused:
        propose(desk, first.number)
    assert codes(refused) == [("/to", "not_the_newest"), ("/to", "not_today")]


def test_who_proposed_a_rebate_does_not_sanction_it(desk: PostingDesk) -> None:
    """GW-03: maker and checker are two people."""
    desk.recharge(600_000)
    desk.franked_worth(500_000)
    stated = desk.handed_in()
    with pytest.raises(NotFoundError):
        propose(desk, stated.number, login="malini")
    claim = propose(desk, stated.number, login="prakash")
    with desk.store.writing("test") as connection:
        with pytest.raises(SamePersonError):
            settling_claims.sanction(connection, claim.number, desk.by("prakash"))
        with pytest.raises(NotAllowedError):
            settling_claims.sanction(connection, claim.number, desk.by("meena"))
        with pytest.raises(ObjectionError):
            settling_claims.confirm(connection, claim.number, Paise(0), desk.by("nina"))
        with pytest.raises(IllegalMoveError):
            settling_claims.pay(
                connection, claim.number, PaidBy.CASH, desk.today, desk.by("padma")
            )


def test_a_refused_rebate_can_be_claimed_again(desk: PostingDesk) -> None:
    desk.recharge(600_000)
    desk.franked_worth(500_000)
    stated = desk.handed_in()
    claim = propose(desk, stated.number)
    with pytest.raises(InvalidError):
        propose(desk, stated.number, stated.number)
    with desk.store.writing("test") as connection:
        settling_claims.refuse(connection, claim.number, desk.by("padma"))
    assert propose(desk, stated.number).id != claim.id


def test_the_rate_is_that_of_the_day(desk: PostingDesk) -> None:
    with desk.store.writing("test") as connection:
        for key, value in (
            ("rebate.rate_basis_points", 400),
            ("rebate.sorted", True),
        ):
            parameters.set_value(connection, key, value, desk.today, desk.by("gateway"))
    desk.recharge(600_000)
    desk.franked_worth(500_000)
    stated = desk.handed_in(is_sorted=True)
    assert propose(desk, stated.number).gross_paise == 20_000 + 10_000
