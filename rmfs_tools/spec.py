"""Fill the generated parts of SPEC.md from the code that the programs run on.

Two kinds of marker stand in the text. ``<!-- octets: NAME -->`` is followed by the
octet table of a message or of the indicium, ``<!-- table: module:NAME -->`` by the
diagram of a state table. A test compares; ``python -m rmfs_tools.spec`` writes.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from protocol.indicium import FIELDS, INDICIUM_OCTETS
from protocol.messages import TABLES, Field, Kind, MessageTable
from protocol.table import Table

SPEC: Final = Path(__file__).parent.parent / "protocol" / "SPEC.md"

_OCTETS = re.compile(r"<!-- octets: (\w+) -->\n(?:\n?\|.*\n(?:\|.*\n)*)?")
_DIAGRAM = re.compile(
    r"<!-- table: ([\w.]+):(\w+) -->\n(?:\n?```mermaid\n.*?```\n)?", re.DOTALL
)
_KIND_NAME: Final = {
    Kind.UINT: "unsigned",
    Kind.AMOUNT: "paise",
    Kind.TIME: "seconds since 1970",
    Kind.LICENCE: "ASCII",
    Kind.OCTETS: "octets",
    Kind.SIGNATURE: "octets",
}


def show_octets(table: MessageTable) -> str:
    """Draw the octet table of a message as Markdown, one row a field."""
    title = (
        f"{table.type.name} (0x{table.type:02x}), {table.octets} octets, "
        f"sent by the {table.sender}"
    )
    type_row = f"| 0 | 1 | type | unsigned | 0x{table.type:02x} |"
    return _show(title, (type_row, *_rows(table.fields, 1)))


def show_indicium() -> str:
    """Draw the octet table of the indicium, which has no type octet."""
    title = f"an indicium, {INDICIUM_OCTETS} octets, made by the PSD"
    return _show(title, _rows(FIELDS, 0))


def _show(title: str, rows: Iterable[str]) -> str:
    heading = (f"| offset | octets | field | form | {title} |", "|---|---|---|---|---|")
    return "\n".join((*heading, *rows, ""))


def _rows(fields: Iterable[Field], offset: int) -> Iterator[str]:
    for field in fields:
        yield (
            f"| {offset} | {field.octets} | {field.name} | "
            f"{_KIND_NAME[field.kind]} | {field.meaning} |"
        )
        offset += field.octets


def fill(text: str) -> str:
    """Write every generated part of a specification text anew."""
    tables = {table.type.name: show_octets(table) for table in TABLES}
    tables["INDICIUM"] = show_indicium()

    def octets(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"<!-- octets: {name} -->\n\n{tables[name]}"

    def diagram(found: re.Match[str]) -> str:
        module, name = found.groups()
        table = getattr(import_module(module), name)
        if not isinstance(table, Table):
            return found.group(0)
        return f"<!-- table: {module}:{name} -->\n\n```mermaid\n{table.mermaid()}```\n"

    return _DIAGRAM.sub(diagram, _OCTETS.sub(octets, text))


def main() -> int:
    """Fill SPEC.md in place."""
    text = SPEC.read_text("utf-8")
    SPEC.write_text(fill(text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
