"""Routes of applications: brought, checked, looked at, decided."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

from dop_gateway.access import Access
from dop_gateway.errors import FieldFinding, InvalidError, NotFoundError
from dop_gateway.identity.model import By, Role, ScopeKind
from dop_gateway.licences import applications, deciding, entering, history, telling
from dop_gateway.licences.application import (
    NEW_LICENCE,
    Application,
    ApplicationId,
    ApplicationKind,
)
from dop_gateway.licences.application_schemas import (
    ApplicationBody,
    ApplicationInFull,
    ApplicationShown,
    ApplicationsQuery,
    ApprovalBody,
    Approved,
    ChecksBody,
    ClientShown,
    DecisionBody,
    LineShown,
    ReceiptShown,
)
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.lists import APPLICATIONS
from dop_gateway.licences.reach import reaches
from dop_gateway.licences.schemas import HolderShown, MoveShown, OfficeNamed
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId
from dop_gateway.web.asking import Asked, AskedOnce, Asking
from dop_gateway.web.lists import answer_list, listed

ROUTES: Final = APIRouter(tags=["licences"])
_AUTHORITY: Final = frozenset({Role.LICENSING_AUTHORITY})
_OFFICE: Final = _AUTHORITY | {Role.LICENSING_OPERATOR}
_BRING: Final = frozenset({Role.LICENSING_OPERATOR, Role.MAKER_OFFICER, Role.LICENSEE})
_VERIFY: Final = frozenset({Role.VERIFIER})
_SEE: Final = (
    _OFFICE | _BRING | _VERIFY | {Role.AUDITOR, Role.DCR_OPERATOR, Role.DCR_SUPERVISOR}
)
Number = Annotated[int, Path(ge=1, le=2**53 - 1)]
TOLD: Final = NEW_LICENCE | {ApplicationKind.RENEWAL}
"""The licensee is told that a licence is there, and until when."""
_ONE: Final = "/licence-applications/{number}"

ACCESS: Final = tuple(
    Access(method, path, roles, ScopeKind.LICENCE)
    for method, path, roles in (
        ("GET", "/licence-applications", _SEE),
        ("POST", "/licence-applications", _BRING),
        ("GET", _ONE, _SEE),
        ("POST", f"{_ONE}/check", _OFFICE),
        ("POST", f"{_ONE}/send-out", _OFFICE),
        ("POST", f"{_ONE}/confirm", _VERIFY),
        ("POST", f"{_ONE}/object", _VERIFY),
        ("POST", f"{_ONE}/approve", _AUTHORITY),
        ("POST", f"{_ONE}/reject", _AUTHORITY),
        ("POST", f"{_ONE}/withdraw", _BRING),
        ("POST", f"{_ONE}/explain", _OFFICE),
    )
)


@ROUTES.get("/licence-applications", **listed(ApplicationShown))
def list_applications(
    asking: Asked, query: Annotated[ApplicationsQuery, Query()]
) -> Any:
    """List applications within reach, or have the list as a file."""
    return answer_list(asking, APPLICATIONS, query)


@ROUTES.post("/licence-applications", status_code=HTTPStatus.CREATED)
def bring_application(asking: AskedOnce, body: ApplicationBody) -> ApplicationShown:
    """Bring an application: from paper (NEW), or as the maker or licensee (OPEN)."""

    def task(connection: Connection) -> ApplicationShown:
        form = body.form(_office(connection, body.office))
        kept = entering.enter(connection, form, asking.by(body.reason))
        return _shown(connection, kept)

    kept = asking.once("bring an application", body, ApplicationShown, task)
    asking.made(f"/licence-applications/{kept.id}")
    return kept


@ROUTES.get(_ONE)
def show_application(asking: Asked, number: Number) -> ApplicationInFull:
    """Show an application, and what whoever asks can do with it now."""
    with asking.reading() as connection:
        return _in_full(connection, asking, _seen(connection, asking, number))


@ROUTES.post(f"{_ONE}/check")
def check(asking: Asked, number: Number, body: ChecksBody) -> ApplicationShown:
    """Mark the check-list: every line is satisfied or not applicable."""
    checks = [one.check() for one in body.checks]
    return _done(
        asking,
        number,
        body.reason,
        lambda connection, of, by: deciding.check(connection, of, checks, by),
    )


@ROUTES.post(f"{_ONE}/send-out")
def send_out(asking: Asked, number: Number, body: DecisionBody) -> ApplicationShown:
    """Have somebody look in the field."""
    return _done(asking, number, body.reason, deciding.send_out)


@ROUTES.post(f"{_ONE}/confirm")
def confirm(asking: Asked, number: Number, body: DecisionBody) -> ApplicationShown:
    """Say that it is right in the field; the reason is the report."""
    return _done(asking, number, body.reason, deciding.confirm)


@ROUTES.post(f"{_ONE}/object")
def object_to(asking: Asked, number: Number, body: DecisionBody) -> ApplicationShown:
    """Say that it is wanting in the field; the reason is the report."""
    return _done(asking, number, body.reason, deciding.object_to)


@ROUTES.post(f"{_ONE}/approve")
def approve(asking: AskedOnce, number: Number, body: ApprovalBody) -> Approved:
    """Approve an application, and do what it asks for; not by who entered it."""

    def task(connection: Connection) -> Approved:
        _seen(connection, asking, number)
        done, licence = deciding.approve(
            connection,
            ApplicationId(number),
            asking.by(body.reason),
            refund_allowed=body.refund_allowed,
        )
        if done.kind in TOLD:
            by = asking.by(body.reason)
            telling.tell_issued(connection, asking.parts.outbox, licence, by)
        return Approved(
            application=_shown(connection, done),
            licence=licence.identifier,
            number=licence.number,
        )

    return asking.once("approve an application", body, Approved, task)


@ROUTES.post(f"{_ONE}/reject")
def reject(asking: Asked, number: Number, body: DecisionBody) -> ApplicationShown:
    """Refuse an application, with the reason; not by who entered it."""
    return _done(asking, number, body.reason, deciding.reject)


@ROUTES.post(f"{_ONE}/withdraw")
def withdraw(asking: Asked, number: Number, body: DecisionBody) -> ApplicationShown:
    """Take an application back."""
    return _done(asking, number, body.reason, deciding.withdraw)


@ROUTES.post(f"{_ONE}/explain")
def explain(asking: Asked, number: Number, body: DecisionBody) -> ApplicationShown:
    """Tell the applicant why it takes longer than it should."""
    return _done(asking, number, body.reason, deciding.explain)


def _done(
    asking: Asking,
    number: int,
    reason: str,
    act: Callable[[Connection, ApplicationId, By], Application],
) -> ApplicationShown:
    with asking.writing("decide an application") as connection:
        _seen(connection, asking, number)
        by = asking.by(reason)
        return _shown(connection, act(connection, ApplicationId(number), by))


def _office(connection: Connection, facility: str | None) -> OfficeId | None:
    if facility is None:
        return None
    found = offices.by_facility(connection, facility)
    if found is None:
        words = f"there is no office {facility}"
        raise InvalidError([FieldFinding("/office", "unknown", words)])
    return found.office_id


def _seen(connection: Connection, asking: Asking, number: int) -> Application:
    """Find an application that whoever asks may see.

    Raises:
        NotFoundError: There is none within reach.
    """
    message = f"there is no application {number}"
    found = applications.get(connection, ApplicationId(number))
    if not any(reaches(connection, one, found) for one in asking.permit.grants):
        raise NotFoundError(message)
    return found


def _shown(connection: Connection, one: Application) -> ApplicationShown:
    return ApplicationShown.of(one, offices.get(connection, one.office))


def _in_full(
    connection: Connection, asking: Asking, one: Application
) -> ApplicationInFull:
    by = asking.by()
    held = tuple(grant for grant in by.actor.grants if reaches(connection, grant, one))
    marked = {check.item: check for check in applications.checks_of(connection, one.id)}
    lines = [
        LineShown(
            item=item,
            words=item.value,
            result=marked[item].result if item in marked else None,
            remark=marked[item].remark if item in marked else "",
            may_be_left_out=item in one.may_be_left_out,
        )
        for item in one.items
    ]
    past = history.of(connection, Axis.APPLICATION, str(one.id))
    return ApplicationInFull(
        **_shown(connection, one).model_dump(),
        holder=HolderShown.of(one.holder, held),
        licence_kind=one.licence_kind,
        commercial_as=one.commercial_as,
        division=OfficeNamed.of(offices.get(connection, one.division)),
        receipt=None if one.receipt is None else ReceiptShown.of(one.receipt),
        cancel=one.cancel,
        in_the_field=one.is_verified_in_the_field,
        checks=lines,
        clients=[
            ClientShown(
                name=client.name,
                address=client.address,
                consent=client.consent,
                consented_on=client.consented_on,
            )
            for client in applications.clients_of(connection, one.id)
        ],
        history=[MoveShown.of(Axis.APPLICATION.name, made) for made in past],
        moves=[move.name for move in deciding.open_to(connection, one, by)],
    )
