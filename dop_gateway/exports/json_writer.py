"""A table as JSON, for programs: a row a line, as an object of its columns' names.

Money is text as in ``"2000.00"``, a moment is RFC 3339, counts are numbers.

Source: requirements, section 11 no. 1.
"""

import json
from collections.abc import Sequence
from typing import BinaryIO

from dop_gateway.exports.showing import india, tell
from dop_gateway.exports.table import Cell, Column, Kind, Row, Sums, Table


def write_json(table: Table, file: BinaryIO) -> None:
    """Write a table.

    Raises:
        LocalProtocolError: A row has other cells than the columns say.
    """
    head = {
        "title": table.title,
        "filter": dict(table.filter),
        "generated_at": india(table.generated_at).isoformat(),
        "person": table.person,
        "columns": [
            {"name": column.name, "title": column.title, "kind": column.kind.name}
            for column in table.columns
        ],
    }
    file.write(_json(head)[:-1].encode() + b', "rows": [')
    sums = Sums(table.columns)
    before = "\n"
    for row in sums.watch(table.rows):
        file.write(f"{before}{_json(named(table.columns, row))}".encode())
        before = ",\n"
    end: dict[str, object] = {"count": sums.rows, "totals": None}
    if sums.total is not None:
        totals = named(table.columns, sums.total)
        summed = [column.name for column in table.columns if column.summed]
        end["totals"] = {name: totals[name] for name in summed}
    file.write(f"\n], {_json(end)[1:]}\n".encode())


def named(columns: Sequence[Column], row: Row) -> dict[str, str | int | None]:
    """Give the cells of a row as JSON has them, by the names of their columns."""
    pairs = zip(columns, row, strict=True)
    return {column.name: _value(column.kind, cell) for column, cell in pairs}


def _value(kind: Kind, cell: Cell) -> str | int | None:
    if cell is None:
        return None
    return cell if isinstance(cell, int) and kind is Kind.COUNT else tell(kind, cell)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
