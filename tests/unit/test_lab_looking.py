"""What a case looks for in packets and on the line."""

from hw.capture import CaptureDirection
from hw.lab.looking import differs, hidden
from hw.lab.steps import parse_step
from hw.lab.trace import Trace, Traffic
from hw.seen.reading import SeenFrame
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock

STEP = parse_step("! differs first at=1 octets=2")


def trace_of(*frames: bytes) -> Trace:
    clock = SimulatedClock()
    wall = WorldClock(clock)
    trace = Trace(clock.seconds, wall)
    for octets in frames:
        seen = SeenFrame(wall.utc(), CaptureDirection.TO_MACHINE, octets)
        trace.entries.append(Traffic(0.0, seen, 1))
    return trace


def test_packets_differ_in_the_place_that_is_named() -> None:
    assert differs(STEP, b"\x01ab\x00", b"\x01ac\x00") == ""


def test_the_same_octets_again_are_found() -> None:
    assert differs(STEP, b"\x01ab\x00", b"\x02ab\x01") == "it is the same again"


def test_a_packet_that_ends_before_the_place_proves_nothing() -> None:
    assert differs(STEP, b"\x01ab", b"\x01a") == "one of the two packets is too short"


def test_a_licence_in_clear_is_found() -> None:
    trace = trace_of(b"\x01\x00", b"..N123456..")
    assert hidden(trace, "N123456") == "a frame has it in clear"
    assert hidden(trace, "N123457") == ""


def test_a_line_without_traffic_hides_nothing() -> None:
    assert hidden(trace_of(), "N123456") == "nothing has passed"
