"""The screens of a panel: a table, and one pure function around it.

`press` takes a state, what was pressed or heard, and what the machine shows of itself;
it gives the next state and what is wished. It never decides what the machine may do:
whatever the machine answers comes back as news, and that leads to another screen.

Every wish is made on the way to HOME, so its news find HOME or, while a PIN is asked
for, PIN; but a run of franks stays at RUNNING, where every item is wished for anew. A
key without a row does nothing on that screen, and the panel says so; news without a row
is a bug of ours.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, get_args

from fm_device.firmware.dates import NextWorkingDay
from fm_device.panel import replies
from fm_device.panel.choices import LISTS, Screen
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
    NextItem,
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
    RunBegan,
    RunEnded,
    RunKey,
    ServiceKey,
    SettingsKey,
    SloganKey,
    Started,
    StartFailed,
    Told,
    TotalToConfirm,
    Up,
    ValueToConfirm,
    WishKey,
    WithdrawKey,
    ZeroKey,
    ZoneWanted,
)
from fm_device.panel.state import Action, PanelState
from fm_device.panel.wishes import (
    ChooseDay,
    Dial,
    FrankItem,
    PrintReport,
    ReportName,
    TryOut,
    Wish,
)
from fm_device.psd.pins import DIGITS_MAX
from protocol.errors import NoTransitionError
from protocol.registers import RequestKind
from protocol.table import Row, Table

AMOUNT_DIGITS_MAX: Final = 8
"""Rupees that can be typed: less than a crore of paise fits a request anyhow."""
COUNT_DIGITS_MAX: Final = 4
"""Items of a run that can be typed."""


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


_FIRST: Final = (Screen.HOME, Screen.MESSAGE)
"""Where the keys of the machine lead somewhere; elsewhere CLEAR comes first."""

_ON: Final = tuple(
    screen
    for screen in Screen
    if screen not in (Screen.OFF, Screen.STOPPED, Screen.DIALLING, Screen.RUNNING)
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
    yield Row(Screen.OFF, PowerKey, replies.switch_on, Screen.OFF)
    yield Row(Screen.OFF, Started, replies.home, Screen.HOME)
    yield Row(Screen.OFF, StartFailed, replies.stopped, Screen.STOPPED)
    yield Row(Screen.OFF, Told, replies.tell, Screen.STOPPED)
    yield Row(Screen.STOPPED, PowerKey, replies.switch_off, Screen.OFF)
    for screen in _FIRST:
        yield Row(screen, FrankKey, replies.wishing(FrankItem()), Screen.HOME)
        yield Row(screen, ZeroKey, replies.wishing(TryOut()), Screen.HOME)
        yield Row(screen, ClassKey, replies.home, Screen.CLASS)
        yield Row(screen, DateKey, replies.home, Screen.DATE)
        yield Row(screen, FundsKey, replies.home, Screen.FUNDS)
        yield Row(screen, ReportKey, replies.home, Screen.REPORTS)
        yield Row(screen, MenuKey, replies.home, Screen.MENU)
        yield Row(screen, Ok, replies.home, Screen.HOME)
    yield Row(Screen.MESSAGE, Up, replies.up, Screen.MESSAGE)
    yield Row(Screen.MESSAGE, Down, replies.scroll_down, Screen.MESSAGE)
    yield from _rows_of_lists()
    yield from _rows_of_typing()
    yield from _rows_of_runs()
    yield Row(Screen.CONFIRM_VALUE, Ok, replies.confirmed, Screen.HOME)
    yield Row(
        Screen.CONFIRM_WITHDRAWAL,
        Ok,
        replies.wishing(Dial(RequestKind.WITHDRAWAL)),
        Screen.HOME,
    )
    by_total = PrintReport(ReportName.MAILING, by_total=True)
    yield Row(Screen.CONFIRM_TOTAL, Ok, replies.wishing(by_total), Screen.HOME)
    yield Row(Screen.HOME, Done, replies.done, Screen.HOME)
    yield Row(Screen.HOME, Told, replies.tell, Screen.MESSAGE)
    yield Row(Screen.HOME, ValueToConfirm, replies.home, Screen.CONFIRM_VALUE)
    yield Row(Screen.HOME, TotalToConfirm, replies.go, Screen.CONFIRM_TOTAL)
    yield Row(Screen.HOME, ZoneWanted, replies.go, Screen.ZONE)
    yield Row(Screen.HOME, DepartmentWanted, replies.go, Screen.DEPARTMENT)
    yield Row(Screen.HOME, PinWanted, replies.want_pin, Screen.PIN)
    yield Row(Screen.HOME, DialBegan, replies.begin_dial, Screen.DIALLING)
    yield Row(Screen.DIALLING, DialMoved, replies.move_dial, Screen.DIALLING)
    yield Row(Screen.DIALLING, FramePassed, replies.pass_frame, Screen.DIALLING)
    yield Row(Screen.DIALLING, DialEnded, replies.end_dial, Screen.MESSAGE)
    for screen in _ON:
        yield Row(screen, Clear, replies.home, Screen.HOME)
        yield Row(screen, PowerKey, replies.switch_off, Screen.OFF)


def _rows_of_lists() -> Iterator[Row[Screen, Action]]:
    for screen in LISTS:
        yield Row(screen, Up, replies.up, screen)
        yield Row(screen, Down, replies.down, screen)
        yield Row(screen, Digit, replies.pick, screen)
        yield Row(screen, Ok, replies.take, screen)
    for screen in _CHOSEN_HERE:
        yield Row(screen, WishKey, replies.wish_of_key, Screen.HOME)
    yield Row(Screen.FUNDS, RechargeKey, replies.ask_recharge, Screen.AMOUNT)
    yield Row(Screen.FUNDS, RefundKey, replies.ask_refund, Screen.AMOUNT)
    yield Row(Screen.FUNDS, WithdrawKey, replies.go, Screen.CONFIRM_WITHDRAWAL)
    yield Row(Screen.MENU, DepartmentKey, replies.go, Screen.DEPARTMENT)
    yield Row(Screen.MENU, SloganKey, replies.go, Screen.SLOGAN)
    yield Row(Screen.MENU, FaultsKey, replies.go, Screen.FAULTS)
    yield Row(Screen.MENU, ServiceKey, replies.go, Screen.SERVICE)
    yield Row(Screen.MENU, SettingsKey, replies.go, Screen.SETTINGS)
    yield Row(Screen.MENU, RunKey, replies.go, Screen.COUNT)
    yield Row(Screen.MENU, PinKey, replies.ask_pin, Screen.PIN)
    yield Row(Screen.SETTINGS, AmountKey, replies.limit, Screen.LIMIT)
    yield Row(Screen.SETTINGS, NewPinKey, replies.new_pin, Screen.NEW_PIN)
    yield Row(Screen.DATE, Right, replies.later, Screen.DATE)
    yield Row(Screen.DATE, Left, replies.earlier, Screen.DATE)
    yield Row(Screen.DATE, Ok, replies.take_day, Screen.HOME)
    next_day = replies.wishing(ChooseDay(NextWorkingDay.WANTED))
    yield Row(Screen.DATE, DateKey, next_day, Screen.HOME)


def _rows_of_runs() -> Iterator[Row[Screen, Action]]:
    """A run of franks: keys are heard between two items."""
    running = Screen.RUNNING
    yield Row(Screen.HOME, RunBegan, replies.run_on, running)
    yield Row(running, NextItem, replies.frank_next, running)
    yield Row(running, Done, replies.count_item, running)
    yield Row(running, RunEnded, replies.end_run, Screen.MESSAGE)
    yield Row(running, Told, replies.break_run, Screen.MESSAGE)
    yield Row(running, ValueToConfirm, replies.confirm_rest, Screen.CONFIRM_VALUE)
    yield Row(running, PinWanted, replies.want_pin_for_rest, Screen.PIN)
    yield Row(running, ZoneWanted, replies.home, Screen.ZONE)
    yield Row(running, DepartmentWanted, replies.home, Screen.DEPARTMENT)
    yield Row(running, Clear, replies.stop_run, Screen.MESSAGE)
    yield Row(running, PowerKey, replies.switch_off, Screen.OFF)


def _rows_of_typing() -> Iterator[Row[Screen, Action]]:
    for screen, digits_max in (
        (Screen.AMOUNT, AMOUNT_DIGITS_MAX),
        (Screen.COUNT, COUNT_DIGITS_MAX),
        (Screen.LIMIT, AMOUNT_DIGITS_MAX),
        (Screen.PIN, DIGITS_MAX),
        (Screen.NEW_PIN, DIGITS_MAX),
    ):
        yield Row(screen, Digit, replies.typing(digits_max), screen)
        yield Row(screen, Left, replies.erase, screen)
    yield Row(Screen.AMOUNT, Ok, replies.dial_amount, Screen.HOME)
    yield Row(Screen.COUNT, Ok, replies.begin_run, Screen.HOME)
    yield Row(Screen.LIMIT, Ok, replies.set_limit, Screen.HOME)
    yield Row(Screen.NEW_PIN, Ok, replies.set_pin, Screen.HOME)
    yield Row(Screen.PIN, Ok, replies.enter_pin, Screen.PIN)
    yield Row(Screen.PIN, PinTaken, replies.resume, Screen.HOME)
    yield Row(Screen.PIN, Told, replies.tell, Screen.MESSAGE)
    yield Row(Screen.PIN, PinRefused, replies.refuse_pin, Screen.PIN)


SCREENS: Final[Table[Screen, Action]] = Table(Screen.OFF, _rows())
"""Every screen and key that has a meaning together."""
