"""The lists of the exchange, as pages and as files."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.exchange import reading
from dop_gateway.exchange.model import FileRow
from dop_gateway.exchange.reading import FileFilter, PartySeen
from dop_gateway.exchange.schemas import (
    DirectionName,
    FileShown,
    FileStateName,
    PartyShown,
    Text,
    WindowShown,
)
from dop_gateway.exchange.window_store import WindowMet
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import ScopeKind
from dop_gateway.store.matching import Held, Matching
from dop_gateway.web.lists import ListQuery, WebList

_WINDOWS_MAX: Final = 9


class PartiesQuery(ListQuery):
    """Which parties."""

    sort: Literal["code", "-code"] = "code"


class FilesQuery(ListQuery):
    """Which files; words are the whole word."""

    party: Text = ""
    direction: DirectionName | None = None
    layout: Text = ""
    state: FileStateName | None = None
    name: Annotated[str, Field(max_length=120)] = ""
    business_date: date | None = None
    window: Annotated[int | None, Field(ge=0, le=_WINDOWS_MAX)] = None
    sort: Literal[
        "number", "-number", "name", "-name", "day", "-day", "size", "-size"
    ] = "-number"


class WindowsQuery(ListQuery):
    """Which windows; left out, those of every day."""

    first_day: date = date(2010, 8, 16)
    last_day: date = date.max
    sort: Literal["day", "-day"] = "-day"


def reach(permit: Permit) -> frozenset[str] | None:
    """Say whose files somebody sees, by codes of parties; None: all."""
    if permit.reaches_everything:
        return None
    return permit.scopes(ScopeKind.MAKER)


def _parties(
    connection: Connection, permit: Permit, _query: PartiesQuery
) -> Held[PartySeen]:
    return reading.parties(connection, reach(permit))


def _files(
    _connection: Connection, permit: Permit, query: FilesQuery
) -> Matching[FileRow]:
    return reading.files(
        FileFilter(
            reach(permit),
            query.party,
            query.direction,
            query.layout,
            query.state,
            query.name,
            query.business_date,
            query.window,
        )
    )


def _windows(
    connection: Connection, permit: Permit, query: WindowsQuery
) -> Held[WindowMet]:
    return reading.windows(connection, reach(permit), query.first_day, query.last_day)


def _show_parties(
    _connection: Connection, found: Sequence[PartySeen]
) -> list[PartyShown]:
    return [PartyShown.of(one) for one in found]


def _show_files(_connection: Connection, found: Sequence[FileRow]) -> list[FileShown]:
    return [FileShown.of(one) for one in found]


def _show_windows(
    _connection: Connection, found: Sequence[WindowMet]
) -> list[WindowShown]:
    return [WindowShown.of(one) for one in found]


def _party_cells(one: PartySeen) -> Row:
    login = None if one.account is None else one.account.login
    return (
        one.party.code,
        one.party.kind.name,
        one.party.name,
        one.party.state.name,
        login,
        len(one.keys),
    )


def _file_cells(one: FileRow) -> Row:
    return (
        one.number,
        one.direction.name,
        one.party,
        one.layout,
        one.name,
        one.sequence,
        one.business_date,
        one.window,
        one.at,
        one.state.name,
        one.code,
        one.lines,
        one.refused,
        one.offers,
        one.sha256.hex(),
    )


def _window_cells(one: WindowMet) -> Row:
    return (
        one.party,
        one.business_date,
        one.window,
        one.layout,
        "met" if one.met else "missed",
        one.came_at,
    )


PARTIES: Final = WebList(
    "exchange-parties",
    "Parties of the exchange",
    (
        Column("code", "Code"),
        Column("kind", "Kind"),
        Column("name", "Name"),
        Column("state", "State"),
        Column("login", "Account"),
        Column("keys", "Keys", Kind.COUNT),
    ),
    _parties,
    _show_parties,
    _party_cells,
)
FILES: Final = WebList(
    "exchange-files",
    "Files that went and came",
    (
        Column("number", "Number", Kind.COUNT),
        Column("direction", "Direction"),
        Column("party", "Party"),
        Column("layout", "Layout"),
        Column("name", "Name"),
        Column("sequence", "Sequence", Kind.COUNT),
        Column("business_date", "Day", Kind.DAY),
        Column("window", "Window", Kind.COUNT),
        Column("at", "At", Kind.MOMENT),
        Column("state", "State"),
        Column("code", "Code"),
        Column("lines", "Lines", Kind.COUNT),
        Column("refused", "Refused", Kind.COUNT),
        Column("offers", "Offers", Kind.COUNT),
        Column("sha256", "SHA-256"),
    ),
    _files,
    _show_files,
    _file_cells,
)
WINDOWS: Final = WebList(
    "exchange-windows",
    "Windows met and missed",
    (
        Column("party", "Party"),
        Column("business_date", "Day", Kind.DAY),
        Column("window", "Window", Kind.COUNT),
        Column("layout", "File"),
        Column("met", "Met"),
        Column("came_at", "Came", Kind.MOMENT),
    ),
    _windows,
    _show_windows,
    _window_cells,
)
