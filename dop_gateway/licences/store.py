"""All SQL about licences, their credentials and their numbers."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.licences.model import (
    RECHARGED,
    Body,
    CancelReason,
    CommercialAs,
    Credential,
    Holder,
    Licence,
    LicenceKind,
    MachineState,
)
from dop_gateway.licences.tables import licence, licence_credential, licence_serial
from dop_gateway.offices.model import OfficeId
from dop_gateway.offices.tables import office
from protocol.keys import MachineProvisioning
from protocol.messages import LicenceState
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    parse_licence_number,
)

SERIAL_MAX: Final = 99_999
_AT_ONCE: Final = 500
"""Identifiers in one statement: SQLite bounds its parameters."""


def find(
    connection: Connection, identifier: str, *, lock: bool = False
) -> Licence | None:
    """Find a licence by its identifier.

    Args:
        connection: To the database.
        identifier: What a person or a file names.
        lock: Nobody else changes it until this transaction ends.
    """
    query = select(licence).where(licence.c.identifier == identifier)
    if lock:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else licence_of(row)


def get(connection: Connection, identifier: str, *, lock: bool = False) -> Licence:
    """Find a licence that there is.

    Raises:
        NotFoundError: There is none.
    """
    found = find(connection, identifier, lock=lock)
    if found is None:
        raise NotFoundError(f"there is no licence {identifier[:20]}")
    return found


def find_many(connection: Connection, identifiers: Iterable[str]) -> dict[str, Licence]:
    """Find licences by their identifiers; those that there are not are left out."""
    wanted = sorted(set(identifiers))
    found: dict[str, Licence] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        rows = connection.execute(select(licence).where(licence.c.identifier.in_(part)))
        found |= {row.identifier: licence_of(row) for row in rows}
    return found


def find_by_number(connection: Connection, number: str) -> Licence | None:
    """Find a licence by its number (CRN)."""
    row = connection.execute(
        select(licence).where(licence.c.number == number)
    ).one_or_none()
    return None if row is None else licence_of(row)


def listed(
    connection: Connection,
    where: Sequence[ColumnElement[bool]],
    *,
    order: Sequence[ColumnElement[Any]],
    offset: int = 0,
    limit: int | None = None,
) -> list[Licence]:
    """List licences; `office` is joined, for conditions on the tree."""
    rows = connection.execute(
        select(licence)
        .join(office, office.c.id == licence.c.office)
        .where(*where)
        .order_by(*order)
        .offset(offset)
        .limit(limit)
    )
    return [licence_of(row) for row in rows]


def of_psd(connection: Connection, psd_serial: str) -> LicenceIdentifier | None:
    """Find the licence that a PSD is in use with."""
    held = licence_credential.c
    found = connection.execute(
        select(held.licence).where(
            held.psd_serial == psd_serial, held.retired_at.is_(None)
        )
    ).scalar_one_or_none()
    return None if found is None else LicenceIdentifier(found)


def knows_keys(connection: Connection, machine: MachineProvisioning) -> bool:
    """Say whether one of a machine's keys was registered before."""
    held, credential = licence_credential.c, machine.credential
    signing = credential.signing.point
    same = (held.signing_x == signing.x) & (held.signing_y == signing.y)
    return (
        connection.execute(
            select(held.licence).where(same | (held.dh_x == credential.dh_point.x))
        ).first()
        is not None
    )


def credential_of(connection: Connection, identifier: str) -> Credential | None:
    """Give what is registered of a machine; None if there is no such licence."""
    row = connection.execute(
        select(licence_credential).where(licence_credential.c.licence == identifier)
    ).one_or_none()
    return None if row is None else _credential(row)


def credentials_of(
    connection: Connection, identifiers: Iterable[str]
) -> dict[str, Credential]:
    """Give what is registered of machines, by identifier."""
    wanted = sorted(set(identifiers))
    found: dict[str, Credential] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        rows = connection.execute(
            select(licence_credential).where(licence_credential.c.licence.in_(part))
        )
        found |= {row.licence: _credential(row) for row in rows}
    return found


