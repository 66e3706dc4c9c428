"""The witness itself is checked first: against the published trace, in both roles."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.witness.edhoc_peer import EdhocPeerError, Initiator, Party, Responder

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
TRACE: dict[str, Any] = json.loads((VECTORS / "rfc9529.json").read_text("utf-8"))


def of(name: str) -> bytes:
    return bytes.fromhex(TRACE[name])


def party(side: str) -> Party:
    # The x-coordinate stands in the credential behind its label: -2 (0x21), bstr 32.
    cred = of(f"cred_{side}")
    at = cred.index(b"\x21\x58\x20") + 3
    return Party(of(f"kid_{side}"), cred, cred[at : at + 32], of(f"sk_{side}"))


def initiator() -> Initiator:
    return Initiator(
        party("i"), ephemeral=of("x"), c_i=of("c_i"), suites_i=of("suites_i")
    )


def responder() -> Responder:
    return Responder(party("r"), ephemeral=of("y"), c_r=of("c_r"))


def test_the_witness_reproduces_every_message_and_key_of_rfc_9529_section_3() -> None:
    peer_i, peer_r = initiator(), responder()

    assert peer_i.message_1 == of("message_1")
    peer_r.receive_1(peer_i.message_1)
    message_2 = peer_r.message_2()
    assert message_2 == of("message_2")
    assert peer_i.receive_2(message_2, {of("kid_r"): party("r")}) == of("kid_r")
    message_3 = peer_i.message_3()
    assert message_3 == of("message_3")
    assert peer_r.receive_3(message_3, {of("kid_i"): party("i")}) == of("kid_i")
    message_4 = peer_r.message_4()
    assert message_4 == of("message_4")
    peer_i.receive_4(message_4)

    for side in (peer_i, peer_r):
        for name in (
            "th_2",
            "prk_2e",
            "prk_3e2m",
            "th_3",
            "prk_4e3m",
            "th_4",
            "prk_out",
        ):
            assert getattr(side, name) == of(name), name
        for case in TRACE["exporter"]:
            output = side.exporter(
                case["label"], bytes.fromhex(case["context"]), case["length"]
            )
            assert output.hex() == case["output"]


def refuse_2(octets: bytes) -> None:
    peer_i = initiator()
    peer_i.receive_2(octets, {of("kid_r"): party("r")})


def refuse_3(octets: bytes) -> None:
    peer_r = responder()
    peer_r.receive_1(of("message_1"))
    peer_r.message_2()
    peer_r.receive_3(octets, {of("kid_i"): party("i")})


def refuse_4(octets: bytes) -> None:
    peer_i = initiator()
    peer_i.receive_2(of("message_2"), {of("kid_r"): party("r")})
    peer_i.message_3()
    peer_i.receive_4(octets)


@pytest.mark.parametrize(
    ("name", "receive"),
    [("message_2", refuse_2), ("message_3", refuse_3), ("message_4", refuse_4)],
)
def test_the_witness_refuses_every_flipped_bit_of_the_trace(
    name: str, receive: Callable[[bytes], None]
) -> None:
    receive(of(name))
    for bit in range(8 * len(of(name))):
        octets = bytearray(of(name))
        octets[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EdhocPeerError):
            receive(bytes(octets))
