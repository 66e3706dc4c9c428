"""What the Department last said of a licence: which machine it is for, and more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from protocol.values import LicenceIdentifier
from rmfs_server.store import schema


@dataclass(frozen=True, slots=True)
class Issued:
    """A licence as the Department's files say it.

    Attributes:
        file: The received file that said so last.
        credential: Of its machine (CCS); None if it was not told.
        psd_serial: Likewise.
        detail: Address, contact and office, as they were told.
    """

    licence: LicenceIdentifier
    file: int
    credential: bytes | None
    psd_serial: bytes | None
    detail: Mapping[str, Any]


def find(connection: Connection, licence: LicenceIdentifier) -> Issued | None:
    """Read what the Department said; None before it said anything."""
    table = schema.issued_licence
    row = connection.execute(
        select(table).where(table.c.licence == licence)
    ).one_or_none()
    if row is None:
        return None
    return Issued(
        licence, row.file, row.credential, row.psd_serial, json.loads(row.detail)
    )


def put(connection: Connection, issued: Issued) -> None:
    """Keep what the Department says now."""
    table = schema.issued_licence
    values = {
        "file": issued.file,
        "credential": issued.credential,
        "psd_serial": issued.psd_serial,
        "detail": json.dumps(dict(issued.detail), sort_keys=True, ensure_ascii=False),
    }
    changed = connection.execute(
        update(table).where(table.c.licence == issued.licence).values(**values)
    )
    if not changed.rowcount:
        connection.execute(insert(table).values(licence=issued.licence, **values))
