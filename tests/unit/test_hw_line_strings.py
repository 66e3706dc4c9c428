"""A line string names a line, and a wrong one is told what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.lines.build import build_dialler, build_listener
from hw.lines.port import LineError
from hw.lines.relay import PacedDialler, PacedListener
from hw.lines.strings import (
    LineStringError,
    TcpAddress,
    VirtualAddress,
    parse_line_string,
)
from hw.lines.tcp import TcpDialler, TcpListener
from hw.lines.virtual import VirtualLineParameters
from hw.reactor import MonotonicReactor
from tests.reactor import run_on_reactor

LOCAL = TcpAddress("127.0.0.1", 7001)


def test_a_tcp_line_is_a_host_and_a_port() -> None:
    assert parse_line_string("tcp:127.0.0.1:7001") == LOCAL
    assert parse_line_string("tcp:rmfs.example:0") == TcpAddress("rmfs.example", 0)


def test_a_virtual_line_has_settings_and_goes_somewhere() -> None:
    text = (
        "virtual:speed=2400:delay=0.02:ber=1e-5:seed=1:"
        "cut_up=10:cut_down=300:cut=500:cut_at=9.5:tcp:127.0.0.1:7001"
    )
    expected = VirtualLineParameters(
        bit_s=2400,
        delay_s=0.02,
        bit_error_rate=1e-5,
        seed=1,
        cut_after_octets_up=10,
        cut_after_octets_down=300,
        cut_after_octets=500,
        cut_at_s=9.5,
    )
    assert parse_line_string(text) == VirtualAddress(expected, LOCAL)


def test_a_virtual_line_may_go_through_another() -> None:
    inner = VirtualAddress(VirtualLineParameters(bit_s=300), LOCAL)
    outer = VirtualAddress(VirtualLineParameters(), inner)
    assert parse_line_string("virtual:virtual:speed=300:tcp:127.0.0.1:7001") == outer


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no kind of line called ''"),
        ("telnet:1:2", "there is no kind of line called 'telnet'"),
        ("tcp", "one host and one port"),
        ("tcp:7001", "one host and one port"),
        ("tcp:::1:7001", "one host and one port"),
        ("tcp:host:http", "'http' is no port"),
        ("tcp:host:65536", "'65536' is no port"),
        ("tcp:host:-1", "'-1' is no port"),
        ("tcp:host:²", "'²' is no port"),
        ("virtual", "does not say where the line goes"),
        ("virtual:speed=300", "does not say where the line goes"),
        ("virtual:baud=300:tcp:h:1", "a line has no 'baud', only speed, delay, ber"),
        ("virtual:speed=fast:tcp:h:1", "speed=fast is no number"),
        ("virtual:speed=9600.5:tcp:h:1", "speed=9600.5 is no number"),
        ("virtual:speed=1:speed=2:tcp:h:1", "speed is set twice"),
        ("virtual:speed=0:tcp:h:1", "bit_s is 0, but a line has 1 to"),
        ("virtual:delay=nan:tcp:h:1", "delay_s is nan, but a line has 0 to"),
        ("virtual:speed=300:udp:h:1", "there is no kind of line called 'udp'"),
    ],
)
def test_a_wrong_string_says_what_is_wrong_and_shows_the_right_form(
    text: str, problem: str
) -> None:
    with pytest.raises(LineStringError) as caught:
        parse_line_string(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r} names no line: ")
    assert problem in message
    assert "write tcp:HOST:PORT or virtual:speed=9600" in message


@given(
    st.builds(
        VirtualLineParameters,
        bit_s=st.integers(1, 10**6),
        delay_s=st.floats(0, 10),
        bit_error_rate=st.floats(0, 0.5),
        seed=st.integers(0, 2**64 - 1),
        cut_after_octets_down=st.none() | st.integers(0, 10**6),
        cut_at_s=st.none() | st.floats(0, 1000),
    )
)
def test_what_an_address_shows_can_be_read_again(
    parameters: VirtualLineParameters,
) -> None:
    address = VirtualAddress(parameters, LOCAL)
    assert parse_line_string(str(address)) == address


def test_any_text_gives_an_address_or_a_line_error() -> None:
    @given(st.text() | st.from_regex(r"(virtual|tcp)(:[a-z_=0-9.]*)*"))
    def read(text: str) -> None:
        try:
            parse_line_string(text)
        except LineError:
            return

    read()


def test_the_line_is_built_from_its_address() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        plain = parse_line_string("tcp:127.0.0.1:0")
        assert isinstance(build_dialler(reactor, plain), TcpDialler)
        assert isinstance(build_listener(reactor, plain), TcpListener)
        virtual = parse_line_string("virtual:speed=300:tcp:127.0.0.1:7001")
        assert isinstance(build_dialler(reactor, virtual), PacedDialler)
        listener = build_listener(reactor, virtual)
        assert isinstance(listener, PacedListener)
        assert listener.address == "tcp:127.0.0.1:7001"

    run_on_reactor(scenario)
