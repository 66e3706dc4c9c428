"""How the values of a field are written in a file, and read strictly.

A layout chooses one of these types for each field, and its options. What a type reads
has exactly one spelling: equal values give equal octets. Values in Python are the same
whatever the spelling: amounts are paise, dates are `date`, moments are `EpochSeconds`.

Source: docs/exchange-files.md.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NoReturn

from protocol.parameters import INDIA
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX

IDENTIFIER_CHARACTERS_MAX: Final = 32
TEXT_CHARACTERS_MAX: Final = 500
OCTETS_MAX: Final = 4096

Value = str | int | bytes | date | None
"""A value of a field; None where a field that may be blank is blank."""

DATES: Final = {
    "yyyy-mm-dd": "%Y-%m-%d",
    "dd-mm-yyyy": "%d-%m-%Y",
    "dd/mm/yyyy": "%d/%m/%Y",
    "yyyymmdd": "%Y%m%d",
    "ddmmyyyy": "%d%m%Y",
}
"""How a layout may spell dates."""

MOMENTS: Final = {
    "yyyy-mm-ddThh:mm:ss+05:30": "%Y-%m-%dT%H:%M:%S+05:30",
    "dd-mm-yyyy hh:mm:ss": "%d-%m-%Y %H:%M:%S",
    "yyyymmddhhmmss": "%Y%m%d%H%M%S",
}
"""How a layout may spell moments: all in Indian time."""

_BESIDES: Final = frozenset(" \u200c\u200d")
"""The space, and the two joiners without which several Indian scripts are misspelt."""
_LETTERS_AND_SIGNS: Final = frozenset("LMNPS")
"""Unicode's major classes: letters, marks, numbers, punctuation, symbols."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATES_REMEMBERED: Final = 1024


class FieldError(Exception):
    """A field cannot be read or written; the message becomes a finding."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One type of field with its options.

    Attributes:
        python: What its values are in Python.
        read: From text; raises `FieldError`, and nothing else.
        write: To text; raises `FieldError` if the value is not of the Python type.
            What it writes of a value out of bounds, `read` refuses.
        words: What it holds, for people.
        names: The names of an enumeration, in order; empty for other types.
    """

    python: type
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    words: str
    names: tuple[str, ...] = ()


def show_amount(amount_paise: int) -> str:
    """Write an amount in rupees with two decimals: ``2000.00``, ``-500.00``."""
    rupees, paise = divmod(abs(amount_paise), 100)
    return f"{'-' if amount_paise < 0 else ''}{rupees}.{paise:02d}"


def first_forbidden(text: str) -> str | None:
    """Give the first character that stands in no exchange file; None if none does."""
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        if character in _BESIDES:
            continue
        if unicodedata.category(character)[0] not in _LETTERS_AND_SIGNS:
            return character
    return None


def identifier(*, max: int = IDENTIFIER_CHARACTERS_MAX) -> Spelling:  # noqa: A002
    """An id that we or another party gave: of a file, of a line."""
    return _matching(
        f"[A-Z0-9][A-Z0-9-]{{0,{max - 1}}}",
        f"1 to {max} capital letters, digits and hyphens, the first not a hyphen",
    )


def code(*, max: int = 16) -> Spelling:  # noqa: A002
    """Visible ASCII characters, whatever they mean to whoever reads them."""
    return _matching(f"[!-~]{{1,{max}}}", f"1 to {max} visible ASCII characters")


def letter() -> Spelling:
    """One capital letter."""
    return _matching("[A-Z]", "one capital letter")


def licence() -> Spelling:
    """A licence identifier in its right form."""
    return _matching(
        "[A-Z][0-9]{6}", "one capital letter and six digits, as in N123456"
    )


def licence_number() -> Spelling:
    """A licence number in its right form."""
    return _matching(
        "[A-Z]{2}[0-9]{7}", "two capital letters and seven digits, as in KN0600065"
    )


def text(*, max: int = 80) -> Spelling:  # noqa: A002
    """Words of people, in any script; the line as a whole is checked for characters."""

    def read(told: str) -> str:
        if not 1 <= len(told) <= max:
            raise FieldError(f"{len(told)} characters where 1 to {max} are needed")
        if told != told.strip():
            raise FieldError("it starts or ends with a space")
        return told

    return Spelling(str, read, _writing(str), f"1 to {max} characters")


def amount(
    *,
    unit: str = "rupees",
    signed: bool = False,
    max: int = AMOUNT_PAISE_MAX,  # noqa: A002
) -> Spelling:
    """Money: paise in Python, in the file rupees with two decimals or paise."""
    in_rupees = unit == "rupees"
    digits = r"(0|[1-9][0-9]{0,15})" + (r"\.([0-9]{2})" if in_rupees else "()")
    pattern = re.compile(("(-?)" if signed else "()") + digits, re.ASCII)
    form = "rupees with two decimals, as in 2000.00" if in_rupees else "whole paise"
    show = show_amount if in_rupees else str

    def read(told: str) -> int:
        match = pattern.fullmatch(told)
        if match is None:
            raise FieldError(f"{told!r} is not {form}")
        sign, whole, paise = match.groups()
        value = int(whole) * 100 + int(paise) if in_rupees else int(whole)
        if sign and not value:
            raise FieldError(f"{told!r} is not {form}")
        if value > max:
            raise FieldError(f"{told} is more than {show(max)}")
        return -value if sign else value

    with_sign = ", with - if negative" if signed else ""
    at_most = f", at most {show(max)}" if max < AMOUNT_PAISE_MAX else ""
    words = f"{form}{with_sign}{at_most}"
    return Spelling(int, read, _writing(int, show), words)


