"""Refunds: spoiled impressions, each once; and what is left after a cancellation."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dop_gateway import ledger
from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.franks.verifying import verify
from dop_gateway.ledger import movements
from dop_gateway.licences.model import LicenceKind
from dop_gateway.moves import ObjectionError
from dop_gateway.posting import claims_store, settling_claims
from dop_gateway.posting.claiming import FRANKS_MAX, propose_spoiled, propose_unused
from dop_gateway.posting.model import Claim, ClaimState, PaidBy
from protocol.values import Paise
from tests.at_once import until_somebody_waits, with_patience
from tests.posting_desk import PostingDesk, posting_desk
from tests.witness.small_server import LICENCE


@pytest.fixture
def desk(store_place: str) -> Iterator[PostingDesk]:
    with posting_desk(store_place) as desk:
        yield desk
        with desk.store.reading() as connection:
            assert list(ledger.verify(connection)) == []


def spoiled(desk: PostingDesk, *scans: bytes, login: str = "meena") -> Claim:
    with desk.store.writing("test") as connection:
        return propose_spoiled(connection, LICENCE, scans, desk.today, desk.by(login))


def unused(desk: PostingDesk) -> Claim:
    with desk.store.writing("test") as connection:
        return propose_unused(connection, LICENCE, desk.today, desk.by("meena"))


def seen(desk: PostingDesk, scan: bytes) -> list[str]:
    """Hand a frank in as mail."""
    with desk.store.writing("test") as connection:
        verdict = verify(connection, scan, desk.office, desk.today, desk.by("meena"))
    return [one.name for one in verdict.findings]


def codes(refused: pytest.ExceptionInfo[InvalidError]) -> list[tuple[str, str]]:
    return [(one.pointer, one.code) for one in refused.value.findings]


def test_spoiled_impressions_are_paid_back_less_five_per_cent(
    desk: PostingDesk,
) -> None:
    """Domain notes 12."""
    first, second = desk.frank(2)
    claim = spoiled(desk, first, second)
    assert claim.number.startswith("SP")
    assert (claim.gross_paise, claim.deduction_paise) == (1_000, 50)
    with desk.store.writing("test") as connection:
        settling_claims.sanction(connection, claim.number, desk.by("prakash"))
        paid = settling_claims.pay(
            connection, claim.number, PaidBy.CASH, desk.today, desk.by("meena")
        )
        assert claims_store.count_franks(connection, claim.id) == 2
    assert (paid.state, paid.payable_paise) == (ClaimState.PAID, 950)


def test_no_impression_is_paid_back_twice(desk: PostingDesk) -> None:
    first, second = desk.frank(2)
    with pytest.raises(InvalidError) as refused:
        spoiled(desk, first, first)
    assert codes(refused) == [("/scans/1", "twice")]
    spoiled(desk, first)
    with pytest.raises(InvalidError) as refused:
        spoiled(desk, second, first)
    assert codes(refused) == [("/scans/1", "FRK-20-001")]
    spoiled(desk, second)


def test_an_impression_that_is_paid_back_is_no_mail_any_more(
    desk: PostingDesk,
) -> None:
    (octets,) = desk.frank()
    spoiled(desk, octets)
    assert seen(desk, octets) == ["REFUNDED", "COPIED"]


def test_mail_that_was_handed_in_is_no_spoiled_impression(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    assert seen(desk, octets) == []
    with pytest.raises(InvalidError, match="handed in as mail"):
        spoiled(desk, octets)


def test_a_refused_claim_lets_its_impressions_go(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    claim = spoiled(desk, octets)
    with desk.store.writing("test") as connection:
        settling_claims.refuse(connection, claim.number, desk.by("padma"))
    assert spoiled(desk, octets).id != claim.id


def test_spoiled_impressions_are_claimed_within_a_month(desk: PostingDesk) -> None:
    """`spoiled.months`: of 1 June until 1 July."""
    early, late = desk.frank(2)
    desk.bench.days_pass(30)
    spoiled(desk, early)
    desk.bench.days_pass(1)
    with pytest.raises(InvalidError) as refused:
        spoiled(desk, late)
    assert codes(refused) == [("/scans/0", "too_late")]


def test_what_no_machine_made_is_not_paid_back(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    forged = octets[:-1] + bytes((octets[-1] ^ 1,))
    for scan, code in (
        (forged, "IND-20-005"),
        (b"", "IND-20-001"),
        (octets[:50], "IND-20-001"),
    ):
        with pytest.raises(InvalidError) as refused:
            spoiled(desk, scan)
        assert codes(refused) == [("/scans/0", code)]
    for scans in ((), (octets,) * (FRANKS_MAX + 1)):
        with pytest.raises(InvalidError, match="go into a claim"):
            spoiled(desk, *scans)
    spoiled(desk, octets)


def test_who_surrenders_spoiled_impressions_does_not_sanction(
    desk: PostingDesk,
) -> None:
    (octets,) = desk.frank()
    claim = spoiled(desk, octets, login="prakash")
    with (
        pytest.raises(SamePersonError),
        desk.store.writing("test") as connection,
    ):
        settling_claims.sanction(connection, claim.number, desk.by("prakash"))
    with pytest.raises(NotFoundError):
        spoiled(desk, octets, login="malini")


def given_up(desk: PostingDesk) -> None:
    """Hand in the last mail, dial in the last time, and cancel the licence."""
    desk.frank(2)
    desk.handed_in()
    desk.tell(desk.dial_in())
    desk.cancel_licence()


def test_what_is_left_is_paid_back_after_cancellation(desk: PostingDesk) -> None:
    """Domain notes 12: DR on the last statement, and what remains with the maker."""
    given_up(desk)
    claim = unused(desk)
    assert claim.gross_paise == (200_000 - 1_000) + 800_000
    assert claim.deduction_paise == 0
    with desk.store.writing("test") as connection:
        settling_claims.confirm(
            connection, claim.number, Paise(800_000), desk.by("nina")
        )
        settling_claims.sanction(connection, claim.number, desk.by("lata"))
        settling_claims.pay(
            connection, claim.number, PaidBy.CHEQUE, desk.today, desk.by("prakash")
        )
    with desk.store.reading() as connection:
        held = ledger.balances(connection, LICENCE)
    assert (held.deposited, held.remaining, held.machine) == (0, 0, 0)
    with pytest.raises(InvalidError, match="ledger"):
        unused(desk)


def test_nothing_is_sanctioned_before_the_maker_has_confirmed(
    desk: PostingDesk,
) -> None:
    given_up(desk)
    claim = unused(desk)
    with pytest.raises(ConflictError, match="waits"):
        unused(desk)
    with desk.store.writing("test") as connection:
        with pytest.raises(ObjectionError, match="maker has to confirm"):
            settling_claims.sanction(connection, claim.number, desk.by("padma"))
        with pytest.raises(InvalidError, match="reconcile first"):
            settling_claims.confirm(connection, claim.number, Paise(1), desk.by("nina"))
        with pytest.raises(NotAllowedError):
            settling_claims.confirm(
                connection, claim.number, Paise(800_000), desk.by("padma")
            )


def test_money_that_moved_since_is_not_paid_back(desk: PostingDesk) -> None:
    given_up(desk)
    claim = unused(desk)
    with desk.store.writing("test") as connection:
        settling_claims.confirm(
            connection, claim.number, Paise(800_000), desk.by("nina")
        )
        settling_claims.sanction(connection, claim.number, desk.by("lata"))
        moved = movements.refunded(LICENCE, 100, "test:moved", "a test")
        ledger.post(connection, moved, desk.by("gateway"))
    with (
        pytest.raises(ConflictError, match="propose it anew"),
        desk.store.writing("test") as connection,
    ):
        settling_claims.pay(
            connection, claim.number, PaidBy.CASH, desk.today, desk.by("padma")
        )


def test_money_that_moves_in_that_moment_is_not_paid_back(desk: PostingDesk) -> None:
    with_patience(desk.store)
    given_up(desk)
    claim = unused(desk)
    with desk.store.writing("test") as connection:
        settling_claims.confirm(
            connection, claim.number, Paise(800_000), desk.by("nina")
        )
        settling_claims.sanction(connection, claim.number, desk.by("lata"))

    def pay() -> str:
        try:
            with desk.store.writing("pay") as connection:
                settling_claims.pay(
                    connection, claim.number, PaidBy.CASH, desk.today, desk.by("padma")
                )
        except ConflictError as error:
            return str(error)
        return "paid"

    with ThreadPoolExecutor(1) as threads:
        with desk.store.writing("move") as connection:
            moved = movements.refunded(LICENCE, 100, "test:moved", "a test")
            ledger.post(connection, moved, desk.by("gateway"))
            told = threads.submit(pay)
            until_somebody_waits(desk.store)
        assert "propose it anew" in told.result()


def test_a_licence_in_force_has_nothing_to_be_paid_back(desk: PostingDesk) -> None:
    desk.frank(1)
    desk.handed_in()
    desk.tell(desk.dial_in())
    with pytest.raises(InvalidError) as refused:
        unused(desk)
    assert codes(refused) == [
        ("/licence", "not_cancelled"),
        ("/licence", "machine_not_cancelled"),
    ]


def test_unused_credit_is_claimed_within_three_months(desk: PostingDesk) -> None:
    """`unused.months`: of 1 June until 1 September."""
    given_up(desk)
    desk.bench.days_pass(93)
    with pytest.raises(InvalidError) as refused:
        unused(desk)
    assert codes(refused) == [("/licence", "too_late")]
    desk.bench.days_pass(-1)
    unused(desk)


def test_the_last_statement_has_to_be_the_last(desk: PostingDesk) -> None:
    """What was franked behind it was never handed in: somebody looks first."""
    desk.frank(2)
    desk.handed_in()
    desk.frank(1)
    desk.tell(desk.dial_in())
    desk.cancel_licence()
    with pytest.raises(InvalidError) as refused:
        unused(desk)
    assert codes(refused) == [("/licence", "registers_differ")]


def test_a_machine_that_has_not_told_its_registers_is_reconciled_first(
    desk: PostingDesk,
) -> None:
    desk.frank(2)
    desk.handed_in()
    desk.cancel_licence()
    with pytest.raises(InvalidError) as refused:
        unused(desk)
    assert ("/licence", "ledger_differs") in codes(refused)


def test_credit_of_the_departments_own_machines_is_not_paid_back(
    store_place: str,
) -> None:
    """Domain notes 6.1: it is notional, nobody has paid it in."""
    with posting_desk(store_place, kind=LicenceKind.DEPARTMENTAL) as desk:
        (octets,) = desk.frank()
        with pytest.raises(InvalidError, match="notional"):
            spoiled(desk, octets)
        with pytest.raises(InvalidError, match="notional"):
            unused(desk)
