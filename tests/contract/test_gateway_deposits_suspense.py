"""The suspense desk: one person proposes, another decides (GW-03, RMFS-17)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from dop_gateway.audit.tables import audit
from dop_gateway.deposits import desk as suspense
from dop_gateway.deposits import funds
from dop_gateway.deposits.model import Action, Deposit, DepositState, Payment
from dop_gateway.deposits.proposals_store import Proposal, ProposalId
from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.ledger import Balances
from dop_gateway.moves import IllegalMoveError, ObjectionError
from protocol.values import Paise
from tests.deposit_desk import N1, N2, P1, DepositDesk, deposit_desk_at, number_of

S = DepositState


@pytest.fixture
def desk(store_place: str) -> Iterator[DepositDesk]:
    """Give a Department; its money must add up when the test is over."""
    with deposit_desk_at(store_place) as desk:
        yield desk
        desk.adds_up()


def _propose(
    desk: DepositDesk,
    payment: Payment,
    action: Action,
    licence: str = "",
    login: str = "omar",
) -> Proposal:
    number = desk.deposit(payment).id
    with desk.store.writing("propose") as connection:
        return suspense.propose(
            connection, number, action, desk.by(login), licence=licence
        )


def _approve(desk: DepositDesk, one: Proposal, login: str = "sunita") -> Deposit:
    with desk.store.writing("approve") as connection:
        return suspense.approve(connection, one.id, desk.by(login))


def _misread(desk: DepositDesk, amount: int = 200_000) -> Payment:
    """Take a payment in whose identifier somebody misread."""
    return desk.bring(amount, licence="N123465", licence_number=number_of(N1))


def test_a_payment_is_released_to_the_licence_that_it_was_meant_for(
    desk: DepositDesk,
) -> None:
    payment = _misread(desk)
    done = _approve(desk, _propose(desk, payment, Action.RELEASE, N1))
    assert (done.state, done.licence) == (S.AUTHENTICATED, N1)
    # What was captured stays.
    assert desk.deposit(payment).payment == payment
    assert desk.balances().deposited == 200_000
    assert desk.holds("suspense") == 0
    with desk.store.reading() as connection:
        (line,) = funds.waiting(connection, "N")
    assert line.line.values["licence"] == N1
    assert line.line.values["licence_number"] == number_of(N1)


def test_a_payment_is_given_back_to_who_paid(desk: DepositDesk) -> None:
    payment = _misread(desk)
    assert _approve(desk, _propose(desk, payment, Action.RETURN)).state is S.RETURNED
    assert (desk.holds("suspense"), desk.holds("bank")) == (0, 0)


def test_whoever_proposes_does_not_decide(desk: DepositDesk) -> None:
    payment = _misread(desk)
    both = desk.by("omar")
    everything = desk.by("sunita").actor.grants
    actor = replace(both.actor, grants=(*both.actor.grants, *everything))
    desk.people = {**desk.people, "omar": replace(both, actor=actor)}
    made = _propose(desk, payment, Action.RETURN)
    with pytest.raises(SamePersonError):
        _approve(desk, made, "omar")
    with (
        pytest.raises(SamePersonError),
        desk.store.writing("reject") as connection,
    ):
        suspense.reject(connection, made.id, desk.by("omar"))
    assert desk.state(payment) is S.SUSPENSE


def test_an_operator_decides_nothing(desk: DepositDesk) -> None:
    made = _propose(desk, _misread(desk), Action.RETURN, login="sunita")
    with pytest.raises(NotAllowedError):
        _approve(desk, made, "omar")


def test_what_is_rejected_or_withdrawn_can_be_proposed_anew(desk: DepositDesk) -> None:
    payment = _misread(desk)
    made = _propose(desk, payment, Action.RETURN)
    with desk.store.writing("reject") as connection:
        suspense.reject(connection, made.id, desk.by("sunita"))
    second = _propose(desk, payment, Action.RETURN)
    with (
        pytest.raises(SamePersonError, match="only who proposed"),
        desk.store.writing("withdraw") as connection,
    ):
        suspense.withdraw(connection, second.id, desk.by("sunita"))
    with desk.store.writing("withdraw") as connection:
        suspense.withdraw(connection, second.id, desk.by("omar"))
    with pytest.raises(IllegalMoveError):
        _approve(desk, second)
    _approve(desk, _propose(desk, payment, Action.RELEASE, N1))
    with desk.store.reading() as connection:
        told = connection.execute(
            select(audit.c.move).where(audit.c.subject_kind == "proposal")
        ).scalars()
        assert list(told) == [
            "propose return",
            "rejected return",
            "propose return",
            "withdrawn return",
            "propose release",
            "approved release",
        ]


def test_what_no_rule_allows_can_only_be_given_back(desk: DepositDesk) -> None:
    payment = desk.bring(90_000)
    with pytest.raises(ObjectionError, match="at least"):
        _propose(desk, payment, Action.RELEASE, N1)
    _approve(desk, _propose(desk, payment, Action.RETURN))
    assert desk.state(payment) is S.RETURNED


def test_a_proposal_needs_a_reason_a_licence_and_a_deposit_in_suspense(
    desk: DepositDesk,
) -> None:
    payment = _misread(desk)
    number = desk.deposit(payment).id
    for action, licence in ((Action.RELEASE, ""), (Action.RETURN, N1)):
        with pytest.raises(InvalidError, match="licence"):
            _propose(desk, payment, action, licence)
    with pytest.raises(InvalidError, match="no licence"):
        _propose(desk, payment, Action.RELEASE, "N000000")
    with (
        pytest.raises(InvalidError, match="reason"),
        desk.store.writing("propose") as connection,
    ):
        suspense.propose(connection, number, Action.RETURN, desk.by("omar", " "))
    with pytest.raises(ConflictError, match="not possible"):
        _propose(desk, desk.bring(), Action.RETURN)
    _propose(desk, payment, Action.RETURN)
    with pytest.raises(ConflictError, match="already"):
        _propose(desk, payment, Action.RELEASE, N1)
    with (
        pytest.raises(NotFoundError),
        desk.store.writing("approve") as connection,
    ):
        suspense.approve(connection, ProposalId(99), desk.by("sunita"))


def test_a_proposal_is_overtaken_when_the_bank_takes_the_payment_back(
    desk: DepositDesk,
) -> None:
    payment = _misread(desk)
    made = _propose(desk, payment, Action.RELEASE, N1)
    assert desk.bounce(payment).state is S.BOUNCED
    with pytest.raises(IllegalMoveError):
        _approve(desk, made)
    assert desk.holds("suspense") == 0


def test_what_the_maker_refused_is_sent_again_as_a_correction_of_that_line(
    desk: DepositDesk,
) -> None:
    payment = desk.bring()
    first = desk.send()
    desk.answer(first, desk.told[first])
    _approve(desk, _propose(desk, payment, Action.RELEASE, N1))
    with desk.store.reading() as connection:
        (line,) = funds.waiting(connection, "N")
    assert line.line.record == "correction"
    assert line.line.values["amount_paise"] == 0
    assert line.line.values["corrects_line_id"] == desk.told[first][0]
    desk.answer(desk.send())
    assert desk.state(payment) is S.ACKNOWLEDGED
    assert desk.balances() == Balances(Paise(0), Paise(200_000), Paise(0))
    assert desk.taken() == 200_000


def test_what_the_maker_refused_is_taken_out_of_its_suspense_when_it_is_given_back(
    desk: DepositDesk,
) -> None:
    payment = desk.bring()
    first = desk.send()
    desk.answer(first, desk.told[first])
    _approve(desk, _propose(desk, payment, Action.RETURN))
    with desk.store.reading() as connection:
        (line,) = funds.waiting(connection, "N")
    assert line.line.values["amount_paise"] == -200_000
    desk.answer(desk.send())
    assert desk.state(payment) is S.RETURNED


def test_what_one_maker_refused_may_belong_to_a_licence_of_another(
    desk: DepositDesk,
) -> None:
    payment = desk.bring()
    first = desk.send()
    desk.answer(first, desk.told[first])
    _approve(desk, _propose(desk, payment, Action.RELEASE, P1))
    with desk.store.reading() as connection:
        (back,) = funds.waiting(connection, "N")
        (there,) = funds.waiting(connection, "P")
    assert back.line.values["licence"] == N1
    assert back.line.values["amount_paise"] == -200_000
    assert (there.line.record, there.line.values["licence"]) == ("deposit", P1)
    desk.answer(desk.send())
    desk.answer(desk.send("P"))
    assert desk.balances(P1).remaining == 200_000
    desk.bounce(payment)
    desk.answer(desk.send("P"))
    assert desk.state(payment) is S.BOUNCED


@pytest.mark.parametrize("sent", [False, True])
def test_the_department_takes_back_what_it_gave_to_the_wrong_licence(
    desk: DepositDesk, sent: bool
) -> None:
    payment = desk.deliver(licence=N2) if sent else desk.bring(licence=N2)
    done = _approve(desk, _propose(desk, payment, Action.REVERSE))
    if sent:
        assert done.state is S.RECALLED
        # It goes back to who paid when the maker has given it back, not before.
        assert (desk.holds("bank"), desk.holds("suspense")) == (-200_000, 0)
        desk.answer(desk.send())
    assert desk.state(payment) is S.REVERSED
    assert (desk.holds("bank"), desk.balances(N2).remaining) == (0, 0)


def test_what_the_maker_does_not_give_back_stays_with_its_licence(
    desk: DepositDesk,
) -> None:
    payment = desk.deliver()
    _approve(desk, _propose(desk, payment, Action.REVERSE))
    file_id = desk.send()
    desk.answer(file_id, desk.told[file_id])
    assert desk.state(payment) is S.AVAILABLE
    assert desk.deposit(payment).recalled_for is None
    assert desk.balances().remaining == 200_000
