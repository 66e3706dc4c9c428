"""Simulated time runs what is due, in the order of its moments."""

import pytest
from twisted.internet.error import AlreadyCalled, AlreadyCancelled

from rmfs_tools.simulation.clock import SimulatedClock


class Diary:
    """A clock, and what it ran when."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.entries: list[tuple[float, str]] = []

    def write(self, what: str) -> None:
        self.entries.append((self.clock.seconds(), what))


def test_calls_run_at_their_time_and_those_of_one_moment_as_they_were_made() -> None:
    diary = Diary()
    for wait_s, what in ((2.0, "c"), (1.0, "a"), (2.0, "d"), (1.5, "b")):
        diary.clock.callLater(wait_s, diary.write, what)
    diary.clock.pass_until(5.0)
    assert diary.entries == [(1.0, "a"), (1.5, "b"), (2.0, "c"), (2.0, "d")]
    assert diary.clock.seconds() == 5.0


def test_a_step_goes_to_the_next_moment_and_runs_all_that_is_due_then() -> None:
    diary = Diary()
    diary.clock.callLater(1.0, diary.write, "a")
    diary.clock.callLater(
        1.0, lambda: diary.clock.callLater(0, diary.write, "made by another")
    )
    diary.clock.callLater(3.0, diary.write, "later")
    assert diary.clock.step(2.0)
    assert diary.entries == [(1.0, "a"), (1.0, "made by another")]
    assert not diary.clock.step(2.0)
    assert diary.clock.seconds() == 1.0
    assert diary.clock.next_due_s == 3.0


def test_a_call_that_was_moved_runs_once_and_at_its_new_time() -> None:
    diary = Diary()
    sooner = diary.clock.callLater(4.0, diary.write, "sooner")
    later = diary.clock.callLater(2.0, diary.write, "later")
    diary.clock.callLater(2.5, diary.write, "between")
    sooner.reset(1.0)
    later.reset(3.0)
    assert len(diary.clock.getDelayedCalls()) == 3
    diary.clock.pass_until(9.0)
    assert diary.entries == [(1.0, "sooner"), (2.5, "between"), (3.0, "later")]
    assert diary.clock.getDelayedCalls() == []


def test_a_call_that_was_cancelled_never_runs() -> None:
    diary = Diary()
    call = diary.clock.callLater(1.0, diary.write, "never")
    ran = diary.clock.callLater(0.5, diary.write, "ran")
    call.cancel()
    assert diary.clock.getDelayedCalls() == [ran]
    diary.clock.pass_until(2.0)
    assert diary.entries == [(0.5, "ran")]
    assert diary.clock.next_due_s is None
    with pytest.raises(AlreadyCancelled):
        call.cancel()
    with pytest.raises(AlreadyCalled):
        ran.cancel()
