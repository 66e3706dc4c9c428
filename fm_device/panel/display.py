"""The display: 6 lines of 32 characters of ASCII, as small machines have.

Whatever shows it, a terminal or a page, shows these lines.
"""

from textwrap import wrap
from typing import Final

LINES: Final = 6
COLUMNS: Final = 32


def wrapped(text: str) -> list[str]:
    """Break a text into lines of the display; an empty one is one empty line."""
    return wrap(text, COLUMNS) or [""]


def pair(name: str, value: str) -> str:
    """A name at the left and a value at the right, which is never cut."""
    room = COLUMNS - len(value)
    return f"{name[: room - 1] if value else name:<{room}}{value}"
