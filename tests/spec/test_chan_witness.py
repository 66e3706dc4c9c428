"""CHAN-4 to CHAN-6: the product against the second EDHOC peer, in both roles.

The witness knows RFC 9528 and the octets of the spec; it shares no code with lakers or
with us, so each side checks what the other reads out of the same text.
"""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from protocol.channel import MachineChannel, PacketType, ServerChannel
from protocol.channel.edhoc import LakersInitiator, LakersResponder
from protocol.channel.schedule import _PRK_EXPORTER, _Export, _Keyed
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.keys import Realm
from tests.spec.chan_parties import N123456, Parties, parties
from tests.spec.chan_parties import witness_machine as machine_of
from tests.spec.chan_parties import witness_server as server_of
from tests.witness import ecdsa_peer
from tests.witness.edhoc_peer import (
    EdhocPeerError,
    Initiator,
    Party,
    Responder,
    Session,
)

US = parties()
X = bytes(31) + b"\x07"
Y = bytes(31) + b"\x0b"

# Labels and lengths as CHAN-5 lists them, written out once more on purpose.
MACHINE_KEY, MACHINE_IV = (0xF101, 16), (0xF102, 13)
SERVER_KEY, SERVER_IV = (0xF103, 16), (0xF104, 13)
BINDING = (0xF105, 32)


class WitnessRecords:
    """Records as CHAN-6 says, over exported keys."""

    def __init__(
        self, session: Session, key: tuple[int, int], iv: tuple[int, int]
    ) -> None:
        self.key = AESCCM(session.exporter(key[0], b"", key[1]), tag_length=8)
        self.iv = session.exporter(iv[0], b"", iv[1])

    def nonce(self, counter: int) -> bytes:
        low = int.from_bytes(self.iv[-2:], "big") ^ counter
        return self.iv[:-2] + low.to_bytes(2, "big")

    def seal(self, packet_type: int, counter: int, body: bytes) -> bytes:
        number = counter.to_bytes(2, "big")
        aad = bytes([packet_type]) + number
        return number + self.key.encrypt(self.nonce(counter), body, aad)

    def open(self, packet_type: int, counter: int, record: bytes) -> bytes:
        assert record[:2] == counter.to_bytes(2, "big")
        aad = bytes([packet_type]) + record[:2]
        return self.key.decrypt(self.nonce(counter), record[2:], aad)


def witness_initiator(party: Party | None = None, c_i: bytes = b"\x00") -> Initiator:
    return Initiator(party or machine_of(US), ephemeral=X, c_i=c_i)


def witness_responder(party: Party | None = None, c_r: bytes = b"\x01") -> Responder:
    return Responder(party or server_of(US), ephemeral=Y, c_r=c_r)


def test_a_witness_machine_recharges_at_our_server() -> None:
    server, peer = ServerChannel(US.server), witness_initiator()

    greeting_2 = server.receive_greeting_1(b"\x01" + peer.message_1)
    assert greeting_2[:1] == b"\x02"
    assert peer.receive_2(greeting_2[1:], {b"\x05": server_of(US)}) == b"\x05"
    message_3 = peer.message_3()
    up = WitnessRecords(peer, MACHINE_KEY, MACHINE_IV)
    down = WitnessRecords(peer, SERVER_KEY, SERVER_IV)

    greeting_3 = b"\x03" + message_3 + up.seal(0x03, 0, b"statement")
    assert server.receive_greeting_3(greeting_3) == N123456
    assert server.prove_machine(US.machine.credential) == b"statement"
    assert server.binding == peer.exporter(BINDING[0], b"", BINDING[1])

    greeting_4 = server.greeting_4(b"voucher")
    assert greeting_4[:1] == b"\x04"
    peer.receive_4(greeting_4[1:10])
    assert down.open(0x04, 0, greeting_4[10:]) == b"voucher"

    assert server.open(b"\x05" + up.seal(0x05, 1, b"confirmation")) == b"confirmation"
    receipt = server.seal(b"receipt")
    assert receipt[:1] == b"\x05"
    assert down.open(0x05, 1, receipt[1:]) == b"receipt"
    edhoc = sum(map(len, (peer.message_1, greeting_2[1:], message_3, greeting_4[1:10])))
    assert edhoc == 118


