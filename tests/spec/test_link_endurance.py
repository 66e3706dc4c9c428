"""SPEC.md LINK-17: links with arrival reports go on or end, whatever the line does."""

import pytest

from protocol.link import (
    BULK,
    Link,
    LinkEvent,
    LinkUp,
    MessageReceived,
    Role,
    State,
)
from protocol.link.flight import Flight
from protocol.link.frame_length import FrameLength
from protocol.link.reports import ArrivalReport, encode_report
from tests.spec.link_line import End, Faults, Line
from tests.spec.test_link_recovery import bulk, some_messages
from tests.spec.test_link_reports import (
    RR,
    SREJ,
    information,
    on_line,
    server_in_a_link,
)

RNR = 0x05


def machine_that_sent(count: int, octets: int = 50) -> Link:
    """A machine in a link, at 0 s, with frames under way."""
    machine, server = Link(Role.MACHINE, BULK), Link(Role.SERVER, BULK)
    machine.connect(-1.0)
    for _ in range(2):
        server.receive_octets(machine.octets_to_send(), -0.9)
        machine.receive_octets(server.octets_to_send(), -0.9)
    for message in some_messages(count, octets):
        machine.send_message(message, 0.0)
    machine.octets_to_send()
    assert machine.counters.information_sent == count
    return machine


def test_a_clock_that_stands_still_harms_nothing() -> None:
    machine = machine_that_sent(6)
    for number in range(1, 7):
        machine.receive_octets(on_line(bytes([0x01, RR, number << 1])), 0.0)
        machine.octets_to_send()
    assert machine.deadline is not None
    flight = Flight(128, None)
    flight.transmitted(0, 1, 50, 1.0)
    flight.resolved(1, 1.0, measured=True)
    assert flight.passes_in_s(24) is None


def test_a_line_that_never_errs_keeps_a_rate_above_none() -> None:
    length = FrameLength(1024, 96)
    for _ in range(100_000):
        length.arrived(1024)
    assert length.octets == 1024
    length.lost(1024)
    assert 32 <= length.octets <= 1024


def test_a_frame_that_was_sent_twice_measures_nothing() -> None:
    flight = Flight(128, 1.2)
    flight.transmitted(0, 1, 100, 0.0)
    flight.transmitted(0, 2, 100, 5.0)
    assert flight.resolved(2, 5.01, measured=False)
    assert not flight.is_measured
    assert flight.passes_in_s(0) == 1.2


def test_a_speed_measured_over_a_time_out_does_not_make_the_next_one_endless() -> None:
    flight = Flight(128, 1.2)
    flight.transmitted(0, 1, 100, 0.0)
    assert flight.resolved(1, 800.0, measured=True)
    flight.transmitted(1, 2, 600, 800.0)
    passes_in_s = flight.passes_in_s(1000)
    assert passes_in_s is not None
    assert passes_in_s < 60


@pytest.mark.parametrize("seed", range(40))
def test_a_link_over_a_satellite_that_loses_much_goes_on_or_ends(seed: int) -> None:
    faults = Faults(bit_error_rate=1e-3, loss_rate=0.3, seed=seed)
    line = Line(
        machine=BULK, server=BULK, faults=faults, delay_s=0.6, bits_per_s=115_200
    )
    bulk(line, some_messages(2, 1500, seed), both=True)
    assert line.now < 900
    assert {line.machine.link.state, line.server.link.state} == {State.DISCONNECTED}


def test_a_peer_that_is_busy_again_and_again_has_nothing_sent_twice() -> None:
    machine = machine_that_sent(6)
    for place in range(200):
        now = 0.001 * (1 + place)
        busy = bytes([0x01, RNR, 0])
        machine.receive_octets(on_line(busy, bytes([0x01, RR, 0])), now)
        machine.octets_to_send()
    assert machine.counters.retransmissions == 0
    assert machine.counters.polls_sent <= 2
    # The answer to the poll says that 2 and later ones were dropped.
    machine.receive_octets(on_line(bytes([0x01, RR, 2 << 1 | 1])), 0.5)
    machine.octets_to_send()
    assert machine.counters.retransmissions == 4


