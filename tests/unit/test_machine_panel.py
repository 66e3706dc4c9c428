"""The screens of the panel: every key on every screen, and what is shown there."""

from dataclasses import fields, replace
from datetime import date
from itertools import product
from typing import Any, get_args

import pytest

from fm_device.panel.choices import LISTS, Screen, choices
from fm_device.panel.display import COLUMNS, LINES
from fm_device.panel.facts import (
    ClassFact,
    Facts,
    FaultFact,
    NumberFact,
    PriceFact,
    SettingsFact,
)
from fm_device.panel.keys import (
    HARD_KEYS,
    AmountKey,
    Clear,
    DateKey,
    DialBegan,
    DialEnded,
    DialMoved,
    Digit,
    Done,
    Down,
    FramePassed,
    FrankKey,
    HardKey,
    Left,
    News,
    Ok,
    PanelEvent,
    PinRefused,
    PinTaken,
    PinWanted,
    Right,
    Told,
    Up,
)
from fm_device.panel.screens import (
    AMOUNT_DIGITS_MAX,
    COUNT_DIGITS_MAX,
    SCREENS,
    press,
)
from fm_device.panel.state import FRAMES_KEPT, PanelState
from fm_device.panel.view import Lamp, view
from fm_device.panel.wishes import (
    ChooseClass,
    ChooseDay,
    Dial,
    EnterPin,
    FrankItem,
    FrankRun,
    ReportName,
    Wish,
)
from fm_device.psd.pins import DIGITS_MAX, Role
from protocol.errors import NoTransitionError
from protocol.registers import MachineState, Registers, RequestKind
from protocol.table import Row
from protocol.values import EpochSeconds, Paise

HOME = Screen.HOME
TODAY = date(2026, 6, 1)
FACTS = Facts(
    on=True,
    licence="N123456",
    state=MachineState.IN_SERVICE,
    registers=Registers(Paise(500), Paise(199_500), Paise(200_000), 1, 1),
    now=EpochSeconds(1_780_290_000),
    day=TODAY,
    days_ahead_max=30,
    product_class=ClassFact(6, "SP", "speed post", ("LOCAL", "200")),
    price=PriceFact(18, Paise(500)),
    classes=(ClassFact(3, "L", "letter"), ClassFact(6, "SP", "speed post", ("LOCAL",))),
    departments=(NumberFact(4, "Accounts"),),
    slogans=(NumberFact(2, "Letters last"),),
    faults=(FaultFact("PRN-05-001", "INK LOW: have a new cartridge", stops=False),),
    settings=SettingsFact(low_funds_paise=Paise(10_000)),
    pins=frozenset({Role.SUPERVISOR}),
    with_line=True,
)
PAIRS = list(product(Screen, HARD_KEYS))


def _row(screen: Screen, event: object) -> Row[Screen, Any] | None:
    try:
        return SCREENS.row(screen, event)
    except NoTransitionError:
        return None


def _expected(screen: Screen, key: HardKey) -> Screen:
    """Where the table leads, through the line of a list that is chosen."""
    row = _row(screen, key)
    if row is None:
        return screen
    listed = choices(screen, FACTS)
    at = 0 if isinstance(key, Ok) else key.digit - 1 if isinstance(key, Digit) else None
    if screen in LISTS and at is not None:
        if not 0 <= at < len(listed):
            return screen
        chosen = _row(screen, listed[at].key)
        assert chosen is not None
        return chosen.to
    return row.to


def _ids(pair: tuple[Screen, HardKey]) -> str:
    screen, key = pair
    digit = str(key.digit) if isinstance(key, Digit) else ""
    return f"{screen.name}-{type(key).__name__}{digit}"


@pytest.mark.parametrize("pair", PAIRS, ids=_ids)
def test_a_key_leads_where_the_table_says_or_does_nothing(
    pair: tuple[Screen, HardKey],
) -> None:
    screen, key = pair
    before = PanelState(screen, typed="12")
    after, wishes = press(before, key, FACTS)
    assert after.screen is _expected(screen, key)
    if _row(screen, key) is None:
        assert after == replace(before, idle_key=True)
        assert wishes == ()
        assert view(after, FACTS).hint.startswith("This key does nothing here")
        leaves = "CLEAR leaves" in view(after, FACTS).hint
        assert leaves == (_row(screen, Clear()) is not None and screen is not HOME)


@pytest.mark.parametrize("screen", Screen)
def test_news_reach_only_the_screens_that_asked_for_them(screen: Screen) -> None:
    for kind in get_args(News):
        news = _news(kind)
        if _row(screen, news) is None:
            with pytest.raises(NoTransitionError):
                press(PanelState(screen), news, FACTS)
        else:
            row = SCREENS.row(screen, news)
            running = PanelState(screen, run=FrankRun(3))
            assert press(running, news, FACTS)[0].screen is row.to


