"""What people see of parties, files and windows: each list with its filter."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, select

from dop_gateway.exchange import file_store, party_store, window_store
from dop_gateway.exchange.model import (
    Direction,
    FileRow,
    FileState,
    Party,
    PartyAccount,
    PartyKey,
)
from dop_gateway.exchange.tables import exchange_file
from dop_gateway.exchange.window_store import WindowMet
from dop_gateway.store.matching import Held, Matching

_of = exchange_file.c
_ORDERS: Final = {
    "number": (_of.id,),
    "name": (_of.name, _of.id),
    "day": (_of.business_date, _of.window_of_day, _of.id),
    "size": (_of.size, _of.id),
}


@dataclass(frozen=True, slots=True)
class PartySeen:
    """A party with what belongs to it."""

    party: Party
    keys: tuple[PartyKey, ...]
    account: PartyAccount | None


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files; what is None or empty lets everything through.

    Attributes:
        parties: Only of these, whatever else is asked; None: of all.
    """

    parties: Collection[str] | None = None
    party: str = ""
    direction: Direction | None = None
    layout: str = ""
    state: FileState | None = None
    name: str = ""
    business_date: date | None = None
    window: int | None = None


def files(wanted: FileFilter) -> Matching[FileRow]:
    """List files that went and came."""
    where: list[ColumnElement[bool]] = []
    if wanted.parties is not None:
        where.append(_of.party.in_(sorted(wanted.parties)))
    if wanted.party:
        where.append(_of.party == wanted.party)
    if wanted.direction is not None:
        where.append(_of.direction == wanted.direction.name)
    if wanted.layout:
        where.append(_of.layout == wanted.layout)
    if wanted.state is not None:
        where.append(_of.state == wanted.state.name)
    if wanted.name:
        where.append(_of.name == wanted.name)
    if wanted.business_date is not None:
        where.append(_of.business_date == wanted.business_date)
    if wanted.window is not None:
        where.append(_of.window_of_day == wanted.window)
    return Matching(select(exchange_file).where(*where), _ORDERS, _file)


def parties(connection: Connection, codes: Collection[str] | None) -> Held[PartySeen]:
    """List parties; None: all of them."""
    found = [
        seen(connection, one)
        for one in party_store.all_parties(connection)
        if codes is None or one.code in codes
    ]
    return Held(found, {"code": lambda one: one.party.code})


def seen(connection: Connection, of: Party) -> PartySeen:
    """Give a party with what belongs to it."""
    return PartySeen(
        of,
        tuple(party_store.keys(connection, of.code)),
        party_store.account(connection, of.code),
    )


def windows(
    connection: Connection, codes: Collection[str] | None, first: date, last: date
) -> Held[WindowMet]:
    """List what was due in the windows of some days."""
    known = [
        one.code
        for one in party_store.all_parties(connection)
        if codes is None or one.code in codes
    ]
    found = window_store.windows(connection, known, first, last)
    return Held(
        found,
        {
            "day": lambda one: (
                one.business_date,
                one.window,
                one.party,
                one.layout,
            )
        },
    )


def _file(row: Row[tuple[object, ...]]) -> FileRow:
    return file_store.shown([row])[0]
