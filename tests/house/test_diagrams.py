"""Diagrams of state tables in the docs are what the tables draw.

A diagram stands in a fenced Mermaid block right after a line that says which table it
is: ``<!-- table: package.module:NAME -->``. To bring one up to date, paste what the
failing test prints.
"""

import importlib
import re
from dataclasses import dataclass

import pytest

from protocol.table import Table
from tests.house.sources import shown, text_files

_MARK = r"<!-- table: (?P<module>[\w.]+):(?P<name>\w+) -->"
_BLOCK = r"```mermaid\n(?P<drawn>.*?)```"
_MARKED = re.compile(_MARK + r"\s*\n" + _BLOCK, re.DOTALL)


@dataclass(frozen=True)
class Diagram:
    """A marked diagram of a document."""

    document: str
    module: str
    name: str
    drawn: str


def diagrams(document: str, text: str) -> list[Diagram]:
    """Find the marked diagrams of a document.

    Raises:
        ValueError: A mark has no diagram, or a state diagram has no mark.
    """
    found = [
        Diagram(document, match["module"], match["name"], match["drawn"])
        for match in _MARKED.finditer(text)
    ]
    if len(found) != len(re.findall(_MARK, text)):
        message = f"{document}: a table's mark stands without a Mermaid block after it"
        raise ValueError(message)
    drawn = re.findall(_BLOCK, text, re.DOTALL)
    if len(found) != len([one for one in drawn if one.startswith("stateDiagram")]):
        message = f"{document}: a state diagram does not say which table it draws"
        raise ValueError(message)
    return found


def _all_diagrams() -> list[Diagram]:
    return [
        diagram
        for path in text_files()
        if path.suffix == ".md"
        for diagram in diagrams(shown(path), path.read_text())
    ]


def test_every_state_diagram_in_the_docs_is_what_its_table_draws() -> None:
    for diagram in _all_diagrams():
        table = getattr(importlib.import_module(diagram.module), diagram.name)
        assert isinstance(table, Table)
        assert diagram.drawn == table.mermaid(), diagram.document


def test_a_mark_without_a_diagram_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a Mermaid block"):
        diagrams("a.md", "<!-- table: protocol.link:TABLE -->\n\nwords\n")


def test_a_state_diagram_without_a_mark_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not say which table"):
        diagrams("a.md", "```mermaid\nstateDiagram-v2\n    [*] --> A\n```\n")


def test_a_marked_diagram_is_found() -> None:
    text = "<!-- table: a.b:T -->\n```mermaid\nstateDiagram-v2\n    [*] --> A\n```\n"
    assert diagrams("a.md", text) == [
        Diagram("a.md", "a.b", "T", "stateDiagram-v2\n    [*] --> A\n")
    ]