def test_our_machine_recharges_at_a_witness_server() -> None:
    machine, peer = MachineChannel(US.machine, US.trusted), witness_responder()

    greeting_1 = machine.greeting_1()
    assert greeting_1[:1] == b"\x01"
    peer.receive_1(greeting_1[1:])
    machine.receive_greeting_2(b"\x02" + peer.message_2())
    greeting_3 = machine.greeting_3(b"statement")
    assert greeting_3[:1] == b"\x03"
    kid = peer.receive_3(greeting_3[1:28], {b"N123456": machine_of(US)})
    assert kid == b"N123456"
    assert machine.binding == peer.exporter(BINDING[0], b"", BINDING[1])
    up = WitnessRecords(peer, MACHINE_KEY, MACHINE_IV)
    down = WitnessRecords(peer, SERVER_KEY, SERVER_IV)
    assert up.open(0x03, 0, greeting_3[28:]) == b"statement"

    greeting_4 = b"\x04" + peer.message_4() + down.seal(0x04, 0, b"voucher")
    assert machine.receive_greeting_4(greeting_4) == b"voucher"

    assert up.open(0x05, 1, machine.seal(b"confirmation")[1:]) == b"confirmation"
    assert machine.open(b"\x05" + down.seal(0x05, 1, b"receipt")) == b"receipt"


def test_a_record_sealed_for_one_packet_type_does_not_open_as_another() -> None:
    server, peer = ServerChannel(US.server), witness_initiator()
    greeting_2 = server.receive_greeting_1(b"\x01" + peer.message_1)
    peer.receive_2(greeting_2[1:], {b"\x05": server_of(US)})
    message_3 = peer.message_3()
    up = WitnessRecords(peer, MACHINE_KEY, MACHINE_IV)
    record = up.seal(PacketType.RECORD, 0, b"statement")
    server.receive_greeting_3(b"\x03" + message_3 + record)

    with pytest.raises(RemoteProtocolError) as caught:
        server.prove_machine(US.machine.credential)

    assert caught.value.code is ErrorCode.RECORD


def test_our_exporter_agrees_with_the_one_of_lakers() -> None:
    initiator = LakersInitiator(US.machine, US.trusted)
    responder = LakersResponder(US.server)
    message_3, prk_i = initiator.receive_2(responder.receive_1(initiator.message_1()))
    responder.receive_3(message_3)
    message_4, prk_r = responder.prove(US.machine.credential)
    initiator.receive_4(message_4)

    assert prk_i == prk_r
    # From 24 on lakers 0.6.2 puts the label down as a bare octet, which is not CBOR.
    for label, length in ((0, 16), (1, 8), (22, 24), (23, 32)):
        exporter = _Keyed(_PRK_EXPORTER.of(_Keyed(prk_i)))
        ours = _Export(label, length).of(exporter)
        for end in (initiator._edhoc, responder._edhoc):
            assert bytes(end.edhoc_exporter(label, b"", length)) == ours


def refused_by_server(
    peer: Initiator, plaintext: bytes | None = None
) -> RemoteProtocolError:
    server = ServerChannel(US.server)
    greeting_2 = server.receive_greeting_1(b"\x01" + peer.message_1)
    peer.receive_2(greeting_2[1:], {b"\x05": server_of(US)})
    message_3 = peer.message_3(plaintext=plaintext)
    up = WitnessRecords(peer, MACHINE_KEY, MACHINE_IV)
    with pytest.raises(RemoteProtocolError) as caught:
        _take_3(server, b"\x03" + message_3 + up.seal(3, 0, b"statement"))
    return caught.value


def _take_3(server: ServerChannel, packet: bytes) -> None:
    server.receive_greeting_3(packet)
    server.prove_machine(US.machine.credential)


def test_a_machine_of_the_other_realm_with_the_same_key_is_refused() -> None:
    production = US.in_realm(Realm.PRODUCTION)

    error = refused_by_server(witness_initiator(machine_of(production)))

    assert error.code is ErrorCode.HANDSHAKE


def test_a_machine_that_only_knows_the_public_credential_is_refused() -> None:
    other = machine_of(parties("second"))
    thief = Party(b"N123456", US.machine.ccs, other.public_x, other.private)

    assert refused_by_server(witness_initiator(thief)).code is ErrorCode.HANDSHAKE


