"""Read the public PIN directory: one line an office, in eleven columns, strictly.

The columns may stand in any order under their names; a byte order mark may stand before
them. A line with a mistake is left out and told of, with its number and the reason;
a line that stands twice, word for word, counts once.

What the directory does not tell is read so, which is ours: ``PO`` is a sub office; a
region that is empty, ``NA`` or ``DivReportingCircle`` is none, and the Division stands
right under its Circle.

Source: domain notes, section 16 (columns of data.gov.in).
"""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from sys import intern
from typing import Final, NamedTuple

from dop_gateway.offices.model import OfficeKind, name_key, parse_pin
from protocol.errors import LocalProtocolError
from protocol.exchange.findings import Finding, Findings

COLUMNS: Final = (
    "circlename",
    "regionname",
    "divisionname",
    "officename",
    "pincode",
    "officetype",
    "delivery",
    "district",
    "statename",
    "latitude",
    "longitude",
)
LINES_MAX: Final = 1_000_000
LINE_OCTETS_MAX: Final = 4_096
NAME_CHARACTERS_MAX: Final = 120

_KINDS: Final = {
    "HO": OfficeKind.HO,
    "SO": OfficeKind.SO,
    "PO": OfficeKind.SO,
    "BO": OfficeKind.BO,
}
_DELIVERY: Final = {"delivery": True, "non delivery": False, "non-delivery": False}
_NOT_KNOWN: Final = frozenset({"", "NA"})
_NO_REGION: Final = frozenset({"", "na", "divreportingcircle"})
_DEGREES: Final = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,15})?", re.ASCII)
_NOT_WRITTEN: Final = frozenset({"Cc", "Cn", "Co", "Cs"})
_MICRO: Final = 1_000_000


class Line(NamedTuple):
    """One office as the directory tells it; `region` is empty where there is none."""

    number: int
    circle: str
    region: str
    division: str
    name: str
    pin: str
    kind: OfficeKind
    delivers: bool
    district: str | None
    state: str | None
    latitude_microdegrees: int | None
    longitude_microdegrees: int | None


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that was read.

    Attributes:
        sha256: Of its octets, in hexadecimal digits.
        lines: Offices, in the order of the file.
        count: Lines below that of the names, also those that were left out.
        repeated: Lines that stood twice, word for word.
        findings: Why lines were left out; the first hundred.
        left_out: How many lines were left out.
    """

    sha256: str
    lines: tuple[Line, ...]
    count: int
    repeated: int
    findings: tuple[Finding, ...]
    left_out: int


class _LineError(Exception):
    """A line cannot be read; the message becomes a finding."""


def read_directory(path: Path) -> Directory:
    """Read a file of the PIN directory.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return read_octets(file)


def read_octets(lines: Iterable[bytes]) -> Directory:
    """Read a directory, line by line; each has its line end."""
    return _Reader().read(lines)


class _Reader:
    """Reads the lines of one directory and gathers what is wrong with them."""

    def __init__(self) -> None:
        self._findings = Findings()
        self._left_out = 0
        self._repeated = 0
        self._seen: dict[tuple[str, str], Line] = {}
        self._regions: dict[tuple[str, str], tuple[str, int]] = {}

    def read(self, octets: Iterable[bytes]) -> Directory:
        digest = hashlib.sha256()
        count, order = -1, None
        for count, line in enumerate(octets):
            digest.update(line)
            if count > LINES_MAX:
                self._leave_out(count + 1, f"there are more than {LINES_MAX:,} lines")
                break
            try:
                fields = _fields(line, first=count == 0)
                if count == 0:
                    order = _order(fields)
                elif order is not None:
                    self._take(_line(count + 1, fields, order))
            except (_LineError, LocalProtocolError) as error:
                self._leave_out(count + 1, str(error))
                if order is None:
                    break
        if count < 0:
            self._leave_out(1, "the file is empty")
        elif not self._seen and not self._left_out:
            self._leave_out(1, "no office follows the names of the columns")
        findings = self._findings.error().findings if self._findings else ()
        lines = tuple(self._seen.values())
        return Directory(
            digest.hexdigest(),
            lines,
            max(count, 0),
            self._repeated,
            findings,
            self._left_out,
        )

    def _leave_out(self, number: int, reason: str) -> None:
        self._left_out += 1
        self._findings.add(number, reason)

    def _take(self, line: Line) -> None:
        key = (line.pin, name_key(line.name))
        before = self._seen.get(key)
        if before is not None:
            if before[1:] != line[1:]:
                raise _LineError(
                    f"{line.name}, {line.pin}, stands in line {before.number} otherwise"
                )
            self._repeated += 1
            return
        division = (name_key(line.circle), name_key(line.division))
        region = name_key(line.region)
        known, number = self._regions.setdefault(division, (region, line.number))
        if known != region:
            raise _LineError(
                f"{line.division} stands in another region in line {number}"
            )
        self._seen[key] = line


