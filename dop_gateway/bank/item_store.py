"""All SQL about items: what file of payments and account tell by reference."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    false,
    insert,
    select,
    true,
    update,
)

from dop_gateway.bank.judging import Key
from dop_gateway.bank.model import (
    BankCode,
    Captured,
    Item,
    ItemState,
    Seen,
    Side,
)
from dop_gateway.bank.tables import bank_item
from dop_gateway.store.matching import Matching

_AT_A_TIME: Final = 500
_CAPTURED: Final = tuple(Captured.__dataclass_fields__)
_T = TypeVar("_T")


def known(
    connection: Connection, code: BankCode, keys: Iterable[Key]
) -> dict[Key, Item]:
    """Find the items of some keys, as far as there are any."""
    found: dict[Key, Item] = {}
    for some in _parts(sorted({reference for reference, _ in keys})):
        condition = bank_item.c.reference.in_(some)
        for item in _items(connection, code, condition):
            found[item.reference, item.side] = item
    return found


def waiting(connection: Connection, code: BankCode, state: ItemState) -> list[Item]:
    """List the items in a state, in the order in which they came."""
    return _items(connection, code, bank_item.c.state == state.name)


def write(connection: Connection, code: BankCode, items: Sequence[Item]) -> None:
    """Write items that are new or changed."""
    new = [_row(item) | {"bank": code} for item in items if item.id is None]
    old = [_row(item) | {"_id": item.id} for item in items if item.id is not None]
    for some in _parts(new):
        connection.execute(insert(bank_item), some)
    if old:
        where = bank_item.c.id == bindparam("_id")
        connection.execute(update(bank_item).where(where), old)


def find(connection: Connection, code: str, reference: str) -> list[Item]:
    """List what is known of a reference: in, and out again."""
    return _items(connection, BankCode(code), bank_item.c.reference == reference)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items; what is empty or None does not narrow."""

    bank: str
    state: ItemState | None
    side: Side | None
    licence: str
    reference: str
    entered_from: date | None
    entered_to: date | None


def matching(wanted: Wanted, *, everything: bool) -> Matching[Item]:
    """Give the items that a filter lets through; none without `everything`."""
    of = bank_item.c
    found: list[ColumnElement[bool]] = [true() if everything else false()]
    for column, text in (
        (of.bank, wanted.bank),
        (of.licence, wanted.licence),
        (of.reference, wanted.reference),
    ):
        if text:
            found.append(column == text)
    if wanted.state is not None:
        found.append(of.state == wanted.state.name)
    if wanted.side is not None:
        found.append(of.side == wanted.side.name)
    if wanted.entered_from is not None:
        found.append(of.entered_on >= wanted.entered_from)
    if wanted.entered_to is not None:
        found.append(of.entered_on <= wanted.entered_to)
    orders = {"number": (of.id,), "licence": (of.licence, of.id)}
    return Matching(select(bank_item).where(*found), orders, _item)


def entered_days(
    connection: Connection, code: str, first: date, last: date
) -> list[Row[Any]]:
    """List what the account took in on some days, in the order of day and licence."""
    return list(
        connection.execute(
            select(bank_item)
            .where(
                bank_item.c.bank == code,
                bank_item.c.side == Side.CREDIT.name,
                bank_item.c.entered_on >= first,
                bank_item.c.entered_on <= last,
            )
            .order_by(
                bank_item.c.entered_on, bank_item.c.licence, bank_item.c.reference
            )
        )
    )


def _items(
    connection: Connection, code: BankCode, condition: ColumnElement[bool]
) -> list[Item]:
    rows = connection.execute(
        select(bank_item)
        .where(bank_item.c.bank == code, condition)
        .order_by(bank_item.c.id)
    )
    return [_item(row) for row in rows]


def _item(row: Row[Any]) -> Item:
    values: Mapping[str, Any] = dict(row._mapping)  # noqa: SLF001
    return Item(
        id=row.id,
        reference=row.reference,
        side=Side[row.side],
        state=ItemState[row.state],
        captured=Captured(**{name: values[name] for name in _CAPTURED}),
        told=_seen(values, "told"),
        entered=_seen(values, "entered"),
    )


def _seen(values: Mapping[str, Any], which: str) -> Seen | None:
    if values[f"{which}_file"] is None:
        return None
    names = ("paise", "file", "line", "on")
    return Seen(*(values[f"{which}_{name}"] for name in names))


def _row(item: Item) -> dict[str, Any]:
    row: dict[str, Any] = {
        "reference": item.reference,
        "side": item.side.name,
        "state": item.state.name,
        **asdict(item.captured),
    }
    for which, seen in (("told", item.told), ("entered", item.entered)):
        row[f"{which}_paise"] = None if seen is None else seen.amount_paise
        row[f"{which}_file"] = None if seen is None else seen.file
        row[f"{which}_line"] = None if seen is None else seen.line_id
        row[f"{which}_on"] = None if seen is None else seen.day
    return row


def _parts(many: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(many), _AT_A_TIME):
        yield many[start : start + _AT_A_TIME]