def add(connection: Connection, new: Licence) -> None:
    """Keep a new licence.

    Raises:
        ConflictError: Another application was given this identifier in this moment.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    kept = connection.execute(
        dialect.insert(licence)
        .values(columns_of(new))
        .on_conflict_do_nothing(index_elements=[licence.c.identifier])
        .returning(licence.c.identifier)
    ).scalar_one_or_none()
    if kept is None:
        message = f"{new.identifier} was given to another application in this moment"
        raise ConflictError(message)


def put(connection: Connection, changed: Licence) -> None:
    """Write a licence as it is now."""
    connection.execute(
        update(licence)
        .where(licence.c.identifier == changed.identifier)
        .values(columns_of(changed))
    )


def register(
    connection: Connection, machine: MachineProvisioning, now: EpochSeconds
) -> None:
    """Keep the keys of a machine with its licence."""
    credential = machine.credential
    connection.execute(
        insert(licence_credential).values(
            licence=credential.licence_identifier,
            psd_serial=credential.psd_serial,
            signing_x=credential.signing.point.x,
            signing_y=credential.signing.point.y,
            dh_x=credential.dh_point.x,
            provisioning=machine.encode(),
            registered_at=now,
            retired_at=None,
        )
    )


def retire(connection: Connection, identifier: str, now: EpochSeconds) -> None:
    """Let the PSD of a licence have another life."""
    connection.execute(
        update(licence_credential)
        .where(licence_credential.c.licence == identifier)
        .values(retired_at=now)
    )


def take_number(connection: Connection, division_code: str) -> LicenceNumber:
    """Give the next licence number of a Division, without gaps.

    Whoever takes one locks the row of the Division until the end of the transaction: a
    number that is not used in the end is the next one's.

    Raises:
        ConflictError: The Division has given all that there are.
    """
    rows = licence_serial
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(rows)
        .values(division_code=division_code, last=0)
        .on_conflict_do_nothing()
    )
    here = rows.c.division_code == division_code
    last = connection.execute(
        select(rows.c.last).where(here).with_for_update()
    ).scalar_one()
    if last >= SERIAL_MAX:
        message = f"{division_code} has given all its {SERIAL_MAX} licence numbers"
        raise ConflictError(message)
    connection.execute(update(rows).where(here).values(last=last + 1))
    return parse_licence_number(f"{division_code}{last + 1:05d}")


def expired(connection: Connection, on: date, rows_max: int) -> list[LicenceIdentifier]:
    """List licences whose last day is over, and that are not told so."""
    rows = connection.execute(
        select(licence.c.identifier)
        .where(
            licence.c.state.in_([state.name for state in RECHARGED]),
            licence.c.expires_on < on,
        )
        .order_by(licence.c.identifier)
        .limit(rows_max)
    )
    return [LicenceIdentifier(one) for one in rows.scalars()]


def ending(
    connection: Connection, first: date, last: date, rows_max: int
) -> list[Licence]:
    """List licences in service that end from one day to another, not yet told of it."""
    told = licence.c.reminded_of
    rows = connection.execute(
        select(licence)
        .where(
            licence.c.state.in_([state.name for state in RECHARGED]),
            licence.c.expires_on.between(first, last),
            told.is_(None) | (told < licence.c.expires_on),
        )
        .order_by(licence.c.identifier)
        .limit(rows_max)
        .with_for_update()
    )
    return [licence_of(row) for row in rows]


def remind(connection: Connection, told: Licence) -> None:
    """Keep that a licensee was told of the last day of the current period."""
    connection.execute(
        update(licence)
        .where(licence.c.identifier == told.identifier)
        .values(reminded_of=told.expires_on)
    )


def holder_columns(holder: Holder) -> dict[str, Any]:
    """Give the columns of a holder; applications have the same."""
    lines = (*holder.address, None, None, None)
    return {
        "licensee": holder.name,
        "licensee_hi": holder.name_hi,
        "body": holder.body.name,
        "address_1": lines[0],
        "address_2": lines[1],
        "address_3": lines[2],
        "address_pin": holder.pin,
        "contact": holder.contact,
        "telephone": holder.telephone,
        "email": holder.email,
    }


def holder_of(row: Row[Any]) -> Holder:
    """Read a holder from its columns."""
    lines = (row.address_1, row.address_2, row.address_3)
    return Holder(
        name=row.licensee,
        body=Body[row.body],
        address=tuple(line for line in lines if line is not None),
        pin=row.address_pin,
        name_hi=row.licensee_hi,
        contact=row.contact,
        telephone=row.telephone,
        email=row.email,
    )


def columns_of(one: Licence) -> dict[str, Any]:
    """Give the columns of a licence."""
    return {
        **holder_columns(one.holder),
        "identifier": one.identifier,
        "number": one.number,
        "maker": one.maker,
        "kind": one.kind.name,
        "commercial_as": None if one.commercial_as is None else one.commercial_as.name,
        "office": one.office,
        "division": one.division,
        "state": one.state.name,
        "machine_state": one.machine_state.name,
        "issued_on": one.issued_on,
        "expires_on": one.expires_on,
        "periods": one.periods,
        "refund_allowed": one.refund_allowed,
        "cancelled": None if one.cancelled is None else one.cancelled.name,
        "cancelled_on": one.cancelled_on,
        "replaces": one.replaces,
        "application": one.application,
    }


def licence_of(row: Row[Any]) -> Licence:
    """Read a licence from its columns."""
    return Licence(
        identifier=LicenceIdentifier(row.identifier),
        number=LicenceNumber(row.number),
        maker=row.maker,
        kind=LicenceKind[row.kind],
        commercial_as=_commercial(row.commercial_as),
        holder=holder_of(row),
        office=OfficeId(row.office),
        division=OfficeId(row.division),
        state=LicenceState[row.state],
        machine_state=MachineState[row.machine_state],
        issued_on=row.issued_on,
        expires_on=row.expires_on,
        periods=row.periods,
        refund_allowed=row.refund_allowed,
        cancelled=None if row.cancelled is None else CancelReason[row.cancelled],
        cancelled_on=row.cancelled_on,
        replaces=None if row.replaces is None else LicenceIdentifier(row.replaces),
        application=row.application,
    )


def _commercial(name: str | None) -> CommercialAs | None:
    return None if name is None else CommercialAs[name]


def _credential(row: Row[Any]) -> Credential:
    return Credential(
        MachineProvisioning.decode(row.provisioning), row.retired_at is not None
    )
