"""What holds for every mistake that is planted in a copy of the product's text."""

import ast
from collections.abc import Sequence
from typing import Final

from rmfs_tools.planting import ROOT, Edit, planted_texts

WRONG_EDITS: Final = [
    ('id = "one"', ""),
    ('id = "one"', 'id = "one"\nswitch = "on"'),
    ('find = "no such text"', ""),
]
"""Changes of a description, with the id ``one`` and an edit, that leave it none."""


def fits(name: str, edits: Sequence[Edit]) -> bool:
    """Whether a mistake changes each of its files, and leaves it Python.

    Raises:
        PlantingError: The product's text has changed, and it does not fit.
        SyntaxError: It leaves a file that is not Python.
    """
    texts = planted_texts(name, edits, ROOT)
    for file, text in texts.items():
        if file.endswith(".py"):
            ast.parse(text, file)
    return all(text != (ROOT / file).read_text() for file, text in texts.items())
