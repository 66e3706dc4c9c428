"""All SQL about discrepancies that makers told of."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from dop_gateway.incidents.tables import discrepancy
from protocol.exchange import FileHeader
from protocol.values import EpochSeconds, LicenceIdentifier

_of = discrepancy.c
_AT_A_TIME = 500


def add(
    connection: Connection, values: Any, header: FileHeader, now: EpochSeconds
) -> None:
    """Keep a discrepancy; one that was told before is left as it is."""
    known = connection.execute(
        select(_of.number).where(
            _of.maker == header.sender, _of.number == values["number"]
        )
    ).one_or_none()
    if known is not None:
        return
    connection.execute(
        insert(discrepancy).values(
            maker=header.sender,
            number=values["number"],
            licence=values["licence"],
            code=values["code"],
            found_at=values["found_at"],
            recharge_number=values["recharge_number"],
            control_total_paise=values["control_total_paise"],
            message=values["message"],
            binding=values["binding"],
            file_id=header.file_id,
            told_at=now,
            resolved_at=None,
            resolution="",
            words="",
        )
    )


def resolve(connection: Connection, values: Any, header: FileHeader) -> bool:
    """Say how a discrepancy was ended; False if there is none."""
    done = connection.execute(
        update(discrepancy)
        .where(_of.maker == header.sender, _of.number == values["number"])
        .values(
            resolved_at=values["resolved_at"],
            resolution=values["resolution"],
            words=values["words"],
        )
    )
    return done.rowcount > 0


def open_of(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, list[str]]:
    """Give, in words, what is not resolved of licences; others are left out."""
    found: dict[LicenceIdentifier, list[str]] = {}
    for start in range(0, len(licences), _AT_A_TIME):
        rows = connection.execute(
            select(_of.licence, _of.maker, _of.number, _of.code)
            .where(
                _of.licence.in_(licences[start : start + _AT_A_TIME]),
                _of.resolved_at.is_(None),
            )
            .order_by(_of.maker, _of.number)
        )
        for row in rows:
            words = f"discrepancy {row.number} of {row.maker}: {row.code}"
            found.setdefault(LicenceIdentifier(row.licence), []).append(words)
    return found
