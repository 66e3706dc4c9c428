"""Routes of offices: the tree, what people do to it, and a whole directory."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query
from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import EVERYBODY, Access, Permit
from dop_gateway.errors import ConflictError, FieldFinding, InvalidError, NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role
from dop_gateway.offices import list_store, service, store
from dop_gateway.offices.codes import shipped_codes
from dop_gateway.offices.importing import plan_directory
from dop_gateway.offices.model import Office
from dop_gateway.offices.reading import Directory, read_octets
from dop_gateway.offices.schemas import (
    CorrectionBody,
    DirectoryShown,
    OfficeBody,
    OfficeInTree,
    OfficeReason,
    OfficeShown,
    OfficesQuery,
    UnderBody,
)
from dop_gateway.store.matching import Selection
from dop_gateway.web.asking import Asked, AskedOnce
from dop_gateway.web.fields import Reason
from dop_gateway.web.lists import WebList, answer_list, listed

ROUTES: Final = APIRouter(tags=["offices"])
_ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
FacilityId = Annotated[
    str, Path(pattern=r"^F[0-9]{9}$", description="As in F000000018.")
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Csv = Annotated[
    bytes,
    Body(media_type="text/csv", description="The PIN directory, in eleven columns."),
]

ACCESS: Final = (
    Access("GET", "/offices", EVERYBODY),
    Access("POST", "/offices", _ADMINISTRATORS),
    Access("GET", "/offices/{facility}", EVERYBODY),
    Access("POST", "/offices/{facility}/correct", _ADMINISTRATORS),
    Access("POST", "/offices/{facility}/put-under", _ADMINISTRATORS),
    Access("POST", "/offices/{facility}/serve-pin", _ADMINISTRATORS),
    Access("POST", "/offices/{facility}/close", _ADMINISTRATORS),
    Access("POST", "/office-directories/plan", _ADMINISTRATORS),
    Access("POST", "/office-directories", _ADMINISTRATORS),
)


def _matching(
    connection: Connection, _permit: Permit, query: OfficesQuery
) -> Selection[Office]:
    return list_store.offices_matching(
        words=query.search,
        kind=query.kind,
        pin=query.pin,
        under=_named(connection, query.under),
        parent=_named(connection, query.parent),
        closed=query.closed,
    )


def _show(_connection: Connection, found: Sequence[Office]) -> list[OfficeShown]:
    return [OfficeShown.of(one) for one in found]


def _cells(one: Office) -> Row:
    return (
        one.facility,
        one.kind.value,
        one.name,
        one.name_hi,
        one.code,
        one.pin,
        one.district,
        one.state,
        one.closed_at,
    )


OFFICES: Final = WebList(
    "offices",
    "Offices",
    (
        Column("facility", "Facility id"),
        Column("kind", "Kind"),
        Column("name", "Name"),
        Column("name_hi", "Name in Hindi"),
        Column("code", "Code"),
        Column("pin", "PIN"),
        Column("district", "District"),
        Column("state", "State"),
        Column("closed_at", "Closed at", Kind.MOMENT),
    ),
    _matching,
    _show,
    _cells,
)


@ROUTES.get("/offices", **listed(OfficeShown))
def list_offices(asking: Asked, query: Annotated[OfficesQuery, Query()]) -> Any:
    """Search offices or go through the tree, or have the list as a file."""
    return answer_list(asking, OFFICES, query)


@ROUTES.post("/offices", status_code=HTTPStatus.CREATED)
def open_office(asking: AskedOnce, body: OfficeBody) -> OfficeShown:
    """Open an office that the directory does not list."""
    given = body.model_dump(
        exclude={"parent", "kind", "reason"}, exclude_none=True, exclude_unset=True
    )

    def task(connection: Connection) -> OfficeShown:
        parent = _get(connection, body.parent)
        by = asking.by(body.reason)
        opened = service.open_office(connection, parent.office_id, body.kind, given, by)
        return OfficeShown.of(opened)

    opened = asking.once("open an office", body, OfficeShown, task)
    asking.made(f"/offices/{opened.facility}")
    return opened


@ROUTES.get("/offices/{facility}")
def show_office(asking: Asked, facility: FacilityId) -> OfficeInTree:
    """Show an office, with those above it."""
    with asking.reading() as connection:
        found = _get(connection, facility)
        line = store.ancestors(connection, found.office_id)
    above = [OfficeShown.of(one) for one in line]
    return OfficeInTree(**OfficeShown.of(found).model_dump(), line=above)


@ROUTES.post("/offices/{facility}/correct")
def correct_office(
    asking: Asked, facility: FacilityId, body: CorrectionBody
) -> OfficeShown:
    """Correct what is said of an office."""
    given = body.model_dump(exclude={"reason"}, exclude_unset=True)
    empty = sorted(
        name for name in ("name", "delivers") if name in given and given[name] is None
    )
    if empty:
        raise InvalidError([FieldFinding(f"/{empty[0]}", "missing", "it is needed")])
    with asking.writing("correct an office") as connection:
        of, by = _get(connection, facility), asking.by(body.reason)
        return OfficeShown.of(service.correct(connection, of.office_id, given, by))


@ROUTES.post("/offices/{facility}/put-under")
def put_office_under(
    asking: Asked, facility: FacilityId, body: UnderBody
) -> OfficeShown:
    """Put an office, with all that stands below it, under another one."""
    with asking.writing("put an office under another") as connection:
        of, under = _get(connection, facility), _get(connection, body.parent)
        by = asking.by(body.reason)
        moved = service.put_under(connection, of.office_id, under.office_id, by)
        return OfficeShown.of(moved)


@ROUTES.post("/offices/{facility}/serve-pin")
def serve_pin(asking: Asked, facility: FacilityId, body: OfficeReason) -> OfficeShown:
    """Let an office serve its PIN, in place of the one that does so."""
    with asking.writing("let an office serve its PIN") as connection:
        of, by = _get(connection, facility), asking.by(body.reason)
        return OfficeShown.of(service.serve_pin(connection, of.office_id, by))


@ROUTES.post("/offices/{facility}/close", status_code=HTTPStatus.NO_CONTENT)
def close_office(asking: Asked, facility: FacilityId, body: OfficeReason) -> None:
    """Close an office: nothing new is begun there."""
    with asking.writing("close an office") as connection:
        of, by = _get(connection, facility), asking.by(body.reason)
        service.close(connection, of.office_id, by)


@ROUTES.post("/office-directories/plan")
def plan_offices(asking: Asked, body: Csv) -> DirectoryShown:
    """Tell what a directory would do to the tree; nothing is done.

    Whoever agrees brings the same file again to `/office-directories`, with its sha256.
    """
    directory = _read(body)
    with asking.reading() as connection:
        planned = plan_directory(connection, directory, shipped_codes(), asking.by())
    return DirectoryShown.of(directory.sha256, planned)


@ROUTES.post("/office-directories")
def bring_in_offices(
    asking: Asked,
    body: Csv,
    sha256: Annotated[Sha256, Query(description="Of the file that was planned.")],
    reason: Annotated[Reason, Query()],
    *,
    although_left_out: Annotated[
        bool, Query(description="Lines that are left out do not matter.")
    ] = False,
    closes_many: Annotated[
        bool, Query(description="So many offices are to be closed.")
    ] = False,
) -> DirectoryShown:
    """Make the tree what a directory says; the same file again changes nothing."""
    directory = _read(body)
    if directory.sha256 != sha256:
        raise ConflictError("it is not the file that was planned: plan this one first")
    with asking.writing("bring in offices") as connection:
        done = service.bring_in(
            connection,
            directory,
            shipped_codes(),
            asking.by(reason),
            although_left_out=although_left_out,
            closes_many=closes_many,
        )
    return DirectoryShown.of(directory.sha256, done)


def _read(octets: bytes) -> Directory:
    return read_octets(octets.splitlines(keepends=True))


def _get(connection: Connection, facility: str) -> Office:
    found = store.by_facility(connection, facility)
    if found is None:
        raise NotFoundError(f"there is no office {facility}")
    return found


def _named(connection: Connection, facility: str) -> Office | None:
    return _get(connection, facility) if facility else None
