"""All SQL about remaining funds."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from dop_gateway.remaining.model import Kept, Remaining
from dop_gateway.remaining.tables import remaining_fund
from dop_gateway.store.matching import Matching
from protocol.exchange import FileHeader
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)

_of = remaining_fund.c
_AT_A_TIME: Final = 500


def put(
    connection: Connection,
    lines: Iterable[Remaining],
    header: FileHeader,
    now: EpochSeconds,
) -> None:
    """Keep snapshots in place of older ones; a file that is older changes nothing."""
    rows = [
        {
            "licence": one.licence,
            "maker": header.sender,
            "file_id": header.file_id,
            "day": header.business_date,
            "window_of_day": header.window,
            "made_at": header.made_at,
            "applied_at": now,
            "line_id": one.line_id,
            "licence_number": one.licence_number,
            "remaining_paise": one.remaining_paise,
            "reserved_paise": one.reserved_paise,
            "number": one.number,
            "control_total_paise": one.control_total_paise,
        }
        for one in lines
    ]
    if rows:
        connection.execute(_upsert(connection, remaining_fund), rows)


def last_of(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, Kept]:
    """Give the last snapshots of licences; those without one are left out."""
    found = {}
    for start in range(0, len(licences), _AT_A_TIME):
        some = licences[start : start + _AT_A_TIME]
        rows = connection.execute(_select().where(_of.licence.in_(some)))
        found.update({LicenceIdentifier(row.licence): kept_of(row) for row in rows})
    return found


def remaining_matching(
    *,
    licences: Select[Any] | None = None,
    makers: Sequence[str] | None = None,
    licence: str = "",
) -> Matching[Kept]:
    """Give the snapshots that a filter lets through.

    Args:
        licences: Identifiers of those that may be seen; None: all.
        makers: Letters of those whose may be seen; None: all.
        licence: Only of this one.
    """
    asked = _select()
    if licences is not None:
        asked = asked.where(_of.licence.in_(licences))
    if makers is not None:
        asked = asked.where(_of.maker.in_(makers))
    if licence:
        asked = asked.where(_of.licence == licence)
    orders = {
        "licence": (_of.licence,),
        "remaining": (_of.remaining_paise, _of.licence),
        "made_at": (_of.made_at, _of.licence),
    }
    return Matching(asked, orders, kept_of)


def kept_of(row: Row[Any]) -> Kept:
    """Make a snapshot of its row."""
    total = row.control_total_paise
    return Kept(
        row.maker,
        row.file_id,
        row.day,
        row.window_of_day,
        EpochSeconds(row.made_at),
        EpochSeconds(row.applied_at),
        Remaining(
            row.line_id,
            LicenceIdentifier(row.licence),
            LicenceNumber(row.licence_number),
            Paise(row.remaining_paise),
            Paise(row.reserved_paise),
            RechargeNumber(row.number),
            None if total is None else Paise(total),
        ),
    )


def _select() -> Select[Any]:
    return select(remaining_fund)


def _upsert(connection: Connection, into: Table) -> Any:
    postgres = connection.dialect.name == "postgresql"
    begun: Any = postgresql.insert(into) if postgres else sqlite.insert(into)
    new = begun.excluded
    return begun.on_conflict_do_update(
        index_elements=[into.c.licence],
        set_={
            column.name: new[column.name]
            for column in into.c
            if column.name != "licence"
        },
        where=new.made_at >= into.c.made_at,
    )
