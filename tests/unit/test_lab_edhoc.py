"""Greetings by hand: the channel of the product takes the right ones alone."""

import pytest

from hw.lab.edhoc import (
    NOTHING_ELSE,
    SAYINGS,
    HandInitiator,
    HandResponder,
    Said,
    drawn,
)
from protocol.channel import MachineChannel, PacketType, ServerChannel
from protocol.channel.ends import MachineEnd, ServerEnd
from protocol.channel.records import Records
from protocol.channel.schedule import derive_keys
from protocol.errors import ErrorCode, RemoteProtocolError
from tests.spec.chan_parties import parties

OF_2 = (
    {"c_r": "02"},
    {"c_r": "00"},
    {"kid": "06"},
    {"id": "06"},
    {"id": "a1044105", "mac": "5"},
    {"name": "OTHER"},
    {"key": "other"},
    {"realm": "other"},
    {"mac": "wrong"},
    {"ead": "0000", "mac": "6"},
)
OF_3 = (
    {"id": "476e313233343536"},
    {"id": "a104474e313233343536", "mac": "6"},
    {"name": "OTHER001"},
    {"key": "other"},
    {"realm": "other"},
    {"mac": "wrong"},
    {"ead": "0000", "mac": "6"},
    {"tag": "wrong"},
)


def said(words: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in words.items())


def machine_by_hand() -> tuple[HandInitiator, MachineEnd]:
    who = parties()
    hand = HandInitiator(who.machine, who.trusted, drawn(b"machine"))
    return hand, MachineEnd(hand)


def server_by_hand(words: dict[str, str]) -> tuple[HandResponder, ServerEnd]:
    who = parties()
    hand = HandResponder(who.server, Said(words), drawn(b"server"))
    return hand, ServerEnd(who.server.realm, hand)


def test_the_machine_of_the_product_takes_a_server_by_hand() -> None:
    who = parties()
    machine = MachineChannel(who.machine, who.trusted)
    _, server = server_by_hand({})
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    server.receive_greeting_3(machine.greeting_3(b"up"))
    assert server.prove_machine(who.machine.credential) == b"up"
    assert machine.receive_greeting_4(server.greeting_4(b"down")) == b"down"
    assert machine.binding == server.binding


def test_the_server_of_the_product_takes_a_machine_by_hand() -> None:
    who = parties()
    server = ServerChannel(who.server)
    _, machine = machine_by_hand()
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    server.receive_greeting_3(machine.greeting_3(b"up"))
    assert server.prove_machine(who.machine.credential) == b"up"
    assert machine.receive_greeting_4(server.greeting_4(b"down")) == b"down"


@pytest.mark.parametrize("words", OF_2, ids=said)
def test_a_message_2_that_says_otherwise_is_refused(words: dict[str, str]) -> None:
    who = parties()
    machine = MachineChannel(who.machine, who.trusted)
    _, server = server_by_hand(words)
    packet = server.receive_greeting_1(machine.greeting_1())
    with pytest.raises(RemoteProtocolError) as caught:
        machine.receive_greeting_2(packet)
    assert caught.value.code is ErrorCode.HANDSHAKE


@pytest.mark.parametrize("words", OF_3, ids=said)
def test_a_message_3_that_says_otherwise_is_refused(words: dict[str, str]) -> None:
    who = parties()
    server = ServerChannel(who.server)
    hand, machine = machine_by_hand()
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    packet = greeting_3(hand, Said(words))
    with pytest.raises(RemoteProtocolError) as caught:
        prove(server, packet)
    assert caught.value.code is ErrorCode.HANDSHAKE


def test_a_message_3_that_says_nothing_otherwise_is_taken() -> None:
    who = parties()
    server = ServerChannel(who.server)
    hand, machine = machine_by_hand()
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    assert prove(server, greeting_3(hand, NOTHING_ELSE)) == b"up"


def test_ead_in_message_4_is_well_sealed_and_too_long() -> None:
    who = parties()
    machine = MachineChannel(who.machine, who.trusted)
    hand, server = server_by_hand({})
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    server.receive_greeting_3(machine.greeting_3(b"up"))
    server.prove_machine(who.machine.credential)
    assert len(hand.message_4(NOTHING_ELSE)) == 9
    assert hand.message_4(Said({"ead": "00"}))[:1] == b"\x49"


def test_a_server_by_hand_refuses_a_machine_that_is_not_the_enrolled_one() -> None:
    who = parties()
    hand, machine = machine_by_hand()
    _, server = server_by_hand({})
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    with pytest.raises(RemoteProtocolError, match="message_3"):
        prove(server, greeting_3(hand, Said({"key": "other"})))
    assert who.machine.realm is who.server.realm


def test_keys_that_are_drawn_belong_to_what_they_are_drawn_for() -> None:
    assert drawn(b"a", b"b") == drawn(b"a", b"b")
    assert len({drawn(b"a", b"b"), drawn(b"ab"), drawn(b"", b"ab")}) == 3


def test_all_that_can_be_said_otherwise_is_tried_here() -> None:
    tried = {name for words in (*OF_2, *OF_3) for name in words}
    assert tried == SAYINGS


def greeting_3(hand: HandInitiator, otherwise: Said) -> bytes:
    message_3, prk_out = hand.message_3(otherwise)
    keys = derive_keys(prk_out)
    record = Records(keys.machine, keys.server).seal(PacketType.GREETING_3, b"up")
    return bytes([PacketType.GREETING_3]) + message_3 + record


def prove(server: ServerChannel | ServerEnd, packet: bytes) -> bytes:
    server.receive_greeting_3(packet)
    return server.prove_machine(parties().machine.credential)
