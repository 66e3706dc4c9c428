"""All SQL about offices: the tree is read by ranges of paths, and changed here only.

Closed offices are found by their id, facility id or code, and are in a line of
ancestors; what lists offices leaves them out.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.offices.model import (
    Office,
    OfficeId,
    OfficeKind,
    facility_of,
    line_of,
    name_key,
    range_of,
)
from dop_gateway.offices.tables import office
from protocol.values import EpochSeconds

FOUND_MAX: Final = 1_000
"""Most offices that one question about names gives."""

_OPEN: Final = office.c.closed_at.is_(None)


def get(connection: Connection, office_id: OfficeId) -> Office:
    """Find an office by its id.

    Raises:
        NotFoundError: There is none.
    """
    found = _one(connection, office.c.id == office_id)
    if found is None:
        raise NotFoundError(f"there is no office {office_id}")
    return found


def by_facility(connection: Connection, facility: str) -> Office | None:
    """Find an office by its facility id."""
    return _one(connection, office.c.facility == facility)


def by_code(connection: Connection, code: str) -> Office | None:
    """Find a Circle by its two letters, a Division by its four characters."""
    return _one(connection, office.c.code == code)


def top(connection: Connection) -> Office | None:
    """Find the Directorate; None in a database that nobody has begun."""
    return _one(connection, office.c.kind == OfficeKind.DIRECTORATE.name)


def children(connection: Connection, office_id: OfficeId) -> list[Office]:
    """List the open offices right below one, by kind and name."""
    return _in_order(connection, office.c.parent == office_id)


def subtree_of(
    connection: Connection,
    office_id: OfficeId,
    kinds: Iterable[OfficeKind] = OfficeKind,
) -> list[Office]:
    """List the open offices below one and that one itself, in the order of their paths.

    Raises:
        NotFoundError: There is no such office.
    """
    wanted = [kind.name for kind in kinds]
    rows = connection.execute(
        select(office)
        .where(within(get(connection, office_id)), _OPEN, office.c.kind.in_(wanted))
        .order_by(office.c.path)
    )
    return [read_office(row) for row in rows]


def within(top_office: Office) -> ColumnElement[bool]:
    """Give the condition that a row of `office` stands under an office, or is it.

    For queries of features that scope or sum by office: they join `office` and use it.
    """
    first, end = range_of(top_office.path)
    return (office.c.path >= first) & (office.c.path < end)


def within_any(top_offices: Iterable[Office]) -> ColumnElement[bool]:
    """Give the condition that a row of `office` is within one of some offices.

    For whoever has a role for several offices; with none nothing is within.
    """
    return or_(false(), *(within(one) for one in top_offices))


def is_within(connection: Connection, office_id: OfficeId, top_id: OfficeId) -> bool:
    """Say whether an office stands under another, or is it; an unknown one does not."""
    path = connection.execute(
        select(office.c.path).where(office.c.id == office_id)
    ).scalar_one_or_none()
    return path is not None and top_id in line_of(path)


def ancestors(connection: Connection, office_id: OfficeId) -> list[Office]:
    """List the offices above one, from the top down, without itself.

    Raises:
        NotFoundError: There is no such office.
    """
    above = get(connection, office_id).line[:-1]
    rows = connection.execute(select(office).where(office.c.id.in_(above)))
    found = {row.id: read_office(row) for row in rows}
    return [found[one] for one in above]


def of_kind(
    connection: Connection, office_id: OfficeId, kind: OfficeKind
) -> Office | None:
    """Find the Circle, Division and so on of an office: itself, or the one above it.

    Raises:
        NotFoundError: There is no such office.
    """
    line = (*ancestors(connection, office_id), get(connection, office_id))
    return next((one for one in line if one.kind is kind), None)


def by_pin(connection: Connection, pin: str) -> list[Office]:
    """List the open offices of a PIN; the one that serves it comes first."""
    rows = connection.execute(
        select(office)
        .where(office.c.pin == pin, _OPEN)
        .order_by(office.c.serves_pin.desc(), office.c.name_key)
    )
    return [read_office(row) for row in rows]


def by_pin_and_name(connection: Connection, pin: str, name: str) -> Office | None:
    """Find the post office that the directory knows by this PIN and name."""
    wanted = name_key(name)
    return _one(connection, (office.c.pin == pin) & (office.c.name_key == wanted))


def delivery_office(connection: Connection, pin: str) -> Office | None:
    """Find the one office that serves a PIN; None where no office delivers there."""
    return _one(connection, (office.c.pin == pin) & (office.c.serves_pin == True))  # noqa: E712


def division_of_pin(connection: Connection, pin: str) -> Office | None:
    """Find the Division that a PIN is routed to: that of the office that serves it.

    Source: domain notes, section 23, no. 30.
    """
    serving = delivery_office(connection, pin)
    if serving is None:
        return None
    return of_kind(connection, serving.office_id, OfficeKind.DIVISION)


def find(
    connection: Connection,
    words: str,
    under: Office | None = None,
    kinds: Iterable[OfficeKind] = OfficeKind,
    limit: int = 50,
) -> list[Office]:
    """Find open offices by what a person typed.

    Args:
        connection: To the database.
        words: A part of the name (in English or Hindi), a PIN, a code or facility id.
        under: Only there.
        kinds: Only these.
        limit: At most so many, and never more than `FOUND_MAX`.

    Returns:
        By name.
    """
    wanted = name_key(words)
    exact = wanted.upper()
    where = [
        _OPEN,
        office.c.kind.in_([kind.name for kind in kinds]),
        or_(
            office.c.name_key.contains(wanted, autoescape=True),
            office.c.name_hi.contains(words.strip(), autoescape=True),
            office.c.pin == exact,
            office.c.code == exact,
            office.c.facility == exact,
        ),
    ]
    if under is not None:
        where.append(within(under))
    rows = connection.execute(
        select(office)
        .where(*where)
        .order_by(office.c.name_key, office.c.id)
        .limit(min(limit, FOUND_MAX))
    )
    return [read_office(row) for row in rows]


def add(
    connection: Connection,
    parent: Office | None,
    kind: OfficeKind,
    name: str,
    by: By,
    **more: Any,
) -> Office:
    """Open an office.

    Args:
        connection: To the database, writing.
        parent: What it stands under; None for the Directorate.
        kind: What it is; below that of the parent.
        name: Its name.
        by: Who opens it.
        more: Further columns: `name_hi`, `code`, `pin`, `delivers`, `district`, ...

    Raises:
        ConflictError: It may not stand there.
        InvariantError: Another office has its code, or its PIN and name.
    """
    lock(connection)
    if parent is not None:
        _check_place(kind, parent)
    office_id = next_id(connection)
    row = new_row(office_id, parent, kind, name, by) | more
    connection.execute(insert(office).values(row))
    return get(connection, office_id)


def place(
    connection: Connection, office_id: OfficeId, under: OfficeId, by: By
) -> Office:
    """Put an office, with all that stands below it, under another one.

    Raises:
        NotFoundError: There is no such office.
        ConflictError: It may not stand there.
    """
    lock(connection)
    moved, parent = get(connection, office_id), get(connection, under)
    _check_place(moved.kind, parent)
    if parent.is_within(moved):
        raise ConflictError(f"{parent.name} stands under {moved.name} itself")
    path = f"{parent.path}{office_id}/"
    rest = func.substr(office.c.path, len(moved.path) + 1)
    connection.execute(
        update(office).where(within(moved)).values(path=literal(path).concat(rest))
    )
    change(connection, office_id, by, parent=under)
    return get(connection, office_id)


def change(
    connection: Connection, office_id: OfficeId, by: By, **values: object
) -> None:
    """Write some columns of an office, and who wrote them."""
    if "name" in values:
        values["name_key"] = name_key(str(values["name"]))
    connection.execute(
        update(office)
        .where(office.c.id == office_id)
        .values(**values, changed_at=by.now, changed_by=by.actor.login)
    )


def close(connection: Connection, office_id: OfficeId, by: By) -> None:
    """Close an office: nothing new is begun there.

    Raises:
        NotFoundError: There is no such office.
        ConflictError: Open offices stand under it, or it is closed already.
    """
    lock(connection)
    closing = get(connection, office_id)
    if closing.closed_at is not None:
        raise ConflictError(f"{closing.name} is closed already")
    below = children(connection, office_id)
    if below:
        message = (
            f"{len(below)} open offices stand under {closing.name}, {below[0].name} "
            "among them: close them or put them elsewhere first"
        )
        raise ConflictError(message)
    change(connection, office_id, by, closed_at=by.now, serves_pin=False)


def lock(connection: Connection) -> None:
    """Let nobody else change the tree until this transaction ends."""
    connection.execute(
        select(office.c.id)
        .where(office.c.kind == OfficeKind.DIRECTORATE.name)
        .with_for_update()
    ).all()


def next_id(connection: Connection) -> OfficeId:
    """Give the number of the next office; the tree is locked."""
    last = connection.execute(select(func.max(office.c.id))).scalar_one()
    return OfficeId(1 if last is None else last + 1)


def new_row(
    office_id: OfficeId, parent: Office | None, kind: OfficeKind, name: str, by: By
) -> dict[str, Any]:
    """Make the columns of a new office; those that it does not name are empty."""
    return {
        "id": office_id,
        "parent": None if parent is None else parent.office_id,
        "path": f"{'/' if parent is None else parent.path}{office_id}/",
        "kind": kind.name,
        "name": name,
        "name_key": name_key(name),
        "facility": facility_of(office_id),
        "delivers": False,
        "serves_pin": False,
        "listed": False,
        "changed_at": by.now,
        "changed_by": by.actor.login,
    }


def _check_place(kind: OfficeKind, parent: Office) -> None:
    if parent.kind.rank >= kind.rank:
        raise ConflictError(
            f"a {kind.value} does not stand under a {parent.kind.value}"
        )
    if parent.closed_at is not None:
        raise ConflictError(f"{parent.name} is closed: nothing new stands under it")


def _one(connection: Connection, where: ColumnElement[bool]) -> Office | None:
    row = connection.execute(select(office).where(where)).one_or_none()
    return None if row is None else read_office(row)


def _in_order(connection: Connection, where: ColumnElement[bool]) -> list[Office]:
    rows = connection.execute(select(office).where(where, _OPEN))
    offices = [read_office(row) for row in rows]
    return sorted(offices, key=lambda one: (one.kind.rank, name_key(one.name)))


def read_office(row: Row[Any]) -> Office:
    """Make an office of a row of `office`."""
    return Office(
        office_id=OfficeId(row.id),
        parent=None if row.parent is None else OfficeId(row.parent),
        path=row.path,
        kind=OfficeKind[row.kind],
        name=row.name,
        name_hi=row.name_hi,
        code=row.code,
        pin=row.pin,
        facility=row.facility,
        delivers=row.delivers,
        serves_pin=row.serves_pin,
        district=row.district,
        state=row.state,
        latitude_microdegrees=row.latitude_microdegrees,
        longitude_microdegrees=row.longitude_microdegrees,
        listed=row.listed,
        closed_at=None if row.closed_at is None else EpochSeconds(row.closed_at),
    )
