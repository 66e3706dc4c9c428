"""A table as PDF: sheets with the head again on each, their number, and how many.

Figures have the width that their kind needs, texts share the rest and are wrapped. How
wide texts are is measured at the first rows only, because rows are not kept: memory
holds the sheets that are drawn, and so the number of rows is bounded. A table that has
more columns than an A4 sheet is wide is drawn on a larger one.
"""

from collections.abc import Sequence
from contextlib import closing
from itertools import chain, islice
from typing import BinaryIO, Final

from dop_gateway.errors import ConflictError
from dop_gateway.exports.page import PAGES, Paper, Sheets
from dop_gateway.exports.showing import india, show, show_moment
from dop_gateway.exports.table import Column, Kind, Row, Sums, Table
from protocol.errors import LocalProtocolError

ROWS_MAX: Final = 20_000
"""More than anybody prints: about 500 sheets."""

_UPRIGHT_COLUMNS_MAX: Final = 5
_SAMPLE_ROWS: Final = 100
_CELL_LINES_MAX: Final = 8
_HEAD_LINES_MAX: Final = 4
_EDGE_MM: Final = 12.0
_FOOT_MM: Final = 14.0
_FOOT_NUMBER_MM: Final = 28.0
_GAP_MM: Final = 3.0
_TEXT_MM_MIN: Final = 14.0
_SLACK_MM: Final = 0.3
_LINE_MM: Final = 3.7
_ABOVE_MM: Final = 0.9
_BASELINE_MM: Final = 2.8
_SIZE_PT: Final = 7.5
_SMALL_PT: Final = 7.0
_TITLE_PT: Final = 13.0

_WIDEST: Final = {
    Kind.COUNT: "99,99,99,999",
    Kind.MONEY: "-99,99,99,99,999.00",
    Kind.DAY: "30-12-2026",
    Kind.MOMENT: "30-12-2026 20:59:59",
    Kind.SHARE: "-100.00%",
}
"""What a column of figures has room for; what is longer goes on a second line."""


def write_pdf(table: Table, file: BinaryIO, rows_max: int = ROWS_MAX) -> None:
    """Write a table.

    Args:
        table: What is written.
        file: Where to; nothing is written before the whole is drawn.
        rows_max: How many rows may be drawn.

    Raises:
        ConflictError: It has too many rows to be printed.
        LocalProtocolError: A row has other cells than the columns say, or there are
            more columns than a sheet is wide.
    """
    landscape = len(table.columns) > _UPRIGHT_COLUMNS_MAX
    made = india(table.generated_at)
    for paper in Paper:
        is_last = paper is Paper.A2
        with closing(Sheets(table.title, made, paper, landscape=landscape)) as sheets:
            if is_last or _has_room(sheets, table.columns):
                _draw(table, sheets, rows_max)
                file.write(sheets.octets())
                return


def _draw(table: Table, sheets: Sheets, rows_max: int) -> None:
    sums = Sums(table.columns)
    rows = sums.watch(table.rows)
    sample = list(islice(rows, _SAMPLE_ROWS))
    pages = _Pages(sheets, table, _widths(sheets, table.columns, sample))
    for number, row in enumerate(chain(sample, rows), start=1):
        if number > rows_max:
            message = f"a PDF holds {rows_max} rows"
            raise ConflictError(f"{message}: narrow the list, or take CSV")
        pages.row(_shown(table.columns, row))
    if not sums.rows:
        pages.row([table.labels.nothing, *("" for _ in table.columns[1:])])
    if sums.total is not None:
        cells = _shown(table.columns, sums.total)
        pages.row([cells[0] or table.labels.total, *cells[1:]], bold=True)


