"""The lists of what banks handed over, and of items with how far they are.

They are for DCR. Whoever has a role for an office alone sees none of them: a line that
nobody can tell the licence of belongs to no office.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.bank import item_store, store
from dop_gateway.bank.model import BankFile, Item
from dop_gateway.bank.schemas import (
    BankFileShown,
    FileStateName,
    ItemShown,
    ItemStateName,
    SideName,
)
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.store.matching import Matching
from dop_gateway.web.lists import ListQuery, WebList

CodeWanted = Annotated[str, Field(pattern=r"^([A-Z][A-Z0-9]{1,11})?$")]


class BankFilesQuery(ListQuery):
    """Which files; the newest come first."""

    bank: CodeWanted = ""
    state: FileStateName | None = None
    layout: Literal["", "funds-received", "account-statement", "e-payment-day"] = ""
    day: date | None = None
    sort: Literal["number", "-number", "business_date", "-business_date"] = "-number"


class ItemsQuery(ListQuery):
    """Which items; ``state=NOT_IN_ACCOUNT`` lists what is told alone."""

    bank: CodeWanted = ""
    state: ItemStateName | None = None
    side: SideName | None = None
    licence: Annotated[str, Field(max_length=16)] = ""
    reference: Annotated[str, Field(max_length=64)] = ""
    entered_from: date | None = None
    entered_to: date | None = None
    sort: Literal["number", "-number", "licence", "-licence"] = "-number"


def _files(
    _connection: Connection, permit: Permit, query: BankFilesQuery
) -> Matching[BankFile]:
    return store.files_matching(
        bank_code=query.bank,
        state=query.state,
        layout=query.layout,
        day=query.day,
        everything=permit.reaches_everything,
    )


def _items(
    _connection: Connection, permit: Permit, query: ItemsQuery
) -> Matching[Item]:
    return item_store.matching(
        item_store.Wanted(
            query.bank,
            query.state,
            query.side,
            query.licence,
            query.reference,
            query.entered_from,
            query.entered_to,
        ),
        everything=permit.reaches_everything,
    )


def _show_files(
    _connection: Connection, found: Sequence[BankFile]
) -> list[BankFileShown]:
    return [BankFileShown.of(one) for one in found]


def _show_items(_connection: Connection, found: Sequence[Item]) -> list[ItemShown]:
    return [ItemShown.of(one) for one in found]


def _file_cells(one: BankFile) -> Row:
    return (
        one.id,
        one.bank,
        one.name,
        one.layout,
        one.business_date,
        one.line_count,
        one.total_paise,
        one.state.name,
        one.words,
        one.received_at,
    )


def _item_cells(one: Item) -> Row:
    captured, told, entered = one.captured, one.told, one.entered
    return (
        one.reference,
        one.side.name,
        one.state.name,
        captured.licence,
        captured.licence_number,
        captured.licensee,
        captured.mode,
        None if told is None else told.day,
        None if told is None else told.amount_paise,
        None if entered is None else entered.day,
        None if entered is None else entered.amount_paise,
    )


BANK_FILES: Final = WebList(
    "bank-files",
    "Files that banks handed over",
    (
        Column("number", "Number", Kind.COUNT),
        Column("bank", "Bank"),
        Column("name", "Name"),
        Column("layout", "Layout"),
        Column("business_date", "Business date", Kind.DAY),
        Column("lines", "Lines", Kind.COUNT),
        Column("total", "Total", Kind.MONEY),
        Column("state", "State"),
        Column("words", "Why"),
        Column("received_at", "Received at", Kind.MOMENT),
    ),
    _files,
    _show_files,
    _file_cells,
)

BANK_ITEMS: Final = WebList(
    "bank-items",
    "Payments as file and account tell them",
    (
        Column("reference", "Reference"),
        Column("side", "Side"),
        Column("state", "State"),
        Column("licence", "License Identifier"),
        Column("licence_number", "License Number"),
        Column("licensee", "Licensee"),
        Column("mode", "Mode"),
        Column("told_on", "Told on", Kind.DAY),
        Column("told", "Told", Kind.MONEY, summed=True),
        Column("entered_on", "Entered on", Kind.DAY),
        Column("entered", "In the account", Kind.MONEY, summed=True),
    ),
    _items,
    _show_items,
    _item_cells,
)
