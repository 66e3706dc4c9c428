"""Codes of Circles and Divisions: master data of a deployment, beside the directory.

The directory has names only. The codes, with which licence numbers begin, are not
public but for ``KN06``; what is shipped is a sample.

Source: domain notes, sections 4 and 22 (no. 14).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from dop_gateway.offices.model import name_key
from protocol.errors import LocalProtocolError

_CIRCLE: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_DIVISION: Final = re.compile(r"[A-Z]{2}[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Named:
    """What the directory does not tell of a Circle or Division."""

    code: str
    name_hi: str | None


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes by name; names are compared as `name_key` gives them.

    Attributes:
        top: Name of the Directorate.
        top_hi: The same in Hindi.
        circles: By the Circle's name.
        divisions: By the Circle's name and the Division's.
    """

    top: str
    top_hi: str | None
    circles: Mapping[str, Named]
    divisions: Mapping[tuple[str, str], Named]


def shipped_codes() -> Codes:
    """Read the sample that is part of the package."""
    return parse_codes(
        files("dop_gateway.offices").joinpath("codes.toml").read_text("utf-8")
    )


def parse_codes(text: str) -> Codes:
    """Read a table of codes.

    Raises:
        LocalProtocolError: It is not TOML, a field is missing, or a code stands twice,
            has another form, or belongs to another Circle.
    """
    try:
        return _codes(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LocalProtocolError(f"the codes cannot be read: {error}") from error
    except (KeyError, TypeError) as error:
        raise LocalProtocolError(f"the codes lack a field: {error}") from error


def _codes(table: dict[str, Any]) -> Codes:
    circles: dict[str, Named] = {}
    by_code: dict[str, str] = {}
    for row in table["circle"]:
        name = name_key(row["name"])
        code = _new(row["code"], _CIRCLE, "two capital letters, as in KN", by_code)
        by_code[code] = name
        circles[name] = Named(code, row.get("name_hi"))
    divisions: dict[tuple[str, str], Named] = {}
    for row in table["division"]:
        form = "a Circle's code and two digits, as in KN06"
        code = _new(row["code"], _DIVISION, form, by_code)
        circle = by_code.get(code[:2])
        if circle is None:
            raise LocalProtocolError(f"{code} begins with the code of no Circle")
        by_code[code] = circle
        divisions[circle, name_key(row["name"])] = Named(code, row.get("name_hi"))
    top = table["directorate"]
    return Codes(top["name"], top.get("name_hi"), circles, divisions)


def _new(code: str, form: re.Pattern[str], words: str, known: Mapping[str, str]) -> str:
    if form.fullmatch(code) is None:
        raise LocalProtocolError(f"{code!r} is not {words}")
    if code in known:
        raise LocalProtocolError(f"the code {code} stands twice")
    return code
