"""Workers: when they are started again, and what ties them to their parent."""

import socket

import pytest
from twisted.internet.defer import Deferred

from hw.clock import MemoryMonotonicClock
from hw.lifeline import READY, Lifeline
from hw.lines.places import open_place, place_address
from hw.lines.port import LineError
from hw.lines.strings import parse_line_string
from hw.lines.tcp import TcpDialler, TcpListener
from hw.reactor import MonotonicReactor
from rmfs_server.workers import Restarts, Supervision, lines_of, supervise
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import run_on_reactor

RULES = Supervision(again_s=1.0, wait_s=0.5, wait_s_max=3.0)


def test_a_worker_that_was_ready_starts_again_a_second_after_its_start() -> None:
    restarts = Restarts()
    restarts.ended(RULES, started=10.0, now=10.3, was_ready=True)
    assert restarts.due == 11.0
    restarts.ended(RULES, started=11.0, now=500.0, was_ready=True)
    assert restarts.due == 500.0


def test_a_worker_that_cannot_begin_waits_longer_each_time() -> None:
    restarts = Restarts()
    waits = []
    for _ in range(5):
        restarts.ended(RULES, started=0.0, now=100.0, was_ready=False)
        waits.append(restarts.due - 100.0)
    assert waits == [0.5, 1.0, 2.0, 3.0, 3.0]
    restarts.ended(RULES, started=100.0, now=200.0, was_ready=True)
    restarts.ended(RULES, started=200.0, now=300.0, was_ready=False)
    assert restarts.due == 300.5


def test_a_place_that_is_taken_ends_it_before_anybody_is_started() -> None:
    with open_place("127.0.0.1", 0) as taken:
        line = parse_line_string(place_address(taken))
        with pytest.raises(LineError, match="another program listens there"):
            supervise(
                2,
                [parse_line_string("tcp:127.0.0.1:0"), line],
                clock=MemoryMonotonicClock(),
                on_ready=pytest.fail,
                drain_s=0.0,
            )


def test_a_worker_without_a_line_is_refused() -> None:
    with pytest.raises(LineError, match="2 workers cannot share 1 lines"):
        supervise(
            2,
            [parse_line_string("serial:/dev/ttyS0")],
            clock=MemoryMonotonicClock(),
            on_ready=pytest.fail,
            drain_s=0.0,
        )


def test_any_line_but_a_shared_one_belongs_to_one_worker() -> None:
    serial = [parse_line_string(f"serial:/dev/ttyS{number}") for number in range(4)]
    tcp = parse_line_string("tcp:127.0.0.1:0")
    with open_place("127.0.0.1", 0) as place:
        places = [(serial[0], None), (tcp, place), *((one, None) for one in serial[1:])]
        shares = [
            [str(line) for line, _ in lines_of(number, 3, places)]
            for number in (1, 2, 3)
        ]
    assert shares == [
        ["serial:/dev/ttyS0", "tcp:127.0.0.1:0", "serial:/dev/ttyS3"],
        ["tcp:127.0.0.1:0", "serial:/dev/ttyS1"],
        ["tcp:127.0.0.1:0", "serial:/dev/ttyS2"],
    ]


def test_a_call_that_waited_at_a_place_is_answered_by_whoever_comes() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        place = open_place("127.0.0.1", 0)
        port = place.getsockname()[1]
        calling = RecordingUser()
        TcpDialler(reactor, "127.0.0.1", port).dial(calling)
        await calling.is_up()
        # Nobody has answered yet: it lies in the queue of the place.
        calling.line.send(b"x")
        listener = TcpListener(reactor, "127.0.0.1", 0, place=place)
        listener.listen(lambda _: EchoUser())
        assert listener.address == f"tcp:127.0.0.1:{port}"
        await calling.has(1)
        listener.close()
        assert place.fileno() == -1

    run_on_reactor(scenario)


def test_a_place_is_open_until_its_last_process_has_closed_it() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        place = open_place("127.0.0.1", 0)
        port = place.getsockname()[1]
        with place.dup() as another:
            first = TcpListener(reactor, "127.0.0.1", port, place=place)
            first.listen(lambda _: EchoUser())
            first.close()
            second = TcpListener(reactor, "127.0.0.1", port, place=another)
            second.listen(lambda _: EchoUser())
            calling = RecordingUser()
            TcpDialler(reactor, "127.0.0.1", port).dial(calling)
            await calling.is_up()
            calling.line.send(b"x")
            await calling.has(1)
            second.close()

    run_on_reactor(scenario)


def test_a_process_says_that_it_is_ready_and_stops_when_its_parent_is_gone() -> None:
    reactor = MonotonicReactor()
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    stopped: Deferred[None] = Deferred()
    reactor.addSystemEventTrigger("after", "shutdown", stopped.callback, None)

    def begin() -> None:
        Lifeline(theirs).hold(reactor)
        assert ours.recv(1) == READY
        # With a word that is not read yet, as if it had been killed.
        ours.close()

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    assert stopped.called
    reactor.close()
    theirs.close()
