"""Routes of usage, of statements of mailing, and of franks that are scanned."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

from dop_gateway.access import Access
from dop_gateway.errors import NotFoundError
from dop_gateway.franks.model import Purpose
from dop_gateway.franks.verifying import verify
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.licences import store as licences
from dop_gateway.licences.reach import reaches
from dop_gateway.posting import mailing
from dop_gateway.posting import mailing_store as store
from dop_gateway.posting.lifecycle import CAPTURING
from dop_gateway.posting.lists import MAILINGS, USAGE, MailingsQuery, UsageQuery
from dop_gateway.posting.model import Mailing
from dop_gateway.posting.reach import check_at_office, office_of
from dop_gateway.posting.schemas import (
    FrankBody,
    MailingBody,
    MailingShown,
    ReasonBody,
    UsageShown,
    VerdictShown,
)
from dop_gateway.web.asking import Asked, AskedOnce, Asking
from dop_gateway.web.lists import answer_list, listed
from protocol.parameters import business_date

ROUTES: Final = APIRouter(tags=["posting"])
_SEE: Final = frozenset(Role) - {Role.ADMINISTRATOR}
_SCAN: Final = CAPTURING | {
    Role.VERIFIER,
    Role.POSTAL_AUTHORITY,
    Role.DCR_OPERATOR,
    Role.DCR_SUPERVISOR,
}
_VOID: Final = frozenset({Role.POSTMASTER})
Number = Annotated[
    str,
    Path(pattern=r"^[A-Z][0-9]{6}-[0-9]{6}$", description="As in N123456-000017."),
]

ACCESS: Final = tuple(
    Access(method, path, roles, scope)
    for method, path, roles, scope in (
        ("GET", "/usage", _SEE, ScopeKind.LICENCE),
        ("GET", "/mailings", _SEE, ScopeKind.LICENCE),
        ("GET", "/mailings/{number}", _SEE, ScopeKind.LICENCE),
        ("POST", "/mailings", CAPTURING, ScopeKind.OFFICE),
        ("POST", "/mailings/{number}/void", _VOID, ScopeKind.LICENCE),
        ("POST", "/franks/verify", _SCAN, ScopeKind.OFFICE),
    )
)


@ROUTES.get("/usage", **listed(UsageShown))
def list_usage(asking: Asked, query: Annotated[UsageQuery, Query()]) -> Any:
    """List what machines franked by day and class, or have the list as a file."""
    return answer_list(asking, USAGE, query)


@ROUTES.get("/mailings", **listed(MailingShown))
def list_mailings(asking: Asked, query: Annotated[MailingsQuery, Query()]) -> Any:
    """List statements of mailing within reach, or have the list as a file."""
    return answer_list(asking, MAILINGS, query)


@ROUTES.get("/mailings/{number}")
def show_mailing(asking: Asked, number: Number) -> MailingShown:
    """Show a statement of mailing."""
    with asking.reading() as connection:
        return MailingShown.of(_seen(connection, asking, number))


@ROUTES.post("/mailings", status_code=HTTPStatus.CREATED)
def capture(asking: AskedOnce, body: MailingBody) -> MailingShown:
    """Capture a statement of mailing that is handed in with its mail."""
    by = asking.by()

    def task(connection: Connection) -> MailingShown:
        office = office_of(connection, body.facility).office_id
        today = business_date(by.now)
        kept = mailing.capture(connection, body.mailing(), office, today, by)
        return MailingShown.of(kept)

    kept = asking.once("capture a statement of mailing", body, MailingShown, task)
    asking.made(f"/mailings/{kept.number}")
    return kept


@ROUTES.post("/mailings/{number}/void")
def void(asking: AskedOnce, number: Number, body: ReasonBody) -> MailingShown:
    """Let a statement of mailing count no more that somebody else typed wrong."""
    by = asking.by(body.reason)
    return asking.once(
        "void a statement of mailing",
        body,
        MailingShown,
        lambda connection: MailingShown.of(mailing.void(connection, number, by)),
    )


@ROUTES.post("/franks/verify")
def verify_frank(asking: AskedOnce, body: FrankBody) -> VerdictShown:
    """Verify a scanned frank; one of mail is remembered, so that it pays once."""
    by = asking.by()
    # Mail is taken at its counter; whoever else scans a frank only looks.
    is_mail = body.purpose is Purpose.MAIL
    roles = CAPTURING if is_mail else _SCAN

    def task(connection: Connection) -> VerdictShown:
        office = office_of(connection, body.facility).office_id
        check_at_office(connection, by, office, roles)
        verdict = verify(
            connection,
            body.scan,
            office,
            business_date(by.now),
            by,
            purpose=Purpose.MAIL if is_mail else Purpose.CHECK,
            printed=None if body.printed is None else body.printed.facts(),
            is_registered=body.registered,
        )
        return VerdictShown.of(verdict)

    return asking.once("verify a frank", body, VerdictShown, task)


def _seen(connection: Connection, asking: Asking, number: str) -> Mailing:
    """Find a statement within reach.

    Raises:
        NotFoundError: There is none.
    """
    found = store.get(connection, number)
    licence = licences.get(connection, found.licence)
    if any(reaches(connection, grant, licence) for grant in asking.permit.grants):
        return found
    raise NotFoundError(f"there is no statement of mailing {number}")
