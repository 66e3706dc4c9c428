"""The power of a machine: both its memories hang on it, and it fails where it is told.

A write that is struck may be stored in part: its first octets, its last ones, some of
its pages, or anything at all in the octets that were being programmed. A memory says
that a write is durable when it returns, so that two writes are never exchanged; the
pages of one write are.
"""

from dataclasses import dataclass
from typing import Final

from hw.nvram import Nvram, PowerCutError
from rmfs_tools.simulation.dice import Dice

_PAGE_OCTETS: Final = 16
WHOLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Strike:
    """Where the power fails.

    Attributes:
        at_write: At which write from when it was armed; 1 is the next.
        part: How much of it is stored, of `WHOLE`.
        torn: Which part: ``head``, ``tail``, ``scattered`` or ``garbage``.
        dice: Chooses pages and garbage.
    """

    at_write: int
    part: int
    torn: str
    dice: Dice


class Supply:
    """The power of a machine.

    Attributes:
        is_dead: It has failed; nothing can be read or written any more.
    """

    def __init__(self) -> None:
        """Begin whole."""
        self.is_dead = False
        self._strike: Strike | None = None
        self._writes_left = 0

    def arm(self, strike: Strike | None) -> None:
        """Fail at a write, or no more."""
        self._strike = strike
        self._writes_left = 0 if strike is None else strike.at_write

    def fail(self) -> None:
        """Fail now, between two writes."""
        self.is_dead = True

    def feed(self, memory: Nvram) -> "FedNvram":
        """Hang a memory on this supply."""
        return FedNvram(self, memory)

    def check(self) -> None:
        """Raise `PowerCutError` when there is no power."""
        if self.is_dead:
            raise PowerCutError("the power is off")

    def write(self, memory: Nvram, address: int, octets: bytes) -> None:
        """Write, unless this is where the power fails."""
        self.check()
        strike = self._strike
        self._writes_left -= 1
        if strike is None or self._writes_left:
            memory.write(address, octets)
            return
        self.is_dead = True
        for offset, stored in _struck(strike, octets):
            memory.write(address + offset, stored)
        raise PowerCutError(f"the power failed at a write of {len(octets)} octets")


class FedNvram:
    """One memory on a supply; a `hw.nvram.Nvram`."""

    def __init__(self, supply: Supply, memory: Nvram) -> None:
        """Hang it there."""
        self._supply = supply
        self._memory = memory

    @property
    def size_octets(self) -> int:
        """Number of octets that can be addressed."""
        return self._memory.size_octets

    def read(self, address: int, length: int) -> bytes:
        """Read; without power `PowerCutError`."""
        self._supply.check()
        return self._memory.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        """Write; without power, or when it fails here, `PowerCutError`."""
        self._supply.write(self._memory, address, octets)


def _struck(strike: Strike, octets: bytes) -> list[tuple[int, bytes]]:
    """Say which octets of a struck write are stored, by their place in it."""
    count = len(octets) * strike.part // WHOLE
    if count == len(octets):
        return [(0, octets)]
    if strike.torn == "scattered":
        pages = [
            (at, octets[at : at + _PAGE_OCTETS])
            for at in range(0, len(octets), _PAGE_OCTETS)
        ]
        return [page for page in pages if strike.dice.below(WHOLE) < strike.part]
    if strike.torn == "tail":
        return [(len(octets) - count, octets[len(octets) - count :])] if count else []
    if strike.torn == "garbage":
        return [(0, octets[:count] + strike.dice.octets(len(octets) - count))]
    return [(0, octets[:count])] if count else []
