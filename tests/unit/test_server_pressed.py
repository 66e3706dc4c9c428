"""A server under pressure, in virtual time: slow callers, slow books, busy machines."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from fm_device.dial_in import DialInReport, Progress, Redialling, busy_wait_s
from fm_device.program import dial_repeatedly
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import LossCause
from hw.lines.virtual import VirtualLineParameters
from protocol.channel import ServerChannel
from protocol.dialogue.machine import Outcome
from protocol.link import DownReason, Link, LinkDown, Role
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from rmfs_server.writer import ImmediateWriter, Writer
from tests.line_user import RecordingUser
from tests.reactor import step
from tests.system import IDENTITY, LICENCE, LINE, RUPEES_2000, System, new_system

SLOW = VirtualLineParameters(bit_s=1_200, delay_s=0.3)
"""A modem of 1,200 bit/s, with a satellite between."""

T = TypeVar("T")


class HeldBooks:
    """Books that answer when they are let go on: a disk that stands still."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []
        self.stand_still = True

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        def ask() -> None:
            ImmediateWriter().submit(job, done, failed)

        if self.stand_still:
            self.held.append(ask)
        else:
            ask()

    def go_on(self) -> None:
        self.stand_still = False
        while self.held:
            self.held.pop(0)()


class Front:
    """A server of a system's books, with limits of its own, and lines to it."""

    def __init__(
        self,
        system: System,
        limits: Limits,
        line: VirtualLineParameters = LINE,
        writer: Writer | None = None,
    ) -> None:
        self.system = system
        self.clock = system.reactor
        self.exchange = Exchange(
            reactor=system.reactor,
            books=system.books,
            writer=writer or ImmediateWriter(),
            make_channel=lambda: ServerChannel(IDENTITY),
            wall_clock=system.wall,
            limits=limits,
        )
        self.lines = VirtualExchange(system.reactor, every_call(line))
        self.lines.listen(self.exchange.answer)
        self.progress: list[Progress] = []

    def dial(self, attempts: int = 1) -> list[DialInReport]:
        """Let the machine begin to dial; gives where its report will be."""
        reports: list[DialInReport] = []
        dial_repeatedly(
            self.system.psd(),
            RUPEES_2000,
            self.lines,
            self.clock,
            attempts=attempts,
            on_progress=self.progress.append,
        ).addCallback(reports.append)
        return reports

    def strangers(self, count: int) -> list[RecordingUser]:
        callers = [RecordingUser() for _ in range(count)]
        for caller in callers:
            self.lines.dial(caller)
        self.until(lambda: all(caller.lines for caller in callers))
        return callers

    def until(self, true: Callable[[], bool]) -> None:
        while not true():
            assert step(self.clock), "nothing will ever happen"


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


@pytest.mark.parametrize("drip_s", [5.0, 50.0])
def test_who_drips_octets_without_being_proved_is_hung_up(
    system: System, drip_s: float
) -> None:
    """Whole frames now and then are no proof: SABM again and again, and RR."""
    front = Front(system, Limits())
    (caller,) = front.strangers(1)
    began = front.clock.seconds()
    link = Link(Role.MACHINE)
    link.connect(began)
    octets = link.octets_to_send() + bytes(1_000)
    for octet in octets:
        caller.line.send(bytes([octet]))
        due = front.clock.seconds() + drip_s
        while not caller.losses and front.clock.seconds() < due:
            calls = [call.getTime() for call in front.clock.getDelayedCalls()]
            front.clock.advance(min(due, *calls) - front.clock.seconds())
        if caller.losses:
            break
    assert caller.loss.cause is LossCause.DROPPED_BY_PEER
    assert front.clock.seconds() - began <= Limits().proof_s + drip_s
    system.check_quiet(0)


def test_a_machine_on_the_slowest_line_is_proved_before_it_could_be_pressed(
    system: System,
) -> None:
    """20 s of 1,200 bit/s, with strangers that want its place all the time."""
    front = Front(system, Limits(handshakes_of_strangers=2), SLOW)
    reports = front.dial()
    front.strangers(1)
    next_at = 0.0
    while not reports:
        if front.clock.seconds() >= next_at:
            front.lines.dial(RecordingUser())
            next_at = front.clock.seconds() + 1.0
        assert step(front.clock)
    assert reports[0].outcome is Outcome.CONFIRMED
    assert reports[0].octets_up + reports[0].octets_down > 600
    system.check_quiet(200_000)


def test_silent_strangers_leave_their_places_to_a_machine(system: System) -> None:
    """They hold all places of strangers; the machine has never called before."""
    front = Front(system, Limits(handshakes_of_strangers=3))
    strangers = front.strangers(3)
    reports = front.dial(attempts=6)
    front.until(lambda: bool(reports))
    assert reports[0].outcome is Outcome.CONFIRMED
    waits = [event.wait_s for event in front.progress if isinstance(event, Redialling)]
    assert waits == [busy_wait_s(n + 1, LICENCE) for n in range(len(waits))]
    assert 0 < len(waits) < 6
    assert sum(1 for caller in strangers if caller.losses) >= 1
    system.check_quiet(200_000)


def test_slow_books_turn_a_machine_away_before_it_has_asked_for_anything(
    system: System,
) -> None:
    books = HeldBooks()
    front = Front(system, Limits(books_wait_s=5.0), writer=books)
    first = front.dial()
    front.until(lambda: bool(books.held))
    front.clock.advance(5.1)
    image = system.nvram.image()
    caller = RecordingUser()
    front.lines.dial(caller)
    front.until(lambda: bool(caller.lines))
    link = Link(Role.MACHINE)
    link.connect(0.0)
    caller.line.send(link.octets_to_send())
    front.until(lambda: bool(caller.losses))
    heard = link.receive_octets(caller.octets, 0.0)
    assert heard == [LinkDown(DownReason.REFUSED)]
    assert system.nvram.image() == image
    assert front.exchange.records.figures.turned_away == {"slow books": 1}
    books.go_on()
    front.until(lambda: bool(first))
    assert first[0].outcome is Outcome.CONFIRMED, "who was in is served"
    assert front.exchange.answer("tcp:192.0.2.1:40000") is not None
    assert front.exchange.records.figures.turned_away == {"slow books": 1}
    system.check_quiet(200_000)
