"""Reading the fields of a body strictly, so that every fault names its place.

A body is JSON. `Node` is one value of it together with the path that leads to it, such
as ``classes[2].steps[0].up_to_g``; it gives values of the type that is wanted or
raises. Ranges are checked by the records themselves, whoever makes them, with
`BadFieldError`; `Node.build` adds the path when they are read.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, TypeVar

from protocol.errors import LocalProtocolError, RmfsError

T = TypeVar("T")

_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHOWN_CHARACTERS: Final = 40
"""How much of a wrong value is told."""


class ContentFault(Enum):
    """What is wrong with a content."""

    SIZE = "the content is too short, too long, or not as long as it says"
    FORM = "the content does not have the form of a signed content"
    REALM = "the content is of another realm than the maker's key"
    SIGNATURE = "the maker's signature does not verify"
    BODY = "the body is not what its kind demands"
    DIFFERS = "the body does not say what the head of the content says"


class ContentError(RmfsError):
    """A content is refused; `fault` says why, the message adds the place.

    Attributes:
        fault: What is wrong.
        place: The path to the field, as ``classes[2].letters``; empty for the whole.
        reason: What is wrong there; empty when the fault says it all.
    """

    def __init__(self, fault: ContentFault, reason: str = "", place: str = "") -> None:
        """Say what is wrong, and where."""
        self.fault = fault
        self.place = place
        self.reason = reason
        super().__init__(": ".join(filter(None, (fault.value, self.detail))))

    @property
    def detail(self) -> str:
        """Place and reason, as people read them."""
        return ": ".join(filter(None, (self.place, self.reason)))


class BadFieldError(LocalProtocolError):
    """A field of a body is out of range; `place` names it within its record."""

    def __init__(self, place: str, reason: str) -> None:
        """Say which field, and why."""
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a body and the path to it; the path of the whole is empty."""

    value: object
    path: str = ""

    def refused(self, reason: str) -> ContentError:
        """Make the error that names this place."""
        return ContentError(ContentFault.BODY, reason, self.path)

    def members(self, *names: str) -> dict[str, "Node"]:
        """Take an object that has exactly these members.

        Raises:
            ContentError: It is no object, or a member is missing or not known.
        """
        if not isinstance(self.value, Mapping):
            raise self.refused(f"{_shown(self.value)} is no table of fields")
        inner = f"{self.path}." if self.path else ""
        for name in self.value:
            if name not in names:
                unknown = Node(None, inner + _shown(name)[1:-1])
                raise unknown.refused(f"no such field; there are {', '.join(names)}")
        for name in names:
            if name not in self.value:
                raise self.refused(f"the field {name} is missing")
        return {name: Node(self.value[name], inner + name) for name in names}

    def items(self) -> tuple["Node", ...]:
        """Take a list.

        Raises:
            ContentError: It is no list.
        """
        if not isinstance(self.value, Sequence) or isinstance(self.value, str):
            raise self.refused(f"{_shown(self.value)} is no list")
        return tuple(
            Node(one, f"{self.path}[{index}]") for index, one in enumerate(self.value)
        )

    def whole(self) -> int:
        """Take a whole number; 1.0 and true are none.

        Raises:
            ContentError: It is none.
        """
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.refused(f"{_shown(self.value)} is no whole number")
        return self.value

    def wholes(self) -> tuple[int, ...]:
        """Take a list of whole numbers.

        Raises:
            ContentError: It is none.
        """
        return tuple(one.whole() for one in self.items())

    def text(self) -> str:
        """Take a text.

        Raises:
            ContentError: It is none.
        """
        if not isinstance(self.value, str):
            raise self.refused(f"{_shown(self.value)} is no text")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """Take a list of texts.

        Raises:
            ContentError: It is none.
        """
        return tuple(one.text() for one in self.items())

    def flag(self) -> bool:
        """Take true or false.

        Raises:
            ContentError: It is neither.
        """
        if not isinstance(self.value, bool):
            raise self.refused(f"{_shown(self.value)} is neither true nor false")
        return self.value

    def day(self) -> date:
        """Take a day, written ``2025-10-01``.

        Raises:
            ContentError: It is none.
        """
        text = self.text()
        try:
            if _DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise self.refused(f"{_shown(text)} is no day written as 2025-10-01")

    def build(self, make: Callable[[], T]) -> T:
        """Make the record that stands here.

        Raises:
            ContentError: A field of it is out of range.
        """
        try:
            return make()
        except BadFieldError as error:
            place = f"{self.path}.{error.place}" if self.path else error.place
            raise ContentError(ContentFault.BODY, error.reason, place) from error


def check_whole(place: str, value: int, least: int, largest: int) -> None:
    """Check a number.

    Raises:
        BadFieldError: It is out of range.
    """
    if not least <= value <= largest:
        raise BadFieldError(place, f"{_shown(value)} is not in {least} to {largest}")


def check_text(place: str, value: str, characters_max: int) -> None:
    """Check a text that is printed or shown: ASCII, as every display has it.

    Raises:
        BadFieldError: It is empty, too long, or begins or ends with a space.
    """
    if (
        not 1 <= len(value) <= characters_max
        or _PRINTABLE.fullmatch(value) is None
        or value != value.strip()
    ):
        raise BadFieldError(
            place,
            f"{_shown(value)} is not 1 to {characters_max} printable ASCII "
            "characters without a space first or last",
        )


def check_count(place: str, values: Sequence[object], least: int, largest: int) -> None:
    """Check how many there are.

    Raises:
        BadFieldError: There are too few or too many.
    """
    if not least <= len(values) <= largest:
        raise BadFieldError(
            place, f"there are {len(values)}, {least} to {largest} are allowed"
        )


def write_canonical(fields: Mapping[str, object]) -> bytes:
    """Write a body in its one form: JSON in ASCII, keys sorted, no space."""
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return text.encode("ascii")


def read_json(octets: bytes) -> Node:
    """Read JSON of a signed body; whether it is canonical is seen by writing it again.

    Raises:
        ContentError: It is not JSON.
    """
    try:
        return Node(json.loads(octets.decode("ascii")))
    except (ValueError, RecursionError) as error:
        raise ContentError(ContentFault.BODY, "it is not JSON in ASCII") from error


def check_canonical(octets: bytes, written: bytes) -> None:
    """Compare what came with what this product writes for the same fields.

    Raises:
        ContentError: They differ: a key twice, other order, spare space, ``1.0``.
    """
    if octets != written:
        raise ContentError(
            ContentFault.BODY, "it is not written in the one form: sorted, no space"
        )


def _shown(value: object) -> str:
    try:
        shown = ascii(value)
    except (ValueError, RecursionError):
        # A number with more digits than Python writes, or lists in lists too deep.
        return "what cannot be shown"
    if len(shown) > _SHOWN_CHARACTERS:
        return shown[: _SHOWN_CHARACTERS - 3] + "..."
    return shown
