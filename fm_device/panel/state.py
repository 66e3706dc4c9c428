"""What a panel remembers, and what an action makes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fm_device.panel.choices import HIGH_VALUE, Screen
from fm_device.panel.display import COLUMNS, LINES, wrapped
from fm_device.panel.facts import Facts
from fm_device.panel.keys import AmountKey, PanelEvent
from fm_device.panel.wishes import NO_RUN, FrankRun, Wish
from fm_device.psd.pins import Role
from protocol.registers import RequestKind

FRAMES_KEPT: Final = 200
LINES_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class PanelState:
    """What a panel remembers; nothing of it is in the machine.

    Attributes:
        screen: What the display is about.
        cursor: The line of a list that is chosen, from 0.
        typed: The digits typed so far.
        day: The day that is being chosen, or None for the one in force.
        kind: What is being asked for.
        limit: Which limit is being typed.
        role: Whose PIN is being typed.
        waiting: What is done when the PIN was right, or the value is.
        run: The run of franks that is under way, or was last.
        lines: What there is to read: a message, or the progress of a dial-in.
        code: The stable code of that message, or empty.
        notice: One line on the first screen, until the next key.
        frames: Frames of the line, the last one last: who sent it, and what it is.
        idle_key: The last key does nothing on this screen.
    """

    screen: Screen = Screen.OFF
    cursor: int = 0
    typed: str = ""
    day: date | None = None
    kind: RequestKind = RequestKind.RECHARGE
    limit: AmountKey = HIGH_VALUE
    role: Role = Role.OPERATOR
    waiting: Wish | None = None
    run: FrankRun = NO_RUN
    lines: tuple[str, ...] = ()
    code: str = ""
    notice: str = ""
    frames: tuple[tuple[bool, str], ...] = ()
    idle_key: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What an action gives: the state, what is wished, and what is heard next."""

    state: PanelState
    wishes: tuple[Wish, ...] = ()
    then: PanelEvent | None = None


Action = Callable[[PanelState, Any, Facts], Reply]


def message_lines(state: PanelState) -> list[str]:
    """Lay out what there is to read: the code, if any, is its last line."""
    lines = [line for text in state.lines for line in wrapped(text)]
    if not state.code:
        return lines
    room = max(LINES - 1, len(lines))
    return [*lines, *[""] * (room - len(lines)), state.code.rjust(COLUMNS)]
