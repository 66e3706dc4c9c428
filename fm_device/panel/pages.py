"""What each screen of a panel shows: lines of its display, pure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from fm_device.panel.choices import LISTS, Screen, choices
from fm_device.panel.display import COLUMNS, LINES, pair, wrapped
from fm_device.panel.facts import Facts
from fm_device.panel.state import PanelState, message_lines
from fm_device.panel.wishes import FrankRun
from protocol.parameters import INDIA, business_date
from protocol.registers import MachineState, RequestKind
from protocol.values import Paise, show_rupees

_LIST_LINES: Final = LINES - 1


def _off(_state: PanelState, _facts: Facts) -> list[str]:
    return []


def _stopped(state: PanelState, _facts: Facts) -> list[str]:
    return ["STOPPED", *wrapped(" ".join(state.lines))]


def _home(state: PanelState, facts: Facts) -> list[str]:
    return [
        pair(_words(facts.state), _clock(facts)),
        pair(_class(facts), _weight(facts)),
        pair("POSTAGE", _postage(facts)),
        pair("DATE", _day(facts)),
        pair("FUNDS", show_rupees(facts.registers.descending_paise)),
        state.notice or _status(facts),
    ]


def _status(facts: Facts) -> str:
    """The most pressing thing to know on the first screen."""
    if facts.stop is not None:
        return _short(facts.stop.words)
    if facts.state is not MachineState.IN_SERVICE:
        return _NOT_IN_SERVICE.get(facts.state, "NOT IN SERVICE")
    if facts.faults:
        return _short(facts.faults[0].words)
    if facts.warning:
        return _short(facts.warning)
    if facts.price.words:
        return _short(facts.price.words)
    if facts.department.number:
        return f"For {facts.department.number} {facts.department.name}"
    return "READY"


_NOT_IN_SERVICE: Final = {
    MachineState.UNINSTALLED: "Have the machine installed",
    MachineState.INSTALLED: "Dial in once to begin: FUNDS, 2",
    MachineState.BLOCKED: "Dial in to go on: FUNDS, 2",
    MachineState.WITHHELD: "Call the licensing office",
    MachineState.LOCKED: "Call the licensing office",
    MachineState.LOCKED_OUT: "Call the recharge server",
    MachineState.FAULT: "Withdraw the credit: FUNDS, 4",
    MachineState.WITHDRAWN: "This machine franks no more",
}


def _message(state: PanelState, _facts: Facts) -> list[str]:
    lines = message_lines(state)
    return lines[state.cursor : state.cursor + LINES]


def _list(state: PanelState, facts: Facts) -> list[str]:
    listed = choices(state.screen, facts)
    first = max(0, min(state.cursor - _LIST_LINES + 1, len(listed) - _LIST_LINES))
    shown = listed[first : first + _LIST_LINES]
    lines = [_title(state.screen, len(listed), state.cursor)]
    for number, one in enumerate(shown, start=first + 1):
        mark = ">" if number - 1 == state.cursor else " "
        digit = str(number) if number <= _LAST_DIGIT else " "
        lines.append(f"{mark}{digit} {one.words}")
    return lines


_LAST_DIGIT: Final = 9
_TITLES: Final = {
    Screen.CLASS: "PRODUCT CLASS",
    Screen.ZONE: "ZONE: how far it goes",
    Screen.DEPARTMENT: "DEPARTMENT",
    Screen.SLOGAN: "SLOGAN",
    Screen.REPORTS: "REPORTS",
    Screen.MENU: "MENU",
    Screen.FAULTS: "FAULTS",
    Screen.SERVICE: "SERVICE",
    Screen.SETTINGS: "SETTINGS",
}


def _title(screen: Screen, count: int, cursor: int) -> str:
    place = f"{min(cursor + 1, count)}/{count}" if count > _LIST_LINES else ""
    return pair(_TITLES.get(screen, screen.name), place)


def _faults(state: PanelState, facts: Facts) -> list[str]:
    """One fault at a time: its code, what it does, and all of its words."""
    if not facts.faults:
        return [_title(Screen.FAULTS, 0, 0), "", "No faults."]
    at = min(state.cursor, len(facts.faults) - 1)
    fault = facts.faults[at]
    does = "stops franking" if fault.stops else "a warning"
    return [
        pair("FAULTS", f"{at + 1}/{len(facts.faults)}"),
        pair(fault.code, does),
        *wrapped(fault.words),
    ]


def _funds(state: PanelState, facts: Facts) -> list[str]:
    registers = facts.registers
    listed = choices(Screen.FUNDS, facts)
    return [
        pair("FUNDS  DR", show_rupees(registers.descending_paise)),
        *(
            f"{'>' if at == state.cursor else ' '}{at + 1} {one.words}"
            for at, one in enumerate(listed)
        ),
        pair("AR", show_rupees(registers.ascending_paise)),
    ]


def _date(state: PanelState, facts: Facts) -> list[str]:
    day = state.day or facts.day
    if day is None or facts.now is None:
        return ["DATE", "", "The clock is not set:", "dial in first."]
    ahead = (day - business_date(facts.now)).days
    words = {0: "today", 1: "tomorrow"}.get(ahead, f"in {ahead} days")
    return [
        "DATE THAT FRANKS BEAR",
        "",
        f"<  {day:%a %d-%m-%Y}  >".center(COLUMNS),
        (words if ahead >= 0 else "past: not possible").center(COLUMNS),
        "",
        "OK takes it, DATE the next",
    ]


def _confirm_value(state: PanelState, facts: Facts) -> list[str]:
    rest = state.waiting
    is_run = isinstance(rest, FrankRun)
    return [
        "HIGH VALUE",
        "",
        _postage(facts).center(COLUMNS),
        f"for each of {rest.count - rest.done}".center(COLUMNS)
        if isinstance(rest, FrankRun)
        else "",
        f"Is this right? OK franks {'them' if is_run else 'it'},",
        "CLEAR goes back.",
    ]


def _confirm_total(_state: PanelState, _facts: Facts) -> list[str]:
    return [
        "STATEMENT BY TOTAL",
        "",
        *wrapped("Of which class the mail was is lost: state it in one row, by total?"),
        "",
        "OK states it, CLEAR goes back",
    ]


def _count(state: PanelState, facts: Facts) -> list[str]:
    return [
        "RUN OF FRANKS",
        pair(_class(facts), _weight(facts)),
        pair("POSTAGE", _postage(facts)),
        "",
        pair("How many", state.typed or "_"),
        "OK begins, CLEAR stops",
    ]


def _running(state: PanelState, facts: Facts) -> list[str]:
    return [
        pair("RUN OF FRANKS", f"{state.run.done} of {state.run.count}"),
        pair(_class(facts), _weight(facts)),
        pair("POSTAGE", _postage(facts)),
        pair("FUNDS", show_rupees(facts.registers.descending_paise)),
        state.notice,
        "CLEAR stops it",
    ]


def _confirm_withdrawal(_state: PanelState, facts: Facts) -> list[str]:
    left = show_rupees(facts.registers.descending_paise)
    return [
        "WITHDRAW THIS MACHINE",
        "",
        pair("Given back", left),
        "It then franks no more,",
        "for good.",
        "OK withdraws, CLEAR goes back",
    ]


def _amount(state: PanelState, facts: Facts) -> list[str]:
    recharge = state.kind is RequestKind.RECHARGE
    return [
        "RECHARGE" if recharge else "REFUND",
        pair("In the machine", show_rupees(facts.registers.descending_paise)),
        pair("At the server", show_rupees(facts.server_funds_paise)),
        "",
        pair("Amount", _typed_amount(state.typed)),
        "OK dials in",
    ]


def _limit(state: PanelState, _facts: Facts) -> list[str]:
    return [
        state.limit.words,
        "",
        pair("Amount", _typed_amount(state.typed)),
        "",
        "0 for never.",
        "OK takes it",
    ]


def _typed_amount(typed: str) -> str:
    return show_rupees(Paise(int(typed or "0") * 100)) + ("_" if not typed else "")


def _pin(state: PanelState, _facts: Facts) -> list[str]:
    return [
        f"PIN OF THE {state.role.name}",
        "",
        ("*" * len(state.typed) + "_").center(COLUMNS),
        "",
        *wrapped(" ".join(state.lines)),
    ]


def _new_pin(state: PanelState, _facts: Facts) -> list[str]:
    return [
        f"NEW PIN OF THE {state.role.name}",
        "",
        (state.typed + "_").center(COLUMNS),
        "",
        "4 to 8 digits, or none for",
        "no PIN.",
    ]


def _dialling(state: PanelState, _facts: Facts) -> list[str]:
    said = [line for text in state.lines for line in wrapped(text)]
    return ["DIALLING", *said[-_LIST_LINES:]]


# Words.


def _short(words: str) -> str:
    """What is wrong, without what to do: the list of faults tells the rest."""
    whole = words if len(words) <= COLUMNS else words.partition(":")[0]
    return whole[:COLUMNS]


def _words(state: MachineState) -> str:
    return state.name.replace("_", " ")


def _clock(facts: Facts) -> str:
    if facts.now is None:
        return "--:--"
    return f"{datetime.fromtimestamp(facts.now, INDIA):%H:%M}"


def _class(facts: Facts) -> str:
    chosen = facts.product_class
    name = "no class" if chosen is None else f"{chosen.letters} {chosen.name}"
    return f"{name} {facts.zone}" if facts.zone else name


def _weight(facts: Facts) -> str:
    weight = facts.price.weight
    return "no weight" if weight is None else f"{weight} g"


def _postage(facts: Facts) -> str:
    value = facts.price.value_paise
    return "--" if value is None else show_rupees(value)


def _day(facts: Facts) -> str:
    if facts.day is None or facts.now is None:
        return "not set"
    shown = f"{facts.day:%d-%m-%Y}"
    ahead = facts.day - business_date(facts.now)
    if ahead >= timedelta(days=1):
        return f"{shown} (+{ahead.days})"
    offered = facts.offered_day
    return shown if offered is None else f"{shown} next {offered:%d-%m}?"


PAGES: Final[dict[Screen, Callable[[PanelState, Facts], list[str]]]] = {
    **dict.fromkeys(LISTS, _list),
    Screen.OFF: _off,
    Screen.STOPPED: _stopped,
    Screen.HOME: _home,
    Screen.MESSAGE: _message,
    Screen.FAULTS: _faults,
    Screen.FUNDS: _funds,
    Screen.DATE: _date,
    Screen.CONFIRM_VALUE: _confirm_value,
    Screen.CONFIRM_TOTAL: _confirm_total,
    Screen.COUNT: _count,
    Screen.RUNNING: _running,
    Screen.CONFIRM_WITHDRAWAL: _confirm_withdrawal,
    Screen.AMOUNT: _amount,
    Screen.LIMIT: _limit,
    Screen.PIN: _pin,
    Screen.NEW_PIN: _new_pin,
    Screen.DIALLING: _dialling,
}
"""The lines of every screen; more or longer ones than fit are cut off."""
