"""Routes of licences: lists, papers, and what the authority does unasked."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection

from dop_gateway.access import Access
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.writing import Format
from dop_gateway.identity.model import By, Role, ScopeKind
from dop_gateway.licences import changes, history, standing, store
from dop_gateway.licences.card import Card
from dop_gateway.licences.certificate import write_certificate
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.lifecycle import LICENCE, LicenceMove
from dop_gateway.licences.lists import LICENCES
from dop_gateway.licences.model import CancelReason, Licence
from dop_gateway.licences.reach import reaches
from dop_gateway.licences.schemas import (
    CardShown,
    ChangeShown,
    CredentialShown,
    HoldBody,
    HolderShown,
    LicenceInFull,
    LicencePast,
    LicenceShown,
    LicencesQuery,
    MoveShown,
    OfficeNamed,
    RevokeBody,
)
from dop_gateway.offices import store as offices
from dop_gateway.web.asking import Asked, AskedOnce, Asking
from dop_gateway.web.lists import answer_list, listed

ROUTES: Final = APIRouter(tags=["licences"])
_SEE: Final = frozenset(Role) - {Role.ADMINISTRATOR}
_OFFICE: Final = frozenset({Role.LICENSING_OPERATOR, Role.LICENSING_AUTHORITY})
_AUTHORITY: Final = frozenset({Role.LICENSING_AUTHORITY})
_COUNTER: Final = _OFFICE | {
    Role.COUNTER_ASSISTANT,
    Role.POSTMASTER,
    Role.MAKER_OFFICER,
    Role.LICENSEE,
}
LicenceId = Annotated[str, Path(pattern=r"^[A-Z][0-9]{6}$", description="As N123456.")]
_PDF: Final = Format.PDF.media_type
_AS_PDF: Final[dict[str, Any]] = {
    "response_class": Response,
    "responses": {
        200: {"content": {_PDF: {"schema": {"type": "string", "format": "binary"}}}}
    },
}

ACCESS: Final = tuple(
    Access(method, path, roles, ScopeKind.LICENCE)
    for method, path, roles in (
        ("GET", "/licences", _SEE),
        ("GET", "/licences/{identifier}", _SEE),
        ("GET", "/licences/{identifier}/history", _SEE),
        ("GET", "/licences/{identifier}/certificate", _COUNTER),
        ("GET", "/licences/{identifier}/card", _COUNTER),
        ("POST", "/licences/{identifier}/block", _AUTHORITY),
        ("POST", "/licences/{identifier}/withhold", _AUTHORITY),
        ("POST", "/licences/{identifier}/release", _AUTHORITY),
        ("POST", "/licences/{identifier}/revoke", _AUTHORITY),
        ("POST", "/licences/{identifier}/told/{line}/again", _OFFICE),
    )
)


@ROUTES.get("/licences", **listed(LicenceShown))
def list_licences(asking: Asked, query: Annotated[LicencesQuery, Query()]) -> Any:
    """List licences within reach, or have the list as a file."""
    return answer_list(asking, LICENCES, query)


@ROUTES.get("/licences/{identifier}")
def show_licence(asking: Asked, identifier: LicenceId) -> LicenceInFull:
    """Show a licence, and what whoever asks can do with it now."""
    with asking.reading() as connection:
        return _in_full(connection, asking, _seen(connection, asking, identifier))


@ROUTES.get("/licences/{identifier}/history")
def show_history(asking: Asked, identifier: LicenceId) -> LicencePast:
    """Show what happened to a licence and its machine, and what its maker was told."""
    with asking.reading() as connection:
        _seen(connection, asking, identifier)
        moves = [
            MoveShown.of(axis.name, one)
            for axis in (Axis.LICENCE, Axis.MACHINE)
            for one in history.of(connection, axis, identifier)
        ]
        told = changes.of_licence(connection, identifier)
    return LicencePast(moves=moves, told=[ChangeShown.of(one) for one in told])


@ROUTES.get("/licences/{identifier}/certificate", **_AS_PDF)
def show_certificate(asking: Asked, identifier: LicenceId) -> Response:
    """Have the certificate as PDF: four copies, as the licence is now."""
    with asking.reading() as connection:
        found = _seen(connection, asking, identifier)
        office = offices.get(connection, found.office)
        division = offices.get(connection, found.division)
    octets = write_certificate(found, office, division, asking.now)
    named = f'attachment; filename="certificate-{identifier}.pdf"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
    return Response(octets, media_type=_PDF, headers=headers)


@ROUTES.get("/licences/{identifier}/card")
def show_card(asking: Asked, identifier: LicenceId) -> CardShown:
    """Give what the barcode of the licence card holds."""
    with asking.reading() as connection:
        found = _seen(connection, asking, identifier)
    card = Card(found.identifier, found.number)
    return CardShown(
        identifier=found.identifier, number=found.number, payload=card.payload
    )


@ROUTES.post("/licences/{identifier}/block")
def block(asking: Asked, identifier: LicenceId, body: HoldBody) -> LicenceInFull:
    """Block a licence: no recharge until it is released."""
    return _done(asking, identifier, body.reason, standing.block)


@ROUTES.post("/licences/{identifier}/withhold")
def withhold(asking: Asked, identifier: LicenceId, body: HoldBody) -> LicenceInFull:
    """Withhold a licence: no recharge until it is released."""
    return _done(asking, identifier, body.reason, standing.withhold)


@ROUTES.post("/licences/{identifier}/release")
def release(asking: Asked, identifier: LicenceId, body: HoldBody) -> LicenceInFull:
    """Give a blocked or withheld licence back."""
    return _done(asking, identifier, body.reason, standing.release)


@ROUTES.post("/licences/{identifier}/revoke")
def revoke(asking: AskedOnce, identifier: LicenceId, body: RevokeBody) -> LicenceInFull:
    """End a licence for good without being asked; not by who has held it."""

    def task(connection: Connection) -> LicenceInFull:
        _seen(connection, asking, identifier)
        ended = standing.revoke(
            connection,
            identifier,
            CancelReason[body.why],
            asking.by(body.reason),
            refund_allowed=body.refund_allowed,
        )
        return _in_full(connection, asking, ended)

    return asking.once("revoke a licence", body, LicenceInFull, task)


@ROUTES.post(
    "/licences/{identifier}/told/{line}/again", status_code=HTTPStatus.NO_CONTENT
)
def tell_again(
    asking: Asked,
    identifier: LicenceId,
    line: Annotated[int, Path(ge=1, le=2**53 - 1)],
    body: HoldBody,
) -> None:
    """Have a line that the maker refused told again, as the licence is now."""
    with asking.writing("tell a maker again") as connection:
        found = _seen(connection, asking, identifier)
        standing.again(connection, found.identifier, line, asking.by(body.reason))


def _done(
    asking: Asking,
    identifier: str,
    reason: str,
    act: Callable[[Connection, str, By], Licence],
) -> LicenceInFull:
    with asking.writing(f"{act.__name__} a licence") as connection:
        _seen(connection, asking, identifier)
        changed = act(connection, identifier, asking.by(reason))
        return _in_full(connection, asking, changed)


def _seen(connection: Connection, asking: Asking, identifier: str) -> Licence:
    """Find a licence that whoever asks may see.

    Raises:
        NotFoundError: There is none within reach.
    """
    found = store.find(connection, identifier)
    if found is None or not any(
        reaches(connection, grant, found) for grant in asking.permit.grants
    ):
        raise NotFoundError(f"there is no licence {identifier}")
    return found


def _in_full(connection: Connection, asking: Asking, one: Licence) -> LicenceInFull:
    shown = LicenceShown.of(one, offices.get(connection, one.office))
    by = asking.by()
    held = [grant for grant in by.actor.grants if reaches(connection, grant, one)]
    open_ = standing.open_to(connection, one, by)
    return LicenceInFull(
        **shown.model_dump(),
        commercial_as=one.commercial_as,
        holder=HolderShown.of(one.holder, tuple(held)),
        division=OfficeNamed.of(offices.get(connection, one.division)),
        periods=one.periods,
        refund_allowed=one.refund_allowed,
        cancelled=one.cancelled,
        cancelled_on=one.cancelled_on,
        replaces=one.replaces,
        application=one.application,
        card=Card(one.identifier, one.number).payload,
        credential=CredentialShown.of(standing.credential(connection, one)),
        moves=[move.name for move in open_ if move in _WITHOUT_APPLICATION],
    )


_WITHOUT_APPLICATION: Final = frozenset(row.named for row in LICENCE.moves) - {
    LicenceMove.RENEW,
    LicenceMove.CANCEL,
}
"""What has a route here; the others are done by approving an application."""
