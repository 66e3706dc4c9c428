"""SQL for an import: the whole tree is read, and what differs is written in bulk."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from dop_gateway.offices.model import OfficeId, facility_of
from dop_gateway.offices.tables import office, office_import
from hw.database.prepared import Prepared

_MANY: Final = 5_000


class Stored(NamedTuple):
    """An office as it is stored, in the columns that an import looks at."""

    id: int
    parent: int | None
    path: str
    kind: str
    name: str
    name_key: str
    name_hi: str | None
    code: str | None
    pin: str | None
    delivers: bool
    serves_pin: bool
    district: str | None
    state: str | None
    latitude_microdegrees: int | None
    longitude_microdegrees: int | None
    listed: bool
    closed_at: int | None


WRITTEN: Final = tuple(name for name in Stored._fields if name != "id")
"""The columns that an import writes anew where one of them differs."""

_ALL: Final = select(*(office.c[name] for name in Stored._fields)).order_by(office.c.id)
_INSERT: Final = Prepared(insert(office))
_UPDATE: Final = Prepared(
    update(office)
    .where(office.c.id == bindparam("of_id"))
    .values(
        {name: bindparam(f"new_{name}", type_=office.c[name].type) for name in WRITTEN}
        | {"changed_at": bindparam("new_at"), "changed_by": bindparam("new_by")}
    )
)
_SERVES_NO_MORE: Final = Prepared(
    update(office)
    .where(office.c.id == bindparam("of_id"))
    .values(serves_pin=bindparam("serves", type_=office.c.serves_pin.type))
)

_HAS_NO_CODE: Final = Prepared(
    update(office)
    .where(office.c.id == bindparam("of_id"))
    .values(code=bindparam("no_code", type_=office.c.code.type))
)


def all_offices(connection: Connection) -> Iterable[Stored]:
    """Read every office, also the closed ones."""
    for rows in connection.execute(_ALL).partitions(_MANY):
        yield from (Stored(*row) for row in rows)


def stop_serving(connection: Connection, ids: Sequence[int]) -> None:
    """Take from offices that they serve their PIN, before others begin to."""
    if ids:
        _SERVES_NO_MORE.run_many(
            connection, [{"of_id": one, "serves": False} for one in ids]
        )


def give_up_codes(connection: Connection, ids: Sequence[int]) -> None:
    """Take from offices the codes that they will not have, before others get them."""
    if ids:
        _HAS_NO_CODE.run_many(
            connection, [{"of_id": one, "no_code": None} for one in ids]
        )


def write_changed(
    connection: Connection, rows: Sequence[Stored], at: int, person: str
) -> None:
    """Write offices anew."""
    by = {"new_at": at, "new_by": person}
    for some in _portions(rows):
        values = [
            {f"new_{name}": getattr(row, name) for name in WRITTEN}
            | {"of_id": row.id}
            | by
            for row in some
        ]
        _UPDATE.run_many(connection, values)


def write_new(
    connection: Connection,
    rows: Sequence[Stored],
    at: int,
    person: str,
) -> None:
    """Write new offices; each gets the facility id of its number."""
    for some in _portions(rows):
        values = [
            row._asdict()
            | {"facility": facility_of(OfficeId(row.id))}
            | {"changed_at": at, "changed_by": person}
            for row in some
        ]
        _INSERT.run_many(connection, values)


def note_import(connection: Connection, **values: Any) -> None:
    """Record that a directory was brought in, by whom and with which result."""
    connection.execute(insert(office_import).values(**values))


def _portions(rows: Sequence[Stored]) -> Iterable[Sequence[Stored]]:
    return (rows[start : start + _MANY] for start in range(0, len(rows), _MANY))