def _news(kind: type) -> News:
    """Some news of a kind, with an example of each of its fields."""
    examples: dict[str, Any] = {
        "words": "words",
        "code": "FMW-00-000",
        "role": Role.OPERATOR,
        "wish": FrankItem(),
        "run": FrankRun(3),
        "notice": "notice",
        "sent": True,
        "lines": ("one", "two"),
    }
    given = {field.name: examples[field.name] for field in fields(kind)}
    news: News = kind(**given)
    return news


@pytest.mark.parametrize("screen", Screen)
def test_every_screen_fits_the_display(screen: Screen) -> None:
    long = PanelState(
        screen,
        typed="99999999",
        lines=("a long message " * 20,),
        code="FMW-03-001",
        notice="x" * 99,
        limit=AmountKey("high_value_paise", "x" * 40),
    )
    longest = replace(
        FACTS,
        registers=Registers(Paise(0), Paise(10**14), Paise(10**14), 0, 0),
        price=PriceFact(65_535, Paise(10**12), "x" * 99),
        product_class=ClassFact(1, "WWWW", "x" * 24, ("OVERSEAS",)),
        zone="OVERSEAS",
        warning="x" * 80,
    )
    for state, facts in product((PanelState(screen), long), (Facts(), FACTS, longest)):
        shown = view(state, facts)
        assert len(shown.lines) <= LINES
        assert all(len(line) <= COLUMNS for line in shown.lines)
        assert all(line.isascii() for line in shown.lines)


def _pressed(
    *events: PanelEvent, state: PanelState | None = None
) -> tuple[PanelState, tuple[Wish, ...]]:
    now = state or PanelState(Screen.HOME)
    wished: tuple[Wish, ...] = ()
    for event in events:
        now, wishes = press(now, event, FACTS)
        wished = (*wished, *wishes)
    return now, wished


def _digits(text: str) -> tuple[Digit, ...]:
    return tuple(Digit(int(digit)) for digit in text)


def test_a_recharge_is_typed_in_rupees() -> None:
    state = PanelState(Screen.FUNDS)
    after, wishes = _pressed(Digit(1), *_digits("2000"), Ok(), state=state)
    assert wishes == (Dial(RequestKind.RECHARGE, Paise(200_000)),)
    assert after.screen is Screen.HOME


def test_the_last_digit_typed_can_be_taken_back() -> None:
    state = PanelState(Screen.AMOUNT)
    after, _ = _pressed(*_digits("123"), Left(), Left(), Digit(5), state=state)
    assert after.typed == "15"


@pytest.mark.parametrize(
    ("screen", "most"),
    [
        (Screen.AMOUNT, AMOUNT_DIGITS_MAX),
        (Screen.COUNT, COUNT_DIGITS_MAX),
        (Screen.PIN, DIGITS_MAX),
    ],
)
def test_no_more_digits_are_taken_than_fit(screen: Screen, most: int) -> None:
    state = PanelState(screen)
    after, _ = _pressed(*_digits("1" * (most + 1)), state=state)
    assert len(after.typed) == most
    assert after.idle_key


def test_a_pin_is_never_shown() -> None:
    state, _ = _pressed(*_digits("4711"), state=PanelState(Screen.PIN))
    assert not any("4711" in line for line in view(state, FACTS).lines)
    assert any("****" in line for line in view(state, FACTS).lines)
    _, wishes = press(state, Ok(), FACTS)
    assert "4711" not in repr(wishes)


def test_what_needs_a_pin_is_done_when_the_pin_was_right() -> None:
    wish = Dial(RequestKind.RECHARGE, Paise(100))
    state, _ = _pressed(PinWanted(Role.FUNDING, wish))
    assert state.screen is Screen.PIN
    state, wishes = _pressed(*_digits("1234"), Ok(), state=state)
    assert wishes == (EnterPin(Role.FUNDING, "1234"),)
    state, wishes = _pressed(PinTaken(), state=state)
    assert (state.screen, wishes, state.waiting) == (Screen.HOME, (wish,), None)


def test_a_wrong_pin_is_told_and_may_be_typed_again() -> None:
    state, _ = _pressed(PinWanted(Role.FUNDING, FrankItem()))
    state, _ = _pressed(Digit(1), Ok(), PinRefused("WRONG PIN"), state=state)
    assert (state.screen, state.typed) == (Screen.PIN, "")
    assert "WRONG PIN" in view(state, FACTS).lines
    state, _ = _pressed(Clear(), state=state)
    assert state.waiting is None, "what waited for the PIN is forgotten"


def test_a_line_of_a_list_is_chosen_by_its_digit_or_by_arrows() -> None:
    by_digit = _pressed(Digit(2), state=PanelState(Screen.CLASS))
    by_arrow = _pressed(Down(), Down(), Down(), Ok(), state=PanelState(Screen.CLASS))
    assert by_digit[1] == by_arrow[1] == (ChooseClass(6),)


