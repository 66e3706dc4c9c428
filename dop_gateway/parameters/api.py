"""Routes of dated parameters: what holds on a day, and what a deployment sets."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from dop_gateway.access import EVERYBODY, Access, Permit
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role
from dop_gateway.parameters import service, store
from dop_gateway.parameters.store import OwnRow
from dop_gateway.store.matching import Held, Selection
from dop_gateway.web.asking import Asked
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed
from protocol.errors import LocalProtocolError
from protocol.parameter_values import ParameterType, write_value
from protocol.parameters import Parameter, business_date
from protocol.values import AMOUNT_PAISE_MAX

ROUTES: Final = APIRouter(tags=["parameters"])
TypeName = Annotated[ParameterType, ByName(ParameterType)]
_LIST_MAX: Final = 48
Key = Annotated[str, Path(max_length=80)]
_Text = Annotated[str, Field(max_length=80)]
Written = (
    Annotated[int, Field(ge=0, le=AMOUNT_PAISE_MAX)]
    | bool
    | _Text
    | Annotated[list[_Text], Field(max_length=_LIST_MAX)]
)
"""A value as JSON has it: a number, true or false, ``22:00``, or a list of texts."""

ACCESS: Final = (
    Access("GET", "/parameters", EVERYBODY),
    Access("GET", "/parameters/{key}", EVERYBODY),
    Access("POST", "/parameters/{key}/values", frozenset({Role.ADMINISTRATOR})),
)


class ParametersQuery(ListQuery):
    """Which parameters: `search` is in the key; `on` is the day, today if left out."""

    search: Annotated[str, Field(max_length=80)] = ""
    tag: Annotated[str, Field(max_length=80)] = ""
    on: date | None = None
    sort: Literal["key", "-key"] = "key"


class ParameterShown(BaseModel):
    """A value, the days on which it holds, and where it comes from."""

    key: str
    type: TypeName
    value: Written
    valid_from: date
    valid_to: date | None
    tag: str
    source: str

    @classmethod
    def of(cls, row: Parameter) -> Self:
        """Tell of a row."""
        return cls(
            key=row.key,
            type=row.type,
            value=_written(row),
            valid_from=row.valid_from,
            valid_to=None if row.valid_to == date.max else row.valid_to,
            tag=row.tag,
            source=row.source,
        )


class SetShown(BaseModel):
    """What the deployment has said of a parameter; null gave it back."""

    value: Written | None
    valid_from: date
    valid_to: date | None
    person: str
    reason: str
    at: str

    @classmethod
    def of(cls, row: OwnRow) -> Self:
        """Tell of a row."""
        value: Any = None if row.value is None else write_value(row.value)
        return cls(
            value=value,
            valid_from=row.valid_from,
            valid_to=None if row.valid_to == date.max else row.valid_to,
            person=row.person,
            reason=row.reason,
            at=show_moment(row.at),
        )


class ParameterHistory(BaseModel):
    """A parameter: what holds on the day asked for, and what was ever set of it.

    `rows` win in their order: the first that holds on a day.
    """

    key: str
    type: TypeName
    holds: ParameterShown | None
    rows: list[ParameterShown]
    set: list[SetShown]


class ValueBody(Body):
    """A value for some days; null gives them back to what is shipped.

    Days that are over were judged by what held then, and are not judged again: a value
    for them is taken only with `although_past`.
    """

    value: Written | None
    valid_from: date
    valid_to: date | None = None
    although_past: bool = False
    reason: Reason


def _written(row: Parameter) -> Any:
    return write_value(row.value)


def _matching(
    connection: Connection, _permit: Permit, query: ParametersQuery
) -> Selection[Parameter]:
    holding: dict[str, Parameter] = {}
    for row in store.table(connection).rows:
        if query.on is None or row.holds(query.on):
            # The first that holds wins.
            holding.setdefault(row.key, row)
    found = [
        row
        for row in holding.values()
        if query.search in row.key and query.tag in {"", row.tag}
    ]
    return Held(found, {"key": lambda row: row.key})


def _show(_connection: Connection, found: Sequence[Parameter]) -> list[ParameterShown]:
    return [ParameterShown.of(row) for row in found]


def _cells(row: Parameter) -> Row:
    written = _written(row)
    shown = ", ".join(written) if isinstance(written, list) else str(written)
    last = None if row.valid_to == date.max else row.valid_to
    return (row.key, row.type.name, shown, row.valid_from, last, row.tag, row.source)


PARAMETERS: Final = WebList(
    "parameters",
    "Parameters",
    (
        Column("key", "Parameter"),
        Column("type", "Type"),
        Column("value", "Value"),
        Column("valid_from", "From", Kind.DAY),
        Column("valid_to", "To", Kind.DAY),
        Column("tag", "Kind of source"),
        Column("source", "Source"),
    ),
    _matching,
    _show,
    _cells,
)


@ROUTES.get("/parameters", **listed(ParameterShown))
def list_parameters(asking: Asked, query: Annotated[ParametersQuery, Query()]) -> Any:
    """List what holds on a day, or have the list as a file."""
    on = query.on or business_date(asking.now)
    return answer_list(asking, PARAMETERS, query.model_copy(update={"on": on}))


@ROUTES.get("/parameters/{key}")
def show_parameter(
    asking: Asked, key: Key, on: Annotated[date | None, Query()] = None
) -> ParameterHistory:
    """Show a parameter, on a day and in the course of time."""
    day = on or business_date(asking.now)
    with asking.reading() as connection:
        rows = [row for row in store.table(connection).rows if row.key == key]
        if not rows:
            raise NotFoundError(f"there is no parameter {key}")
        own = store.history(connection, key)
    holds = next((row for row in rows if row.holds(day)), None)
    return ParameterHistory(
        key=key,
        type=rows[0].type,
        holds=None if holds is None else ParameterShown.of(holds),
        rows=[ParameterShown.of(row) for row in rows],
        set=[SetShown.of(row) for row in own],
    )


@ROUTES.post("/parameters/{key}/values", status_code=HTTPStatus.NO_CONTENT)
def set_parameter(asking: Asked, key: Key, body: ValueBody) -> None:
    """Set a parameter for some days, or give them back to what is shipped."""
    with asking.writing("set a parameter") as connection:
        _known(connection, key)
        service.set_value(
            connection,
            key,
            body.value,
            body.valid_from,
            asking.by(body.reason),
            valid_to=body.valid_to,
            although_past=body.although_past,
        )


def _known(connection: Connection, key: str) -> None:
    try:
        store.table(connection).type_of(key)
    except LocalProtocolError as error:
        raise NotFoundError(str(error)) from error