def test_an_end_that_was_busy_gets_all() -> None:
    line = Line(machine=BULK, server=BULK)
    messages = some_messages(10, 1000)
    for at in range(4):
        line.call_later(
            0.3 + at, lambda: line.server.link.set_busy(line.now, busy=True)
        )
        line.call_later(
            0.7 + at, lambda: line.server.link.set_busy(line.now, busy=False)
        )
    bulk(line, messages, both=False)
    assert line.server.messages == messages
    assert line.server.link.counters.duplicates == 0


def test_what_the_peer_waits_for_is_repeated_even_if_it_said_to_hold_it() -> None:
    machine = machine_that_sent(2)
    report = encode_report(ArrivalReport(1, frozenset({1})), 0, 128)
    machine.receive_octets(on_line(bytes([0x01, SREJ, 0]) + report), 0.1)
    machine.octets_to_send()
    before = machine.counters.retransmissions
    machine.receive_octets(on_line(bytes([0x01, RR, 1 << 1])), 0.2)
    machine.octets_to_send()
    assert machine.deadline is not None
    machine.handle_timer(machine.deadline + 0.001)
    machine.octets_to_send()
    assert machine.counters.retransmissions == before + 1


def test_what_closed_a_gap_is_acknowledged_before_disc() -> None:
    server = server_in_a_link()
    server.receive_octets(on_line(information(1)), 1.0)
    server.octets_to_send()
    server.send_message(b"x", 1.0)
    server.octets_to_send()
    server.disconnect(1.0)
    server.octets_to_send()
    # It brings what is missing, and acknowledges the last that the server sent.
    last = bytes([0x01, 0, 1 << 1]) + b"\x03ab"
    server.receive_octets(on_line(last), 1.1)
    assert server.octets_to_send() == on_line(
        bytes([0x01, RR, 2 << 1]), bytes([0x03, 0x43])
    )


def test_a_message_lost_while_the_peer_sends_is_repeated_within_seconds() -> None:
    line = Line(machine=BULK, server=BULK)
    came: list[float] = []

    def lose_one() -> None:
        line.machine.link.send_message(b"hello", line.now)
        line.machine.link.octets_to_send()

    def on_event(end: End, event: LinkEvent) -> None:
        if isinstance(event, LinkUp) and end is line.server:
            for message in some_messages(60, 4000):
                end.link.send_message(message, line.now)
            line.call_later(5.0, lose_one)
        if isinstance(event, MessageReceived) and end is line.server:
            came.append(line.now)

    line.on_event = on_event
    line.connect()
    line.run(until_s=60.0)
    assert len(came) == 1
    assert came[0] < 30


@pytest.mark.parametrize("stall_s", [3.0, 8.0, 16.0])
def test_a_modem_that_trains_again_does_not_end_the_link(stall_s: float) -> None:
    line = Line(machine=BULK, server=BULK)

    def stall() -> None:
        for end in (line.machine, line.server):
            end.line_free_at = max(line.now, end.line_free_at) + stall_s

    line.call_later(0.5, stall)
    messages = some_messages(4, 2000)
    bulk(line, messages, both=False)
    assert line.server.messages == messages


@pytest.mark.parametrize("bits_per_s", [300, 1200, 9600, 115_200])
@pytest.mark.parametrize("delay_s", [0.0, 0.6])
def test_bulk_both_ways_on_a_clean_line_is_hardly_repeated(
    bits_per_s: int, delay_s: float
) -> None:
    line = Line(machine=BULK, server=BULK, bits_per_s=bits_per_s, delay_s=delay_s)
    messages = some_messages(6, 2000)
    bulk(line, messages, both=True)
    assert line.server.messages == line.machine.messages == messages
    for end in (line.machine, line.server):
        assert end.link.counters.retransmissions <= 2


@pytest.mark.parametrize("polls", [1, 4])
def test_late_answers_to_a_repeated_poll_repeat_nothing_that_followed(
    polls: int,
) -> None:
    machine = machine_that_sent(1)
    while machine.counters.timeouts < polls:
        assert machine.deadline is not None
        machine.handle_timer(machine.deadline + 0.001)
        machine.octets_to_send()
    assert machine.counters.retransmissions == polls
    now = 100.0
    # The line was silent; now all of it comes at once, and more is sent meanwhile.
    for _ in range(polls + 1):
        machine.send_message(b"more", now)
        machine.octets_to_send()
        answer = bytes([0x01, RR, 1 << 1 | 1])
        machine.receive_octets(on_line(answer), now)
        machine.octets_to_send()
        now += 0.001
    assert machine.counters.retransmissions == polls
