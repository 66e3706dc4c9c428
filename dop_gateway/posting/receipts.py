"""Receipts of claims that were paid, as PDF.

The receipt of a rebate tells what the procedure's ACG-17 tells: last AR, present AR,
consumption, rate and amount. The forms are ours.

Source: domain notes, section 12.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Final

from sqlalchemy import Connection

from dop_gateway.errors import ConflictError
from dop_gateway.exports.pdf import write_pdf
from dop_gateway.exports.table import Column, Table
from dop_gateway.licences import store as licences
from dop_gateway.offices import store as offices
from dop_gateway.posting import claims_store as store
from dop_gateway.posting import mailing_store as mailings
from dop_gateway.posting.lists import SCHEDULE_TITLE
from dop_gateway.posting.model import Claim, ClaimKind, ClaimState, MailingId
from dop_gateway.web.fields import show_moment
from protocol.values import EpochSeconds, Paise, show_rupees

TITLES: Final = {
    ClaimKind.REBATE: "Receipt for a rebate (in the manner of ACG-17)",
    ClaimKind.SPOILED: "Receipt for spoiled impressions",
    ClaimKind.UNUSED: "Receipt for unused credit",
}
FORM: Final = "defined by this product, not by India Post"
_COLUMNS: Final = (Column("name", "Particulars"), Column("value", "Value"))
_Pairs = Iterator[tuple[str, str]]


def write_receipt(
    connection: Connection, claim: Claim, person: str, now: EpochSeconds
) -> bytes:
    """Draw the receipt of a claim that was paid.

    Args:
        connection: To the database.
        claim: The claim.
        person: Login of who asks for it.
        now: When.

    Raises:
        ConflictError: It is not paid.
    """
    if claim.state is not ClaimState.PAID:
        words = f"claim {claim.number} is {claim.state.name}"
        raise ConflictError(f"{words}: there is a receipt for what was paid")
    rows = [*_head(connection, claim), *_parts(connection, claim), *_foot(claim)]
    title = f"{TITLES[claim.kind]} {claim.number}"
    file = BytesIO()
    write_pdf(Table(title, (("Form", FORM),), now, person, _COLUMNS, rows), file)
    return file.getvalue()


def _head(connection: Connection, claim: Claim) -> _Pairs:
    licence = licences.get(connection, claim.licence)
    office = offices.get(connection, claim.office)
    yield "Receipt", claim.number
    yield "Licensee", licence.licensee
    yield "Licence identifier", licence.identifier
    yield "Licence number", licence.number
    yield "Office", f"{office.name}, {office.pin}"
    yield "Claimed", show_moment(claim.proposed_at)


def _parts(connection: Connection, claim: Claim) -> _Pairs:
    if claim.kind is ClaimKind.REBATE:
        made_of = store.rebate_of(connection, claim.id)
        rebate = made_of.rebate
        yield "Last statement of mailing", _number(connection, made_of.from_mailing)
        yield "Present statement of mailing", _number(connection, made_of.to_mailing)
        yield "Last AR", show_rupees(rebate.from_paise)
        yield "Present AR", show_rupees(rebate.to_paise)
        yield "Consumption", show_rupees(rebate.consumption_paise)
        yield "Rate", _rate(rebate.rates.basis_points)
        yield "Rebate", show_rupees(rebate.rebate_paise)
        if rebate.rates.sorted_basis_points:
            yield "Came sorted", show_rupees(rebate.sorted_paise)
            yield "Rate for sorted mail", _rate(rebate.rates.sorted_basis_points)
            yield "Rebate for sorted mail", show_rupees(rebate.sorted_rebate_paise)
    elif claim.kind is ClaimKind.SPOILED:
        yield "Impressions surrendered", str(store.count_franks(connection, claim.id))
    else:
        left = store.unused_of(connection, claim.id)
        yield "Licence cancelled on", f"{left.cancelled_on:%d-%m-%Y}"
        yield "Last statement of mailing", _number(connection, left.last_mailing)
        yield "Descending register (DR)", show_rupees(left.descending_paise)
        yield "With the maker", show_rupees(left.remaining_paise)


def _foot(claim: Claim) -> _Pairs:
    yield "Amount", show_rupees(claim.gross_paise)
    if claim.deduction_paise:
        yield "Deduction", show_rupees(claim.deduction_paise)
    yield "Paid", show_rupees(Paise(claim.payable_paise))
    if claim.paid_by is not None and claim.schedule_on is not None:
        yield "Paid by", claim.paid_by.value
        yield "Paid on", f"{claim.schedule_on:%d-%m-%Y}"
    yield "Schedule", SCHEDULE_TITLE
    yield "Signature of the licensee", ""
    yield "Date stamp of the office", ""


def _number(connection: Connection, one: MailingId | None) -> str:
    return "none" if one is None else mailings.by_id(connection, one).number


def _rate(basis_points: int) -> str:
    whole, part = divmod(basis_points, 100)
    return f"{whole}.{part:02d} %"
