"""What stands on the desks of a restore drill: machines, their lives, their dice.

A machine has one memory and one life after the other, each under a licence of its own.
"""

from dataclasses import dataclass, field
from typing import Final

from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.errors import RmfsError
from protocol.values import LicenceIdentifier, LicenceNumber

_LIVES_APART: Final = 10_000
"""Between the licence identifiers of two lives of a machine."""


class DrillError(RmfsError):
    """The drill itself did not go as it was laid out: nothing is said of the server."""


class Dice:
    """Numbers that follow from a seed."""

    def __init__(self, seed: bytes) -> None:
        """Begin the throws that belong to `seed`."""
        self._entropy = SeededEntropy(seed)

    def among(self, first: int, last: int) -> int:
        """Throw a number from `first` to `last`."""
        drawn = int.from_bytes(self._entropy.octets(8), "big")
        return first + drawn % (last - first + 1)


@dataclass
class Life:
    """One life of a machine.

    Attributes:
        licence: Its licence.
        number: Number of the licence.
        licensee: Who has it.
        base_paise: CT as it began.
        deposited_paise: What the fund files brought for the licence.
    """

    licence: LicenceIdentifier
    number: LicenceNumber
    licensee: str
    base_paise: int = 0
    deposited_paise: int = 0


@dataclass
class Body:
    """A machine on its desk.

    Attributes:
        index: Which one, from 0.
        nvram: Its memory.
        dice: Chooses what is done with it.
        lives: Its lives; the last is the present one.
        dial_ins: How often it dialled since the count was begun anew.
    """

    index: int
    nvram: MemoryNvram
    dice: Dice
    lives: list[Life] = field(default_factory=list)
    dial_ins: int = 0

    @property
    def life(self) -> Life:
        """The present one."""
        return self.lives[-1]

    @property
    def licence(self) -> LicenceIdentifier:
        """The licence of the present life."""
        return self.life.licence

    def licence_of(self, life: int) -> LicenceIdentifier:
        """Give the licence of a life, counted from 0."""
        return LicenceIdentifier(f"N{200_000 + life * _LIVES_APART + self.index}")

    def begin(self, base_paise: int) -> None:
        """Note that a life begins."""
        place = len(self.lives)
        number = 600_000 + place * _LIVES_APART + self.index
        self.lives.append(
            Life(
                self.licence_of(place),
                LicenceNumber(f"KN{number:07}"),
                f"Licensee {self.index}",
                base_paise,
            )
        )

    def ends_paise(self, total_paise: int) -> list[int]:
        """Give CT at which each life ended; the present one is at `total_paise`."""
        return [*(life.base_paise for life in self.lives[1:]), total_paise]
