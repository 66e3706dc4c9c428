"""What people type at the machine's commands, read by functions of ours."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from protocol.errors import RmfsError

if TYPE_CHECKING:
    from hw.lines.strings import LineAddress
    from hw.scales.strings import ScaleAddress
    from protocol.values import LicenceIdentifier, Paise


class Typed(click.ParamType[Any]):
    """Something that a person types, read by a function of ours."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        """Name what is typed, for the help, and say who reads it."""
        self.name = name
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Read it; what cannot be read is a mistake in typing."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except RmfsError as error:
            self.fail(str(error), param, ctx)


def _rupees(text: str) -> "Paise":
    from protocol.amounts import parse_rupees

    return parse_rupees(text)


def _licence(text: str) -> "LicenceIdentifier":
    from protocol.values import parse_licence_identifier

    return parse_licence_identifier(text)


def _class(text: str) -> int:
    from fm_device.classes import parse_class

    return parse_class(text)


def _line(text: str) -> "LineAddress":
    from hw.lines.strings import parse_line_string

    return parse_line_string(text)


def _scale(text: str) -> "ScaleAddress":
    from hw.scales.strings import parse_scale

    return parse_scale(text)


def _day(text: str) -> Any:
    from fm_device.firmware.dates import NextWorkingDay

    if text == "next":
        return NextWorkingDay.WANTED
    digits = text.removeprefix("+")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 3:  # noqa: PLR2004
        return int(digits)
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = (
            f"{text!r} is no day: write +3 for in three days, 2026-12-01, or next "
            "for the next working day"
        )
        raise RmfsError(message) from None


RUPEES: Final = Typed("RUPEES", _rupees)
LICENCE: Final = Typed("LICENCE", _licence)
CLASS: Final = Typed("CLASS", _class)
LINE: Final = Typed("LINE", _line)
SCALE: Final = Typed("SCALE", _scale)
DAY: Final = Typed("DAY", _day)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)
FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
NEW_FILE: Final = click.Path(path_type=Path, dir_okay=False)

EXIT_DONE: Final = 0
EXIT_REFUSED: Final = 1
EXIT_LINE: Final = 3
