"""Who is answered and who is turned away, from values alone."""

from dataclasses import replace

import pytest

from rmfs_server.admission import Admission, Allowance, Turned, line_of
from rmfs_server.limits import Limits
from rmfs_server.pools import parse_pool

HOME = "tcp:192.0.2.1"
"""Where a machine is."""


class Desk:
    """An admission whose calls are numbers, and which of them had to give way."""

    def __init__(self, limits: Limits) -> None:
        self.gave_way: list[int] = []
        self.admission: Admission[int] = Admission(limits, self.give_way)
        self.calls = 0
        self.up: set[int] = set()
        self.resting: set[int] = set()

    def give_way(self, call: int) -> None:
        self.gave_way.append(call)
        if call in self.resting:
            self.up.discard(call)
            self.admission.rested(call)
        else:
            self.end(call, proved=False)

    def end(self, call: int, *, proved: bool) -> None:
        """Let a call be over, or leave its place to another."""
        self.up.discard(call)
        self.admission.leave(call, proved=proved)

    def rests(self, call: int, now: float) -> None:
        """Let a call that was proved, and is up, be done with its dialogue."""
        self.resting.add(call)
        self.admission.rest(call, now)

    def comes(self, line: str, now: float = 0.0) -> Turned | None:
        """Let a call come; it is number `calls` if it is answered."""
        why = self.admission.against(line, now, calls=len(self.up))
        if why is None:
            self.calls += 1
            self.up.add(self.calls)
            self.admission.enter(self.calls, line, now)
        return why

    def proves(self, line: str, now: float = 0.0) -> None:
        """Let a call come that proves its machine."""
        assert self.comes(line, now) is None
        self.end(self.calls, proved=True)

    def fails(self, line: str, now: float = 0.0) -> Turned | None:
        """Let a call come that proves nothing."""
        why = self.comes(line, now)
        if why is None:
            self.end(self.calls, proved=False)
        return why


def test_strangers_cannot_take_the_places_of_known_lines() -> None:
    desk = Desk(Limits(calls=8, handshakes_of_strangers=3))
    desk.proves(HOME)
    for n in range(3):
        assert desk.comes(f"tcp:198.51.100.{n}") is None
    assert desk.comes("tcp:198.51.100.9") is Turned.HANDSHAKES
    assert [desk.comes(HOME) for _ in range(6)] == [None] * 5 + [Turned.CALLS]


def test_strangers_have_at_most_half_of_the_calls() -> None:
    desk = Desk(Limits(calls=5))
    assert [desk.comes(f"tcp:198.51.100.{n}") for n in range(3)] == [
        None,
        None,
        Turned.HANDSHAKES,
    ]
    only_one = Desk(Limits(calls=1))
    assert only_one.comes("tcp:198.51.100.1") is None


def test_a_call_that_proves_nothing_for_long_gives_way_to_another() -> None:
    limits = Limits(calls=2, handshakes_of_strangers=2, proof_pressed_s=20.0)
    desk = Desk(limits)
    desk.proves(HOME)
    assert desk.comes(HOME, 0.0) is None
    assert desk.comes("tcp:198.51.100.1", 1.0) is None
    assert desk.comes("tcp:198.51.100.2", 20.0) is Turned.CALLS
    assert desk.gave_way == [], "a stranger does not drive a known line out"
    assert desk.comes("tcp:198.51.100.2", 21.0) is None
    assert desk.gave_way == [3], "the other stranger has had its time"
    assert desk.comes(HOME, 21.0) is None
    assert desk.gave_way == [3, 2], "a known line gives way to a known line"


def test_nobody_gives_way_to_a_stranger_that_is_turned_away() -> None:
    limits = Limits(
        handshakes_of_strangers=1, strangers_burst=1.0, strangers_per_s=0.01
    )
    desk = Desk(limits)
    assert desk.comes("tcp:198.51.100.1", 0.0) is None
    assert desk.comes("tcp:198.51.100.2", 30.0) is Turned.STRANGERS
    assert desk.gave_way == []
    assert desk.comes("tcp:198.51.100.2", 100.0) is None
    assert desk.gave_way == [1]


def test_while_there_are_places_nobody_gives_way() -> None:
    desk = Desk(Limits(calls=4))
    assert desk.comes("tcp:198.51.100.1", 0.0) is None
    assert desk.comes("tcp:198.51.100.2", 80.0) is None
    assert desk.gave_way == []


