"""When dial-ins come due: moments from a seed, independent of what becomes of them.

Machines that know nothing of each other dial at moments of a Poisson process: the gaps
between them are exponential. Several such streams together are one again, with the sum
of their rates, so that each process of a run draws its own.
"""

from collections.abc import Iterator
from math import log
from typing import Final

from hw.entropy import SeededEntropy
from protocol.errors import LocalProtocolError

_DRAW_OCTETS: Final = 7
_DRAW_RANGE: Final = 1 << 8 * _DRAW_OCTETS


def even_moments(rate: float) -> Iterator[float]:
    """Give moments with the same gap between them, in seconds; without end.

    Raises:
        LocalProtocolError: The rate is not above 0.
    """
    _check(rate)
    number = 0
    while True:
        number += 1
        yield number / rate


def drawn_moments(rate: float, seed: str) -> Iterator[float]:
    """Give moments of a Poisson process, in seconds; without end.

    Args:
        rate: How many come due in a second, on average.
        seed: Chooses them.

    Raises:
        LocalProtocolError: The rate is not above 0.
    """
    _check(rate)
    entropy = SeededEntropy(f"arrivals {seed}".encode())
    at_s = 0.0
    while True:
        drawn = int.from_bytes(entropy.octets(_DRAW_OCTETS), "big")
        at_s -= log((drawn + 1) / _DRAW_RANGE) / rate
        yield at_s


class Arrivals:
    """Moments within so many seconds, given out as they come due."""

    def __init__(self, moments: Iterator[float], seconds: float) -> None:
        """Begin with the first.

        Args:
            moments: Ascending, in seconds.
            seconds: Those behind it never come.
        """
        self._moments = moments
        self._seconds = seconds
        self._next_s = next(moments)

    @property
    def next_s(self) -> float | None:
        """The next moment; None: there is none."""
        return self._next_s if self._next_s < self._seconds else None

    def take(self, passed_s: float) -> list[float]:
        """Give the moments that have come since it was asked last."""
        found = []
        while self._next_s <= passed_s and self._next_s < self._seconds:
            found.append(self._next_s)
            self._next_s = next(self._moments)
        return found


def _check(rate: float) -> None:
    if rate <= 0:
        raise LocalProtocolError(f"nothing comes at a rate of {rate:g}")
