"""Routes of the exchange: parties, the files that went and came, windows met."""

from http import HTTPStatus
from io import BytesIO
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from dop_gateway.access import Access
from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import FieldFinding, InvalidError, NotFoundError
from dop_gateway.exchange import file_store, parties, reading
from dop_gateway.exchange.lists import (
    FILES,
    PARTIES,
    WINDOWS,
    FilesQuery,
    PartiesQuery,
    WindowsQuery,
    reach,
)
from dop_gateway.exchange.model import FileNumber, FileRow, PartyKey
from dop_gateway.exchange.schemas import (
    AccountBody,
    FileShown,
    FileWithLinesShown,
    PartyBody,
    PartyKeyBody,
    PartyKeyEndBody,
    PartyShown,
    PartyStateBody,
    RefusedLineShown,
    SkipBody,
    SkippedShown,
    WindowShown,
)
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.web.asking import Asked, Asking
from dop_gateway.web.lists import answer_list, attachment, listed
from protocol.keys import KeyMaterialError, read_public_key

ROUTES: Final = APIRouter(tags=["exchange"])
_ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
_SUPERVISORS: Final = frozenset({Role.DCR_SUPERVISOR})
_RESOURCE: Final = frozenset({Role.DCR_OPERATOR, Role.DCR_SUPERVISOR})
_SEE: Final = frozenset(
    {*_RESOURCE, Role.ADMINISTRATOR, Role.AUDITOR, Role.MAKER_OFFICER}
)
_MAKER: Final = ScopeKind.MAKER
_LINES_MAX: Final = 1_000
_OCTETS: Final = "application/octet-stream"
Code = Annotated[str, Path(pattern=r"^[A-Z][A-Z0-9]{0,11}$")]
KeyId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")]
Number = Annotated[int, Path(ge=1, le=2**53)]

ACCESS: Final = (
    Access("GET", "/exchange/parties", _SEE, _MAKER),
    Access("POST", "/exchange/parties", _ADMINISTRATORS),
    Access("GET", "/exchange/parties/{code}", _SEE, _MAKER),
    Access("POST", "/exchange/parties/{code}/state", _ADMINISTRATORS),
    Access("POST", "/exchange/parties/{code}/keys", _ADMINISTRATORS),
    Access("POST", "/exchange/parties/{code}/keys/{key_id}/end", _ADMINISTRATORS),
    Access("POST", "/exchange/parties/{code}/account", _ADMINISTRATORS),
    Access("POST", "/exchange/parties/{code}/skip", _SUPERVISORS),
    Access("GET", "/exchange/files", _SEE, _MAKER),
    Access("GET", "/exchange/files/{number}", _SEE, _MAKER),
    Access("GET", "/exchange/files/{number}/octets", _SEE, _MAKER),
    Access("GET", "/exchange/windows", _SEE, _MAKER),
)


@ROUTES.get("/exchange/parties", **listed(PartyShown))
def list_parties(asking: Asked, query: Annotated[PartiesQuery, Query()]) -> Any:
    """List the parties, or have the list as a file."""
    return answer_list(asking, PARTIES, query)


@ROUTES.post("/exchange/parties", status_code=HTTPStatus.CREATED)
def add_party(asking: Asked, body: PartyBody) -> PartyShown:
    """Begin to exchange files with somebody."""
    with asking.writing("add a party") as connection:
        by = asking.by(body.reason)
        parties.add(connection, body.code, body.kind, body.name, by)
        asking.made(f"/exchange/parties/{body.code}")
        return _shown(connection, body.code)


@ROUTES.get("/exchange/parties/{code}")
def show_party(asking: Asked, code: Code) -> PartyShown:
    """Show a party with its keys and its account."""
    seen = reach(asking.permit)
    with asking.reading() as connection:
        if seen is not None and code not in seen:
            raise NotFoundError(f"there is no party {code} within your reach")
        return _shown(connection, code)


@ROUTES.post("/exchange/parties/{code}/state")
def set_party_state(asking: Asked, code: Code, body: PartyStateBody) -> PartyShown:
    """Close a party, or open it again."""
    with asking.writing("set the state of a party") as connection:
        parties.set_state(connection, code, body.state, asking.by(body.reason))
        return _shown(connection, code)


