"""A virtual line paces, spoils and loses octets exactly as its parameters say."""

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.faults.parameters import WayParameters
from hw.lines.port import LineError, LineLoss, LossCause
from hw.lines.virtual import VirtualLine, VirtualLineParameters
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import step

TEXT = bytes(range(256)) * 4
"""1024 octets."""


class Laid:
    """A line that is up in virtual time, with both its users."""

    def __init__(
        self,
        parameters: VirtualLineParameters,
        calling: RecordingUser | None = None,
        answering: RecordingUser | None = None,
        call_number: int = 0,
    ) -> None:
        self.clock = Clock()
        self.calling = calling or RecordingUser()
        self.answering = answering or RecordingUser()
        self.line = VirtualLine(
            self.clock, parameters, self.calling, self.answering, call_number
        )
        self.clock.advance(0)

    def run_out(self) -> None:
        while step(self.clock):
            pass


def test_a_kilooctet_at_9600_bit_s_takes_its_time_and_the_delay() -> None:
    laid = Laid(VirtualLineParameters(bit_s=9600, delay_s=0.25))
    laid.calling.line.send(TEXT)
    laid.run_out()
    assert laid.answering.octets == TEXT
    assert laid.clock.seconds() == pytest.approx(1024 * 10 / 9600 + 0.25, rel=1e-15)


def test_both_directions_are_paced_on_their_own() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000))
    laid.calling.line.send(bytes(100))
    laid.answering.line.send(bytes(50))
    laid.clock.advance(0.5)
    assert len(laid.answering.octets) == 48
    assert len(laid.calling.octets) == 50


def test_octets_are_handed_over_in_batches_and_the_last_are_not_kept_back() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, delivery_octets=16))
    laid.calling.line.send(bytes(40))
    laid.run_out()
    assert [len(octets) for octets in laid.answering.deliveries] == [16, 16, 8]
    assert laid.clock.seconds() == 0.4


@pytest.mark.parametrize("delivery_octets", [1, 3, 16, 5000])
@pytest.mark.parametrize("late_s", [0.0, 0.05, 7.0])
def test_neither_batches_nor_late_timers_change_an_octet(
    delivery_octets: int, late_s: float
) -> None:
    parameters = VirtualLineParameters(
        bit_s=9600, delay_s=0.02, bit_error_rate=1e-3, seed=5
    )
    expected = Laid(parameters)
    expected.calling.line.send(TEXT)
    expected.answering.line.send(TEXT)
    expected.run_out()
    assert expected.answering.octets != TEXT

    laid = Laid(replace(parameters, delivery_octets=delivery_octets))
    laid.calling.line.send(TEXT[:100])
    laid.calling.line.send(TEXT[100:])
    laid.answering.line.send(TEXT)
    while laid.clock.getDelayedCalls():
        step(laid.clock) if late_s == 0.0 else laid.clock.advance(late_s)
    assert laid.answering.octets == expected.answering.octets
    assert laid.calling.octets == expected.calling.octets
    assert laid.line.up == expected.line.up
    assert laid.line.down == expected.line.down


def test_a_late_timer_does_not_delay_what_follows() -> None:
    laid = Laid(VirtualLineParameters(bit_s=10, delivery_octets=1))
    laid.calling.line.send(b"abc")
    laid.clock.advance(1.9)
    assert laid.answering.octets == b"a"
    laid.clock.advance(0.1)
    assert laid.answering.octets == b"ab"
    laid.clock.advance(1.0)
    assert laid.answering.octets == b"abc"


def test_the_same_seed_gives_the_same_noise_and_each_call_its_own() -> None:
    parameters = VirtualLineParameters(bit_error_rate=0.01, seed=9)
    heard = []
    for call_number in (0, 0, 1):
        laid = Laid(parameters, call_number=call_number)
        laid.calling.line.send(TEXT)
        laid.answering.line.send(TEXT)
        laid.run_out()
        heard.append(laid.answering.octets)
        assert laid.answering.octets != laid.calling.octets
    assert heard[0] == heard[1]
    assert heard[0] != heard[2]


def test_a_line_counts_octets_and_errors() -> None:
    laid = Laid(VirtualLineParameters(bit_error_rate=0.01, cut_after_octets_up=1000))
    laid.calling.line.send(TEXT)
    laid.run_out()
    struck = sum(
        (sent ^ got).bit_count()
        for sent, got in zip(TEXT, laid.answering.octets, strict=False)
    )
    assert laid.line.up.octets_sent == 1024
    assert laid.line.up.octets_arrived == 1000
    assert laid.line.up.bit_errors == struck > 0
    assert laid.line.down.octets_sent == 0


