"""Reads a layout from TOML, and tells place and reason of every mistake in it.

The format of a layout is described in docs/exchange-files.md, for those who write one.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any, Final

from protocol.exchange.field_types import NUMERIC, spelling_of
from protocol.exchange.layout import (
    HEADER,
    SIGNATURE_TAG,
    TRAILER,
    Field,
    Layout,
    Record,
    Width,
)
from protocol.exchange.spelling import FieldError, Value
from protocol.exchange.table_checks import LayoutError, Mistake, Table

LAYOUT_CHARACTERS_MAX: Final = 65_536
RECORDS_MAX: Final = 16
FIELDS_MAX: Final = 64
SEPARATORS: Final = ("|", ";", ",", "~", "^", "#", "*")
LINE_ENDS: Final = {"LF": "\n", "CRLF": "\r\n"}
ENCODINGS: Final = {"UTF-8": "utf-8", "ASCII": "ascii"}

_DELIMITED: Final = "delimited"
_KINDS: Final = (_DELIMITED, "fixed-width")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_TAG: Final = re.compile(r"[A-Z0-9]{1,8}", re.ASCII)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9.-]+(\{[a-z_]+\}[A-Za-z0-9.-]*)+", re.ASCII)
_COLUMNS_MAX: Final = 1024
_LINES_MAX: Final = 1_000_000
_LINE_OCTETS: Final = (128, 65_536)
_FILE_OCTETS: Final = (1024, 256 * 1024 * 1024)


def parse_layout(text: str) -> Layout:
    """Read a layout.

    Args:
        text: The TOML of one layout.

    Raises:
        LayoutError: It is none; the error holds every mistake with its place.
    """
    if len(text) > LAYOUT_CHARACTERS_MAX:
        reason = f"a layout has at most {LAYOUT_CHARACTERS_MAX:,} characters"
        raise LayoutError([Mistake("", reason)])
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LayoutError([Mistake("", f"not TOML: {error}")]) from error
    mistakes: list[Mistake] = []
    layout = _Parser(mistakes).layout(Table(values, "", mistakes))
    if mistakes:
        raise LayoutError(mistakes)
    return layout


class _Parser:
    """Reads one layout and gathers its mistakes."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self._mistakes = mistakes
        self._separator = ""
        self._wide = False

    def layout(self, table: Table) -> Layout:
        name = table.text("name")
        if _NAME.fullmatch(name) is None:
            table.wrong("name", f"{name!r} is not small letters, digits and hyphens")
        self._wide = table.text("kind", of=_KINDS) != _DELIMITED
        if not self._wide:
            self._separator = table.text("separator", of=SEPARATORS)
        header = self._record(table.raw("header"), HEADER, HEADER)
        lines = [self._line(one, place) for place, one in _numbered(table, "line")]
        trailer = None
        if TRAILER in table:
            trailer = self._record(table.raw(TRAILER), TRAILER, TRAILER)
        layout = Layout(
            name=name,
            version=table.number("version", 1, 999),
            title=table.text("title", ""),
            separator=self._separator,
            line_end=LINE_ENDS[table.text("line_end", "LF", of=tuple(LINE_ENDS))],
            encoding=ENCODINGS[table.text("encoding", "UTF-8", of=tuple(ENCODINGS))],
            file_name=table.text("file_name"),
            signed=table.flag("signature"),
            lines_max=table.number("lines_max", 0, _LINES_MAX, 100_000),
            line_octets_max=table.number("line_octets_max", *_LINE_OCTETS, 1024),
            octets_max=table.number("octets_max", *_FILE_OCTETS, 16 * 1024 * 1024),
            header=header,
            lines={record.name: record for record in lines},
            trailer=trailer,
        )
        if len(layout.lines) != len(lines) or not lines:
            reason = "at least one is needed, each with a name of its own"
            table.wrong("line", reason)
        self._check_file_name(layout, table)
        self._check_tags(layout, table)
        self._check_totals(layout)
        table.done()
        return layout

    def _line(self, values: object, place: int) -> Record:
        name = values.get("name") if isinstance(values, dict) else None
        called = name if isinstance(name, str) and name else str(place)
        if not isinstance(name, str) or _FIELD_NAME.fullmatch(name) is None:
            reason = f"{name!r} is not small letters, digits and _"
            self._mistakes.append(Mistake(f"line {called}, name", reason))
        return self._record(values, called, f"line {called}")

    def _record(self, values: object, name: str, place: str) -> Record:
        table = Table(values, place, self._mistakes)
        table.raw("name")
        tag = table.text("tag", "")
        if tag and _TAG.fullmatch(tag) is None:
            table.wrong("tag", f"{tag!r} is not 1 to 8 capital letters and digits")
        fields = [self._field(one, place) for _, one in _numbered(table, "fields")]
        names = [one.name for one in fields]
        for twice in sorted({one for one in names if names.count(one) > 1}):
            table.wrong(f"field {twice}", "it stands twice")
        optional = place not in {HEADER, TRAILER} and table.flag("optional")
        table.done()
        return Record(name, tag, tuple(fields), optional)

    def _field(self, values: object, record: str) -> Field:
        name = values.get("name") if isinstance(values, dict) else None
        table = Table(values, f"{record}, field {name}", self._mistakes)
        called = table.text("name")
        if _FIELD_NAME.fullmatch(called) is None:
            table.wrong("name", f"{called!r} is not small letters, digits and _")
        kind, spelling = spelling_of(table, self._separator)
        field = Field(
            name=called,
            kind=kind,
            spelling=spelling,
            blank=table.flag("blank"),
            constant=table.raw("constant"),
            given=table.raw("given"),
            unique=table.flag("unique"),
            counts=table.flag("counts"),
            sums=table.text("sums", ""),
            width=self._width(table, kind) if "given" not in _keys(values) else None,
            note=table.text("note", ""),
        )
        self._check_value(table, field, "constant", field.constant)
        self._check_value(table, field, "given", field.given)
        self._check_roles(table, field, record)
        table.done()
        return field

    def _width(self, table: Table, kind: str) -> Width | None:
        if not self._wide:
            return None
        columns = table.number("width", 1, _COLUMNS_MAX)
        numeric = kind in NUMERIC
        sides = ("left", "right")
        align = table.text("align", "right" if numeric else "left", of=sides)
        pad = table.text("pad", "space", of=("space", "zero"))
        if pad == "zero" and not (numeric and align == "right"):
            table.wrong("pad", "zeros stand before numbers only")
        return Width(columns, align == "right", "0" if pad == "zero" else " ")

    def _check_value(self, table: Table, field: Field, key: str, value: Value) -> None:
        if value is None:
            return
        try:
            told = field.spelling.write(value)
            field.spelling.read(told)
        except FieldError as error:
            table.wrong(key, str(error))
            return
        if field.width is not None and len(told) > field.width.columns:
            table.wrong(key, f"{told!r} is wider than {field.width.columns} columns")

    def _check_roles(self, table: Table, field: Field, record: str) -> None:
        roles = {
            "blank": field.blank,
            "constant": field.constant is not None,
            "given": field.given is not None,
            "counts": field.counts,
            "sums": bool(field.sums),
        }
        taken = [role for role, is_so in roles.items() if is_so]
        if len(taken) > 1:
            table.wrong("", f"{' and '.join(taken)} go together in no field")
        at_an_end = record in {HEADER, TRAILER}
        if field.unique and (at_an_end or taken):
            table.wrong("unique", "only a field of lines that is always told is unique")
        if (field.counts or field.sums) and not at_an_end:
            table.wrong("", "only header and trailer tell counts and sums")
        if field.counts and field.kind != "count":
            table.wrong("counts", "a field of type count is needed")
        if field.sums and field.kind != "amount":
            table.wrong("sums", "a field of type amount is needed")
        if record == TRAILER and field.is_told:
            table.wrong("", "a trailer holds counts, sums and constants only")

    def _check_file_name(self, layout: Layout, table: Table) -> None:
        if _FILE_NAME.fullmatch(layout.file_name) is None:
            reason = (
                "letters, digits, points and hyphens are needed, then fields of the "
                "header in braces, as in fund-{file_id}.txt"
            )
            table.wrong("file_name", reason)
            return
        told = {one.name for one in layout.header.told if not one.blank}
        for name in re.findall(r"\{([a-z_]+)\}", layout.file_name):
            if name not in told:
                table.wrong("file_name", f"the header tells no {name}")

    def _check_tags(self, layout: Layout, table: Table) -> None:
        records = [one for one in layout.records if one.takes_a_line]
        tags = [one.tag for one in records if one.tag]
        if not tags:
            if len(layout.lines) > 1:
                table.wrong("line", "without tags all lines are of one kind")
            if layout.signed:
                table.wrong("signature", "only a file with tags can be signed")
            return
        if len(tags) < len(records):
            bare = ", ".join(one.name for one in records if not one.tag)
            table.wrong("", f"either all records have tags or none; without: {bare}")
        if layout.signed:
            tags.append(SIGNATURE_TAG)
        for tag in sorted(set(tags)):
            same = [one for one in tags if one == tag]
            longer = [one for one in tags if one != tag and one.startswith(tag)]
            if len(same) > 1 or (longer and self._wide):
                other = longer[0] if longer and self._wide else tag
                table.wrong("", f"tags {tag} and {other} cannot be told apart")

    def _check_totals(self, layout: Layout) -> None:
        ends = [layout.header, *([layout.trailer] if layout.trailer else [])]
        told = [(end, one) for end in ends for one in end.fields]
        computed = [one.name for _, one in told if one.counts or one.sums]
        names = [one.name for _, one in told]
        for name in sorted({one for one in computed if names.count(one) > 1}):
            reason = "header and trailer both have a field of this name"
            self._mistakes.append(Mistake(f"field {name}", reason))
        for end, one in told:
            if one.sums:
                self._check_sum(layout, f"{end.name}, field {one.name}, sums", one)

    def _check_sum(self, layout: Layout, place: str, total: Field) -> None:
        summed = [
            one
            for record in layout.lines.values()
            for one in record.in_the_file
            if one.name == total.sums
        ]
        if not summed or any(one.kind != "amount" for one in summed):
            reason = f"no line has a field {total.sums} of type amount"
            self._mistakes.append(Mistake(place, reason))
        elif any(map(_may_be_negative, summed)) and not _may_be_negative(total):
            reason = f"{total.sums} may be negative: the sum is to be signed"
            self._mistakes.append(Mistake(place, reason))


def _numbered(table: Table, key: str) -> Sequence[tuple[int, object]]:
    items = table.items(key)
    most = RECORDS_MAX if key == "line" else FIELDS_MAX
    if len(items) > most:
        table.wrong(key, f"{len(items)} where {most} are allowed")
    return tuple(enumerate(items[:most], start=1))


def _may_be_negative(one: Field) -> bool:
    try:
        one.spelling.read(one.spelling.write(-1))
    except FieldError:
        return False
    return True


def _keys(values: object) -> Iterable[Any]:
    return values if isinstance(values, dict) else ()
