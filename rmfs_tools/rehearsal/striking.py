"""Carrying out what a plan says of a maker, and saying what has to be found of it."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from dop_gateway.deposits.model import DepositState
from dop_gateway.exchange.model import EVERY_WINDOW
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.simulators.bank import Injected
from rmfs_tools.rehearsal.crossing import Crossing, Struck, Trouble
from rmfs_tools.rehearsal.maker import Maker
from rmfs_tools.rehearsal.mistakes import (
    TAKEN_BACK,
    CameAgain,
    DepositIs,
    Incident,
    Mistake,
    Sign,
)
from rmfs_tools.rehearsal.plan import Strike, WindowMistake

_TROUBLES: Final = {
    WindowMistake.FILE_LATE: Trouble.HELD_BACK,
    WindowMistake.FILE_TWICE: Trouble.TWICE,
    WindowMistake.FILE_TRUNCATED: Trouble.TRUNCATED,
    WindowMistake.FILE_OUT_OF_ORDER: Trouble.HELD_BACK,
    WindowMistake.ACKNOWLEDGEMENT_LOST: Trouble.BREAKS,
}
_WINDOWS_HELD: Final = {
    WindowMistake.FILE_OUT_OF_ORDER: 2,
    WindowMistake.ACKNOWLEDGEMENT_LOST: 2,
    WindowMistake.MAKER_DOWN: 2,
}
"""For how many windows a mistake lasts; the others strike one."""
_WAITS: Final = frozenset({DepositState.SUSPENSE})


class Striking:
    """What goes wrong with one maker.

    Attributes:
        crossing: Its way to the drop.
    """

    def __init__(self, maker: Maker, crossing: Crossing) -> None:
        """Begin with nothing wrong."""
        self.crossing = crossing
        self._maker = maker
        self._strike: Strike | None = None
        self._left = 0
        self._turn = (date.min, 0)
        self._ours: list[str] = []

    def begin(self, day: date, window: int, strike: Strike | None) -> None:
        """Begin a window, in which this goes wrong.

        Args:
            day: Of the window.
            window: From 1.
            strike: None when nothing new does; what lasts goes on.
        """
        self._turn = (day, window)
        self._left = max(0, self._left - 1)
        if not self._left:
            self.crossing.let_go()
            self._maker.is_up = True
        if strike is None:
            if not self._left:
                self._strike = None
            return
        self._strike = strike
        self._left = _WINDOWS_HELD.get(strike.mistake, 1)
        if strike.mistake is WindowMistake.MAKER_DOWN:
            self._maker.is_up = False
            return
        lying = self.crossing.drop.names()
        self._ours = [name for name in lying if name.startswith("fund-")]
        self.crossing.troubles[strike.layout] = _TROUBLES[strike.mistake]

    def struck(self) -> list[Mistake]:
        """Say what went wrong in this window's session."""
        done, self.crossing.struck = self.crossing.struck, []
        if self._strike is None:
            return []
        if self._strike.mistake is WindowMistake.MAKER_DOWN:
            if self._left < _WINDOWS_HELD[WindowMistake.MAKER_DOWN]:
                return []
            signs = [self._missing(layout) for layout in EVERY_WINDOW]
            return [self._mistake(f"{self._maker.letter} from {self._when()}", signs)]
        return [self._mistake(one.name, self._signs(one)) for one in done]

    def _signs(self, one: Struck) -> list[Sign]:
        letter, strike = self._maker.letter, self._strike
        mistake = None if strike is None else strike.mistake
        layout = "" if strike is None else strike.layout
        if mistake is WindowMistake.FILE_TWICE:
            return [CameAgain(letter, one.name, one.sha256)]
        if mistake is WindowMistake.FILE_TRUNCATED:
            return [Incident(IncidentKind.FILE_REFUSED, f"{letter}/{one.name}")]
        if mistake is WindowMistake.FILE_LATE:
            return [self._missing(layout)]
        if mistake is WindowMistake.ACKNOWLEDGEMENT_LOST:
            kind = IncidentKind.NOT_ACKNOWLEDGED
            return [Incident(kind, f"{letter}/{name}") for name in self._ours]
        gap = f"{letter} {layout} {_number_of(one.name)}"
        return [Incident(IncidentKind.SEQUENCE_GAP, gap)]

    def _missing(self, layout: str) -> Incident:
        subject = f"{self._maker.letter} {layout} {self._when()}"
        return Incident(IncidentKind.FILE_MISSING, subject)

    def _when(self) -> str:
        day, window = self._turn
        return f"{day} {window}"

    def _mistake(self, subject: str, signs: Sequence[Sign]) -> Mistake:
        name = "" if self._strike is None else self._strike.mistake.value
        return Mistake(name, subject, signs)


def mistake_of_bank(injected: Injected) -> Mistake:
    """Say what has to be found of a mistake of the bank."""
    sign: Sign
    if injected.kind is not None:
        sign = Incident(injected.kind, injected.subject)
    else:
        took_back = injected.fault.value.startswith("bounced")
        sign = DepositIs(injected.subject, TAKEN_BACK if took_back else _WAITS)
    return Mistake(f"bank-{injected.fault.value}", injected.subject, [sign])


def _number_of(name: str) -> int:
    """Read the number of a file out of its name, as in ``usage-US-N-000012.txt``."""
    return int(name.removesuffix(".txt").rpartition("-")[2])
