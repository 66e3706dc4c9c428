"""Two readers judge one message alike: the product's, and one from the text alone.

Each message of the vectors is taken as it is and with any one octet replaced, cut
short and made longer: both readers take it, or refuse it with the same code (DLG-2).
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from protocol.dialogue.server import check_version
from protocol.errors import RemoteProtocolError
from protocol.messages import decode_message
from tests.oracle.channel import read_message

VECTORS: Final = json.loads(
    (Path(__file__).parents[2] / "protocol" / "vectors" / "dlg.json").read_text()
)["vectors"]
MESSAGES: Final = {
    vector["message"]: bytes.fromhex(vector["octets"])
    for vector in VECTORS
    if "message" in vector
}
OCTETS: Final = (*range(12), 0x10, 0x1F, 0x20, 0x21, 0x25, 0x40, 0x5B, 0x7F, 0x80, 0xFF)


def judged_by_product(body: bytes) -> int:
    """The code of the ERROR that a body deserves, 0 for none."""
    try:
        check_version(body)
        decode_message(body)
    except RemoteProtocolError as error:
        return int(error.code)
    return 0


def changed(body: bytes) -> list[bytes]:
    """A body with one octet replaced at each place, and of other lengths."""
    replaced = [
        body[:at] + bytes([octet]) + body[at + 1 :]
        for at, was in enumerate(body)
        for octet in {*OCTETS, was ^ 1, (was + 1) % 0x100}
    ]
    return [body, *replaced, body[:1], body[:-1], body + b"\x00"]


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_and_what_is_near_it_are_judged_alike(name: str) -> None:
    bodies = changed(MESSAGES[name])
    found: dict[str, Any] = {
        body.hex(): (read_message(body).fault, judged_by_product(body))
        for body in bodies
    }
    assert {body: codes for body, codes in found.items() if codes[0] != codes[1]} == {}
    assert {0, 1} <= {code for code, _ in found.values()}
