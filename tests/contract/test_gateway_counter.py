"""Deposits at counters of post offices, from the card to the end of the day.

Requirements RMFS-18 to RMFS-21, RMFS-24, RMFS-25, RMFS-26.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dop_gateway.counter import service as counter
from dop_gateway.counter import store as receipts
from dop_gateway.counter.model import (
    DayState,
    Form,
    Instrument,
    OfficeDay,
    Receipt,
    ReceiptState,
    Tender,
)
from dop_gateway.counter.receipt_pdf import draw
from dop_gateway.deposits import store as deposits
from dop_gateway.deposits.model import Deposit, DepositState
from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.identity.model import Grant, Role, ScopeKind
from dop_gateway.ledger import Source
from dop_gateway.licences.card import Card
from dop_gateway.moves import IllegalMoveError, ObjectionError
from protocol.exchange import PaymentMode
from protocol.values import Paise
from tests.deposit_desk import N1, NAME, DepositDesk, deposit_desk_at, number_of

CARD = Card(N1, number_of(N1)).payload
CASH, CHEQUE, DRAFT = PaymentMode.PO_CASH, PaymentMode.PO_CHEQUE, PaymentMode.PO_DRAFT


@pytest.fixture
def desk(store_place: str) -> Iterator[DepositDesk]:
    """Give a Department; its money must add up when the test is over."""
    with deposit_desk_at(store_place) as desk:
        yield desk
        desk.adds_up()


def _form(amount: int = 200_000, **changes: Any) -> Form:
    form = Form(
        NAME, "1 MG Road, Bengaluru", N1, number_of(N1), Paise(amount), "A messenger"
    )
    return replace(form, **changes)


def _instrument(desk: DepositDesk, **changes: Any) -> Instrument:
    cheque = Instrument(
        "000123", "Canara Bank, Malleswaram", desk.day, desk.head_office
    )
    return replace(cheque, **changes)


def _take(
    desk: DepositDesk,
    mode: PaymentMode = CASH,
    amount: int = 200_000,
    login: str = "meena",
    **changes: Any,
) -> Receipt:
    instrument = None if mode is CASH else _instrument(desk)
    values: dict[str, Any] = {
        "card": CARD,
        "form": _form(amount),
        "tender": Tender(Paise(amount), mode, instrument),
    }
    with desk.store.writing("take") as connection:
        return counter.take(
            connection, desk.sub_office, desk.by(login), **(values | changes)
        )


def _take_in(desk: DepositDesk, receipt: Receipt, login: str = "tara") -> Receipt:
    with desk.store.writing("take in") as connection:
        return counter.take_in(connection, receipt.number, desk.by(login))


def _end_day(desk: DepositDesk, login: str = "prakash") -> OfficeDay:
    with desk.store.writing("end day") as connection:
        return counter.end_day(connection, desk.sub_office, desk.day, desk.by(login))


def _deposit(desk: DepositDesk, receipt: Receipt) -> Deposit | None:
    with desk.store.reading() as connection:
        return deposits.find(connection, Source.POST_OFFICE, receipt.number)


def _codes(error: pytest.ExceptionInfo[InvalidError]) -> set[tuple[str, str]]:
    return {(one.pointer, one.code) for one in error.value.findings}


def test_a_card_that_is_scanned_names_its_licence(desk: DepositDesk) -> None:
    """RMFS-21."""
    with desk.store.reading() as connection:
        assert counter.scan(connection, CARD).identifier == N1
        for wrong in (CARD[:-1] + "0", "N123456", Card(N1, number_of(N1)).payload[1:]):
            with pytest.raises(InvalidError, match="card"):
                counter.scan(connection, wrong)
        unknown = Card(N1, number_of(N1)).payload.replace("N123456", "N123465")
        with pytest.raises(InvalidError):
            counter.scan(connection, unknown)


def test_cash_becomes_a_deposit_at_the_end_of_the_day_and_clears_the_next(
    desk: DepositDesk,
) -> None:
    """RMFS-24, RMFS-26."""
    receipt = _take(desk)
    assert receipt.number == "F000000059-261116-0001"
    assert _deposit(desk, receipt) is None
    day = _end_day(desk)
    assert (day.state, day.receipts, day.total_paise) == (DayState.CLOSED, 1, 200_000)
    deposit = _deposit(desk, receipt)
    assert deposit is not None
    assert deposit.state is DepositState.AUTHENTICATED
    assert deposit.available_from == date(2026, 11, 17)
    assert desk.holds("post_office") == -200_000


def test_nothing_more_is_taken_on_a_day_that_is_ended(desk: DepositDesk) -> None:
    receipt = _take(desk)
    _end_day(desk)
    with pytest.raises(ConflictError, match="ended its day"):
        _take(desk)
    with pytest.raises(ConflictError, match="already"):
        _end_day(desk)
    with (
        pytest.raises(ConflictError, match="has ended"),
        desk.store.writing("cancel") as connection,
    ):
        counter.cancel(connection, receipt.number, desk.by("prakash"))
    desk.next_day()
    assert _take(desk).number.endswith("261117-0001")


def test_what_is_wrong_with_form_and_tender_is_told_at_once(desk: DepositDesk) -> None:
    """RMFS-20."""
    form = _form(
        address=" ", licence="N123457", licence_number="KN0600001", licensee="Other"
    )
    tender = Tender(Paise(210_000), CASH, _instrument(desk))
    with pytest.raises(InvalidError) as error:
        _take(desk, form=form, tender=tender)
    assert _codes(error) == {
        ("/form/address", "missing"),
        ("/form/licence", "not_the_card's"),
        ("/form/licence_number", "not_the_card's"),
        ("/form/licensee", "other_name"),
        ("/tender/amount", "not_the_form's"),
        ("/tender/instrument", "not_for_mode"),
    }


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"payee": "sub_office"}, ("payee", "wrong_payee")),
        ({"number": "12345"}, ("number", "form")),
        ({"bank": " "}, ("bank", "missing")),
        ({"dated": date(2026, 11, 17)}, ("dated", "post_dated")),
        ({"dated": date(2026, 8, 1)}, ("dated", "stale")),
    ],
)
def test_a_cheque_is_in_favour_of_the_postmaster_of_the_accounts_office(
    desk: DepositDesk, changes: dict[str, Any], finding: tuple[str, str]
) -> None:
    """RMFS-19."""
    if "payee" in changes:
        changes = {"payee": desk.sub_office}
    tender = Tender(Paise(200_000), CHEQUE, _instrument(desk, **changes))
    with pytest.raises(InvalidError) as error:
        _take(desk, tender=tender)
    assert _codes(error) == {(f"/tender/instrument/{finding[0]}", finding[1])}


def test_an_amount_that_no_rule_allows_is_not_taken(desk: DepositDesk) -> None:
    with pytest.raises(InvalidError, match="at least"):
        _take(desk, amount=190_000)
    with pytest.raises(InvalidError, match="counter"):
        _take(desk, mode=PaymentMode.NETBANKING)


def test_a_cheque_goes_to_the_treasurer_before_the_day_ends(desk: DepositDesk) -> None:
    """Domain notes, section 7.3: through "Counter Cheques"."""
    receipt = _take(desk, CHEQUE)
    with pytest.raises(ConflictError, match="hand them over"):
        _end_day(desk)
    with pytest.raises(NotAllowedError):
        _take_in(desk, receipt, "meena")
    assert _take_in(desk, receipt).state is ReceiptState.WITH_TREASURER
    _end_day(desk)
    deposit = _deposit(desk, receipt)
    assert deposit is not None
    assert (deposit.state, desk.holds("post_office")) == (DepositState.RECEIVED, 0)


def test_a_cheque_that_is_paid_becomes_available_after_three_working_days(
    desk: DepositDesk,
) -> None:
    """RMFS-10, RMFS-25."""
    receipt = _take(desk, CHEQUE)
    _take_in(desk, receipt)
    _end_day(desk)
    desk.next_day(2)
    with desk.store.writing("realise") as connection:
        number, by = receipt.number, desk.by("tara")
        done = counter.realise(connection, number, desk.day, by)
    assert (done.state, done.outcome_on) == (ReceiptState.REALISED, desk.day)
    deposit = _deposit(desk, receipt)
    assert deposit is not None
    assert deposit.state is DepositState.AUTHENTICATED
    assert deposit.available_from == date(2026, 11, 19)


@pytest.mark.parametrize("ended", [True, False])
def test_a_cheque_that_bounces_brings_nothing(desk: DepositDesk, ended: bool) -> None:
    receipt = _take(desk, CHEQUE)
    _take_in(desk, receipt)
    if ended:
        _end_day(desk)
    with desk.store.writing("bounce") as connection:
        number, by = receipt.number, desk.by("tara")
        done = counter.bounce(connection, number, desk.day, "no funds", by)
    assert (done.state, done.outcome) == (ReceiptState.BOUNCED, "no funds")
    if not ended:
        _end_day(desk)
    deposit = _deposit(desk, receipt)
    assert deposit is not None
    assert (deposit.state, desk.holds("post_office")) == (DepositState.BOUNCED, 0)


def test_a_cheque_may_be_paid_before_its_day_is_ended(desk: DepositDesk) -> None:
    receipt = _take(desk, CHEQUE)
    _take_in(desk, receipt)
    with desk.store.writing("realise") as connection:
        counter.realise(connection, receipt.number, desk.day, desk.by("tara"))
    _end_day(desk)
    deposit = _deposit(desk, receipt)
    assert deposit is not None
    assert deposit.state is DepositState.AUTHENTICATED


def test_a_draft_clears_in_one_working_day(desk: DepositDesk) -> None:
    receipt = _take(desk, DRAFT)
    _take_in(desk, receipt)
    _end_day(desk)
    deposit = _deposit(desk, receipt)
    assert deposit is not None
    assert deposit.available_from == date(2026, 11, 17)


def test_cash_does_not_go_to_the_treasurer_as_a_cheque(desk: DepositDesk) -> None:
    with pytest.raises(ObjectionError, match="cash"):
        _take_in(desk, _take(desk))


def test_the_postmaster_cancels_a_receipt_and_not_who_gave_it(
    desk: DepositDesk,
) -> None:
    """GW-03."""
    postmaster = desk.people["prakash"]
    office = str(desk.sub_office)
    both = (
        *postmaster.actor.grants,
        Grant(Role.COUNTER_ASSISTANT, ScopeKind.OFFICE, office),
    )
    actor = replace(postmaster.actor, grants=both)
    desk.people = {**desk.people, "prakash": replace(postmaster, actor=actor)}
    own, other = _take(desk, login="prakash"), _take(desk)
    with (
        pytest.raises(SamePersonError),
        desk.store.writing("cancel") as connection,
    ):
        counter.cancel(connection, own.number, desk.by("prakash"))
    with desk.store.writing("cancel") as connection:
        done = counter.cancel(connection, other.number, desk.by("prakash"))
    assert done.state is ReceiptState.CANCELLED
    assert _end_day(desk).receipts == 1
    assert _deposit(desk, other) is None


def test_a_receipt_is_seen_and_moved_in_its_own_office_only(desk: DepositDesk) -> None:
    receipt = _take(desk, CHEQUE)
    with desk.store.reading() as connection:
        # The head office answers for its sub-office.
        assert counter.get(connection, receipt.number, desk.by("hari")) == receipt
        with pytest.raises(NotFoundError):
            counter.get(connection, receipt.number, desk.by("omar"))
        with pytest.raises(NotFoundError):
            counter.get(connection, "F000000018-261116-0001", desk.by("meena"))
    by, office, tender = (
        desk.by("meena"),
        desk.head_office,
        Tender(Paise(200_000), CASH),
    )
    with (
        pytest.raises(NotFoundError),
        desk.store.writing("take") as connection,
    ):
        counter.take(connection, office, by, card=CARD, form=_form(), tender=tender)
    with pytest.raises(NotAllowedError):
        _end_day(desk, "meena")


def test_a_cheque_is_paid_once_and_not_before_it_was_taken(desk: DepositDesk) -> None:
    receipt = _take(desk, CHEQUE)
    _take_in(desk, receipt)
    early = date(2026, 11, 15)
    with (
        pytest.raises(InvalidError, match="day of the receipt"),
        desk.store.writing("realise") as connection,
    ):
        counter.realise(connection, receipt.number, early, desk.by("tara"))
    with desk.store.writing("realise") as connection:
        counter.realise(connection, receipt.number, desk.day, desk.by("tara"))
    with (
        pytest.raises(IllegalMoveError),
        desk.store.writing("bounce") as connection,
    ):
        counter.bounce(connection, receipt.number, desk.day, "late", desk.by("tara"))
    _end_day(desk)


def test_receipts_are_listed_by_day_and_licence(desk: DepositDesk) -> None:
    first, second = _take(desk), _take(desk, amount=250_000)
    found = receipts.receipts_matching(office_id=desk.sub_office, licence=N1)
    with desk.store.reading() as connection:
        assert found.count(connection) == 2
        assert found.page(connection, "-amount", 0, 1) == [second]
        assert list(found.all(connection, "number")) == [first, second]


def test_a_receipt_is_printed(desk: DepositDesk) -> None:
    for mode in (CASH, CHEQUE):
        octets = draw(_take(desk, mode))
        assert octets.startswith(b"%PDF-")
        assert len(octets) > 5_000
