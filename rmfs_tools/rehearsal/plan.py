"""What goes wrong in a rehearsal, and when: it follows from the seed.

Windows are numbered through from the first working day; each mistake strikes one maker
in one window, or the bank on one evening. The first and the last working days are calm:
there has to be money before anything can go wrong with it, and time after it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from dop_gateway.simulators.bank import Fault
from rmfs_tools.simulation.dice import Dice

WINDOWS_A_DAY: Final = 3
CALM_AT_FIRST: Final = 2
CALM_AT_LAST: Final = 3
_EVERY: Final = 4
"""Windows from one mistake of a maker to its next one: it is over by then."""


class WindowMistake(Enum):
    """What goes wrong in a window of a maker, by the name that reports use."""

    FILE_LATE = "file-late"
    FILE_TWICE = "file-twice"
    FILE_TRUNCATED = "file-truncated"
    FILE_OUT_OF_ORDER = "file-out-of-order"
    ACKNOWLEDGEMENT_LOST = "acknowledgement-lost"
    MAKER_DOWN = "maker-down"


_LAYOUTS: Final = ("credit-download", "usage", "remaining-fund")


@dataclass(frozen=True, slots=True)
class Strike:
    """A mistake in a window.

    Attributes:
        layout: Of the file that it strikes; empty where it strikes the session.
    """

    mistake: WindowMistake
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that goes wrong.

    Attributes:
        windows: By working day, window (from 0) and letter of the maker.
        evenings: By working day: what the bank does wrong.
    """

    windows: dict[tuple[int, int, str], Strike]
    evenings: dict[int, Fault]

    @property
    def count(self) -> int:
        """How many mistakes there are."""
        return len(self.windows) + len(self.evenings)


CALM: Final = Plan({}, {})


def draw_plan(days: int, letters: tuple[str, ...], seed: int) -> Plan:
    """Draw what goes wrong.

    Args:
        days: Working days of the rehearsal.
        letters: Of the makers.
        seed: Decides.
    """
    windows: dict[tuple[int, int, str], Strike] = {}
    last = (days - CALM_AT_LAST) * WINDOWS_A_DAY
    for place, letter in enumerate(letters):
        dice = Dice(seed, "windows", letter)
        kinds = list(WindowMistake)
        turn = dice.below(len(kinds))
        for number in range(
            CALM_AT_FIRST * WINDOWS_A_DAY + 2 * place, last - _EVERY, _EVERY
        ):
            mistake = kinds[turn % len(kinds)]
            turn += 1
            day, window = divmod(number, WINDOWS_A_DAY)
            windows[day, window, letter] = Strike(mistake, _layout(mistake, dice))
    dice = Dice(seed, "evenings")
    faults = list(Fault)
    turn = dice.below(len(faults))
    evenings = {}
    for day in range(CALM_AT_FIRST, days - CALM_AT_LAST, 2):
        evenings[day] = faults[turn % len(faults)]
        turn += 1
    return Plan(windows, evenings)


def _layout(mistake: WindowMistake, dice: Dice) -> str:
    if mistake is WindowMistake.MAKER_DOWN:
        return ""
    if mistake is WindowMistake.ACKNOWLEDGEMENT_LOST:
        return "acknowledgement"
    return dice.one_of(_LAYOUTS)
