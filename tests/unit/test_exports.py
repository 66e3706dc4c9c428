"""One table in every format, as others read it back (GW-08)."""

import csv
import io
import json
import os
import re
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from dop_gateway.errors import ConflictError
from dop_gateway.exports.csv_writer import CALCULATED
from dop_gateway.exports.pdf import write_pdf
from dop_gateway.exports.showing import group, show
from dop_gateway.exports.table import (
    Cell,
    Column,
    Kind,
    Listing,
    Row,
    Sums,
    Table,
)
from dop_gateway.exports.writing import Format
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

MORNING = EpochSeconds(1_794_799_800)
"""16 November 2026, 09:00 in India."""
NO_DATABASE: Any = None
DAY = date(2026, 11, 16)
COLUMNS = (
    Column("office", "Office"),
    Column("items", "Items", Kind.COUNT, summed=True),
    Column("amount", "Amount", Kind.MONEY, summed=True),
    Column("day", "Day", Kind.DAY),
    Column("at", "At (IST)", Kind.MOMENT),
    Column("share", "Share", Kind.SHARE),
)
ROWS: tuple[Row, ...] = (
    ("बेंगलुरु GPO", 123_456, 1_234_567_890, DAY, MORNING, 1_250),
    ("=SUM(A1:A9)", 1, -50, None, None, None),
)


def table(rows: Iterable[Row] = ROWS, **changed: Any) -> Table:
    filter_ = (("Circle", "Karnataka"), ("Day", "16-11-2026"))
    said = {"title": "Deposits", "filter": filter_, **changed}
    return Table(
        generated_at=MORNING, person="asha", columns=COLUMNS, rows=rows, **said
    )


def written(format_: Format, made: Table) -> bytes:
    file = io.BytesIO()
    format_.write(made, file)
    return file.getvalue()


def many(count: int) -> Iterator[Row]:
    for number in range(count):
        yield (f"Office {number}", number, number * 100, DAY, MORNING, 5_000)


def test_a_csv_says_what_it_is_and_begins_with_a_byte_order_mark() -> None:
    octets = written(Format.CSV, table())
    assert octets.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["Deposits"],
        ["Filter", "Circle: Karnataka; Day: 16-11-2026"],
        ["Generated at", "16-11-2026 09:00:00 IST"],
        ["User", "asha"],
        [],
        ["Office", "Items", "Amount", "Day", "At (IST)", "Share"],
        [
            *("बेंगलुरु GPO", "123456", "12345678.90", "2026-11-16"),
            *("2026-11-16T09:00:00+05:30", "12.50"),
        ],
        ["'=SUM(A1:A9)", "1", "-0.50", "", "", ""],
        ["Total", "123457", "12345678.40", "", "", ""],
    ]


@pytest.mark.parametrize("start", CALCULATED)
def test_a_text_that_a_spreadsheet_would_calculate_is_led_by_an_apostrophe(
    start: str,
) -> None:
    typed = f"{start}cmd|' /C calc'!A0"
    row = (typed, None, None, None, None, None)
    octets = written(Format.CSV, table([row], title=typed))
    rows = list(csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline="")))
    assert rows[0] == [f"'{typed}"]
    assert rows[6][0] == f"'{typed}"


def test_the_cells_of_a_spreadsheet_have_types() -> None:
    sheet = load_workbook(io.BytesIO(written(Format.XLSX, table()))).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[:2] for row in rows[:4]] == [
        ["Deposits", None],
        ["Filter", "Circle: Karnataka; Day: 16-11-2026"],
        ["Generated at", "16-11-2026 09:00:00 IST"],
        ["User", "asha"],
    ]
    assert rows[6] == [
        "बेंगलुरु GPO",
        123_456,
        12_345_678.9,
        datetime(2026, 11, 16),  # noqa: DTZ001 - a cell has no time zone
        datetime(2026, 11, 16, 9),  # noqa: DTZ001 - a cell has no time zone
        0.125,
    ]
    formula = sheet.cell(8, 1)
    assert (formula.value, formula.data_type) == ("=SUM(A1:A9)", "s")
    assert "₹" in sheet.cell(7, 3).number_format
    assert sheet.cell(7, 4).number_format == "dd-mm-yyyy"
    assert rows[8][:3] == ["Total", 123_457, 12_345_678.4]


def test_json_has_rows_by_name_and_money_as_text() -> None:
    """GW-04: paise in storage, rupees as text outside."""
    told = json.loads(written(Format.JSON, table()))
    assert told["rows"] == [
        {
            "office": "बेंगलुरु GPO",
            "items": 123_456,
            "amount": "12345678.90",
            "day": "2026-11-16",
            "at": "2026-11-16T09:00:00+05:30",
            "share": "12.50",
        },
        {
            "office": "=SUM(A1:A9)",
            "items": 1,
            "amount": "-0.50",
            "day": None,
            "at": None,
            "share": None,
        },
    ]
    assert told["count"] == 2
    assert told["totals"] == {"items": 123_457, "amount": "12345678.40"}
    assert told["filter"] == {"Circle": "Karnataka", "Day": "16-11-2026"}
    assert told["columns"][2] == {"name": "amount", "title": "Amount", "kind": "MONEY"}