def test_strangers_that_fail_are_few_in_a_second_and_close_nothing() -> None:
    desk = Desk(Limits(strangers_burst=10.0, strangers_per_s=2.0))
    desk.proves(HOME)
    tried = [desk.fails(f"tcp:198.51.100.{n}") for n in range(12)]
    assert tried == [None] * 10 + [Turned.STRANGERS] * 2
    assert desk.fails("tcp:198.51.100.20", 1.0) is None
    assert desk.fails("tcp:198.51.100.21", 1.0) is None
    assert desk.fails("tcp:198.51.100.22", 1.0) is Turned.STRANGERS
    assert desk.comes(HOME, 1.0) is None


def test_new_machines_cost_strangers_nothing() -> None:
    """After a start nobody is known: a whole country comes at once, and is proved."""
    desk = Desk(Limits(strangers_burst=10.0, strangers_per_s=2.0))
    for n in range(1_000):
        desk.proves(f"tcp:10.0.{n // 250}.{n % 250}")


def test_machines_behind_one_address_that_come_together_cost_strangers_nothing() -> (
    None
):
    """The first of them makes their line known while the others are under way."""
    desk = Desk(Limits(strangers_burst=20.0, strangers_per_s=0.0))
    for n in range(100):
        first = desk.calls + 1
        for _ in range(10):
            assert desk.comes(f"tcp:10.0.0.{n}") is None
        for call in range(first, first + 10):
            desk.admission.leave(call, proved=True)


def test_who_fails_on_a_line_that_became_known_meanwhile_was_a_stranger() -> None:
    desk = Desk(Limits(strangers_burst=2.0, strangers_per_s=0.0))
    assert desk.comes(HOME) is None
    assert desk.comes(HOME) is None
    desk.admission.leave(1, proved=True)
    desk.admission.leave(2, proved=False)
    assert desk.fails("tcp:198.51.100.1") is None
    assert desk.fails("tcp:198.51.100.1") is Turned.STRANGERS


def test_who_rests_after_a_dialogue_gives_way_to_anybody() -> None:
    limits = Limits(calls=2, proof_pressed_s=20.0, rest_pressed_s=5.0)
    desk = Desk(limits)
    for call in (1, 2):
        assert desk.comes(HOME, 0.0) is None
        desk.admission.leave(call, proved=True)
        desk.rests(call, float(call))
    assert desk.comes(HOME, 5.0) is Turned.CALLS
    assert desk.comes("tcp:198.51.100.1", 6.0) is None
    assert desk.gave_way == [1], "the one that rests for longest"
    assert desk.comes("tcp:198.51.100.2", 7.0) is Turned.CALLS, "one stranger of two"
    assert desk.comes(HOME, 7.0) is None
    assert desk.gave_way == [1, 2]
    assert desk.comes(HOME, 19.0) is Turned.CALLS


def test_who_rests_takes_nothing_from_others_on_its_line() -> None:
    desk = Desk(Limits(handshakes_per_known_line=2, failures_known=1))
    desk.proves(HOME)
    for call in range(10, 20):
        desk.admission.rest(call, 0.0)
    tried = [desk.comes(HOME) for _ in range(3)]
    assert tried == [None, None, Turned.LINE]
    for call in range(10, 20):
        desk.admission.rested(call)
    assert desk.admission.knows(HOME), "that it went counts for no failure"


def pooled(*pools: str, **limits: float) -> Desk:
    named = tuple(map(parse_pool, pools))
    return Desk(replace(Limits(pools=named), **limits))  # type: ignore[arg-type]


def test_a_pool_may_begin_as_much_at_once_as_it_has_lines() -> None:
    few = {"handshakes_per_line": 2, "handshakes_per_known_line": 4}
    desk = pooled("192.0.2.1=48", **few)
    assert [desk.comes(HOME) for _ in range(49)] == [None] * 48 + [Turned.LINE]
    small = pooled("192.0.2.1=1", **few)
    assert [small.comes(HOME) for _ in range(5)] == [None] * 4 + [Turned.LINE]


def test_a_line_may_begin_more_at_once_when_it_is_known() -> None:
    desk = Desk(Limits(handshakes_per_line=2, handshakes_per_known_line=4))
    assert [desk.comes(HOME) for _ in range(3)] == [None, None, Turned.LINE]
    desk.end(1, proved=True)
    assert [desk.comes(HOME) for _ in range(4)] == [None] * 3 + [Turned.LINE]