class _Pages:
    """Rows from the top of a sheet to its foot, then on the next."""

    def __init__(
        self, sheets: Sheets, table: Table, widths_mm: Sequence[float]
    ) -> None:
        self._sheets = sheets
        self._table = table
        self._widths_mm = widths_mm
        self._right_mm = sheets.width_mm - _EDGE_MM
        self._bottom_mm = sheets.height_mm - _FOOT_MM
        self._y_mm = 0.0
        self._begin()

    def row(self, cells: Sequence[str], *, bold: bool = False) -> None:
        """Draw a row; the head stands above it if it begins a sheet."""
        lines = self._wrapped(cells, _CELL_LINES_MAX, bold=bold)
        if self._y_mm + _height_mm(lines) > self._bottom_mm:
            self._begin()
        grey = 0 if bold else 210
        self._sheets.rule(_EDGE_MM, self._right_mm, self._y_mm, grey)
        self._draw(lines, bold=bold)

    def _begin(self) -> None:
        self._sheets.add()
        self._foot()
        self._y_mm = _EDGE_MM
        if self._sheets.count == 1:
            self._title()
        titles = [column.title for column in self._table.columns]
        self._draw(self._wrapped(titles, _HEAD_LINES_MAX, bold=True), bold=True)
        self._sheets.rule(_EDGE_MM, self._right_mm, self._y_mm, 0)

    def _title(self) -> None:
        table, labels = self._table, self._table.labels
        width_mm = self._right_mm - _EDGE_MM
        self._sheets.draw(_EDGE_MM, self._y_mm + 4, table.title, _TITLE_PT, bold=True)
        self._y_mm += 7
        for name, value in (
            (labels.filter, table.filter_words),
            (labels.generated_at, show_moment(table.generated_at)),
            (labels.person, table.person),
        ):
            text = f"{name}: {value}"
            for line in self._sheets.wrap(text, width_mm, _SIZE_PT, _CELL_LINES_MAX):
                self._sheets.draw(_EDGE_MM, self._y_mm + _BASELINE_MM, line, _SIZE_PT)
                self._y_mm += _LINE_MM
        self._y_mm += 2

    def _foot(self) -> None:
        y_mm = self._bottom_mm + 5
        self._sheets.rule(_EDGE_MM, self._right_mm, self._bottom_mm + 1, 0)
        room_mm = self._right_mm - _EDGE_MM - _FOOT_NUMBER_MM
        when = show_moment(self._table.generated_at)
        text = f"{self._table.title}, {when}, {self._table.person}"
        (line, *_) = self._sheets.wrap(text, room_mm, _SMALL_PT, _CELL_LINES_MAX)
        self._sheets.draw(_EDGE_MM, y_mm, line, _SMALL_PT)
        at_mm = self._right_mm - _FOOT_NUMBER_MM + _GAP_MM
        number = f"{self._sheets.count} / {PAGES}"
        self._sheets.note(at_mm, y_mm, number, _SMALL_PT)

    def _wrapped(
        self, cells: Sequence[str], lines_max: int, *, bold: bool
    ) -> list[list[str]]:
        return [
            self._sheets.wrap(cell, width_mm, _SIZE_PT, lines_max, bold=bold)
            for cell, width_mm in zip(cells, self._widths_mm, strict=True)
        ]

    def _draw(self, cells: list[list[str]], *, bold: bool) -> None:
        x_mm = _EDGE_MM
        columns = zip(self._table.columns, cells, self._widths_mm, strict=True)
        for column, lines, width_mm in columns:
            for depth, line in enumerate(lines):
                y_mm = self._y_mm + _ABOVE_MM + _BASELINE_MM + depth * _LINE_MM
                at_mm = x_mm
                if column.kind not in {Kind.TEXT, Kind.DAY, Kind.MOMENT}:
                    wide_mm = self._sheets.measure(line, _SIZE_PT, bold=bold)
                    at_mm += width_mm - wide_mm
                self._sheets.draw(at_mm, y_mm, line, _SIZE_PT, bold=bold)
            x_mm += width_mm + _GAP_MM
        self._y_mm += _height_mm(cells)


def _height_mm(cells: list[list[str]]) -> float:
    return max(len(lines) for lines in cells) * _LINE_MM + _ABOVE_MM


def _shown(columns: Sequence[Column], row: Row) -> list[str]:
    return [show(column.kind, cell) for column, cell in zip(columns, row, strict=True)]


def _widest_mm(sheets: Sheets) -> dict[Kind, float]:
    return {
        kind: _SLACK_MM
        + max(sheets.measure(text, _SIZE_PT, bold=bold) for bold in (False, True))
        for kind, text in _WIDEST.items()
    }


def _left_mm(sheets: Sheets, columns: Sequence[Column]) -> float:
    """Say how much of a sheet figures leave to texts."""
    widest_mm = _widest_mm(sheets)
    taken_mm = sum(widest_mm.get(column.kind, 0.0) for column in columns)
    gaps_mm = _GAP_MM * (len(columns) - 1)
    return sheets.width_mm - 2 * _EDGE_MM - gaps_mm - taken_mm


def _has_room(sheets: Sheets, columns: Sequence[Column]) -> bool:
    texts = sum(column.kind is Kind.TEXT for column in columns)
    return _left_mm(sheets, columns) >= _TEXT_MM_MIN * texts


def _widths(
    sheets: Sheets, columns: Sequence[Column], sample: Sequence[Row]
) -> list[float]:
    """Figures take what their kind needs; texts share what is left, as they need it.

    Raises:
        LocalProtocolError: Nothing is left for the texts.
    """
    widest_mm = _widest_mm(sheets)
    left_mm = _left_mm(sheets, columns)
    texts = [at for at, column in enumerate(columns) if column.kind is Kind.TEXT]
    if not _has_room(sheets, columns):
        raise LocalProtocolError(f"{len(columns)} columns do not fit on a sheet")
    needs_mm = {
        at: max(
            _TEXT_MM_MIN,
            sheets.measure(columns[at].title, _SIZE_PT, bold=True),
            *(sheets.measure(str(row[at] or ""), _SIZE_PT) for row in sample),
        )
        for at in texts
    }
    # Each text has the least that it needs; the rest goes where more is needed, and
    # what nobody needs goes to all alike.
    spare_mm = left_mm - _TEXT_MM_MIN * len(texts)
    more_mm = sum(needs_mm.values()) - _TEXT_MM_MIN * len(texts)
    share = min(1.0, spare_mm / more_mm) if more_mm else 0.0
    air_mm = (spare_mm - more_mm * share) / len(columns)
    return [
        air_mm + _TEXT_MM_MIN + (needs_mm[at] - _TEXT_MM_MIN) * share
        if at in needs_mm
        else air_mm + widest_mm[column.kind]
        for at, column in enumerate(columns)
    ]
