"""SPEC.md LINK-15: whatever peer and line send, nothing but events comes out."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.link import (
    Link,
    LinkDown,
    LinkParameters,
    LinkUp,
    MessageReceived,
    Role,
    State,
)
from protocol.link.framing import Stuffing, fcs, flagged
from tests.spec.link_line import Line

MEMORY_OCTETS_MAX = 3 * (2 * 256 + 3 + 2)


def on_line(*frames: bytes) -> bytes:
    return flagged([Stuffing().encode(frame) for frame in frames])


def server_up() -> Link:
    link = Link(Role.SERVER)
    link.receive_octets(on_line(b"\x01\x3f"), 0.0)
    link.octets_to_send()
    return link


def recorded() -> list[bytes]:
    """What a machine sends in a session with I frames, a greeting, polls and DISC.

    The server sends no messages, so that the octets make sense to any fresh server.
    """
    line = Line()
    line.connect()
    line.run(0.2)
    for message in (b"\x7e\x7d question", bytes(600), b"last"):
        line.machine.link.send_message(message, line.now)
        line.run(line.now + 1)
    line.run(line.now + 31)
    line.machine.link.disconnect(line.now)
    line.run()
    return line.machine.sent


RECORDED = b"".join(recorded())


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("modulus", [8, 128])
def test_a_million_random_octets_lead_to_nothing_but_events(
    connected: bool, modulus: int
) -> None:
    source = random.Random(modulus + connected)
    link = Link(Role.SERVER, LinkParameters(modulus=modulus))
    if connected:
        link.receive_octets(on_line(b"\x01\x3f"), 0.0)
    for step in range(1000):
        link.receive_octets(source.randbytes(1000), step / 10)
        link.octets_to_send()
        if link.deadline is not None and link.deadline < step / 10:
            link.handle_timer(step / 10)
    link.line_lost(101.0)
    assert link.receive_octets(on_line(b"\x01\x3f"), 102.0) == [LinkUp()]


@pytest.mark.parametrize("connected", [False, True])
def test_a_hundred_thousand_random_frames_that_verify_lead_to_nothing_but_events(
    connected: bool,
) -> None:
    source = random.Random(3)
    link = server_up() if connected else Link(Role.SERVER)
    for step in range(100_000):
        body = bytes([source.choice([1, 3])]) + source.randbytes(source.randrange(1, 6))
        link.receive_octets(b"\x7e" + Stuffing().encode(body) + b"\x7e", step / 100)
        link.octets_to_send()
    assert link.counters.links > 50


def test_every_bit_flipped_in_a_session_leads_to_nothing_but_events() -> None:
    for at in range(8 * len(RECORDED)):
        damaged = bytearray(RECORDED)
        damaged[at // 8] ^= 1 << at % 8
        link = Link(Role.SERVER)
        events = link.receive_octets(bytes(damaged), 0.0)
        link.octets_to_send()
        messages = [e.octets for e in events if isinstance(e, MessageReceived)]
        assert set(messages) <= {b"\x7e\x7d question", bytes(600), b"last"}
        assert len(messages) <= 3
        # The line is good again: the next call comes through.
        assert LinkUp() in link.receive_octets(on_line(b"\x01\x3f"), 1.0)


def test_every_truncation_of_a_session_leads_to_nothing_but_events() -> None:
    for end in range(len(RECORDED)):
        link = Link(Role.SERVER)
        link.receive_octets(RECORDED[:end], 0.0)
        link.octets_to_send()
        assert LinkUp() in link.receive_octets(on_line(b"\x01\x3f"), 1.0)


def test_a_session_split_at_every_point_is_the_same_session() -> None:
    whole = Link(Role.SERVER)
    expected = whole.receive_octets(RECORDED, 0.0)
    answer = whole.octets_to_send()
    assert [type(event) for event in expected] == [
        LinkUp,
        *[MessageReceived] * 3,
        LinkDown,
    ]
    for at in range(len(RECORDED)):
        link = Link(Role.SERVER)
        events = link.receive_octets(RECORDED[:at], 0.0)
        events += link.receive_octets(RECORDED[at:], 0.0)
        assert events == expected
        assert link.octets_to_send() == answer
    one_by_one = Link(Role.SERVER)
    events = []
    for octet in RECORDED:
        events += one_by_one.receive_octets(bytes([octet]), 0.0)
    assert events == expected


def test_after_a_damaged_frame_the_next_good_frame_is_taken() -> None:
    good = on_line(b"\x01\x00\x03first")
    for at in range(len(good)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            link = server_up()
            damaged = bytearray(good)
            damaged[at] ^= flip
            link.receive_octets(bytes(damaged), 0.0)
            events = link.receive_octets(on_line(b"\x01\x11", b"\x01\x00\x03first"), 0)
            assert link.state is State.CONNECTED
            # The closing flag may be what was damaged: one flag later all is well.
            frames = [f for f in link.octets_to_send().split(b"\x7e") if f]
            assert frames
            assert events in ([], [MessageReceived(b"first")])


def test_memory_does_not_grow_with_what_a_peer_sends() -> None:
    link = server_up()
    for number in (1, 2, 3):
        link.receive_octets(on_line(bytes([1, number << 1]) + bytes(256)), 0.0)
    for _ in range(2000):
        link.receive_octets(on_line(b"\x01\x06" + bytes(256), b"\x01\x11"), 0.0)
        link.receive_octets(b"\x55" * 500, 0.0)
        link.octets_to_send()
    transfer = link._station.transfer
    assert transfer is not None
    held = sum(map(len, transfer.receiver._window._held.values()))
    assert held + len(link._deframer._partial) < MEMORY_OCTETS_MAX


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.binary(min_size=1, max_size=8).map(
                lambda body: b"\x7e\x01" + body + fcs(b"\x01" + body) + b"\x7e"
            ),
            st.just(on_line(b"\x01\x3f")),
        ),
        max_size=12,
    ),
    st.sampled_from(["message", "disconnect", "abort", "busy", "lost", "nothing"]),
)
def test_any_dialogue_with_any_peer_leads_to_nothing_but_events(
    pieces: list[bytes], action: str
) -> None:
    link = Link(Role.SERVER)
    for now, piece in enumerate(pieces):
        link.receive_octets(piece, now)
        if action == "message" and link.state is State.CONNECTED:
            link.send_message(b"answer", now)
        elif action == "disconnect":
            link.disconnect(now)
        elif action == "abort":
            link.abort(now)
        elif action == "busy":
            link.set_busy(now, busy=now % 2 == 0)
        elif action == "lost":
            link.line_lost(now)
        link.octets_to_send()
        if link.deadline is not None and link.deadline <= now:
            link.handle_timer(now)
    # Whatever happened, this end comes to rest when it is left alone.
    now_s = float(len(pieces))
    for _ in range(100):
        if link.state is State.DISCONNECTED:
            break
        link.octets_to_send()
        assert link.deadline is not None
        now_s = max(now_s, link.deadline)
        link.handle_timer(now_s)
    assert link.state is State.DISCONNECTED