def test_a_pool_is_no_stranger_until_nobody_was_proved_there_for_long() -> None:
    desk = pooled(
        "192.0.2.0/28=4", failures_known=3, strangers_burst=0.0, strangers_per_s=0.0
    )
    assert [desk.fails(HOME) for _ in range(11)] == [None] * 11
    desk.proves(HOME)
    assert [desk.fails(HOME) for _ in range(12)] == [None] * 12
    assert desk.fails(HOME) is Turned.STRANGERS
    assert desk.fails("tcp:192.0.2.2") is None, "each address by itself"
    assert desk.fails("tcp:198.51.100.1") is Turned.STRANGERS


def test_each_line_of_a_pool_may_be_wrong_as_often_as_one() -> None:
    desk = pooled("192.0.2.1=3", wrong_per_line=2, window_s=600.0)
    for n in range(6):
        assert desk.comes(HOME, float(n)) is None
        desk.admission.wrong.count(HOME, float(n))
    assert desk.comes(HOME, 6.0) is Turned.WRONG
    assert desk.comes(HOME, 601.0) is None


def test_a_pool_takes_no_more_than_all_may_have() -> None:
    desk = pooled("192.0.2.1=4096", calls=5)
    assert [desk.comes(HOME) for _ in range(6)] == [None] * 5 + [Turned.CALLS]


@pytest.mark.parametrize(
    ("caller", "line"),
    [
        ("tcp:192.0.2.7:40001", "tcp:192.0.2.7"),
        ("tcp:[2001:db8::7]:40001", "tcp:[2001:db8::7]"),
        ("rfc2217:192.0.2.7:40001", "rfc2217:192.0.2.7"),
        ("modem rfc2217:192.0.2.7:7201", "modem rfc2217:192.0.2.7:7201"),
        ("modem /dev/ttyUSB0 from 04412345", "modem /dev/ttyUSB0 from 04412345"),
        ("usb:1209:0001:A", "usb:1209:0001:A"),
    ],
)
def test_a_line_is_a_host_or_a_modem_or_a_port(caller: str, line: str) -> None:
    assert line_of(caller) == line


def test_a_line_that_only_fails_is_not_known_any_more() -> None:
    desk = Desk(Limits(failures_known=3, strangers_burst=2.0, strangers_per_s=0.0))
    desk.proves(HOME)
    assert [desk.fails(HOME) for _ in range(2)] == [None, None]
    desk.proves(HOME)
    assert [desk.fails(HOME) for _ in range(3)] == [None] * 3
    assert [desk.fails(HOME) for _ in range(3)] == [None, None, Turned.STRANGERS]


def test_of_known_lines_the_newest_are_remembered() -> None:
    desk = Desk(Limits(lines_known=2, strangers_burst=1.0, strangers_per_s=0.0))
    for line in (HOME, "tcp:192.0.2.2", HOME, "tcp:192.0.2.3"):
        desk.proves(line)
    assert desk.fails("tcp:192.0.2.2") is None, "it is a stranger, and the only one"
    assert desk.fails("tcp:192.0.2.2") is Turned.STRANGERS
    assert desk.fails(HOME) is None


def test_slow_books_turn_new_calls_away_until_the_oldest_question_is_answered() -> None:
    desk = Desk(Limits(books_wait_s=5.0))
    books = desk.admission.books
    first, second = books.begin(0.0), books.begin(3.0)
    assert desk.comes(HOME, 5.0) is None
    assert desk.comes(HOME, 5.1) is Turned.BOOKS
    books.end(first)
    assert desk.comes(HOME, 8.0) is None
    assert desk.comes(HOME, 8.1) is Turned.BOOKS
    books.end(second)
    assert desk.comes(HOME, 100.0) is None


def test_the_reasons_are_looked_at_in_their_order() -> None:
    desk = Desk(Limits(calls=1, wrong_per_line=1))
    admission = desk.admission
    assert admission.against(HOME, 0.0, calls=1) is Turned.CALLS
    admission.wrong.count(HOME, 0.0)
    assert admission.against(HOME, 0.0, calls=1) is Turned.WRONG
    admission.draining = True
    assert admission.against(HOME, 0.0, calls=1) is Turned.DRAINING


def test_an_allowance_grows_with_time_up_to_its_burst() -> None:
    allowance = Allowance(2.0, 0.5)
    assert [allowance.take(0.0) for _ in range(3)] == [True, True, False]
    assert [allowance.take(2.0), allowance.take(2.0)] == [True, False]
    assert [allowance.take(60.0) for _ in range(3)] == [True, True, False]
    allowance.give_back()
    assert [allowance.take(60.0) for _ in range(2)] == [True, False]
