"""Payments: received once, judged by the rules of their day, told, taken back.

Requirements RMFS-01 to RMFS-05, RMFS-07, RMFS-08, RMFS-10, RMFS-13, RMFS-15 to RMFS-17,
RMFS-25, RMFS-26 and RMFS-39.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, text

from dop_gateway.deposits import funds, verifying
from dop_gateway.deposits.advancing import advance
from dop_gateway.deposits.judging import Fault
from dop_gateway.deposits.model import DepositId, DepositState, Payment
from dop_gateway.deposits.notional import confirm, enter
from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.incidents.tables import incident
from dop_gateway.ledger import Balances, Source, movements
from dop_gateway.moves import ObjectionError
from dop_gateway.parameters import store as parameters
from protocol.errors import InvariantError, LocalProtocolError
from protocol.exchange import PaymentMode
from protocol.values import Paise
from tests.deposit_desk import (
    DEPARTMENTAL,
    N1,
    N2,
    P1,
    TODAY,
    DepositDesk,
    deposit_desk_at,
    number_of,
)

S = DepositState


@pytest.fixture
def desk(store_place: str) -> Iterator[DepositDesk]:
    """Give a Department; its money must add up when the test is over."""
    with deposit_desk_at(store_place) as desk:
        yield desk
        desk.adds_up()


def _why(desk: DepositDesk, payment: Payment) -> str:
    deposit = desk.deposit(payment)
    assert deposit.state is S.SUSPENSE
    assert deposit.objection is not None
    return deposit.objection.code


def test_money_moves_when_the_account_confirms_a_payment_and_not_before(
    desk: DepositDesk,
) -> None:
    payment = desk.payment(200_000)
    received = desk.receive(payment)
    assert (received.taken, received.objections) == ((payment,), {})
    assert (desk.state(payment), desk.holds("bank")) == (S.RECEIVED, 0)
    assert desk.verify(payment).authenticated == (payment.reference,)
    assert desk.state(payment) is S.AUTHENTICATED
    assert desk.balances() == Balances(Paise(200_000), Paise(0), Paise(0))
    assert desk.holds("bank") == -200_000


def test_a_payment_is_received_and_verified_once(desk: DepositDesk) -> None:
    payment = desk.bring()
    again = desk.receive(payment, replace(payment, line_id="7", file_id="other"))
    assert (again.taken, again.repeated) == ((), (payment.reference,) * 2)
    assert desk.verify(payment).authenticated == ()
    other = desk.receive(replace(payment, amount_paise=Paise(300_000)))
    assert [one.amount_paise for one in other.contradicting] == [300_000]
    assert desk.balances().deposited == 200_000


def test_a_file_that_tells_a_reference_twice_tells_of_one_payment(
    desk: DepositDesk,
) -> None:
    payment = desk.payment()
    twice = desk.receive(payment, payment, replace(payment, licence="N000009"))
    assert (len(twice.taken), len(twice.repeated)) == (1, 1)
    assert len(twice.contradicting) == 1


def test_the_account_confirms_what_nobody_has_told_of(desk: DepositDesk) -> None:
    with desk.store.writing("verify") as connection:
        found = verifying.verified(connection, Source.BANK, ["UTR9"], desk.by())
    assert found.unknown == ("UTR9",)


@pytest.mark.parametrize(
    ("first", "fault"),
    [
        (200_000, None),
        (210_000, None),
        (190_000, Fault.TOO_LITTLE),
        (205_000, Fault.NO_STEP),
    ],
)
def test_the_first_deposit_is_two_thousand_rupees_in_steps_of_a_hundred(
    desk: DepositDesk, first: int, fault: Fault | None
) -> None:
    """RMFS-02, RMFS-05; the vectors of domain notes, section 25."""
    payment = desk.bring(first)
    if fault is None:
        assert desk.state(payment) is S.AUTHENTICATED
    else:
        assert _why(desk, payment) == fault.code


@pytest.mark.parametrize(
    ("later", "fault"),
    [
        (100_000, None),
        (110_000, None),
        (90_000, Fault.TOO_LITTLE),
        (105_000, Fault.NO_STEP),
    ],
)
def test_a_later_deposit_is_a_thousand_rupees_in_steps_of_a_hundred(
    desk: DepositDesk, later: int, fault: Fault | None
) -> None:
    """RMFS-03."""
    desk.bring()
    payment = desk.bring(later)
    if fault is None:
        assert desk.state(payment) is S.AUTHENTICATED
    else:
        assert _why(desk, payment) == fault.code


def test_of_two_deposits_in_one_file_the_first_is_the_first(desk: DepositDesk) -> None:
    payments = [desk.payment(200_000), desk.payment(100_000), desk.payment(licence=N2)]
    desk.receive(*payments)
    desk.verify(*payments)
    assert {desk.state(one) for one in payments} == {S.AUTHENTICATED}


def test_the_rules_are_those_of_the_day_of_the_payment(desk: DepositDesk) -> None:
    with desk.store.writing("rules") as connection:
        key = "deposit.first_min_paise"
        by = desk.by("omar")
        parameters.set_value(connection, key, 300_000, date(2026, 11, 17), by)
    desk.next_day()
    assert desk.state(desk.bring(200_000, value_date=TODAY)) is S.AUTHENTICATED
    assert _why(desk, desk.bring(200_000, licence=N2)) == Fault.TOO_LITTLE.code


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"licence": "N999999"}, Fault.UNKNOWN_LICENCE),
        ({"licence": ""}, Fault.UNKNOWN_LICENCE),
        ({"licence_number": number_of(N2)}, Fault.WRONG_NUMBER),
        ({"licence_number": ""}, Fault.WRONG_NUMBER),
        ({"licensee": "Somebody Else"}, Fault.WRONG_NAME),
        ({"mode": PaymentMode.SBI_CASH}, Fault.MODE_OFF),
        ({"value_date": date(2026, 11, 17)}, Fault.DATED_LATER),
        ({"value_date": date(2010, 8, 15)}, Fault.MODE_OFF),
    ],
)
def test_what_does_not_fit_waits_in_suspense_and_the_rest_goes_on(
    desk: DepositDesk, changes: dict[str, Any], fault: Fault
) -> None:
    """RMFS-17; domain notes, section 23 no. 11."""
    good, bad = desk.payment(), replace(desk.payment(), **changes)
    told = desk.receive(good, bad).objections
    assert [one.code for one in told.values()] == [fault.code]
    assert desk.verify(good, bad).suspended.keys() == {bad.reference}
    assert (_why(desk, bad), desk.state(good)) == (fault.code, S.AUTHENTICATED)
    assert desk.holds("suspense") == 200_000


def test_letter_case_and_spaces_of_a_name_do_not_count(desk: DepositDesk) -> None:
    payment = replace(desk.payment(), licensee="BHARAT  Stationers, bengaluru")
    desk.receive(payment)
    assert desk.verify(payment).authenticated


@pytest.mark.parametrize(
    ("state", "day", "fault"),
    [
        ("REGISTERED", date(2031, 1, 1), None),
        ("REGISTERED", date(2031, 1, 2), Fault.EXPIRED),
        ("EXPIRED", TODAY, Fault.EXPIRED),
        ("BLOCKED", TODAY, None),
    ],
)
def test_a_licence_that_is_over_gets_no_deposit_and_a_blocked_one_does(
    desk: DepositDesk, state: str, day: date, fault: Fault | None
) -> None:
    """Domain notes, section 23 no. 31."""
    desk.change_licence(N1, state=state)
    desk.day = day
    payment = desk.bring()
    if fault is None:
        assert desk.state(payment) is S.AUTHENTICATED
    else:
        assert _why(desk, payment) == fault.code


def test_what_no_payment_can_be_is_refused_before_it_is_kept() -> None:
    good = {
        "source": Source.BANK,
        "reference": "UTR1",
        "licence": "N123456",
        "licence_number": "KN0600065",
        "licensee": "x",
        "amount_paise": Paise(100),
        "mode": PaymentMode.NETBANKING,
        "value_date": TODAY,
    }
    wrong: list[dict[str, Any]] = [
        {"amount_paise": 0},
        {"amount_paise": -100},
        {"reference": ""},
        {"reference": "x" * 65},
        {"mode": PaymentMode.PO_CASH},
    ]
    for one in wrong:
        values: dict[str, Any] = good | one
        with pytest.raises(LocalProtocolError):
            Payment(**values)


@pytest.mark.parametrize(
    ("mode", "available"),
    [
        (PaymentMode.PO_CASH, date(2026, 11, 17)),
        (PaymentMode.PO_DRAFT, date(2026, 11, 17)),
    ],
)
def test_cash_and_drafts_clear_in_one_working_day(
    desk: DepositDesk, mode: PaymentMode, available: date
) -> None:
    """RMFS-25, RMFS-26."""
    payment = desk.bring(source=Source.POST_OFFICE, mode=mode)
    assert desk.deposit(payment).available_from == available


def test_clearance_counts_working_days_of_the_circle(desk: DepositDesk) -> None:
    """Domain notes, section 23 no. 16: Saturday to Monday is no day."""
    desk.next_day(4)
    payment = desk.bring()
    assert (desk.day.weekday(), desk.day) == (4, date(2026, 11, 20))
    found = desk.deposit(payment).available_from
    assert found is not None
    assert found > date(2026, 11, 20)
    assert found.weekday() < 6


def test_a_cheque_waits_until_it_is_paid_and_then_three_working_days(
    desk: DepositDesk,
) -> None:
    """RMFS-10, RMFS-25: nothing is told of a cheque before it is realised."""
    cheque = PaymentMode.PO_CHEQUE
    payment = desk.payment(source=Source.POST_OFFICE, mode=cheque, instrument="000123")
    desk.receive(payment)
    assert desk.verify(payment).waiting == (payment.reference,)
    assert (desk.state(payment), desk.holds("post_office")) == (S.RECEIVED, 0)
    desk.next_day(9)
    for _ in range(2):
        with desk.store.writing("realise") as connection:
            source, reference = payment.source, payment.reference
            verifying.realise(connection, source, reference, desk.day, desk.by())
    deposit = desk.deposit(payment)
    assert deposit.state is S.AUTHENTICATED
    # Later than three working days after it was paid in: the day of realisation.
    assert deposit.available_from == date(2026, 11, 25)


def test_a_cheque_that_is_realised_first_waits_for_the_account(
    desk: DepositDesk,
) -> None:
    cheque = PaymentMode.PO_CHEQUE
    payment = desk.payment(source=Source.POST_OFFICE, mode=cheque)
    desk.receive(payment)
    with desk.store.writing("realise") as connection:
        source, reference = payment.source, payment.reference
        verifying.realise(connection, source, reference, desk.day, desk.by())
    assert desk.state(payment) is S.REALISED
    desk.verify(payment)
    assert desk.deposit(payment).available_from == date(2026, 11, 19)
    with (
        pytest.raises(NotFoundError),
        desk.store.writing("realise") as connection,
    ):
        verifying.realise(connection, source, "nothing", desk.day, desk.by())


def test_a_fund_file_has_what_waits_for_its_maker_by_the_layout(
    desk: DepositDesk,
) -> None:
    desk.bring()
    desk.bring(licence=P1)
    with desk.store.reading() as connection:
        (one,) = funds.waiting(connection, "N")
        assert [two.line.values["licence"] for two in funds.waiting(connection, "P")]
    assert one.line.record == "deposit"
    assert one.line.values == {
        "line_id": str(one.id),
        "licence": N1,
        "licence_number": number_of(N1),
        "licensee": "Bharat Stationers, Bengaluru",
        "amount_paise": 200_000,
        "mode": "NETBANKING",
        "value_date": TODAY,
        "available_from": date(2026, 11, 17),
    }
    desk.send()
    with desk.store.reading() as connection:
        assert funds.waiting(connection, "N") == []
    with (
        pytest.raises(ConflictError, match="list again"),
        desk.store.writing("twice") as connection,
    ):
        funds.put_in_file(connection, [one.id], "FND-N-9", desk.by())


def test_nothing_is_sent_for_a_licence_that_expired_in_the_meantime(
    desk: DepositDesk,
) -> None:
    desk.bring()
    desk.change_licence(N1, state="EXPIRED")
    with desk.store.reading() as connection:
        assert funds.waiting(connection, "N") == []
    desk.change_licence(N1, state="RENEWED")
    with desk.store.reading() as connection:
        assert len(funds.waiting(connection, "N")) == 1


def test_what_the_maker_takes_remains_at_its_server_until_it_is_downloaded(
    desk: DepositDesk,
) -> None:
    first = desk.deliver()
    second = desk.deliver(100_000)
    assert desk.balances() == Balances(Paise(0), Paise(300_000), Paise(0))
    desk.next_day()
    _advance(desk)
    assert {desk.state(first), desk.state(second)} == {S.AVAILABLE}
    desk.move(movements.downloaded(N1, 150_000, "one", "a test"))
    _advance(desk)
    assert desk.state(first) is S.PARTLY_DOWNLOADED
    desk.move(movements.downloaded(N1, 100_000, "two", "a test"))
    _advance(desk)
    assert desk.state(first) is S.DOWNLOADED
    assert desk.state(second) is S.PARTLY_DOWNLOADED
    assert desk.deposit(second).downloaded_paise == 50_000
    desk.move(movements.withdrawn(N1, 250_000, "three", "a test"))
    _advance(desk)
    assert {desk.state(first), desk.state(second)} == {S.AVAILABLE}
    desk.move(movements.refunded(N1, 300_000, "four", "a test"))
    _advance(desk)
    assert {desk.state(first), desk.state(second)} == {S.REFUNDED}


def test_an_answer_that_comes_again_changes_nothing(desk: DepositDesk) -> None:
    payment = desk.bring()
    file_id = desk.send()
    desk.answer(file_id)
    desk.answer(file_id, desk.told[file_id])
    assert (desk.state(payment), desk.balances().remaining) == (S.ACKNOWLEDGED, 200_000)


def test_a_line_that_the_maker_refuses_comes_into_suspense(desk: DepositDesk) -> None:
    """Domain notes, section 7.4: the former system's Error."""
    payment = desk.bring()
    good = desk.bring(licence=N2)
    file_id = desk.send()
    desk.answer(file_id, desk.told[file_id][:1])
    assert _why(desk, payment) == Fault.REFUSED_BY_MAKER.code
    assert desk.state(good) is S.ACKNOWLEDGED
    assert desk.holds("suspense") == 200_000


