"""What a bank hands over becomes deposits, money in the ledger, and incidents."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from dop_gateway.bank.carrying import GatewayNeighbours
from dop_gateway.deposits import store as deposits
from dop_gateway.deposits.model import Deposit, DepositState
from dop_gateway.incidents.tables import incident
from dop_gateway.ledger import Source
from dop_gateway.simulators.bank import Fault, Injected, MadeDay, PaidIn
from protocol.values import Paise
from tests.bank_desk import MONDAY, TUESDAY, BankDesk
from tests.deposit_desk import N1, N2, NAME, DepositDesk, deposit_desk_at, number_of

BHARAT = PaidIn(N1, number_of(N1), NAME, Paise(200_000))
KAVERI = PaidIn(N2, number_of(N2), NAME, Paise(350_000))


@dataclass
class Night:
    """A bank, and the Department whose money it holds."""

    bank: BankDesk
    deposits: DepositDesk

    def pass_day(self, day: date, *paid: PaidIn, faults: Any = ()) -> MadeDay:
        self.deposits.day = day
        made = self.bank.day(day, *paid, faults=faults)
        self.bank.take(made.files, day)
        self.bank.missing(day)
        return made

    def deposit(self, reference: str) -> Deposit:
        with self.deposits.store.reading() as connection:
            found = deposits.find(connection, Source.BANK, reference)
        assert found is not None
        return found

    def incidents(self, *, waiting: bool = False) -> set[tuple[str, str]]:
        with self.deposits.store.reading() as connection:
            rows = connection.execute(select(incident)).all()
        states = {"OPEN", "ASSIGNED"} if waiting else {row.state for row in rows}
        return {(row.kind, row.subject) for row in rows if row.state in states}


@pytest.fixture
def night(store_place: str) -> Iterator[Night]:
    """Give a bank and a Department; money must add up when the test is over."""
    with deposit_desk_at(store_place) as desk:
        yield Night(BankDesk(desk.store, GatewayNeighbours()).register(), desk)
        desk.adds_up()


def test_a_payment_that_both_files_tell_is_authenticated(night: Night) -> None:
    """RMFS-15: verified against the own account, kept ready for the maker."""
    made = night.pass_day(MONDAY, BHARAT, KAVERI)
    for one in made.paid:
        assert night.deposit(one.reference).state is DepositState.AUTHENTICATED
    assert night.deposits.balances(N1).deposited == 200_000
    assert night.deposits.holds("bank") == -550_000
    assert night.incidents() == set()


def test_an_unknown_licence_waits_in_suspense(night: Night) -> None:
    """RMFS-09, RMFS-17: what the payer wrote is kept as it was captured."""
    made = night.pass_day(MONDAY, BHARAT, faults=[Fault.UNKNOWN_LICENCE])
    assert night.deposit(made.paid[-1].reference).state is DepositState.SUSPENSE
    assert night.deposits.holds("suspense") == 200_000


@pytest.mark.parametrize("fault", [Fault.AMOUNT_DIFFERS, Fault.NOT_IN_FILE])
def test_what_is_in_doubt_waits_in_suspense_with_what_the_account_has(
    night: Night, fault: Fault
) -> None:
    made = night.pass_day(MONDAY, KAVERI, BHARAT, faults=[fault])
    (injected,) = made.injected
    doubtful = night.deposit(injected.subject)
    assert doubtful.state is DepositState.SUSPENSE
    assert night.deposits.holds("suspense") == doubtful.amount_paise
    assert injected.kind is not None
    assert night.incidents() == {(injected.kind.name, injected.subject)}
    assert night.deposits.holds("bank") == 5_000_000 - night.bank.books.balance_paise


def test_what_is_not_in_the_account_is_no_deposit_before_it_comes(
    night: Night,
) -> None:
    """RMFS-12: a payment counts once the Department's account has it."""
    made = night.pass_day(MONDAY, BHARAT, faults=[Fault.NOT_IN_ACCOUNT])
    reference = made.paid[0].reference
    with night.deposits.store.reading() as connection:
        assert deposits.find(connection, Source.BANK, reference) is None
    assert night.incidents(waiting=True) == {("BANK_NOT_IN_ACCOUNT", reference)}
    night.pass_day(TUESDAY)
    assert night.deposit(reference).state is DepositState.AUTHENTICATED
    assert night.incidents(waiting=True) == set()


def test_a_payment_that_bounced_is_taken_back(night: Night) -> None:
    made = night.pass_day(MONDAY, BHARAT)
    night.pass_day(TUESDAY, faults=[Fault.BOUNCED_CHEQUE])
    assert night.deposit(made.paid[0].reference).state is DepositState.BOUNCED
    assert night.deposits.balances(N1).deposited == 0
    assert night.deposits.holds("bank") == 0


def test_every_mistake_of_a_bank_is_named_and_no_money_is_lost(night: Night) -> None:
    """RMFS-17: the rest goes on."""
    injected: list[Injected] = []
    day = date(2026, 11, 1)
    for number, fault in enumerate(Fault):
        made = night.pass_day(
            day.replace(day=1 + 2 * number), BHARAT, KAVERI, faults=[fault]
        )
        injected += made.injected
        night.pass_day(day.replace(day=2 + 2 * number), BHARAT)
    for last in (23, 24):
        night.pass_day(day.replace(day=last))
    named = night.incidents()
    for one in injected:
        if one.kind is not None:
            assert (one.kind.name, one.subject) in named, one
        else:
            assert night.deposit(one.subject).state in {
                DepositState.SUSPENSE,
                DepositState.BOUNCED,
            }
    wanted = {(one.kind.name, one.subject) for one in injected if one.kind}
    # A statement that came out of order made the next one wait.
    assert {kind for kind, _ in named - wanted} == {"BANK_TOTAL"}
    assert night.deposits.holds("bank") == 5_000_000 - night.bank.books.balance_paise


@pytest.mark.parametrize("seed", range(3))
def test_mistakes_that_come_together_are_named_each_and_no_money_is_lost(
    night: Night, seed: int
) -> None:
    drawn = random.Random(seed)
    injected: list[Injected] = []
    for number in range(1, 9):
        faults = drawn.sample(list(Fault), drawn.choice([0, 1, 2, 3]))
        paid = drawn.choices([BHARAT, KAVERI], k=drawn.randint(1, 3))
        made = night.pass_day(date(2026, 11, number), *paid, faults=faults)
        injected += made.injected
    for number in range(9, 12):
        night.pass_day(date(2026, 11, number))
    named = night.incidents()
    for one in injected:
        assert one.kind is None or (one.kind.name, one.subject) in named, one
    assert night.deposits.holds("bank") == 5_000_000 - night.bank.books.balance_paise
