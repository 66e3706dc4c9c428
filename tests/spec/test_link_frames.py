"""SPEC.md LINK-4, LINK-6 and LINK-14: address and control fields, FRMR."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.link import Role
from protocol.link.frames import (
    Fault,
    ForeignFrame,
    Frame,
    FrameKind,
    MalformedFrame,
    decode_frame,
    encode_frame,
    encode_rejection,
)

K = FrameKind

CASES = [
    (Role.MACHINE, 8, Frame(K.SABM, command=True, poll_final=True), "013f"),
    (Role.MACHINE, 8, Frame(K.SABME, command=True, poll_final=True), "017f"),
    (Role.SERVER, 8, Frame(K.UA, command=False, poll_final=True), "0173"),
    (Role.MACHINE, 8, Frame(K.DISC, command=True), "0143"),
    (Role.SERVER, 8, Frame(K.DISC, command=True), "0343"),
    (Role.MACHINE, 8, Frame(K.UA, command=False), "0363"),
    (Role.SERVER, 8, Frame(K.DM, command=False, poll_final=True), "011f"),
    (Role.MACHINE, 8, Frame(K.DM, command=False), "030f"),
    (Role.MACHINE, 8, Frame(K.RR, command=True, poll_final=True), "0111"),
    (
        Role.SERVER,
        8,
        Frame(K.RR, command=False, poll_final=True, receive_number=5),
        "01b1",
    ),
    (Role.SERVER, 8, Frame(K.RNR, command=False, receive_number=5), "01a5"),
    (Role.SERVER, 8, Frame(K.REJ, command=False, receive_number=7), "01e9"),
    (Role.SERVER, 8, Frame(K.SREJ, command=False, receive_number=1), "012d"),
    (
        Role.MACHINE,
        8,
        Frame(
            K.INFORMATION,
            command=True,
            poll_final=False,
            send_number=3,
            receive_number=5,
            information=b"\x03hi",
        ),
        "01a6036869",
    ),
    (
        Role.SERVER,
        8,
        Frame(
            K.INFORMATION,
            command=True,
            poll_final=True,
            send_number=7,
            receive_number=0,
            information=b"\x03\x00",
        ),
        "031e0300",
    ),
    (
        Role.MACHINE,
        128,
        Frame(
            K.INFORMATION,
            command=True,
            poll_final=True,
            send_number=100,
            receive_number=127,
            information=b"\x03!",
        ),
        "01c8ff0321",
    ),
    (
        Role.SERVER,
        128,
        Frame(K.RR, command=False, poll_final=True, receive_number=64),
        "010181",
    ),
    (Role.SERVER, 128, Frame(K.SREJ, command=False, receive_number=2), "010d04"),
    (Role.MACHINE, 128, Frame(K.DISC, command=True), "0143"),
    (Role.SERVER, 8, Frame(K.FRMR, command=False, information=b"abc"), "0187616263"),
    (
        Role.MACHINE,
        8,
        Frame(K.XID, command=True, poll_final=True, information=b"\x82"),
        "01bf82",
    ),
]


@pytest.mark.parametrize(("sender", "modulus", "frame", "octets"), CASES)
def test_a_frame_is_written_and_read_as_the_standard_says(
    sender: Role, modulus: int, frame: Frame, octets: str
) -> None:
    assert encode_frame(frame, sender, modulus).hex() == octets
    assert decode_frame(bytes.fromhex(octets), sender.peer, modulus) == frame


@pytest.mark.parametrize(
    ("octets", "receiver"),
    [
        ("013f", Role.MACHINE),  # our own SABM, echoed by the line
        ("0173", Role.SERVER),  # our own UA, echoed
        ("0143", Role.MACHINE),
        ("010003", Role.MACHINE),
        ("ff3f", Role.SERVER),
        ("003f", Role.SERVER),
    ],
)
def test_a_frame_that_is_not_for_this_end_is_foreign(
    octets: str, receiver: Role
) -> None:
    frame = decode_frame(bytes.fromhex(octets), receiver, 8)
    assert frame == ForeignFrame(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "modulus", "fault"),
    [
        ("0103", 8, Fault.CONTROL_UNKNOWN),  # UI
        ("01e3", 8, Fault.CONTROL_UNKNOWN),  # TEST
        ("0101ff", 8, Fault.INFORMATION_NOT_ALLOWED),
        ("013fff", 8, Fault.INFORMATION_NOT_ALLOWED),
        ("0101", 128, Fault.CONTROL_UNKNOWN),
        ("01f102", 128, Fault.CONTROL_UNKNOWN),
    ],
)
def test_a_frame_without_sense_says_what_is_wrong(
    octets: str, modulus: int, fault: Fault
) -> None:
    frame = decode_frame(bytes.fromhex(octets), Role.SERVER, modulus)
    assert isinstance(frame, MalformedFrame)
    assert frame.fault is fault


@given(
    st.binary(min_size=2, max_size=20),
    st.sampled_from(Role),
    st.sampled_from([8, 128]),
)
def test_reading_never_raises_and_what_is_read_is_written_the_same(
    octets: bytes, receiver: Role, modulus: int
) -> None:
    octets = bytes([octets[0] & 0x03]) + octets[1:]
    frame = decode_frame(octets, receiver, modulus)
    if isinstance(frame, Frame):
        assert encode_frame(frame, receiver.peer, modulus) == octets


def test_frmr_tells_control_field_states_and_reason() -> None:
    refused = MalformedFrame(b"\xa6", command=True, fault=Fault.RECEIVE_NUMBER)
    assert encode_rejection(refused, 2, 3, 8).hex() == "a66408"
    assert encode_rejection(refused, 2, 3, 128).hex() == "a600040608"
    response = MalformedFrame(b"\xb1", command=False, fault=Fault.UNSPECIFIED)
    assert encode_rejection(response, 0, 0, 8).hex() == "b11000"
