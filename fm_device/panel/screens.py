"""The screens of a panel: a table, and one pure function around it.

`press` takes a state, what was pressed or heard, and what the machine shows of itself;
it gives the next state and what is wished. It never decides what the machine may do:
whatever the machine answers comes back as news, and that leads to another screen.

Every wish is made on the way to HOME, so its news find HOME or, while a PIN is asked
for, PIN. A key without a row does nothing on that screen, and the panel says so; news
without a row is a bug of ours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, get_args

from fm_device.firmware.dates import NextWorkingDay
from fm_device.panel.choices import HIGH_VALUE, LISTS, Screen, choices
from fm_device.panel.display import COLUMNS, LINES, wrapped
from fm_device.panel.facts import Facts
from fm_device.panel.keys import (
    AmountKey,
    ClassKey,
    Clear,
    DateKey,
    DepartmentKey,
    DepartmentWanted,
    DialBegan,
    DialEnded,
    DialMoved,
    Digit,
    Done,
    Down,
    FaultsKey,
    FramePassed,
    FrankKey,
    FundsKey,
    HardKey,
    Left,
    MenuKey,
    NewPinKey,
    Ok,
    PanelEvent,
    PinKey,
    PinRefused,
    PinTaken,
    PinWanted,
    PowerKey,
    RechargeKey,
    RefundKey,
    ReportKey,
    Right,
    ServiceKey,
    SettingsKey,
    SloganKey,
    Started,
    StartFailed,
    Told,
    Up,
    ValueToConfirm,
    WishKey,
    WithdrawKey,
    ZeroKey,
    ZoneWanted,
)
from fm_device.panel.wishes import (
    Change,
    ChooseDay,
    Dial,
    EnterPin,
    FrankItem,
    SetPin,
    SwitchOff,
    SwitchOn,
    TryOut,
    Wish,
)
from fm_device.psd.pins import DIGITS_MAX, Role
from protocol.errors import NoTransitionError
from protocol.registers import RequestKind
from protocol.table import Row, Table
from protocol.values import Paise

AMOUNT_DIGITS_MAX: Final = 8
"""Rupees that can be typed: less than a crore of paise fits a request anyhow."""
FRAMES_KEPT: Final = 200
LINES_KEPT: Final = 50
_PAISE: Final = 100


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
        waiting: What is done when the PIN was right.
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


def press(
    state: PanelState, event: PanelEvent, facts: Facts
) -> tuple[PanelState, tuple[Wish, ...]]:
    """Press a key, or hear news.

    Args:
        state: Of the panel.
        event: The key or the news.
        facts: What the machine shows of itself now.

    Returns:
        The next state, and what is wished, in order.

    Raises:
        NoTransitionError: News came that this screen has not asked for.
    """
    wishes: tuple[Wish, ...] = ()
    following: PanelEvent | None = event
    while following is not None:
        try:
            row = SCREENS.row(state.screen, following)
        except NoTransitionError:
            if not isinstance(following, get_args(HardKey)):
                raise
            return replace(state, idle_key=True), wishes
        before = replace(state, idle_key=False, notice="")
        reply = row.do(before, following, facts)
        state = replace(_entered(before.screen, row.to, reply.state), screen=row.to)
        wishes += reply.wishes
        following = reply.then
    return state, wishes


def _entered(before: Screen, after: Screen, state: PanelState) -> PanelState:
    """A screen that is entered begins at its first line, with nothing typed."""
    if before is after:
        return state
    return replace(state, cursor=0, typed="", day=None)


# Actions.


def _go(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    return Reply(state)


def _home(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    return Reply(replace(state, waiting=None, lines=(), code=""))


def _wish(*wishes: Wish) -> Action:
    def do(state: PanelState, _event: Any, _facts: Facts) -> Reply:
        return Reply(replace(state, lines=(), code=""), wishes)

    return do


def _wish_of_key(state: PanelState, event: WishKey, _facts: Facts) -> Reply:
    return Reply(state, (event.wish,))


def _switch_off(_state: PanelState, _event: Any, _facts: Facts) -> Reply:
    return Reply(PanelState(), (SwitchOff(),))


def _switch_on(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    return Reply(state, (SwitchOn(),))


def _up(state: PanelState, _event: Up, _facts: Facts) -> Reply:
    return Reply(replace(state, cursor=max(0, state.cursor - 1)))


def _down(state: PanelState, _event: Down, facts: Facts) -> Reply:
    last = max(0, len(choices(state.screen, facts)) - 1)
    return Reply(replace(state, cursor=min(last, state.cursor + 1)))


def _pick(state: PanelState, event: Digit, facts: Facts) -> Reply:
    """Choose the line with this number; there may be none."""
    if not 1 <= event.digit <= len(choices(state.screen, facts)):
        return Reply(replace(state, idle_key=True))
    return Reply(replace(state, cursor=event.digit - 1), then=Ok())


def _take(state: PanelState, _event: Ok, facts: Facts) -> Reply:
    listed = choices(state.screen, facts)
    if not listed:
        return Reply(state, then=Clear())
    return Reply(state, then=listed[min(state.cursor, len(listed) - 1)].key)


def _type(digits_max: int) -> Action:
    def do(state: PanelState, event: Digit, _facts: Facts) -> Reply:
        if len(state.typed) == digits_max:
            return Reply(replace(state, idle_key=True))
        return Reply(replace(state, typed=f"{state.typed}{event.digit}", lines=()))

    return do


def _erase(state: PanelState, _event: Left, _facts: Facts) -> Reply:
    return Reply(replace(state, typed=state.typed[:-1]))


def _rupees(typed: str) -> Paise:
    return Paise(int(typed or "0") * _PAISE)


def _ask_recharge(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    return Reply(replace(state, kind=RequestKind.RECHARGE))


def _ask_refund(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    return Reply(replace(state, kind=RequestKind.REFUND))


def _dial_amount(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    return Reply(state, (Dial(state.kind, _rupees(state.typed)),))


def _ask_pin(state: PanelState, event: PinKey, _facts: Facts) -> Reply:
    return Reply(replace(state, role=event.role, waiting=None, lines=()))


def _want_pin(state: PanelState, event: PinWanted, _facts: Facts) -> Reply:
    return Reply(replace(state, role=event.role, waiting=event.wish, lines=()))


def _enter_pin(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    return Reply(replace(state, typed=""), (EnterPin(state.role, state.typed),))


def _resume(state: PanelState, _event: PinTaken, _facts: Facts) -> Reply:
    """Do what had to wait for the PIN."""
    wishes = () if state.waiting is None else (state.waiting,)
    notice = f"PIN accepted: {state.role.name.lower()}"
    return Reply(replace(state, waiting=None, lines=(), notice=notice), wishes)


def _refuse_pin(state: PanelState, event: PinRefused, _facts: Facts) -> Reply:
    return Reply(replace(state, typed="", lines=(event.words,)))


def _new_pin(state: PanelState, event: NewPinKey, _facts: Facts) -> Reply:
    return Reply(replace(state, role=event.role, lines=()))


def _set_pin(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    return Reply(state, (SetPin(state.role, state.typed or None),))


def _limit(state: PanelState, event: AmountKey, _facts: Facts) -> Reply:
    return Reply(replace(state, limit=event))


def _set_limit(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    return Reply(state, (Change(state.limit.name, _rupees(state.typed)),))


def _later(state: PanelState, _event: Right, facts: Facts) -> Reply:
    return _move_day(state, facts, 1)


def _earlier(state: PanelState, _event: Left, facts: Facts) -> Reply:
    return _move_day(state, facts, -1)


def _move_day(state: PanelState, facts: Facts, days: int) -> Reply:
    shown = state.day or facts.day
    if shown is None:
        return Reply(replace(state, idle_key=True))
    return Reply(replace(state, day=shown + timedelta(days=days)))


def _take_day(state: PanelState, _event: Ok, facts: Facts) -> Reply:
    day = state.day or facts.day
    return Reply(state, () if day is None else (ChooseDay(day),))


def message_lines(state: PanelState) -> list[str]:
    """Lay out what there is to read: the code, if any, is its last line."""
    lines = [line for text in state.lines for line in wrapped(text)]
    if not state.code:
        return lines
    room = max(LINES - 1, len(lines))
    return [*lines, *[""] * (room - len(lines)), state.code.rjust(COLUMNS)]


def _scroll_down(state: PanelState, _event: Down, _facts: Facts) -> Reply:
    last = max(0, len(message_lines(state)) - LINES)
    return Reply(replace(state, cursor=min(last, state.cursor + 1)))


def _done(state: PanelState, event: Done, _facts: Facts) -> Reply:
    return Reply(replace(state, notice=event.words))


def _tell(state: PanelState, event: Told, _facts: Facts) -> Reply:
    return Reply(replace(state, lines=(event.words,), code=event.code))


def _stopped(state: PanelState, event: StartFailed, _facts: Facts) -> Reply:
    return Reply(replace(state, lines=(event.words,)))


def _begin_dial(state: PanelState, event: DialBegan, _facts: Facts) -> Reply:
    lines = (event.notice, "dialling") if event.notice else ("dialling",)
    return Reply(replace(state, lines=lines, code="", frames=()))


def _move_dial(state: PanelState, event: DialMoved, _facts: Facts) -> Reply:
    return Reply(replace(state, lines=(*state.lines, event.words)[-LINES_KEPT:]))


def _pass_frame(state: PanelState, event: FramePassed, _facts: Facts) -> Reply:
    passed = (*state.frames, (event.sent, event.words))
    return Reply(replace(state, frames=passed[-FRAMES_KEPT:]))


def _end_dial(state: PanelState, event: DialEnded, _facts: Facts) -> Reply:
    return Reply(replace(state, lines=event.lines, code=""))


# The table.


_FIRST: Final = (Screen.HOME, Screen.MESSAGE)
"""Where the keys of the machine lead somewhere; elsewhere CLEAR comes first."""

_ON: Final = tuple(
    screen
    for screen in Screen
    if screen not in (Screen.OFF, Screen.STOPPED, Screen.DIALLING)
)

_CHOSEN_HERE: Final = (
    Screen.CLASS,
    Screen.ZONE,
    Screen.DEPARTMENT,
    Screen.SLOGAN,
    Screen.FUNDS,
    Screen.REPORTS,
    Screen.MENU,
    Screen.SERVICE,
    Screen.SETTINGS,
)


def _rows() -> Iterator[Row[Screen, Action]]:
    yield Row(Screen.OFF, PowerKey, _switch_on, Screen.OFF)
    yield Row(Screen.OFF, Started, _home, Screen.HOME)
    yield Row(Screen.OFF, StartFailed, _stopped, Screen.STOPPED)
    yield Row(Screen.OFF, Told, _tell, Screen.STOPPED)
    yield Row(Screen.STOPPED, PowerKey, _switch_off, Screen.OFF)
    for screen in _FIRST:
        yield Row(screen, FrankKey, _wish(FrankItem()), Screen.HOME)
        yield Row(screen, ZeroKey, _wish(TryOut()), Screen.HOME)
        yield Row(screen, ClassKey, _home, Screen.CLASS)
        yield Row(screen, DateKey, _home, Screen.DATE)
        yield Row(screen, FundsKey, _home, Screen.FUNDS)
        yield Row(screen, ReportKey, _home, Screen.REPORTS)
        yield Row(screen, MenuKey, _home, Screen.MENU)
        yield Row(screen, Ok, _home, Screen.HOME)
    yield Row(Screen.MESSAGE, Up, _up, Screen.MESSAGE)
    yield Row(Screen.MESSAGE, Down, _scroll_down, Screen.MESSAGE)
    yield from _rows_of_lists()
    yield from _rows_of_typing()
    yield Row(Screen.CONFIRM_VALUE, Ok, _wish(FrankItem(confirmed=True)), Screen.HOME)
    yield Row(
        Screen.CONFIRM_WITHDRAWAL, Ok, _wish(Dial(RequestKind.WITHDRAWAL)), Screen.HOME
    )
    yield Row(Screen.HOME, Done, _done, Screen.HOME)
    yield Row(Screen.HOME, Told, _tell, Screen.MESSAGE)
    yield Row(Screen.HOME, ValueToConfirm, _go, Screen.CONFIRM_VALUE)
    yield Row(Screen.HOME, ZoneWanted, _go, Screen.ZONE)
    yield Row(Screen.HOME, DepartmentWanted, _go, Screen.DEPARTMENT)
    yield Row(Screen.HOME, PinWanted, _want_pin, Screen.PIN)
    yield Row(Screen.HOME, DialBegan, _begin_dial, Screen.DIALLING)
    yield Row(Screen.DIALLING, DialMoved, _move_dial, Screen.DIALLING)
    yield Row(Screen.DIALLING, FramePassed, _pass_frame, Screen.DIALLING)
    yield Row(Screen.DIALLING, DialEnded, _end_dial, Screen.MESSAGE)
    for screen in _ON:
        yield Row(screen, Clear, _home, Screen.HOME)
        yield Row(screen, PowerKey, _switch_off, Screen.OFF)


def _rows_of_lists() -> Iterator[Row[Screen, Action]]:
    for screen in LISTS:
        yield Row(screen, Up, _up, screen)
        yield Row(screen, Down, _down, screen)
        yield Row(screen, Digit, _pick, screen)
        yield Row(screen, Ok, _take, screen)
    for screen in _CHOSEN_HERE:
        yield Row(screen, WishKey, _wish_of_key, Screen.HOME)
    yield Row(Screen.FUNDS, RechargeKey, _ask_recharge, Screen.AMOUNT)
    yield Row(Screen.FUNDS, RefundKey, _ask_refund, Screen.AMOUNT)
    yield Row(Screen.FUNDS, WithdrawKey, _go, Screen.CONFIRM_WITHDRAWAL)
    yield Row(Screen.MENU, DepartmentKey, _go, Screen.DEPARTMENT)
    yield Row(Screen.MENU, SloganKey, _go, Screen.SLOGAN)
    yield Row(Screen.MENU, FaultsKey, _go, Screen.FAULTS)
    yield Row(Screen.MENU, ServiceKey, _go, Screen.SERVICE)
    yield Row(Screen.MENU, SettingsKey, _go, Screen.SETTINGS)
    yield Row(Screen.MENU, PinKey, _ask_pin, Screen.PIN)
    yield Row(Screen.SETTINGS, AmountKey, _limit, Screen.LIMIT)
    yield Row(Screen.SETTINGS, NewPinKey, _new_pin, Screen.NEW_PIN)
    yield Row(Screen.DATE, Right, _later, Screen.DATE)
    yield Row(Screen.DATE, Left, _earlier, Screen.DATE)
    yield Row(Screen.DATE, Ok, _take_day, Screen.HOME)
    next_day = _wish(ChooseDay(NextWorkingDay.WANTED))
    yield Row(Screen.DATE, DateKey, next_day, Screen.HOME)


def _rows_of_typing() -> Iterator[Row[Screen, Action]]:
    for screen, digits_max in (
        (Screen.AMOUNT, AMOUNT_DIGITS_MAX),
        (Screen.LIMIT, AMOUNT_DIGITS_MAX),
        (Screen.PIN, DIGITS_MAX),
        (Screen.NEW_PIN, DIGITS_MAX),
    ):
        yield Row(screen, Digit, _type(digits_max), screen)
        yield Row(screen, Left, _erase, screen)
    yield Row(Screen.AMOUNT, Ok, _dial_amount, Screen.HOME)
    yield Row(Screen.LIMIT, Ok, _set_limit, Screen.HOME)
    yield Row(Screen.NEW_PIN, Ok, _set_pin, Screen.HOME)
    yield Row(Screen.PIN, Ok, _enter_pin, Screen.PIN)
    yield Row(Screen.PIN, PinTaken, _resume, Screen.HOME)
    yield Row(Screen.PIN, Told, _tell, Screen.MESSAGE)
    yield Row(Screen.PIN, PinRefused, _refuse_pin, Screen.PIN)


SCREENS: Final[Table[Screen, Action]] = Table(Screen.OFF, _rows())
"""Every screen and key that has a meaning together."""
