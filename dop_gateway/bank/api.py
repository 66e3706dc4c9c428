"""Routes: banks, their files, and accounting."""

from io import BytesIO
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection

from dop_gateway.access import Access
from dop_gateway.accounting import api as accounting
from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.bank import service, store
from dop_gateway.bank.lists import (
    BANK_FILES,
    BANK_ITEMS,
    BankFilesQuery,
    ItemsQuery,
)
from dop_gateway.bank.model import BankFile, FileId
from dop_gateway.bank.schemas import BankBody, BankFileShown, BankShown, ItemShown
from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.web.asking import Asked, AskedOnce, Asking
from dop_gateway.web.lists import answer_list, attachment, listed

ROUTES: Final = APIRouter(tags=["bank"])
ROUTES.routes.extend(accounting.ROUTES.routes)

Code = Annotated[str, Path(pattern=r"^[A-Z][A-Z0-9]{1,11}$", description="As in SBI.")]
Number = Annotated[int, Path(ge=1, le=2**53 - 1)]

_ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
_RESOURCE: Final = frozenset({Role.DCR_OPERATOR, Role.DCR_SUPERVISOR, Role.AUDITOR})
_OF_OFFICE: Final = ScopeKind.OFFICE

ACCESS: Final = (
    Access("GET", "/banks", _RESOURCE | _ADMINISTRATORS),
    Access("GET", "/banks/{code}", _RESOURCE | _ADMINISTRATORS),
    Access("PUT", "/banks/{code}", _ADMINISTRATORS),
    Access("GET", "/bank-files", _RESOURCE, _OF_OFFICE),
    Access("GET", "/bank-files/{number}", _RESOURCE, _OF_OFFICE),
    Access("GET", "/bank-files/{number}/octets", _RESOURCE, _OF_OFFICE),
    Access("GET", "/bank-items", _RESOURCE, _OF_OFFICE),
    *accounting.ACCESS,
)


@ROUTES.get("/banks")
def list_banks(asking: Asked) -> list[BankShown]:
    """List banks, and the e-Payment Central Server."""
    with asking.reading() as connection:
        return [BankShown.of(one) for one in store.banks(connection)]


@ROUTES.get("/banks/{code}")
def show_bank(asking: Asked, code: Code) -> BankShown:
    """Show a bank."""
    with asking.reading() as connection:
        return BankShown.of(store.get(connection, code))


@ROUTES.put("/banks/{code}")
def put_bank(asking: AskedOnce, code: Code, body: BankBody) -> BankShown:
    """Make a bank known, or say anew where its files are and who signs them."""
    bank = body.bank(code)

    def task(connection: Connection) -> BankShown:
        service.put(connection, bank, asking.by(body.reason))
        return BankShown.of(store.get(connection, code))

    return asking.once("put a bank", body, BankShown, task)


@ROUTES.get("/bank-files", **listed(BankFileShown))
def list_files(asking: Asked, query: Annotated[BankFilesQuery, Query()]) -> Any:
    """List files that banks handed over, the newest first."""
    return answer_list(asking, BANK_FILES, query)


@ROUTES.get("/bank-files/{number}")
def show_file(asking: Asked, number: Number) -> BankFileShown:
    """Show a file that was handed over, and what became of it."""
    with asking.reading() as connection:
        return BankFileShown.of(_file(asking, connection, number))


@ROUTES.get(
    "/bank-files/{number}/octets",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def download_file(asking: Asked, number: Number) -> Response:
    """Give a file as it was handed over, to the octet; the audit trail says to whom."""
    with asking.writing("download a file of a bank") as connection:
        found = _file(asking, connection, number)
        octets = store.octets_of(connection, found.id)
        subject = Subject("bank_file", str(number))
        trail.add(connection, asking.by(), "download", subject)
    return attachment(BytesIO(octets), "text/plain", f"bank-file-{number}.txt")


@ROUTES.get("/bank-items", **listed(ItemShown))
def list_items(asking: Asked, query: Annotated[ItemsQuery, Query()]) -> Any:
    """List payments as file and account tell them, the newest first."""
    return answer_list(asking, BANK_ITEMS, query)


def _file(asking: Asking, connection: Connection, number: int) -> BankFile:
    if not asking.permit.reaches_everything:
        raise NotFoundError(f"no bank handed over a file {number}")
    return store.get_file(connection, FileId(number))
