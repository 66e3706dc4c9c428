"""All SQL about dial-ins that failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select

from dop_gateway.licences.tables import licence
from dop_gateway.offices.tables import office
from dop_gateway.store.matching import Matching
from dop_gateway.usage.model import FailedDialIn
from dop_gateway.usage.tables import failed_dial_in
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber

_of = failed_dial_in.c


@dataclass(frozen=True, slots=True)
class KeptFailure:
    """A dial-in that failed, as it is kept.

    Attributes:
        licensee: Of the licence, as it is called now.
        file_id: Of the file that told it.
        came_at: When we took that file.
    """

    maker: str
    licensee: str
    told: FailedDialIn
    file_id: str
    came_at: EpochSeconds


def add_many(
    connection: Connection,
    maker: str,
    file_id: str,
    failed: Sequence[FailedDialIn],
    now: EpochSeconds,
) -> None:
    """Keep what a file tells; a line that is kept already is not kept again."""
    if not failed:
        return
    there = set(
        connection.execute(
            select(_of.line_id).where(_of.maker == maker, _of.file_id == file_id)
        ).scalars()
    )
    rows = [
        {
            "maker": maker,
            "licence": one.licence,
            "licence_number": one.licence_number,
            "at": one.at,
            "on_day": one.day,
            "code": one.code,
            "words": one.words,
            "file_id": file_id,
            "line_id": one.line_id,
            "came_at": now,
        }
        for one in failed
        if one.line_id not in there
    ]
    if rows:
        connection.execute(insert(failed_dial_in), rows)


def failed_matching(
    reached: ColumnElement[bool],
    *,
    licence_is: str = "",
    code: str = "",
    first: date | None = None,
    last: date | None = None,
) -> Matching[KeptFailure]:
    """Give dial-ins that failed.

    Args:
        reached: Which may be seen, by columns of licence and office.
        licence_is: Only of this one.
        code: Only for this reason.
        first: Not before this day.
        last: Not after this day.
    """
    rows = (
        select(failed_dial_in, licence.c.licensee)
        .select_from(
            failed_dial_in.join(licence, licence.c.identifier == _of.licence).join(
                office, office.c.id == licence.c.office
            )
        )
        .where(reached)
    )
    if licence_is:
        rows = rows.where(_of.licence == licence_is)
    if code:
        rows = rows.where(_of.code == code)
    if first is not None:
        rows = rows.where(_of.on_day >= first)
    if last is not None:
        rows = rows.where(_of.on_day <= last)
    orders = {
        "at": (_of.at, _of.id),
        "licence": (_of.licence, _of.at, _of.id),
        "code": (_of.code, _of.at, _of.id),
    }
    return Matching(rows, orders, _kept)


def _kept(row: Row[Any]) -> KeptFailure:
    return KeptFailure(
        row.maker,
        row.licensee,
        FailedDialIn(
            row.line_id,
            LicenceIdentifier(row.licence),
            LicenceNumber(row.licence_number),
            EpochSeconds(row.at),
            row.code,
            row.words,
        ),
        row.file_id,
        EpochSeconds(row.came_at),
    )
