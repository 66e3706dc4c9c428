"""A gateway with a month of a Circle's machines in it, filled by bulk for a bench.

In the month each machine has four deposits, eight downloads and a dial-in on every
working day with three classes. Its money went through the ledger as it does in service;
a day behind the month it was used on, so that a report of the month has to look back. A
second Circle has a tenth as many machines: whoever asks for the first reports none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Table, func, insert, literal, select, text

from dop_gateway import ledger
from dop_gateway.access import Permit
from dop_gateway.deposits.model import DepositState
from dop_gateway.deposits.tables import deposit
from dop_gateway.downloads.model import DownloadState
from dop_gateway.downloads.tables import download_line
from dop_gateway.identity.model import (
    GATEWAY,
    Actor,
    By,
    Grant,
    PersonId,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.ledger import AccountKind, Source, movements
from dop_gateway.ledger.movements import Movement, account_of
from dop_gateway.ledger.tables import ledger as ledger_tables
from dop_gateway.licences.application import (
    ApplicationKind,
    ApplicationState,
    Scenario,
)
from dop_gateway.licences.model import Body, LicenceKind, MachineState
from dop_gateway.licences.tables import (
    licence,
    licence_application,
    licence_credential,
    maker,
)
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId, OfficeKind
from dop_gateway.remaining.tables import remaining_fund
from dop_gateway.store.migrations import migrate
from dop_gateway.usage.tables import failed_dial_in, usage_dial_in, usage_product
from hw.clock import epoch_seconds
from hw.database import Store
from hw.entropy import SeededEntropy
from protocol.exchange import PaymentMode
from protocol.keys import MachineIdentity, MachineProvisioning, Realm
from protocol.messages import LicenceState
from protocol.parameters import INDIA
from protocol.registers import MachineState as ToldState
from protocol.registers import VoucherKind
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)

MONTH: Final = "2026-11"
NOW: Final = EpochSeconds(1_796_182_200)
"""The second of December, in the morning."""
DEPOSITS: Final = 4
DOWNLOADS: Final = 8
DEPOSIT_PAISE: Final = 200_000
DOWNLOAD_PAISE: Final = 70_000
CLASSES: Final = ((1, 10, 5_000), (3, 6, 6_000), (7, 2, 9_000))
"""What a day brings: class, items, paise."""
DAY_ITEMS: Final = sum(items for _, items, _ in CLASSES)
DAY_PAISE: Final = sum(paise for _, _, paise in CLASSES)
_FIRST: Final = date(2026, 11, 1)
_SUNDAY: Final = 6
_DAYS: Final = tuple(
    day
    for day in (_FIRST + timedelta(days=one) for one in range(26))
    if day.weekday() != _SUNDAY
)
DIAL_INS: Final = len(_DAYS)
_BEHIND: Final = date(2026, 12, 1)
_ISSUED: Final = date(2026, 4, 1)
_EXPIRES: Final = date(2031, 3, 31)
_STATEMENT: Final = bytes(170)
_VOUCHER: Final = bytes(120)
_BINDING: Final = bytes(32)
_OFFICES: Final = 40
_MAKERS: Final = "NFP"
_AT_A_TIME: Final = 5_000
_OUTSIDE: Final = 10
"""Of the machines of the first Circle, one in so many is in the second besides."""
_BY: Final = By(GATEWAY, NOW, "bench", "a bench")
Rows = Iterator[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that the database is filled with.

    Attributes:
        index: From 0.
        began: Dial-ins that it had before the month: every second machine is new.
    """

    index: int
    office: OfficeId
    division: OfficeId

    @property
    def maker(self) -> str:
        """Letter of its maker."""
        return _MAKERS[self.index % len(_MAKERS)]

    @property
    def identifier(self) -> LicenceIdentifier:
        """Its licence."""
        return LicenceIdentifier(f"{self.maker}{self.index:06d}")

    @property
    def number(self) -> LicenceNumber:
        """Number of its licence."""
        return LicenceNumber(f"KN{self.index // 100_000:02d}{self.index % 100_000:05d}")

    @property
    def began(self) -> int:
        """Dial-ins that it had before the month: every second machine is new."""
        return self.index % 2


