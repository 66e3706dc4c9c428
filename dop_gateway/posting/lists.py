"""The lists: usage, statements of mailing, claims, the schedule of what was paid."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.licences.reach import visible
from dop_gateway.licences.tables import licence
from dop_gateway.posting import list_store as store
from dop_gateway.posting.list_store import Span, Usage
from dop_gateway.posting.mailing_store import with_lines
from dop_gateway.posting.model import Claim, ClaimState, Mailing
from dop_gateway.posting.schemas import (
    ClaimShown,
    ClaimStateName,
    KindName,
    MailingShown,
    MailingStateName,
    ProductClass,
    UsageShown,
)
from dop_gateway.store.matching import Matching
from dop_gateway.web.lists import ListQuery, WebList

Identifier = Annotated[str, Field(pattern=r"^([A-Z][0-9]{6})?$")]
SCHEDULE_TITLE: Final = "Postal Revenue Refund in Cash"
"""As the procedure names it; the form is ours."""


class _Query(ListQuery):
    """What these lists have in common; days are both included."""

    licence: Identifier = ""
    first: date | None = None
    last: date | None = None

    @property
    def span(self) -> Span:
        """The days."""
        return Span(self.first, self.last)


class UsageQuery(_Query):
    """Which usage."""

    product_class: ProductClass | None = None
    sort: Literal["day", "-day", "licence", "-licence", "amount", "-amount"] = "-day"


class MailingsQuery(_Query):
    """Which statements of mailing."""

    state: MailingStateName | None = None
    sort: Literal[
        "presented_on", "-presented_on", "number", "-number", "amount", "-amount"
    ] = "-presented_on"


class ClaimsQuery(_Query):
    """Which claims."""

    kind: KindName | None = None
    state: ClaimStateName | None = None
    sort: Literal["claimed_on", "-claimed_on", "amount", "-amount"] = "-claimed_on"


class ScheduleQuery(_Query):
    """Which days of the schedule."""

    kind: KindName | None = None
    sort: Literal["paid_on", "-paid_on", "amount", "-amount"] = "paid_on"


def _usage(
    connection: Connection, permit: Permit, query: UsageQuery
) -> Matching[Usage]:
    held = licence.c
    return store.usage_matching(
        visible(connection, permit, held.maker, held.identifier),
        days=query.span,
        licence_is=query.licence,
        product_class=query.product_class,
    )


def _show_usage(_connection: Connection, found: Sequence[Usage]) -> list[UsageShown]:
    return [
        UsageShown(
            day=one.day,
            licence=one.licence,
            licence_number=one.number,
            licensee=one.licensee,
            product_class=one.product_class,
            items=one.items,
            amount=one.amount_paise,
        )
        for one in found
    ]


def _usage_cells(one: Usage) -> Row:
    return (
        one.day,
        one.licence,
        one.number,
        one.licensee,
        one.product_class,
        one.items,
        one.amount_paise,
    )


def _mailings(
    connection: Connection, permit: Permit, query: MailingsQuery
) -> Matching[Mailing]:
    held = licence.c
    return store.mailings_matching(
        visible(connection, permit, held.maker, held.identifier),
        days=query.span,
        licence_is=query.licence,
        state=query.state,
    )


def _show_mailings(
    connection: Connection, found: Sequence[Mailing]
) -> list[MailingShown]:
    return [MailingShown.of(one) for one in with_lines(connection, found)]


def _mailing_cells(one: Mailing) -> Row:
    return (
        one.number,
        one.licence,
        one.state.name,
        one.presented_on,
        one.closing_ascending_paise,
        one.closing_descending_paise,
        one.stated_paise,
        one.shortage_collected_paise,
    )


def _claims(
    connection: Connection, permit: Permit, query: ClaimsQuery
) -> Matching[Claim]:
    held = licence.c
    return store.claims_matching(
        visible(connection, permit, held.maker, held.identifier),
        licence_is=query.licence,
        kind=query.kind,
        state=query.state,
        claimed=query.span,
    )


def _schedule(
    connection: Connection, permit: Permit, query: ScheduleQuery
) -> Matching[Claim]:
    held = licence.c
    return store.claims_matching(
        visible(connection, permit, held.maker, held.identifier),
        licence_is=query.licence,
        kind=query.kind,
        state=ClaimState.PAID,
        paid=query.span,
    )


def _show_claims(_connection: Connection, found: Sequence[Claim]) -> list[ClaimShown]:
    return [ClaimShown.of(one) for one in found]


def _claim_cells(one: Claim) -> Row:
    return (
        one.number,
        one.kind.name,
        one.licence,
        one.state.name,
        one.claimed_on,
        one.gross_paise,
        one.deduction_paise,
        one.payable_paise,
        one.schedule_on,
    )


_CLAIM_COLUMNS: Final = (
    Column("number", "Claim"),
    Column("kind", "Kind"),
    Column("licence", "Licence"),
    Column("state", "State"),
    Column("claimed_on", "Claimed on", Kind.DAY),
    Column("gross", "Gross", Kind.MONEY, summed=True),
    Column("deduction", "Deduction", Kind.MONEY, summed=True),
    Column("payable", "Payable", Kind.MONEY, summed=True),
    Column("paid_on", "Paid on", Kind.DAY),
)
USAGE: Final = WebList(
    "usage",
    "Usage by day, machine and class",
    (
        Column("day", "Told on", Kind.DAY),
        Column("licence", "Licence"),
        Column("licence_number", "Licence number"),
        Column("licensee", "Licensee"),
        Column("product_class", "Class", Kind.COUNT),
        Column("items", "Items", Kind.COUNT, summed=True),
        Column("amount", "Postage", Kind.MONEY, summed=True),
    ),
    _usage,
    _show_usage,
    _usage_cells,
)
MAILINGS: Final = WebList(
    "mailings",
    "Statements of mailing",
    (
        Column("number", "Number"),
        Column("licence", "Licence"),
        Column("state", "State"),
        Column("presented_on", "Handed in on", Kind.DAY),
        Column("closing_ascending", "AR", Kind.MONEY),
        Column("closing_descending", "DR", Kind.MONEY),
        Column("amount", "Postage", Kind.MONEY, summed=True),
        Column("shortage_collected", "Shortage", Kind.MONEY, summed=True),
    ),
    _mailings,
    _show_mailings,
    _mailing_cells,
)
CLAIMS: Final = WebList(
    "claims",
    "Rebates and refunds",
    _CLAIM_COLUMNS,
    _claims,
    _show_claims,
    _claim_cells,
)
SCHEDULE: Final = WebList(
    "refund-schedule",
    SCHEDULE_TITLE,
    _CLAIM_COLUMNS,
    _schedule,
    _show_claims,
    _claim_cells,
)
