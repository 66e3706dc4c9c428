"""SPEC.md LINK-7, LINK-8 and LINK-11 on paced lines in virtual time."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.link import (
    DEFAULT,
    Link,
    LinkDown,
    LinkEvent,
    LinkParameters,
    LinkUp,
    MessageReceived,
    Role,
    State,
)
from protocol.link.framing import Stuffing, flagged
from protocol.link.timing import RoundTrips
from tests.spec.link_line import End, Faults, Line

DIALOGUE_OCTETS = [38, 46, 198, 134, 120, 38, 24]
"""The link messages of a recharge, machine first, in turns."""

SPEEDS = [1200, 2400, 9600, 33_600]


def some_messages(count: int, octets: int, seed: int = 1) -> list[bytes]:
    source = random.Random(seed)
    return [source.randbytes(octets) for _ in range(count)]


def dialogue(line: Line, turnaround_s: float = 0.0) -> None:
    """Run a recharge: each message is the answer to the one before."""
    source = random.Random(7)
    waiting = [source.randbytes(octets) for octets in DIALOGUE_OCTETS]

    def send(end: End) -> None:
        if waiting:
            end.link.send_message(waiting.pop(0), line.now)
            if not waiting:
                end.link.disconnect(line.now)

    def on_event(end: End, event: LinkEvent) -> None:
        is_machine_up = isinstance(event, LinkUp) and end is line.machine
        if is_machine_up or isinstance(event, MessageReceived):
            line.call_later(turnaround_s, lambda: send(end))

    line.on_event = on_event
    line.connect()
    line.run()


def bulk(line: Line, messages: list[bytes], *, both: bool) -> None:
    """Send much at once, then close from the machine when all has arrived."""
    ends = [line.machine, line.server] if both else [line.machine]

    def on_event(end: End, event: LinkEvent) -> None:
        is_up = isinstance(event, LinkUp) and end.link.state is State.CONNECTED
        if is_up and end in ends:
            for message in messages:
                end.link.send_message(message, line.now)
        if len(line.server.messages) == len(messages) and (
            not both or len(line.machine.messages) == len(messages)
        ):
            # By then the last acknowledgement has come without being asked for.
            line.call_later(1.0, lambda: line.machine.link.disconnect(line.now))

    line.on_event = on_event
    line.connect()
    line.run()


def lines_octets(line: Line) -> int:
    return sum(map(len, line.machine.sent + line.server.sent))


def supervisory(line: Line) -> list[str]:
    return [frame.hex() for _, frame in line.frames if frame[1] & 3 == 1]


@pytest.mark.parametrize("bits_per_s", SPEEDS)
def test_a_recharge_costs_eight_octets_a_frame_and_one_rr(bits_per_s: int) -> None:
    line = Line(bits_per_s=bits_per_s)
    dialogue(line)
    stuffing_allowed = 8
    assert sum(DIALOGUE_OCTETS) == 598
    assert lines_octets(line) <= 598 + 7 * 7 + 4 * 6 + 6 + stuffing_allowed
    # The one that lets the machine close: all other answers carry the acknowledgement.
    assert supervisory(line) == ["0191"]
    assert line.now < lines_octets(line) * line.octet_s + 6 * 2 * line.delay_s + 0.01


@pytest.mark.parametrize("bits_per_s", SPEEDS)
@pytest.mark.parametrize("turnaround_s", [0.0, 0.1, 0.4])
def test_answers_within_t2_need_no_rr_no_poll_and_no_repetition(
    bits_per_s: int, turnaround_s: float
) -> None:
    line = Line(bits_per_s=bits_per_s)
    dialogue(line, turnaround_s)
    assert supervisory(line) == ["0191"]
    for end in (line.machine, line.server):
        assert end.link.counters.retransmissions == 0
        assert end.link.counters.polls_sent == 0
        assert end.link.counters.timeouts == 0


@pytest.mark.parametrize("bits_per_s", [300, *SPEEDS, 115_200])
@pytest.mark.parametrize("both", [False, True])
def test_full_frames_on_an_undisturbed_line_are_never_repeated_or_polled(
    bits_per_s: int, both: bool
) -> None:
    line = Line(bits_per_s=bits_per_s)
    messages = some_messages(6, 1020)
    bulk(line, messages, both=both)
    assert line.server.messages == messages
    assert line.machine.messages == (messages if both else [])
    for end in (line.machine, line.server):
        assert end.link.counters.retransmissions == 0
        assert end.link.counters.polls_sent == 0
        assert end.link.counters.timeouts == 0
        assert end.link.counters.framing.damaged == 0


@pytest.mark.parametrize("bits_per_s", SPEEDS)
def test_one_full_frame_each_way_is_never_repeated_or_polled(bits_per_s: int) -> None:
    line = Line(bits_per_s=bits_per_s)
    messages = some_messages(1, 255)
    bulk(line, messages, both=True)
    counters = [line.machine.link.counters, line.server.link.counters]
    assert [c.timeouts + c.retransmissions + c.polls_sent for c in counters] == [0, 0]


def test_an_answer_later_than_t2_costs_one_rr() -> None:
    line = Line()
    dialogue(line, turnaround_s=0.7)
    # One for each of the six answers, one that greets, one that lets it close.
    assert len(supervisory(line)) == 8
    assert line.machine.link.counters.timeouts == 0


@pytest.mark.parametrize("bit_error_rate", [1e-5, 1e-4, 3e-4])
@pytest.mark.parametrize("seed", range(6))
def test_on_a_noisy_line_every_message_arrives_once_and_in_order(
    bit_error_rate: float, seed: int
) -> None:
    line = Line(faults=Faults(bit_error_rate=bit_error_rate, seed=seed))
    messages = some_messages(30, 120, seed) + some_messages(3, 1500, seed)
    bulk(line, messages, both=True)
    assert line.server.messages == line.machine.messages == messages
    downs = [event for event in line.machine.events if isinstance(event, LinkDown)]
    assert len(downs) == 1


@pytest.mark.parametrize(
    "parameters",
    [
        DEFAULT,
        LinkParameters(window=7, srej=False),
        LinkParameters(modulus=128, window=64, frame_octets_max=64),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_whole_frames_lost_and_doubled_change_nothing_for_the_layer_above(
    parameters: LinkParameters, seed: int
) -> None:
    faults = Faults(loss_rate=0.1, duplicate_rate=0.1, seed=seed)
    line = Line(machine=parameters, server=parameters, faults=faults)
    messages = some_messages(40, 150, seed)
    bulk(line, messages, both=True)
    assert line.server.messages == line.machine.messages == messages
    assert line.machine.link.counters.retransmissions > 0


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.05, 0.2]),
    st.sampled_from([0.0, 0.1, 0.3]),
    st.sampled_from([0.0, 1e-4, 5e-4]),
    st.booleans(),
)
def test_what_is_delivered_is_always_a_beginning_of_what_was_sent(
    seed: int, loss_rate: float, duplicate_rate: float, ber: float, srej: bool
) -> None:
    parameters = LinkParameters(srej=srej)
    line = Line(
        machine=parameters,
        server=parameters,
        faults=Faults(ber, loss_rate, duplicate_rate, seed),
    )
    messages = some_messages(12, 60, seed)
    bulk(line, messages, both=False)
    assert line.server.messages == messages[: len(line.server.messages)]
    if not any(isinstance(event, LinkDown) for event in line.server.events):
        assert line.machine.events == []


def on_line(*hexes: str) -> bytes:
    return flagged([Stuffing().encode(bytes.fromhex(frame)) for frame in hexes])


def machine_up() -> Link:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    link.octets_to_send()
    assert link.receive_octets(on_line("0173"), 0.1) == [LinkUp()]
    return link


def sent(link: Link) -> list[str]:
    octets = link.octets_to_send()
    return [frame[:2].hex() for frame in octets.split(b"\x7e") if frame]


def test_srej_repeats_one_frame_and_a_poll_follows_it() -> None:
    link = machine_up()
    for _ in range(3):
        link.send_message(b"x", 0.2)
    assert sent(link) == ["0100", "0102", "0104"]
    link.receive_octets(on_line("010d"), 0.3)
    assert sent(link) == ["0100", "0111"]
    # The answer was under way when the frame was repeated: nothing more is repeated.
    link.receive_octets(on_line("0171"), 0.4)
    assert sent(link) == []
    assert link.deadline == pytest.approx(30.4)


def test_rej_repeats_everything_from_a_frame_on() -> None:
    link = machine_up()
    for _ in range(3):
        link.send_message(b"x", 0.2)
    sent(link)
    link.receive_octets(on_line("0129"), 0.3)
    assert sent(link) == ["0102", "0104", "0111"]


def test_t1_repeats_the_oldest_frame_and_polls() -> None:
    link = machine_up()
    for _ in range(2):
        link.send_message(b"x", 0.2)
    sent(link)
    assert link.deadline is not None
    assert link.handle_timer(link.deadline) == []
    assert sent(link) == ["0100", "0111"]
    # The answer shows that the second frame, sent before the poll, is lost as well.
    link.receive_octets(on_line("0131"), 9.0)
    assert sent(link) == ["0102", "0111"]


def test_a_busy_peer_is_polled_and_given_nothing_until_it_is_ready() -> None:
    link = machine_up()
    link.send_message(b"a", 0.2)
    sent(link)
    link.receive_octets(on_line("0105"), 0.3)
    link.send_message(b"b", 0.3)
    assert sent(link) == []
    now = 0.3
    for _ in range(20):
        assert link.deadline is not None
        now = link.deadline
        assert link.handle_timer(now) == []
        assert sent(link) == ["0111"]
        link.receive_octets(on_line("0115"), now + 0.1)
        assert sent(link) == []
    link.receive_octets(on_line("0101"), now + 0.2)
    assert sent(link) == ["0100", "0102", "0111"]


def test_an_end_that_is_busy_says_so_and_takes_nothing() -> None:
    link = Link(Role.SERVER)
    link.receive_octets(on_line("013f"), 0.0)
    link.set_busy(0.0, busy=True)
    assert sent(link) == ["0173", "0105"]
    assert link.receive_octets(on_line("01000368"), 0.1) == []
    assert sent(link) == ["0105"]
    link.set_busy(0.2, busy=False)
    assert sent(link) == ["0101"]
    assert link.receive_octets(on_line("01000368"), 0.3) == [MessageReceived(b"h")]


def test_an_answer_to_a_poll_names_everything_that_is_missing() -> None:
    link = Link(Role.SERVER)
    link.receive_octets(on_line("013f"), 0.0)
    link.receive_octets(on_line("01020368", "01060368"), 0.1)
    assert sent(link) == ["0173", "010d", "014d"]
    link.receive_octets(on_line("0111"), 0.2)
    assert sent(link) == ["014d", "011d"]


def test_a_frame_that_never_comes_through_ends_the_link_though_polls_are_answered() -> (
    None
):
    link = machine_up()
    link.send_message(b"\x13", 0.2)
    sent(link)
    events: list[LinkEvent] = []
    now = 0.3
    while not events and now < 1000:
        events = link.receive_octets(on_line("0111"), now)
        sent(link)
        if not events and link.deadline is not None:
            now = link.deadline
            events = link.handle_timer(now)
            sent(link)
    assert [type(event) for event in events] == [LinkDown]
    assert link.counters.retransmissions <= 32


@given(
    st.floats(1e-4, 10 / 300),
    st.floats(0.0, 2.9),
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.floats(0.0, 1.0),
)
def test_one_measured_round_trip_bounds_every_other(
    octet_s: float, delay_s: float, measured: int, needed: int, waited_s: float
) -> None:
    round_trips = RoundTrips(3.0)
    round_trips.add(measured, delay_s + measured * octet_s + waited_s)
    assert round_trips.timeout_s(needed, 0.0) >= delay_s + needed * octet_s


def test_a_round_trip_with_a_lost_acknowledgement_does_not_make_t1_endless() -> None:
    round_trips = RoundTrips(3.0)
    round_trips.add(50, 60.0)
    assert round_trips.timeout_s(300, 0.0) <= 3.0 + 300 * 10 / 300


def test_a_frame_that_was_repeated_is_not_measured() -> None:
    link = machine_up()
    link.send_message(b"x", 0.2)
    link.octets_to_send()
    first = link.deadline
    assert first is not None
    link.handle_timer(first)
    link.octets_to_send()
    link.receive_octets(on_line("0131"), first + 0.001)
    assert len(link._station.round_trips._measured) == 1
