"""CHAN-2, CHAN-6.4, CHAN-7.8 and CHAN-9: packets, counters, errors and panics."""

import lakers
import pytest

from protocol.channel import (
    PACKET_OCTETS_MAX,
    PacketType,
    packet_type,
    read_error,
    write_error,
)
from protocol.channel.edhoc import _PeersFault
from protocol.channel.packets import packet_content
from protocol.channel.records import COUNTER_MAX, Records
from protocol.channel.schedule import derive_keys
from protocol.errors import (
    ErrorCode,
    LocalProtocolError,
    RemoteProtocolError,
)
from tests.spec.chan_parties import parties
from tests.witness import ecdsa_peer

NAMES = {
    0x01: "GREETING_1",
    0x02: "GREETING_2",
    0x03: "GREETING_3",
    0x04: "GREETING_4",
    0x05: "RECORD",
    0x0E: "ERROR",
}


def test_six_octets_name_a_packet_type_and_no_other_does() -> None:
    for first in range(256):
        if first not in NAMES:
            with pytest.raises(RemoteProtocolError) as caught:
                packet_type(bytes([first]))
            assert caught.value.code is ErrorCode.MALFORMED

    assert {first: packet_type(bytes([first])).name for first in NAMES} == NAMES


def test_an_empty_packet_is_malformed() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        packet_type(b"")

    assert caught.value.code is ErrorCode.MALFORMED


@pytest.mark.parametrize(
    ("kind", "shortest", "longest"),
    [
        (PacketType.GREETING_1, 37, 37),
        (PacketType.GREETING_2, 45, 45),
        (PacketType.GREETING_3, 38, 1061),
        (PacketType.GREETING_4, 20, 1043),
        (PacketType.RECORD, 11, 1034),
        (PacketType.ERROR, 1, 1),
    ],
)
def test_every_packet_type_has_its_lengths(
    kind: PacketType, shortest: int, longest: int
) -> None:
    for length in (shortest, longest):
        content = bytes(length)
        assert packet_content(bytes([kind]) + content, kind) == content
    for length in {0, shortest - 1, longest + 1}:
        with pytest.raises(RemoteProtocolError) as caught:
            packet_content(bytes([kind]) + bytes(length), kind)
        assert caught.value.code is ErrorCode.MALFORMED
    assert longest < PACKET_OCTETS_MAX == 1062


def test_every_error_code_travels_as_two_octets() -> None:
    assert write_error(ErrorCode.UNAVAILABLE) == b"\x0e\x09"
    for code in ErrorCode:
        assert read_error(write_error(code)) is code


@pytest.mark.parametrize(
    "packet",
    [b"", b"\x0e", b"\x0e\x00", b"\x0e\x0c", b"\x0e\xff", b"\x0e\x01\x00", b"\x06\x01"],
)
def test_what_is_no_error_packet_is_malformed(packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_error(packet)

    assert caught.value.code is ErrorCode.MALFORMED


def test_the_last_counter_is_used_once_and_never_wraps() -> None:
    keys = derive_keys(bytes(32))
    machine = Records(keys.machine, keys.server)
    server = Records(keys.server, keys.machine)
    record = b""
    for _ in range(COUNTER_MAX + 1):
        record = machine.seal(PacketType.RECORD, b"x")
        server.open(PacketType.RECORD, record)

    assert record[:2] == b"\xff\xff"
    with pytest.raises(LocalProtocolError, match="used up"):
        machine.seal(PacketType.RECORD, b"x")
    first = Records(keys.machine, keys.server).seal(PacketType.RECORD, b"x")
    for replayed in (first, record):
        with pytest.raises(RemoteProtocolError) as caught:
            server.open(PacketType.RECORD, replayed)
        assert caught.value.code is ErrorCode.RECORD


def test_no_two_records_of_a_channel_share_key_and_nonce() -> None:
    keys = derive_keys(bytes(32))
    machine = Records(keys.machine, keys.server)
    server = Records(keys.server, keys.machine)

    sealed = [
        end.seal(PacketType.RECORD, bytes(16))[2:18]
        for _ in range(1000)
        for end in (machine, server)
    ]

    assert len(set(sealed)) == len(sealed)


class PanicError(BaseException):
    """Stands where a PanicException of a Rust library would."""


def test_a_panic_of_the_library_is_the_peers_error() -> None:
    with pytest.raises(RemoteProtocolError) as caught, _PeersFault("message_9"):
        raise PanicError("key 00112233")

    assert caught.value.code is ErrorCode.HANDSHAKE
    assert caught.value.clause == "CHAN-7.8"
    assert "00112233" not in str(caught.value)


def test_a_real_panic_of_lakers_is_the_peers_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    # Behind the checks of CHAN-7: what would happen without them.
    p, b = ecdsa_peer.P, ecdsa_peer.B
    x = next(
        x for x in range(100) if pow(x**3 - 3 * x + b, (p - 1) // 2, p) not in (0, 1)
    )
    server = parties().server
    edhoc = lakers.EdhocResponder(server.dh_private, lakers.Credential(server.ccs))

    with pytest.raises(RemoteProtocolError) as caught, _PeersFault("message_1"):
        _answer(edhoc, b"\x03\x02\x58\x20" + x.to_bytes(32, "big") + b"\x00")

    assert "PanicException" in str(caught.value)
    assert "panicked" in capfd.readouterr().err


def _answer(edhoc: lakers.EdhocResponder, message_1: bytes) -> None:
    edhoc.process_message_1(message_1)
    edhoc.prepare_message_2(lakers.CredentialTransfer.ByReference, b"\x01")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_program_is_nobodys_protocol_error(
    kind: type[BaseException],
) -> None:
    with pytest.raises(kind), _PeersFault("message_9"):
        raise kind
