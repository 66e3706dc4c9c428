"""The closed set of field types, and which options a layout may give to each."""

from collections.abc import Callable, Mapping
from typing import Final

from protocol.exchange import spelling
from protocol.exchange.spelling import Spelling
from protocol.exchange.table_checks import Table
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX

NUMERIC: Final = frozenset({"amount", "count", "number"})
"""Types that stand at the right end of their columns, and before which zeros may be."""

_TEXT_MAX: Final = spelling.TEXT_CHARACTERS_MAX
_VALUES_MAX: Final = 64
_NUMBER_MIN: Final = -(2**53)


def _identifier(table: Table) -> Spelling:
    most = spelling.IDENTIFIER_CHARACTERS_MAX
    return spelling.identifier(max=table.number("max", 1, most, most))


def _code(table: Table) -> Spelling:
    return spelling.code(max=table.number("max", 1, _TEXT_MAX, 16))


def _text(table: Table) -> Spelling:
    return spelling.text(max=table.number("max", 1, _TEXT_MAX, 80))


def _amount(table: Table) -> Spelling:
    return spelling.amount(
        unit=table.text("unit", "rupees", of=("rupees", "paise")),
        signed=table.flag("signed"),
        max=table.number("max", 0, AMOUNT_PAISE_MAX, AMOUNT_PAISE_MAX),
    )


def _count(table: Table) -> Spelling:
    return spelling.count(max=table.number("max", 0, U32_MAX, U32_MAX))


def _number(table: Table) -> Spelling:
    least = table.number("min", _NUMBER_MIN, AMOUNT_PAISE_MAX, 0)
    most = table.number("max", _NUMBER_MIN, AMOUNT_PAISE_MAX, U32_MAX)
    if least > most:
        table.wrong("min", f"{least} is more than max, {most}")
    return spelling.number(min=least, max=most)


def _date(table: Table) -> Spelling:
    return spelling.day(
        format=table.text("format", "yyyy-mm-dd", of=tuple(spelling.DATES))
    )


def _moment(table: Table) -> Spelling:
    formats = tuple(spelling.MOMENTS)
    return spelling.moment(format=table.text("format", formats[0], of=formats))


def _enumeration(table: Table) -> Spelling:
    values = table.raw("values")
    if isinstance(values, list):
        values = {name: name for name in values if isinstance(name, str)}
    if not isinstance(values, dict) or not 1 <= len(values) <= _VALUES_MAX:
        table.wrong("values", f"a list of 1 to {_VALUES_MAX} names is needed")
        return spelling.enumeration(values={})
    spelt = list(values.values())
    told = spelling.code(max=_TEXT_MAX)
    for name, one in values.items():
        try:
            told.read(told.write(one))
        except spelling.FieldError as error:
            table.wrong("values", f"{name}: {error}")
            return spelling.enumeration(values={})
    if len(set(spelt)) < len(spelt):
        table.wrong("values", "two names have one spelling")
    return spelling.enumeration(values=values)


def _octets(table: Table) -> Spelling:
    most = spelling.OCTETS_MAX
    form = table.text("format", "hex", of=("hex", "base64"))
    least = table.number("min", 1, most, 1)
    longest = table.number("max", 1, most, most)
    if least > longest:
        table.wrong("min", f"{least} is more than max, {longest}")
    return spelling.octets(format=form, min=least, max=longest)


_TYPES: Final[Mapping[str, Callable[[Table], Spelling]]] = {
    "identifier": _identifier,
    "code": _code,
    "text": _text,
    "letter": lambda _: spelling.letter(),
    "licence": lambda _: spelling.licence(),
    "licence-number": lambda _: spelling.licence_number(),
    "amount": _amount,
    "count": _count,
    "number": _number,
    "date": _date,
    "moment": _moment,
    "enumeration": _enumeration,
    "octets": _octets,
}
TYPES: Final = tuple(_TYPES)


def spelling_of(table: Table, separator: str) -> tuple[str, Spelling]:
    """Take the type of a field and its options out of its table."""
    kind = table.text("type", of=TYPES)
    found = _TYPES[kind](table)
    if separator and any(separator in found.write(name) for name in found.names):
        table.wrong("values", f"a spelling holds the separator {separator}")
    return kind, found
