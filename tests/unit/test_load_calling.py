"""Machines dial when dial-ins come due, not when the ones before were answered."""

from datetime import UTC, datetime

import pytest
from twisted.internet.task import Clock

from hw.clock import MemoryWallClock
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from protocol.dialogue.machine import Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.bench.recharge_office import Seat
from rmfs_tools.fleet_memory import make_fleet
from rmfs_tools.load.arrivals import Arrivals, even_moments
from rmfs_tools.load.calling import OpenLoop
from tests.reactor import run_in_virtual_time

WANTED = Request(RequestKind.RECHARGE, Paise(10_000))
NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def nobody_answers(clock: Clock, machines: int, attempts: int) -> OpenLoop:
    """Machines that dial where nobody answers: each call ends at once."""
    exchange = VirtualExchange(clock, every_call(VirtualLineParameters()))
    places = [
        (Seat(machine.psd.record.life.licence, machine.psd), exchange)
        for machine in make_fleet(machines, 1, MemoryWallClock(NOON))
    ]
    return OpenLoop(clock, places, WANTED, attempts=attempts)


def test_dial_ins_come_due_though_nobody_answers_those_before() -> None:
    clock = Clock()
    loop = nobody_answers(clock, machines=8, attempts=2)

    async def scenario() -> None:
        await loop.dial(Arrivals(even_moments(4.0), 2.0))

    run_in_virtual_time(clock, scenario)
    heard = loop.cut()
    assert (heard.due, heard.begun, heard.left_out) == (7, 7, 0)
    # Each was dialled again 2 s later (DLG-14.3); the last one came due at 1.75 s.
    assert heard.redials == 7
    assert clock.seconds() == 3.75
    assert heard.ended.total() == heard.failed == 7
    assert heard.under_way == 0
    assert not loop.told


def test_a_dial_in_for_which_no_machine_is_free_is_counted_and_left_out() -> None:
    clock = Clock()
    loop = nobody_answers(clock, machines=1, attempts=2)

    async def scenario() -> None:
        await loop.dial(Arrivals(even_moments(4.0), 2.0))

    run_in_virtual_time(clock, scenario)
    heard = loop.cut()
    assert (heard.due, heard.begun, heard.left_out) == (7, 1, 6)
    assert clock.seconds() == 2.25


def test_how_late_a_dial_in_begins_is_counted_from_the_moment_it_came_due() -> None:
    clock = Clock()
    loop = nobody_answers(clock, machines=8, attempts=1)
    loop.dial(Arrivals(even_moments(4.0), 1.0))
    # The process is held up: three dial-ins come due before it can act.
    clock.advance(1.0)
    heard = loop.cut()
    assert heard.begun == heard.failed == 3
    assert heard.late.at(0.0) == pytest.approx(0.25, rel=1 / 128)
    assert heard.late.at(1.0) == 0.75


def test_what_was_heard_is_given_once() -> None:
    clock = Clock()
    loop = nobody_answers(clock, machines=2, attempts=1)

    async def scenario() -> None:
        await loop.dial(Arrivals(even_moments(2.0), 1.0))
        await loop.dial(Arrivals(even_moments(2.0), 1.0))

    run_in_virtual_time(clock, scenario)
    assert loop.cut().begun == 2
    assert loop.cut().begun == 0


def test_where_nobody_answers_the_machines_behind_the_first_are_spared() -> None:
    clock = Clock()
    loop = nobody_answers(clock, machines=40, attempts=1)

    async def scenario() -> None:
        await loop.settle(attempts=4)

    run_in_virtual_time(clock, scenario)
    assert not loop.was_answered
    # Five rounds of four calls, 2 + 4 + 8 s apart, by those that began.
    assert clock.seconds() == 5 * 14
