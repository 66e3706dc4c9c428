"""Deposits that the account confirms: judged, and brought to a licence or to suspense.

Licences, rules, calendars and first deposits are looked up for all at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from sqlalchemy import Connection

from dop_gateway.calendars import store as calendars
from dop_gateway.deposits import store
from dop_gateway.deposits.fund_lines import NewLine
from dop_gateway.deposits.judging import Fault, Rules, available_from, judge
from dop_gateway.deposits.model import (
    Deposit,
    DepositEvent,
    LineKind,
    Payment,
)
from dop_gateway.deposits.steps import Steps
from dop_gateway.ledger import Source, movements
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence
from dop_gateway.moves import Objection
from dop_gateway.offices.model import OfficeId
from dop_gateway.parameters import store as parameters
from protocol.calendar import Calendar
from protocol.exchange import PaymentMode
from protocol.parameters import business_date
from protocol.values import EpochSeconds, LicenceIdentifier


@dataclass
class Desk:
    """What deposits are judged by, looked up for all of them."""

    connection: Connection
    rules: Rules
    today: date
    licences: Mapping[str, Licence]
    with_deposits: set[LicenceIdentifier]
    owed: set[tuple[LicenceIdentifier, int]]
    _calendars: dict[OfficeId, Calendar] = field(default_factory=dict)
    _days: dict[tuple[OfficeId, PaymentMode, date], date] = field(default_factory=dict)

    def licence_of(self, payment: Payment) -> Licence | None:
        """Find the licence that a payment names; None if there is none."""
        return self.licences.get(payment.licence)

    def judge(self, payment: Payment, licence: Licence | None) -> Objection | None:
        """Say what speaks against a payment."""
        first = licence is not None and licence.identifier not in self.with_deposits
        return judge(payment, licence, self.rules, self.today, is_first=first)

    def may_be_owed(self, payment: Payment, licence: Licence) -> Objection | None:
        """Say whether it may be meant to pay what the licensee owes (our own rule).

        A payment does not tell what it is for. One of exactly the amount that is owed
        waits for a person, who settles the debt with it or releases it.
        """
        if payment.source is Source.NOTIONAL:
            return None
        if (licence.identifier, payment.amount_paise) not in self.owed:
            return None
        return Fault.MAY_BE_OWED.objection("settle that with it, or release it")

    def available_from(self, payment: Payment, licence: Licence) -> date:
        """Give the first day on which a machine may ask for it."""
        if payment.realised_on is not None:
            return available_from(payment, self.rules, self._calendar(licence.office))
        key = (licence.office, payment.mode, payment.value_date)
        if key not in self._days:
            calendar = self._calendar(licence.office)
            self._days[key] = available_from(payment, self.rules, calendar)
        return self._days[key]

    def _calendar(self, office: OfficeId) -> Calendar:
        if office not in self._calendars:
            self._calendars[office] = calendars.calendar_of(self.connection, office)
        return self._calendars[office]


def open_desk(
    connection: Connection, payments: Iterable[Payment], now: EpochSeconds
) -> Desk:
    """Look up what payments are judged by."""
    found = licences.find_many(connection, (one.licence for one in payments))
    known = [one.identifier for one in found.values()]
    return Desk(
        connection,
        Rules(parameters.table(connection)),
        business_date(now),
        found,
        store.with_deposits(connection, known),
        store.owed_amounts(connection, known),
    )


def authenticate(desk: Desk, steps: Steps, deposit: Deposit) -> Deposit:
    """Bring a deposit that the account confirms where it belongs."""
    payment = deposit.payment
    confirmed = deposit.confirmed_at or steps.by.now
    verified = steps.move(deposit, DepositEvent.VERIFIED, confirmed_at=confirmed)
    licence = desk.licence_of(payment)
    against = desk.judge(payment, licence)
    if against is None and licence is not None:
        against = desk.may_be_owed(payment, licence)
    if against is not None or licence is None:
        return steps.move(
            verified,
            DepositEvent.SUSPENDED,
            partial(_suspended, verified),
            objection=against,
            licence=None if licence is None else licence.identifier,
            suspended_at=steps.by.now,
        )
    return bring(desk, steps, verified, licence)


def bring(
    desk: Desk,
    steps: Steps,
    deposit: Deposit,
    licence: Licence,
    *,
    event: DepositEvent = DepositEvent.AUTHENTICATED,
    line: NewLine | None = None,
) -> Deposit:
    """Bring a deposit to its licence; the maker is told in the next window.

    Args:
        desk: What it was judged by.
        steps: Where the moves are collected.
        deposit: Verified, or in suspense.
        licence: To which.
        event: `AUTHENTICATED` or `RELEASED`.
        line: What the maker is told; None for a new line.
    """
    released = event is DepositEvent.RELEASED
    of = movements.released if released else partial(_authenticated, deposit)
    reason = f"{deposit.payment.source.value}, {deposit.payment.reference}"
    identifier, amount = licence.identifier, deposit.amount_paise
    brought = steps.move(
        deposit,
        event,
        lambda key: of(identifier, amount, key, reason),
        licence=identifier,
        available_from=desk.available_from(deposit.payment, licence),
        objection=None,
        suspended_at=None,
    )
    new = NewLine(deposit.id, identifier, LineKind.DEPOSIT, amount, amount)
    steps.line(new if line is None else line)
    desk.with_deposits.add(identifier)
    return brought


def _authenticated(
    deposit: Deposit, licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> movements.Movement:
    source = deposit.payment.source
    return movements.authenticated(source, licence, amount, key, reason)


def _suspended(deposit: Deposit, key: str) -> movements.Movement:
    payment = deposit.payment
    reason = f"{payment.source.value}, {payment.reference}"
    return movements.suspended(payment.source, payment.amount_paise, key, reason)
