"""A tariff as a person writes it: TOML, the fields of a TARIFF body by their names.

What a class does not have may be left out: zones, a further step, additions. A fault is
told with its line as far as that can be found: the line of the field, else of the class
that it stands in.

Source: docs/tariffs.md; the form is ours.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from protocol.contents.fields import ContentError
from protocol.contents.tariff import Tariff
from protocol.errors import RmfsError

FILE_OCTETS_MAX: Final = 262_144
"""Four times the longest content: room for remarks."""

_LEFT_OUT: Final = {"zones": (), "further": None, "additions": ()}
_LINE: Final = re.compile(r"\s*\(at line ([0-9]+), column [0-9]+\)")
_PART: Final = re.compile(r"(?P<name>.*?)(?:\[(?P<index>[0-9]+)\])?")


class TariffFileError(RmfsError):
    """A tariff file cannot be read.

    Attributes:
        line: Where, from 1; None when the fault has no line.
        detail: Place and reason.
    """

    def __init__(self, detail: str, line: int | None = None) -> None:
        """Say what is wrong, and where."""
        super().__init__(detail if line is None else f"line {line}: {detail}")
        self.line = line
        self.detail = detail


def read_tariff_file(octets: bytes) -> Tariff:
    """Read a tariff that a person has written.

    Raises:
        TariffFileError: It is not TOML, or not a tariff.
    """
    if len(octets) > FILE_OCTETS_MAX:
        raise TariffFileError(
            f"it has {len(octets):,} octets, {FILE_OCTETS_MAX:,} are allowed"
        )
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise TariffFileError("it is not UTF-8", line) from error
    try:
        fields = tomllib.loads(text)
    except RecursionError as error:
        raise TariffFileError("lists stand in lists too deep") from error
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        raise TariffFileError(
            f"it is not TOML: {_LINE.sub('', str(error))}",
            None if found is None else int(found[1]),
        ) from error
    except ValueError as error:
        # A whole number longer than Python reads, or a day that is in no calendar.
        raise TariffFileError(f"it is not TOML: {error}") from error
    try:
        return Tariff.from_fields(_completed(fields))
    except ContentError as error:
        raise TariffFileError(error.detail, _line_of(text, error.place)) from error


def _completed(fields: Mapping[str, object]) -> dict[str, object]:
    """Fill in what may be left out, and write a TOML day as a body does."""
    full = dict(fields)
    classes = fields.get("classes")
    if isinstance(classes, list):
        full["classes"] = [
            {**_LEFT_OUT, **one} if isinstance(one, dict) else one for one in classes
        ]
    day = fields.get("valid_from")
    if isinstance(day, date) and not isinstance(day, datetime):
        full["valid_from"] = day.isoformat()
    return full


def _line_of(text: str, place: str) -> int | None:
    """Find the line of a field, or of the innermost table around it that has one."""
    lines = text.splitlines()
    first, end = 0, len(lines)
    table: list[str] = []
    found: int | None = None
    for part in filter(None, place.split(".")):
        parsed = _PART.fullmatch(part)
        name, index = (parsed["name"], parsed["index"]) if parsed else (part, None)
        table.append(re.escape(name))
        header = re.compile(rf"\s*\[\[?\s*{'[.]'.join(table)}\s*\]\]?\s*(?:#.*)?")
        key = re.compile(rf"\s*{re.escape(name)}\s*=.*")
        headers = [n for n in range(first, end) if header.fullmatch(lines[n])]
        if not headers:
            keys = (n for n in range(first, end) if key.fullmatch(lines[n]))
            found = next(keys, found)
            if found is not None and index is not None:
                found = _row_of(lines, found, int(index))
            break
        nth = min(int(index or 0), len(headers) - 1)
        found = headers[nth]
        first = found + 1
        end = headers[nth + 1] if nth + 1 < len(headers) else end
    return None if found is None else found + 1


def _row_of(lines: list[str], opening: int, index: int) -> int:
    """Find a table in a list that is written one table a line, else the list."""
    if not lines[opening].rstrip().endswith("["):
        return opening
    rows: list[int] = []
    for n in range(opening + 1, len(lines)):
        if lines[n].lstrip().startswith("]"):
            break
        if lines[n].lstrip().startswith("{"):
            rows.append(n)
    return rows[index] if index < len(rows) else opening
