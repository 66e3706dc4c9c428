"""Takes values out of a TOML table, and gathers every mistake with its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from protocol.errors import RmfsError

MISTAKES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a layout.

    Attributes:
        place: Where in its TOML, as ``line deposit, field amount_paise, width``.
        reason: A sentence for whoever wrote it.
    """

    place: str
    reason: str

    def __str__(self) -> str:
        """Show it to a person."""
        return f"{self.place}: {self.reason}" if self.place else self.reason


class LayoutError(RmfsError):
    """A layout is no layout.

    Attributes:
        mistakes: All that is wrong with it, at most `MISTAKES_MAX`.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """Keep what was found."""
        self.mistakes = tuple(mistakes[:MISTAKES_MAX])
        super().__init__("\n".join(map(str, self.mistakes)))


class Table:
    """A table of a layout, from which values are taken one by one.

    A value that is wrong is told and replaced by one that does no harm: the check goes
    on, and a layout with mistakes is never used.
    """

    def __init__(self, values: object, place: str, mistakes: list[Mistake]) -> None:
        """Look at a table; anything else is a mistake, and read as an empty table."""
        self.place = place
        self._mistakes = mistakes
        self._left: dict[str, Any] = {}
        if isinstance(values, Mapping):
            self._left = dict(values)
        else:
            self.wrong("", "a table is needed")

    def __contains__(self, key: str) -> bool:
        """Whether the table has a value that was not taken yet."""
        return key in self._left

    def wrong(self, key: str, reason: str) -> None:
        """Tell a mistake."""
        place = ", ".join(part for part in (self.place, key) if part)
        self._mistakes.append(Mistake(place, reason))

    def text(
        self, key: str, default: str | None = None, *, of: Sequence[str] = ()
    ) -> str:
        """Take a text, perhaps one of a few."""
        value = self._taken(key, str, default, "a text")
        if of and value not in of:
            self.wrong(key, f"{value!r} is none of {', '.join(map(repr, of))}")
            return of[0]
        return str(value)

    def number(
        self, key: str, least: int, most: int, default: int | None = None
    ) -> int:
        """Take a whole number within bounds."""
        value: int = self._taken(key, int, default, "a whole number")
        if not least <= value <= most:
            self.wrong(key, f"{value} is not from {least} to {most}")
            return least
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Take true or false."""
        return bool(self._taken(key, bool, default, "true or false"))

    def raw(self, key: str, default: object = None) -> Any:
        """Take a value of any kind."""
        return self._left.pop(key, default)

    def items(self, key: str) -> list[object]:
        """Take a list; a missing one is a mistake."""
        value = self._left.pop(key, None)
        if isinstance(value, list):
            return value
        self.wrong(key, "a list is needed")
        return []

    def done(self) -> None:
        """Tell what is left: keys that mean nothing here."""
        for key in self._left:
            self.wrong(key, "no such key here")

    def _taken(self, key: str, wanted: type, default: object, called: str) -> Any:
        missing = key not in self._left
        value = self._left.pop(key, default)
        if type(value) is wanted:
            return value
        self.wrong(key, "it is missing" if missing else f"{called} is needed")
        return wanted()
