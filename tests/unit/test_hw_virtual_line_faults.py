"""A virtual line with faults: per direction, half-duplex, in real and virtual time."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.faults.character import BadOctets
from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.trigger import Trigger
from hw.lines.port import LineError, LossCause
from hw.lines.virtual import DirectionCounters, VirtualLine, VirtualLineParameters
from hw.ports.settings import Parity
from hw.reactor import MonotonicReactor
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import run_in_virtual_time, run_on_reactor, step

TEXT = bytes(range(256)) * 4
"""1024 octets."""


class Laid:
    """A line that is up in virtual time, with both its users."""

    def __init__(
        self, parameters: VirtualLineParameters, answering: RecordingUser | None = None
    ) -> None:
        self.clock = Clock()
        self.calling = RecordingUser()
        self.answering = answering or RecordingUser()
        self.line = VirtualLine(self.clock, parameters, self.calling, self.answering)
        self.clock.advance(0)

    def run_out(self) -> None:
        while step(self.clock):
            pass


def test_the_bits_of_a_character_are_counted_from_start_to_stop() -> None:
    parameters = VirtualLineParameters(bit_s=1200, parity=Parity.EVEN, stop_bits=2)
    laid = Laid(parameters)
    laid.calling.line.send(bytes(100))
    laid.run_out()
    assert laid.clock.seconds() == 1.0


def test_with_seven_data_bits_the_highest_bit_of_an_octet_does_not_travel() -> None:
    laid = Laid(VirtualLineParameters(data_bits=7, parity=Parity.EVEN))
    laid.calling.line.send(TEXT)
    laid.run_out()
    assert laid.answering.octets == bytes(octet & 0x7F for octet in TEXT)


def test_each_direction_may_have_a_speed_and_a_delay_of_its_own() -> None:
    parameters = VirtualLineParameters(
        bit_s=1200, up=WayParameters(bit_s=75), down=WayParameters(delay_s=0.5)
    )
    laid = Laid(parameters)
    laid.calling.line.send(bytes(3))
    laid.answering.line.send(bytes(12))
    laid.clock.advance(0.4)
    assert laid.answering.octets == bytes(3)
    laid.clock.advance(0.1)
    assert laid.calling.octets == b""
    laid.clock.advance(0.1)
    assert laid.calling.octets == bytes(12)


def test_a_fault_of_one_direction_leaves_the_other_alone() -> None:
    drops = WayParameters(drops=Trigger(0.1))
    laid = Laid(VirtualLineParameters(down=drops))
    laid.calling.line.send(TEXT)
    laid.answering.line.send(TEXT)
    laid.run_out()
    assert laid.answering.octets == TEXT
    assert laid.line.up == DirectionCounters(1024, 1024, 1024)
    dropped = laid.line.down.drops
    assert 70 < dropped < 140
    assert laid.line.down == DirectionCounters(
        1024, 1024, 1024 - dropped, drops=dropped
    )
    assert len(laid.calling.octets) == 1024 - dropped


def test_both_directions_have_faults_of_their_own_and_a_seed_of_a_fault_moves_it() -> (
    None
):
    def heard(up: Trigger, down: Trigger) -> tuple[bytes, bytes]:
        parameters = VirtualLineParameters(
            up=WayParameters(drops=up), down=WayParameters(drops=down)
        )
        laid = Laid(parameters)
        laid.calling.line.send(TEXT)
        laid.answering.line.send(TEXT)
        laid.run_out()
        return laid.answering.octets, laid.calling.octets

    usual = heard(Trigger(0.1), Trigger(0.1))
    assert usual[0] != usual[1]
    seeded = heard(Trigger(0.1, seed=1), Trigger(0.1))
    assert seeded[0] != usual[0]
    assert seeded[1] == usual[1]
    assert heard(Trigger(0.1, seed=0), Trigger(0.1, seed=0)) == usual


def test_the_bit_errors_of_one_direction_may_begin_late_or_have_their_own_rate() -> (
    None
):
    parameters = VirtualLineParameters(
        bit_error_rate=0.1,
        up=WayParameters(bit_errors=Trigger(at=1000)),
        down=WayParameters(bit_errors=Trigger(0.0)),
    )
    laid = Laid(parameters)
    laid.calling.line.send(TEXT)
    laid.answering.line.send(TEXT)
    laid.run_out()
    assert laid.answering.octets[:1000] == TEXT[:1000]
    assert laid.line.up.bit_errors > 5
    assert laid.calling.octets == TEXT


def test_a_line_goes_silent_when_every_octet_is_dropped_from_one_on() -> None:
    silent = WayParameters(drops=Trigger(1.0, at=500))
    laid = Laid(VirtualLineParameters(up=silent))
    laid.calling.line.send(TEXT)
    laid.run_out()
    assert laid.answering.octets == TEXT[:500]
    assert laid.answering.story == ["up", "octets"]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_a_cut_counts_octets_as_they_were_sent(count: int) -> None:
    faults = WayParameters(drops=Trigger(0.3), duplicates=Trigger(0.3))
    laid = Laid(VirtualLineParameters(cut_after_octets_up=count, up=faults))
    laid.calling.line.send(TEXT)
    laid.run_out()
    assert laid.line.up.octets_arrived == count
    assert laid.line.up.octets_heard == len(laid.answering.octets)
    assert laid.answering.loss.cause is LossCause.CARRIER_LOST


def test_nothing_is_told_of_octets_that_are_not_heard() -> None:
    laid = Laid(VirtualLineParameters(up=WayParameters(drops=Trigger(1.0))))
    laid.calling.line.send(TEXT)
    laid.calling.line.drop()
    laid.run_out()
    assert laid.answering.story == ["up", "lost"]


def test_only_the_first_calls_of_a_line_need_be_cut() -> None:
    clock = Clock()
    line = VirtualLineParameters(cut_after_octets=3, cut_at_s=1.0, cut_calls=2)
    exchange = VirtualExchange(clock, every_call(line))
    heard = []
    for _ in range(3):
        answering = RecordingUser()
        exchange.listen(lambda _caller, user=answering: user)  # type: ignore[misc]
        calling = RecordingUser()
        exchange.dial(calling)
        clock.advance(0)
        calling.line.send(b"hello")
        clock.advance(2.0)
        heard.append(answering.octets)
        exchange.close()
    assert heard == [b"hel", b"hel", b"hello"]


def test_a_carrier_is_lost_at_a_place_that_the_seed_chooses_for_each_call() -> None:
    line = VirtualLineParameters(
        bit_s=1_000_000,
        up=WayParameters(carrier_losses=Trigger(0.01, at=50)),
        cut_calls=20,
    )
    places = []
    for call_number in range(21):
        clock = Clock()
        calling, answering = RecordingUser(), RecordingUser()
        VirtualLine(clock, line, calling, answering, call_number)
        clock.advance(0)
        calling.line.send(TEXT)
        clock.advance(60)
        places.append(len(answering.octets))
        assert bool(answering.losses) == (call_number < 20)
    assert min(places) >= 50
    assert len(set(places)) > 15
    assert 100 < sum(places[:20]) / 20 < 250
    assert places[20] == 1024


def test_a_direction_that_begins_to_send_waits_until_the_line_has_turned() -> None:
    parameters = VirtualLineParameters(bit_s=1000, delay_s=0.25, turnaround_s=0.5)
    laid = Laid(parameters)
    laid.calling.line.send(bytes(10))
    laid.answering.line.send(bytes(10))
    laid.calling.line.send(bytes(10))
    # Up 0 to 0.1 and there at 0.35; down from 0.85, there at 1.2; up from 1.7.
    laid.clock.advance(0.35)
    assert len(laid.answering.octets) == 10
    laid.clock.advance(0.84)
    assert laid.calling.octets == b""
    laid.clock.advance(0.02)
    assert len(laid.calling.octets) == 10
    laid.clock.advance(0.83)
    assert len(laid.answering.octets) == 10
    laid.run_out()
    assert len(laid.answering.octets) == 20
    assert laid.clock.seconds() == pytest.approx(2.05)


def test_a_direction_that_sends_on_need_not_wait() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, turnaround_s=0.5))
    laid.calling.line.send(bytes(10))
    laid.calling.line.send(bytes(10))
    laid.clock.advance(5.0)
    laid.calling.line.send(bytes(10))
    laid.run_out()
    assert laid.clock.seconds() == pytest.approx(5.1)


def test_a_line_that_turns_still_carries_a_drop() -> None:
    laid = Laid(VirtualLineParameters(bit_s=1000, turnaround_s=0.5))
    laid.answering.line.send(bytes(10))
    laid.calling.line.send(bytes(10))
    laid.calling.line.drop()
    laid.run_out()
    assert laid.answering.octets == bytes(10)
    assert laid.answering.loss.cause is LossCause.DROPPED_BY_PEER


def test_octets_that_jitter_made_late_are_heard_before_the_drop_behind_them() -> None:
    late = WayParameters(jitter_s=100.0)
    laid = Laid(VirtualLineParameters(up=late))
    laid.calling.line.send(TEXT)
    laid.calling.line.drop()
    laid.run_out()
    assert laid.answering.octets == TEXT
    assert laid.answering.story == ["up", "octets", "lost"]
    assert laid.clock.seconds() > 80


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("data_bits", 6, "data_bits is 6, but a line has 7 to 8"),
        ("stop_bits", 0, "stop_bits is 0, but a line has 1 to 2"),
        ("turnaround_s", -1.0, "turnaround_s is -1.0, but a line has 0 to"),
        ("up", WayParameters(parity_errors=Trigger(0.1)), "need a parity bit"),
    ],
)
def test_an_impossible_line_is_refused(field: str, value: Any, problem: str) -> None:
    with pytest.raises(LineError, match=problem):
        replace(VirtualLineParameters(), **{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("bit_s", 0), ("jitter_s", -1.0), ("burst_bits", 0), ("break_octets", 0)],
)
def test_an_impossible_direction_is_refused(field: str, value: Any) -> None:
    with pytest.raises(LineError, match=f"{field} is .*, but a line has "):
        replace(WayParameters(), **{field: value})


ALL_FAULTS = WayParameters(
    jitter_s=0.003,
    bit_errors=Trigger(1e-3),
    bursts=Trigger(1e-4),
    parity_errors=Trigger(0.01),
    framing_errors=Trigger(0.01, count=5),
    breaks=Trigger(at=700),
    break_octets=30,
    drops=Trigger(0.01),
    duplicates=Trigger(0.01, at=100),
    insertions=Trigger(0.01),
)
WORST = VirtualLineParameters(
    bit_s=230_400,
    delay_s=0.002,
    seed=3,
    parity=Parity.ODD,
    bad_octets=BadOctets.IGNORE,
    up=ALL_FAULTS,
    down=replace(ALL_FAULTS, bit_s=115_200, drops=Trigger(0.02)),
)


class Speaker(RecordingUser):
    """Says all it has to say as soon as the line is up, and never anything else."""

    def line_up(self, line: Any) -> None:
        super().line_up(line)
        line.send(TEXT[:300])
        line.send(TEXT[300:])


async def _conversation(
    reactor: IReactorTime, parameters: VirtualLineParameters
) -> tuple[list[bytes], list[bytes], DirectionCounters, DirectionCounters]:
    calling, answering = Speaker(), Speaker()
    line = VirtualLine(reactor, parameters, calling, answering)
    await calling.is_lost()
    await answering.is_lost()
    return calling.deliveries, answering.deliveries, line.up, line.down


@pytest.mark.parametrize(
    "parameters",
    [
        WORST,
        replace(WORST, turnaround_s=0.004),
        replace(WORST, cut_after_octets=1500),
        replace(WORST, delivery_octets=1),
    ],
    ids=["both at once", "in turn", "cut", "octet by octet"],
)
def test_real_time_and_virtual_time_hear_the_same_octets(
    parameters: VirtualLineParameters,
) -> None:
    cut = replace(parameters, cut_at_s=0.5)
    clock = Clock()
    virtual = run_in_virtual_time(clock, lambda: _conversation(clock, cut))

    async def on_reactor(reactor: MonotonicReactor) -> Any:
        return await _conversation(reactor, cut)

    assert run_on_reactor(on_reactor) == virtual
    if parameters.cut_after_octets is None:
        assert virtual[2].octets_arrived == virtual[3].octets_arrived == 1024
        assert virtual[2] != virtual[3]


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=10),
    st.sampled_from([0.0, 0.01, 3.0]),
    st.sampled_from([1, 16, 100]),
)
def test_neither_calls_nor_times_nor_batches_change_what_is_heard(
    lengths: list[int], pause_s: float, delivery_octets: int
) -> None:
    octets = bytes(number % 251 for number in range(sum(lengths)))
    whole = Laid(WORST, EchoUser())
    whole.calling.line.send(octets)
    whole.run_out()
    laid = Laid(replace(WORST, delivery_octets=delivery_octets), EchoUser())
    done = 0
    for length in lengths:
        laid.calling.line.send(octets[done : done + length])
        done += length
        laid.clock.advance(pause_s)
    laid.run_out()
    assert laid.answering.octets == whole.answering.octets
    assert laid.calling.octets == whole.calling.octets
    assert (laid.line.up, laid.line.down) == (whole.line.up, whole.line.down)