def test_the_cursor_stays_within_its_list() -> None:
    state, _ = _pressed(Up(), Up(), state=PanelState(Screen.CLASS))
    assert state.cursor == 0
    state, _ = _pressed(*[Down()] * 9, state=state)
    assert state.cursor == 1


def test_a_long_list_scrolls_to_the_line_that_is_chosen() -> None:
    state, _ = _pressed(*[Down()] * 7, state=PanelState(Screen.REPORTS))
    last = view(state, FACTS).lines[-1]
    assert last == f">8 {list(ReportName)[-1].words}"


def test_a_long_message_scrolls_and_ends_at_its_code() -> None:
    state, _ = _pressed(Told("word " * 60, "FMW-03-001"))
    assert "FMW-03-001" not in "".join(view(state, FACTS).lines)
    state, _ = _pressed(*[Down()] * 20, state=state)
    assert view(state, FACTS).lines[-1].strip() == "FMW-03-001"


def test_a_day_is_moved_by_arrows_and_taken_by_ok() -> None:
    state, _ = _pressed(DateKey(), Right(), Right(), Left())
    assert "tomorrow" in view(state, FACTS).lines[3]
    _, wishes = _pressed(Ok(), state=state)
    assert wishes == (ChooseDay(date(2026, 6, 2)),)


def test_a_notice_stands_until_the_next_key() -> None:
    state, _ = _pressed(Done("FRANKED Rs 5.00, item 1"))
    assert view(state, FACTS).lines[-1] == "FRANKED Rs 5.00, item 1"
    state, _ = _pressed(FrankKey(), state=state)
    assert state.notice == ""


def test_a_dial_in_is_shown_while_it_goes_on() -> None:
    state, _ = _pressed(
        DialBegan("PENDING"),
        DialMoved("link is up"),
        FramePassed(sent=True, words="SABM"),
        FramePassed(sent=False, words="UA"),
    )
    shown = view(state, FACTS)
    assert shown.lines == ("DIALLING", "PENDING", "dialling", "link is up")
    assert shown.frames == ((True, "SABM"), (False, "UA"))
    assert shown.lamps.line is Lamp.GREEN
    assert shown.lamps.ready is Lamp.DARK
    state, _ = _pressed(DialEnded(("RECHARGED", "Funds")), state=state)
    assert view(state, FACTS).lines == ("RECHARGED", "Funds")
    assert view(state, FACTS).frames, "the frames can still be read"


def test_the_frames_of_a_long_dial_in_do_not_grow_without_end() -> None:
    frames = [FramePassed(sent=True, words=str(at)) for at in range(FRAMES_KEPT + 5)]
    state, _ = _pressed(DialBegan(""), *frames)
    assert len(state.frames) == FRAMES_KEPT
    assert state.frames[-1] == (True, str(FRAMES_KEPT + 4))


def test_lamps_tell_what_stops_and_what_warns() -> None:
    state = PanelState(Screen.HOME)
    warned = view(state, FACTS).lamps
    assert (warned.ready, warned.fault) == (Lamp.GREEN, Lamp.AMBER)
    stop = FaultFact("PRN-07-001", "COVER OPEN: close the cover", stops=True)
    stopped = view(state, replace(FACTS, faults=(stop,)))
    assert (stopped.lamps.ready, stopped.lamps.fault) == (Lamp.DARK, Lamp.RED)
    assert stopped.lines[-1] == "COVER OPEN: close the cover"
    dark = view(PanelState(), Facts()).lamps
    assert {dark.ready, dark.fault, dark.line, dark.funds} == {Lamp.DARK}


@pytest.mark.parametrize(
    ("left", "lamp"), [(0, Lamp.RED), (9_999, Lamp.AMBER), (10_000, Lamp.GREEN)]
)
def test_the_lamp_of_the_funds_tells_how_much_is_left(left: int, lamp: Lamp) -> None:
    registers = Registers(Paise(0), Paise(left), Paise(left), 0, 0)
    facts = replace(FACTS, registers=registers)
    assert view(PanelState(Screen.HOME), facts).lamps.funds is lamp


@pytest.mark.parametrize("state", MachineState)
def test_every_state_of_the_machine_says_what_to_do(state: MachineState) -> None:
    lines = view(PanelState(Screen.HOME), replace(FACTS, state=state, faults=())).lines
    assert state.name.replace("_", " ") in lines[0]
    assert lines[-1]


def test_a_closed_list_of_faults_leads_home() -> None:
    for facts in (FACTS, replace(FACTS, faults=())):
        state, _ = press(PanelState(Screen.FAULTS), Ok(), facts)
        assert state.screen is Screen.HOME


def test_a_fault_is_shown_with_its_code_and_all_of_its_words() -> None:
    lines = view(PanelState(Screen.FAULTS), FACTS).lines
    assert lines[1].startswith("PRN-05-001")
    assert " ".join(lines[2:]) == FACTS.faults[0].words
