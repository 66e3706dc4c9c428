"""The map: which step of the model stands for which rows and which clauses.

It stands in the model itself, in the comment before each step, and the rows that have
no step stand in ``outside.toml`` with a reason. `differences` says where map, tables
and specification have parted.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protocol.table import Table
from rmfs_tools.model.spin import SOURCE

FOLDER: Final = SOURCE.parent
ANY: Final = "*"

_COMMENT: Final = re.compile(r"/\* step: ([\w-]+)\n(.*?)\*/", re.DOTALL)
_PRINTED: Final = re.compile(r'printf\("step: ([\w-]+)')
_PLANTED: Final = re.compile(r"/\* \(planted\) \*/.*?(?=/\*|#endif)", re.DOTALL)
_MARGIN: Final = re.compile(r"^\s*\*? ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a state table, by its names.

    Attributes:
        table: ``machine``, ``server`` or ``psd``.
        state: Name of the state, or ``*``.
        event: Name of the event's type.
    """

    table: str
    state: str
    event: str

    def __str__(self) -> str:
        """Show it as the map has it."""
        return f"{self.table} {self.state} {self.event}"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the model.

    Attributes:
        name: As it is printed.
        what: What it is, in a sentence or two.
        rows: The rows of the state tables that it stands for.
        clauses: The clauses of SPEC.md.
        file: Where it stands.
    """

    name: str
    what: str
    rows: tuple[TableRow, ...]
    clauses: tuple[str, ...]
    file: str


@dataclass(frozen=True, slots=True)
class Outside:
    """Rows that the model leaves out, and why."""

    rows: tuple[TableRow, ...]
    reason: str


def read_steps(folder: Path = FOLDER) -> tuple[Step, ...]:
    """Read the steps of the model in the order in which they stand."""
    return tuple(
        _step(name, comment, path.name)
        for path in sorted(folder.glob("*.pml"))
        for name, comment in _COMMENT.findall(path.read_text())
    )


def read_outside(folder: Path = FOLDER) -> tuple[Outside, ...]:
    """Read the rows that the model leaves out."""
    document = tomllib.loads((folder / "outside.toml").read_text())
    return tuple(
        Outside(tuple(map(_row, entry["rows"])), entry["reason"])
        for entry in document["outside"]
    )


def steps_without_comment(folder: Path = FOLDER) -> set[str]:
    """Name the steps that are printed, not planted, and have no comment."""
    printed = {
        name
        for path in folder.glob("*.pml")
        for name in _PRINTED.findall(_PLANTED.sub("", path.read_text()))
    }
    return printed ^ {step.name for step in read_steps(folder)}


def differences(
    steps: Iterable[Step],
    outside: Iterable[Outside],
    tables: Mapping[str, Table[Any, Any]],
    clauses: set[str],
) -> list[str]:
    """Say where the map has parted from tables and specification; nothing is well.

    Args:
        steps: Of the model.
        outside: What it leaves out.
        tables: The state tables by the names that the map uses.
        clauses: All that SPEC.md defines.
    """
    steps, outside = tuple(steps), tuple(outside)
    there = {
        TableRow(name, row.state.name, row.event.__name__)
        for name, table in tables.items()
        for row in table.rows
    }
    mapped = [(row, step.name) for step in steps for row in step.rows]
    left_out = [(row, "outside.toml") for one in outside for row in one.rows]
    found = [
        f"{where} names {row}, and no table has that row"
        for row, where in (*mapped, *left_out)
        if not _meant(row, there)
    ]
    covered = {one for row, _ in (*mapped, *left_out) for one in _meant(row, there)}
    found += [
        f"{row} has no step in the model and no reason in outside.toml"
        for row in sorted(there - covered, key=str)
    ]
    twice = {one for row, _ in left_out for one in _meant(row, there)} & {
        row for row, _ in mapped
    }
    found += [f"{row} is left out and has a step" for row in sorted(twice, key=str)]
    found += [
        f"step {step.name} names {clause}, which SPEC.md does not define"
        for step in steps
        for clause in step.clauses
        if clause not in clauses
    ]
    return found


def show_map(steps: Iterable[Step]) -> str:
    """Draw the map as a Markdown table."""
    lines = [
        "| step | what it is | rows of the tables | clauses |",
        "|---|---|---|---|",
    ]
    for step in steps:
        rows = "; ".join(map(str, step.rows)).replace(ANY, "\\*")
        clauses = ", ".join(step.clauses)
        lines.append(f"| {step.name} | {step.what} | {rows} | {clauses} |")
    return "\n".join(lines) + "\n"


def show_outside(outside: Iterable[Outside]) -> str:
    """Draw what is left out as a Markdown table."""
    lines = ["| rows | why they have no step |", "|---|---|"]
    lines += [f"| {'; '.join(map(str, one.rows))} | {one.reason} |" for one in outside]
    return "\n".join(lines) + "\n"


def _step(name: str, comment: str, file: str) -> Step:
    text = _MARGIN.sub("", comment)
    what, _, rest = text.partition("rows:")
    rows, _, clauses = rest.partition("clauses:")
    return Step(
        name=name,
        what=" ".join(what.split()),
        rows=tuple(_row(row) for row in rows.split(";") if row.strip()),
        clauses=tuple(clauses.split()),
        file=file,
    )


def _row(text: str) -> TableRow:
    table, state, event = text.split()
    return TableRow(table, state, event)


def _meant(row: TableRow, there: set[TableRow]) -> set[TableRow]:
    if row.state != ANY:
        return {row} & there
    return {one for one in there if (one.table, one.event) == (row.table, row.event)}
