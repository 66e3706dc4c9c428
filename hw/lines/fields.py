r"""The fields of a line string: cut at colons, escaped, and read by name.

A colon ends a field. In a field ``\:`` stands for a colon and ``\\`` for a backslash,
as in the endpoint strings of Twisted; what stands in brackets at the beginning of a
field, as an IPv6 address does, is never cut.

The first fields of a string are known by their place; those behind them are settings,
``NAME=VALUE``, in any order, each at most once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from hw.lines.port import LineError

PORT_MAX: Final = 65_535

_ESCAPED: Final = ("\\", ":")

E = TypeVar("E", bound=Enum)


class FieldError(LineError):
    """A field that cannot be read: says which, and why."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a line string.

    Attributes:
        place: Its number; the kind of the line is field 1.
        raw: As it was written.
    """

    place: int
    raw: str

    @property
    def text(self) -> str:
        """What it stands for.

        Raises:
            FieldError: It ends in a backslash that escapes nothing.
        """
        text = ""
        characters = iter(self.raw)
        for character in characters:
            if character == "\\":
                following = next(characters, None)
                if following is None:
                    raise self.wrong("a backslash escapes what follows it: nothing")
                text += following
            else:
                text += character
        return text

    def wrong(self, problem: str) -> FieldError:
        """Say what is wrong with it."""
        return FieldError(f"field {self.place}, {self.raw!r}: {problem}")


def escape(text: str) -> str:
    """Write a text so that it is one field."""
    for character in _ESCAPED:
        text = text.replace(character, f"\\{character}")
    return text


def split_fields(text: str, first_place: int = 1) -> list[Field]:
    """Cut a line string, or the rest of one, into its fields.

    Args:
        text: All of it; nothing at all is no field.
        first_place: The number of its first field.
    """
    fields: list[Field] = []
    rest: str | None = text or None
    while rest is not None:
        end = _end_of_field(rest)
        fields.append(Field(first_place + len(fields), rest[:end]))
        rest = rest[end + 1 :] if end < len(rest) else None
    return fields


def _end_of_field(text: str) -> int:
    bracket = text.find("]") if text.startswith("[") else -1
    place = bracket + 1
    while place < len(text) and text[place] != ":":
        place += 2 if text[place] == "\\" else 1
    return min(place, len(text))


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that a kind of line has.

    Attributes:
        read: Makes a value of its text, or raises ValueError.
        what: What its text may be, for people.
    """

    read: Callable[[str], Any]
    what: str


def read_settings(fields: Iterable[Field], known: dict[str, Setting]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` fields.

    Args:
        fields: All that stand behind those known by their place.
        known: The settings of this kind of line.

    Returns:
        The values of those that were set, by name.

    Raises:
        FieldError: A name is not known or comes twice, or a value cannot be.
    """
    values: dict[str, Any] = {}
    for field in fields:
        name, equals, _ = field.raw.partition("=")
        value = field.text[len(name) + 1 :]
        if name not in known or not equals:
            names = ", ".join(f"{one}=" for one in known) or "no settings"
            raise field.wrong(f"here stand {names}")
        if name in values:
            raise field.wrong(f"{name} is set twice")
        try:
            values[name] = known[name].read(value)
        except ValueError:
            raise field.wrong(f"{name} is {known[name].what}") from None
    return values


def whole_number(least: int, most: int) -> Setting:
    """Make a setting that is a whole number."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
            raise ValueError(text)
        if not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return Setting(read, f"a whole number from {least} to {most}")


def one_of(choices: Sequence[int]) -> Setting:
    """Make a setting that is one of some numbers."""
    by_text = {str(choice): choice for choice in choices}
    return _choice(by_text)


def member_of(kind: type[E]) -> Setting:
    """Make a setting that is the value of a member of an enumeration."""
    return _choice({str(member.value): member for member in kind})


def _choice(by_text: dict[str, Any]) -> Setting:
    def read(text: str) -> Any:
        if text not in by_text:
            raise ValueError(text)
        return by_text[text]

    *some, last = by_text
    return Setting(read, f"{', '.join(some)} or {last}" if some else last)
