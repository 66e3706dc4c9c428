"""Fill the tables of docs/exchange-files.md from the layouts that the programs use.

``<!-- layout: NAME -->`` stands before the table of one layout, ``<!-- header -->``
before that of the fields which begin every file. A test compares; ``python -m
rmfs_tools.exchange_document`` writes.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from protocol.exchange import Layout, shipped_layouts
from protocol.exchange.file import HEADER_NAMES
from protocol.exchange.layout import Field, Record

DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "exchange-files.md"

_TABLE: Final = r"\n(?:\n?\|.*\n(?:\|.*\n)*)?"
_LAYOUT: Final = re.compile(r"<!-- layout: ([a-z-]+) -->" + _TABLE)
_HEADER: Final = re.compile(r"<!-- header -->" + _TABLE)
_HEADING: Final = (
    "| record | field | what stands there | meaning |",
    "|---|---|---|---|",
)


def show_layout(layout: Layout) -> str:
    """Draw what the files of a layout hold, but for the header of all files."""
    of_all = {"format", "version", *HEADER_NAMES}
    extra = [one for one in layout.header.fields if one.name not in of_all]
    records = [
        (layout.header, extra),
        *((record, record.fields) for record in layout.lines.values()),
    ]
    if layout.trailer is not None:
        records.append((layout.trailer, layout.trailer.fields))
    return _show(row for record, fields in records for row in _rows(record, fields))


def show_header(layout: Layout) -> str:
    """Draw the fields that begin every file, as one layout has them."""
    names = ("format", "version", *HEADER_NAMES)
    fields = [one for one in layout.header.fields if one.name in names]
    return _show(_rows(layout.header, fields))


def fill(text: str) -> str:
    """Write every table of the document anew."""
    layouts = shipped_layouts()

    def layout(found: re.Match[str]) -> str:
        return f"<!-- layout: {found[1]} -->\n\n{show_layout(layouts[found[1]])}"

    header = f"<!-- header -->\n\n{show_header(layouts['fund'])}"
    return _LAYOUT.sub(layout, _HEADER.sub(header, text))


def _show(rows: Iterable[str]) -> str:
    return "\n".join((*_HEADING, *rows, ""))


def _rows(record: Record, fields: Iterable[Field]) -> Iterator[str]:
    called = f"`{record.tag}` {record.name.replace('_', '-')}"
    for field in fields:
        yield f"| {called} | `{field.name}` | {_words(field)} | {field.note} |"
        called = ""


def _words(field: Field) -> str:
    if field.constant is not None:
        return f"always `{field.spelling.write(field.constant)}`"
    words = field.spelling.words
    if field.spelling.names:
        words = ", ".join(f"`{name}`" for name in field.spelling.names)
    words += "; once in a file" if field.unique else ""
    return f"{words}; may be blank" if field.blank else words


def main() -> int:
    """Fill the document in place."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
