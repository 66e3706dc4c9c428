"""The Department's ledger: accounts, movements, and many of them at once."""

from collections.abc import Iterator

import pytest

from dop_gateway import ledger
from dop_gateway.ledger import AccountName, Balances, JournalKind, Source, movements
from protocol.errors import InvariantError, LocalProtocolError
from protocol.values import Paise
from tests.deposit_desk import N1, N2, DepositDesk, deposit_desk_at


@pytest.fixture
def desk(store_place: str) -> Iterator[DepositDesk]:
    """Give a Department; its money must add up when the test is over."""
    with deposit_desk_at(store_place) as desk:
        yield desk
        with desk.store.reading() as connection:
            assert list(ledger.verify(connection)) == []
            assert ledger.total_paise(connection) == 0


def _paid(amount: int = 500_000, key: str = "a") -> ledger.Movement:
    return movements.authenticated(Source.BANK, N1, amount, key, "a test")


def test_a_licence_has_three_balances_which_are_nothing_at_first(
    desk: DepositDesk,
) -> None:
    nothing = Paise(0)
    assert desk.balances() == Balances(nothing, nothing, nothing)


def test_a_rupee_goes_from_the_bank_to_the_postage_and_is_never_twice(
    desk: DepositDesk,
) -> None:
    for movement in (
        _paid(),
        movements.acknowledged(N1, 500_000, "b", "a test"),
        movements.downloaded(N1, 300_000, "c", "a test"),
        movements.withdrawn(N1, 100_000, "d", "a test"),
        movements.used(N1, 50_000, "e", "a test"),
        movements.refunded(N1, 20_000, "f", "a test"),
    ):
        desk.move(movement)
    assert desk.balances() == Balances(Paise(0), Paise(280_000), Paise(150_000))
    found = {name: desk.holds(name) for name in ("bank", "postage", "refunds")}
    assert found == {"bank": -500_000, "postage": 50_000, "refunds": 20_000}


def test_a_movement_that_is_made_again_changes_nothing(desk: DepositDesk) -> None:
    with desk.store.writing("test") as connection:
        first = ledger.post(connection, _paid(), desk.by())
        second = ledger.post(connection, _paid(), desk.by())
    assert (first.repeated, second.repeated) == (False, True)
    assert first.journal == second.journal
    assert desk.balances().deposited == 500_000


def test_a_key_is_not_used_for_another_movement(desk: DepositDesk) -> None:
    desk.move(_paid())
    with pytest.raises(InvariantError, match="another request"):
        desk.move(_paid(600_000))
    with (
        pytest.raises(InvariantError, match="another request"),
        desk.store.writing("test") as connection,
    ):
        ledger.post_many(
            connection, [_paid(100, key="z"), _paid(200, key="z")], desk.by()
        )


def test_no_account_of_a_licence_falls_below_zero_whatever_follows(
    desk: DepositDesk,
) -> None:
    desk.move(_paid(1_000))
    with (
        pytest.raises(InvariantError, match="does not hold 1001"),
        desk.store.writing("test") as connection,
    ):
        ledger.post_many(
            connection,
            [movements.acknowledged(N1, 1_001, "b", "x"), _paid(5_000, key="c")],
            desk.by(),
        )
    assert desk.balances().deposited == 1_000


def test_many_movements_are_made_in_their_order_and_numbered_without_gaps(
    desk: DepositDesk,
) -> None:
    paid = [_paid(100, key=f"a{one}") for one in range(1_500)]
    taken = [
        movements.acknowledged(N1, 100, f"b{one}", "a test") for one in range(1_500)
    ]
    both = [one for pair in zip(paid, taken, strict=True) for one in pair]
    with desk.store.writing("test") as connection:
        posted = ledger.post_many(connection, both, desk.by())
    assert len({one.journal for one in posted}) == 3_000
    assert desk.balances() == Balances(Paise(0), Paise(150_000), Paise(0))
    with desk.store.reading() as connection:
        newest = ledger.statement_of_account(connection, N1, 2)
        sums = ledger.sums_by_kind(connection, ledger.AccountKind.DEPOSITED, [N1, N2])
    assert [line.kind for line in newest] == ["ACKNOWLEDGED", "ACKNOWLEDGED"]
    assert sums == {
        (N1, JournalKind.AUTHENTICATED): 150_000,
        (N1, JournalKind.ACKNOWLEDGED): -150_000,
    }


def test_nothing_is_moved_to_an_account_that_is_not_there(desk: DepositDesk) -> None:
    unknown = movements.account_of(ledger.AccountKind.DEPOSITED, N1)
    wrong = ledger.Movement(
        JournalKind.RELEASED, "x", movements.SUSPENSE, AccountName("nowhere"), 1, "x"
    )
    with pytest.raises(LocalProtocolError, match="no account nowhere"):
        desk.move(wrong)
    same = ledger.Movement(JournalKind.RELEASED, "x", unknown, unknown, 1, "x")
    with pytest.raises(InvariantError, match="each account once"):
        desk.move(same)
