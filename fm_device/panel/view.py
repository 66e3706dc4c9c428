"""What display, lamps and soft keys of a panel show: pure, and the same everywhere."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fm_device.frank import FrankFace
from fm_device.panel.choices import Screen, choices
from fm_device.panel.display import COLUMNS, LINES
from fm_device.panel.facts import Facts
from fm_device.panel.pages import PAGES
from fm_device.panel.state import PanelState, message_lines
from protocol.registers import MachineState
from protocol.values import show_rupees

_IDLE: Final = "This key does nothing here."
_IDLE_INSIDE: Final = "This key does nothing here; CLEAR leaves."
_OUTSIDE: Final = (Screen.OFF, Screen.STOPPED, Screen.HOME, Screen.DIALLING)
"""Screens that CLEAR does not leave."""


class Lamp(Enum):
    """How a lamp shines; words for those who see no colours."""

    DARK = "off"
    GREEN = "on"
    AMBER = "warns"
    RED = "stops"


@dataclass(frozen=True, slots=True)
class Lamps:
    """The lamps of the machine.

    Attributes:
        ready: A frank can be printed.
        fault: Something is wrong.
        line: A dial-in is under way.
        funds: How much is left.
    """

    ready: Lamp = Lamp.DARK
    fault: Lamp = Lamp.DARK
    line: Lamp = Lamp.DARK
    funds: Lamp = Lamp.DARK


@dataclass(frozen=True, slots=True)
class PanelView:
    """Everything that is to be seen of a panel.

    Attributes:
        screen: What the display is about.
        lines: 6 lines of at most 32 characters.
        soft: What the digits choose on this screen: number and words of each line.
        lamps: The lamps.
        hint: What the keys do here, in one line, or that a key does nothing.
        frank: What the last frank shows, in lines of words; empty before the first.
        face: The same as data, for a picture.
        frames: The line's frames: whether the machine sent it, and what it is.
    """

    screen: Screen
    lines: tuple[str, ...]
    soft: tuple[tuple[int, str], ...]
    lamps: Lamps
    hint: str
    frank: str
    face: FrankFace | None
    frames: tuple[tuple[bool, str], ...]


def view(state: PanelState, facts: Facts) -> PanelView:
    """Show a panel."""
    lines = PAGES[state.screen](state, facts)
    listed = choices(state.screen, facts)
    return PanelView(
        screen=state.screen,
        lines=tuple(line[:COLUMNS] for line in lines[:LINES]),
        soft=tuple((at, one.words) for at, one in enumerate(listed[:9], start=1)),
        lamps=_lamps(state, facts),
        hint=_hint(state),
        frank="" if facts.face is None else show_face(facts.face),
        face=facts.face,
        frames=state.frames,
    )


def show_face(face: FrankFace) -> str:
    """Say in lines what a frank shows, for those who do not see its picture."""
    value = show_rupees(face.value_paise) if face.signed else "no value"
    weight = "" if face.weight_g is None else f", {face.weight_g} g"
    ahead = " (a day ahead)" if face.date_advanced else ""
    lines = [
        f"{face.mark.name}, {value}",
        f"{face.class_letters} {face.class_name}{weight}",
        f"{face.printed_on:%d-%m-%Y}{ahead}",
    ]
    if face.signed:
        lines.append(f"item {face.item}, code {face.authentication_code}")
    return "\n".join(lines)


def _lamps(state: PanelState, facts: Facts) -> Lamps:
    if not facts.on:
        stopped = state.screen is Screen.STOPPED
        return Lamps(fault=Lamp.RED if stopped else Lamp.DARK)
    dialling = state.screen is Screen.DIALLING
    broken = facts.stop is not None or facts.state is MachineState.FAULT
    ready = facts.state is MachineState.IN_SERVICE and not broken and not dialling
    warned = bool(facts.faults) or bool(facts.warning)
    return Lamps(
        ready=Lamp.GREEN if ready else Lamp.DARK,
        fault=Lamp.RED if broken else Lamp.AMBER if warned else Lamp.DARK,
        line=Lamp.GREEN if dialling else Lamp.DARK,
        funds=_funds_lamp(facts),
    )


def _funds_lamp(facts: Facts) -> Lamp:
    left = facts.registers.descending_paise
    if not left:
        return Lamp.RED
    return Lamp.AMBER if left < facts.settings.low_funds_paise else Lamp.GREEN


_TYPED_HINT: Final = (
    "Digits type, \N{LEFTWARDS ARROW} erases, OK takes it, CLEAR leaves"
)
_LIST_HINT: Final = (
    "A digit, or \N{UPWARDS ARROW} \N{DOWNWARDS ARROW} and OK, chooses; CLEAR leaves"
)
_HINTS: Final = {
    Screen.OFF: "POWER switches on",
    Screen.STOPPED: "POWER switches off",
    Screen.HOME: "FRANK prints what lies on the scale",
    Screen.MESSAGE: "OK goes on",
    Screen.DATE: "\N{LEFTWARDS ARROW} \N{RIGHTWARDS ARROW} move the day",
    Screen.CONFIRM_VALUE: "OK franks it, CLEAR goes back",
    Screen.CONFIRM_TOTAL: "OK states it, CLEAR goes back",
    Screen.RUNNING: "CLEAR stops the run",
    Screen.CONFIRM_WITHDRAWAL: "OK withdraws, CLEAR goes back",
    Screen.FAULTS: "\N{UPWARDS ARROW} \N{DOWNWARDS ARROW} show others, CLEAR leaves",
    Screen.DIALLING: "Wait until the dial-in is over",
    Screen.AMOUNT: _TYPED_HINT,
    Screen.COUNT: _TYPED_HINT,
    Screen.LIMIT: _TYPED_HINT,
    Screen.PIN: _TYPED_HINT,
    Screen.NEW_PIN: _TYPED_HINT,
}
_MORE: Final = "OK goes on, \N{UPWARDS ARROW} \N{DOWNWARDS ARROW} show more"


def _hint(state: PanelState) -> str:
    if state.idle_key:
        return _IDLE if state.screen in _OUTSIDE else _IDLE_INSIDE
    if state.screen is Screen.MESSAGE and len(message_lines(state)) > LINES:
        return _MORE
    return _HINTS.get(state.screen, _LIST_HINT)