def count(*, max: int = U32_MAX) -> Spelling:  # noqa: A002
    """How many, or which in a row: never negative."""
    return number(min=0, max=max)


def number(*, min: int = 0, max: int = U32_MAX) -> Spelling:  # noqa: A002
    """A whole number."""
    pattern = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
    words = f"a whole number from {min} to {max}"

    def read(told: str) -> int:
        if pattern.fullmatch(told) is None or not min <= int(told) <= max:
            raise FieldError(f"{told!r} is not {words}")
        return int(told)

    return Spelling(int, read, _writing(int), words)


def day(*, format: str = "yyyy-mm-dd") -> Spelling:  # noqa: A002
    """A calendar day of India."""
    form, pattern = DATES[format], re.compile(re.sub("[ymd]", "[0-9]", format))
    example = date(2026, 11, 17).strftime(form)

    @lru_cache(maxsize=_DATES_REMEMBERED)
    def read(told: str) -> date:
        if pattern.fullmatch(told) is None:
            raise FieldError(f"{told!r} is not a date written as {example}")
        try:
            return datetime.strptime(told, form).replace(tzinfo=UTC).date()
        except ValueError:
            raise FieldError(f"{told} is not in the calendar") from None

    def write(value: date) -> str:
        # strftime("%Y") leaves out the zeros of early years.
        return value.strftime(form.replace("%Y", f"{value.year:04d}"))

    words = f"a date written as {example}"
    return Spelling(date, read, _writing(date, write), words)


def moment(*, format: str = "yyyy-mm-ddThh:mm:ss+05:30") -> Spelling:  # noqa: A002
    """A second of Indian time; whole seconds since 1970 UTC in Python."""
    form = MOMENTS[format]
    pattern = re.compile(
        re.sub("[ymdhs]", "[0-9]", format).replace("+", r"\+"), re.ASCII
    )
    example = datetime(2026, 11, 17, 9, 30, tzinfo=INDIA).strftime(form)

    def read(told: str) -> int:
        if pattern.fullmatch(told) is None:
            raise FieldError(f"{told!r} is not a moment written as {example}")
        try:
            found = datetime.strptime(told, form).replace(tzinfo=INDIA)
        except ValueError:
            raise FieldError(f"{told} is not in the calendar") from None
        seconds = (found - _EPOCH) // timedelta(seconds=1)
        if not 0 <= seconds <= U32_MAX:
            raise FieldError(f"{told} is not between 1970 and 2106")
        return seconds

    def write(value: int) -> str:
        if not 0 <= value <= U32_MAX:
            raise FieldError(f"{value} seconds are not between 1970 and 2106")
        return datetime.fromtimestamp(value, INDIA).strftime(form)

    words = f"a moment of Indian time written as {example}"
    return Spelling(int, read, _writing(int, write), words)


def enumeration(*, values: Mapping[str, str]) -> Spelling:
    """One of a few names; a layout may spell each name in its own way."""
    names = {spelt: name for name, spelt in values.items()}
    words = "one of " + ", ".join(values.values())

    def read(told: str) -> str:
        try:
            return names[told]
        except KeyError:
            raise FieldError(f"{told!r} is none of {', '.join(names)}") from None

    def write(value: str) -> str:
        try:
            return values[value]
        except KeyError:
            raise FieldError(f"{value!r} is none of {', '.join(values)}") from None

    return Spelling(str, read, _writing(str, write), words, tuple(values))


def octets(
    *,
    format: str = "hex",  # noqa: A002
    min: int = 1,  # noqa: A002
    max: int = OCTETS_MAX,  # noqa: A002
) -> Spelling:
    """Octets as lower-case hex or as Base64 with padding."""
    show = bytes.hex if format == "hex" else _base64
    form = "lower-case hex" if format == "hex" else "Base64"
    how_many = f"{min}" if min == max else f"{min} to {max}"
    words = f"{how_many} octets as {form}"
    longest = max * 2 if format == "hex" else (max + 2) // 3 * 4

    def read(told: str) -> bytes:
        try:
            if len(told) > longest or not told.isascii():
                _refuse(words)
            if format == "hex":
                value = bytes.fromhex(told)
            else:
                value = base64.b64decode(told, validate=True)
        except (ValueError, binascii.Error):
            _refuse(words)
        # Both decoders read other spellings too: upper case, spaces, spare bits.
        if not min <= len(value) <= max or show(value) != told:
            _refuse(words)
        return value

    return Spelling(bytes, read, _writing(bytes, show), words)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _refuse(words: str) -> NoReturn:
    raise FieldError(f"it is not {words}")


def _matching(expression: str, words: str) -> Spelling:
    pattern = re.compile(expression, re.ASCII)

    def read(told: str) -> str:
        if pattern.fullmatch(told) is None:
            raise FieldError(f"{told!r} is not {words}")
        return told

    return Spelling(str, read, _writing(str), words)


def _writing(python: type, write: Callable[[Any], str] = str) -> Callable[[Any], str]:
    """Refuse values of another type before they are written: True is no number."""

    def checked(value: object) -> str:
        if type(value) is not python:
            raise FieldError(
                f"{value!r} is {type(value).__name__}, {python.__name__} is needed"
            )
        return write(value)

    return checked
