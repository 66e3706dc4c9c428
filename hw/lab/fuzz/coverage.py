"""Which cells were reached: where a dialogue stood, what was done, what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hw.lab.fuzz.steering import EVEN, Steering
from protocol.link import Role


@dataclass(frozen=True, slots=True, order=True)
class Reached:
    """Something that was done to a unit, and how it took it.

    Attributes:
        state: Where the dialogue stood, as the bench sees it.
        event: What the bench did.
        reaction: What came: a message, an ERROR and its code, an end, or nothing.
    """

    state: str
    event: str
    reaction: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was reached, as progress and summaries show it.

    Attributes:
        reached: Cells of a state and an event that were reached.
        known: Cells that are known to be there.
    """

    reached: int
    known: int


class Coverage:
    """What a campaign has reached, of what is known to be there."""

    def __init__(self, role: Role) -> None:
        """Begin with nothing.

        Args:
            role: Of the unit under test.
        """
        self.role = role
        self._reached: dict[Reached, int] = {}

    def add(self, cells: Iterable[Reached]) -> int:
        """Count what one case has reached; how much of it is new comes back."""
        before = len(self._reached)
        for cell in cells:
            self._reached[cell] = self._reached.get(cell, 0) + 1
        return len(self._reached) - before

    @property
    def counts(self) -> Counts:
        """How much was reached of what is known."""
        cells = {(one.state, one.event) for one in self._reached}
        return Counts(len(cells), len(cells))

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {"role": self.role.value}

    def steering(self) -> Steering:
        """Say what the next round is to look for: what was reached least."""
        return EVEN


def read_coverage(value: dict[str, Any]) -> Coverage:
    """Read what `as_json` gave, to go on with it."""
    return Coverage(Role(value["role"]))