@pytest.mark.parametrize(
    "plaintext",
    [
        b"\x47n123456\x48" + bytes(8),
        b"\x47N12345\xff\x48" + bytes(8),
        b"\x46N12345\x48" + bytes(8) + b"\x00",
        b"\x05\x48" + bytes(8) + b"\x01" + bytes(6),
        b"\xa1\x04\x44N123\x48" + bytes(8) + b"\x00",
        b"\xff" * 17,
        bytes(17),
    ],
)
def test_a_well_sealed_message_3_that_says_something_else_is_refused(
    plaintext: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    error = refused_by_server(witness_initiator(), plaintext[:17])

    assert error.code is ErrorCode.HANDSHAKE
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "plaintext",
    [
        b"\x01\x06\x48" + bytes(8),
        b"\x00\x05\x48" + bytes(8),
        b"\x01\x05\x47" + bytes(7) + b"\x00",
        b"\x01\x41\x05\x47" + bytes(7),
        b"\xff" * 11,
        bytes(11),
    ],
)
def test_a_well_encrypted_message_2_that_says_something_else_is_refused(
    plaintext: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    machine, peer = MachineChannel(US.machine, US.trusted), witness_responder()
    peer.receive_1(machine.greeting_1()[1:])

    with pytest.raises(RemoteProtocolError) as caught:
        machine.receive_greeting_2(b"\x02" + peer.message_2(plaintext=plaintext))

    assert caught.value.code is ErrorCode.HANDSHAKE
    assert capfd.readouterr().err == ""


def test_connection_identifiers_other_than_the_fixed_ones_are_refused() -> None:
    server = ServerChannel(US.server)
    with pytest.raises(RemoteProtocolError) as by_server:
        server.receive_greeting_1(b"\x01" + witness_initiator(c_i=b"\x01").message_1)

    machine, peer = (
        MachineChannel(US.machine, US.trusted),
        witness_responder(c_r=b"\x00"),
    )
    peer.receive_1(machine.greeting_1()[1:])
    with pytest.raises(RemoteProtocolError) as by_machine:
        machine.receive_greeting_2(b"\x02" + peer.message_2())

    assert by_server.value.code is by_machine.value.code is ErrorCode.HANDSHAKE


def test_the_witness_refuses_a_server_and_a_machine_that_it_does_not_know() -> None:
    second = parties("second")
    server, peer = ServerChannel(second.server), witness_initiator()
    with pytest.raises(EdhocPeerError, match="MAC_2"):
        peer.receive_2(
            server.receive_greeting_1(b"\x01" + peer.message_1)[1:],
            {b"\x05": server_of(US)},
        )

    message_3 = _message_3_of(second)
    with pytest.raises(EdhocPeerError, match="MAC_3"):
        message_3[0].receive_3(message_3[1], {b"N123456": machine_of(US)})


def _message_3_of(who: Parties) -> tuple[Responder, bytes]:
    machine, peer = MachineChannel(who.machine, US.trusted), witness_responder()
    peer.receive_1(machine.greeting_1()[1:])
    machine.receive_greeting_2(b"\x02" + peer.message_2())
    return peer, machine.greeting_3(b"statement")[1:28]


def test_a_tag_that_the_witness_refuses_is_really_wrong() -> None:
    peer_i, peer_r = witness_initiator(), witness_responder()
    peer_r.receive_1(peer_i.message_1)
    peer_i.receive_2(peer_r.message_2(), {b"\x05": server_of(US)})
    peer_r.receive_3(peer_i.message_3(), {b"N123456": machine_of(US)})
    up = WitnessRecords(peer_i, MACHINE_KEY, MACHINE_IV)
    down = WitnessRecords(peer_r, SERVER_KEY, SERVER_IV)

    with pytest.raises(InvalidTag):
        down.open(5, 0, up.seal(5, 0, b"body"))


def test_an_x_that_belongs_to_no_point_never_reaches_lakers(
    capfd: pytest.CaptureFixture[str],
) -> None:
    # lakers would panic on it and print to stderr.
    with pytest.raises(RemoteProtocolError) as caught:
        ServerChannel(US.server).receive_greeting_1(
            b"\x01\x03\x02\x58\x20" + no_point() + b"\x00"
        )

    assert caught.value.clause == "CHAN-7.7"
    assert capfd.readouterr().err == ""


def no_point() -> bytes:
    p, b = ecdsa_peer.P, ecdsa_peer.B
    x = next(
        x for x in range(100) if pow(x**3 - 3 * x + b, (p - 1) // 2, p) not in (0, 1)
    )
    return x.to_bytes(32, "big")