def fill(store: Store, machines: int) -> None:
    """Fill an empty database.

    Args:
        store: Opened; it is migrated here.
        machines: Of the first Circle.
    """
    migrate(store)
    with store.writing("a Circle") as connection:
        places = [*_circle(connection, "KN", _OFFICES), *_circle(connection, "TN", 1)]
        inside = places[:-1]
        outside = max(1, machines // _OUTSIDE)
        known = [
            Machine(one, *(inside[one % len(inside)] if one < machines else places[-1]))
            for one in range(machines + outside)
        ]
        _fill(connection, known)
    if store.engine.dialect.name == "postgresql":
        # In service autovacuum does it.
        with store.writing("statistics") as connection:
            connection.execute(text("ANALYZE"))


def circle(connection: Connection) -> Office:
    """Give the first Circle."""
    return next(
        one
        for one in offices.find(connection, "KN", kinds=[OfficeKind.CIRCLE])
        if one.code == "KN"
    )


def authority(connection: Connection) -> Permit:
    """Give somebody who has reports of the machines of the first Circle."""
    scope = str(circle(connection).office_id)
    grant = Grant(Role.POSTAL_AUTHORITY, ScopeKind.OFFICE, scope)
    actor = Actor(PersonId(2), "authority", PersonKind.STAFF, (grant,))
    return Permit(actor, (grant,))


def count_rows(connection: Connection) -> int:
    """Count the rows that a month's report may have to look at."""
    return sum(
        connection.execute(select(func.count()).select_from(one)).scalar_one()
        for one in (deposit, download_line, usage_dial_in, usage_product)
    )


def _circle(
    connection: Connection, code: str, count: int
) -> list[tuple[OfficeId, OfficeId]]:
    """Make a Circle; gives designated post offices, each with its Division."""
    top = offices.top(connection) or offices.add(
        connection, None, OfficeKind.DIRECTORATE, "Dak Bhawan", _BY
    )
    made = offices.add(connection, top, OfficeKind.CIRCLE, code, _BY, code=code)
    places = []
    for number in range(max(1, count // 10)):
        division = offices.add(
            connection,
            made,
            OfficeKind.DIVISION,
            f"Division {code} {number}",
            _BY,
            code=f"{code}{number:02d}",
        )
        for office in range(min(count, 10)):
            pin = f"{560 if code == 'KN' else 600}{number * 10 + office:03d}"
            name = f"Post Office {pin}"
            at = offices.add(
                connection, division, OfficeKind.HO, name, _BY, pin=pin, name_hi="डाकघर"
            )
            places.append((at.office_id, division.office_id))
    return places


def _fill(connection: Connection, known: list[Machine]) -> None:
    there = set(connection.execute(select(maker.c.letter)).scalars())
    new = sorted(set(_MAKERS) - there)
    _bulk(connection, maker, (_maker(letter) for letter in new))
    for table, rows_of in (
        (licence_application, _applications),
        (licence, _licences),
        (licence_credential, _credentials),
        (ledger_tables.account, _accounts),
        (deposit, _deposits),
        (download_line, _downloads),
        (usage_dial_in, _dial_ins),
        (usage_product, _products),
        (failed_dial_in, _failed),
        (remaining_fund, _remaining),
    ):
        _bulk(connection, table, (row for one in known for row in rows_of(one)))
    _open_balances(connection)
    for day in (_DAYS[-1], _BEHIND):
        by = By(GATEWAY, moment(day), "bench", "a bench")
        moved = (row for one in known for row in _movements(one, day))
        while some := list(islice(moved, _AT_A_TIME)):
            ledger.post_many(connection, some, by)


def _bulk(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]
) -> None:
    waiting = iter(rows)
    while some := list(islice(waiting, _AT_A_TIME)):
        connection.execute(insert(table), some)


def moment(day: date, hour: int = 11) -> EpochSeconds:
    """Give a moment of a day in India."""
    return epoch_seconds(datetime.combine(day, time(hour), INDIA))


def _maker(letter: str) -> dict[str, Any]:
    return {"letter": letter, "name": f"Maker {letter}", "added_at": NOW}


def _holder() -> dict[str, Any]:
    return {
        "licensee": "Bharat Stationers, Bengaluru",
        "licensee_hi": "भारत स्टेशनर्स",
        "body": Body.PRIVATE.name,
        "address_1": "12, M.G. Road",
        "address_pin": "560001",
        "contact": "",
        "telephone": "",
        "email": "",
    }


def _applications(of: Machine) -> Rows:
    yield {
        **_holder(),
        "id": of.index + 1,
        "kind": ApplicationKind.ISSUE.name,
        "scenario": Scenario.NEW.name,
        "state": ApplicationState.APPROVED.name,
        "maker": of.maker,
        "identifier": of.identifier,
        "licence_kind": LicenceKind.INDIVIDUAL.name,
        "office": of.office,
        "division": of.division,
        "applied_on": _ISSUED,
        "due_on": _ISSUED,
        "entered_by": GATEWAY.person,
        "entered_at": NOW,
        "delay": "",
        "ended_on": _ISSUED,
    }


def _licences(of: Machine) -> Rows:
    yield {
        **_holder(),
        "identifier": of.identifier,
        "number": of.number,
        "maker": of.maker,
        "kind": LicenceKind.INDIVIDUAL.name,
        "office": of.office,
        "division": of.division,
        "state": LicenceState.REGISTERED.name,
        "machine_state": MachineState.IN_SERVICE.name,
        "issued_on": _ISSUED,
        "expires_on": _EXPIRES,
        "periods": 1,
        "refund_allowed": False,
        "application": of.index + 1,
    }


def _credentials(of: Machine) -> Rows:
    serial = f"PSD{of.index:05d}"
    entropy = SeededEntropy(of.identifier.encode())
    made = MachineIdentity.generate(of.identifier, serial, Realm.TEST, entropy)
    zero = Paise(0)
    credential = made.credential
    registered = MachineProvisioning(
        credential, "FM-1", "1.0", zero, zero, zero, 0, 0, RechargeNumber(0), NOW
    )
    yield {
        "licence": of.identifier,
        "psd_serial": serial,
        "signing_x": credential.signing.point.x,
        "signing_y": credential.signing.point.y,
        "dh_x": credential.dh_point.x,
        "provisioning": registered.encode(),
        "registered_at": NOW,
    }


_KINDS: Final = (AccountKind.DEPOSITED, AccountKind.REMAINING, AccountKind.MACHINE)


def _accounts(of: Machine) -> Rows:
    for kind in _KINDS:
        yield {
            "name": account_of(kind, of.identifier),
            "kind": kind.name,
            "licence": of.identifier,
        }


def _open_balances(connection: Connection) -> None:
    account = ledger_tables.account.c
    empty = select(account.id, literal(0), literal(0)).where(
        account.licence.isnot(None)
    )
    columns = ["account", "balance_paise", "seq"]
    connection.execute(insert(ledger_tables.balance).from_select(columns, empty))


def _deposits(of: Machine) -> Rows:
    for number in range(DEPOSITS):
        day = _DAYS[number * 5]
        yield {
            "source": Source.BANK.name,
            "reference": f"{of.identifier}-{number}",
            "licence_text": of.identifier,
            "number_text": of.number,
            "licensee_text": "Bharat Stationers",
            "amount_paise": DEPOSIT_PAISE,
            "mode": PaymentMode.NETBANKING.name,
            "instrument": "",
            "value_date": day,
            "received_at": moment(day),
            "state": DepositState.DOWNLOADED.name,
            "steps": 7,
            "changed_at": moment(day),
            "licence": of.identifier,
            "available_from": day,
            "confirmed_at": moment(day),
            "downloaded_paise": DEPOSIT_PAISE,
            "refunded_paise": 0,
        }


def _downloads(of: Machine) -> Rows:
    for number in range(1, DOWNLOADS + 1):
        day = _DAYS[number * 2]
        yield {
            "maker": of.maker,
            "file_id": f"CRD-{of.maker}-{day}",
            "day": day,
            "window_of_day": 1,
            "made_at": moment(day),
            "line_id": f"{of.index}-{number}",
            "licence": of.identifier,
            "licence_number": of.number,
            "number": number,
            "kind": VoucherKind.RECHARGE.name,
            "amount_paise": DOWNLOAD_PAISE,
            "at": moment(day),
            "control_total_before_paise": (number - 1) * DOWNLOAD_PAISE,
            "control_total_after_paise": number * DOWNLOAD_PAISE,
            "ascending_paise": 0,
            "descending_paise": number * DOWNLOAD_PAISE,
            "items": 0,
            "message": _STATEMENT,
            "binding": _BINDING,
            "voucher": _VOUCHER,
            "state": DownloadState.TAKEN.name,
            "code": "",
            "detail": "",
            "came_at": moment(day),
            "taken_at": moment(day),
        }


def _days_of(of: Machine) -> list[tuple[int, date]]:
    before = [_FIRST - timedelta(days=3)] * of.began
    return list(enumerate([*before, *_DAYS], start=1))


def _dial_in_id(of: Machine, number: int) -> int:
    return of.index * (DIAL_INS + 1) + number


def _dial_ins(of: Machine) -> Rows:
    for number, day in _days_of(of):
        yield {
            "id": _dial_in_id(of, number),
            "licence": of.identifier,
            "number": number,
            "at": moment(day),
            "on_day": day,
            "ascending_paise": number * DAY_PAISE,
            "descending_paise": 0,
            "items": number * DAY_ITEMS,
            "machine_state": ToldState.IN_SERVICE.name,
            "statement": _STATEMENT,
            "binding": _BINDING,
            "has_products": True,
            "file_id": f"USG-{of.maker}-{day}",
            "line_id": f"{of.index}-{number}",
            "taken_at": moment(day),
        }


def _products(of: Machine) -> Rows:
    for number, _ in _days_of(of):
        for product_class, items, paise in CLASSES:
            yield {
                "dial_in": _dial_in_id(of, number),
                "product_class": product_class,
                "items": number * items,
                "amount_paise": number * paise,
                "new_items": items,
                "new_paise": paise,
            }


def _failed(of: Machine) -> Rows:
    return failed_rows(of.maker, of.identifier, of.number)


def failed_rows(letter: str, licence_of: str, number: str = "KN0099999") -> Rows:
    """Give a dial-in of a licence that failed, as its maker tells it."""
    yield {
        "maker": letter,
        "licence": licence_of,
        "licence_number": number,
        "at": moment(_DAYS[3], 12),
        "on_day": _DAYS[3],
        "code": "FUNDS",
        "words": "the funds are not sufficient",
        "file_id": f"USG-{letter}-{_DAYS[3]}",
        "line_id": f"F-{licence_of}",
        "came_at": moment(_DAYS[3], 14),
    }


def _remaining(of: Machine) -> Rows:
    yield {
        "licence": of.identifier,
        "maker": of.maker,
        "file_id": f"REM-{of.maker}-{_BEHIND}",
        "day": _BEHIND,
        "window_of_day": 1,
        "made_at": moment(_BEHIND),
        "applied_at": moment(_BEHIND),
        "line_id": str(of.index),
        "licence_number": of.number,
        "remaining_paise": DEPOSITS * DEPOSIT_PAISE - DOWNLOADS * DOWNLOAD_PAISE,
        "reserved_paise": 0,
        "number": DOWNLOADS,
        "control_total_paise": DOWNLOADS * DOWNLOAD_PAISE,
    }


def _movements(of: Machine, day: date) -> Iterator[Movement]:
    key, reason = f"bench:{of.index}:{day}", "a bench"
    if day == _BEHIND:
        yield movements.used(of.identifier, DAY_PAISE, f"{key}:u", reason)
        return
    paid, taken = DEPOSITS * DEPOSIT_PAISE, DOWNLOADS * DOWNLOAD_PAISE
    licence_of = of.identifier
    source = Source.BANK
    yield movements.authenticated(source, licence_of, paid, f"{key}:a", reason)
    yield movements.acknowledged(licence_of, paid, f"{key}:k", reason)
    yield movements.downloaded(licence_of, taken, f"{key}:d", reason)
    yield movements.used(licence_of, DIAL_INS * DAY_PAISE, f"{key}:u", reason)
