"""What callers are told who are turned away, octet for octet."""

import pytest
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import LineLoss, LineUser, LossCause
from protocol.link import DownReason, Link, LinkDown, Role
from protocol.link.parameters import BULK, DEFAULT, LinkParameters
from protocol.link.refusing import RefusingEnd
from rmfs_server.admission import Turned
from rmfs_server.busy import LOG_EVERY_S, BusyLine, Refusals
from rmfs_server.limits import Limits
from tests.line_user import RecordingUser
from tests.reactor import step
from tests.system import LINE

SABM = bytes.fromhex("7e013febdf7e")
DM_FINAL = bytes.fromhex("7e011fe9fe7e")


def linked(parameters: LinkParameters) -> list[object]:
    """Let a machine's link meet an end that refuses; gives what the machine hears."""
    machine, server = Link(Role.MACHINE, parameters), RefusingEnd()
    machine.connect(0.0)
    events: list[object] = []
    for _ in range(4):
        answer = server.receive_octets(machine.octets_to_send())
        if answer:
            events += machine.receive_octets(answer, 0.0)
    return events


def test_sabm_is_answered_with_dm_that_its_poll_asked_for() -> None:
    assert RefusingEnd().receive_octets(SABM) == DM_FINAL


@pytest.mark.parametrize("parameters", [DEFAULT, BULK], ids=["SABM", "XID"])
def test_a_machine_hears_that_its_link_is_refused(parameters: LinkParameters) -> None:
    assert linked(parameters) == [LinkDown(DownReason.REFUSED)]


def test_a_frame_that_comes_octet_by_octet_behind_noise_is_answered_once() -> None:
    end = RefusingEnd()
    said = [end.receive_octets(bytes([octet])) for octet in b"\xff\x00CONNECT" + SABM]
    assert [answer for answer in said if answer] == [DM_FINAL]


@pytest.mark.parametrize(
    "octets",
    [
        SABM[:-2] + b"\x00\x7e",
        bytes.fromhex("7e01 0000 7e"),
        DM_FINAL,
        b"\x7e" * 100,
        b"\x00" * 10_000,
    ],
)
def test_what_begins_no_link_has_no_answer(octets: bytes) -> None:
    assert RefusingEnd().receive_octets(octets) == b""


class Front:
    """A server that turns everybody away, on a virtual line."""

    def __init__(self, limits: Limits, why: Turned = Turned.CALLS) -> None:
        self.clock = Clock()
        self.lines = VirtualExchange(self.clock, every_call(LINE))
        self.noted: list[tuple[str, bool]] = []
        self.refusals = Refusals(self.clock, limits, self.note)
        self.lines.listen(lambda caller: self.refusals.refuse(caller, why, known=True))

    def note(self, caller: str, reason: str, *, log: bool) -> None:
        assert caller
        self.noted.append((reason, log))

    def call(self) -> RecordingUser:
        caller = RecordingUser()
        self.lines.dial(caller)
        return caller

    def refuse(
        self, why: Turned = Turned.CALLS, *, known: bool = True
    ) -> LineUser | None:
        return self.refusals.refuse("tcp:192.0.2.1:40000", why, known=known)

    def told(self, calls: int, why: Turned = Turned.CALLS, *, known: bool) -> int:
        """Turn so many calls away at one moment; how many of them are told."""
        return sum(self.refuse(why, known=known) is not None for _ in range(calls))


def test_who_asks_for_a_link_is_told_and_hung_up() -> None:
    front = Front(Limits())
    caller = front.call()
    while not caller.lines:
        assert step(front.clock)
    caller.line.send(SABM)
    while not caller.losses:
        assert step(front.clock)
    assert caller.octets == DM_FINAL
    assert caller.loss.cause is LossCause.DROPPED_BY_PEER
    assert front.clock.seconds() < 5
    assert front.refusals.told == 1


def test_who_asks_for_nothing_is_hung_up_after_a_while() -> None:
    front = Front(Limits(telling_s=10.0))
    caller = front.call()
    while not caller.losses:
        assert step(front.clock)
    assert 10.0 <= front.clock.seconds() < 11.0
    assert caller.octets == b""


def test_only_so_many_are_told_at_once_and_the_others_hear_nothing() -> None:
    front = Front(Limits(telling=2, telling_s=10.0))
    first = [front.call() for _ in range(3)]
    while not first[2].losses:
        assert step(front.clock)
    assert first[2].loss.cause is LossCause.NO_ANSWER
    while not (first[0].losses and first[1].losses):
        assert step(front.clock)
    assert isinstance(front.refuse(), BusyLine), "there is room again"


def test_only_so_many_are_told_in_a_second() -> None:
    front = Front(Limits(told_per_s=3.0, telling=100))
    assert [front.refuse() is None for _ in range(4)] == [False, False, False, True]
    front.clock.advance(1.0)
    assert [front.refuse() is None for _ in range(4)] == [False, False, False, True]


def test_strangers_who_stay_leave_room_to_tell_known_lines() -> None:
    front = Front(Limits(telling=5, telling_strangers=3))
    assert front.told(10, known=False) == 3
    assert front.told(10, known=True) == 2
    assert front.told(1, known=False) == 0


def test_strangers_who_are_many_leave_time_to_tell_known_lines() -> None:
    front = Front(Limits(told_per_s=100.0, strangers_told_per_s=50.0))
    assert front.told(1_000, known=False) == 50
    assert front.told(1_000, known=True) == 50
    front.clock.advance(1.0)
    assert front.told(1_000, known=True) == 100, "all of it, when no stranger calls"


def test_of_strangers_that_fail_fewer_are_told() -> None:
    front = Front(Limits(strangers_told_per_s=50.0, failing_told_per_s=5.0))
    assert front.told(100, Turned.STRANGERS, known=False) == 5
    assert front.told(100, Turned.HANDSHAKES, known=False) == 45


def test_room_is_given_back_to_whom_it_was_taken_from() -> None:
    front = Front(Limits(telling=2, telling_strangers=1))
    for known in (False, True, False):
        user = front.refuse(known=known)
        assert isinstance(user, BusyLine)
        user.line_lost(LineLoss(LossCause.DROPPED_BY_PEER))
    assert front.told(5, known=False) == 1


@pytest.mark.parametrize(
    ("why", "known"),
    [(Turned.WRONG, False), (Turned.DRAINING, False), (Turned.DRAINING, True)],
)
def test_who_is_owed_nothing_is_told_nothing(why: Turned, *, known: bool) -> None:
    assert Front(Limits()).refuse(why, known=known) is None


def test_neighbours_of_who_proved_itself_wrongly_are_told_as_strangers_are() -> None:
    front = Front(Limits(telling=5, telling_strangers=3))
    assert front.told(10, Turned.WRONG, known=True) == 3
    assert front.told(10, Turned.CALLS, known=True) == 2


def test_all_are_counted_and_one_in_ten_seconds_is_logged_for_each_reason() -> None:
    front = Front(Limits())
    for why in (Turned.CALLS, Turned.CALLS, Turned.BOOKS):
        front.refuse(why)
    front.clock.advance(LOG_EVERY_S)
    front.refuse()
    front.refuse()
    assert front.noted == [
        ("calls", True),
        ("calls", False),
        ("slow books", True),
        ("calls", True),
        ("calls", False),
    ]
