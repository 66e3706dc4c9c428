"""A scenario at the pace of a real clock; here nobody waits, the waits are recorded."""

import signal
from collections.abc import Callable

import pytest

from fm_device.scenarios.library import library_scenario
from fm_device.scenarios.reading import read_scenario
from hw.clock import MemoryMonotonicClock
from rmfs_tools.scenario_pace import RealPace, Stop, ctrl_c_asks
from rmfs_tools.scenarios import Played, play

STEP = "[[steps]]\n"
DAY = 86_400


class Waits:
    """A pace that records up to when it was to wait, and may stop at one of them."""

    def __init__(self, stop_at: float | None = None) -> None:
        self.until_s: list[float] = []
        self._stop_at = stop_at

    def __call__(self, scenario_s: float) -> bool:
        self.until_s.append(round(scenario_s, 6))
        return self._stop_at is None or self.until_s[-1] < self._stop_at


def played(
    steps: str, pace: Waits, say: Callable[[str], None] = lambda _line: None
) -> Played:
    scenario = read_scenario(f'title = "A test"\n{steps}'.encode(), "test.toml")
    return play(scenario, say=say, begin_pace=lambda: pace)


class Waiting:
    """A clock, and a wait that moves it; `asked` at the n-th wait."""

    def __init__(self, asked: int = 0) -> None:
        self.clock = MemoryMonotonicClock(1000.0)
        self.waits_s: list[float] = []
        self._asked = asked

    def wait(self, seconds: float) -> bool:
        self.waits_s.append(seconds)
        self.clock.advance(seconds)
        return len(self.waits_s) == self._asked


def test_a_step_is_waited_for_until_its_time_has_come() -> None:
    pace = Waits()
    steps = f'{STEP}at = "10:00"\nzero = 1\n{STEP}at = "10:05"\nzero = 1\n'
    assert played(f"{STEP}zero = 1\n{steps}", pace).met
    assert pace.until_s == [0, 3600, 3900]


def test_turns_and_waits_inside_a_step_keep_the_pace() -> None:
    pace = Waits()
    repeat = '[[steps]]\nrepeat = { times = 3, every = "+10m" }\n[[steps.steps]]\n'
    assert played(f"{repeat}zero = 1\n", pace).met
    assert sorted(set(pace.until_s)) == [0, 600, 1200]


def test_a_dial_in_keeps_the_pace_of_its_line() -> None:
    pace = Waits()
    found = played(f'{STEP}dial = {{ for = "inspection" }}\n', pace)
    assert found.met
    assert pace.until_s == sorted(pace.until_s)
    assert len(set(pace.until_s)) > 10
    assert pace.until_s[-1] == pytest.approx(found.virtual_s)


@pytest.mark.parametrize("name", ["noisy-line", "operator-pin", "while-dialling"])
def test_a_pace_changes_nothing_of_what_happens(name: str) -> None:
    scenario = library_scenario(name)
    assert play(scenario, begin_pace=Waits) == play(scenario)


def test_what_is_waited_for_and_what_came_of_it_is_said() -> None:
    said: list[str] = []
    played(f'{STEP}at = "10:00"\nzero = 3\n', Waits(), said.append)
    assert said == [
        "    steps[1] comes at 2026-11-23 10:00:00, in 1:00:00",
        "2026-11-23 10:00:00  steps[1] zero",
        "    3 done",
        "    as expected",
    ]


def test_one_that_is_stopped_while_it_waits_ends_before_the_next_step() -> None:
    steps = f'{STEP}zero = 1\n{STEP}at = "10:00"\nzero = 1\n'
    found = played(steps, Waits(stop_at=3600))
    assert (found.stopped, found.met, found.unmet) == (True, False, [])
    assert (found.steps, found.franks, found.virtual_s) == (1, 1, 0)


def test_one_that_is_stopped_in_a_dial_in_ends_behind_it_with_the_money_right() -> None:
    steps = (
        f'{STEP}dial = {{ for = "recharge", amount = 1000 }}\n'
        'expect = { outcome = "confirmed", descending = 3000 }\n'
        f"{STEP}zero = 1\n"
    )
    found = played(steps, Waits(stop_at=0.1))
    assert (found.stopped, found.unmet) == (True, [])
    assert (found.steps, found.franks) == (1, 0)


def test_one_that_is_stopped_in_a_repetition_takes_no_further_turn() -> None:
    repeat = '[[steps]]\nrepeat = { times = 9, every = "+10m" }\n[[steps.steps]]\n'
    found = played(f"{repeat}zero = 1\n{STEP}zero = 1\n", Waits(stop_at=1200))
    assert (found.stopped, found.unmet, found.franks) == (True, [], 2)


def test_a_power_cut_that_is_still_to_come_does_not_spoil_the_end() -> None:
    cut = f'{STEP}power-cut = {{ during = "nvram", write = 1, torn = 3 }}\n'
    found = played(f'{cut}{STEP}at = "10:00"\nzero = 1\n', Waits(stop_at=3600))
    assert (found.stopped, found.unmet) == (True, [])


def test_who_hurries_waits_for_a_part_of_the_time() -> None:
    waiting = Waiting()
    pace = RealPace(waiting.clock, waiting.wait, hurry=60)
    assert pace(300)
    assert waiting.waits_s == [5]


def test_time_that_was_spent_elsewhere_is_not_waited_for_again() -> None:
    waiting = Waiting()
    pace = RealPace(waiting.clock, waiting.wait)
    waiting.clock.advance(7)
    assert pace(10)
    assert pace(11)
    waiting.clock.advance(50)
    assert pace(12)
    assert waiting.waits_s == [3, 1, 0]


def test_a_wait_for_many_days_is_made_of_days() -> None:
    waiting = Waiting()
    assert RealPace(waiting.clock, waiting.wait)(2.5 * DAY)
    assert waiting.waits_s == [DAY, DAY, DAY / 2]


def test_a_wait_ends_when_somebody_asks_to_stop() -> None:
    waiting = Waiting(asked=2)
    assert not RealPace(waiting.clock, waiting.wait)(9 * DAY)
    assert waiting.waits_s == [DAY, DAY]


def test_a_wish_to_stop_is_told_once_and_holds() -> None:
    told: list[str] = []
    stop = Stop(lambda: told.append("stopping"))
    assert not stop.wait(0)
    stop.ask()
    assert [stop.wait(DAY), stop.wait(DAY)] == [True, True]
    assert told == ["stopping"]


def test_the_first_ctrl_c_asks_and_the_second_breaks_off() -> None:
    stop = Stop()
    before = signal.getsignal(signal.SIGINT)
    with ctrl_c_asks(stop):
        signal.raise_signal(signal.SIGINT)
        assert stop.wait(DAY)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
