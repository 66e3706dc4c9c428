"""chan.json: the witness makes it, the product reads the same out of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.channel.packets import PacketType, packet_content
from protocol.channel.profile import (
    check_message_1,
    check_message_2,
    check_message_3,
    check_message_4,
)
from protocol.channel.records import Records
from protocol.channel.schedule import (
    LABEL_BINDING,
    LABEL_MACHINE_IV,
    LABEL_MACHINE_KEY,
    LABEL_SERVER_IV,
    LABEL_SERVER_KEY,
    derive_keys,
)
from protocol.keys import Realm, encode_ccs, public_point
from tests.witness import chan_vectors

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
CHAN: dict[str, Any] = json.loads((VECTORS / "chan.json").read_text("utf-8"))

channels = pytest.mark.parametrize(
    "vector", CHAN["channels"], ids=[v["name"] for v in CHAN["channels"]]
)


def of(value: str) -> bytes:
    return bytes.fromhex(value)


def test_the_published_vectors_are_those_that_the_witness_makes() -> None:
    assert chan_vectors.encode(chan_vectors.make()) == CHAN


def test_the_labels_are_those_of_the_vectors() -> None:
    assert {name: entry["label"] for name, entry in CHAN["labels"].items()} == {
        "machine_key": LABEL_MACHINE_KEY,
        "machine_iv": LABEL_MACHINE_IV,
        "server_key": LABEL_SERVER_KEY,
        "server_iv": LABEL_SERVER_IV,
        "binding": LABEL_BINDING,
    }


@channels
def test_the_credentials_are_built_from_the_same_few_values(
    vector: dict[str, Any],
) -> None:
    for side in ("machine", "server"):
        ccs = of(vector[side]["ccs"])
        length = ccs[2] - 0x60
        letter, subject = ccs[3 : 3 + length].decode("ascii").split(":")
        realm = Realm(ord(letter))
        point = public_point(of(vector[side]["dh_private"]))
        assert encode_ccs(realm, subject, of(vector[side]["kid"]), point) == ccs


@channels
def test_the_messages_pass_the_checks_before_the_library(
    vector: dict[str, Any],
) -> None:
    check_message_1(of(vector["message_1"]))
    check_message_2(of(vector["message_2"]))
    check_message_3(of(vector["message_3"]))
    check_message_4(of(vector["message_4"]))
    names = ("message_1", "message_2", "message_3", "message_4")
    assert sum(len(of(vector[name])) for name in names) == 118


@channels
def test_the_exported_keys_come_from_prk_out(vector: dict[str, Any]) -> None:
    keys = derive_keys(of(vector["prk_out"]))

    assert {
        "machine_key": keys.machine.key.hex(),
        "machine_iv": keys.machine.iv.hex(),
        "server_key": keys.server.key.hex(),
        "server_iv": keys.server.iv.hex(),
        "binding": keys.binding.hex(),
    } == vector["exported"]


@channels
def test_every_record_is_sealed_and_opened_as_in_the_vectors(
    vector: dict[str, Any],
) -> None:
    keys = derive_keys(of(vector["prk_out"]))
    machine = Records(keys.machine, keys.server)
    server = Records(keys.server, keys.machine)
    heads = {
        PacketType.GREETING_3: of(vector["message_3"]),
        PacketType.GREETING_4: of(vector["message_4"]),
        PacketType.RECORD: b"",
    }
    for entry in vector["packets"][2:]:
        sender, receiver = machine, server
        if entry["from"] == "server":
            sender, receiver = server, machine
        kind = PacketType[entry["name"]]
        head, body = heads[kind], of(entry["body"])

        content = packet_content(of(entry["packet"]), kind)

        assert content[: len(head)] == head
        record = content[len(head) :]
        assert int.from_bytes(record[:2], "big") == entry["counter"]
        assert sender.seal(kind, body) == record
        assert receiver.open(kind, record) == body
