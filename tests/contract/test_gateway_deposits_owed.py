"""What a licensee owes for a payment that was taken back is paid by another payment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from dop_gateway import ledger
from dop_gateway.deposits import desk as suspense
from dop_gateway.deposits import funds, store
from dop_gateway.deposits.advancing import advance
from dop_gateway.deposits.model import Action, Deposit, DepositState, Payment
from dop_gateway.deposits.notional import confirm, enter
from dop_gateway.deposits.proposals_store import Proposal
from dop_gateway.errors import ConflictError, InvalidError, SamePersonError
from dop_gateway.incidents.tables import incident
from dop_gateway.ledger import movements
from dop_gateway.money.whole import whole
from dop_gateway.moves import IllegalMoveError
from protocol.values import Paise
from tests.at_once import with_patience
from tests.deposit_desk import (
    DEPARTMENTAL,
    N1,
    N2,
    DepositDesk,
    deposit_desk_at,
    moment,
    number_of,
)

S = DepositState


@pytest.fixture
def desk(store_place: str) -> Iterator[DepositDesk]:
    """Give a Department; its money must add up when the test is over."""
    with deposit_desk_at(store_place) as desk:
        yield desk
        desk.adds_up()
        with desk.store.reading() as connection:
            assert whole(connection, moment(desk.day)).unexplained_paise == 0


def _owed(desk: DepositDesk) -> Payment:
    """Let the bank take back what a machine has already."""
    payment = desk.deliver()
    desk.move(movements.downloaded(N1, 200_000, "one", "a test"))
    desk.bounce(payment)
    file_id = desk.send()
    desk.answer(file_id, desk.told[file_id])
    assert desk.state(payment) is S.OWED
    return payment


def _propose(desk: DepositDesk, owed: Payment, by: Payment) -> Proposal:
    with desk.store.writing("propose") as connection:
        return suspense.propose(
            connection,
            desk.deposit(owed).id,
            Action.SETTLE,
            desk.by("omar", "letter of the licensee of 16-11-2026"),
            payment=desk.deposit(by).id,
        )


def _approve(desk: DepositDesk, one: Proposal, login: str = "sunita") -> Deposit:
    with desk.store.writing("approve") as connection:
        return suspense.approve(connection, one.id, desk.by(login))


def _incident(desk: DepositDesk) -> str:
    with desk.store.reading() as connection:
        return str(connection.execute(select(incident.c.state)).scalar_one())


def test_a_payment_of_what_is_owed_waits_for_a_person_who_settles_with_it(
    desk: DepositDesk,
) -> None:
    owed = _owed(desk)
    paid = desk.bring()
    found = desk.deposit(paid)
    assert (found.state, found.licence) == (S.SUSPENSE, N1)
    assert found.objection is not None
    assert found.objection.code == "DEP-01-013"
    made = _propose(desk, owed, paid)
    assert (made.paid_by, desk.state(owed)) == (found.id, S.OWED)
    assert _approve(desk, made).state is S.PAID_AGAIN
    assert (desk.state(owed), desk.state(paid)) == (S.PAID_AGAIN, S.PAID_OWED)
    # The claim is met; the machine keeps what it has, and gets nothing new.
    assert (desk.holds("suspense"), desk.holds("bank")) == (0, -200_000)
    held = desk.balances()
    assert (held.deposited, held.remaining, held.machine) == (0, 0, 200_000)
    assert _incident(desk) == "ACTED"
    with desk.store.reading() as connection:
        assert funds.waiting(connection, "N") == []
        entries = ledger.statement_of_account(connection, N1, 2)
    assert [(one.kind, one.amount_paise) for one in entries] == [
        ("RECALLED", -200_000),
        ("RELEASED", 200_000),
    ]
    assert "letter of the licensee" in entries[0].reason


def test_the_same_payment_may_be_released_and_is_a_deposit_then(
    desk: DepositDesk,
) -> None:
    owed = _owed(desk)
    paid = desk.bring()
    with desk.store.writing("propose") as connection:
        made = suspense.propose(
            connection,
            desk.deposit(paid).id,
            Action.RELEASE,
            desk.by("omar"),
            licence=N1,
        )
    assert _approve(desk, made).state is S.AUTHENTICATED
    assert desk.state(owed) is S.OWED
    desk.answer(desk.send())
    assert (desk.balances().remaining, desk.holds("suspense")) == (200_000, -200_000)


def test_a_payment_of_another_amount_is_an_ordinary_deposit(desk: DepositDesk) -> None:
    _owed(desk)
    assert desk.state(desk.bring(210_000)) is S.AUTHENTICATED
    assert desk.state(desk.bring(licence=N2)) is S.AUTHENTICATED


def test_a_payment_whose_licence_nobody_could_read_settles_too(
    desk: DepositDesk,
) -> None:
    owed = _owed(desk)
    paid = desk.bring(licence="N999999", licence_number=number_of(N1))
    _approve(desk, _propose(desk, owed, paid))
    found = desk.deposit(paid)
    assert (found.state, found.licence, found.objection) == (S.PAID_OWED, N1, None)


def test_a_deposit_that_is_in_no_fund_file_yet_settles_too(desk: DepositDesk) -> None:
    owed = desk.deliver()
    desk.move(movements.downloaded(N1, 200_000, "one", "a test"))
    desk.bounce(owed)
    file_id = desk.send()
    paid = desk.bring()
    desk.answer(file_id, desk.told[file_id])
    assert (desk.state(owed), desk.state(paid)) == (S.OWED, S.AUTHENTICATED)
    _approve(desk, _propose(desk, owed, paid))
    with desk.store.reading() as connection:
        assert funds.waiting(connection, "N") == []
    assert (desk.state(paid), desk.balances().deposited) == (S.PAID_OWED, 0)


def test_what_the_maker_refused_is_taken_out_of_its_suspense_when_it_settles(
    desk: DepositDesk,
) -> None:
    owed = _owed(desk)
    paid = desk.bring(210_000 - 10_000, licence=N2)
    refused = desk.send()
    desk.answer(refused, desk.told[refused])
    assert desk.state(paid) is S.SUSPENSE
    _approve(desk, _propose(desk, owed, paid))
    with desk.store.reading() as connection:
        (line,) = funds.waiting(connection, "N")
    told = line.line.values
    assert (told["licence"], told["amount_paise"]) == (N2, -200_000)
    desk.answer(desk.send())
    assert desk.state(paid) is S.PAID_OWED


def test_what_settled_a_debt_may_be_taken_back_too_and_the_debt_is_there_again(
    desk: DepositDesk,
) -> None:
    owed = _owed(desk)
    paid = desk.bring()
    _approve(desk, _propose(desk, owed, paid))
    assert desk.bounce(paid).state is S.BOUNCED
    assert desk.bounce(paid).state is S.BOUNCED
    assert (desk.state(owed), desk.holds("suspense")) == (S.OWED, -200_000)
    assert (_incident(desk), desk.holds("bank")) == ("ACTED", 0)
    with desk.store.reading() as connection:
        number = desk.deposit(owed).id
        assert store.owed_since(connection, [number]) == {number: moment(desk.day)}
        assert funds.waiting(connection, "N") == []
    third = desk.bring()
    _approve(desk, _propose(desk, owed, third))
    assert (desk.state(owed), desk.holds("suspense")) == (S.PAID_AGAIN, 0)


def test_the_use_of_a_deposit_goes_on_after_its_debt_is_paid(desk: DepositDesk) -> None:
    owed = _owed(desk)
    _approve(desk, _propose(desk, owed, desk.bring()))
    desk.move(movements.withdrawn(N1, 50_000, "back", "a test"))
    desk.next_day()
    with desk.store.writing("advance") as connection:
        advance(connection, desk.day, desk.by())
    found = desk.deposit(owed)
    assert (found.state, found.downloaded_paise) == (S.PAID_AGAIN, 150_000)
    assert desk.bounce(owed).state is S.PAID_AGAIN


def test_whoever_proposes_that_a_debt_is_paid_does_not_decide_it(
    desk: DepositDesk,
) -> None:
    """GW-03."""
    owed = _owed(desk)
    made = _propose(desk, owed, desk.bring())
    both = desk.by("omar")
    grants = (*both.actor.grants, *desk.by("sunita").actor.grants)
    actor = replace(both.actor, grants=grants)
    desk.people = {**desk.people, "omar": replace(both, actor=actor)}
    with pytest.raises(SamePersonError):
        _approve(desk, made, "omar")
    assert desk.state(owed) is S.OWED


def test_what_cannot_settle_a_debt_is_refused_with_the_reason(
    desk: DepositDesk,
) -> None:
    owed = _owed(desk)
    for payment, words in (
        (desk.bring(210_000, licence="N999999"), "2,100.00, and Rs 2,000.00 are owed"),
        (desk.bring(licence=N2), f"is a deposit of {N2}"),
        (desk.payment(), "is RECEIVED"),
        (owed, "is OWED"),
    ):
        desk.receive(payment)
        with pytest.raises(ConflictError, match=words):
            _propose(desk, owed, payment)
    with desk.store.writing("notional") as connection:
        credit = enter(
            connection, DEPARTMENTAL, Paise(200_000), "SANCTION", desk.by("omar")
        )
        confirm(connection, credit.id, desk.by("sunita"))
    with pytest.raises(ConflictError, match="no money"):
        _propose(desk, owed, credit.payment)


def test_a_settlement_needs_a_payment_and_nothing_else_does(desk: DepositDesk) -> None:
    owed, paid = desk.deposit(_owed(desk)).id, desk.deposit(desk.bring()).id
    with desk.store.writing("propose") as connection:
        by = desk.by("omar")
        for action, payment in ((Action.SETTLE, None), (Action.RETURN, owed)):
            with pytest.raises(InvalidError, match="payment"):
                suspense.propose(connection, owed, action, by, payment=payment)
        with pytest.raises(InvalidError, match="no deposit 99"):
            suspense.propose(
                connection, owed, Action.SETTLE, by, payment=type(owed)(99)
            )
        with pytest.raises(ConflictError, match="not possible"):
            suspense.propose(connection, paid, Action.SETTLE, by, payment=paid)


def test_a_payment_about_which_something_is_proposed_settles_nothing(
    desk: DepositDesk,
) -> None:
    owed, paid = _owed(desk), desk.bring()
    with desk.store.writing("propose") as connection:
        suspense.propose(
            connection, desk.deposit(paid).id, Action.RETURN, desk.by("omar")
        )
    with pytest.raises(ConflictError, match="RETURN of deposit"):
        _propose(desk, owed, paid)


def test_a_debt_that_two_settle_at_once_is_settled_once(desk: DepositDesk) -> None:
    owed, paid = _owed(desk), desk.bring()
    made = _propose(desk, owed, paid)

    def approve(_: int) -> str:
        try:
            return _approve(desk, made).state.name
        except IllegalMoveError:
            return "decided"

    with_patience(desk.store)
    with ThreadPoolExecutor(2) as threads:
        done = set(threads.map(approve, range(2)))
    assert done == {"PAID_AGAIN", "decided"}
