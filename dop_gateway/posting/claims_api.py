"""Routes of claims: rebates, spoiled impressions, unused credit; and their receipts."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection

from dop_gateway.access import Access
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.writing import Format
from dop_gateway.identity.model import By, Role, ScopeKind
from dop_gateway.licences import store as licences
from dop_gateway.licences.reach import reaches
from dop_gateway.posting import claiming, settling_claims
from dop_gateway.posting import claims_store as store
from dop_gateway.posting.lifecycle import CAPTURING
from dop_gateway.posting.lists import (
    CLAIMS,
    SCHEDULE,
    ClaimsQuery,
    ScheduleQuery,
)
from dop_gateway.posting.model import Claim
from dop_gateway.posting.receipts import write_receipt
from dop_gateway.posting.schemas import (
    ClaimShown,
    ConfirmBody,
    PayBody,
    ReasonBody,
    RebateBody,
    SpoiledBody,
)
from dop_gateway.web.asking import Asked, AskedOnce, Asking, AskingOnce
from dop_gateway.web.lists import answer_list, listed
from protocol.parameters import business_date

ROUTES: Final = APIRouter(tags=["claims"])
_SEE: Final = frozenset(Role) - {Role.ADMINISTRATOR}
_SANCTION: Final = frozenset({Role.POSTMASTER, Role.LICENSING_AUTHORITY})
_PAY: Final = CAPTURING | {Role.TREASURER}
_PDF: Final = Format.PDF.media_type
_AS_PDF: Final[dict[str, Any]] = {
    "response_class": Response,
    "responses": {
        200: {"content": {_PDF: {"schema": {"type": "string", "format": "binary"}}}}
    },
}
LicenceId = Annotated[str, Path(pattern=r"^[A-Z][0-9]{6}$", description="As N123456.")]
Number = Annotated[
    str, Path(pattern=r"^(RB|SP|UC)[0-9]{8}$", description="As RB00000017.")
]

ACCESS: Final = tuple(
    Access(method, path, roles, ScopeKind.LICENCE)
    for method, path, roles in (
        ("GET", "/claims", _SEE),
        ("GET", "/refund-schedule", _SEE),
        ("GET", "/claims/{number}", _SEE),
        ("GET", "/claims/{number}/receipt", _SEE),
        ("POST", "/licences/{identifier}/rebates", CAPTURING),
        ("POST", "/licences/{identifier}/spoiled-impressions", CAPTURING),
        ("POST", "/licences/{identifier}/unused-credit", CAPTURING),
        ("POST", "/claims/{number}/confirm", frozenset({Role.MAKER_OFFICER})),
        ("POST", "/claims/{number}/sanction", _SANCTION),
        ("POST", "/claims/{number}/pay", _PAY),
        ("POST", "/claims/{number}/refuse", _SANCTION),
    )
)


@ROUTES.get("/claims", **listed(ClaimShown))
def list_claims(asking: Asked, query: Annotated[ClaimsQuery, Query()]) -> Any:
    """List rebates and refunds within reach, or have the list as a file."""
    return answer_list(asking, CLAIMS, query)


@ROUTES.get("/refund-schedule", **listed(ClaimShown))
def list_schedule(asking: Asked, query: Annotated[ScheduleQuery, Query()]) -> Any:
    """List what was paid: the schedule "Postal Revenue Refund in Cash"."""
    return answer_list(asking, SCHEDULE, query)


@ROUTES.get("/claims/{number}")
def show_claim(asking: Asked, number: Number) -> ClaimShown:
    """Show a claim."""
    with asking.reading() as connection:
        return ClaimShown.of(_seen(connection, asking, number))


@ROUTES.get("/claims/{number}/receipt", **_AS_PDF)
def show_receipt(asking: Asked, number: Number) -> Response:
    """Have the receipt of a claim that was paid."""
    with asking.reading() as connection:
        found = _seen(connection, asking, number)
        person = asking.permit.actor.login
        octets = write_receipt(connection, found, person, asking.now)
    named = f'attachment; filename="receipt-{number}.pdf"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
    return Response(octets, media_type=_PDF, headers=headers)


@ROUTES.post("/licences/{identifier}/rebates", status_code=HTTPStatus.CREATED)
def claim_rebate(
    asking: AskedOnce, identifier: LicenceId, body: RebateBody
) -> ClaimShown:
    """Claim the rebate of what was franked between two statements of mailing."""
    statements = (body.from_number, body.to_number)
    return _proposed(
        asking,
        body,
        lambda connection, by: claiming.propose_rebate(
            connection, identifier, statements, business_date(by.now), by
        ),
    )


@ROUTES.post(
    "/licences/{identifier}/spoiled-impressions", status_code=HTTPStatus.CREATED
)
def claim_spoiled(
    asking: AskedOnce, identifier: LicenceId, body: SpoiledBody
) -> ClaimShown:
    """Claim the value of spoiled impressions that are surrendered."""
    return _proposed(
        asking,
        body,
        lambda connection, by: claiming.propose_spoiled(
            connection, identifier, body.scans, business_date(by.now), by
        ),
    )


@ROUTES.post("/licences/{identifier}/unused-credit", status_code=HTTPStatus.CREATED)
def claim_unused(
    asking: AskedOnce, identifier: LicenceId, body: ReasonBody
) -> ClaimShown:
    """Claim what is left of a cancelled licence."""
    return _proposed(
        asking,
        body,
        lambda connection, by: claiming.propose_unused(
            connection, identifier, business_date(by.now), by
        ),
        body.reason,
    )


@ROUTES.post("/claims/{number}/confirm")
def confirm(asking: AskedOnce, number: Number, body: ConfirmBody) -> ClaimShown:
    """Confirm, as the maker, what remains of a cancelled licence."""
    by = asking.by(body.reason)
    return asking.once(
        "confirm what remains",
        body,
        ClaimShown,
        lambda connection: ClaimShown.of(
            settling_claims.confirm(connection, number, body.remaining, by)
        ),
    )


@ROUTES.post("/claims/{number}/sanction")
def sanction(asking: AskedOnce, number: Number, body: ReasonBody) -> ClaimShown:
    """Sanction a claim that somebody else has proposed."""
    by = asking.by(body.reason)
    return asking.once(
        "sanction a claim",
        body,
        ClaimShown,
        lambda connection: ClaimShown.of(
            settling_claims.sanction(connection, number, by)
        ),
    )


@ROUTES.post("/claims/{number}/pay")
def pay(asking: AskedOnce, number: Number, body: PayBody) -> ClaimShown:
    """Pay a claim that was sanctioned."""
    by = asking.by()
    return asking.once(
        "pay a claim",
        body,
        ClaimShown,
        lambda connection: ClaimShown.of(
            settling_claims.pay(
                connection, number, body.paid_by, business_date(by.now), by
            )
        ),
    )


@ROUTES.post("/claims/{number}/refuse")
def refuse(asking: AskedOnce, number: Number, body: ReasonBody) -> ClaimShown:
    """Refuse a claim, and say why."""
    by = asking.by(body.reason)
    return asking.once(
        "refuse a claim",
        body,
        ClaimShown,
        lambda connection: ClaimShown.of(
            settling_claims.refuse(connection, number, by)
        ),
    )


def _proposed(
    asking: AskingOnce,
    body: RebateBody | SpoiledBody | ReasonBody,
    propose: Callable[[Connection, By], Claim],
    reason: str = "",
) -> ClaimShown:
    def task(connection: Connection) -> ClaimShown:
        return ClaimShown.of(propose(connection, asking.by(reason)))

    made = asking.once("propose a claim", body, ClaimShown, task)
    asking.made(f"/claims/{made.number}")
    return made


def _seen(connection: Connection, asking: Asking, number: str) -> Claim:
    """Find a claim within reach.

    Raises:
        NotFoundError: There is none.
    """
    found = store.get(connection, number)
    licence = licences.get(connection, found.licence)
    if any(reaches(connection, grant, licence) for grant in asking.permit.grants):
        return found
    raise NotFoundError(f"there is no claim {number}")