def test_what_bounces_before_it_is_sent_is_never_sent(desk: DepositDesk) -> None:
    payment = desk.bring()
    for _ in range(2):
        assert desk.bounce(payment).state is S.BOUNCED
    assert desk.balances().deposited == 0
    assert desk.holds("bank") == 0
    desk.send()
    assert desk.told["FND-N-0001"] == []


def test_what_bounces_before_the_account_has_it_moves_no_money(
    desk: DepositDesk,
) -> None:
    payment = desk.payment()
    desk.receive(payment)
    desk.bounce(payment)
    assert desk.state(payment) is S.BOUNCED
    assert desk.verify(payment).authenticated == ()


def test_what_bounces_at_the_maker_is_taken_back_by_a_correction(
    desk: DepositDesk,
) -> None:
    payment = desk.deliver()
    desk.bounce(payment)
    assert (desk.state(payment), desk.holds("bank")) == (S.RECALLED, 0)
    # The bank has its money; the maker still has the funds: a claim.
    assert (desk.holds("suspense"), desk.balances().remaining) == (-200_000, 200_000)
    with desk.store.reading() as connection:
        (line,) = funds.waiting(connection, "N")
    assert line.line.record == "correction"
    assert line.line.values["amount_paise"] == -200_000
    assert line.line.values["corrects_file_id"] == "FND-N-0001"
    assert line.line.values["corrects_line_id"] == desk.told["FND-N-0001"][0]
    desk.answer(desk.send())
    assert desk.state(payment) is S.BOUNCED
    assert (desk.holds("suspense"), desk.balances().remaining) == (0, 0)