def _fields(octets: bytes, *, first: bool) -> list[str]:
    if len(octets) > LINE_OCTETS_MAX:
        raise _LineError(f"the line has more than {LINE_OCTETS_MAX:,} octets")
    try:
        text = octets.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as error:
        raise _LineError(f"octet {error.start + 1} is not UTF-8") from None
    rows: Iterator[list[str]] = csv.reader([text], strict=True)
    try:
        return next(rows, [])
    except csv.Error as error:
        raise _LineError(f"the line is not CSV: {error}") from None


def _order(fields: list[str]) -> tuple[int, ...]:
    names = [field.strip().lower() for field in fields]
    missing = [name for name in COLUMNS if names.count(name) != 1]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown:
        wrong = ", ".join(missing or unknown)
        raise _LineError(
            f"the columns must be {', '.join(COLUMNS)}; look at {wrong or 'them'}"
        )
    return tuple(names.index(name) for name in COLUMNS)


def _line(number: int, fields: list[str], order: tuple[int, ...]) -> Line:
    if len(fields) != len(order):
        raise _LineError(f"{len(fields)} fields where {len(order)} are needed")
    by_name = {
        name: fields[place].strip() for name, place in zip(COLUMNS, order, strict=True)
    }
    kind = _KINDS.get(by_name["officetype"].upper())
    if kind is None:
        found = by_name["officetype"]
        raise _LineError(f"office type {found!r} is none of {', '.join(_KINDS)}")
    delivers = _DELIVERY.get(by_name["delivery"].lower())
    if delivers is None:
        found = by_name["delivery"]
        raise _LineError(f"delivery {found!r} is neither Delivery nor Non Delivery")
    region = _words(by_name["regionname"], "region name", needed=False)
    latitude = _microdegrees(by_name["latitude"], "latitude", 90)
    longitude = _microdegrees(by_name["longitude"], "longitude", 180)
    if (latitude is None) != (longitude is None):
        raise _LineError("latitude and longitude are known together or not at all")
    return Line(
        number,
        intern(_words(by_name["circlename"], "circle name")),
        "" if name_key(region) in _NO_REGION else intern(region),
        intern(_words(by_name["divisionname"], "division name")),
        _words(by_name["officename"], "office name"),
        intern(parse_pin(by_name["pincode"])),
        kind,
        delivers,
        _known(by_name["district"], "district"),
        _known(by_name["statename"], "state name"),
        latitude,
        longitude,
    )


def _words(text: str, what: str, *, needed: bool = True) -> str:
    """Read a name: in NFC, one space between words, nothing that does not print."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    words = " ".join(text.split())
    if needed and not words:
        raise _LineError(f"the {what} is empty")
    if len(words) > NAME_CHARACTERS_MAX:
        raise _LineError(f"the {what} has more than {NAME_CHARACTERS_MAX} characters")
    # Joiners are spelling in several Indian scripts, and are not printable to Python.
    if not words.isprintable() and any(
        unicodedata.category(one) in _NOT_WRITTEN for one in words
    ):
        raise _LineError(f"the {what} holds a character that does not print")
    return words


def _known(text: str, what: str) -> str | None:
    words = _words(text, what, needed=False)
    return None if words.upper() in _NOT_KNOWN else intern(words)


def _microdegrees(text: str, what: str, limit: int) -> int | None:
    if text.upper() in _NOT_KNOWN:
        return None
    if _DEGREES.fullmatch(text) is None:
        raise _LineError(f"{what} {text!r} is neither degrees, as in 12.9716, nor NA")
    micro = int((Decimal(text) * _MICRO).to_integral_value())
    if abs(micro) > limit * _MICRO:
        raise _LineError(f"{what} {text} is not on the globe")
    return micro
