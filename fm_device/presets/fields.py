"""How the values in a preset are read: each is possible, or refused with its place.

A reader takes what TOML gave and the place where it stood, as ``registers.items``, and
gives the value for the PSD's record. The refusal says what would be possible.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Any, Final

from protocol.errors import RmfsError
from protocol.values import U32_MAX, EpochSeconds

Reader = Callable[[Any, str], Any]

_AFTER: Final = re.compile(r"([+-])([0-9]{1,9}) ?(s|min|h|d)", re.ASCII)
_UNIT_S: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_SHOWN_MAX: Final = 60


class PresetError(RmfsError):
    """A preset asks for what no machine can hold; it says where, and what can be.

    Attributes:
        place: The path of the key, as ``registers.items``; empty for the whole file.
    """

    def __init__(self, place: str, reason: str) -> None:
        """Say what is wrong, and where."""
        super().__init__(f"{place}: {reason}" if place else reason)
        self.place = place


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that is known once the preset is applied.

    Attributes:
        seconds: Since the epoch, or from the moment at which it is applied.
        is_relative: Which of the two.
    """

    seconds: int
    is_relative: bool

    def at(self, now: EpochSeconds, place: str) -> EpochSeconds:
        """Say when that is.

        Raises:
            PresetError: No clock of a machine can show it.
        """
        found = now + self.seconds if self.is_relative else self.seconds
        if not 0 <= found <= U32_MAX:
            raise PresetError(place, "no machine's clock can show that time")
        return EpochSeconds(found)


def number(least: int, most: int) -> Reader:
    """Read a whole number within bounds."""

    def read(value: Any, place: str) -> int:
        # True is a number for Python, and never one for a person.
        if type(value) is not int or not least <= value <= most:
            raise refused(value, place, f"a whole number from {least} to {most}")
        return value

    return read


def flag(value: Any, place: str) -> bool:
    """Read yes or no."""
    if not isinstance(value, bool):
        raise refused(value, place, "true or false")
    return value


def one_of(
    kinds: type[IntEnum], without: dict[Any, str] | None = None, none: str = ""
) -> Reader:
    """Read a name of an enumeration.

    Args:
        kinds: The enumeration.
        without: Members that cannot be asked for, and what to do instead.
        none: A word for none of them, read as 0; empty where there is no such.
    """
    instead = without or {}
    names = [kind.name for kind in kinds if kind not in instead]
    names += [none] if none else []

    def read(value: Any, place: str) -> int:
        if none and value == none:
            return 0
        if not isinstance(value, str) or value not in kinds.__members__:
            raise refused(value, place, f"one of {', '.join(names)}")
        kind = kinds[value]
        if kind in instead:
            raise PresetError(place, f"{value}: {instead[kind]}")
        return kind

    return read


def hex_octets(count: int) -> Reader:
    """Read so many octets, written in hexadecimal digits."""
    digits = 2 * count

    def read(value: Any, place: str) -> bytes:
        form = rf"[0-9a-fA-F]{{{digits}}}"
        if not isinstance(value, str) or not re.fullmatch(form, value, re.ASCII):
            raise refused(value, place, f"{digits} hexadecimal digits in quotes")
        return bytes.fromhex(value)

    return read


def moment(value: Any, place: str) -> Moment:
    """Read a time: with its offset from UTC, before or after now, or never."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return Moment(int(value.timestamp()), is_relative=False)
    if value == "never":
        return Moment(0, is_relative=False)
    if value == "now":
        return Moment(0, is_relative=True)
    found = _AFTER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refused(
            value,
            place,
            'a time as 2026-11-21T10:00:00+05:30, or "-30d", "+90min", "now", "never"',
        )
    sign = -1 if found[1] == "-" else 1
    return Moment(sign * int(found[2]) * _UNIT_S[found[3]], is_relative=True)


def text(octets_max: int) -> Reader:
    """Read words for people."""

    def read(value: Any, place: str) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= octets_max:
            raise refused(value, place, f"1 to {octets_max} characters")
        return value

    return read


def table(value: Any, place: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read a table of known keys, each by its own reader."""
    if not isinstance(value, dict):
        raise refused(value, place, f"a table, written [{place}]")
    known_keys(value, place, readers)
    return {
        name: readers[name](held, _path(place, name)) for name, held in value.items()
    }


def rows(
    value: Any,
    place: str,
    readers: Mapping[str, Reader],
    needed: Collection[str],
    most: int,
) -> list[dict[str, Any]]:
    """Read a list of tables, each with at least the needed keys."""
    if not isinstance(value, list):
        raise refused(value, place, f"rows, each written [[{place}]], or []")
    if len(value) > most:
        raise PresetError(place, f"{len(value)} rows, {most} are possible")
    found = []
    for index, held in enumerate(value):
        at = f"{place}[{index}]"
        row = table(held, at, readers)
        missing = [name for name in needed if name not in row]
        if missing:
            raise PresetError(_path(at, missing[0]), "it is missing")
        found.append(row)
    return found


def known_keys(value: dict[str, Any], place: str, possible: Collection[str]) -> None:
    """Make sure that there is no key which nobody would read.

    Raises:
        PresetError: There is one; it names those that are possible.
    """
    for name in value:
        if name not in possible:
            keys = ", ".join(possible)
            raise PresetError(_path(place, name), f"no such key; possible: {keys}")


def refused(value: Any, place: str, possible: str) -> PresetError:
    """Make the error that says what would be possible."""
    shown = value.name if isinstance(value, Enum) else repr(value)
    short = shown if len(shown) <= _SHOWN_MAX else shown[:_SHOWN_MAX] + "..."
    return PresetError(place, f"{short} is not possible: give {possible}")


def _path(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