@ROUTES.post("/exchange/parties/{code}/keys", status_code=HTTPStatus.CREATED)
def add_party_key(asking: Asked, code: Code, body: PartyKeyBody) -> PartyShown:
    """Let a key sign files of a party from some day on."""
    try:
        point = read_public_key(body.public_key.encode())
    except KeyMaterialError as error:
        finding = FieldFinding("/public_key", "malformed", str(error))
        raise InvalidError([finding]) from error
    key = PartyKey(code, body.key_id, point.x, point.y, body.valid_from, None)
    with asking.writing("add a key of a party") as connection:
        parties.add_key(connection, key, asking.by(body.reason))
        asking.made(f"/exchange/parties/{code}")
        return _shown(connection, code)


@ROUTES.post("/exchange/parties/{code}/keys/{key_id}/end")
def end_party_key(
    asking: Asked, code: Code, key_id: KeyId, body: PartyKeyEndBody
) -> PartyShown:
    """Say on which day a key signs for the last time."""
    with asking.writing("end a key of a party") as connection:
        by = asking.by(body.reason)
        parties.end_key(connection, code, key_id, body.valid_to, by)
        return _shown(connection, code)


@ROUTES.post("/exchange/parties/{code}/account")
def set_party_account(asking: Asked, code: Code, body: AccountBody) -> PartyShown:
    """Give a party its account in the drop, or another key to it."""
    with asking.writing("set the account of a party") as connection:
        by = asking.by(body.reason)
        parties.set_account(connection, code, body.login, body.ssh_key, by)
        return _shown(connection, code)


@ROUTES.post("/exchange/parties/{code}/skip")
def skip_files(asking: Asked, code: Code, body: SkipBody) -> SkippedShown:
    """Give up files that will never come; those that wait behind have their turn."""
    with asking.writing("give up files") as connection:
        by = asking.by(body.reason)
        count = parties.skip(connection, code, body.layout, body.through, by)
    return SkippedShown(released=count)


@ROUTES.get("/exchange/files", **listed(FileShown))
def list_files(asking: Asked, query: Annotated[FilesQuery, Query()]) -> Any:
    """List files that went and came, or have the list as a file."""
    return answer_list(asking, FILES, query)


@ROUTES.get("/exchange/files/{number}")
def show_file(asking: Asked, number: Number) -> FileWithLinesShown:
    """Show a file, and which of its lines were not taken."""
    with asking.reading() as connection:
        row = _within_reach(asking, connection, number)
        refused = file_store.refused_lines(connection, row.number)
    return FileWithLinesShown(
        file=FileShown.of(row),
        refused_lines=[RefusedLineShown.of(one) for one in refused[:_LINES_MAX]],
    )


@ROUTES.get(
    "/exchange/files/{number}/octets",
    response_class=Response,
    responses={
        200: {
            "content": {
                _OCTETS: {"schema": {"type": "string", "contentMediaType": _OCTETS}}
            }
        }
    },
)
def download_file(asking: Asked, number: Number) -> Response:
    """Have the octets of a file as they went or came; the audit trail says who did."""
    with asking.writing("download a file of the exchange") as connection:
        row = _within_reach(asking, connection, number)
        octets = file_store.octets_of(connection, row.number)
        trail.add(
            connection,
            asking.by(),
            "download",
            Subject("exchange file", str(row.number)),
            name=row.name,
        )
    return attachment(BytesIO(octets), _OCTETS, f"exchange-{row.number}.txt")


@ROUTES.get("/exchange/windows", **listed(WindowShown))
def list_windows(asking: Asked, query: Annotated[WindowsQuery, Query()]) -> Any:
    """List which files came in their windows, or have the list as a file."""
    return answer_list(asking, WINDOWS, query)


def _shown(connection: Connection, code: str) -> PartyShown:
    return PartyShown.of(reading.seen(connection, parties.get(connection, code)))


def _within_reach(asking: Asking, connection: Connection, number: int) -> FileRow:
    row = file_store.find(connection, FileNumber(number))
    seen = reach(asking.permit)
    if row is None or (seen is not None and row.party not in seen):
        raise NotFoundError(f"there is no file {number} within your reach")
    return row
