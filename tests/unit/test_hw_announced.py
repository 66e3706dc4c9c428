"""PROXY protocol, version 2: a balancer is believed who calls, and nobody else."""

import struct

import pytest

from hw.lines.announced import (
    OCTETS_MAX,
    SIGNATURE,
    Announcement,
    AnnouncementError,
    is_among,
    read_announcement,
)
from hw.lines.port import LineUser
from hw.lines.tcp import TcpDialler, TcpListener, TcpParameters
from hw.reactor import MonotonicReactor
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import run_on_reactor

FROM_TCP4 = bytes.fromhex(
    "0d0a0d0a000d0a515549540a 21 11 000c c0000207 c0000201 d903 1bd0"
)
"""192.0.2.7, port 55555, calls 192.0.2.1, port 7120."""
FROM_TCP6 = bytes.fromhex(
    "0d0a0d0a000d0a515549540a 21 21 0024"
    "20010db8000000000000000000000007 20010db8000000000000000000000001 d903 1bd0"
)
LOOKING = bytes.fromhex("0d0a0d0a000d0a515549540a 20 00 0000")


def with_length(octets: int) -> bytes:
    return SIGNATURE + b"\x21\x11" + struct.pack(">H", octets)


def test_a_caller_is_told_with_address_and_port() -> None:
    told = Announcement(28, is_call=True, host="192.0.2.7", port=55_555)
    assert read_announcement(FROM_TCP4) == told
    assert read_announcement(FROM_TCP4 + b"~") == told
    told = Announcement(52, is_call=True, host="2001:db8::7", port=55_555)
    assert read_announcement(FROM_TCP6) == told


def test_what_stands_behind_the_addresses_is_passed_over() -> None:
    more = bytes.fromhex("030004deadbeef")
    octets = with_length(12 + len(more)) + FROM_TCP4[16:] + more
    found = read_announcement(octets)
    assert found == Announcement(35, is_call=True, host="192.0.2.7", port=55_555)


def test_a_health_check_is_no_call() -> None:
    assert read_announcement(LOOKING) == Announcement(16, is_call=False)


def test_a_caller_whose_address_is_not_told_calls_all_the_same() -> None:
    unknown = SIGNATURE + b"\x21\x00\x00\x00"
    assert read_announcement(unknown) == Announcement(16, is_call=True)


@pytest.mark.parametrize("whole", [FROM_TCP4, FROM_TCP6, LOOKING])
def test_a_header_may_come_in_pieces(whole: bytes) -> None:
    for length in range(len(whole)):
        assert read_announcement(whole[:length]) is None


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"~", "begins without a PROXY header"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 55555 7120\r\n", "begins without"),
        (SIGNATURE + b"\x11\x11\x00\x0c", "no PROXY header of version 2: 0x11"),
        (SIGNATURE + b"\x22\x11\x00\x0c", "no PROXY header of version 2: 0x22"),
        (with_length(OCTETS_MAX - 15), "a PROXY header of 537 octets"),
        (with_length(11) + bytes(11), "with 11 octets of addresses"),
    ],
)
def test_anything_else_is_refused_at_once(octets: bytes, words: str) -> None:
    with pytest.raises(AnnouncementError, match=words):
        read_announcement(octets)


def test_balancers_are_named_by_address_or_network() -> None:
    named = ("10.0.0.5/32", "10.0.1.0/24", "2001:db8::/64")
    assert is_among("10.0.0.5", named)
    assert is_among("10.0.1.77", named)
    assert is_among("2001:db8::9", named)
    assert not is_among("10.0.0.6", named)
    assert not is_among("2001:db8:1::9", named)


def heard(
    balancers: tuple[str, ...],
    first: bytes,
    last: bytes = b"end",
    timeout_s: float = 60.0,
) -> tuple[list[str], bytes]:
    """Call a listener and begin with some octets; who called, and what came back."""
    callers: list[str] = []

    def answer(caller: str) -> LineUser:
        callers.append(caller)
        return EchoUser()

    async def scenario(reactor: MonotonicReactor) -> bytes:
        parameters = TcpParameters(announce_timeout_s=timeout_s)
        listener = TcpListener(reactor, "127.0.0.1", 0, parameters, balancers=balancers)
        listener.listen(answer)
        calling = RecordingUser()
        port = int(listener.address.rpartition(":")[2])
        TcpDialler(reactor, "127.0.0.1", port).dial(calling)
        await calling.is_up()
        for octet in first:
            calling.line.send(bytes([octet]))
        calling.line.send(last)
        if balancers and not first.startswith(FROM_TCP4):
            await calling.is_lost()
        else:
            await calling.has(1)
            while not calling.octets.endswith(last):
                await calling.has(len(calling.octets) + 1)
        listener.close()
        return bytes(calling.octets)

    return callers, run_on_reactor(scenario)


def test_a_line_bears_the_name_of_the_caller_that_was_announced() -> None:
    callers, octets = heard(("127.0.0.1",), FROM_TCP4 + b"begin ")
    assert callers == ["tcp:192.0.2.7:55555"]
    assert octets == b"begin end"


def test_nobody_else_can_say_who_calls() -> None:
    callers, octets = heard((), FROM_TCP4)
    assert callers[0].startswith("tcp:127.0.0.1:")
    assert octets == FROM_TCP4 + b"end"


def test_a_balancer_that_only_looks_is_not_answered() -> None:
    assert heard(("127.0.0.1",), LOOKING) == ([], b"")


def test_a_balancer_that_does_not_say_who_calls_is_hung_up_on() -> None:
    assert heard(("127.0.0.1",), b"~") == ([], b"")


def test_nor_may_it_take_for_ever() -> None:
    assert heard(("127.0.0.1",), SIGNATURE[:3], b"", 0.01) == ([], b"")
