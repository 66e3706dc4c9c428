"""A table as a spreadsheet (XLSX) with typed cells, so that people can go on counting.

Nothing in it is a formula or a link, whatever a text begins with. Rows go to a
temporary file one by one; memory does not grow with them.

A number format knows two conditions: from a lakh and from a crore on amounts have
India's commas, and a negative amount of a lakh or more has commas by thousands.
"""

from collections.abc import Callable
from datetime import date
from typing import BinaryIO, Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from dop_gateway.errors import ConflictError
from dop_gateway.exports.showing import india, show_moment
from dop_gateway.exports.table import Cell, Column, Kind, Row, Sums, Table
from protocol.errors import LocalProtocolError

ROWS_MAX: Final = 1_000_000
"""A sheet has 1,048,576 rows; some are above the table and below."""
HEAD_ROWS: Final = 6

_RUPEES: Final = (
    '[>=10000000]"₹ "##\\,##\\,##\\,##0.00;[>=100000]"₹ "##\\,##\\,##0.00;"₹ "#,##0.00'
)
_COUNTS: Final = "[>=10000000]##\\,##\\,##\\,##0;[>=100000]##\\,##\\,##0;#,##0"
_FORMATS: Final = {
    Kind.TEXT: "@",
    Kind.COUNT: _COUNTS,
    Kind.MONEY: _RUPEES,
    Kind.DAY: "dd-mm-yyyy",
    Kind.MOMENT: "dd-mm-yyyy hh:mm:ss",
    Kind.SHARE: "0.00%",
}
_WIDTHS: Final = {
    Kind.TEXT: 28,
    Kind.COUNT: 12,
    Kind.MONEY: 20,
    Kind.DAY: 12,
    Kind.MOMENT: 20,
    Kind.SHARE: 10,
}
"""Characters: the rows are not known when the columns are made."""
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def write_xlsx(table: Table, file: BinaryIO) -> None:
    """Write a table.

    Raises:
        ConflictError: It has more rows than a sheet.
        LocalProtocolError: A row has other cells than the columns say, or a text is
            longer than a cell can be.
    """
    with Workbook(file, _OPTIONS) as book:
        book.set_properties(
            {
                "title": table.title,
                "author": table.person,
                "created": india(table.generated_at),
            }
        )
        _Sheet(book, table).write()


class _Sheet:
    """The one sheet of a book, written from the top."""

    def __init__(self, book: Workbook, table: Table) -> None:
        self._table = table
        self._sheet: Worksheet = book.add_worksheet()
        self._bold = book.add_format({"bold": True})
        self._formats = _formats(book, bold=False)
        self._total_formats = _formats(book, bold=True)

    def write(self) -> None:
        """Write everything."""
        table = self._table
        for number, column in enumerate(table.columns):
            width = max(_WIDTHS[column.kind], len(column.title) + 2)
            self._sheet.set_column(number, number, width)
        self._head()
        sums = Sums(table.columns)
        for row in sums.watch(table.rows):
            if sums.rows > ROWS_MAX:
                message = f"a sheet holds {ROWS_MAX} rows"
                raise ConflictError(f"{message}: narrow the list, or take CSV")
            self._row(HEAD_ROWS + sums.rows - 1, row, self._formats)
        last = HEAD_ROWS + sums.rows
        if sums.total is not None:
            if not table.columns[0].summed:
                self._text(last, 0, table.labels.total, self._bold)
            self._row(last, sums.total, self._total_formats)
        if sums.rows:
            self._sheet.autofilter(HEAD_ROWS - 1, 0, last - 1, len(table.columns) - 1)

    def _head(self) -> None:
        table, labels = self._table, self._table.labels
        self._text(0, 0, table.title, self._bold)
        lines = (
            (labels.filter, table.filter_words),
            (labels.generated_at, show_moment(table.generated_at)),
            (labels.person, table.person),
        )
        for number, line in enumerate(lines, start=1):
            for at, text in enumerate(line):
                self._text(number, at, text)
        for number, column in enumerate(table.columns):
            self._text(HEAD_ROWS - 1, number, column.title, self._bold)
        self._sheet.freeze_panes(HEAD_ROWS, 0)
        self._sheet.repeat_rows(HEAD_ROWS - 1)

    def _row(self, number: int, row: Row, formats: dict[Kind, Format]) -> None:
        for at, column in enumerate(self._table.columns):
            self._cell(number, at, column, row[at], formats[column.kind])

    def _cell(
        self, row: int, at: int, column: Column, cell: Cell, shown: Format
    ) -> None:
        if isinstance(cell, str):
            self._text(row, at, cell, shown)
        elif isinstance(cell, date):
            self._sheet.write_datetime(row, at, cell, shown)
        elif cell is not None and column.kind is Kind.MOMENT:
            # A cell has no time zone: it shows India's clock.
            moment = india(cell).replace(tzinfo=None)
            self._sheet.write_datetime(row, at, moment, shown)
        elif cell is not None:
            self._sheet.write_number(row, at, _NUMBERS[column.kind](cell), shown)

    def _text(self, row: int, at: int, text: str, shown: Format | None = None) -> None:
        if self._sheet.write_string(row, at, text, shown):
            message = f"row {row + 1}: {len(text)} characters do not fit into a cell"
            raise LocalProtocolError(message)


_NUMBERS: Final[dict[Kind, Callable[[int], float]]] = {
    Kind.COUNT: lambda count: count,
    Kind.MONEY: lambda paise: paise / 100,
    Kind.SHARE: lambda basis_points: basis_points / 10_000,
}
"""Up to 2**53 paise a cell shows the right paisa."""


def _formats(book: Workbook, *, bold: bool) -> dict[Kind, Format]:
    return {
        kind: book.add_format({"num_format": shown, "bold": bold})
        for kind, shown in _FORMATS.items()
    }
