"""Values of fields as a step writes them: resolved against what would be right.

Raises nothing while a case runs: what a step may say is checked when it is read.
"""

from enum import IntEnum
from typing import Final

from hw.lab.steps import StepError
from protocol.messages.codec import FieldValue
from protocol.messages.tables import Field, Kind

RIGHT: Final = "right"
WRONG: Final = "wrong"
ZERO: Final = "zero"
ANY: Final = "any"
HEX: Final = "hex:"
_NUMBERS: Final = frozenset({Kind.UINT, Kind.AMOUNT, Kind.TIME})


def check_value(field: Field, text: str) -> None:
    """Check that a step may say this of a field.

    Raises:
        StepError: It may not, and why.
    """
    resolve(field, text, 0 if field.kind in _NUMBERS else bytes(field.octets))


def resolve(field: Field, text: str, right: FieldValue) -> FieldValue:
    """Say what a field is to hold.

    Args:
        field: Its place in the table.
        text: As the step writes it.
        right: What an honest sender would put there.

    Raises:
        StepError: It means nothing for this field, or does not fit into it.
    """
    if text == RIGHT:
        return right
    if field.kind in _NUMBERS:
        return _number(field, text, right)
    return _octets(field, text, right)


def _number(field: Field, text: str, right: FieldValue) -> int:
    beside = right if isinstance(right, int) else 0
    highest = 2 ** (8 * field.octets) - 1
    if text == WRONG:
        return beside ^ 1
    if text == ZERO:
        return 0
    value = _named(field.values, text)
    if value is None:
        try:
            number = int(text, 0)
        except ValueError:
            raise StepError(
                f"{field.name}: {text!r} is no number and no name"
            ) from None
        value = (beside + number) % (highest + 1) if text[0] in "+-" else number
    if not 0 <= value <= highest:
        raise StepError(f"{field.name}: {text} does not fit {field.octets} octets")
    return value


def _named(values: type[IntEnum] | None, text: str) -> int | None:
    if values is None or text not in values.__members__:
        return None
    return int(values[text])


def _octets(field: Field, text: str, right: FieldValue) -> bytes:
    beside = right if isinstance(right, bytes) else bytes(field.octets)
    if text == WRONG:
        return beside[:-1] + bytes([beside[-1] ^ 1])
    if text == ZERO:
        return bytes(field.octets)
    if text.startswith(HEX):
        try:
            value = bytes.fromhex(text.removeprefix(HEX))
        except ValueError:
            raise StepError(f"{field.name}: {text!r} is no hexadecimal") from None
    else:
        value = text.encode("ascii", "replace")
    if len(value) != field.octets:
        raise StepError(f"{field.name}: {text!r} has not {field.octets} octets")
    return value


def show_value(field: Field, value: FieldValue) -> str:
    """Show a value as a step could write it."""
    if isinstance(value, bytes):
        return f"{HEX}{value.hex()}"
    if field.values is not None:
        for name, member in field.values.__members__.items():
            if member == value:
                return name
    return str(value)
