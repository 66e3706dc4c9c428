"""Columns of reports: one list of them makes file, JSON and their words in Hindi.

The Hindi words are this product's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.exports.json_writer import named
from dop_gateway.exports.showing import DAY_SHOWN
from dop_gateway.exports.table import ENGLISH, HINDI, Column, Kind, Row
from dop_gateway.reports.model import Group, Key, Named, Period
from dop_gateway.reports.queries import Language, ReportQuery
from dop_gateway.reports.words import TITLES
from dop_gateway.store.matching import Selection
from dop_gateway.web.lists import WebList

_Q = TypeVar("_Q", bound=ReportQuery)
T = TypeVar("T")
_TYPES: Final[dict[Kind, Any]] = {Kind.COUNT: int, Kind.DAY: date}


@dataclass(frozen=True, slots=True)
class Spec:
    """A column of a report; its titles stand in `words`."""

    name: str
    kind: Kind = Kind.TEXT
    summed: bool = False

    def column(self, lang: Language, title: str = "") -> Column:
        """Make the column in a language."""
        return Column(
            self.name, TITLES[title or self.name][lang], self.kind, self.summed
        )


def count(name: str) -> Spec:
    """Make a column of counts that are summed."""
    return Spec(name, Kind.COUNT, summed=True)


def money(name: str) -> Spec:
    """Make a column of money that is summed."""
    return Spec(name, Kind.MONEY, summed=True)


LICENCE: Final = (
    Spec("licence"),
    Spec("licence_number"),
    Spec("licensee"),
    Spec("post_office"),
)
_OFFICE: Final = (Spec("code"), Spec("name"), Spec("facility"))
_MAKER: Final = (Spec("code"), Spec("name"))
_DAY: Final = (Spec("day", Kind.DAY),)
_CLASS: Final = (Spec("product_class", Kind.COUNT),)
KEYS: Final = (*LICENCE, *_OFFICE, *_DAY, *_CLASS)
"""Of all groups; a line has those of its own."""


def of_group(group: Group) -> tuple[Spec, ...]:
    """Give the columns that say what a line is about."""
    if group is Group.LICENCE:
        return LICENCE
    if group is Group.MAKER:
        return _MAKER
    if group is Group.DAY:
        return _DAY
    return _CLASS if group is Group.PRODUCT_CLASS else _OFFICE


def group_columns(group: Group, lang: Language) -> tuple[Column, ...]:
    """Make those columns: the name is headed by what it is the name of."""
    head = group.name.lower()
    return tuple(
        one.column(lang, head if one.name == "name" else "") for one in of_group(group)
    )


def licence_cells(of: Named, lang: Language) -> Row:
    """Make the cells of a licence."""
    return (
        of.identifier,
        of.number,
        in_language(of.licensee, of.licensee_hi, lang),
        in_language(of.place.name, of.place.name_hi, lang),
    )


def key_cells(of: Key, group: Group, lang: Language) -> Row:
    """Make the cells of a group."""
    if group is Group.DAY:
        return (of.day,)
    if group is Group.PRODUCT_CLASS:
        return (of.product_class,)
    name = in_language(of.name, of.name_hi, lang)
    return (of.code, name) if group is Group.MAKER else (of.code, name, of.facility)


def in_language(english: str, hindi: str | None, lang: Language) -> str:
    """Give a name in Hindi where it is wanted and known."""
    return hindi if lang == "hi" and hindi else english


def shown_model(name: str, *specs: Spec) -> type[BaseModel]:
    """Make the model of a line in JSON; what a line has nothing of is null."""
    fields: dict[str, Any] = {
        one.name: (_TYPES.get(one.kind, str) | None, None) for one in specs
    }
    return create_model(name, __config__=ConfigDict(title=name), **fields)


def sheet(
    report: str,
    query: _Q,
    period: Period,
    columns: Sequence[Column],
    *,
    model: type[BaseModel],
    matching: Callable[[Connection, Permit, _Q], Selection[T]],
    cells: Callable[[T], Row],
) -> WebList[_Q, T, BaseModel]:
    """Make the list of a report, as it is asked for."""

    def show(_connection: Connection, found: Sequence[T]) -> list[BaseModel]:
        return [model(**named(columns, cells(one))) for one in found]

    first, last = (one.strftime(DAY_SHOWN) for one in (period.first, period.last))
    title = f"{TITLES[f'report-{report}'][query.lang]}, {first} – {last}"  # noqa: RUF001
    return WebList(
        f"report-{report}",
        title,
        tuple(columns),
        matching,
        show,
        cells,
        HINDI if query.lang == "hi" else ENGLISH,
    )
