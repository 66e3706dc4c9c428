"""All SQL about lists of applications and licences."""

from datetime import date

from sqlalchemy import ColumnElement, Select, or_, select

from dop_gateway.licences.application import (
    ENDED,
    Application,
    ApplicationKind,
    ApplicationState,
)
from dop_gateway.licences.applications import application_of
from dop_gateway.licences.model import Licence, LicenceKind, MachineState
from dop_gateway.licences.store import licence_of
from dop_gateway.licences.tables import licence, licence_application
from dop_gateway.offices.tables import office
from dop_gateway.store.matching import Matching
from protocol.messages import LicenceState


def licences_matching(
    reach: ColumnElement[bool],
    *,
    words: str = "",
    maker: str = "",
    kind: LicenceKind | None = None,
    state: LicenceState | None = None,
    machine_state: MachineState | None = None,
    under: ColumnElement[bool] | None = None,
    ends_before: date | None = None,
) -> Matching[Licence]:
    """Give the licences that a filter lets through.

    Args:
        reach: What whoever asks may see.
        words: A part of the licensee's name, an identifier or a number.
        maker: Letter of the maker.
        kind: Only these.
        state: Only these.
        machine_state: Only these.
        under: Condition on the designated office.
        ends_before: Those whose last day is before this one.
    """
    rows = select(licence).join(office, office.c.id == licence.c.office).where(reach)
    if words.strip():
        wanted = words.strip()
        exact = wanted.upper()
        rows = rows.where(
            or_(
                licence.c.licensee.icontains(wanted, autoescape=True),
                licence.c.licensee_hi.contains(wanted, autoescape=True),
                licence.c.identifier == exact,
                licence.c.number == exact,
            )
        )
    if maker:
        rows = rows.where(licence.c.maker == maker)
    if kind is not None:
        rows = rows.where(licence.c.kind == kind.name)
    if state is not None:
        rows = rows.where(licence.c.state == state.name)
    if machine_state is not None:
        rows = rows.where(licence.c.machine_state == machine_state.name)
    if under is not None:
        rows = rows.where(under)
    if ends_before is not None:
        rows = rows.where(licence.c.expires_on < ends_before)
    held = licence.c
    orders = {
        "identifier": (held.identifier,),
        "number": (held.number,),
        "licensee": (held.licensee, held.identifier),
        "issued_on": (held.issued_on, held.identifier),
        "expires_on": (held.expires_on, held.identifier),
    }
    return Matching(rows, orders, licence_of)


def applications_matching(
    reach: ColumnElement[bool],
    *,
    words: str = "",
    maker: str = "",
    kind: ApplicationKind | None = None,
    state: ApplicationState | None = None,
    waiting: bool | None = None,
    under: ColumnElement[bool] | None = None,
    due_before: date | None = None,
) -> Matching[Application]:
    """Give the applications that a filter lets through.

    Args:
        reach: What whoever asks may see.
        words: A part of the licensee's name, an identifier or a receipt number.
        maker: Letter of the maker.
        kind: Only these.
        state: Only these.
        waiting: Those that are not decided, or those that are.
        under: Condition on the designated office.
        due_before: Those that had to be decided before this day.
    """
    held = licence_application.c
    rows: Select[tuple[object, ...]] = (
        select(licence_application)
        .join(office, office.c.id == held.office)
        .where(reach)
    )
    if words.strip():
        wanted = words.strip()
        exact = wanted.upper()
        rows = rows.where(
            or_(
                held.licensee.icontains(wanted, autoescape=True),
                held.identifier == exact,
                held.licence == exact,
                held.receipt_number == exact,
            )
        )
    if maker:
        rows = rows.where(held.maker == maker)
    if kind is not None:
        rows = rows.where(held.kind == kind.name)
    if state is not None:
        rows = rows.where(held.state == state.name)
    if waiting is not None:
        ended = held.state.in_([one.name for one in ENDED])
        rows = rows.where(~ended if waiting else ended)
    if under is not None:
        rows = rows.where(under)
    if due_before is not None:
        rows = rows.where(held.due_on < due_before)
    orders = {
        "id": (held.id,),
        "due_on": (held.due_on, held.id),
        "licensee": (held.licensee, held.id),
    }
    return Matching(rows, orders, application_of)
