"""Product classes as operators know them: by letters, with their numbers on the wire.

Classes come from a tariff; where none is given, from the tariff of a new machine. The
letters are those printed on franks; the Department's full list is not public, and the
numbers are this product's own (1 to 255, DLG-9).
"""

from fm_device.postage.factory import factory_tariff
from protocol.contents import CLASS_NUMBER_MAX, Tariff
from protocol.errors import LocalProtocolError


def parse_class(text: str, tariff: Tariff | None = None) -> int:
    """Read a class: its letters in any case, or its number.

    Raises:
        LocalProtocolError: There is no such class.
    """
    classes = (tariff or factory_tariff()).classes
    for one in classes:
        if one.letters == text.upper():
            return one.number
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= CLASS_NUMBER_MAX:
        return int(text)
    letters = ", ".join(one.letters for one in classes)
    raise LocalProtocolError(
        f"{text!r} is no product class: choose one of {letters}, "
        f"or 1 to {CLASS_NUMBER_MAX}"
    )


def show_class(number: int, tariff: Tariff | None = None) -> str:
    """Show a class to people: its letters, or its number where it has none."""
    found = (tariff or factory_tariff()).find(number)
    return str(number) if found is None else found.letters
