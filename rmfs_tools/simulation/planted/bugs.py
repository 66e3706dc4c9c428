"""The planted bugs as data, read strictly from the files of `catalogue`.

A file holds the bugs of one area, in TOML: ``[[bug]]`` with the keys of `PlantedBug`,
and for each of its changes ``[[bug.edit]]`` with ``file``, ``find`` and ``replace``.
``find`` is text that stands exactly once in that file, whole lines as a rule.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.resources import files
from typing import Any, Final

from protocol.errors import RmfsError
from rmfs_tools.planting import Edit

_FOLDER: Final = files("rmfs_tools.simulation.planted").joinpath("catalogue")
_ENDING: Final = ".toml"
MACHINES: Final = 3
DAYS: Final = 1


class PlantedBugError(RmfsError):
    """A planted bug cannot be read, or its copy cannot be run."""


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """A mistake that a programmer could have made, and how it must be found.

    Attributes:
        id: Its name in commands, lower case with hyphens.
        name: Its name for people.
        mistake: What is wrong, in a sentence.
        breaks: Clauses of SPEC.md that it breaks.
        shows: How a run shows it.
        needs: What has to happen in a run, beside an ordinary life.
        edits: What is changed.
        faults: Profile of faults of the run.
        seeds: Within how many seeds, from 0 on, it must be found.
        guard: What else in the product stands against it, so that more than one place
            had to be changed; empty when nothing does.
        machines: How many machines there are in the run.
        days: How many days the run has.
    """

    id: str
    name: str
    mistake: str
    breaks: tuple[str, ...]
    shows: str
    needs: str
    edits: tuple[Edit, ...]
    faults: str
    seeds: int
    guard: str = ""
    machines: int = MACHINES
    days: int = DAYS


def planted_bugs() -> tuple[PlantedBug, ...]:
    """Read all of them, sorted by id.

    Raises:
        PlantedBugError: One is not written as it has to be.
    """
    found: dict[str, PlantedBug] = {}
    for one in sorted(_FOLDER.iterdir(), key=lambda one: one.name):
        if one.name.endswith(_ENDING):
            for bug in read_bugs(one.read_text("utf-8"), one.name):
                if bug.id in found:
                    raise PlantedBugError(f"two planted bugs are called {bug.id}")
                found[bug.id] = bug
    return tuple(found[bug_id] for bug_id in sorted(found))


def read_bugs(text: str, name: str) -> list[PlantedBug]:
    """Read the bugs of one file.

    Args:
        text: What it holds.
        name: Its name, for errors.

    Raises:
        PlantedBugError: It is not written as it has to be.
    """
    try:
        found = tomllib.loads(text)
        return [_bug(one) for one in found["bug"]]
    except (KeyError, TypeError, ValueError) as error:
        raise PlantedBugError(f"{name}: {error}") from error


def _bug(value: Mapping[str, Any]) -> PlantedBug:
    given = dict(value)
    edits = tuple(Edit(**one) for one in given.pop("edit"))
    given["breaks"] = tuple(given["breaks"])
    bug = PlantedBug(edits=edits, **given)
    for one in fields(PlantedBug):
        held = getattr(bug, one.name)
        if not isinstance(held, one.type if isinstance(one.type, type) else tuple):
            raise TypeError(f"{bug.id}: {one.name} is {held!r}")
        if one.default is MISSING and not held:
            raise TypeError(f"{bug.id}: {one.name} is empty")
    return bug
