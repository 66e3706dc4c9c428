"""CHAN-7: whatever octets come, the answer is RemoteProtocolError and silence.

Every mutation must be refused; anything that is not a `RemoteProtocolError` passes
through these tests and fails them, a panic of lakers included, and a panic that was
caught would still show on stderr. The default run does 10,000 mutations of each
packet; the long tier does ten times as many.

What costs time is honest elliptic-curve work, so each test does only as much of it as
its packet needs: the machine's side of GREETING_4 is met by the witness with one fixed
ephemeral key, and records are opened without any handshake.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from protocol.channel import MachineChannel, ServerChannel
from protocol.channel.packets import PacketType
from protocol.channel.records import Records
from protocol.channel.schedule import derive_keys
from protocol.errors import RemoteProtocolError
from tests.spec.chan_parties import opened, parties, witness_machine, witness_server
from tests.witness.edhoc_peer import Initiator, Responder

US = parties()
X = bytes(31) + b"\x07"
Y = bytes(31) + b"\x0b"

TELLING = [
    0x00, 0x01, 0x04, 0x0E, 0x17, 0x18, 0x19, 0x1B, 0x1F, 0x20, 0x37, 0x3B, 0x40, 0x41,
    0x47, 0x48, 0x57, 0x58, 0x59, 0x5B, 0x5F, 0x60, 0x7F, 0x80, 0x82, 0x9F, 0xA0, 0xA1,
    0xBF, 0xC0, 0xD8, 0xF6, 0xF7, 0xF8, 0xFB, 0xFF,
]  # fmt: skip
"""Octets that mean something to a CBOR parser."""

counts = pytest.mark.parametrize(
    "count", [10_000, pytest.param(100_000, marks=pytest.mark.long)]
)


def mutated(random_: random.Random, packet: bytes) -> bytes:
    """Change a packet: bits, octets, length, order or all of it; never into itself."""
    while True:
        octets = bytearray(packet)
        for _ in range(random_.choice((1, 1, 1, 2, 3))):
            at = random_.randrange(len(octets)) if octets else 0
            match random_.randrange(8):
                case 0 | 1 | 2:
                    octets[at : at + 1] = bytes(
                        [(octets[at] if octets else 0) ^ 1 << random_.randrange(8)]
                    )
                case 3 | 4:
                    octets[at : at + 1] = bytes([random_.choice(TELLING)])
                case 5:
                    width = random_.randrange(1, 9)
                    octets[at : at + width] = random_.randbytes(
                        len(octets[at : at + width])
                    )
                case 6:
                    del octets[at : at + random_.randrange(1, 9)]
                case _:
                    octets[at:at] = random_.randbytes(random_.randrange(1, 9))
        if bytes(octets) != packet:
            return bytes(octets)


def refused(receive: Callable[[bytes], object], packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        receive(packet)


@counts
def test_no_mutation_of_greeting_1_gets_more_than_an_error_or_a_useless_answer(
    count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    random_ = random.Random(1)
    answered = 0
    for _ in range(count):
        machine = MachineChannel(US.machine, US.trusted)
        packet = machine.greeting_1()
        changed = mutated(random_, packet)
        try:
            greeting_2 = ServerChannel(US.server).receive_greeting_1(changed)
        except RemoteProtocolError:
            continue
        # Another point in the place of G_X is a message_1 as good as any; but the
        # answer fits no machine that sent another one.
        assert changed[:5] + changed[37:] == packet[:5] + packet[37:]
        refused(machine.receive_greeting_2, greeting_2)
        answered += 1

    assert 0 < answered < count / 2
    assert capfd.readouterr().err == ""


@counts
def test_every_mutation_of_greeting_2_is_refused(
    count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    random_ = random.Random(2)
    for _ in range(count):
        machine, peer = _machine_and_answer()
        refused(machine.receive_greeting_2, mutated(random_, peer))

    assert capfd.readouterr().err == ""


@counts
def test_every_mutation_of_greeting_3_is_refused(
    count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    random_ = random.Random(3)
    for _ in range(count):
        server = ServerChannel(US.server)
        peer = Initiator(witness_machine(US), ephemeral=X, c_i=b"\x00")
        greeting_2 = server.receive_greeting_1(b"\x01" + peer.message_1)
        peer.receive_2(greeting_2[1:], {b"\x05": witness_server(US)})
        message_3 = peer.message_3()
        records = _machine_records(peer.prk_out)
        record = records.seal(PacketType.GREETING_3, b"statement")
        changed = mutated(random_, b"\x03" + message_3 + record)
        refused(partial(_take_3, server), changed)

    assert capfd.readouterr().err == ""


@counts
def test_every_mutation_of_greeting_4_is_refused(
    count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    random_ = random.Random(4)
    for _ in range(count):
        machine = MachineChannel(US.machine, US.trusted)
        peer = Responder(witness_server(US), ephemeral=Y, c_r=b"\x01")
        peer.receive_1(machine.greeting_1()[1:])
        machine.receive_greeting_2(b"\x02" + peer.message_2())
        message_3 = machine.greeting_3(b"statement")[1:28]
        peer.receive_3(message_3, {b"N123456": witness_machine(US)})
        record = _server_records(peer.prk_out).seal(PacketType.GREETING_4, b"voucher")
        greeting_4 = b"\x04" + peer.message_4() + record
        refused(machine.receive_greeting_4, mutated(random_, greeting_4))

    assert capfd.readouterr().err == ""


def test_100_000_mutations_of_a_record_are_refused() -> None:
    random_ = random.Random(5)
    keys = derive_keys(bytes(range(32)))
    honest = Records(keys.machine, keys.server).seal(PacketType.RECORD, b"confirmation")
    for _ in range(100_000):
        records = Records(keys.server, keys.machine)
        refused(partial(records.open, PacketType.RECORD), mutated(random_, honest))
    assert Records(keys.server, keys.machine).open(PacketType.RECORD, honest)


def test_mutations_of_record_packets_in_a_running_channel_are_refused() -> None:
    random_ = random.Random(6)
    for _ in range(500):
        machine, server = opened(US)
        refused(server.open, mutated(random_, machine.seal(b"confirmation")))
        machine, server = opened(US)
        refused(machine.open, mutated(random_, server.seal(b"receipt")))


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(100_000, marks=pytest.mark.long)]
)
def test_well_sealed_nonsense_in_message_3_is_refused(
    count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    # Anybody can seal a PLAINTEXT_3 for a server: K_3 needs no secret of the machine.
    random_ = random.Random(7)
    honest = b"\x47N123456\x48" + bytes(8)
    for _ in range(count):
        server = ServerChannel(US.server)
        peer = Initiator(witness_machine(US), ephemeral=X, c_i=b"\x00")
        greeting_2 = server.receive_greeting_1(b"\x01" + peer.message_1)
        peer.receive_2(greeting_2[1:], {b"\x05": witness_server(US)})
        plaintext = (mutated(random_, honest) + bytes(17))[:17]
        packet = b"\x03" + peer.message_3(plaintext=plaintext) + bytes(11)
        refused(partial(_take_3, server), packet)

    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(100_000, marks=pytest.mark.long)]
)
def test_well_encrypted_nonsense_in_message_2_is_refused(
    count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    random_ = random.Random(8)
    honest = b"\x01\x05\x48" + bytes(8)
    for _ in range(count):
        machine = MachineChannel(US.machine, US.trusted)
        peer = Responder(witness_server(US), ephemeral=Y, c_r=b"\x01")
        peer.receive_1(machine.greeting_1()[1:])
        plaintext = (mutated(random_, honest) + bytes(11))[:11]
        refused(
            machine.receive_greeting_2, b"\x02" + peer.message_2(plaintext=plaintext)
        )

    assert capfd.readouterr().err == ""


def _take_3(server: ServerChannel, packet: bytes) -> None:
    claimed = server.receive_greeting_3(packet)
    # Whatever licence is claimed is enrolled here, and with this very key.
    enrolled = replace(US.machine.credential, licence_identifier=claimed)
    server.prove_machine(enrolled)


def _machine_and_answer() -> tuple[MachineChannel, bytes]:
    machine = MachineChannel(US.machine, US.trusted)
    peer = Responder(witness_server(US), ephemeral=Y, c_r=b"\x01")
    peer.receive_1(machine.greeting_1()[1:])
    return machine, b"\x02" + peer.message_2()


def _machine_records(prk_out: bytes) -> Records:
    keys = derive_keys(prk_out)
    return Records(keys.machine, keys.server)


def _server_records(prk_out: bytes) -> Records:
    keys = derive_keys(prk_out)
    return Records(keys.server, keys.machine)
