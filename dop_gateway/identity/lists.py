"""The list of people."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.exports.table import Column, Row
from dop_gateway.identity import store
from dop_gateway.identity.model import Person
from dop_gateway.identity.schemas import KindName, PersonShown, StateName
from dop_gateway.identity.signing_in import owed_by
from dop_gateway.store.matching import Matching
from dop_gateway.web.lists import ListQuery, WebList


class PeopleQuery(ListQuery):
    """Which people; what is searched is in the login or the name."""

    search: Annotated[str, Field(max_length=80)] = ""
    kind: KindName | None = None
    state: StateName | None = None
    sort: Literal["login", "-login", "name", "-name", "created_at", "-created_at"] = (
        "login"
    )


def _matching(
    _connection: Connection, _permit: Permit, query: PeopleQuery
) -> Matching[Person]:
    return store.people_matching(words=query.search, kind=query.kind, state=query.state)


def _show(connection: Connection, found: Sequence[Person]) -> list[PersonShown]:
    return [
        PersonShown.of(one, store.grants_of(connection, one.id), owed_by(one))
        for one in found
    ]


def _cells(one: Person) -> Row:
    return (one.login, one.name, one.kind.name, one.state.name)


PEOPLE: Final = WebList(
    "people",
    "People",
    (
        Column("login", "Login"),
        Column("name", "Name"),
        Column("kind", "Side"),
        Column("state", "State"),
    ),
    _matching,
    _show,
    _cells,
)
