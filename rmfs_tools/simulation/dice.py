"""Choices that follow from a seed, each topic with a stream of its own.

A stream is named by labels: what one topic draws does not move what another draws, so
that a deed can be taken out of a plan and all the others stay as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from hw.entropy import SeededEntropy

T = TypeVar("T")

_DRAW_OCTETS: Final = 8
_DRAWS: Final = 1 << (8 * _DRAW_OCTETS)


class Dice:
    """A stream of choices."""

    def __init__(self, *labels: object) -> None:
        """Begin the stream of these labels.

        Args:
            labels: Their texts name the stream, such as a seed and a topic.
        """
        self._labels = labels
        self._entropy = SeededEntropy("\x00".join(map(str, labels)).encode())

    def of(self, *labels: object) -> "Dice":
        """Begin a stream below this one, which it does not move."""
        return Dice(*self._labels, *labels)

    def fraction(self) -> float:
        """Draw from 0 inclusive to 1 exclusive."""
        return self._draw() / _DRAWS

    def below(self, count: int) -> int:
        """Draw a whole number from 0 to ``count - 1``.

        The bias of a 64-bit draw is far below what any number of seeds could show.
        """
        return self._draw() * count // _DRAWS

    def between(self, least: int, most: int) -> int:
        """Draw a whole number from `least` to `most`, both inclusive."""
        return least + self.below(most - least + 1)

    def spread(self, least: float, most: float) -> float:
        """Draw a number from `least` to `most`, to three decimals."""
        return round(least + self.fraction() * (most - least), 3)

    def happens(self, probability: float) -> bool:
        """Say whether something of this probability happens."""
        return self.fraction() < probability

    def one_of(self, choices: Sequence[T]) -> T:
        """Choose one, all alike."""
        return choices[self.below(len(choices))]

    def weighted(self, choices: Mapping[T, int]) -> T:
        """Choose one, each as often as its weight says."""
        draw = self.below(sum(choices.values()))
        for choice, weight in choices.items():
            draw -= weight
            if draw < 0:
                return choice
        raise ValueError("nothing to choose from")

    def octets(self, count: int) -> bytes:
        """Draw octets."""
        return self._entropy.octets(count)

    def _draw(self) -> int:
        return int.from_bytes(self._entropy.octets(_DRAW_OCTETS), "big")
