"""Wireshark reads every frame, good or bad, as we do, by our dissector."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.lines.exchange import every_call
from hw.lines.virtual import VirtualLineParameters
from hw.seen.decoding import LineDecoder, Understood
from hw.seen.keylog import read_key_log
from hw.seen.reading import SeenFrame
from protocol.link import LinkParameters, Role
from protocol.link.frames import SUPERVISORY, FrameKind
from tests.seen import DOWN, UP, record
from tests.spec.link_line import Faults, Line
from tests.system import RUPEES_2000, new_system
from tests.wireshark import (
    Fields,
    as_number,
    as_octets,
    dissect,
    new_capture,
    run_tshark,
    write_frames,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Frames = list[tuple[CaptureDirection, bytes]]
DAMAGED: tuple[tuple[NoFrame, bytes], ...] = (
    (NoFrame.BAD_FCS, b"\x01\x3f\x00\x00"),
    (NoFrame.SHORT, b"\x55"),
    (NoFrame.ABORTED, b"\x01\x3f\x7d"),
    (NoFrame.LONG, b"\x55" * 9000),
    (NoFrame.UNFINISHED, b"\x01"),
    (NoFrame.BESIDE, b"CONNECT 33600\r\n"),
)


def session(parameters: LinkParameters | None = None) -> Frames:
    """Both ends say much over a line that loses frames; then the machine closes."""
    both = parameters or LinkParameters()
    line = Line(machine=both, server=both, faults=Faults(loss_rate=0.15, seed=8))
    line.connect()
    line.run(4)
    for message in range(12):
        line.machine.link.send_message(bytes([message]) * 300, line.now)
        line.server.link.send_message(bytes([message]) * 300, line.now)
    line.run(line.now + 60)
    line.machine.link.disconnect(line.now)
    line.run()
    return [
        (UP if role is Role.MACHINE else DOWN, octets) for role, octets in line.frames
    ]


def understood(frames: Frames) -> list[Understood]:
    decoder = LineDecoder()
    return [decoder.understand(SeenFrame(NOON, *frame)) for frame in frames]


def check(fields: Fields, one: Understood) -> None:
    """What tshark shows of a frame is what our own decoder says of it."""
    frame = one.frame
    assert frame is not None
    assert fields["fmp1.frame"] == [frame.kind.name]
    assert fields["fmp1.command"] == [str(int(frame.command))]
    assert fields["fmp1.poll_final"] == [str(int(frame.poll_final))]
    if frame.kind is FrameKind.INFORMATION:
        assert fields["fmp1.send_number"] == [str(frame.send_number)]
        assert fields["fmp1.repeated"] == [str(int(one.repeated))]
    if frame.kind is FrameKind.INFORMATION or frame.kind in SUPERVISORY:
        assert fields["fmp1.receive_number"] == [str(frame.receive_number)]
    if one.report is not None:
        assert fields["fmp1.report.latest"] == [str(one.report.latest)]
        held = {int(number) for number in fields["fmp1.report.held"][0].split()}
        assert held == one.report.held
    packets = [as_octets(octets) for octets in fields.get("fmp1.packet", [])]
    assert packets == [packet.octets for packet in one.packets]
    assert ("_ws.expert.message" in fields) == bool(
        one.wrong or one.repeated or [True for packet in one.packets if packet.wrong]
    )


@pytest.mark.parametrize(
    "parameters",
    [
        LinkParameters(),
        LinkParameters(srej=False),
        LinkParameters(modulus=128, window=20, accm=1 << 0x11),
        LinkParameters(modulus=128, window=20, reports=True),
    ],
    ids=["modulo 8", "REJ", "modulo 128", "arrival reports"],
)
def test_a_session_over_a_line_that_loses_frames_is_read_as_we_read_it(
    tmp_path: Path, parameters: LinkParameters
) -> None:
    frames = session(parameters)
    expected = understood(frames)
    found = dissect(write_frames(tmp_path / "a.pcapng", frames))
    assert len(found) == len(expected)
    for fields, one in zip(found, expected, strict=True):
        check(fields, one)
    kinds = {one.frame.kind for one in expected if one.frame}
    assert {FrameKind.UA, FrameKind.DISC, FrameKind.INFORMATION} <= kinds
    if parameters.modulus == 128:
        assert FrameKind.XID in kinds
        assert {as_number(one) for f in found for one in f.get("fmp1.modulus", [])} == {
            128
        }
    assert any(one.report for one in expected) == parameters.reports


def test_a_real_recharge_over_a_noisy_line_is_read_as_we_read_it(
    tmp_path: Path,
) -> None:
    noisy = VirtualLineParameters(bit_s=9_600, bit_error_rate=1e-3, seed=5)
    system = new_system(tmp_path / "system")
    recording = record(system, RUPEES_2000, "noisy", every_call(noisy))
    decoder = LineDecoder(read_key_log(recording.keys))
    expected = [decoder.understand(seen) for seen in recording.records]
    found = dissect(recording.capture, recording.keys)
    assert len(found) == len(expected)
    messages = []
    for fields, one in zip(found, expected, strict=True):
        if one.frame is None:
            assert "fmp1_line.event" in fields or "fmp1_line.no_frame" in fields
            continue
        bodies = [packet.body for packet in one.packets if packet.body]
        assert [
            as_octets(octets) for octets in fields.get("fmp1.message", [])
        ] == bodies
        messages += [as_number(code) for code in fields.get("fmp1.message.type", [])]
    assert messages[:4] == [0x10, 0x20, 0x11, 0x22]
    assert [fields for fields in found if "fmp1_line.no_frame" in fields]


@pytest.mark.parametrize(
    ("direction", "octets", "words"),
    [
        (UP, b"\x01", "a frame of fewer than 2 octets"),
        (UP, b"\x05\x3f", "Address and kind do not fit [LINK-4.3]"),
        (UP, b"\x03\x3f", "Address and kind do not fit [LINK-4.3]"),
        (UP, b"\x01\x13", "control field is unknown [LINK-14.2]"),
        (UP, b"\x01\x3f\x00", "information where none is allowed [LINK-14.2]"),
        (UP, b"\x01\x00", "segment octet is wrong [LINK-9]"),
        (UP, b"\x01\x00\x00\x01", "segment octet is wrong [LINK-9]"),
        (UP, b"\x01\x00\x07\x01", "segment octet is wrong [LINK-9]"),
        (UP, b"\x01\x00\x03\x77", "unknown packet type [CHAN-2.1]"),
        (UP, b"\x01\x00\x03\x01\x00", "GREETING_1 has 37 to 37 octets"),
        (UP, b"\x01\x00\x03\x05" + bytes(10), "RECORD has 11 to 1034 octets"),
        (UP, b"\x01\x00\x03\x0e", "ERROR has 1 to 1 octets"),
        (UP, b"\x01\x00\x03\x0e\x63", "unknown code [CHAN-9.2]"),
        (DOWN, b"\x01\x87\x00", "FRMR has 3 octets of information [LINK-14.2]"),
        (UP, b"\x01\xbf\x82\x80\x00\x09\x01", "XID: a group too long"),
        (UP, b"\x01\xbf\x82\x80\x00\x03\x06\x09\x00", "XID: a parameter too long"),
    ],
)
def test_a_frame_that_breaks_a_rule_is_refused_with_the_rule(
    tmp_path: Path, direction: CaptureDirection, octets: bytes, words: str
) -> None:
    (fields,) = dissect(write_frames(tmp_path / "a.pcapng", [(direction, octets)]))
    messages = fields["_ws.expert.message"]
    assert any(words in message for message in messages), messages
    assert "fmp1.message" not in fields


def test_what_was_not_seen_is_said(tmp_path: Path) -> None:
    frames = [(DOWN, b"\x03\x02\x03\x0e\x09"), (UP, b"\x03\x41")]
    found = dissect(write_frames(tmp_path / "a.pcapng", frames))
    assert "fmp1.packet" not in found[0]
    assert found[1]["_ws.expert.message"] == ["1 I frames were not seen"]
    assert found[1]["fmp1.error.code"] == ["9"]


def test_octets_that_are_no_frame_are_shown_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with new_capture(path) as writer:
        for why, octets in DAMAGED:
            writer.write_no_frame(DOWN, why, octets)
    found = dissect(path)
    for fields, (why, octets) in zip(found, DAMAGED, strict=True):
        assert as_number(fields["fmp1_line.no_frame"][0]) == why
        assert as_octets(fields["fmp1_line.octets"][0]) == octets
        assert "_ws.expert.message" in fields
    assert found[0]["frame.packet_flags_crc_error"] == ["1"]


def test_line_events_are_shown_with_their_words(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with new_capture(path) as writer:
        for event in LineEvent:
            writer.write_event(event, f"words of {event.name}")
    found = dissect(path)
    assert [as_number(one["fmp1_line.event"][0]) for one in found] == list(LineEvent)
    assert [one["fmp1_line.words"] for one in found] == [
        [f"words of {event.name}"] for event in LineEvent
    ]


def shuffled(frames: Frames, source: random.Random) -> Frames:
    return source.sample(frames, len(frames))


def flipped(frames: Frames, source: random.Random) -> Frames:
    damaged = []
    for direction, octets in frames:
        changed = bytearray(octets)
        changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
        damaged.append((direction, bytes(changed)))
    return damaged


def cut(frames: Frames, source: random.Random) -> Frames:
    return [
        (direction, octets[: source.randrange(len(octets) + 1)])
        for direction, octets in frames
    ]


def noise(frames: Frames, source: random.Random) -> Frames:
    return [
        (direction, bytes([1 + 2 * source.randrange(2)]) + source.randbytes(size))
        for size, (direction, _) in enumerate(frames)
    ]


@pytest.mark.parametrize("mutate", [shuffled, flipped, cut, noise])
def test_no_octets_trip_the_dissector(
    tmp_path: Path, mutate: Callable[[Frames, random.Random], Frames]
) -> None:
    """Reading fails on any error of Lua; our own decoder sees the same, too."""
    reports = LinkParameters(modulus=128, window=20, reports=True)
    frames = session() + session(reports)
    mutated = mutate(frames, random.Random(11))
    found = dissect(write_frames(tmp_path / "a.pcapng", mutated))
    expected = understood(mutated)
    assert len(found) == len(expected)
    for fields, one in zip(found, expected, strict=True):
        packets = [as_octets(octets) for octets in fields.get("fmp1.packet", [])]
        assert packets == [packet.octets for packet in one.packets]


def test_frames_are_found_again_by_a_filter_in_any_order(tmp_path: Path) -> None:
    """Wireshark dissects a frame again when it is chosen: two passes do the same."""
    frames = session()
    capture = write_frames(tmp_path / "a.pcapng", frames)
    dissect(capture)
    script = f"lua_script:{tmp_path / 'dissector.lua'}"
    text = run_tshark(
        tmp_path, "-X", script, "-2", "-r", str(capture), "-Y", "fmp1.repeated == 1"
    )
    repeated = [one for one in understood(frames) if one.repeated]
    assert len(text.splitlines()) == len(repeated) > 0
