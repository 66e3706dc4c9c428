"""A document on a narrow roll: lines of characters of one width.

A table whose columns do not stand side by side is folded: what does not fit goes to the
lines below, indented, under a head that is folded alike. Nothing is left out for want
of room.
"""

from dataclasses import dataclass
from typing import Final

from fm_device.reports.document import (
    Blanks,
    Block,
    Document,
    Fit,
    Lines,
    Note,
    Table,
    wrap,
)
from protocol.errors import LocalProtocolError

WIDTH: Final = 40
"""Characters in a line of a machine's own printer (ours)."""

WIDTH_MIN: Final = 32
"""Room for the largest amount there can be, with its sign."""

_GAP: Final = 2
_INDENT: Final = 2
_WRAPPED_MIN: Final = 12


def show_document(document: Document, width: int = WIDTH) -> str:
    """Lay a document out for people, every copy after the other.

    Args:
        document: What it says.
        width: Characters in a line, at least `WIDTH_MIN`.

    Raises:
        LocalProtocolError: The paper is too narrow.
    """
    if width < WIDTH_MIN:
        raise LocalProtocolError(
            f"paper of {width} characters is too narrow: {WIDTH_MIN} at least"
        )
    copies = [_copy(document, mark, width) for mark in document.copy_marks]
    return "\n\n\n".join("\n".join(lines) for lines in copies) + "\n"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column stands: in which line of a row, from where, and how wide."""

    line: int
    start: int
    width: int


def _copy(document: Document, mark: str, width: int) -> list[str]:
    title = [document.title.upper(), *([mark.upper()] if mark else [])]
    lines = ["=" * width]
    for text in title:
        lines += [line.center(width).rstrip() for line in _wrap(text, width)]
    lines.append("=" * width)
    for name, value in document.head:
        lines += _pair(name, value, width)
    for block in document.blocks:
        lines += ["", *_block(block, width)]
    return [*lines, "", "-" * width, *_wrap(document.foot, width)]


def _block(block: Block, width: int) -> list[str]:
    if isinstance(block, Note):
        return _wrap(block.text, width)
    if isinstance(block, Blanks):
        return _blanks(block, width)
    title = _wrap(block.title.upper(), width) if block.title else []
    if isinstance(block, Lines):
        pairs = [_pair(name, value, width) for name, value in block.pairs]
        return [*title, *(line for lines in pairs for line in lines)]
    return [*title, *_table(block, width)]


def _blanks(block: Blanks, width: int) -> list[str]:
    lines: list[str] = []
    for name in block.names:
        lines += ["", "", "_" * width, *_wrap(name, width)]
    return lines


def _pair(name: str, value: str, width: int) -> list[str]:
    """A name at the left and its value at the right; below it where both are long."""
    values = _wrap(value, width)
    if len(values) == 1 and len(name) + _GAP + len(values[0]) <= width:
        return [name + values[0].rjust(width - len(name))]
    lines = _wrap(value, width - _INDENT)
    if len(lines) == 1:
        return [*_wrap(name, width), lines[0].rjust(width)]
    return [*_wrap(name, width), *(" " * _INDENT + line for line in lines)]


def _table(table: Table, width: int) -> list[str]:
    places = _fold(table, width)
    rule = "-" * width
    head = tuple(column.name for column in table.columns)
    lines = [*_row(table, places, head), rule]
    for number, section in enumerate(table.sections):
        if section.title:
            lines += [*([""] if number else []), *_wrap(section.title, width)]
        for row in section.rows:
            lines += _row(table, places, row)
        if section.sums:
            lines += _row(table, places, section.sums)
    if table.total:
        lines += [rule, *_row(table, places, table.total)]
    return lines


def _fold(table: Table, width: int) -> list[_Place]:
    """Find a place for every column, in as few lines as it takes."""
    columns = range(len(table.columns))
    needed = [max(len(row[column]) for row in table.all_rows) for column in columns]
    wraps = [column.fit is Fit.WRAPS for column in table.columns]
    least = [
        min(needed[column], _WRAPPED_MIN if wraps[column] else width)
        for column in columns
    ]
    lines: list[list[int]] = [[]]
    used = 0
    for column in columns:
        wider = used + (_GAP if lines[-1] else 0) + least[column]
        if lines[-1] and wider > width:
            lines.append([])
            wider = _INDENT + least[column]
        lines[-1].append(column)
        used = wider
    places: dict[int, _Place] = {}
    for line, members in enumerate(lines):
        start = _INDENT if line else 0
        gaps = _GAP * (len(members) - 1)
        spare = width - start - gaps - sum(least[column] for column in members)
        stretched = _stretched(table, members)
        for column in members:
            room = least[column]
            if column == stretched:
                room += spare
            places[column] = _Place(line, start, room)
            start += room + _GAP
    return [places[column] for column in columns]


def _stretched(table: Table, members: list[int]) -> int | None:
    """The column that takes a line's spare room: a name, else figures at its end."""
    found = None
    for column in reversed(members):
        if table.columns[column].fit is not Fit.FIGURE:
            break
        found = column
    wrapping = [column for column in members if table.columns[column].fit is Fit.WRAPS]
    return wrapping[0] if wrapping else found


def _row(table: Table, places: list[_Place], cells: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    for line in range(places[-1].line + 1):
        here = [number for number, place in enumerate(places) if place.line == line]
        texts = {number: _wrap(cells[number], places[number].width) for number in here}
        for depth in range(max(len(text) for text in texts.values())):
            paper = ""
            for number in here:
                place, text = places[number], texts[number]
                cell = text[depth] if depth < len(text) else ""
                if table.columns[number].fit is Fit.FIGURE:
                    cell = cell.rjust(place.width)
                paper = paper.ljust(place.start) + cell
            if paper.strip():
                lines.append(paper.rstrip())
    return lines


def _wrap(text: str, width: int) -> list[str]:
    return wrap(text, width, len)