def test_what_bounces_while_the_answer_is_awaited_is_over_either_way(
    desk: DepositDesk,
) -> None:
    taken, refused = desk.bring(), desk.bring(licence=N2)
    file_id = desk.send()
    desk.bounce(taken)
    desk.bounce(refused)
    assert desk.state(taken) is S.RECALLED_UNANSWERED
    desk.answer(file_id, desk.told[file_id][1:])
    assert (desk.state(taken), desk.state(refused)) == (S.RECALLED, S.BOUNCED)
    desk.answer(desk.send())
    assert desk.state(taken) is S.BOUNCED
    assert desk.holds("suspense") == 0
    assert (desk.taken(N1), desk.taken(N2)) == (0, 0)


def test_answers_may_come_in_any_order(desk: DepositDesk) -> None:
    payment = desk.bring()
    first = desk.send()
    desk.bounce(payment)
    second = desk.send()
    desk.answer(second)
    assert desk.state(payment) is S.BOUNCED
    desk.answer(first)
    assert desk.balances() == Balances(Paise(0), Paise(0), Paise(0))
    assert desk.taken() == 0


def test_a_refusal_that_comes_after_its_take_back_leaves_nothing(
    desk: DepositDesk,
) -> None:
    payment = desk.bring()
    first = desk.send()
    desk.bounce(payment)
    desk.answer(desk.send())
    desk.answer(first, desk.told[first])
    assert desk.state(payment) is S.BOUNCED
    assert desk.taken() == 0


