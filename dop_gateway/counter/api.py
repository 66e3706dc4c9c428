"""Routes of counters: cards, receipts, cheques, the end of the day."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from io import BytesIO
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.counter import service, store
from dop_gateway.counter.model import OfficeDay, Receipt
from dop_gateway.counter.receipt_pdf import draw
from dop_gateway.counter.schemas import (
    CardBody,
    CardShown,
    DayShown,
    OutcomeBody,
    ReceiptBody,
    ReceiptShown,
    ReceiptStateName,
)
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId
from dop_gateway.store.matching import Matching
from dop_gateway.web.asking import Asked, AskedOnce, Asking
from dop_gateway.web.lists import ListQuery, WebList, answer_list, attachment, listed

ROUTES: Final = APIRouter(tags=["counters"])

Facility = Annotated[str, Path(pattern=r"^F[0-9]{9}$", description="As in F000000018.")]
Number = Annotated[str, Path(pattern=r"^F[0-9]{9}-[0-9]{6}-[0-9]{4,8}$")]

_ASSISTANTS: Final = frozenset({Role.COUNTER_ASSISTANT})
_TREASURERS: Final = frozenset({Role.TREASURER})
_POSTMASTERS: Final = frozenset({Role.POSTMASTER})
_SEE: Final = frozenset(
    {
        Role.COUNTER_ASSISTANT,
        Role.TREASURER,
        Role.POSTMASTER,
        Role.ACCOUNTS_OFFICER,
        Role.AUDITOR,
        Role.DCR_OPERATOR,
        Role.DCR_SUPERVISOR,
    }
)
_OF_OFFICE: Final = ScopeKind.OFFICE

ACCESS: Final = (
    Access("POST", "/counters/{facility}/scan", _ASSISTANTS, _OF_OFFICE),
    Access("POST", "/counters/{facility}/receipts", _ASSISTANTS, _OF_OFFICE),
    Access("GET", "/counters/{facility}/days/{day}", _SEE, _OF_OFFICE),
    Access("POST", "/counters/{facility}/days/{day}/end", _POSTMASTERS, _OF_OFFICE),
    Access("GET", "/receipts", _SEE, _OF_OFFICE),
    Access("GET", "/receipts/{number}", _SEE, _OF_OFFICE),
    Access("GET", "/receipts/{number}/pdf", _SEE, _OF_OFFICE),
    Access("POST", "/receipts/{number}/take-in", _TREASURERS, _OF_OFFICE),
    Access("POST", "/receipts/{number}/realise", _TREASURERS, _OF_OFFICE),
    Access("POST", "/receipts/{number}/bounce", _TREASURERS, _OF_OFFICE),
    Access("POST", "/receipts/{number}/cancel", _POSTMASTERS, _OF_OFFICE),
)


class ReceiptsQuery(ListQuery):
    """Which receipts."""

    day: date | None = None
    state: ReceiptStateName | None = None
    licence: Annotated[str, Field(pattern=r"^([A-Z][0-9]{6})?$")] = ""
    sort: Literal["number", "-number", "taken_at", "-taken_at", "amount", "-amount"] = (
        "-taken_at"
    )


def _matching(
    connection: Connection, permit: Permit, query: ReceiptsQuery
) -> Matching[Receipt]:
    return store.receipts_matching(
        within=_tops(connection, permit),
        day=query.day,
        state=query.state,
        licence=query.licence,
    )


def _show(_connection: Connection, found: Sequence[Receipt]) -> list[ReceiptShown]:
    return [ReceiptShown.of(one) for one in found]


def _cells(one: Receipt) -> Row:
    return (
        one.number,
        one.office_name,
        one.taken_at,
        one.licence,
        one.form.licensee,
        one.tender.mode.name,
        one.tender.amount_paise,
        one.state.name,
        one.outcome_on,
    )


RECEIPTS: Final = WebList(
    "receipts",
    "Receipts of counters",
    (
        Column("number", "Receipt"),
        Column("office", "Office"),
        Column("taken_at", "Taken at", Kind.MOMENT),
        Column("licence", "Licence"),
        Column("licensee", "Licensee"),
        Column("mode", "Mode"),
        Column("amount", "Amount", Kind.MONEY, summed=True),
        Column("state", "State"),
        Column("outcome_on", "Paid or bounced on", Kind.DAY),
    ),
    _matching,
    _show,
    _cells,
)


@ROUTES.post("/counters/{facility}/scan")
def scan(asking: Asked, facility: Facility, body: CardBody) -> CardShown:
    """Read a licence card."""
    with asking.reading() as connection:
        office, by = _office(connection, facility), asking.by()
        service.reached(connection, office.office_id, by, Role.COUNTER_ASSISTANT)
        return CardShown.of(service.scan(connection, body.card))


@ROUTES.post("/counters/{facility}/receipts", status_code=HTTPStatus.CREATED)
def take(asking: AskedOnce, facility: Facility, body: ReceiptBody) -> ReceiptShown:
    """Take a deposit: card, form and tender are compared, and a receipt is given."""

    def task(connection: Connection) -> ReceiptShown:
        taken = service.take(
            connection,
            _office(connection, facility).office_id,
            asking.by(),
            card=body.card,
            form=body.form.form(),
            tender=body.tender.tender(),
        )
        return ReceiptShown.of(taken)

    given = asking.once("take a deposit", body, ReceiptShown, task)
    asking.made(f"/receipts/{given.number}")
    return given


@ROUTES.get("/counters/{facility}/days/{day}")
def show_day(asking: Asked, facility: Facility, day: date) -> DayShown:
    """Show a day of the counters of an office."""
    with asking.reading() as connection:
        office = _office(connection, facility)
        tops = _tops(connection, asking.permit)
        found = store.find_day(connection, office.office_id, day)
    reached = tops is None or any(office.is_within(top) for top in tops)
    if found is None or not reached:
        raise NotFoundError(f"{facility} took nothing on {day.isoformat()}")
    return DayShown.of(found)


@ROUTES.post("/counters/{facility}/days/{day}/end")
def end_day(asking: AskedOnce, facility: Facility, day: date) -> DayShown:
    """End the day of an office: its receipts go to the DCR."""

    def task(connection: Connection) -> DayShown:
        office = _office(connection, facility)
        ended: OfficeDay = service.end_day(
            connection, office.office_id, day, asking.by()
        )
        return DayShown.of(ended)

    return asking.once("end a day", None, DayShown, task)


@ROUTES.get("/receipts", **listed(ReceiptShown))
def list_receipts(asking: Asked, query: Annotated[ReceiptsQuery, Query()]) -> Any:
    """List receipts, the newest first."""
    return answer_list(asking, RECEIPTS, query)


@ROUTES.get("/receipts/{number}")
def show_receipt(asking: Asked, number: Number) -> ReceiptShown:
    """Show a receipt."""
    return ReceiptShown.of(_receipt(asking, number))


@ROUTES.get(
    "/receipts/{number}/pdf",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
def print_receipt(asking: Asked, number: Number) -> Response:
    """Give a receipt as PDF."""
    octets = draw(_receipt(asking, number))
    return attachment(BytesIO(octets), "application/pdf", f"receipt-{number}.pdf")


@ROUTES.post("/receipts/{number}/take-in")
def take_in(asking: AskedOnce, number: Number) -> ReceiptShown:
    """Take a cheque or draft in from the counter."""

    def task(connection: Connection) -> ReceiptShown:
        return ReceiptShown.of(service.take_in(connection, number, asking.by()))

    return asking.once("take a cheque in", None, ReceiptShown, task)


@ROUTES.post("/receipts/{number}/realise")
def realise(asking: AskedOnce, number: Number, body: OutcomeBody) -> ReceiptShown:
    """Say that the bank has paid a cheque or draft."""

    def task(connection: Connection) -> ReceiptShown:
        by = asking.by(body.words)
        return ReceiptShown.of(service.realise(connection, number, body.on, by))

    return asking.once("realise a cheque", body, ReceiptShown, task)


@ROUTES.post("/receipts/{number}/bounce")
def bounce(asking: AskedOnce, number: Number, body: OutcomeBody) -> ReceiptShown:
    """Say that the bank has not paid a cheque or draft."""

    def task(connection: Connection) -> ReceiptShown:
        by, words = asking.by(body.words), body.words
        return ReceiptShown.of(service.bounce(connection, number, body.on, words, by))

    return asking.once("bounce a cheque", body, ReceiptShown, task)


@ROUTES.post("/receipts/{number}/cancel")
def cancel(asking: AskedOnce, number: Number) -> ReceiptShown:
    """Cancel a receipt before its day is ended."""

    def task(connection: Connection) -> ReceiptShown:
        return ReceiptShown.of(service.cancel(connection, number, asking.by()))

    return asking.once("cancel a receipt", None, ReceiptShown, task)


def _office(connection: Connection, facility: str) -> Office:
    found = offices.by_facility(connection, facility)
    if found is None:
        raise NotFoundError(f"there is no office {facility}")
    return found


def _tops(connection: Connection, permit: Permit) -> list[Office] | None:
    """Give the offices that somebody's roles are for; None for all."""
    if permit.reaches_everything:
        return None
    return [
        offices.get(connection, OfficeId(int(one)))
        for one in sorted(permit.scopes(ScopeKind.OFFICE))
    ]


def _receipt(asking: Asking, number: str) -> Receipt:
    with asking.reading() as connection:
        tops = _tops(connection, asking.permit)
        found = store.find(connection, number, tops)
    if found is None:
        raise NotFoundError(f"there is no receipt {number}")
    return found
