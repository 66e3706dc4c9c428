"""All SQL about lists of offices."""

from sqlalchemy import Connection, or_, select

from dop_gateway.offices.model import Office, OfficeKind, name_key
from dop_gateway.offices.store import read_office, within
from dop_gateway.offices.tables import office
from dop_gateway.store.matching import Matching


def offices_matching(
    *,
    words: str = "",
    kind: OfficeKind | None = None,
    pin: str = "",
    under: Office | None = None,
    parent: Office | None = None,
    closed: bool = False,
) -> Matching[Office]:
    """Give the offices that a filter lets through.

    Args:
        words: A part of the name (in English or Hindi), a PIN, a code or facility id.
        kind: Only these.
        pin: Of this PIN.
        under: This one and all that stand below it.
        parent: Those right below this one.
        closed: Those that are closed, or those that are open.
    """
    is_open = office.c.closed_at.is_(None)
    rows = select(office).where(~is_open if closed else is_open)
    if words.strip():
        wanted = name_key(words)
        rows = rows.where(
            or_(
                office.c.name_key.contains(wanted, autoescape=True),
                office.c.name_hi.contains(words.strip(), autoescape=True),
                office.c.pin == wanted,
                office.c.code == wanted.upper(),
                office.c.facility == wanted.upper(),
            )
        )
    if kind is not None:
        rows = rows.where(office.c.kind == kind.name)
    if pin:
        rows = rows.where(office.c.pin == pin)
    if under is not None:
        rows = rows.where(within(under))
    if parent is not None:
        rows = rows.where(office.c.parent == parent.office_id)
    orders = {
        "name": (office.c.name_key, office.c.id),
        "pin": (office.c.pin, office.c.name_key, office.c.id),
        "path": (office.c.path,),
    }
    return Matching(rows, orders, read_office)


def codes_of(connection: Connection, kind: OfficeKind) -> list[str]:
    """List the codes of open Circles or Divisions."""
    rows = connection.execute(
        select(office.c.code)
        .where(
            office.c.kind == kind.name,
            office.c.closed_at.is_(None),
            office.c.code.is_not(None),
        )
        .order_by(office.c.code)
    )
    return [code for code in rows.scalars() if code is not None]