def test_a_take_back_that_came_too_early_is_asked_again(desk: DepositDesk) -> None:
    payment = desk.bring()
    first = desk.send()
    desk.bounce(payment)
    second = desk.send()
    desk.answer(second, desk.told[second])
    assert desk.state(payment) is S.RECALLED_UNANSWERED
    desk.answer(first)
    assert desk.state(payment) is S.RECALLED
    desk.answer(desk.send())
    assert desk.state(payment) is S.BOUNCED


def test_what_a_machine_has_already_is_owed_and_an_incident_says_so(
    desk: DepositDesk,
) -> None:
    payment = desk.deliver()
    desk.move(movements.downloaded(N1, 200_000, "one", "a test"))
    desk.bounce(payment)
    file_id = desk.send()
    desk.answer(file_id, desk.told[file_id])
    assert (desk.state(payment), desk.holds("suspense")) == (S.OWED, -200_000)
    with desk.store.reading() as connection:
        found = connection.execute(select(incident)).one()
    assert found.kind == "DEPOSIT_BOUNCED_AFTER_USE"
    assert (found.amount_paise, found.licence) == (200_000, N1)


def test_nobody_has_told_of_what_bounces(desk: DepositDesk) -> None:
    with pytest.raises(NotFoundError, match="no payment"):
        desk.bounce(desk.payment())


