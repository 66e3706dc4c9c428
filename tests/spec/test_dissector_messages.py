"""Wireshark reads every message, by the dissector that is made from the codec's tables.

The octets come from the vectors, which a second implementation has made, and so do the
fields that tshark is to show.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from protocol.channel import ChannelKeys, PacketType
from protocol.channel.records import Records
from protocol.channel.schedule import DirectionKeys
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from protocol.link.segments import Segmenter
from protocol.messages import TABLES, Kind, MessageTable
from tests.seen import DOWN, UP
from tests.wireshark import (
    Fields,
    as_number,
    as_octets,
    dissect,
    write_frames,
    write_keys,
)

VECTORS: Final = Path(__file__).parents[2] / "protocol" / "vectors"
CALL: Final = json.loads((VECTORS / "call.json").read_text("utf-8"))
MESSAGES: Final = [
    vector
    for vector in json.loads((VECTORS / "dlg.json").read_text("utf-8"))["vectors"]
    if "message" in vector
]
TABLE_OF: Final = {table.type.name: table for table in TABLES}

G_X: Final = bytes(range(32))
GREETING_1: Final = b"\x01\x03\x02\x58\x20" + G_X + b"\x00"
KEYS: Final = ChannelKeys(
    DirectionKeys(b"m" * 16, b"n" * 13), DirectionKeys(b"s" * 16, b"t" * 13), b""
)


def expected(table: MessageTable, fields: dict[str, Any]) -> dict[str, int | bytes]:
    """The fields of a vector, octets as octets."""
    return {
        field.name: fields[field.name]
        if isinstance(fields[field.name], int)
        else bytes.fromhex(fields[field.name])
        for field in table.fields
    }


def shown(table: MessageTable, fields: Fields) -> dict[str, int | bytes]:
    """The fields of a message as tshark shows them."""
    found: dict[str, int | bytes] = {}
    for field in table.fields:
        (value,) = fields[f"fmp1.{table.type.name.lower()}.{field.name}"]
        if field.kind is Kind.LICENCE:
            found[field.name] = value.encode()
        elif field.kind in {Kind.OCTETS, Kind.SIGNATURE}:
            found[field.name] = as_octets(value)
        else:
            found[field.name] = as_number(value)
    return found


class Channel:
    """Frames of a link that carries records with keys of the test's choice."""

    def __init__(self) -> None:
        self.frames = [(UP, b"\x01\x3f"), (DOWN, b"\x01\x73")]
        self.ends: dict[int, dict[str, Any]] = {}
        self._machine = Records(KEYS.machine, KEYS.server)
        self._server = Records(KEYS.server, KEYS.machine)
        self._sent = {UP: 0, DOWN: 0}
        self.send(UP, GREETING_1)

    def say(self, vector: dict[str, Any], body: bytes) -> None:
        """Send a message in a RECORD; note in which frame it ends."""
        table = TABLE_OF[vector["message"]]
        by_machine = table.sender == "machine"
        records = self._machine if by_machine else self._server
        record = records.seal(PacketType.RECORD, body)
        self.send(UP if by_machine else DOWN, bytes([PacketType.RECORD]) + record)
        self.ends[len(self.frames) - 1] = vector

    def send(self, way: Any, packet: bytes) -> None:
        """Send a packet in frames of at most 256 octets."""
        other = DOWN if way is UP else UP
        segments = Segmenter()
        segments.add(packet)
        while not segments.is_empty:
            frame = Frame(
                FrameKind.INFORMATION,
                command=True,
                send_number=self._sent[way],
                receive_number=self._sent[other],
                information=segments.next(256),
            )
            self._sent[way] = (self._sent[way] + 1) % 8
            sender = Role.MACHINE if way is UP else Role.SERVER
            self.frames.append((way, encode_frame(frame, sender, 8)))


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The whole call of the vectors, as capture and key log."""
    folder = tmp_path_factory.mktemp("call")
    frames = [
        (UP if one["from"] == "machine" else DOWN, bytes.fromhex(octets))
        for one in CALL["line"]
        for octets in one["frames"]
    ]
    exported = {name: bytes.fromhex(value) for name, value in CALL["exported"].items()}
    keys = ChannelKeys(
        DirectionKeys(exported["machine_key"], exported["machine_iv"]),
        DirectionKeys(exported["server_key"], exported["server_iv"]),
        exported["binding"],
    )
    g_x = bytes.fromhex(CALL["packets"][0]["packet"])[5:37]
    capture = write_frames(folder / "call.pcapng", frames)
    return capture, write_keys(folder / "call.keys", g_x, keys)


def test_the_call_of_the_vectors_is_read_to_the_last_field(
    call: tuple[Path, Path],
) -> None:
    with_packets = [one for one in dissect(*call) if "fmp1.packet.type" in one]
    assert len(with_packets) == len(CALL["packets"])
    for fields, packet in zip(with_packets, CALL["packets"], strict=True):
        assert fields["fmp1.from"] == [packet["from"]]
        assert as_number(fields["fmp1.packet.type"][0]) == PacketType[packet["name"]]
        if "message" in packet:
            table = TABLE_OF[packet["message"]]
            assert as_octets(fields["fmp1.message"][0]).hex() == packet["body"]
            assert shown(table, fields) == expected(table, packet["fields"])
            assert fields["fmp1.record.encrypted"] == ["0"]
        assert not [name for name in fields if name.startswith("_ws.expert")]


def test_without_keys_the_records_are_encrypted_and_nothing_is_wrong(
    call: tuple[Path, Path],
) -> None:
    found = dissect(call[0])
    sealed = [one for one in found if "fmp1.record.counter" in one]
    assert len(sealed) == len([one for one in CALL["packets"] if "message" in one])
    assert {value for one in sealed for value in one["fmp1.record.encrypted"]} == {"1"}
    assert not [one for one in found if "fmp1.message" in one]
    assert not [name for one in found for name in one if name.startswith("_ws.expert")]


def test_every_message_of_the_vectors_is_shown_as_the_codec_reads_it(
    tmp_path: Path,
) -> None:
    """CONTENT takes three frames, so this is the test of joined segments as well."""
    assert {vector["message"] for vector in MESSAGES} == set(TABLE_OF)
    channel = Channel()
    for vector in MESSAGES:
        channel.say(vector, bytes.fromhex(vector["octets"]))
    found = dissect(
        write_frames(tmp_path / "all.pcapng", channel.frames),
        write_keys(tmp_path / "all.keys", G_X, KEYS),
    )
    assert not [name for one in found for name in one if name.startswith("_ws.expert")]
    for at, vector in channel.ends.items():
        table = TABLE_OF[vector["message"]]
        assert as_octets(found[at]["fmp1.message"][0]).hex() == vector["octets"]
        assert shown(table, found[at]) == expected(table, vector["fields"]), vector
    told = {at for at, one in enumerate(found) if "fmp1.message" in one}
    assert told == set(channel.ends)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("STATEMENT", lambda body: body[:-1], "STATEMENT has 160 octets, not 159"),
        ("STATEMENT", lambda body: body + b"\0", "STATEMENT has 160 octets, not 161"),
        ("VOUCHER", lambda body: b"\x20\x63" + body[2:], "kind has no such value"),
        ("VOUCHER", lambda body: body[:2] + b"n" + body[3:], "no licence identifier"),
        (
            "WANT",
            lambda body: b"\x99" + body[1:],
            "unknown message type [DLG-2.2]",
        ),
        (
            "RECEIPT",
            lambda body: body[:17] + b"\x00\x20" + bytes(6) + body[25:],
            "funds_paise is more than an amount can be",
        ),
    ],
)
def test_a_message_that_breaks_its_table_is_malformed(
    tmp_path: Path, name: str, change: Any, words: str
) -> None:
    vector = next(one for one in MESSAGES if one["message"] == name)
    channel = Channel()
    channel.say(vector, change(bytes.fromhex(vector["octets"])))
    found = dissect(
        write_frames(tmp_path / "a.pcapng", channel.frames),
        write_keys(tmp_path / "a.keys", G_X, KEYS),
    )
    messages = found[-1]["_ws.expert.message"]
    assert any(words in message for message in messages), messages


def test_an_elective_message_is_passed_over(tmp_path: Path) -> None:
    channel = Channel()
    channel.say(MESSAGES[0], b"\x40anything")
    found = dissect(
        write_frames(tmp_path / "a.pcapng", channel.frames),
        write_keys(tmp_path / "a.keys", G_X, KEYS),
    )
    assert found[-1]["fmp1.message.type"] == ["0x40"]
    assert "_ws.expert.message" not in found[-1]


def test_a_record_under_other_keys_does_not_verify(tmp_path: Path) -> None:
    channel = Channel()
    channel.say(MESSAGES[0], b"\x14" + bytes(12))
    others = ChannelKeys(KEYS.server, KEYS.machine, b"")
    found = dissect(
        write_frames(tmp_path / "a.pcapng", channel.frames),
        write_keys(tmp_path / "a.keys", G_X, others),
    )
    assert "fmp1.message" not in found[-1]
    assert found[-1]["_ws.expert.message"] == ["The record does not verify [CHAN-6.3]"]
