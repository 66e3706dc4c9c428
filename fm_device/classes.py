"""Product classes: the letters that operators know, and their numbers on the wire.

The letters are those printed on franks; the Department's full list is not public, and
the numbers are this product's own (1 to 255, DLG-9).
"""

from typing import Final

from fm_device.psd.records import CLASSES_MAX
from protocol.errors import LocalProtocolError

CLASSES: Final = {
    "P": (1, "post card"),
    "ILC": (2, "inland letter card"),
    "L": (3, "letter"),
    "BP": (4, "book post"),
    "RL": (5, "registered letter"),
    "SP": (6, "speed post"),
}
_LETTERS: Final = {number: letters for letters, (number, _) in CLASSES.items()}


def parse_class(text: str) -> int:
    """Read a class: its letters in any case, or its number.

    Raises:
        LocalProtocolError: There is no such class.
    """
    known = CLASSES.get(text.upper())
    if known is not None:
        return known[0]
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= CLASSES_MAX:
        return int(text)
    letters = ", ".join(CLASSES)
    raise LocalProtocolError(
        f"{text!r} is no product class: choose one of {letters}, or 1 to {CLASSES_MAX}"
    )


def show_class(number: int) -> str:
    """Show a class to people: its letters, or its number where it has none."""
    return _LETTERS.get(number, str(number))