def test_departmental_licences_have_notional_credit_and_no_others(
    desk: DepositDesk,
) -> None:
    """Domain notes, section 23 no. 10."""
    by = desk.by("omar")
    with desk.store.writing("enter") as connection:
        made = enter(connection, DEPARTMENTAL, Paise(500_000), "SANCTION 1", by)
        with pytest.raises(ConflictError, match="used already"):
            enter(connection, DEPARTMENTAL, Paise(500_000), "SANCTION 1", by)
    assert (made.state, desk.holds("notional")) == (S.RECEIVED, 0)
    with desk.store.writing("confirm") as connection:
        with pytest.raises(SamePersonError):
            confirm(connection, made.id, by)
        done = confirm(connection, made.id, desk.by("sunita"))
        with pytest.raises(ConflictError, match="AUTHENTICATED"):
            confirm(connection, made.id, desk.by("sunita"))
        with pytest.raises(NotFoundError):
            confirm(connection, DepositId(99), desk.by("sunita"))
    assert (done.state, done.available_from) == (S.AUTHENTICATED, TODAY)
    assert desk.holds("notional") == -500_000
    with desk.store.reading() as connection:
        (line,) = funds.waiting(connection, "N")
    assert line.line.values["mode"] == "NOTIONAL"
    for licence, error in ((N1, ObjectionError), ("N000000", InvalidError)):
        with pytest.raises(error), desk.store.writing("notional") as connection:
            enter(connection, licence, Paise(500_000), "SANCTION 2", by)


def test_each_move_of_a_deposit_stays_written_with_who_made_it(
    desk: DepositDesk,
) -> None:
    """GW-02."""
    payment = desk.deliver()
    deposit = desk.deposit(payment)
    with desk.store.reading() as connection:
        rows = connection.execute(
            text("SELECT number, move, to_state FROM deposit_move WHERE deposit = :of"),
            {"of": deposit.id},
        ).all()
    assert [row.move for row in rows] == [
        "RECEIVED",
        "VERIFIED",
        "AUTHENTICATED",
        "SENT",
        "ACKNOWLEDGED",
    ]
    assert (
        [row.number for row in rows]
        == [1, 2, 3, 4, 5]
        == [*range(1, deposit.steps + 1)]
    )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE deposit SET amount_paise = 1",
        "UPDATE deposit SET licence_text = 'N000001'",
        "DELETE FROM deposit",
        "DELETE FROM fund_line",
        "UPDATE fund_line SET told_paise = 1",
        "UPDATE deposit_move SET person = 2",
        "UPDATE journal SET kind = 'USED'",
        "DELETE FROM entry",
    ],
)
def test_what_was_captured_and_told_stays_written(
    desk: DepositDesk, change: str
) -> None:
    desk.deliver()
    with (
        pytest.raises(InvariantError),
        desk.store.writing("by hand") as connection,
    ):
        connection.execute(text(change))


def _advance(desk: DepositDesk) -> None:
    with desk.store.writing("advance") as connection:
        advance(connection, desk.day, desk.by())