@pytest.mark.parametrize("delivery_octets", [1, 16])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_the_carrier_is_lost_after_exactly_so_many_octets_up(
    count: int, delivery_octets: int
) -> None:
    parameters = VirtualLineParameters(
        bit_s=1000, cut_after_octets_up=count, delivery_octets=delivery_octets
    )
    laid = Laid(parameters)
    laid.calling.line.send(bytes(100))
    laid.run_out()
    assert len(laid.answering.octets) == count
    assert laid.answering.loss.cause is LossCause.CARRIER_LOST
    assert laid.calling.loss.cause is LossCause.CARRIER_LOST
    assert laid.clock.seconds() == count / 100


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_the_carrier_is_lost_after_exactly_so_many_octets_down(count: int) -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, cut_after_octets_down=count))
    laid.answering.line.send(bytes(100))
    laid.calling.line.send(bytes(100))
    laid.run_out()
    assert len(laid.calling.octets) == count
    assert len(laid.answering.octets) == count
    assert laid.calling.story[-1] == laid.answering.story[-1] == "lost"


@pytest.mark.parametrize("count", range(0, 60, 7))
def test_the_carrier_is_lost_after_so_many_octets_of_both_directions(
    count: int,
) -> None:
    parameters = VirtualLineParameters(bit_s=1000, cut_after_octets=count)
    laid = Laid(parameters, answering=EchoUser())
    laid.calling.line.send(bytes(30))
    laid.run_out()
    heard = len(laid.answering.octets) + len(laid.calling.octets)
    assert heard == count
    assert laid.calling.loss.cause is LossCause.CARRIER_LOST


@pytest.mark.parametrize("count", [1, 2, 3, 50, 51, 90, 149, 150])
@pytest.mark.parametrize("delivery_octets", [16, 5000])
@pytest.mark.parametrize("late_s", [0.0, 0.033, 7.0])
def test_a_cut_of_both_directions_cuts_batches_as_it_cuts_single_octets(
    count: int, delivery_octets: int, late_s: float
) -> None:
    heard = []
    for octets in (1, delivery_octets):
        laid = Laid(
            VirtualLineParameters(
                bit_s=1000,
                delay_s=0.02,
                cut_after_octets=count,
                delivery_octets=octets,
                down=WayParameters(bit_s=700),
            )
        )
        laid.calling.line.send(TEXT[:40])
        laid.answering.line.send(TEXT[100:160])
        laid.calling.line.send(TEXT[40:90])
        while laid.clock.getDelayedCalls():
            step(laid.clock) if late_s == 0.0 else laid.clock.advance(late_s)
        heard.append((laid.answering.octets, laid.calling.octets))
        assert len(laid.answering.octets) + len(laid.calling.octets) == count
        assert laid.calling.story[-1] == laid.answering.story[-1] == "lost"
    assert heard[0] == heard[1]


def test_a_cut_that_is_far_away_does_not_make_batches_small() -> None:
    laid = Laid(VirtualLineParameters(cut_after_octets=10_000, delivery_octets=500))
    laid.calling.line.send(bytes(1_000))
    laid.run_out()
    assert [len(octets) for octets in laid.answering.deliveries] == [500, 500]


def test_a_late_timer_does_not_move_a_cut() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, cut_after_octets_up=20))
    laid.calling.line.send(bytes(100))
    laid.clock.advance(0.105)
    laid.answering.line.send(bytes(100))
    laid.clock.advance(60)
    assert len(laid.answering.octets) == 20
    # The cut is at 0.2 s; by then 9 octets had come down since 0.105 s.
    assert len(laid.calling.octets) == 9


def test_the_carrier_is_lost_at_a_chosen_time() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, cut_at_s=0.305))
    laid.calling.line.send(bytes(100))
    laid.run_out()
    assert len(laid.answering.octets) == 30
    assert laid.clock.seconds() == 0.305
    assert laid.calling.loss.cause is LossCause.CARRIER_LOST


