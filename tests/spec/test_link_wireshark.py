"""Wireshark's LAPB dissector reads our frames as we do (LINK-4, LINK-6)."""

import struct
from pathlib import Path

from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, decode_frame
from tests.spec.link_line import Faults, Line
from tests.wireshark import run_tshark

LINKTYPE_USER0 = 147
USER_DLT = 'uat:user_dlts:"User 0 (DLT=147)","lapb","0","","0",""'
FIELDS = [
    "lapb.address",
    "lapb.control.ftype",
    "lapb.control.s_ftype",
    "lapb.control.u_modifier_cmd",
    "lapb.control.u_modifier_resp",
    "lapb.control.n_s",
    "lapb.control.n_r",
    "lapb.control.p",
    "lapb.control.f",
]


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def pcapng(frames: list[tuple[Role, bytes]]) -> bytes:
    """Write frames with epb_flags: outbound is from the machine."""
    octets = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    octets += block(1, struct.pack("<HHI", LINKTYPE_USER0, 0, 0))
    for number, (sender, frame) in enumerate(frames):
        head = struct.pack("<IIIII", 0, 0, number, len(frame), len(frame))
        flags = 2 if sender is Role.MACHINE else 1
        padded = frame + bytes(-len(frame) % 4)
        options = struct.pack("<HHIHH", 2, 4, flags, 0, 0)
        octets += block(6, head + padded + options)
    return octets


def pcap(frames: list[tuple[Role, bytes]]) -> bytes:
    octets = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, LINKTYPE_USER0)
    for number, (_, frame) in enumerate(frames):
        octets += struct.pack("<IIII", 0, number, len(frame), len(frame)) + frame
    return octets


def dissect(capture: Path) -> list[list[str]]:
    arguments = ["-r", str(capture), "-o", USER_DLT, "-T", "fields"]
    for field in FIELDS:
        arguments += ["-e", field]
    said = run_tshark(capture.parent, *arguments)
    rows = [line.split("\t") for line in said.splitlines()]
    # P and F that are 0 are shown in I frames and left out in others.
    return [[*row[:7], *(bit.replace("0", "") for bit in row[7:])] for row in rows]


def session() -> list[tuple[Role, bytes]]:
    """A session in which every kind of frame of modulo 8 but FRMR and XID occurs."""
    line = Line(faults=Faults(loss_rate=0.15, seed=8))
    line.connect()
    line.run(4)
    for message in range(20):
        line.machine.link.send_message(bytes([message]) * 300, line.now)
        line.server.link.send_message(bytes([message]) * 300, line.now)
    line.run(line.now + 60)
    line.server.link.set_busy(line.now, busy=True)
    line.run(line.now + 1)
    line.server.link.set_busy(line.now, busy=False)
    line.machine.link.disconnect(line.now)
    line.run()
    return line.frames


def as_lapb_reads(sender: Role, octets: bytes) -> list[str]:
    """What the dissector's columns are to be for a frame, by our own reading."""
    frame = decode_frame(octets, sender.peer, 8)
    assert isinstance(frame, Frame)
    poll_final = "1" if frame.poll_final else ""
    poll, final = (poll_final, "") if frame.command else ("", poll_final)
    ftype = {0: "0x00", 2: "0x00", 1: "0x01", 3: "0x03"}[octets[1] & 3]
    modifier = f"0x{(frame.kind.value & 0xEC) >> 2:02x}"
    is_information = frame.kind is FrameKind.INFORMATION
    is_unnumbered = octets[1] & 3 == 3
    is_supervisory = octets[1] & 3 == 1
    return [
        f"0x{octets[0]:02x}",
        ftype,
        f"0x{(frame.kind.value & 0x0C) >> 2:02x}" if is_supervisory else "",
        modifier if is_unnumbered and frame.command else "",
        modifier if is_unnumbered and not frame.command else "",
        str(frame.send_number) if is_information else "",
        "" if is_unnumbered else str(frame.receive_number),
        poll,
        final,
    ]


def test_wireshark_reads_types_numbers_and_directions_as_we_do(tmp_path: Path) -> None:
    frames = session()
    capture = tmp_path / "link.pcapng"
    capture.write_bytes(pcapng(frames))
    rows = dissect(capture)
    assert rows == [as_lapb_reads(*frame) for frame in frames]
    kinds = {octets[1] & 0xEF if octets[1] & 3 == 3 else 0 for _, octets in frames}
    assert {FrameKind.SABM.value, FrameKind.UA.value, FrameKind.DISC.value} < kinds


def test_a_classic_capture_has_no_direction_but_the_same_numbers(
    tmp_path: Path,
) -> None:
    frames = session()
    capture = tmp_path / "link.pcap"
    capture.write_bytes(pcap(frames))
    numbers = [row[5:7] for row in dissect(capture)]
    assert numbers == [as_lapb_reads(*frame)[5:7] for frame in frames]
