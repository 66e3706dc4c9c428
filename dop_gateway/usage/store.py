"""All SQL about dial-ins and usage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    insert,
    select,
    update,
)

from dop_gateway.usage.model import DialIn, Known, Neighbour, growth
from dop_gateway.usage.tables import usage_dial_in, usage_posted, usage_product
from protocol.messages import Statement, UsageRow
from protocol.registers import MachineState
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

_dial_in = usage_dial_in.c
_product = usage_product.c
_posted = usage_posted.c
# A collection of columns has a method of this name.
_ITEMS = usage_dial_in.c["items"]
_AT_A_TIME: Final = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """A dial-in that was taken: registers of a machine at a moment, signed by it."""

    licence: LicenceIdentifier
    number: int
    at: EpochSeconds
    ascending_paise: Paise
    descending_paise: Paise
    items: int
    machine_state: MachineState


@dataclass(frozen=True, slots=True)
class PostedUsage:
    """How much of a machine's usage has gone through the ledger.

    Attributes:
        ascending_paise: The highest AR that was taken.
        posted_paise: Of the rise since its life began.
    """

    ascending_paise: Paise
    posted_paise: Paise


def known(
    connection: Connection, licence: LicenceIdentifier, number: int, began: Paise
) -> Known:
    """Give what was taken of a machine around the number of a dial-in."""
    lower, higher = _dial_in.number < number, _dial_in.number > number
    newest = connection.execute(
        _of(licence).order_by(_dial_in.number.desc()).limit(1)
    ).one_or_none()
    if newest is None:
        return Known(began)
    if newest.number < number:
        # Most dial-ins come in their order: two questions instead of five.
        before = _neighbour(connection, newest, with_products=newest.has_products)
        if newest.has_products:
            return Known(began, before=before, classes_before=before)
        classes = _nearest(
            connection, licence, lower, downwards=True, with_products=True
        )
        return Known(began, before=before, classes_before=classes)
    return Known(
        began,
        same=_nearest(connection, licence, _dial_in.number == number),
        before=_nearest(connection, licence, lower, downwards=True),
        after=_nearest(connection, licence, higher),
        classes_before=_nearest(
            connection, licence, lower, downwards=True, with_products=True
        ),
        classes_after=_nearest(connection, licence, higher, with_products=True),
    )


def add(
    connection: Connection,
    dial_in: DialIn,
    message: Statement,
    around: Known,
    *,
    file_id: str,
    has_products: bool,
    now: EpochSeconds,
) -> None:
    """Keep a dial-in that nothing was objected to, and what is new in its products."""
    number = connection.execute(
        insert(usage_dial_in).values(
            licence=dial_in.licence,
            number=dial_in.number,
            at=dial_in.at,
            on_day=dial_in.day,
            ascending_paise=dial_in.ascending_paise,
            descending_paise=dial_in.descending_paise,
            items=dial_in.items,
            machine_state=message.state.name,
            statement=dial_in.statement,
            binding=dial_in.binding,
            has_products=has_products,
            file_id=file_id,
            line_id=dial_in.line_id,
            taken_at=now,
        )
    ).inserted_primary_key
    if not has_products or number is None:
        return
    earlier = _products(around.classes_before)
    new = growth(dial_in.products, earlier)
    if dial_in.products:
        connection.execute(
            insert(usage_product),
            [
                {
                    "dial_in": number[0],
                    "product_class": row.product_class,
                    "items": row.items,
                    "amount_paise": row.amount_paise,
                    "new_items": more.items,
                    "new_paise": more.amount_paise,
                }
                for row, more in zip(dial_in.products, new, strict=True)
            ],
        )
    if around.classes_after is not None:
        own = {row.product_class: row for row in dial_in.products}
        _renew(connection, dial_in.licence, around.classes_after, own)


def posted_of(
    connection: Connection, of: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, PostedUsage]:
    """Give how much usage of machines has gone through the ledger, by licence."""
    found = {}
    for start in range(0, len(of), _AT_A_TIME):
        some = of[start : start + _AT_A_TIME]
        rows = connection.execute(select(usage_posted).where(_posted.licence.in_(some)))
        for row in rows:
            found[LicenceIdentifier(row.licence)] = PostedUsage(
                Paise(row.ascending_paise), Paise(row.posted_paise)
            )
    return found


def rise(connection: Connection, licence: LicenceIdentifier, ascending: Paise) -> None:
    """Keep the highest AR that was taken of a machine."""
    risen = connection.execute(
        update(usage_posted)
        .where(_posted.licence == licence)
        .values(ascending_paise=ascending)
    )
    if risen.rowcount == 0:
        connection.execute(
            insert(usage_posted).values(
                licence=licence, ascending_paise=ascending, posted_paise=0
            )
        )


def set_posted(
    connection: Connection, licence: LicenceIdentifier, now: PostedUsage
) -> None:
    """Keep how much usage of a machine has gone through the ledger."""
    connection.execute(
        update(usage_posted)
        .where(_posted.licence == licence)
        .values(posted_paise=now.posted_paise)
    )


def last(connection: Connection, licence: LicenceIdentifier) -> Taken | None:
    """Give the newest dial-in of a machine."""
    return _taken(connection, _of(licence).order_by(_dial_in.number.desc()))


def before_moment(
    connection: Connection, licence: LicenceIdentifier, moment: EpochSeconds
) -> Taken | None:
    """Give the last dial-in of a machine until a moment."""
    rows = _of(licence).where(_dial_in.at <= moment)
    return _taken(connection, rows.order_by(_dial_in.number.desc()))


def after_moment(
    connection: Connection, licence: LicenceIdentifier, moment: EpochSeconds
) -> Taken | None:
    """Give the first dial-in of a machine after a moment."""
    rows = _of(licence).where(_dial_in.at > moment)
    return _taken(connection, rows.order_by(_dial_in.number))


def around_items(
    connection: Connection, licence: LicenceIdentifier, items: int
) -> tuple[Taken | None, Taken | None]:
    """Give the dial-ins that stand nearest to a count of franks with a value.

    Returns:
        The last one with fewer franks, and the first one with so many or more.
    """
    fewer = _of(licence).where(items > _ITEMS)
    more = _of(licence).where(items <= _ITEMS)
    return (
        _taken(connection, fewer.order_by(_dial_in.number.desc())),
        _taken(connection, more.order_by(_dial_in.number)),
    )


def _of(licence: LicenceIdentifier) -> Select[Any]:
    return select(usage_dial_in).where(_dial_in.licence == licence)


def _taken(connection: Connection, rows: Select[Any]) -> Taken | None:
    row = connection.execute(rows.limit(1)).one_or_none()
    if row is None:
        return None
    return Taken(
        LicenceIdentifier(row.licence),
        row.number,
        EpochSeconds(row.at),
        Paise(row.ascending_paise),
        Paise(row.descending_paise),
        row.items,
        MachineState[row.machine_state],
    )


def _nearest(
    connection: Connection,
    licence: LicenceIdentifier,
    where: ColumnElement[bool],
    *,
    downwards: bool = False,
    with_products: bool = False,
) -> Neighbour | None:
    rows = _of(licence).where(where)
    if with_products:
        rows = rows.where(_dial_in.has_products == True)  # noqa: E712
    order = _dial_in.number.desc() if downwards else _dial_in.number
    row = connection.execute(rows.order_by(order).limit(1)).one_or_none()
    if row is None:
        return None
    return _neighbour(connection, row, with_products=with_products)


def _neighbour(
    connection: Connection, row: Row[Any], *, with_products: bool
) -> Neighbour:
    products = _read_products(connection, row) if with_products else None
    return Neighbour(
        row.number, Paise(row.ascending_paise), row.items, row.statement, products
    )


def _read_products(connection: Connection, row: Row[Any]) -> dict[int, UsageRow]:
    found = connection.execute(select(usage_product).where(_product.dial_in == row.id))
    return {
        one.product_class: UsageRow(
            one.product_class, one.items, Paise(one.amount_paise)
        )
        for one in found
    }


def _products(neighbour: Neighbour | None) -> Mapping[int, UsageRow]:
    return {} if neighbour is None else neighbour.products or {}


def _renew(
    connection: Connection,
    licence: LicenceIdentifier,
    later: Neighbour,
    earlier: Mapping[int, UsageRow],
) -> None:
    """Say anew what is new in a dial-in, before which another one came late."""
    number = connection.execute(
        select(_dial_in.id).where(
            _dial_in.licence == licence, _dial_in.number == later.number
        )
    ).scalar_one()
    rows: Iterable[UsageRow] = tuple(_products(later).values())
    for more in growth(tuple(rows), earlier):
        connection.execute(
            update(usage_product)
            .where(
                _product.dial_in == number,
                _product.product_class == more.product_class,
            )
            .values(new_items=more.items, new_paise=more.amount_paise)
        )