def test_a_cut_from_outside_loses_what_is_under_way() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, delay_s=1.0))
    laid.calling.line.send(bytes(100))
    laid.clock.advance(1.5)
    laid.line.cut()
    assert laid.calling.story == ["up"]
    laid.run_out()
    assert len(laid.answering.octets) == 50
    assert laid.answering.loss.cause is LossCause.CARRIER_LOST
    assert laid.clock.getDelayedCalls() == []


def test_a_drop_is_heard_at_the_far_end_after_the_delay() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, delay_s=1.0))
    laid.calling.line.send(bytes(100))
    laid.calling.line.drop()
    laid.clock.advance(1.0)
    assert laid.calling.story == ["up", "lost"]
    assert laid.answering.story == ["up"]
    laid.clock.advance(1.0)
    assert laid.answering.story == ["up", "octets", "lost"]
    assert len(laid.answering.octets) == 100


def test_a_line_that_is_lost_leaves_no_timer() -> None:
    laid = Laid(VirtualLineParameters(bit_s=300, cut_at_s=1000.0))
    laid.calling.line.send(TEXT)
    laid.calling.line.drop()
    laid.run_out()
    assert laid.clock.seconds() < 40
    assert laid.clock.getDelayedCalls() == []


def test_an_error_in_a_user_does_not_stop_the_line() -> None:
    class Clumsy(RecordingUser):
        def octets_received(self, octets: bytes) -> None:
            super().octets_received(octets)
            if len(self.deliveries) == 1:
                raise ZeroDivisionError

    laid = Laid(VirtualLineParameters(bit_s=1000), answering=Clumsy())
    laid.calling.line.send(bytes(32))
    with pytest.raises(ZeroDivisionError):
        laid.run_out()
    laid.run_out()
    assert len(laid.answering.octets) == 32


def test_an_end_may_drop_while_the_other_hears_of_the_loss() -> None:
    class Coupled(RecordingUser):
        def line_lost(self, loss: LineLoss) -> None:
            super().line_lost(loss)
            answering.line.drop()

    answering = RecordingUser()
    laid = Laid(VirtualLineParameters(), calling=Coupled(), answering=answering)
    laid.calling.line.drop()
    laid.run_out()
    assert laid.calling.loss.cause is LossCause.DROPPED_HERE
    assert answering.loss.cause is LossCause.DROPPED_HERE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bit_s", 0),
        ("delay_s", -1.0),
        ("delay_s", float("nan")),
        ("bit_error_rate", 0.6),
        ("cut_after_octets_up", -1),
        ("delivery_octets", 0),
        ("pending_octets_max", 0),
    ],
)
def test_an_impossible_line_is_refused(field: str, value: Any) -> None:
    with pytest.raises(LineError, match=f"{field} is .*, but a line has "):
        replace(VirtualLineParameters(), **{field: value})


def test_an_exchange_gives_each_call_the_line_that_was_planned() -> None:
    clock = Clock()
    good = VirtualLineParameters(bit_s=1000)
    cut = replace(good, cut_after_octets_up=3)
    exchange = VirtualExchange(clock, lambda number: cut if number == 0 else good)
    answering = [RecordingUser(), RecordingUser()]
    answers = iter(answering)
    exchange.listen(lambda _caller: next(answers))
    for user in (RecordingUser(), RecordingUser()):
        exchange.dial(user)
        clock.advance(0)
        user.line.send(b"hello")
        while step(clock):
            pass
    assert [user.octets for user in answering] == [b"hel", b"hello"]
    assert exchange.calls == 2
    assert exchange.latest is not None
    assert exchange.latest.up.octets_arrived == 5


def test_a_batch_costs_one_timer() -> None:
    laid = Laid(VirtualLineParameters(bit_s=9600, delivery_octets=16))
    laid.calling.line.send(bytes(1600))
    steps = 0
    while step(laid.clock):
        steps += 1
    assert steps <= 101
    assert len(laid.answering.octets) == 1600


def test_calls_through_an_exchange_are_repeatable() -> None:
    stories = []
    for _ in range(2):
        clock = Clock()
        noisy = VirtualLineParameters(bit_error_rate=0.01, seed=3)
        exchange = VirtualExchange(clock, every_call(noisy))
        exchange.listen(lambda _caller: EchoUser())
        calling = RecordingUser()
        exchange.dial(calling)
        clock.advance(0)
        calling.line.send(TEXT)
        while step(clock):
            pass
        stories.append((calling.octets, clock.seconds()))
    assert stories[0] == stories[1]
