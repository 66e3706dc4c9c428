"""Routes of dial-ins: those that failed. What they told is listed by `posting`."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.licences.reach import visible
from dop_gateway.licences.tables import licence
from dop_gateway.store.matching import Matching
from dop_gateway.usage import failed_store as store
from dop_gateway.usage.failed_store import KeptFailure
from dop_gateway.web.asking import Asked
from dop_gateway.web.fields import show_moment
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed

ROUTES: Final = APIRouter(tags=["usage"])
_SEE: Final = frozenset(Role) - {Role.ADMINISTRATOR}

ACCESS: Final = (Access("GET", "/usage/failed-dial-ins", _SEE, ScopeKind.LICENCE),)


class FailedQuery(ListQuery):
    """Which dial-ins that failed; days are India's, both included."""

    licence: Annotated[str, Field(pattern=r"^([A-Z][0-9]{6})?$")] = ""
    code: Annotated[str, Field(pattern=r"^[!-~]{0,40}$")] = ""
    first: date | None = None
    last: date | None = None
    sort: Literal["at", "-at", "licence", "-licence", "code", "-code"] = "-at"


class FailedShown(BaseModel):
    """A dial-in that failed, as the maker told of it."""

    licence: str
    licence_number: str
    licensee: str
    maker: str
    at: str
    code: str
    words: str
    file_id: str
    line_id: str
    came_at: str

    @classmethod
    def of(cls, kept: KeptFailure) -> Self:
        """Tell of a dial-in."""
        told = kept.told
        return cls(
            licence=told.licence,
            licence_number=told.licence_number,
            licensee=kept.licensee,
            maker=kept.maker,
            at=show_moment(told.at),
            code=told.code,
            words=told.words,
            file_id=kept.file_id,
            line_id=told.line_id,
            came_at=show_moment(kept.came_at),
        )


def _failed(
    connection: Connection, permit: Permit, query: FailedQuery
) -> Matching[KeptFailure]:
    return store.failed_matching(
        visible(connection, permit, licence.c.maker, licence.c.identifier),
        licence_is=query.licence,
        code=query.code,
        first=query.first,
        last=query.last,
    )


def _show(_connection: Connection, found: Sequence[KeptFailure]) -> list[FailedShown]:
    return [FailedShown.of(one) for one in found]


def _cells(kept: KeptFailure) -> Row:
    told = kept.told
    return (
        told.at,
        told.licence,
        told.licence_number,
        kept.licensee,
        kept.maker,
        told.code,
        told.words,
        kept.file_id,
    )


FAILED: Final = WebList(
    "failed-dial-ins",
    "Dial-ins that failed, as makers tell them",
    (
        Column("at", "At", Kind.MOMENT),
        Column("licence", "Licence"),
        Column("licence_number", "Licence number"),
        Column("licensee", "Licensee"),
        Column("maker", "Maker"),
        Column("code", "Why"),
        Column("words", "In words"),
        Column("file", "File"),
    ),
    _failed,
    _show,
    _cells,
)


@ROUTES.get("/usage/failed-dial-ins", **listed(FailedShown))
def list_failed(asking: Asked, query: Annotated[FailedQuery, Query()]) -> Any:
    """List dial-ins that failed (RMFS-40), or have the list as a file."""
    return answer_list(asking, FAILED, query)
