"""All SQL about applications, their check-lists and their clients."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.identity.model import By, PersonId
from dop_gateway.licences.application import (
    ENDED,
    IN_VAIN,
    Application,
    ApplicationId,
    ApplicationKind,
    ApplicationState,
    Check,
    CheckItem,
    CheckResult,
    Client,
    Receipt,
    Scenario,
)
from dop_gateway.licences.model import CancelReason, CommercialAs, LicenceKind
from dop_gateway.licences.store import holder_columns, holder_of
from dop_gateway.licences.tables import (
    application_check,
    application_client,
    licence_application,
)
from dop_gateway.offices.model import OfficeId
from dop_gateway.offices.tables import office
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

_WAITS = licence_application.c.state.not_in([state.name for state in ENDED])


def get(
    connection: Connection, of: ApplicationId, *, lock: bool = False
) -> Application:
    """Find an application.

    Raises:
        NotFoundError: There is none.
    """
    query = select(licence_application).where(licence_application.c.id == of)
    if lock:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no application {of}")
    return application_of(row)


def listed(
    connection: Connection,
    where: Sequence[ColumnElement[bool]],
    *,
    order: Sequence[ColumnElement[Any]],
    offset: int = 0,
    limit: int | None = None,
) -> list[Application]:
    """List applications; `office` is joined, for conditions on the tree."""
    rows = connection.execute(
        select(licence_application)
        .join(office, office.c.id == licence_application.c.office)
        .where(*where)
        .order_by(*order)
        .offset(offset)
        .limit(limit)
    )
    return [application_of(row) for row in rows]


def waiting_for(
    connection: Connection, identifier: str, kind: ApplicationKind
) -> ApplicationId | None:
    """Find the application of a kind that waits for a machine."""
    held = licence_application.c
    found = connection.execute(
        select(held.id).where(
            held.identifier == identifier, held.kind == kind.name, _WAITS
        )
    ).scalar_one_or_none()
    return None if found is None else ApplicationId(found)


def receipt_used_by(connection: Connection, number: str) -> ApplicationId | None:
    """Find the application that a receipt pays for."""
    held = licence_application.c
    found = connection.execute(
        select(held.id).where(
            held.receipt_number == number,
            held.state.not_in([state.name for state in IN_VAIN]),
        )
    ).scalar_one_or_none()
    return None if found is None else ApplicationId(found)


def add(
    connection: Connection, new: Application, clients: Iterable[Client]
) -> Application:
    """Keep an application; its number is given here.

    Raises:
        ConflictError: Another one of its kind waits, or came with the same receipt, in
            this very moment.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    number = connection.execute(
        dialect.insert(licence_application)
        .values(_columns(new))
        .on_conflict_do_nothing()
        .returning(licence_application.c.id)
    ).scalar_one_or_none()
    if number is None:
        message = f"another application for {new.identifier}, or with its receipt"
        raise ConflictError(f"{message}, came in this moment")
    rows = [
        {
            "application": number,
            "number": at,
            "name": one.name,
            "address": one.address,
            "consent": one.consent,
            "consented_on": one.consented_on,
        }
        for at, one in enumerate(clients, start=1)
    ]
    if rows:
        connection.execute(insert(application_client), rows)
    return replace(new, id=ApplicationId(number))


def change(connection: Connection, of: ApplicationId, **columns: object) -> None:
    """Write some columns of an application."""
    connection.execute(
        update(licence_application)
        .where(licence_application.c.id == of)
        .values(**columns)
    )


def late(connection: Connection, on: date, rows_max: int) -> list[Application]:
    """List applications that are late on a day, and were not warned of."""
    held = licence_application.c
    rows = connection.execute(
        select(licence_application)
        .where(_WAITS, held.due_on < on, held.warned_on.is_(None))
        .order_by(held.due_on, held.id)
        .limit(rows_max)
    )
    return [application_of(row) for row in rows]


def clients_of(connection: Connection, of: ApplicationId) -> tuple[Client, ...]:
    """List the clients that came with an application."""
    rows = connection.execute(
        select(application_client)
        .where(application_client.c.application == of)
        .order_by(application_client.c.number)
    )
    return tuple(
        Client(row.name, row.address, row.consent, row.consented_on) for row in rows
    )


def checks_of(connection: Connection, of: ApplicationId) -> tuple[Check, ...]:
    """List the lines of the check-list that were marked."""
    held = application_check.c
    rows = connection.execute(
        select(held.item, held.result, held.remark)
        .where(held.application == of)
        .order_by(held.item)
    )
    return tuple(
        Check(CheckItem[row.item], CheckResult[row.result], row.remark) for row in rows
    )


def mark(
    connection: Connection, of: ApplicationId, checks: Iterable[Check], by: By
) -> None:
    """Mark lines of the check-list, in place of what was marked before."""
    rows = [
        {
            "application": of,
            "item": one.item.name,
            "result": one.result.name,
            "remark": one.remark,
            "person": by.actor.person,
            "at": by.now,
        }
        for one in checks
    ]
    held = application_check.c
    connection.execute(
        delete(application_check).where(
            held.application == of, held.item.in_([row["item"] for row in rows])
        )
    )
    if rows:
        connection.execute(insert(application_check), rows)


def _columns(one: Application) -> dict[str, Any]:
    receipt = one.receipt
    return {
        **holder_columns(one.holder),
        "kind": one.kind.name,
        "scenario": one.scenario.name,
        "state": one.state.name,
        "maker": one.maker,
        "identifier": one.identifier,
        "licence": one.licence,
        "licence_kind": one.licence_kind.name,
        "commercial_as": None if one.commercial_as is None else one.commercial_as.name,
        "office": one.office,
        "division": one.division,
        "receipt_number": None if receipt is None else receipt.number,
        "receipt_paise": None if receipt is None else receipt.amount_paise,
        "receipt_on": None if receipt is None else receipt.paid_on,
        "provisioning": one.provisioning,
        "cancel": None if one.cancel is None else one.cancel.name,
        "applied_on": one.applied_on,
        "due_on": one.due_on,
        "entered_by": one.entered_by,
        "entered_at": one.entered_at,
        "delay": one.delay,
        "warned_on": one.warned_on,
        "ended_on": one.ended_on,
    }


def application_of(row: Row[Any]) -> Application:
    """Read an application from its columns."""
    receipt = None
    if row.receipt_number is not None:
        receipt = Receipt(row.receipt_number, Paise(row.receipt_paise), row.receipt_on)
    commercial = row.commercial_as
    return Application(
        id=ApplicationId(row.id),
        kind=ApplicationKind[row.kind],
        scenario=Scenario[row.scenario],
        state=ApplicationState[row.state],
        maker=row.maker,
        identifier=LicenceIdentifier(row.identifier),
        licence=None if row.licence is None else LicenceIdentifier(row.licence),
        holder=holder_of(row),
        licence_kind=LicenceKind[row.licence_kind],
        commercial_as=None if commercial is None else CommercialAs[commercial],
        office=OfficeId(row.office),
        division=OfficeId(row.division),
        receipt=receipt,
        provisioning=row.provisioning,
        cancel=None if row.cancel is None else CancelReason[row.cancel],
        applied_on=row.applied_on,
        due_on=row.due_on,
        entered_by=PersonId(row.entered_by),
        entered_at=EpochSeconds(row.entered_at),
        delay=row.delay,
        warned_on=row.warned_on,
        ended_on=row.ended_on,
    )
