"""SPEC.md LINK-17 and LINK-7.8: arrival reports, flight, and the length of frames."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.link import BULK, Link, LinkDown, LinkParameters, LinkUp, Role
from protocol.link.flight import Flight
from protocol.link.frame_length import FrameLength
from protocol.link.framing import Stuffing, flagged
from protocol.link.parameters import FLIGHT_OCTETS_FIRST
from protocol.link.reports import ArrivalReport, decode_report, encode_report
from tests.spec.link_line import Faults, Line
from tests.spec.test_link_recovery import bulk, dialogue, some_messages

SREJ, RR = 0x0D, 0x01


def on_line(*frames: bytes) -> bytes:
    return flagged([Stuffing().encode(frame) for frame in frames])


def supervisory(line: Line, role: Role) -> list[bytes]:
    """Supervisory frames that one end sent, from the control field on."""
    return [
        frame[1:]
        for who, frame in line.frames
        if who is role and frame[1] & 0b11 == RR & 0b11
    ]


def server_in_a_link() -> Link:
    """A server that granted reports, with its set-up answered."""
    machine, server = Link(Role.MACHINE, BULK), Link(Role.SERVER, BULK)
    machine.connect(0.0)
    for _ in range(2):
        server.receive_octets(machine.octets_to_send(), 0.0)
        machine.receive_octets(server.octets_to_send(), 0.0)
    assert server.parameters.reports
    return server


def information(number: int, octets: bytes = b"\x03ab", *, poll: bool = False) -> bytes:
    return bytes([0x01, number << 1, 0 | poll]) + octets


@given(st.integers(0, 127), st.integers(0, 127), st.sets(st.integers(1, 63)))
def test_a_report_is_read_as_it_was_written(
    receive_number: int, latest: int, beyond: set[int]
) -> None:
    held = frozenset((receive_number + n) % 128 for n in beyond)
    report = ArrivalReport(latest, held)
    octets = encode_report(report, receive_number, 128)
    assert 1 <= len(octets) <= 9
    assert decode_report(octets, receive_number, 128) == report
    padded = octets.ljust(9, b"\0")
    assert decode_report(padded, receive_number, 128) == report


@pytest.mark.parametrize("octets", [b"", b"\x80", bytes(10)])
def test_a_report_of_another_form_is_none(octets: bytes) -> None:
    assert decode_report(octets, 0, 128) is None


def test_a_frame_behind_a_gap_is_reported_at_once() -> None:
    server = server_in_a_link()
    server.receive_octets(on_line(information(2), information(3)), 1.0)
    assert server.octets_to_send() == on_line(bytes([0x01, SREJ, 0, 3, 0b110]))


def test_a_repetition_that_closes_the_gap_is_acknowledged_at_once() -> None:
    server = server_in_a_link()
    server.receive_octets(on_line(information(1)), 1.0)
    server.octets_to_send()
    server.receive_octets(on_line(information(0)), 1.1)
    assert server.octets_to_send() == on_line(bytes([0x01, RR, 2 << 1]))


def test_a_message_in_one_frame_waits_for_its_answer() -> None:
    server = server_in_a_link()
    server.receive_octets(on_line(information(0)), 1.0)
    assert server.octets_to_send() == b""
    server.receive_octets(on_line(information(1)), 1.0)
    assert server.octets_to_send() == on_line(bytes([0x01, RR, 2 << 1]))


def test_a_frame_in_the_midst_of_a_message_is_acknowledged_at_once() -> None:
    server = server_in_a_link()
    server.receive_octets(on_line(information(0, b"\x01ab")), 1.0)
    assert server.octets_to_send() == on_line(bytes([0x01, RR, 1 << 1]))


def test_a_poll_is_answered_with_a_report() -> None:
    server = server_in_a_link()
    server.receive_octets(on_line(information(1, poll=True)), 1.0)
    assert server.octets_to_send() == on_line(bytes([0x01, SREJ, 1, 1, 0b1]))


@pytest.mark.parametrize("report", [b"\x80", bytes(10)])
def test_a_report_of_another_form_ends_the_link(report: bytes) -> None:
    server = server_in_a_link()
    frame = bytes([0x03, SREJ, 0]) + report
    events = server.receive_octets(on_line(frame), 1.0)
    assert [type(event) for event in events] == [LinkDown]
    # FRMR with reason 3.
    assert server.octets_to_send() == on_line(bytes([1, 0x87, SREJ, 0, 0, 1, 3]))


def test_a_report_in_a_command_ends_the_link() -> None:
    server = server_in_a_link()
    frame = bytes([0x01, SREJ, 0, 0, 1])
    events = server.receive_octets(on_line(frame), 1.0)
    assert [type(event) for event in events] == [LinkDown]


def test_a_report_that_was_not_agreed_ends_the_link() -> None:
    wide = LinkParameters(modulus=128, window=64)
    machine, server = Link(Role.MACHINE, wide), Link(Role.SERVER, BULK)
    machine.connect(0.0)
    for _ in range(2):
        server.receive_octets(machine.octets_to_send(), 0.0)
        machine.receive_octets(server.octets_to_send(), 0.0)
    assert not server.parameters.reports
    events = server.receive_octets(on_line(bytes([0x03, SREJ, 0, 0, 1])), 1.0)
    assert [type(event) for event in events] == [LinkDown]


def test_reports_need_modulo_128_and_srej() -> None:
    for wrong in ({"modulus": 8, "window": 4}, {"srej": False, "modulus": 128}):
        with pytest.raises(LocalProtocolError, match="reports"):
            LinkParameters(reports=True, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [0, 5])
def test_what_a_report_judges_lost_is_repeated_and_what_is_held_is_not(
    number: int,
) -> None:
    line = Line(machine=BULK, server=BULK)
    line.connect()
    line.run()
    link = line.machine.link
    for message in some_messages(6, 50):
        link.send_message(message, line.now)
    link.octets_to_send()
    sent = link.counters.information_sent
    assert sent == 6
    # Frames 1 and 3 came, 3 last: 0 and 2 are lost, what follows is under way.
    report = encode_report(ArrivalReport(3, frozenset({1, 3})), 0, 128)
    link.receive_octets(on_line(bytes([0x01, SREJ, 0]) + report), line.now + 0.1)
    link.octets_to_send()
    assert link.counters.retransmissions == 2
    # The same once more tells nothing new: both repetitions are under way.
    link.receive_octets(on_line(bytes([0x01, SREJ, 0]) + report), line.now + 0.1)
    link.octets_to_send()
    assert link.counters.retransmissions == 2
    # Frame 0 came again: 2 was repeated after it and is not judged, 4 and 5 are lost.
    report = encode_report(ArrivalReport(0, frozenset({3})), 2, 128)
    link.receive_octets(on_line(bytes([0x01, SREJ, 2 << 1]) + report), line.now + 0.2)
    link.octets_to_send()
    assert link.counters.retransmissions == 4


@pytest.mark.parametrize("rate", [0.0, 1e-4, 1e-3])
@pytest.mark.parametrize("both", [False, True])
def test_bulk_arrives_whole_and_in_order(rate: float, both: bool) -> None:
    for seed in range(4):
        faults = Faults(bit_error_rate=rate, seed=seed)
        line = Line(machine=BULK, server=BULK, faults=faults)
        messages = some_messages(6, 2000, seed)
        bulk(line, messages, both=both)
        assert line.server.messages == messages
        if both:
            assert line.machine.messages == messages


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0, 0.3),
    double=st.floats(0, 0.3),
    delay_s=st.sampled_from([0.0, 0.02, 0.6]),
    bits_per_s=st.sampled_from([1200, 33_600, 115_200]),
)
def test_no_loss_and_no_duplicate_changes_what_is_delivered(
    seed: int, loss: float, double: float, delay_s: float, bits_per_s: int
) -> None:
    faults = Faults(loss_rate=loss, duplicate_rate=double, seed=seed)
    line = Line(
        machine=BULK,
        server=BULK,
        faults=faults,
        delay_s=delay_s,
        bits_per_s=bits_per_s,
    )
    source = random.Random(seed)
    messages = [source.randbytes(source.randint(1, 700)) for _ in range(8)]
    bulk(line, messages, both=True)
    for end in (line.server, line.machine):
        assert end.messages == messages[: len(end.messages)]


@pytest.mark.parametrize("bits_per_s", [1200, 9600, 33_600])
def test_a_dialogue_needs_no_repetition_and_no_report_on_a_clean_line(
    bits_per_s: int,
) -> None:
    line = Line(machine=BULK, server=BULK, bits_per_s=bits_per_s)
    dialogue(line)
    for end in (line.machine, line.server):
        assert end.link.counters.retransmissions == 0
        assert end.link.counters.rejects_sent == 0
        assert end.link.counters.timeouts == 0


def test_a_server_grants_reports_and_a_machine_need_not_ask() -> None:
    line = Line(server=BULK)
    line.connect()
    line.run()
    assert LinkUp() in line.machine.events
    assert not line.server.link.parameters.reports
    assert line.server.link.parameters.modulus == 8


@given(st.lists(st.tuples(st.integers(16, 1024), st.booleans()), max_size=300))
def test_the_length_of_frames_stays_in_its_bounds(
    history: list[tuple[int, bool]],
) -> None:
    length = FrameLength(1024, 96)
    for octets, came in history:
        (length.arrived if came else length.lost)(octets)
        assert 32 <= length.octets <= 1024
        assert 0 < length.bit_error_rate < 1


@pytest.mark.parametrize(
    ("rate", "least", "most"), [(1e-3, 24, 40), (1e-4, 70, 130), (1e-5, 200, 450)]
)
def test_the_length_of_frames_follows_the_error_rate(
    rate: float, least: int, most: int
) -> None:
    source = random.Random(1)
    length = FrameLength(1024, 96)
    lengths = []
    for _ in range(4000):
        octets = length.octets
        lengths.append(octets)
        came = source.random() < (1 - rate) ** (8 * (octets + 8))
        (length.arrived if came else length.lost)(octets)
    assert least <= sorted(lengths)[len(lengths) // 2] <= most


def test_a_clean_line_brings_back_the_longest_frames() -> None:
    length = FrameLength(1024, 96)
    for _ in range(50):
        length.lost(96)
    shortest = length.octets
    for _ in range(500):
        length.arrived(length.octets)
    assert shortest == 32
    assert length.octets == 1024


def test_a_flight_measures_the_line_and_grants_twice_what_it_holds() -> None:
    flight = Flight(128, None)
    assert flight.has_room(FLIGHT_OCTETS_FIRST)
    assert flight.passes_in_s(24) is None
    now = 0.0
    for order in range(1, 40):
        flight.transmitted(order % 128, order, 500, now)
        assert flight.order_of(order % 128) == order
        now += 1.0
        assert flight.resolved(order, now, measured=True)
        assert not flight.resolved(order, now, measured=True)
    # 500 octets in a second each way of thinking: the line holds 500 and a frame.
    for order in range(40, 44):
        assert flight.has_room(500)
        flight.transmitted(order, order, 500, now)
    assert not flight.has_room(500)
    assert flight.passes_in_s(0) == 5.0
