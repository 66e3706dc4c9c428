"""Every channel keeps the same promises: the real one and the double of simulations."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

import pytest

from protocol.channel import (
    BODY_OCTETS_MAX,
    DoubleMachineChannel,
    DoubleServerChannel,
    MachineChannel,
    MachineChannelPort,
    PacketType,
    ServerChannel,
    ServerChannelPort,
    write_error,
)
from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.keys import MachineIdentity, Realm, ServerCredential, ServerIdentity
from protocol.values import LicenceIdentifier
from tests.spec.chan_parties import N123456, parties


@dataclass(frozen=True)
class Kind:
    """One implementation of both ports."""

    machine: Callable[[MachineIdentity, ServerCredential], MachineChannelPort]
    server: Callable[[ServerIdentity], ServerChannelPort]


def double_kind() -> Kind:
    seeds: Iterator[int] = count()
    return Kind(
        lambda identity, server: DoubleMachineChannel(
            identity, server, b"machine %d" % next(seeds)
        ),
        lambda identity: DoubleServerChannel(identity, b"server %d" % next(seeds)),
    )


@pytest.fixture(params=["real", "double"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return (
        Kind(MachineChannel, ServerChannel)
        if request.param == "real"
        else double_kind()
    )


US = parties("first")
OTHERS = parties("second")


class Dialogue:
    """Both ends, step by step; each packet can be changed on its way."""

    def __init__(self, kind: Kind) -> None:
        self.machine = kind.machine(US.machine, US.trusted)
        self.server = kind.server(US.server)

    def packets(self) -> Iterator[tuple[str, bytes, Callable[[bytes], object]]]:
        """Name, octets and receiver of every packet, in order."""
        machine, server = self.machine, self.server
        packet = machine.greeting_1()
        got: list[bytes] = []

        def receive_1(octets: bytes) -> None:
            got.append(server.receive_greeting_1(octets))

        yield "greeting_1", packet, receive_1
        yield "greeting_2", got[0], machine.receive_greeting_2

        def receive_3(octets: bytes) -> None:
            server.receive_greeting_3(octets)
            got.append(server.prove_machine(US.machine.credential))

        yield "greeting_3", machine.greeting_3(b"statement"), receive_3
        yield "greeting_4", server.greeting_4(b"voucher"), machine.receive_greeting_4
        yield "record up", machine.seal(b"confirmation"), server.open
        yield "record down", server.seal(b"receipt"), machine.open


NAMES = [
    "greeting_1",
    "greeting_2",
    "greeting_3",
    "greeting_4",
    "record up",
    "record down",
]


def until(kind: Kind, name: str) -> tuple[Dialogue, bytes, Callable[[bytes], object]]:
    """A dialogue in which everything before the named packet has arrived."""
    dialogue = Dialogue(kind)
    for found, packet, receive in dialogue.packets():
        if found == name:
            return dialogue, packet, receive
        receive(packet)
    raise AssertionError(name)


def opened(kind: Kind) -> Dialogue:
    dialogue = Dialogue(kind)
    for _, packet, receive in dialogue.packets():
        receive(packet)
    return dialogue


def test_a_full_dialogue_carries_bodies_both_ways(kind: Kind) -> None:
    machine = kind.machine(US.machine, US.trusted)
    server = kind.server(US.server)

    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    claimed = server.receive_greeting_3(machine.greeting_3(b"statement"))
    assert claimed == N123456
    assert server.prove_machine(US.machine.credential) == b"statement"
    assert machine.receive_greeting_4(server.greeting_4(b"voucher")) == b"voucher"

    for number in range(300):
        body = bytes([0x12]) * (1 + number)
        assert server.open(machine.seal(body)) == body
        assert machine.open(server.seal(body)) == body


def test_the_greetings_have_the_lengths_of_the_spec(kind: Kind) -> None:
    lengths = {
        name: (packet[0], len(packet))
        for name, packet, receive in Dialogue(kind).packets()
        for _ in [receive(packet)]
    }

    assert lengths == {
        "greeting_1": (PacketType.GREETING_1, 1 + 37),
        "greeting_2": (PacketType.GREETING_2, 1 + 45),
        "greeting_3": (PacketType.GREETING_3, 1 + 27 + 2 + len(b"statement") + 8),
        "greeting_4": (PacketType.GREETING_4, 1 + 9 + 2 + len(b"voucher") + 8),
        "record up": (PacketType.RECORD, 1 + 2 + len(b"confirmation") + 8),
        "record down": (PacketType.RECORD, 1 + 2 + len(b"receipt") + 8),
    }


def test_both_ends_share_a_binding_that_no_other_channel_has(kind: Kind) -> None:
    one, other = opened(kind), opened(kind)

    assert one.machine.binding == one.server.binding
    assert len(one.machine.binding) == 32
    assert other.machine.binding == other.server.binding
    assert one.machine.binding != other.machine.binding


def test_the_binding_is_there_before_the_statement_is_signed(kind: Kind) -> None:
    dialogue = Dialogue(kind)
    dialogue.machine.receive_greeting_2(
        dialogue.server.receive_greeting_1(dialogue.machine.greeting_1())
    )
    before = dialogue.machine.binding

    dialogue.server.receive_greeting_3(dialogue.machine.greeting_3(b"statement"))
    dialogue.server.prove_machine(US.machine.credential)

    assert dialogue.server.binding == before


@pytest.mark.parametrize("name", NAMES)
def test_every_flipped_bit_of_every_packet_ends_the_dialogue(
    kind: Kind, name: str
) -> None:
    octets = len(until(kind, name)[1])
    for bit in range(8 * octets):
        dialogue, packet, receive = until(kind, name)
        changed = bytearray(packet)
        changed[bit // 8] ^= 1 << bit % 8
        if name == "greeting_1" and 5 <= bit // 8 < 37:
            # Another G_X may be a point: then the answer fits another message_1, and
            # the machine finds out.
            with pytest.raises(RemoteProtocolError):
                dialogue.machine.receive_greeting_2(
                    dialogue.server.receive_greeting_1(bytes(changed))
                )
        else:
            with pytest.raises(RemoteProtocolError):
                receive(bytes(changed))


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_and_extension_ends_the_dialogue(
    kind: Kind, name: str
) -> None:
    octets = len(until(kind, name)[1])
    for length in [*range(octets), octets + 1, octets + 2, octets + 255, 5000]:
        _, packet, receive = until(kind, name)
        changed = (packet + bytes(5000))[:length]
        with pytest.raises(RemoteProtocolError):
            receive(changed)


@pytest.mark.parametrize("name", NAMES)
def test_another_packet_type_is_unexpected_and_an_unknown_one_malformed(
    kind: Kind, name: str
) -> None:
    for first in range(256):
        _, packet, receive = until(kind, name)
        if first == packet[0]:
            continue
        with pytest.raises(RemoteProtocolError) as caught:
            receive(bytes([first]) + packet[1:])
        known = first in set(PacketType)
        expected = ErrorCode.UNEXPECTED if known else ErrorCode.MALFORMED
        assert caught.value.code is expected


def test_an_error_packet_is_no_greeting_and_no_record(kind: Kind) -> None:
    for name in NAMES:
        _, _, receive = until(kind, name)
        with pytest.raises(RemoteProtocolError) as caught:
            receive(write_error(ErrorCode.TIMEOUT))
        assert caught.value.code is ErrorCode.UNEXPECTED


def test_a_server_with_another_key_is_refused_by_the_machine(kind: Kind) -> None:
    impostor = kind.server(replace(OTHERS.server, name=US.server.name))
    machine = kind.machine(US.machine, US.trusted)

    with pytest.raises(RemoteProtocolError) as caught:
        machine.receive_greeting_2(impostor.receive_greeting_1(machine.greeting_1()))

    assert caught.value.code is ErrorCode.HANDSHAKE


@pytest.mark.parametrize("change", [{"kid": 6}, {"name": "other.example"}])
def test_a_server_that_calls_itself_otherwise_is_refused_by_the_machine(
    kind: Kind, change: dict[str, object]
) -> None:
    server = kind.server(replace(US.server, **change))  # type: ignore[arg-type]
    machine = kind.machine(US.machine, US.trusted)

    with pytest.raises(RemoteProtocolError) as caught:
        machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))

    assert caught.value.code is ErrorCode.HANDSHAKE


@pytest.mark.parametrize(
    "impostor",
    [
        replace(OTHERS.machine, licence_identifier=N123456),
        replace(US.machine, psd_serial="PSD00002"),
    ],
    ids=["another key", "another PSD serial"],
)
def test_a_machine_that_is_not_the_enrolled_one_is_refused(
    kind: Kind, impostor: MachineIdentity
) -> None:
    machine = kind.machine(impostor, US.trusted)
    server = kind.server(US.server)
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    server.receive_greeting_3(machine.greeting_3(b"statement"))

    with pytest.raises(RemoteProtocolError) as caught:
        server.prove_machine(US.machine.credential)

    assert caught.value.code is ErrorCode.HANDSHAKE


def test_a_server_of_the_other_realm_with_the_same_key_is_refused(kind: Kind) -> None:
    production = US.in_realm(Realm.PRODUCTION)
    machine = kind.machine(US.machine, US.trusted)
    server = kind.server(production.server)

    with pytest.raises(RemoteProtocolError) as caught:
        machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))

    assert caught.value.code is ErrorCode.HANDSHAKE


def test_a_server_proves_no_machine_by_a_credential_of_the_other_realm(
    kind: Kind,
) -> None:
    dialogue, packet, _ = until(kind, "greeting_3")
    dialogue.server.receive_greeting_3(packet)

    with pytest.raises(LocalProtocolError, match=re.escape("KEY-2.2")):
        dialogue.server.prove_machine(US.in_realm(Realm.PRODUCTION).machine.credential)


def test_a_machine_is_not_built_for_a_server_of_the_other_realm(kind: Kind) -> None:
    with pytest.raises(LocalProtocolError, match=re.escape("KEY-2.2")):
        kind.machine(US.machine, replace(US.trusted, realm=Realm.PRODUCTION))


def test_a_machine_is_not_proven_by_the_credential_of_another(kind: Kind) -> None:
    dialogue, packet, _ = until(kind, "greeting_3")
    dialogue.server.receive_greeting_3(packet)
    other = replace(
        US.machine.credential, licence_identifier=LicenceIdentifier("N654321")
    )

    with pytest.raises(LocalProtocolError, match=re.escape("CHAN-8.4")):
        dialogue.server.prove_machine(other)


def test_a_record_is_taken_once_in_order_and_in_its_direction(kind: Kind) -> None:
    first = opened(kind)
    packet = first.machine.seal(b"one")
    first.server.open(packet)
    with pytest.raises(RemoteProtocolError) as again:
        first.server.open(packet)

    second = opened(kind)
    second.machine.seal(b"lost")
    with pytest.raises(RemoteProtocolError) as skipped:
        second.server.open(second.machine.seal(b"next"))

    third = opened(kind)
    with pytest.raises(RemoteProtocolError) as reflected:
        third.machine.open(third.machine.seal(b"mine"))

    fourth, fifth = opened(kind), opened(kind)
    with pytest.raises(RemoteProtocolError) as foreign:
        fourth.server.open(fifth.machine.seal(b"of another channel"))

    codes = {e.value.code for e in (again, skipped, reflected, foreign)}
    assert codes == {ErrorCode.RECORD}


def test_greetings_of_one_channel_are_nothing_to_another(kind: Kind) -> None:
    for name in ("greeting_2", "greeting_3", "greeting_4"):
        _, foreign, _ = until(kind, name)
        _, _, receive = until(kind, name)
        with pytest.raises(RemoteProtocolError):
            receive(foreign)


@pytest.mark.parametrize("length", [0, BODY_OCTETS_MAX + 1])
def test_a_body_of_a_wrong_length_is_our_own_bug(kind: Kind, length: int) -> None:
    for seal in (
        until(kind, "greeting_3")[0].machine.seal,
        opened(kind).machine.seal,
        opened(kind).server.seal,
    ):
        with pytest.raises(LocalProtocolError):
            seal(bytes(length))


def test_the_longest_body_arrives(kind: Kind) -> None:
    dialogue = opened(kind)
    body = bytes(range(256)) * 4

    assert dialogue.server.open(dialogue.machine.seal(body)) == body


def machine_calls(channel: MachineChannelPort) -> dict[str, Callable[[], object]]:
    return {
        "greeting_1": channel.greeting_1,
        "receive_greeting_2": lambda: channel.receive_greeting_2(b"\x02" + bytes(45)),
        "binding": lambda: channel.binding,
        "greeting_3": lambda: channel.greeting_3(b"statement"),
        "receive_greeting_4": lambda: channel.receive_greeting_4(b"\x04" + bytes(20)),
        "seal": lambda: channel.seal(b"body"),
        "open": lambda: channel.open(b"\x05" + bytes(11)),
    }


def server_calls(channel: ServerChannelPort) -> dict[str, Callable[[], object]]:
    return {
        "receive_greeting_1": lambda: channel.receive_greeting_1(b"\x01" + bytes(37)),
        "receive_greeting_3": lambda: channel.receive_greeting_3(b"\x03" + bytes(38)),
        "prove_machine": lambda: channel.prove_machine(US.machine.credential),
        "binding": lambda: channel.binding,
        "greeting_4": lambda: channel.greeting_4(b"voucher"),
        "seal": lambda: channel.seal(b"body"),
        "open": lambda: channel.open(b"\x05" + bytes(11)),
    }


MACHINE_PLACES = {
    0: {"greeting_1"},
    1: {"receive_greeting_2"},
    2: {"binding", "greeting_3"},
    3: {"binding", "receive_greeting_4"},
    4: {"binding", "seal", "open"},
}
SERVER_PLACES = {
    0: {"receive_greeting_1"},
    1: {"receive_greeting_3"},
    2: {"prove_machine"},
    3: {"binding", "greeting_4"},
    4: {"binding", "seal", "open"},
}


def machine_at(kind: Kind, place: int) -> MachineChannelPort:
    machine, server = kind.machine(US.machine, US.trusted), kind.server(US.server)
    if place >= 1:
        greeting_1 = machine.greeting_1()
    if place >= 2:
        machine.receive_greeting_2(server.receive_greeting_1(greeting_1))
    if place >= 3:
        greeting_3 = machine.greeting_3(b"statement")
    if place >= 4:
        server.receive_greeting_3(greeting_3)
        server.prove_machine(US.machine.credential)
        machine.receive_greeting_4(server.greeting_4(b"voucher"))
    return machine


def server_at(kind: Kind, place: int) -> ServerChannelPort:
    machine, server = kind.machine(US.machine, US.trusted), kind.server(US.server)
    if place >= 1:
        machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    if place >= 2:
        server.receive_greeting_3(machine.greeting_3(b"statement"))
    if place >= 3:
        server.prove_machine(US.machine.credential)
    if place >= 4:
        server.greeting_4(b"voucher")
    return server


def raises_and_ends(name: str, calls: Mapping[str, Callable[[], object]]) -> None:
    with pytest.raises(LocalProtocolError, match=re.escape("CHAN-8.1")):
        calls[name]()
    for after in calls.values():
        with pytest.raises(LocalProtocolError, match="after the channel ended"):
            after()


@pytest.mark.parametrize("place", MACHINE_PLACES)
def test_every_machine_call_out_of_order_is_our_own_bug_and_ends_the_channel(
    kind: Kind, place: int
) -> None:
    for name in set(machine_calls(machine_at(kind, place))) - MACHINE_PLACES[place]:
        raises_and_ends(name, machine_calls(machine_at(kind, place)))


@pytest.mark.parametrize("place", SERVER_PLACES)
def test_every_server_call_out_of_order_is_our_own_bug_and_ends_the_channel(
    kind: Kind, place: int
) -> None:
    for name in set(server_calls(server_at(kind, place))) - SERVER_PLACES[place]:
        raises_and_ends(name, server_calls(server_at(kind, place)))


@pytest.mark.parametrize("name", NAMES)
def test_after_a_wrong_packet_every_call_raises(kind: Kind, name: str) -> None:
    dialogue, packet, receive = until(kind, name)
    with pytest.raises(RemoteProtocolError):
        receive(packet[:-1])

    at_server = name in {"greeting_1", "greeting_3", "record up"}
    calls = (
        server_calls(dialogue.server) if at_server else machine_calls(dialogue.machine)
    )
    for call in calls.values():
        with pytest.raises(LocalProtocolError, match="after the channel ended"):
            call()


def test_the_double_repeats_every_octet_from_its_seeds() -> None:
    def octets() -> list[bytes]:
        dialogue = Dialogue(double_kind())
        packets = []
        for _, packet, receive in dialogue.packets():
            packets.append(packet)
            receive(packet)
        return [*packets, dialogue.machine.binding]

    assert octets() == octets()
