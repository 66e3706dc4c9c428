"""What holds for every mistake that is planted in a copy of the product's text."""

import ast
import subprocess
import sys
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

    A name that the product no longer has would break every world, and look as if the
    mistake had been found.

    Raises:
        PlantingError: The product's text has changed, and it does not fit.
        SyntaxError: It leaves a file that is not Python.
        AssertionError: It leaves a name that is not defined.
    """
    texts = planted_texts(name, edits, ROOT)
    for file, text in texts.items():
        if file.endswith(".py"):
            ast.parse(text, file)
            found = undefined_names(text)
            assert not found, f"{name}: {file}: {found}"
    return all(text != (ROOT / file).read_text() for file, text in texts.items())


def undefined_names(text: str) -> str:
    """Say which names a program uses and does not define; empty if none."""
    said = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--isolated", "--quiet"),
            *("--select", "F821", "--output-format", "concise", "-"),
        ],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout + said.stderr
