"""What a panel does upon each key and each piece of news: the actions of its table."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from fm_device.panel.choices import choices
from fm_device.panel.display import LINES
from fm_device.panel.facts import Facts
from fm_device.panel.keys import (
    AmountKey,
    Clear,
    DialBegan,
    DialEnded,
    DialMoved,
    Digit,
    Done,
    Down,
    FramePassed,
    Left,
    NewPinKey,
    NextItem,
    Ok,
    PinKey,
    PinRefused,
    PinTaken,
    PinWanted,
    Right,
    RunBegan,
    RunEnded,
    StartFailed,
    Told,
    Up,
    ValueToConfirm,
    WishKey,
)
from fm_device.panel.state import (
    FRAMES_KEPT,
    LINES_KEPT,
    Action,
    PanelState,
    Reply,
    message_lines,
)
from fm_device.panel.wishes import (
    Change,
    ChooseDay,
    Dial,
    EnterPin,
    FrankItem,
    FrankRun,
    SetPin,
    SwitchOff,
    SwitchOn,
    Wish,
)
from protocol.registers import RequestKind
from protocol.values import Paise

_PAISE: Final = 100


def go(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    """Go there; nothing is done."""
    return Reply(state)


def home(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    """Forget what waited and what was told."""
    return Reply(replace(state, waiting=None, lines=(), code=""))


def wishing(*wishes: Wish) -> Action:
    """Make an action that wishes something."""

    def do(state: PanelState, _event: Any, _facts: Facts) -> Reply:
        return Reply(replace(state, lines=(), code=""), wishes)

    return do


def wish_of_key(state: PanelState, event: WishKey, _facts: Facts) -> Reply:
    """Wish what the line of the list is for."""
    return Reply(state, (event.wish,))


def switch_off(_state: PanelState, _event: Any, _facts: Facts) -> Reply:
    """Forget everything with the power."""
    return Reply(PanelState(), (SwitchOff(),))


def switch_on(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    """Ask for power."""
    return Reply(state, (SwitchOn(),))


def up(state: PanelState, _event: Up, _facts: Facts) -> Reply:
    """Move the cursor up."""
    return Reply(replace(state, cursor=max(0, state.cursor - 1)))


def down(state: PanelState, _event: Down, facts: Facts) -> Reply:
    """Move the cursor down."""
    last = max(0, len(choices(state.screen, facts)) - 1)
    return Reply(replace(state, cursor=min(last, state.cursor + 1)))


def pick(state: PanelState, event: Digit, facts: Facts) -> Reply:
    """Choose the line with this number; there may be none."""
    if not 1 <= event.digit <= len(choices(state.screen, facts)):
        return Reply(replace(state, idle_key=True))
    return Reply(replace(state, cursor=event.digit - 1), then=Ok())


def take(state: PanelState, _event: Ok, facts: Facts) -> Reply:
    """Choose the line of the cursor."""
    listed = choices(state.screen, facts)
    if not listed:
        return Reply(state, then=Clear())
    return Reply(state, then=listed[min(state.cursor, len(listed) - 1)].key)


def typing(digits_max: int) -> Action:
    """Make an action that takes a digit."""

    def do(state: PanelState, event: Digit, _facts: Facts) -> Reply:
        if len(state.typed) == digits_max:
            return Reply(replace(state, idle_key=True))
        return Reply(replace(state, typed=f"{state.typed}{event.digit}", lines=()))

    return do


def erase(state: PanelState, _event: Left, _facts: Facts) -> Reply:
    """Take the last digit back."""
    return Reply(replace(state, typed=state.typed[:-1]))


def _rupees(typed: str) -> Paise:
    return Paise(int(typed or "0") * _PAISE)


def ask_recharge(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    """Ask for the amount of a recharge."""
    return Reply(replace(state, kind=RequestKind.RECHARGE))


def ask_refund(state: PanelState, _event: Any, _facts: Facts) -> Reply:
    """Ask for the amount of a refund."""
    return Reply(replace(state, kind=RequestKind.REFUND))


def dial_amount(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    """Dial in for the amount typed."""
    return Reply(state, (Dial(state.kind, _rupees(state.typed)),))


def ask_pin(state: PanelState, event: PinKey, _facts: Facts) -> Reply:
    """Ask for the PIN of a role; nothing waits for it."""
    return Reply(replace(state, role=event.role, waiting=None, lines=()))


def want_pin(state: PanelState, event: PinWanted, _facts: Facts) -> Reply:
    """Ask for the PIN that a wish waits for."""
    return Reply(replace(state, role=event.role, waiting=event.wish, lines=()))


def enter_pin(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    """Give the PIN typed."""
    return Reply(replace(state, typed=""), (EnterPin(state.role, state.typed),))


def resume(state: PanelState, _event: PinTaken, _facts: Facts) -> Reply:
    """Do what had to wait for the PIN."""
    wishes = () if state.waiting is None else (state.waiting,)
    notice = f"PIN accepted: {state.role.name.lower()}"
    return Reply(replace(state, waiting=None, lines=(), notice=notice), wishes)


def refuse_pin(state: PanelState, event: PinRefused, _facts: Facts) -> Reply:
    """Let it be typed again."""
    return Reply(replace(state, typed="", lines=(event.words,)))


def new_pin(state: PanelState, event: NewPinKey, _facts: Facts) -> Reply:
    """Ask for a new PIN."""
    return Reply(replace(state, role=event.role, lines=()))


def set_pin(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    """Set the PIN typed, or none."""
    return Reply(state, (SetPin(state.role, state.typed or None),))


def limit(state: PanelState, event: AmountKey, _facts: Facts) -> Reply:
    """Ask for a limit."""
    return Reply(replace(state, limit=event))


def set_limit(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    """Set the limit typed."""
    return Reply(state, (Change(state.limit.name, _rupees(state.typed)),))


def later(state: PanelState, _event: Right, facts: Facts) -> Reply:
    """Move the day on."""
    return _move_day(state, facts, 1)


def earlier(state: PanelState, _event: Left, facts: Facts) -> Reply:
    """Move the day back."""
    return _move_day(state, facts, -1)


def _move_day(state: PanelState, facts: Facts, days: int) -> Reply:
    shown = state.day or facts.day
    if shown is None:
        return Reply(replace(state, idle_key=True))
    return Reply(replace(state, day=shown + timedelta(days=days)))


def take_day(state: PanelState, _event: Ok, facts: Facts) -> Reply:
    """Take the day shown."""
    day = state.day or facts.day
    return Reply(state, () if day is None else (ChooseDay(day),))


def scroll_down(state: PanelState, _event: Down, _facts: Facts) -> Reply:
    """Move a message on."""
    last = max(0, len(message_lines(state)) - LINES)
    return Reply(replace(state, cursor=min(last, state.cursor + 1)))


def done(state: PanelState, event: Done, _facts: Facts) -> Reply:
    """Say on the first screen what was done."""
    return Reply(replace(state, notice=event.words))


def tell(state: PanelState, event: Told, _facts: Facts) -> Reply:
    """Show a message."""
    return Reply(replace(state, lines=(event.words,), code=event.code))


def stopped(state: PanelState, event: StartFailed, _facts: Facts) -> Reply:
    """Show why the machine does not start."""
    return Reply(replace(state, lines=(event.words,)))


def begin_dial(state: PanelState, event: DialBegan, _facts: Facts) -> Reply:
    """Show that a dial-in begins."""
    lines = (event.notice, "dialling") if event.notice else ("dialling",)
    return Reply(replace(state, lines=lines, code="", frames=()))


def move_dial(state: PanelState, event: DialMoved, _facts: Facts) -> Reply:
    """Show what happens in it."""
    return Reply(replace(state, lines=(*state.lines, event.words)[-LINES_KEPT:]))


def pass_frame(state: PanelState, event: FramePassed, _facts: Facts) -> Reply:
    """Keep a frame of the line."""
    passed = (*state.frames, (event.sent, event.words))
    return Reply(replace(state, frames=passed[-FRAMES_KEPT:]))


def end_dial(state: PanelState, event: DialEnded, _facts: Facts) -> Reply:
    """Show how it has ended."""
    return Reply(replace(state, lines=event.lines, code=""))


# A run of franks.


def begin_run(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    """Begin a run of as many as were typed."""
    count = int(state.typed or "0")
    if not count:
        return Reply(state, then=Told("HOW MANY: key the count, then OK"))
    return Reply(state, (FrankRun(count),))


def run_on(state: PanelState, event: RunBegan, _facts: Facts) -> Reply:
    """Show a run that begins, or goes on."""
    return Reply(replace(state, run=event.run, waiting=None, lines=(), code=""))


def frank_next(state: PanelState, _event: NextItem, _facts: Facts) -> Reply:
    """Frank the next item."""
    return Reply(state, (FrankItem(confirmed=state.run.confirmed),))


def count_item(state: PanelState, event: Done, _facts: Facts) -> Reply:
    """Count an item that is franked."""
    run = replace(state.run, done=state.run.done + 1)
    over = RunEnded() if run.done >= run.count else None
    return Reply(replace(state, run=run, notice=event.words), then=over)


def end_run(state: PanelState, _event: RunEnded, _facts: Facts) -> Reply:
    """Say that all are franked."""
    return Reply(replace(state, lines=(_franked(state.run),)))


def stop_run(state: PanelState, _event: Clear, _facts: Facts) -> Reply:
    """Say how many are franked at the operator's stop."""
    return Reply(replace(state, lines=(f"STOPPED: {_franked(state.run)}",)))


def break_run(state: PanelState, event: Told, _facts: Facts) -> Reply:
    """Say how many are franked, and why no more are."""
    lines = (f"{_franked(state.run)}.", event.words)
    return Reply(replace(state, lines=lines, code=event.code))


def _franked(run: FrankRun) -> str:
    return f"{run.done} of {run.count} franked"


def confirm_rest(state: PanelState, _event: ValueToConfirm, _facts: Facts) -> Reply:
    """Ask whether a high value is right; the rest of the run waits for it."""
    return Reply(replace(state, waiting=replace(state.run, confirmed=True)))


def want_pin_for_rest(state: PanelState, event: PinWanted, _facts: Facts) -> Reply:
    """Ask for a PIN; the rest of the run waits for it."""
    return Reply(replace(state, role=event.role, waiting=state.run, lines=()))


def confirmed(state: PanelState, _event: Ok, _facts: Facts) -> Reply:
    """Frank what was confirmed: one item, or the rest of a run."""
    wanted = state.waiting or FrankItem(confirmed=True)
    return Reply(replace(state, waiting=None), (wanted,))
