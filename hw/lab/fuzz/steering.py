"""What a round of a campaign is to look for: weights, fixed before the round begins.

Hypothesis shrinks by drawing again, so that what is drawn must follow from its choices
alone: weights change between rounds, never within one.
"""

from dataclasses import dataclass
from typing import Final

Cell = tuple[str, str]
"""A state of the dialogue, and what the bench does in it."""


@dataclass(frozen=True, slots=True)
class Steering:
    """Weights of cells.

    Attributes:
        weights: Cells that are to be drawn more often, each with its weight from 1; a
            cell that is not named has 1.
    """

    weights: tuple[tuple[Cell, int], ...] = ()

    def weight(self, cell: Cell) -> int:
        """Say how much a cell is wanted."""
        return dict(self.weights).get(cell, 1)


EVEN: Final = Steering()
"""Nothing is wanted more than anything else."""
