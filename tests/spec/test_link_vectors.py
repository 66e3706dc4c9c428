"""The LINK vectors, against the product and against an oracle that shares no code."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.link import Link, LinkUp, MessageReceived, Role
from protocol.link.frames import Frame, decode_frame, encode_frame
from protocol.link.framing import Deframer, FramingCounters, Stuffing, flagged

FILE = Path(__file__).parents[2] / "protocol" / "vectors" / "link.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))["vectors"]
DAMAGED = {"LINK-V21", "LINK-V22"}


def oracle_line(frames: list[bytes], accm: int) -> bytes:
    """Frames on the line as LINK-1 to LINK-3 say, one octet at a time."""
    line = [0x7E]
    for frame in frames:
        register = 0xFFFF
        for octet in frame:
            for bit in range(8):
                low = (register ^ octet >> bit) & 1
                register = register >> 1 ^ (0x8408 if low else 0)
        register ^= 0xFFFF
        for octet in [*frame, register & 0xFF, register >> 8]:
            if octet in {0x7D, 0x7E} or (octet < 32 and accm >> octet & 1):
                line += [0x7D, octet ^ 0x20]
            else:
                line.append(octet)
        line.append(0x7E)
    return bytes(line)


def frames_of(vector: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(frame) for frame in vector["frames"]]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_the_line_is_read_as_the_vector_says(vector: dict[str, Any]) -> None:
    deframer = Deframer(600, FramingCounters())
    found = list(deframer.frames(bytes.fromhex(vector["octets"])))
    assert found == frames_of(vector)


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector["id"] not in DAMAGED],
    ids=lambda vector: vector["id"],
)
def test_the_line_is_written_as_the_vector_and_the_oracle_say(
    vector: dict[str, Any],
) -> None:
    frames, accm = frames_of(vector), vector["accm"]
    stuffing = Stuffing(accm)
    octets = flagged([stuffing.encode(frame) for frame in frames])
    assert octets.hex() == vector["octets"]
    assert octets == oracle_line(frames, accm)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_every_frame_of_the_vectors_makes_sense_to_one_of_the_ends(
    vector: dict[str, Any],
) -> None:
    modulus = vector.get("modulus", 8)
    for octets in frames_of(vector):
        read = [(role, decode_frame(octets, role, modulus)) for role in Role]
        known = [(role, frame) for role, frame in read if isinstance(frame, Frame)]
        assert known
        for role, frame in known:
            assert encode_frame(frame, role.peer, modulus) == octets


def test_the_segments_of_the_vectors_are_joined_to_their_messages() -> None:
    for vector in VECTORS:
        if "messages" in vector:
            link = Link(Role.SERVER)
            assert link.receive_octets(bytes.fromhex("7e013febdf7e"), 0.0) == [LinkUp()]
            events = link.receive_octets(bytes.fromhex(vector["octets"]), 0.0)
            assert events == [
                MessageReceived(bytes.fromhex(message))
                for message in vector["messages"]
            ]


def test_the_ids_of_the_vectors_are_unique() -> None:
    ids = [vector["id"] for vector in VECTORS]
    assert len(ids) == len(set(ids))
