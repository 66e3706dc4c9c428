"""All SQL of lists: usage, statements of mailing, claims; each joins its licence."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select

from dop_gateway.licences.tables import licence
from dop_gateway.offices.tables import office
from dop_gateway.posting.claims_store import claim_of
from dop_gateway.posting.mailing_store import mailing_of
from dop_gateway.posting.model import (
    Claim,
    ClaimKind,
    ClaimState,
    Mailing,
    MailingState,
)
from dop_gateway.posting.tables import claim, mailing
from dop_gateway.store.matching import Matching
from dop_gateway.usage.tables import usage_dial_in, usage_product
from protocol.values import LicenceIdentifier, LicenceNumber, Paise

_FRANKED: Final = func.sum(usage_product.c.new_items)
_POSTAGE: Final = func.sum(usage_product.c.new_paise)


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both included; None is open."""

    first: date | None = None
    last: date | None = None

    def holds(self, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Give the conditions that a day is in it."""
        found = []
        if self.first is not None:
            found.append(column >= self.first)
        if self.last is not None:
            found.append(column <= self.last)
        return found


@dataclass(frozen=True, slots=True)
class Usage:
    """What one machine franked of one class on one day, as it told in its dial-ins.

    Attributes:
        day: Of the dial-in that told of it: it was franked since the one before.
    """

    day: date
    licence: LicenceIdentifier
    number: LicenceNumber
    licensee: str
    product_class: int
    items: int
    amount_paise: Paise


def usage_matching(
    reached: ColumnElement[bool],
    *,
    days: Span,
    licence_is: str,
    product_class: int | None,
) -> Matching[Usage]:
    """Give usage by day, machine and class."""
    told, product = usage_dial_in.c, usage_product.c
    rows = (
        _of(
            select(
                told.on_day,
                told.licence,
                licence.c.number,
                licence.c.licensee,
                product.product_class,
                _FRANKED.label("franked"),
                _POSTAGE.label("postage"),
            ).select_from(
                usage_product.join(usage_dial_in)
                .join(licence, licence.c.identifier == told.licence)
                .join(office, office.c.id == licence.c.office)
            ),
            reached,
            told.licence,
            licence_is,
        )
        .where(*days.holds(told.on_day))
        .group_by(
            told.on_day,
            told.licence,
            licence.c.number,
            licence.c.licensee,
            product.product_class,
        )
        .having(_FRANKED > 0)
    )
    if product_class is not None:
        rows = rows.where(product.product_class == product_class)
    last = (told.licence, product.product_class, told.on_day)
    orders = {
        "day": (told.on_day, *last),
        "licence": last,
        "amount": (_POSTAGE, *last),
    }
    return Matching(rows, orders, _usage)


def mailings_matching(
    reached: ColumnElement[bool],
    *,
    days: Span,
    licence_is: str,
    state: MailingState | None,
) -> Matching[Mailing]:
    """Give statements of mailing, without their lines."""
    held = mailing.c
    rows = _of(
        select(mailing).select_from(
            mailing.join(licence, licence.c.identifier == held.licence).join(
                office, office.c.id == licence.c.office
            )
        ),
        reached,
        held.licence,
        licence_is,
    ).where(*days.holds(held.presented_on))
    if state is not None:
        rows = rows.where(held.state == state.name)
    orders = {
        "presented_on": (held.presented_on, held.id),
        "number": (held.number, held.id),
        "amount": (held.amount_paise, held.id),
    }
    return Matching(rows, orders, mailing_of)


def claims_matching(
    reached: ColumnElement[bool],
    *,
    licence_is: str,
    kind: ClaimKind | None,
    state: ClaimState | None,
    claimed: Span | None = None,
    paid: Span | None = None,
) -> Matching[Claim]:
    """Give claims."""
    held = claim.c
    rows = _of(
        select(claim).select_from(
            claim.join(licence, licence.c.identifier == held.licence).join(
                office, office.c.id == licence.c.office
            )
        ),
        reached,
        held.licence,
        licence_is,
    )
    if kind is not None:
        rows = rows.where(held.kind == kind.name)
    if state is not None:
        rows = rows.where(held.state == state.name)
    if claimed is not None:
        rows = rows.where(*claimed.holds(held.claimed_on))
    if paid is not None:
        rows = rows.where(*paid.holds(held.schedule_on))
    orders = {
        "claimed_on": (held.claimed_on, held.id),
        "paid_on": (held.schedule_on, held.id),
        "amount": (held.gross_paise, held.id),
    }
    return Matching(rows, orders, claim_of)


def _of(
    rows: Select[Any],
    reached: ColumnElement[bool],
    column: ColumnElement[Any],
    licence_is: str,
) -> Select[Any]:
    rows = rows.where(reached)
    return rows.where(column == licence_is) if licence_is else rows


def _usage(row: Row[Any]) -> Usage:
    return Usage(
        row.on_day,
        LicenceIdentifier(row.licence),
        LicenceNumber(row.number),
        row.licensee,
        row.product_class,
        int(row.franked),
        Paise(int(row.postage)),
    )