@pytest.mark.parametrize("format_", Format)
def test_a_list_without_rows_can_be_had_too(format_: Format) -> None:
    assert written(format_, table([]))


@pytest.mark.parametrize("format_", Format)
def test_the_same_table_gives_the_same_octets(format_: Format) -> None:
    assert written(format_, table()) == written(format_, table())


@pytest.mark.parametrize("format_", [Format.CSV, Format.JSON, Format.XLSX])
def test_memory_does_not_grow_with_the_rows(format_: Format) -> None:
    assert _peak(format_, 5_000) < _peak(format_, 500) + 1_000_000


@pytest.mark.parametrize(("columns", "wide_pt"), [(6, 841), (18, 1190), (26, 1683)])
def test_a_pdf_of_many_columns_has_larger_sheets(columns: int, wide_pt: int) -> None:
    wide = [Column(f"c{n}", f"Column {n}") for n in range(columns)]
    made = replace(table(()), columns=wide)
    pdf = written(Format.PDF, made).decode("latin-1")
    found = re.search(r"/MediaBox \[0 0 (\d+)", pdf)
    assert found is not None
    assert int(found[1]) == wide_pt


def test_a_pdf_of_too_many_rows_is_refused() -> None:
    write_pdf(table(many(3)), io.BytesIO(), rows_max=3)
    with pytest.raises(ConflictError, match="narrow the list, or take CSV"):
        write_pdf(table(many(4)), io.BytesIO(), rows_max=3)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("an office",), "1 cells, 6 are needed"),
        ((1, 1, 1, DAY, MORNING, 1), "office is int, not TEXT"),
        (("an office", 1, 1.5, DAY, MORNING, 1), "amount is float, not MONEY"),
        (("an office", True, 1, DAY, MORNING, 1), "items is bool, not COUNT"),
    ],
)
def test_a_row_that_is_not_as_its_columns_is_our_mistake(row: Any, words: str) -> None:
    with pytest.raises(LocalProtocolError, match=words):
        written(Format.CSV, table([row]))


def test_only_counts_and_money_are_summed() -> None:
    with pytest.raises(LocalProtocolError, match="would say nothing"):
        Column("share", "Share", Kind.SHARE, summed=True)
    assert Sums([Column("office", "Office")]).total is None


@pytest.mark.parametrize(
    ("kind", "cell", "shown"),
    [
        (Kind.MONEY, 1_234_567_890, "1,23,45,678.90"),
        (Kind.MONEY, -100_000_00, "-1,00,000.00"),
        (Kind.MONEY, 5, "0.05"),
        (Kind.COUNT, 999, "999"),
        (Kind.DAY, DAY, "16-11-2026"),
        (Kind.MOMENT, MORNING, "16-11-2026 09:00:00"),
        (Kind.SHARE, 1_250, "12.50%"),
        (Kind.TEXT, None, ""),
    ],
)
def test_people_read_figures_as_in_india(kind: Kind, cell: Cell, shown: str) -> None:
    assert show(kind, cell) == shown


def test_commas_stand_after_three_digits_and_then_after_every_two() -> None:
    shown = [group(10**power) for power in (2, 3, 4, 5, 6, 7)]
    assert shown == [
        *("100", "1,000", "10,000", "1,00,000", "10,00,000", "1,00,00,000")
    ]


@dataclass(frozen=True)
class Above:
    """Offices with more items than so many."""

    items: int

    def words(self) -> list[tuple[str, str]]:
        return [("More than", f"{self.items} items")] if self.items else []


def test_one_filter_makes_the_rows_and_the_words() -> None:
    listing: Listing[Above] = Listing(
        "Deposits",
        COLUMNS,
        lambda _connection, narrowed: (
            row for row in many(4) if int(str(row[1])) > narrowed.items
        ),
    )
    told = [
        json.loads(
            written(
                Format.JSON,
                listing.table(NO_DATABASE, one, person="asha", now=MORNING),
            )
        )
        for one in (Above(2), Above(0))
    ]
    assert [(one["filter"], one["count"]) for one in told] == [
        ({"More than": "2 items"}, 1),
        ({}, 3),
    ]


def _peak(format_: Format, rows: int) -> int:
    # Once before, so that what is imported and cached is not counted.
    format_.write(table(many(10)), io.BytesIO())
    with Path(os.devnull).open("wb") as nowhere:
        tracemalloc.start()
        try:
            # A spreadsheet is a ZIP file, which goes back to where it began.
            file = io.BytesIO() if format_ is Format.XLSX else nowhere
            format_.write(table(many(rows)), file)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
