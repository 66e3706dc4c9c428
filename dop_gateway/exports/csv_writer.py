"""A table as CSV, for spreadsheets and programs.

UTF-8 with a byte order mark, without which a spreadsheet takes Hindi for something
else. A text that a spreadsheet would calculate is led by an apostrophe: it was typed by
somebody, and is opened by somebody else. Figures are ours and stay as they are.

Source: requirements, section 11 no. 8; OWASP, CSV Injection.
"""

import codecs
import csv
import io
from typing import BinaryIO, Final

from dop_gateway.exports.showing import show_moment, tell
from dop_gateway.exports.table import Cell, Kind, Sums, Table

CALCULATED: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width signs are calculated by some spreadsheets, too
"""Starts of what a spreadsheet takes for a formula."""


def write_csv(table: Table, file: BinaryIO) -> None:
    """Write a table.

    Raises:
        LocalProtocolError: A row has other cells than the columns say.
    """
    file.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=False)
    try:
        _write(table, text)
    finally:
        # The file belongs to the caller: it is not closed with the wrapper.
        text.detach()


def _write(table: Table, text: io.TextIOWrapper) -> None:
    writer = csv.writer(text)
    labels = table.labels
    writer.writerow([harmless(table.title)])
    writer.writerow([labels.filter, harmless(table.filter_words)])
    writer.writerow([labels.generated_at, show_moment(table.generated_at)])
    writer.writerow([labels.person, harmless(table.person)])
    writer.writerow([])
    writer.writerow([harmless(column.title) for column in table.columns])
    kinds = [column.kind for column in table.columns]
    sums = Sums(table.columns)
    for row in sums.watch(table.rows):
        writer.writerow(_shown(*pair) for pair in zip(kinds, row, strict=True))
    if sums.total is not None:
        cells = [_shown(*pair) for pair in zip(kinds, sums.total, strict=True)]
        writer.writerow([cells[0] or labels.total, *cells[1:]])


def harmless(text: str) -> str:
    """Lead a text by an apostrophe if a spreadsheet would calculate it."""
    return f"'{text}" if text.startswith(CALCULATED) else text


def _shown(kind: Kind, cell: Cell) -> str:
    shown = tell(kind, cell)
    return harmless(shown) if kind is Kind.TEXT else shown
