"""Which head office a post office accounts to, and under which unit.

A unit is what sends an account of its own: a sub office with the branch offices below
it, or the head office with those that are below no sub office. The directory of offices
does not tell which head office a sub office accounts to, unless a person has put it
there: else it is the first head office of its Division (ours). An office that was
closed stays where it was: what it has taken stays accounted.

Source: RMFS-19, RMFS-22.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from dop_gateway.errors import ConflictError
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId, OfficeKind, line_of, range_of
from dop_gateway.offices.tables import office

_POST_OFFICES: Final = (OfficeKind.HO, OfficeKind.SO, OfficeKind.BO)


@dataclass(frozen=True, slots=True)
class Unit:
    """What sends an account of its own.

    Attributes:
        name: Of the head or sub office.
        members: It and the branch offices that account through it.
    """

    office: OfficeId
    facility: str
    name: str
    kind: OfficeKind
    members: frozenset[OfficeId]


@dataclass(frozen=True, slots=True)
class HeadOffice:
    """A head office and those that account to it.

    Attributes:
        own: Its own counters.
        sub_offices: By their place in the tree.
    """

    own: Unit
    sub_offices: tuple[Unit, ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        """All of them, its own first."""
        return (self.own, *self.sub_offices)

    @property
    def members(self) -> frozenset[OfficeId]:
        """Every office whose receipts are in its cash book."""
        return frozenset(one for unit in self.units for one in unit.members)


@dataclass(frozen=True, slots=True)
class _Row:
    id: OfficeId
    path: str
    kind: OfficeKind
    name: str
    facility: str


def head_office(connection: Connection, of: Office) -> HeadOffice:
    """Find the head office that an office accounts to, with all its units.

    Raises:
        ConflictError: There is no head office in its Division.
    """
    top = offices.of_kind(connection, of.office_id, OfficeKind.DIVISION) or of
    rows = {row.id: row for row in _post_offices(connection, top)}
    heads = [row.id for row in rows.values() if row.kind is OfficeKind.HO]
    if not heads or of.office_id not in rows:
        words = f"{of.name} is no post office of a Division with a head office"
        raise ConflictError(f"{words}: put it under one")
    head = _head(rows[of.office_id], rows, heads)
    units: dict[OfficeId, set[OfficeId]] = {head: set()}
    for row in rows.values():
        if _head(row, rows, heads) == head:
            units.setdefault(_unit(row, rows, head), set()).add(row.id)
    made = [_made(rows[one], units[one]) for one in units]
    return HeadOffice(made[0], tuple(made[1:]))


def unit_of(connection: Connection, of: Office) -> Unit:
    """Find the unit that an office accounts through.

    Raises:
        ConflictError: There is no head office in its Division.
    """
    found = head_office(connection, of)
    return next(unit for unit in found.units if of.office_id in unit.members)


def _post_offices(connection: Connection, top: Office) -> Iterable[_Row]:
    first, end = range_of(top.path)
    rows = connection.execute(
        select(office)
        .where(
            office.c.path >= first,
            office.c.path < end,
            office.c.kind.in_([kind.name for kind in _POST_OFFICES]),
        )
        .order_by(office.c.path)
    )
    for row in rows:
        yield _Row(row.id, row.path, OfficeKind[row.kind], row.name, row.facility)


def _head(row: _Row, rows: Mapping[OfficeId, _Row], heads: list[OfficeId]) -> OfficeId:
    return _above(row, rows, OfficeKind.HO) or heads[0]


def _unit(row: _Row, rows: Mapping[OfficeId, _Row], head: OfficeId) -> OfficeId:
    return _above(row, rows, OfficeKind.SO) or head


def _above(
    row: _Row, rows: Mapping[OfficeId, _Row], kind: OfficeKind
) -> OfficeId | None:
    """Give the nearest office of a kind from one upwards, itself included."""
    line = reversed(line_of(row.path))
    return next((one for one in line if one in rows and rows[one].kind is kind), None)


def _made(row: _Row, members: set[OfficeId]) -> Unit:
    return Unit(row.id, row.facility, row.name, row.kind, frozenset(members))
