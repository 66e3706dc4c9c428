"""Lists: one filter, an order, pages of ten, and the same rows as a file (GW-08).

A feature has for each of its lists:

- a `ListQuery` with its filters and the orders that it knows::

      class PeopleQuery(ListQuery):
          state: StateName | None = None
          sort: Literal["login", "-login", "name", "-name"] = "login"

- a function in its store that gives the `Matching` rows of that filter;
- a `WebList` that says how a thing is shown as JSON and as cells of a file;
- a route, open to whoever may see the list::

      @ROUTES.get("/people", **listed(PersonShown))
      def list_people(asking: Asked, query: Annotated[PeopleQuery, Query()]) -> Any:
          return answer_list(asking, PEOPLE, query)

``?page=2&page_size=50&sort=-name`` gives a `Page`; ``?format=csv``, ``xlsx``, ``pdf``
or ``json`` gives all rows of the same filter as a file, and the audit trail says who
had it (RMFS-37). A query parameter that a list does not know is refused with 400.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, Final, Generic, TypeVar, cast

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import StreamingResponse

from dop_gateway.access import Permit
from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.exports.showing import india
from dop_gateway.exports.table import ENGLISH, Column, Labels, Listing, Row
from dop_gateway.exports.writing import Format
from dop_gateway.identity.model import By
from dop_gateway.store.matching import Selection
from dop_gateway.web.asking import Asking
from dop_gateway.web.fields import ByName
from protocol.errors import RmfsError
from protocol.values import EpochSeconds

PAGE_SIZE: Final = 10
PAGE_SIZE_MAX: Final = 100
PAGE_MAX: Final = 1_000_000
FILE_ROWS_MAX: Final = 200_000
"""A file with more is not made: it is narrowed first."""
_IN_MEMORY_OCTETS: Final = 1_048_576
_CHUNK_OCTETS: Final = 65_536
_OF_EVERY_LIST: Final = frozenset({"page", "page_size", "sort", "format"})

T = TypeVar("T")
_Q = TypeVar("_Q", bound="ListQuery")
_M = TypeVar("_M", bound=BaseModel)


class ListQuery(BaseModel):
    """What every list is asked with; a feature adds its filters, and the orders."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 1
    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE
    sort: str = ""
    format: Annotated[Format, ByName(Format, lower=True)] | None = None

    def words(self) -> Sequence[tuple[str, str]]:
        """Say what the list is narrowed to: names and values of its filters."""
        kept = self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        return [
            (
                name,
                ", ".join(map(str, value)) if isinstance(value, list) else str(value),
            )
            for name, value in kept.items()
            if name not in _OF_EVERY_LIST
        ]


class Page(BaseModel, Generic[_M]):
    """A page of a list.

    Attributes:
        count: Of all rows that the filter lets through.
        next: Where the next page is; null on the last one.
        previous: Where the one before is; null on the first one.
    """

    count: int
    next: str | None
    previous: str | None
    results: list[_M]


class FileColumn(BaseModel):
    """A column of a list that was written to a file."""

    name: str
    title: str
    kind: str


class ListFile(BaseModel):
    """A whole list as JSON, as with ``format=json``."""

    title: str
    filter: dict[str, str]
    generated_at: str
    person: str
    columns: list[FileColumn]
    rows: list[dict[str, str | int | None]]
    count: int
    totals: dict[str, str | int | None] | None


