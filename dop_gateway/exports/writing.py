"""The formats in which a list can be had."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

from dop_gateway.exports.csv_writer import write_csv
from dop_gateway.exports.json_writer import write_json
from dop_gateway.exports.pdf import write_pdf
from dop_gateway.exports.table import Table
from dop_gateway.exports.xlsx import write_xlsx


@dataclass(frozen=True, slots=True)
class _Way:
    """How a format is written, and what it is called outside."""

    media_type: str
    write: Callable[[Table, BinaryIO], None]


class Format(Enum):
    """A format; its value is the end of a file's name."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return _WAYS[self].media_type

    def write(self, table: Table, file: BinaryIO) -> None:
        """Write a table; a file that was not written to its end is thrown away.

        Raises:
            ConflictError: The format does not hold so many rows.
            LocalProtocolError: The table is not as its columns say.
        """
        _WAYS[self].write(table, file)


_WAYS = {
    Format.CSV: _Way("text/csv; charset=utf-8", write_csv),
    Format.XLSX: _Way(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx
    ),
    Format.PDF: _Way("application/pdf", write_pdf),
    Format.JSON: _Way("application/json", write_json),
}
