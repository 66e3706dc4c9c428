"""Which cells were reached: where a dialogue stood, what was done, what came of it.

A *cell* is a situation and an event (`hw.lab.fuzz.grammar.cells` names all that make
sense); how the unit took it is counted with it. A cell that steering cannot bring about
stays unreached and is told: nobody is to think that it was tried.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from hw.lab.fuzz.grammar import cells
from hw.lab.fuzz.steering import Cell, Steering
from protocol.link import Role

_WEIGHTS: Final = ((0, 8), (3, 4), (10, 2))
"""Cells that were reached up to so often, and how much they are wanted."""


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

    @property
    def cell(self) -> Cell:
        """Where and what, however it was taken."""
        return self.state, self.event


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
        self._reached: Counter[Reached] = Counter()

    def add(self, reached: Iterable[Reached]) -> int:
        """Count what one case has reached; how much of it is new comes back."""
        before = len(self._reached)
        self._reached.update(reached)
        return len(self._reached) - before

    @property
    def counts(self) -> Counts:
        """How much was reached of what is known."""
        reached = set(self._by_cell())
        return Counts(len(reached), len(reached | set(cells(self.role))))

    def _by_cell(self) -> Counter[Cell]:
        found: Counter[Cell] = Counter()
        for one, times in self._reached.items():
            found[one.cell] += times
        return found

    @property
    def unreached(self) -> tuple[Cell, ...]:
        """Cells that are known and were not reached."""
        reached = self._by_cell()
        return tuple(cell for cell in cells(self.role) if cell not in reached)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program; `read_coverage` reads it."""
        counts = self.counts
        return {
            "role": self.role.value,
            "cells": {"reached": counts.reached, "known": counts.known},
            "reached": [
                {
                    "state": one.state,
                    "event": one.event,
                    "reaction": one.reaction,
                    "times": times,
                }
                for one, times in sorted(self._reached.items())
            ],
            "unreached": [
                {"state": state, "event": event} for state, event in self.unreached
            ],
        }

    def steering(self) -> Steering:
        """Say what the next round is to look for: what was reached least."""
        reached = self._by_cell()
        weights = ((cell, _wanted(reached[cell])) for cell in cells(self.role))
        return Steering(tuple((cell, weight) for cell, weight in weights if weight > 1))


def read_coverage(value: dict[str, Any]) -> Coverage:
    """Read what `as_json` gave, to go on with it.

    Raises:
        KeyError: A member is missing.
        ValueError: The role is none.
    """
    coverage = Coverage(Role(value["role"]))
    for one in value["reached"]:
        reached = Reached(one["state"], one["event"], one["reaction"])
        coverage.add([reached] * one["times"])
    return coverage


def _wanted(times: int) -> int:
    return next((weight for limit, weight in _WEIGHTS if times <= limit), 1)
