"""The words of a clause of SPEC.md, as a case quotes them."""

import re
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError
from rmfs_tools.lab.run_files import SPECIFICATION

_SENTENCE_ENDS: Final = re.compile(r"(?<=\.)\s")
_MARKS: Final = re.compile(r"[`*]")


class ClauseError(RmfsError):
    """There is no such clause, or these are not its words."""


def first_sentence(clause: str, specification: Path = SPECIFICATION) -> str:
    """Quote the first sentence of a clause.

    Args:
        clause: Such as ``DLG-8.3``, or ``REG-6`` where the clause is a heading.
        specification: SPEC.md.

    Raises:
        ClauseError: There is no such clause.
    """
    text = specification.read_text("utf-8")
    name = re.escape(clause)
    found = re.search(rf"\*\*{name}\*\*\s+|^### {name}\b.*\n+", text, re.MULTILINE)
    if found is None:
        raise ClauseError(
            f"SPEC.md has no clause {clause}: rmfs certify list --coverage"
        )
    paragraph, _, _ = text[found.end() :].partition("\n\n")
    return _SENTENCE_ENDS.split(plain(paragraph), maxsplit=1)[0]


def check_words(words: str, specification: Path = SPECIFICATION) -> None:
    """See whether words stand in the specification.

    Args:
        words: A part of it, marks left out or not.
        specification: SPEC.md.

    Raises:
        ClauseError: They do not.
    """
    if plain(words) not in plain(specification.read_text("utf-8")):
        raise ClauseError(f"these words do not stand in SPEC.md: {words}")


def plain(text: str) -> str:
    """Read words without their marks, and with one space between them."""
    return " ".join(_MARKS.sub("", text).split())