@dataclass(frozen=True, slots=True)
class WebList(Generic[_Q, T, _M]):
    """A list of a feature.

    Attributes:
        name: In the names of its files and in the audit trail, as in ``people``.
        title: What it lists, for people.
        columns: Of its files.
        matching: Gives the rows that a filter lets through, within what somebody's
            roles reach.
        show: Makes JSON of things, a page of them at once: what they need besides is
            asked for all of them together.
        cells: Makes a row of a file of a thing.
        labels: Words around the table of a file.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    matching: Callable[[Connection, Permit, _Q], Selection[T]]
    show: Callable[[Connection, Sequence[T]], list[_M]]
    cells: Callable[[T], Row]
    labels: Labels = ENGLISH


def listed(shown: type[BaseModel]) -> dict[str, Any]:
    """Describe the answers of a list: what the decorator of its route is given."""
    files: dict[str, Any] = {
        one.media_type.partition(";")[0]: {
            "schema": {"type": "string", "contentMediaType": one.media_type}
        }
        for one in (Format.CSV, Format.XLSX, Format.PDF)
    }
    return {
        "response_model": Page[shown] | ListFile,  # type: ignore[valid-type]
        "responses": {200: {"content": files}},
    }


def answer_list(
    asking: Asking, of: WebList[_Q, T, _M], query: _Q
) -> Page[_M] | Response:
    """Answer with a page of a list, or with all of it as a file."""
    if query.format is not None:
        return _file(asking, of, query, query.format)
    first = (query.page - 1) * query.page_size
    with asking.reading() as connection:
        matching = of.matching(connection, asking.permit, query)
        count = matching.count(connection)
        found = matching.page(connection, query.sort, first, query.page_size)
        shown = of.show(connection, found)
    more = first + len(found) < count and bool(found)
    return Page[_M](
        count=count,
        next=asking.with_query(page=query.page + 1) if more else None,
        previous=asking.with_query(page=query.page - 1) if query.page > 1 else None,
        results=shown,
    )


def _file(
    asking: Asking, of: WebList[_Q, T, _M], query: _Q, wanted: Format
) -> Response:
    # It is whole before anybody has any of it: what breaks is answered as a problem.
    file = cast("BinaryIO", SpooledTemporaryFile(_IN_MEMORY_OCTETS))  # noqa: SIM115 - closed behind the answer
    try:
        _write(asking, of, query, wanted, file)
    except RmfsError:
        file.close()
        raise
    name = f"{of.name}-{india(asking.now):%Y-%m-%d}.{wanted.value}"
    return attachment(file, wanted.media_type, name)


def _write(
    asking: Asking, of: WebList[_Q, T, _M], query: _Q, wanted: Format, file: BinaryIO
) -> None:
    person = asking.permit.actor.login
    with asking.reading() as connection:
        count = write_list(
            connection,
            asking.permit,
            of,
            query,
            wanted=wanted,
            file=file,
            person=person,
            now=asking.now,
        )
    with asking.writing("tell of a file") as connection:
        tell_of_file(
            connection, asking.by(), of.name, query, wanted=wanted, count=count
        )


def write_list(
    connection: Connection,
    permit: Permit,
    of: WebList[_Q, T, _M],
    query: _Q,
    *,
    wanted: Format,
    file: BinaryIO,
    person: str,
    now: EpochSeconds,
) -> int:
    """Write a whole list; gives how many rows it has.

    Raises:
        InvalidError: There are too many rows for a file.
    """
    matching = of.matching(connection, permit, query)
    count = matching.count(connection)
    if count > FILE_ROWS_MAX:
        words = f"{count} rows are too many for a file: narrow the list first"
        raise InvalidError([FieldFinding("/format", "too_many", words)])

    def rows(connection: Connection, _query: _Q) -> Iterator[Row]:
        return map(of.cells, matching.all(connection, query.sort))

    listing = Listing(of.title, of.columns, rows)
    table = listing.table(connection, query, person=person, now=now, labels=of.labels)
    wanted.write(table, file)
    return count


def tell_of_file(
    connection: Connection,
    by: By,
    name: str,
    query: ListQuery,
    *,
    wanted: Format,
    count: int,
) -> None:
    """Tell the audit trail that somebody has a list as a file (RMFS-37)."""
    trail.add(
        connection,
        by,
        "download",
        Subject("list", name),
        format=wanted.name,
        rows=count,
        filter=dict(query.words()),
    )


def attachment(file: BinaryIO, media_type: str, name: str) -> Response:
    """Answer with a file that is written; it is closed behind the answer."""
    file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }

    def chunks() -> Iterator[bytes]:
        with file:
            while chunk := file.read(_CHUNK_OCTETS):
                yield chunk

    return StreamingResponse(chunks(), media_type=media_type, headers=headers)
