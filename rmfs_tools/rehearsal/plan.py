"""What goes wrong in a rehearsal, and when: it follows from the seed.

Windows are numbered through from the first working day; each mistake strikes one maker
in one window, the bank on one evening, or a counter on one day. The first and the last
working days are calm: there has to be money before anything can go wrong with it, and
time after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from dop_gateway.simulators.bank import Fault
from rmfs_tools.rehearsal.cheating import Cheat
from rmfs_tools.rehearsal.post_offices import MISTAKES, OfficeMistake
from rmfs_tools.simulation.dice import Dice

WINDOWS_A_DAY: Final = 3
CALM_AT_FIRST: Final = 2
CALM_AT_LAST: Final = 3
_EVERY: Final = 4
"""Windows from one mistake of a maker to its next one: it is over by then."""


_LAST_WINDOWS: Final = (1, 2)
"""A mistake lasts for two windows at most: the third is calm if neither is struck."""


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
        counters: By working day: what goes wrong at a counter.
        cheats: By working day and letter: how a maker cheats in its last window.
    """

    windows: dict[tuple[int, int, str], Strike]
    evenings: dict[int, Fault]
    counters: dict[int, OfficeMistake]
    cheats: dict[tuple[int, str], Cheat]

    def ends_calm(self, day: int, letter: str) -> bool:
        """Whether nothing goes wrong in a maker's last window of a day."""
        return _ends_calm(self.windows, day, letter)

    @property
    def count(self) -> int:
        """How many mistakes there are."""
        maker = len(self.windows) + len(self.cheats)
        return maker + len(self.evenings) + len(self.counters)


CALM: Final = Plan({}, {}, {}, {})


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
    days_struck = range(CALM_AT_FIRST, days - CALM_AT_LAST)
    turn = Dice(seed, "counters").below(len(MISTAKES))
    counters = {
        day: MISTAKES[(turn + number) % len(MISTAKES)]
        for number, day in enumerate(days_struck)
    }
    turn = Dice(seed, "cheats").below(len(Cheat))
    cheats = _cheats(days_struck, letters, windows, turn)
    return Plan(windows, evenings, counters, cheats)


def _cheats(
    days: Iterable[int],
    letters: tuple[str, ...],
    windows: Mapping[tuple[int, int, str], Strike],
    turn: int,
) -> dict[tuple[int, str], Cheat]:
    """Let makers cheat on days on whose last windows nothing else goes wrong."""
    kinds = list(Cheat)
    cheats: dict[tuple[int, str], Cheat] = {}
    for day in days:
        for letter in letters:
            if _ends_calm(windows, day, letter):
                cheats[day, letter] = kinds[(turn + len(cheats)) % len(kinds)]
    return cheats


def _ends_calm(
    windows: Mapping[tuple[int, int, str], Strike], day: int, letter: str
) -> bool:
    return not any((day, window, letter) in windows for window in _LAST_WINDOWS)


def _layout(mistake: WindowMistake, dice: Dice) -> str:
    if mistake is WindowMistake.MAKER_DOWN:
        return ""
    if mistake is WindowMistake.ACKNOWLEDGEMENT_LOST:
        return "acknowledgement"
    return dice.one_of(_LAYOUTS)
