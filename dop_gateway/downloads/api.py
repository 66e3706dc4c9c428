"""Routes of credits that machines were given, and of what remains at makers."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.downloads import store
from dop_gateway.downloads.model import DownloadState, Kept
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.money.reach import licences_of
from dop_gateway.remaining import store as remaining
from dop_gateway.remaining.model import Kept as KeptRemaining
from dop_gateway.store.matching import Matching
from dop_gateway.web.asking import Asked
from dop_gateway.web.fields import ByName, show_moment
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed
from hw.clock import epoch_seconds
from protocol.exchange import show_amount
from protocol.parameters import INDIA
from protocol.registers import VoucherKind
from protocol.values import EpochSeconds

ROUTES: Final = APIRouter(tags=["money"])
SEE: Final = frozenset(
    {
        Role.DCR_OPERATOR,
        Role.DCR_SUPERVISOR,
        Role.AUDITOR,
        Role.POSTAL_AUTHORITY,
        Role.LICENSING_AUTHORITY,
        Role.POSTMASTER,
        Role.ACCOUNTS_OFFICER,
        Role.MAKER_OFFICER,
        Role.LICENSEE,
    }
)
"""Who sees money of licences within their scope."""
LicenceWanted = Annotated[str, Field(pattern=r"^([A-Z][0-9]{6})?$")]

ACCESS: Final = (
    Access("GET", "/downloads", SEE, ScopeKind.LICENCE),
    Access("GET", "/remaining-funds", SEE, ScopeKind.LICENCE),
)


class DownloadsQuery(ListQuery):
    """Which credits; days are India's, of when they came, the last included."""

    licence: LicenceWanted = ""
    state: Annotated[DownloadState, ByName(DownloadState)] | None = None
    first_day: date | None = None
    last_day: date | None = None
    sort: Literal["came_at", "-came_at", "licence", "-licence", "amount", "-amount"] = (
        "-came_at"
    )


class DownloadShown(BaseModel):
    """A credit as a maker told of it, and what became of it."""

    licence: str
    number: int
    kind: Annotated[VoucherKind, ByName(VoucherKind)]
    amount: str
    at: str
    control_total_before: str
    control_total_after: str
    ascending: str
    descending: str
    file_id: str
    line_id: str
    state: Annotated[DownloadState, ByName(DownloadState)]
    code: str
    detail: str
    is_signed: bool

    @classmethod
    def of(cls, kept: Kept) -> Self:
        """Tell of a credit."""
        one = kept.download
        return cls(
            licence=one.licence,
            number=one.number,
            kind=one.kind,
            amount=show_amount(one.amount_paise),
            at=show_moment(one.at),
            control_total_before=show_amount(one.control_total_before_paise),
            control_total_after=show_amount(one.control_total_after_paise),
            ascending=show_amount(one.ascending_paise),
            descending=show_amount(one.descending_paise),
            file_id=kept.file_id,
            line_id=one.line_id,
            state=kept.state,
            code=kept.code,
            detail=kept.detail,
            is_signed=bool(one.message),
        )


class RemainingQuery(ListQuery):
    """Of which licences."""

    licence: LicenceWanted = ""
    sort: Literal[
        "licence", "-licence", "remaining", "-remaining", "made_at", "-made_at"
    ] = "licence"


class RemainingShown(BaseModel):
    """What a maker says that a licence has left."""

    licence: str
    maker: str
    remaining: str
    reserved: str
    recharge_number: int
    control_total: str | None
    file_id: str
    made_at: str

    @classmethod
    def of(cls, kept: KeptRemaining) -> Self:
        """Tell of a snapshot."""
        told = kept.told
        total = told.control_total_paise
        return cls(
            licence=told.licence,
            maker=kept.maker,
            remaining=show_amount(told.remaining_paise),
            reserved=show_amount(told.reserved_paise),
            recharge_number=told.number,
            control_total=None if total is None else show_amount(total),
            file_id=kept.file_id,
            made_at=show_moment(kept.made_at),
        )


def _downloads(
    connection: Connection, permit: Permit, query: DownloadsQuery
) -> Matching[Kept]:
    first, last = query.first_day, query.last_day
    return store.downloads_matching(
        licences=licences_of(connection, permit),
        licence=query.licence,
        states=() if query.state is None else (query.state,),
        since=None if first is None else _begin(first),
        until=None if last is None or last == date.max else _begin(_after(last)),
    )


def _after(day: date) -> date:
    return day + timedelta(days=1)


def _begin(day: date) -> EpochSeconds:
    return epoch_seconds(datetime.combine(day, time(), INDIA))


def _show(_connection: Connection, found: Sequence[Kept]) -> list[DownloadShown]:
    return [DownloadShown.of(one) for one in found]


def _cells(kept: Kept) -> Row:
    one = kept.download
    return (
        one.licence,
        one.number,
        one.kind.name,
        one.amount_paise,
        one.at,
        one.control_total_after_paise,
        one.ascending_paise,
        one.descending_paise,
        kept.state.name,
        kept.code,
        kept.file_id,
    )


DOWNLOADS: Final = WebList(
    "downloads",
    "Credits of machines",
    (
        Column("licence", "Licence"),
        Column("number", "Recharge", Kind.COUNT),
        Column("kind", "Kind"),
        Column("amount", "Amount", Kind.MONEY, summed=True),
        Column("at", "At", Kind.MOMENT),
        Column("control_total", "Control total", Kind.MONEY),
        Column("ascending", "Ascending", Kind.MONEY),
        Column("descending", "Descending", Kind.MONEY),
        Column("state", "State"),
        Column("code", "Objection"),
        Column("file", "File"),
    ),
    _downloads,
    _show,
    _cells,
)


def _remaining(
    connection: Connection, permit: Permit, query: RemainingQuery
) -> Matching[KeptRemaining]:
    return remaining.remaining_matching(
        licences=licences_of(connection, permit), licence=query.licence
    )


def _show_remaining(
    _connection: Connection, found: Sequence[KeptRemaining]
) -> list[RemainingShown]:
    return [RemainingShown.of(one) for one in found]


def _remaining_cells(kept: KeptRemaining) -> Row:
    told = kept.told
    return (
        told.licence,
        kept.maker,
        told.remaining_paise,
        told.reserved_paise,
        told.number,
        told.control_total_paise,
        kept.made_at,
        kept.file_id,
    )


REMAINING: Final = WebList(
    "remaining-funds",
    "Remaining funds, as makers tell them",
    (
        Column("licence", "Licence"),
        Column("maker", "Maker"),
        Column("remaining", "Remaining", Kind.MONEY, summed=True),
        Column("reserved", "Reserved", Kind.MONEY, summed=True),
        Column("recharge_number", "Recharge", Kind.COUNT),
        Column("control_total", "Control total", Kind.MONEY),
        Column("made_at", "Told", Kind.MOMENT),
        Column("file", "File"),
    ),
    _remaining,
    _show_remaining,
    _remaining_cells,
)


@ROUTES.get("/downloads", **listed(DownloadShown))
def list_downloads(asking: Asked, query: Annotated[DownloadsQuery, Query()]) -> Any:
    """List credits that makers told of (RMFS-32), or have the list as a file."""
    return answer_list(asking, DOWNLOADS, query)


@ROUTES.get("/remaining-funds", **listed(RemainingShown))
def list_remaining(asking: Asked, query: Annotated[RemainingQuery, Query()]) -> Any:
    """List what remains at makers, as they told it last, or have it as a file."""
    return answer_list(asking, REMAINING, query)
