"""An office, and its place in the tree."""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

OfficeId = NewType("OfficeId", int)

_PIN: Final = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_FACILITY: Final = re.compile(r"F([0-9]{8})([0-9])", re.ASCII)
_FACILITY_NUMBER_MAX: Final = 99_999_999


class OfficeKind(Enum):
    """What an office is, from the top down: one may stand under any before it."""

    DIRECTORATE = "Directorate"
    CIRCLE = "Circle"
    REGION = "Region"
    DIVISION = "Division"
    SUB_DIVISION = "Sub-Division"
    HO = "Head Office"
    SO = "Sub Office"
    BO = "Branch Office"

    @property
    def rank(self) -> int:
        """0 at the top, rising downwards."""
        return _RANKS[self]

    @property
    def is_post_office(self) -> bool:
        """Whether it has a PIN and may deliver."""
        return self.rank >= OfficeKind.HO.rank


_RANKS: Final = {kind: rank for rank, kind in enumerate(OfficeKind)}


@dataclass(frozen=True, slots=True)
class Office:
    """One office.

    Attributes:
        path: Ids from the top down to itself, as ``/1/7/31/``.
        name_hi: Its name in Hindi, where known.
        code: Of a Circle two letters (``KN``), of a Division two letters and two digits
            (``KN06``), with which the licence numbers that it gives begin.
        pin: Of a post office.
        facility: Our number for it, with a check digit.
        delivers: Whether the directory says that it delivers.
        serves_pin: Whether mail for its PIN is routed by it.
        latitude_microdegrees: North of the equator, with the longitude or not at all.
        closed_at: When it was closed; None while it is open.
    """

    office_id: OfficeId
    parent: OfficeId | None
    path: str
    kind: OfficeKind
    name: str
    name_hi: str | None
    code: str | None
    pin: str | None
    facility: str
    delivers: bool
    serves_pin: bool
    district: str | None
    state: str | None
    latitude_microdegrees: int | None
    longitude_microdegrees: int | None
    listed: bool
    closed_at: EpochSeconds | None

    @property
    def line(self) -> tuple[OfficeId, ...]:
        """Ids from the top down to itself."""
        return line_of(self.path)

    def is_within(self, top: "Office") -> bool:
        """Say whether it stands under an office, or is that office."""
        return self.path.startswith(top.path)


def line_of(path: str) -> tuple[OfficeId, ...]:
    """Read the ids out of a path."""
    return tuple(OfficeId(int(one)) for one in path.strip("/").split("/"))


def range_of(path: str) -> tuple[str, str]:
    """Give the range, without its end, of all paths that begin with this one."""
    # The sign that follows a slash is a nought.
    return path, f"{path[:-1]}0"


def facility_of(office_id: OfficeId) -> str:
    """Give the facility id of an office: ``F``, its number, a check digit.

    The format is ours: India Post's is not public.

    Raises:
        LocalProtocolError: The number has more than eight digits.
    """
    if not 0 <= office_id <= _FACILITY_NUMBER_MAX:
        raise LocalProtocolError(f"{office_id} is no number of an office")
    digits = f"{office_id:08d}"
    return f"F{digits}{_luhn(digits)}"


def parse_facility(text: str) -> str:
    """Check a facility id that a person or a file names.

    Raises:
        LocalProtocolError: It has another form, or its check digit is wrong.
    """
    found = _FACILITY.fullmatch(text)
    if found is None or _luhn(found[1]) != int(found[2]):
        message = (
            f"{text!r} is not a facility id: F, eight digits and their check digit "
            "are needed, as in F000000018"
        )
        raise LocalProtocolError(message)
    return text


def parse_pin(text: str) -> str:
    """Check a PIN code.

    Raises:
        LocalProtocolError: It is not six digits, the first not a nought.
    """
    if _PIN.fullmatch(text) is None:
        message = (
            f"{text!r} is not a PIN code: six digits are needed, the first not 0, "
            "as in 560001"
        )
        raise LocalProtocolError(message)
    return text


def name_key(name: str) -> str:
    """Give what a name is found and compared by: case and white space do not count."""
    once = unicodedata.normalize("NFC", name).casefold()
    return " ".join(unicodedata.normalize("NFC", once).split())


def _luhn(digits: str) -> int:
    """Compute a check digit (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * 2 for digit in reversed(digits[-1::-2]))
    others = sum(int(digit) for digit in digits[-2::-2])
    return -(others + sum(sum(divmod(one, 10)) for one in doubled)) % 10
