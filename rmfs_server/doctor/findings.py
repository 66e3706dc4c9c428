"""What the doctor says: each thing that was looked at, how it is, what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was looked at.

    Attributes:
        area: Of what it is a part: folder, keys, books and the like.
        level: How it is.
        what: What was seen.
        todo: What to do; empty where nothing has to be done.
    """

    area: str
    level: Level
    what: str
    todo: str = ""


def good(area: str, what: str) -> Found:
    """Say that something is as it should be."""
    return Found(area, Level.GOOD, what)


def fault(area: str, what: str, todo: str) -> Found:
    """Say that something is wrong, and what to do."""
    return Found(area, Level.FAULT, what, todo)


def warning(area: str, what: str, todo: str) -> Found:
    """Say that something will go wrong, or may."""
    return Found(area, Level.WARNING, what, todo)


def note(area: str, what: str, todo: str = "") -> Found:
    """Say what whoever looks should know."""
    return Found(area, Level.NOTE, what, todo)


def show(found: Sequence[Found]) -> Iterator[str]:
    """Show all to a person: what is worst last, where the eye is."""
    order = list(Level)
    for one in sorted(found, key=lambda one: order.index(one.level)):
        yield f"{one.level.value:<8} {one.area:<9} {one.what}"
        if one.todo:
            yield f"{'':<18} -> {one.todo}"
    faults = sum(one.level is Level.FAULT for one in found)
    warnings = sum(one.level is Level.WARNING for one in found)
    yield f"{len(found)} looked at, {warnings} warnings, {faults} faults"
