"""A Department with offices, licences and people, where payments come in.

Licences are put into the database as if they had been issued.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from dop_gateway import ledger
from dop_gateway.deposits import bouncing, checks, funds, receiving, store, verifying
from dop_gateway.deposits.model import Deposit, DepositState, LineState, Payment
from dop_gateway.deposits.receiving import Received
from dop_gateway.deposits.tables import fund_line
from dop_gateway.identity import store as people
from dop_gateway.identity.model import (
    GATEWAY,
    Actor,
    By,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.ledger import Balances, Source
from dop_gateway.licences import store as licences
from dop_gateway.licences.application import (
    ApplicationKind,
    ApplicationState,
    Scenario,
)
from dop_gateway.licences.model import (
    Body,
    Holder,
    Licence,
    LicenceKind,
    MachineState,
)
from dop_gateway.licences.store import holder_columns
from dop_gateway.licences.tables import licence as licence_table
from dop_gateway.licences.tables import licence_application
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId, OfficeKind
from hw.database import Store
from protocol.exchange import PaymentMode
from protocol.messages import LicenceState
from protocol.parameters import INDIA
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    parse_licence_identifier,
    parse_licence_number,
)
from tests.gateway import gateway_at

TODAY: Final = date(2026, 11, 16)
"""A Monday."""
N1: Final = parse_licence_identifier("N123456")
N2: Final = parse_licence_identifier("N123457")
P1: Final = parse_licence_identifier("P001122")
DEPARTMENTAL: Final = parse_licence_identifier("N900001")
NAME: Final = "Bharat Stationers, Bengaluru"


def moment(day: date, at: time = time(22, 0)) -> EpochSeconds:
    """Give a moment of a day in India."""
    return EpochSeconds(int(datetime.combine(day, at, INDIA).timestamp()))


def number_of(licence: LicenceIdentifier) -> LicenceNumber:
    """Give the licence number that a licence of these tests has."""
    return parse_licence_number(f"KN06{int(licence[1:]) % 100_000:05d}")


@dataclass
class DepositDesk:
    """What payments come to.

    Attributes:
        people: Who acts, by login.
        day: The business date; whatever is done is done at 22:00 of it.
    """

    store: Store
    circle: OfficeId
    head_office: OfficeId
    sub_office: OfficeId
    division: OfficeId
    people: Mapping[str, By]
    day: date = TODAY
    files: int = 0
    references: int = 0
    told: dict[str, list[str]] = field(default_factory=dict)

    def by(self, login: str = "gateway", reason: str = "a test") -> By:
        """Say who acts, at this day."""
        return replace(self.people[login], now=moment(self.day), reason=reason)

    def next_day(self, days: int = 1) -> None:
        """Let days pass."""
        self.day += timedelta(days=days)

    def payment(self, amount: int = 200_000, **changes: Any) -> Payment:
        """Make a payment that fits, but for what is changed."""
        self.references += 1
        licence = changes.pop("licence", N1)
        values: dict[str, Any] = {
            "source": Source.BANK,
            "reference": f"UTR{self.references:06d}",
            "licence": licence,
            "licence_number": number_of(licence) if licence else "",
            "licensee": NAME,
            "amount_paise": Paise(amount),
            "mode": PaymentMode.NETBANKING,
            "value_date": self.day,
        }
        return Payment(**(values | changes))

    def receive(self, *payments: Payment) -> Received:
        """Take payments in."""
        with self.store.writing("receive") as connection:
            return receiving.receive(connection, payments, self.by())

    def verify(self, *payments: Payment) -> verifying.Verified:
        """Let the account confirm payments of one source."""
        references = [one.reference for one in payments]
        with self.store.writing("verify") as connection:
            source = payments[0].source
            return verifying.verified(connection, source, references, self.by())

    def bring(self, amount: int = 200_000, **changes: Any) -> Payment:
        """Take a payment in that the account confirms at once."""
        payment = self.payment(amount, **changes)
        self.receive(payment)
        self.verify(payment)
        return payment

    def bounce(self, payment: Payment) -> Deposit:
        """Let the bank take a payment back."""
        with self.store.writing("bounce") as connection:
            return bouncing.bounce(
                connection,
                payment.source,
                payment.reference,
                self.day,
                "no funds",
                self.by(),
            )

    def send(self, maker: str = "N") -> str:
        """Make a fund file of all that waits; give its id."""
        self.files += 1
        file_id = f"FND-{maker}-{self.files:04d}"
        with self.store.writing("send") as connection:
            lines = funds.waiting(connection, maker)
            ids = [one.id for one in lines]
            funds.put_in_file(connection, ids, file_id, self.by())
        self.told[file_id] = [str(one) for one in ids]
        return file_id

    def answer(self, file_id: str, refused: Iterable[str] = ()) -> None:
        """Let the maker answer a file, refusing some of its lines."""
        no = dict.fromkeys(refused, ("FND-02-001", "no such licence here"))
        with self.store.writing("answer") as connection:
            funds.answered(connection, file_id, no, self.by())

    def deliver(self, amount: int = 200_000, **changes: Any) -> Payment:
        """Bring a payment as far as into the maker's funds."""
        payment = self.bring(amount, **changes)
        self.answer(self.send(payment.licence[0]))
        return payment

    def move(self, movement: ledger.Movement) -> None:
        """Move money, as other features do."""
        with self.store.writing("move") as connection:
            ledger.post(connection, movement, self.by())

    def deposit(self, payment: Payment) -> Deposit:
        """Find what a payment came to."""
        with self.store.reading() as connection:
            found = store.find(connection, payment.source, payment.reference)
        assert found is not None
        return found

    def state(self, payment: Payment) -> DepositState:
        """Say how far a payment is."""
        return self.deposit(payment).state

    def balances(self, licence: LicenceIdentifier = N1) -> Balances:
        """Read the balances of a licence."""
        with self.store.reading() as connection:
            return ledger.balances(connection, licence)

    def taken(self, licence: LicenceIdentifier = N1) -> int:
        """Sum what the lines that its maker took have changed of a licence's funds."""
        line = fund_line.c
        query = select(func.coalesce(func.sum(line.amount_paise), 0)).where(
            line.licence == licence, line.state == LineState.TAKEN.name
        )
        with self.store.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def holds(self, account: str) -> int:
        """Read a pooled account."""
        with self.store.reading() as connection:
            return ledger.balance_paise(connection, ledger.AccountName(account))

    def adds_up(self) -> None:
        """See that the ledger holds its rules, and says what the deposits say."""
        with self.store.reading() as connection:
            assert list(ledger.verify(connection)) == []
            assert list(checks.verify(connection)) == []
            assert ledger.total_paise(connection) == 0

    def change_licence(self, licence: LicenceIdentifier, **values: Any) -> None:
        """Change columns of a licence."""
        with self.store.writing("licence") as connection:
            connection.execute(
                update(licence_table)
                .where(licence_table.c.identifier == licence)
                .values(**values)
            )


