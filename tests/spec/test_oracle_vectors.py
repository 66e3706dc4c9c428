"""The reader of traffic, written from SPEC.md alone, against the vectors."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.oracle.books import open_book
from tests.oracle.channel import Secrets
from tests.oracle.money import Judge
from tests.oracle.octets import Deframer, Way
from tests.oracle.secrets import followed, read_key_log, with_binding
from tests.oracle.witness import Heard, Witness
from tests.witness.edhoc_peer import EdhocPeerError, Party, public_x
from tests.witness.spec_keys import MachinePaper, Maker, ServerPaper, public_point

VECTORS: Final = Path(__file__).parents[2] / "protocol" / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


LINK: Final = load("link.json")["vectors"]
CALL: Final = load("call.json")
PACKETS: Final = [bytes.fromhex(one["packet"]) for one in CALL["packets"]]


def of(end: str, name: str) -> bytes:
    return bytes.fromhex(CALL[end][name])


def party(end: str) -> Party:
    private = of(end, "dh_private")
    return Party(of(end, "kid"), of(end, "ccs"), public_x(private), private)


def secrets() -> Secrets:
    """Those of the call, from the machine's keys and the octets of the greetings."""
    return followed(
        PACKETS[:4], party("machine"), of("machine", "ephemeral"), party("server")
    )


def heard(known: dict[bytes, Secrets]) -> list[Heard]:
    witness = Witness(known)
    return [
        one
        for portion in CALL["line"]
        for one in witness.hear(
            0.0, 1, Way(portion["from"]), bytes.fromhex(portion["octets"])
        )
    ]


def judge() -> Judge:
    """A judge who has the papers of the vectors' machine and server."""
    ends = {end: public_point(of(end, "dh_private")) for end in ("machine", "server")}
    statement = CALL["packets"][2]["fields"]
    machine = MachinePaper(
        *("T", "N123456", "PSD00001", "MODEL", "1.0.0"),
        ends["machine"],
        public_point(of("machine", "signing_private")),
        ascending_paise=0,
        descending_paise=statement["control_total_paise"],
        items=0,
        zero_items=0,
        recharge_number=statement["recharge_number"],
        generation=1,
        issued_s=0,
    )
    server = ServerPaper(
        *("T", 5, "rmfs.example", ends["server"], CALL["server"]["credit_key"]),
        public_point(of("server", "credit_private")),
        0,
    )
    book = open_book(machine, [server])
    book.mark = bytes.fromhex(statement["mark"])
    return Judge(book, Maker(bytes(64), "T", "NOBODY"))


@pytest.mark.parametrize("vector", LINK, ids=lambda vector: vector["id"])
def test_the_frames_are_found_and_the_rest_is_told(vector: Any) -> None:
    deframer = Deframer()
    deframer.accm = vector["accm"]
    octets = bytes.fromhex(vector["octets"])
    pieces = list(deframer.pieces(octets))
    assert [one.frame.hex() for one in pieces if one.frame] == vector["frames"]
    told = b"".join(one.octets for one in pieces)
    assert told == octets.replace(b"\x7e", b"")


def test_the_handshake_of_the_vector_is_followed_to_its_keys() -> None:
    exported = {name: bytes.fromhex(it) for name, it in CALL["exported"].items()}
    assert secrets() == Secrets(
        {
            Way.MACHINE: (exported["machine_key"], exported["machine_iv"]),
            Way.SERVER: (exported["server_key"], exported["server_iv"]),
        },
        exported["binding"],
    )


@pytest.mark.parametrize("number", range(4))
def test_a_greeting_with_one_bit_changed_is_not_followed(number: int) -> None:
    greetings = list(PACKETS[:4])
    octets = bytearray(greetings[number])
    octets[9] ^= 1
    greetings[number] = bytes(octets)
    with pytest.raises(EdhocPeerError):
        followed(
            greetings, party("machine"), of("machine", "ephemeral"), party("server")
        )


def test_every_packet_and_field_of_the_call_is_read() -> None:
    found = [
        one for each in heard({PACKETS[0][5:37]: secrets()}) for one in each.packets
    ]
    assert [one.octets for one in found] == PACKETS
    for packet, vector in zip(found, CALL["packets"], strict=True):
        assert (packet.name, packet.fault) == (vector["name"], 0)
        if "message" in vector:
            assert packet.message is not None
            assert packet.message.name == vector["message"]
            shown = {
                name: value.hex() if isinstance(value, bytes) else value
                for name, value in packet.message.fields.items()
            }
            assert shown == vector["fields"]


def test_a_key_log_opens_the_same_records() -> None:
    keys = secrets().keys
    octets = [PACKETS[0][5:37], *keys[Way.MACHINE], *keys[Way.SERVER]]
    line = " ".join(["FMP1_RECORDS", *(one.hex() for one in octets)])
    known = read_key_log(["# a remark", "", line])
    assert {g_x: with_binding(it, secrets().binding) for g_x, it in known.items()} == {
        PACKETS[0][5:37]: secrets()
    }
    with pytest.raises(ValueError, match="FMP1_RECORDS G_X"):
        read_key_log([line + "00"])


def test_the_money_of_the_call_is_in_order() -> None:
    court = judge()
    for one in heard({PACKETS[0][5:37]: secrets()}):
        court.take(one)
    assert court.findings == []
