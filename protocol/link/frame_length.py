"""How long a sender makes its frames: the length that loses least on the line as it is.

A frame of n octets on the line, h of them around its information, arrives with the
probability (1 - p)^(8n) at a bit error rate p, so that it brings most for each octet of
the line at

    n (n - h) = h / 8p

The rate is estimated from what became of earlier frames: one that arrived at first
sight had no bit error, and one that was lost had as many as lost frames of its length
have on average. Old frames count less and less, as lines change.

Source: the goodput bound P/(P+h) * (1-p)^(8(P+h)) for P octets of use; SPEC.md
LINK-7.8.
"""

import math
from typing import Final

from protocol.link.parameters import (
    ADAPTIVE_OCTETS_LEAST,
    FRAME_OVERHEAD_OCTETS,
    LENGTH_ERRORS_LEAST,
    LENGTH_MEMORY_FRAMES,
    LENGTH_PRIOR_ERRORS,
)

_OCTET_BITS: Final = 8
_KEPT: Final = 1 - 1 / LENGTH_MEMORY_FRAMES


class FrameLength:
    """Follows the line's error rate with the length of frames."""

    def __init__(self, octets_max: int, octets_first: int) -> None:
        """Begin with a guess.

        Args:
            octets_max: N1, most octets of information.
            octets_first: The error rate at which this length is the best is the guess.
        """
        self._octets_max = octets_max
        self._octets_least = min(octets_max, ADAPTIVE_OCTETS_LEAST)
        length = octets_first + FRAME_OVERHEAD_OCTETS
        rate = FRAME_OVERHEAD_OCTETS / (_OCTET_BITS * length * octets_first)
        self._errors = LENGTH_PRIOR_ERRORS
        self._bits = self._errors / rate

    @property
    def bit_error_rate(self) -> float:
        """What is estimated now."""
        return self._errors / self._bits

    @property
    def octets(self) -> int:
        """Octets of information that the next frame has at most."""
        around = FRAME_OVERHEAD_OCTETS
        product = around / (_OCTET_BITS * self.bit_error_rate)
        best = (math.sqrt(around * around + 4 * product) - around) / 2
        return max(self._octets_least, min(self._octets_max, round(best)))

    def loss(self, octets: int) -> float:
        """Say how likely a frame with so many octets of information is to be lost."""
        return -math.expm1(-self._errors_in(octets))

    def arrived(self, octets: int) -> None:
        """A frame with so many octets of information arrived at first sight."""
        self._count(octets, 0.0)

    def lost(self, octets: int) -> None:
        """A frame with so many octets of information had to be sent again."""
        # The mean of a Poisson number of errors that is not 0.
        self._count(octets, self._errors_in(octets) / self.loss(octets))

    def _errors_in(self, octets: int) -> float:
        return self.bit_error_rate * _bits(octets)

    def _count(self, octets: int, errors: float) -> None:
        self._errors = max(self._errors * _KEPT + errors, LENGTH_ERRORS_LEAST)
        self._bits = self._bits * _KEPT + _bits(octets)


def _bits(octets: int) -> int:
    return _OCTET_BITS * (octets + FRAME_OVERHEAD_OCTETS)
