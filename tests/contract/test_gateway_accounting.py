"""Receipts of counters become accounts, and a monthly schedule that must tally.

Requirements RMFS-22, RMFS-23, RMFS-24.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import select

from dop_gateway.accounting import service, store
from dop_gateway.accounting.accounts import (
    SCHEDULE_LISTING,
    Account,
    AccountFilter,
    schedule_filter,
)
from dop_gateway.accounting.model import (
    OTHER_BILLERS,
    RMFS_E_PAYMENT,
    Outcome,
    Schedule,
    ScheduleId,
    ScheduleState,
)
from dop_gateway.bank import own_counters
from dop_gateway.bank import store as banks
from dop_gateway.bank.carrying import GatewayNeighbours
from dop_gateway.bank.e_payment_file import ChequeOutcome, CounterReceipt
from dop_gateway.bank.model import BankFile, FileState
from dop_gateway.bank.scroll import SCROLL, ScrollFilter
from dop_gateway.bank.work import Rules
from dop_gateway.counter import service as counter
from dop_gateway.counter.model import Form, Instrument, Tender
from dop_gateway.deposits import store as deposits
from dop_gateway.deposits.model import DepositState
from dop_gateway.errors import ConflictError, InvalidError, SamePersonError
from dop_gateway.exchange.ours import OurSide
from dop_gateway.exports.writing import Format
from dop_gateway.incidents.tables import incident
from dop_gateway.ledger import Source
from dop_gateway.licences.card import Card
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId, OfficeKind
from dop_gateway.simulators.bank import PaidIn
from dop_gateway.simulators.bank_e_payment import CentralBooks, make_central_day
from hw.clock import epoch_seconds
from protocol.exchange import PaymentMode
from protocol.parameters import INDIA
from protocol.values import Paise
from tests.bank_desk import CENTRAL, SEAL, BankDesk
from tests.deposit_desk import N1, NAME, DepositDesk, deposit_desk_at, moment, number_of

FIRST, SECOND, NEXT_MONTH = date(2026, 11, 16), date(2026, 11, 17), date(2026, 12, 1)
GPO, MALLESWARAM = ("Bengaluru GPO", "560001"), ("Malleswaram", "560003")
OURS = OurSide("dop-1", SEAL.key, SEAL.realm, SEAL.layouts)
HEAD = "Revenue Realised in Cash on RMFS through E-payment"


@dataclass
class Accounts:
    """A Department whose counters are elsewhere, and their Central Server."""

    desk: DepositDesk
    bank: BankDesk
    books: CentralBooks = field(default_factory=lambda: CentralBooks("EPCS"))
    receipts: int = 0

    def receipt(
        self, day: date, amount: int, place: tuple[str, str] = GPO, **more: Any
    ) -> CounterReceipt:
        self.receipts += 1
        at = epoch_seconds(datetime.combine(day, time(11), INDIA))
        values: dict[str, Any] = {
            "reference": f"R{self.receipts:05d}",
            "office": place[0],
            "office_pin": place[1],
            "at": at,
            "licence": N1,
            "licence_number": number_of(N1),
            "licensee": NAME,
            "amount_paise": Paise(amount),
            "mode": "PO_CASH",
        }
        return CounterReceipt(**(values | more))

    def pass_day(
        self, day: date, *receipts: CounterReceipt, outcomes: Any = ()
    ) -> BankFile:
        self.desk.day = day
        file, self.books = make_central_day(self.books, day, receipts, SEAL, outcomes)
        return self.bank.take_one(file, day)

    def rows(self, account: Account, office: OfficeId) -> list[list[Any]]:
        """Read an account of both days, as a program does."""
        with self.desk.store.reading() as connection:
            wanted = AccountFilter(offices.get(connection, office), FIRST, SECOND)
            table = account.listing.table(
                connection, wanted, person="asha", now=moment(SECOND)
            )
            written = io.BytesIO()
            Format.JSON.write(table, written)
        rows: list[dict[str, Any]] = json.loads(written.getvalue())["rows"]
        return [list(row.values()) for row in rows]

    def make(self, booked: dict[date, Paise] | None = None) -> Schedule:
        with self.desk.store.writing("test") as connection:
            office = offices.get(connection, self.desk.head_office)
            by = self.desk.by("prakash")
            return service.make_schedule(connection, office, FIRST, by, booked)

    def send(self, number: ScheduleId) -> Schedule:
        with self.desk.store.writing("test") as connection:
            return service.send_schedule(connection, number, self.desk.by("prakash"))

    def incidents(self) -> list[tuple[str, str]]:
        with self.desk.store.reading() as connection:
            rows = connection.execute(select(incident).order_by(incident.c.id)).all()
        return [(row.kind, row.subject) for row in rows]

    def state(self, receipt: CounterReceipt) -> DepositState:
        with self.desk.store.reading() as connection:
            source = Source.POST_OFFICE
            found = deposits.find(connection, source, receipt.reference)
        assert found is not None
        return found.state


@pytest.fixture
def accounts(store_place: str) -> Iterator[Accounts]:
    """Give counters and accounts; money must add up when the test is over."""
    with deposit_desk_at(store_place) as desk:
        bank = BankDesk(desk.store, GatewayNeighbours(), CENTRAL).register()
        yield Accounts(desk, bank)
        desk.adds_up()


def two_days(accounts: Accounts) -> None:
    """GPO 2,000 + 3,000 in cash, Malleswaram a draft of 4,000; then GPO 1,000."""
    accounts.pass_day(
        FIRST,
        accounts.receipt(FIRST, 200_000),
        accounts.receipt(FIRST, 300_000),
        accounts.receipt(FIRST, 400_000, MALLESWARAM, mode="PO_DRAFT", instrument="1"),
    )
    accounts.pass_day(SECOND, accounts.receipt(SECOND, 100_000))


def test_a_receipt_of_the_central_server_is_a_deposit(accounts: Accounts) -> None:
    """RMFS-24: from the counters to the Central Server, from there to the DCR."""
    receipt = accounts.receipt(FIRST, 200_000)
    assert accounts.pass_day(FIRST, receipt).state is FileState.TAKEN
    assert accounts.state(receipt) is DepositState.AUTHENTICATED
    assert accounts.desk.holds("post_office") == -200_000
    assert accounts.bank.missing(SECOND) == ["e-payment-day"]


def test_a_cheque_is_a_deposit_and_accounted_when_it_is_realised(
    accounts: Accounts,
) -> None:
    cheque = accounts.receipt(FIRST, 200_000, mode="PO_CHEQUE", instrument="000123")
    accounts.pass_day(FIRST, cheque)
    assert accounts.state(cheque) is DepositState.RECEIVED
    assert accounts.rows(Account.DAILY_LIST, accounts.desk.head_office) == []
    realised = ChequeOutcome(cheque.reference, Outcome.REALISED, SECOND)
    accounts.pass_day(SECOND, outcomes=[realised])
    assert accounts.state(cheque) is DepositState.AUTHENTICATED
    (row,) = accounts.rows(Account.SO_DAILY_ACCOUNT, accounts.desk.head_office)
    assert row == ["2026-11-17", HEAD, "", "0.00", "0.00", "2000.00", "2000.00"]


def test_a_cheque_that_bounces_is_no_deposit_and_in_no_account(
    accounts: Accounts,
) -> None:
    cheque = accounts.receipt(FIRST, 200_000, mode="PO_CHEQUE", instrument="000123")
    bounced = ChequeOutcome(cheque.reference, Outcome.BOUNCED, FIRST, "no funds")
    accounts.pass_day(FIRST, cheque, outcomes=[bounced])
    assert accounts.state(cheque) is DepositState.BOUNCED
    assert accounts.rows(Account.HO_CASH_BOOK, accounts.desk.head_office) == []
    accounts.pass_day(SECOND, outcomes=[bounced])
    assert accounts.incidents() == [("LINE_REFUSED", f"{cheque.reference} 1")]


def test_what_the_central_server_tells_wrongly_is_named_line_by_line(
    accounts: Accounts,
) -> None:
    nowhere = accounts.receipt(FIRST, 200_000, ("Nowhere", "560099"))
    unknown = ChequeOutcome("R99999", Outcome.REALISED, FIRST)
    nothing = accounts.receipt(FIRST, 0)
    accounts.pass_day(FIRST, nowhere, nothing, outcomes=[unknown])
    accounts.pass_day(SECOND, nowhere)
    assert accounts.incidents() == [
        ("LINE_REFUSED", f"{nowhere.reference} 1"),
        ("LINE_REFUSED", f"{nothing.reference} 2"),
        ("LINE_REFUSED", "R99999 3"),
    ]
    # The money is there all the same.
    assert accounts.state(nowhere) is DepositState.AUTHENTICATED


def test_the_head_stands_in_every_account_on_the_receipt_side(
    accounts: Accounts,
) -> None:
    """RMFS-22: SO Account, SO Daily Account, HO and SO Summary, HO Cash Book."""
    two_days(accounts)
    head, sub = accounts.desk.head_office, accounts.desk.sub_office
    assert accounts.rows(Account.SO_ACCOUNT, sub) == [
        ["2026-11-16", HEAD, "", 1, "4000.00"]
    ]
    assert accounts.rows(Account.SO_DAILY_ACCOUNT, sub) == [
        ["2026-11-16", HEAD, "", "0.00", "4000.00", "0.00", "4000.00"]
    ]
    (summary,) = accounts.rows(Account.SO_SUMMARY, head)
    assert summary[2:] == ["Malleswaram", 1, "4000.00"]
    assert accounts.rows(Account.HO_SUMMARY, head) == [
        ["2026-11-16", HEAD, "", "5000.00", "4000.00", "9000.00"],
        ["2026-11-17", HEAD, "", "1000.00", "0.00", "1000.00"],
    ]
    assert accounts.rows(Account.HO_CASH_BOOK, head) == [
        ["2026-11-16", "receipt side", HEAD, "", "9000.00"],
        ["2026-11-17", "receipt side", HEAD, "", "1000.00"],
    ]
    lists = accounts.rows(Account.DAILY_LIST, head)
    assert [row[-1] for row in lists] == ["2000.00", "3000.00", "4000.00", "1000.00"]
    assert len(accounts.rows(Account.DAILY_LIST, sub)) == 1


def test_it_is_no_part_of_what_is_collected_for_other_billers(
    accounts: Accounts,
) -> None:
    """RMFS-22: each account has this head, and no other has anything of it."""
    two_days(accounts)
    with accounts.desk.store.reading() as connection:
        other = store.head(connection, OTHER_BILLERS)
    rows = accounts.rows(Account.HO_CASH_BOOK, accounts.desk.head_office)
    assert {row[2] for row in rows} == {HEAD}
    assert other.name not in {row[2] for row in rows}


@pytest.mark.parametrize("form", list(Format))
def test_an_account_is_had_in_every_format(accounts: Accounts, form: Format) -> None:
    two_days(accounts)
    with accounts.desk.store.reading() as connection:
        office = offices.get(connection, accounts.desk.head_office)
        wanted = AccountFilter(office, FIRST, SECOND)
        for account in Account:
            written = io.BytesIO()
            table = account.listing.table(
                connection, wanted, person="asha", now=moment(SECOND)
            )
            form.write(table, written)
            assert written.getvalue()


def test_an_office_below_no_head_office_accounts_to_the_first_of_its_division(
    accounts: Accounts,
) -> None:
    desk = accounts.desk
    with desk.store.writing("test") as connection:
        division = offices.get(connection, desk.division)
        by = desk.by()
        sub = offices.get(connection, desk.sub_office)
        alone = offices.add(
            connection, division, OfficeKind.SO, "Hebbal", by, pin="560024"
        )
        offices.add(connection, sub, OfficeKind.BO, "Yelahanka", by, pin="560064")
    accounts.pass_day(
        FIRST,
        accounts.receipt(FIRST, 100_000, ("Hebbal", "560024")),
        accounts.receipt(FIRST, 200_000, ("Yelahanka", "560064")),
    )
    rows = accounts.rows(Account.SO_SUMMARY, desk.head_office)
    assert [row[2:] for row in rows] == [
        ["Malleswaram", 1, "2000.00"],
        ["Hebbal", 1, "1000.00"],
    ]
    assert accounts.rows(Account.SO_ACCOUNT, alone.office_id)[0][-1] == "1000.00"


def test_an_office_of_no_division_has_no_accounts(accounts: Accounts) -> None:
    with accounts.desk.store.reading() as connection:
        circle = offices.get(connection, accounts.desk.circle)
        wanted = AccountFilter(circle, FIRST, SECOND)
        with pytest.raises(ConflictError, match="no post office"):
            list(Account.SO_ACCOUNT.listing.rows(connection, wanted))


def test_a_schedule_that_tallies_is_sent_and_accepted_by_somebody_else(
    accounts: Accounts,
) -> None:
    """RMFS-23: the monthly schedule, with the Cash Account, tallies with the lists."""
    two_days(accounts)
    made = accounts.make()
    assert made.total_paise == 1_000_000
    with pytest.raises(ConflictError, match="not over"):
        accounts.send(made.id)
    accounts.desk.day = NEXT_MONTH
    assert accounts.send(made.id).state is ScheduleState.SENT
    with pytest.raises(ConflictError, match="cannot be done"):
        accounts.make()
    with accounts.desk.store.writing("test") as connection:
        with pytest.raises(SamePersonError):
            service.accept_schedule(connection, made.id, accounts.desk.by("prakash"))
        table = SCHEDULE_LISTING.table(
            connection, schedule_filter(connection, made), person="x", now=made.made_at
        )
        assert [row[-2:] for row in table.rows] == [(900_000,) * 2, (100_000,) * 2]
        accepted = service.accept_schedule(
            connection, made.id, accounts.desk.by("sunita")
        )
    assert accepted.state is ScheduleState.ACCEPTED


def test_a_schedule_that_does_not_tally_is_not_sent_and_the_days_are_named(
    accounts: Accounts,
) -> None:
    """RMFS-23."""
    two_days(accounts)
    booked = {FIRST: Paise(900_000), SECOND: Paise(110_000)}
    made = accounts.make(booked)
    accounts.desk.day = NEXT_MONTH
    words = "2026-11-17: schedule 1000.00, cash book 1100.00, daily lists 1000.00"
    with pytest.raises(ConflictError, match=words):
        accounts.send(made.id)
    again = accounts.make({**booked, SECOND: Paise(100_000)})
    assert (again.id, accounts.send(again.id).state) == (made.id, ScheduleState.SENT)


def test_a_day_that_comes_after_the_schedule_was_made_is_named(
    accounts: Accounts,
) -> None:
    two_days(accounts)
    made = accounts.make()
    late = date(2026, 11, 30)
    accounts.pass_day(late, accounts.receipt(late, 100_000))
    with accounts.desk.store.reading() as connection:
        (found,) = service.differences(connection, made)
    assert (found.day, found.listed_paise, found.now_paise) == (late, 0, 100_000)


def test_a_schedule_that_was_sent_back_is_made_anew(accounts: Accounts) -> None:
    two_days(accounts)
    made = accounts.make()
    accounts.desk.day = NEXT_MONTH
    accounts.send(made.id)
    with accounts.desk.store.writing("test") as connection:
        service.send_back_schedule(connection, made.id, accounts.desk.by("sunita"))
    assert accounts.make().state is ScheduleState.MADE


def test_a_schedule_of_no_head_office_or_of_other_days_is_refused(
    accounts: Accounts,
) -> None:
    with accounts.desk.store.writing("test") as connection:
        sub = offices.get(connection, accounts.desk.sub_office)
        by = accounts.desk.by("prakash")
        with pytest.raises(InvalidError) as wrong:
            service.make_schedule(connection, sub, NEXT_MONTH, by, {FIRST: Paise(1)})
    codes = [one.code for one in wrong.value.findings]
    assert codes == ["no_head_office", "too_early", "other_month"]


def test_a_deployment_says_the_code_of_a_head(accounts: Accounts) -> None:
    """The code is data of a deployment, never a constant (domain notes, 14)."""
    with accounts.desk.store.writing("test") as connection:
        head = store.head(connection, RMFS_E_PAYMENT)
        assert (head.name, head.code) == (HEAD, "")
        service.set_head(
            connection, replace(head, code="120100101230100"), accounts.desk.by()
        )
        with pytest.raises(InvalidError):
            service.set_head(connection, replace(head, code="1 2"), accounts.desk.by())
    two_days(accounts)
    rows = accounts.rows(Account.HO_CASH_BOOK, accounts.desk.head_office)
    assert {row[3] for row in rows} == {"120100101230100"}


def test_our_own_counters_hand_over_their_day_once(accounts: Accounts) -> None:
    """RMFS-24: what the Central Server would send, made of days that have ended."""
    desk, card = accounts.desk, Card(N1, number_of(N1)).payload
    desk.day = FIRST
    cheque = Instrument("000123", "Canara Bank", FIRST, desk.head_office)
    tenders = [
        Tender(Paise(200_000), PaymentMode.PO_CASH),
        Tender(Paise(300_000), PaymentMode.PO_CHEQUE, cheque),
    ]
    taken = []
    with desk.store.writing("test") as connection:
        for tender in tenders:
            form = Form(NAME, "1 MG Road", N1, number_of(N1), tender.amount_paise, "x")
            taken.append(
                counter.take(
                    connection,
                    desk.sub_office,
                    desk.by("meena"),
                    card=card,
                    form=form,
                    tender=tender,
                )
            )
        counter.take_in(connection, taken[1].number, desk.by("tara"))
    assert hand_over(desk) is None
    with desk.store.writing("test") as connection:
        counter.end_day(connection, desk.sub_office, FIRST, desk.by("prakash"))
    file = hand_over(desk)
    assert file is not None
    assert (file.state, file.line_count) == (FileState.TAKEN, 2)
    assert hand_over(desk) is None
    assert len(accounts.rows(Account.DAILY_LIST, desk.sub_office)) == 1
    desk.day = SECOND
    with desk.store.writing("test") as connection:
        counter.realise(connection, taken[1].number, SECOND, desk.by("tara"))
    file = hand_over(desk)
    assert file is not None
    assert (file.business_date, file.line_count) == (SECOND, 1)
    rows = accounts.rows(Account.SO_ACCOUNT, desk.sub_office)
    assert [row[-1] for row in rows] == ["2000.00", "3000.00"]
    assert accounts.incidents() == []
    desk.day = NEXT_MONTH
    assert hand_over(desk) is None


def hand_over(desk: DepositDesk) -> BankFile | None:
    rules = Rules(SEAL.layouts, SEAL.realm, GatewayNeighbours())
    with desk.store.writing("test") as connection:
        return own_counters.hand_over(
            connection, moment(desk.day), desk.by(), rules=rules, ours=OURS
        )


def test_the_scroll_of_the_bank_lists_what_its_account_took_in(
    accounts: Accounts,
) -> None:
    """Domain notes, 14: a licence-wise scroll to the CPAO."""
    bank = BankDesk(accounts.desk.store, GatewayNeighbours()).register()
    accounts.desk.day = FIRST
    paid = PaidIn(N1, number_of(N1), NAME, Paise(200_000))
    bank.take(bank.day(FIRST, paid).files, FIRST)
    with accounts.desk.store.reading() as connection:
        rows = list(SCROLL.rows(connection, ScrollFilter("SBI", FIRST, SECOND)))
        assert banks.get(connection, "SBI").account == "30012345678"
    assert [(row[0], row[1], row[-1]) for row in rows] == [(FIRST, N1, 200_000)]
