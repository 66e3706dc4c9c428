"""What a tap has found: for each clause and side, whether it was seen, and right.

A clause is EXERCISED when something was looked at that could have been wrong, and all
of it was right; FAILED when something was wrong; UNSEEN when the traffic gave no
occasion. One failure is enough, and no number of right ones takes it back.
"""

import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from importlib.resources import files
from typing import Final

from hw.lab.verdicts import Level
from protocol.link import Role

FAILURES_KEPT: Final = 20
"""Of one clause and side; all are counted."""
_TIMES_SHOWN: Final = 3


class TapVerdict(Enum):
    """What is said of a clause, for one side."""

    EXERCISED = "EXERCISED"
    """It was seen on the line, and right."""
    FAILED = "FAILED"
    """It was seen broken."""
    UNSEEN = "unseen"
    """The traffic gave no occasion to see it."""


class Layer(Enum):
    """How deep one has to look; the keys of a channel are needed for the last."""

    LINK = "link"
    CHANNEL = "channel"
    DIALOGUE = "dialogue"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was seen.

    Attributes:
        capture: Name of the capture, or of the line.
        number: Of the record in it, from 1, as Wireshark counts them.
        time: When it passed.
    """

    capture: str
    number: int
    time: datetime

    def __str__(self) -> str:
        """Show it: ``call.pcapng, record 12, 06:01:02.123``."""
        time = self.time.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")
        return f"{self.capture}, record {self.number}, {time[:-6]}"


NOWHERE: Final = Place("", 0, datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Failure:
    """A clause that was seen broken.

    Attributes:
        clause: Such as ``LINK-6.3``.
        side: Who broke it.
        place: The record with which it showed.
        expected: What should have come, in words.
        seen: What came.
    """

    clause: str
    side: Role
    place: Place
    expected: str
    seen: str


@dataclass(frozen=True, slots=True)
class Look:
    """A clause that the tap judges.

    Attributes:
        clause: Such as ``LINK-6.3``.
        layer: How deep it looks.
        sides: Whose doing is judged.
        level: How binding the clause is.
        what: What is looked at, in words.
    """

    clause: str
    layer: Layer
    sides: tuple[Role, ...]
    level: Level
    what: str


@dataclass(slots=True)
class Line:
    """What is known of one clause for one side.

    Attributes:
        right: How often it was seen and right.
        wrong: How often it was not.
        failures: The first of them.
    """

    right: int = 0
    wrong: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def verdict(self) -> TapVerdict:
        """What is said of it."""
        if self.wrong:
            return TapVerdict.FAILED
        return TapVerdict.EXERCISED if self.right else TapVerdict.UNSEEN


class Sheet:
    """Takes what judges find.

    Attributes:
        place: The record that is looked at.
        lines: By clause and side.
    """

    def __init__(self) -> None:
        """Have found nothing."""
        self.place = NOWHERE
        self.lines: defaultdict[tuple[str, Role], Line] = defaultdict(Line)

    def look(
        self, clause: str, side: Role, right: bool, expected: str, seen: str
    ) -> None:
        """Note what was looked at.

        Args:
            clause: The clause.
            side: Whose doing it is.
            right: Whether it is as the clause says.
            expected: What should come, in words.
            seen: What came.
        """
        if right:
            self.met(clause, side)
        else:
            self.failed(clause, side, expected, seen)

    def met(self, clause: str, side: Role) -> None:
        """Note that a clause was seen, and right."""
        self.lines[clause, side].right += 1

    def failed(self, clause: str, side: Role, expected: str, seen: str) -> None:
        """Note that a clause was seen broken."""
        line = self.lines[clause, side]
        line.wrong += 1
        if len(line.failures) < FAILURES_KEPT:
            line.failures.append(Failure(clause, side, self.place, expected, seen))

    def verdict(self, clause: str, side: Role) -> TapVerdict:
        """Say what is known of a clause for one side."""
        line = self.lines.get((clause, side))
        return TapVerdict.UNSEEN if line is None else line.verdict

    @property
    def failures(self) -> list[Failure]:
        """The failures of all clauses, in the order in which they were seen."""
        found = (one for line in self.lines.values() for one in line.failures)
        return sorted(found, key=lambda one: (one.place.time, one.place.number))


def read_looks() -> tuple[Look, ...]:
    """Read what the tap judges, in the order of the specification."""
    text = files("hw.lab.tap").joinpath("looks.toml").read_text("utf-8")
    return tuple(
        Look(
            entry["clause"],
            Layer(entry["layer"]),
            tuple(Role(side) for side in entry["sides"]),
            Level(entry.get("level", "MUST")),
            entry["what"],
        )
        for entry in tomllib.loads(text)["look"]
    )
