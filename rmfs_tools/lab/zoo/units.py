"""The faulty units as data, read strictly from `machines.toml` and `servers.toml`.

A file holds ``[[unit]]`` with the keys of `FaultyUnit`, and for each change of the
product's text ``[[unit.edit]]`` with ``file``, ``find`` and ``replace``. ``find`` is
text that stands exactly once in that file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from protocol.errors import RmfsError
from protocol.link import Role
from rmfs_tools.planting import Edit

_FOLDER: Final = files("rmfs_tools.lab.zoo")
_FILES: Final = {Role.MACHINE: "machines.toml", Role.SERVER: "servers.toml"}
_TEXTS: Final = ("id", "title", "clause")


class ZooError(RmfsError):
    """A faulty unit is not written as it has to be, or there is none of that name."""


@dataclass(frozen=True, slots=True)
class FaultyUnit:
    """A machine or a server with one defect.

    Attributes:
        id: Its name in commands, lower case with hyphens.
        role: Machine or server.
        title: What is wrong with it, in a sentence.
        clause: The clause of SPEC.md that it breaks.
        caught_by: Ids of the cases that fail on it, and on no healthy unit.
        edits: How it differs from the product.
    """

    id: str
    role: Role
    title: str
    clause: str
    caught_by: tuple[str, ...]
    edits: tuple[Edit, ...]


def faulty_units() -> tuple[FaultyUnit, ...]:
    """Read all of them, machines first, each sort by id.

    Raises:
        ZooError: One is not written as it has to be.
    """
    found: dict[str, FaultyUnit] = {}
    for role, name in _FILES.items():
        units = read_units(_FOLDER.joinpath(name).read_text("utf-8"), name, role)
        for unit in sorted(units, key=lambda unit: unit.id):
            if unit.id in found:
                raise ZooError(f"{name}: two units are called {unit.id}")
            found[unit.id] = unit
    return tuple(found.values())


def read_units(text: str, name: str, role: Role) -> list[FaultyUnit]:
    """Read the units of one file.

    Args:
        text: What it holds.
        name: Its name, for errors.
        role: What they are.

    Raises:
        ZooError: It is not written as it has to be.
    """
    try:
        found = tomllib.loads(text)
        return [_unit(one, role) for one in found["unit"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ZooError(f"{name}: {error}") from error


def _unit(value: Mapping[str, Any], role: Role) -> FaultyUnit:
    given = dict(value)
    edits = tuple(Edit(**one) for one in given.pop("edit"))
    caught_by = tuple(given.pop("caught_by"))
    unit = FaultyUnit(role=role, caught_by=caught_by, edits=edits, **given)
    for member in _TEXTS:
        text = getattr(unit, member)
        if not isinstance(text, str) or not text:
            raise TypeError(f"{unit.id}: {member} is {text!r}")
    if not unit.edits or not all(isinstance(case, str) for case in unit.caught_by):
        raise TypeError(f"{unit.id}: it has no edit, or caught_by holds no ids")
    return unit
