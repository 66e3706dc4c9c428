"""call.json: the witness makes a whole call, the parts of the product read the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.channel import PacketType
from protocol.channel.packets import packet_content
from protocol.channel.records import Records
from protocol.channel.schedule import DirectionKeys
from protocol.keys import Realm, SigningKey, verify
from protocol.link import Link, LinkDown, LinkEvent, LinkUp, MessageReceived, Role
from protocol.messages import SIGNATURE_OCTETS, decode_message
from tests.witness import call_vectors, chan_vectors

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
CALL: dict[str, Any] = json.loads((VECTORS / "call.json").read_text("utf-8"))
HEADS = {PacketType.GREETING_3: 27, PacketType.GREETING_4: 9, PacketType.RECORD: 0}
SIDES = {"machine": Role.MACHINE, "server": Role.SERVER}


def of(value: str) -> bytes:
    return bytes.fromhex(value)


def packets_of(side: str) -> list[bytes]:
    return [of(entry["packet"]) for entry in CALL["packets"] if entry["from"] == side]


def test_the_published_call_is_that_which_the_witness_makes() -> None:
    assert chan_vectors.encode(call_vectors.make()) == CALL


@pytest.mark.parametrize("side", ["machine", "server"])
def test_a_link_says_and_hears_every_octet_of_the_call(side: str) -> None:
    frames: list[str] = []
    events: list[LinkEvent] = []
    link = Link(SIDES[side], on_frame=lambda _way, frame: frames.append(frame.hex()))
    to_send = packets_of(side)
    link.connect(0.0)
    for turn in CALL["line"]:
        if turn["from"] != side:
            events += link.receive_octets(of(turn["octets"]), 0.0)
            continue
        for _ in range(sum(map(is_information, turn["frames"]))):
            link.send_message(to_send.pop(0), 0.0)
        if side == "machine" and not to_send:
            link.disconnect(0.0)
        assert link.octets_to_send().hex() == turn["octets"]

    other = "server" if side == "machine" else "machine"
    heard = [e.octets for e in events if isinstance(e, MessageReceived)]
    assert heard == packets_of(other)
    assert isinstance(events[0], LinkUp)
    assert isinstance(events[-1], LinkDown)
    assert frames == [frame for turn in CALL["line"] for frame in turn["frames"]]


def is_information(frame: str) -> bool:
    return of(frame)[1] & 1 == 0


def records() -> dict[str, Records]:
    keys = {name: of(value) for name, value in CALL["exported"].items()}
    machine = DirectionKeys(keys["machine_key"], keys["machine_iv"])
    server = DirectionKeys(keys["server_key"], keys["server_iv"])
    return {"machine": Records(machine, server), "server": Records(server, machine)}


def test_every_record_holds_the_message_that_the_call_names() -> None:
    ends = records()
    for entry in CALL["packets"][2:]:
        kind = PacketType[entry["name"]]
        record = packet_content(of(entry["packet"]), kind)[HEADS[kind] :]
        other = "server" if entry["from"] == "machine" else "machine"
        body = ends[other].open(kind, record)

        assert body.hex() == entry["body"]
        assert ends[entry["from"]].seal(kind, body) == record
        message = decode_message(body)
        assert message is not None
        assert message.TABLE.type.name == entry["message"]
        assert message.encode() == body


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("STATEMENT", CALL["machine"]["signing_private"]),
        ("CONFIRMATION", CALL["machine"]["signing_private"]),
        ("VOUCHER", CALL["server"]["credit_private"]),
    ],
)
def test_what_is_signed_verifies_with_the_binding_of_the_call(
    name: str, key: str
) -> None:
    body = next(of(e["body"]) for e in CALL["packets"] if e.get("message") == name)
    bound = b"" if name == "VOUCHER" else of(CALL["exported"]["binding"])
    octets, signature = body[:-SIGNATURE_OCTETS], body[-SIGNATURE_OCTETS:]
    public = SigningKey(of(key)).public

    assert verify(public, name, Realm.TEST, bound + octets, signature)
