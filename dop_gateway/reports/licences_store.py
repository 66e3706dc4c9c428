"""All SQL about which licences a report is about, within what roles reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    exists,
    func,
    or_,
    select,
)

from dop_gateway.access import Permit
from dop_gateway.errors import NotFoundError
from dop_gateway.ledger.tables import ledger
from dop_gateway.licences.reach import visible
from dop_gateway.licences.tables import licence, maker
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId, OfficeKind, line_of
from dop_gateway.offices.tables import office
from dop_gateway.reports.model import Key, Named, Narrowed, Period, Place
from protocol.values import LicenceIdentifier, LicenceNumber

PORTION: Final = 1_000
"""Licences that are asked about at a time: memory does not grow with all of them."""
_of = licence.c
NAMED: Final = (
    _of.identifier,
    _of.number,
    _of.licensee,
    _of.licensee_hi,
    _of.maker,
    _of.issued_on,
    _of.office,
    office.c.path,
    office.c.name.label("office_name"),
    office.c.name_hi.label("office_name_hi"),
)
"""What `read_named` reads."""


def within(
    connection: Connection, permit: Permit, narrowed: Narrowed
) -> list[ColumnElement[bool]]:
    """Give the conditions that a licence is reported; the query joins `office`.

    Raises:
        NotFoundError: It is narrowed to an office that there is not.
    """
    found = [visible(connection, permit, _of.maker, _of.identifier)]
    if narrowed.licence:
        found.append(_of.identifier == narrowed.licence)
    if narrowed.maker:
        found.append(_of.maker == narrowed.maker)
    if narrowed.office:
        found.append(below(connection, narrowed.office))
    return found


def below(connection: Connection, facility: str) -> ColumnElement[bool]:
    """Give the condition that a row of `office` is an office, or below it.

    Raises:
        NotFoundError: There is no such office.
    """
    top = offices.by_facility(connection, facility)
    if top is None:
        raise NotFoundError(f"there is no office {facility}")
    return offices.within(top)


def there_in(period: Period) -> list[ColumnElement[bool]]:
    """Give the conditions that a licence was there in a period.

    One that was cancelled before is there as long as it has money.
    """
    account, balance = ledger.account.c, ledger.balance.c
    has_money = exists(
        select(account.id)
        .join(ledger.balance)
        .where(account.licence == _of.identifier, balance.balance_paise > 0)
    )
    return [
        _of.issued_on <= period.last,
        or_(
            _of.cancelled_on.is_(None),
            _of.cancelled_on >= period.first,
            has_money,
        ),
    ]


def joined(*columns: ColumnElement[Any]) -> Select[Any]:
    """Begin a query of licences with their offices, for reports of one line each."""
    return select(*NAMED, *columns).join_from(
        licence, office, office.c.id == licence.c.office
    )


@dataclass(frozen=True, slots=True)
class Licences:
    """The licences that a report is about.

    Attributes:
        where: Conditions over the tables of licences and offices.
        portion: So many are asked about at a time.
    """

    where: tuple[ColumnElement[bool], ...]
    portion: int = PORTION

    def count(self, connection: Connection) -> int:
        """Say how many there are."""
        rows = select(func.count()).join_from(
            licence, office, office.c.id == licence.c.office
        )
        return connection.execute(rows.where(*self.where)).scalar_one()

    def page(
        self, connection: Connection, first: int, rows_max: int, *, descending: bool
    ) -> list[Named]:
        """Give so many by their identifiers, from behind the first ones on."""
        rows = self._ordered(descending=descending).offset(first).limit(rows_max)
        return [read_named(row) for row in connection.execute(rows)]

    def portions(
        self, connection: Connection, *, descending: bool = False
    ) -> Iterator[list[Named]]:
        """Give all by their identifiers, some at a time."""
        rows = self._ordered(descending=descending).limit(self.portion)
        asked = rows
        while True:
            found = [read_named(row) for row in connection.execute(asked)]
            if found:
                yield found
            if len(found) < self.portion:
                return
            end = found[-1].identifier
            beyond = _of.identifier < end if descending else _of.identifier > end
            asked = rows.where(beyond)

    def _ordered(self, *, descending: bool) -> Select[Any]:
        key = _of.identifier.desc() if descending else _of.identifier
        return joined().where(*self.where).order_by(key)


def read_named(row: Row[Any]) -> Named:
    """Make a licence of a row of `joined`."""
    return Named(
        LicenceIdentifier(row.identifier),
        LicenceNumber(row.number),
        row.licensee,
        row.licensee_hi,
        row.maker,
        row.issued_on,
        Place(OfficeId(row.office), row.path, row.office_name, row.office_name_hi),
    )


class OfficeKeys:
    """Finds the Division, Region or Circle above designated post offices."""

    def __init__(self, connection: Connection, kind: OfficeKind) -> None:
        """Read all offices of a kind; there are some hundreds at most."""
        rows = connection.execute(select(office).where(office.c.kind == kind.name))
        found = [offices.read_office(row) for row in rows]
        self._keys = {
            one.office_id: Key(one.code or "", one.name, one.name_hi, one.facility)
            for one in found
        }
        self._known: dict[str, Key] = {}

    def above(self, path: str) -> Key:
        """Give the key of the office of the kind above a path, or of none."""
        if path not in self._known:
            line = [self._keys[one] for one in line_of(path) if one in self._keys]
            self._known[path] = line[-1] if line else Key()
        return self._known[path]


def maker_keys(connection: Connection) -> dict[str, Key]:
    """Give the key of each maker, by its letter."""
    rows = connection.execute(select(maker.c.letter, maker.c.name))
    return {row.letter: Key(row.letter, row.name) for row in rows}


def identifiers(of: Sequence[Named]) -> list[LicenceIdentifier]:
    """List the identifiers of licences."""
    return [one.identifier for one in of]