@contextmanager
def deposit_desk_at(url: str) -> Iterator[DepositDesk]:
    """Open a Department with four licences on a new database."""
    with gateway_at(url) as store:
        yield furnish(store)


def furnish(store: Store) -> DepositDesk:
    """Put a Department with four licences into an empty database."""
    gateway = By(GATEWAY, moment(TODAY), "a-test", "a test")
    with store.writing("a department") as connection:
        desk = _department(connection, store, gateway)
        for identifier in (N1, N2, P1):
            add_licence(connection, desk, identifier)
        add_licence(connection, desk, DEPARTMENTAL, kind=LicenceKind.DEPARTMENTAL)
    return desk


def _department(connection: Connection, store: Store, by: By) -> DepositDesk:
    def add(parent: Any, kind: OfficeKind, name: str, **more: Any) -> Any:
        return offices.add(connection, parent, kind, name, by, **more)

    top = add(None, OfficeKind.DIRECTORATE, "Directorate")
    circle = add(top, OfficeKind.CIRCLE, "Karnataka", code="KN")
    division = add(circle, OfficeKind.DIVISION, "East", code="KN06")
    head = add(division, OfficeKind.HO, "Bengaluru GPO", pin="560001")
    sub = add(head, OfficeKind.SO, "Malleswaram", pin="560003")
    office = (ScopeKind.OFFICE, str(sub.office_id))
    everything = (ScopeKind.EVERYTHING, "")
    grants = {
        "omar": Grant(Role.DCR_OPERATOR, *everything),
        "sunita": Grant(Role.DCR_SUPERVISOR, *everything),
        "meena": Grant(Role.COUNTER_ASSISTANT, *office),
        "tara": Grant(Role.TREASURER, *office),
        "prakash": Grant(Role.POSTMASTER, *office),
        "hari": Grant(Role.COUNTER_ASSISTANT, ScopeKind.OFFICE, str(head.office_id)),
    }
    acting = {"gateway": by} | {
        login: _person(connection, login, grant, by) for login, grant in grants.items()
    }
    return DepositDesk(
        store,
        circle.office_id,
        head.office_id,
        sub.office_id,
        division.office_id,
        acting,
    )


def _person(connection: Connection, login: str, grant: Grant, by: By) -> By:
    number = people.insert_person(
        connection,
        login=login,
        name=login.title(),
        kind=PersonKind.STAFF,
        email="",
        mobile="",
        password_hash=None,
        now=by.now,
    )
    people.insert_grant(connection, number, grant, GATEWAY.person, by.now)
    actor = Actor(number, login, PersonKind.STAFF, (grant,))
    return By(actor, by.now, "a-test", "a test")


def add_licence(
    connection: Connection,
    desk: DepositDesk,
    identifier: LicenceIdentifier,
    *,
    kind: LicenceKind = LicenceKind.INDIVIDUAL,
) -> None:
    """Issue a licence on 2 January 2026, for five years."""
    issued = date(2026, 1, 2)
    holder = Holder(NAME, Body.PRIVATE, ("1 MG Road",), "560001")
    application: Any = connection.execute(
        insert(licence_application)
        .values(
            **holder_columns(holder),
            kind=ApplicationKind.ISSUE.name,
            scenario=Scenario.NEW.name,
            state=ApplicationState.APPROVED.name,
            maker=identifier[0],
            identifier=identifier,
            licence_kind=kind.name,
            office=desk.sub_office,
            division=desk.division,
            applied_on=issued,
            due_on=issued,
            entered_by=GATEWAY.person,
            entered_at=moment(issued),
            delay="",
            ended_on=issued,
        )
        .returning(licence_application.c.id)
    ).scalar_one()
    licences.add(
        connection,
        Licence(
            identifier,
            number_of(identifier),
            identifier[0],
            kind,
            None,
            holder,
            desk.sub_office,
            desk.division,
            LicenceState.REGISTERED,
            MachineState.IN_SERVICE,
            issued,
            date(2031, 1, 1),
            1,
            refund_allowed=False,
            cancelled=None,
            cancelled_on=None,
            replaces=None,
            application=application,
        ),
    )
    ledger.open_licence(connection, identifier)
