"""DLG-2: every message is its table to the octet, and nothing else is a message."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.messages import (
    CONTENT_OCTETS_MAX,
    CONTENT_PART_OCTETS,
    TABLES,
    ContentPart,
    Kind,
    Message,
    MessageTable,
    MessageType,
    Usage,
    UsageRow,
    Want,
    decode_message,
)
from protocol.messages.bodies import MESSAGES
from protocol.values import AMOUNT_PAISE_MAX, Paise

VECTORS = json.loads(
    (Path(__file__).parents[2] / "protocol" / "vectors" / "dlg.json").read_text("utf-8")
)["vectors"]
MESSAGE_VECTORS = [vector for vector in VECTORS if "octets" in vector]


def octets_of(vector: dict[str, str]) -> bytes:
    return bytes.fromhex(vector["octets"])


def code_of(octets: bytes) -> ErrorCode:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_message(octets)
    return caught.value.code


def test_every_message_type_has_a_vector() -> None:
    seen = {MessageType[vector["message"]] for vector in MESSAGE_VECTORS}
    assert seen == set(MESSAGES)
    assert seen == {table.type for table in TABLES}


@pytest.mark.parametrize("vector", MESSAGE_VECTORS, ids=lambda v: v["id"])
def test_a_vector_is_read_and_written_to_the_octet(vector: dict[str, str]) -> None:
    octets = octets_of(vector)
    message = decode_message(octets)
    assert message is not None
    assert message.encode() == octets
    assert message.TABLE.type.name == vector["message"]
    fields = message._to_fields()
    for name, value in vector["fields"].items():  # type: ignore[attr-defined]
        held = fields[name]
        assert (held.hex() if isinstance(held, bytes) else held) == value, name


@pytest.mark.parametrize("vector", MESSAGE_VECTORS, ids=lambda v: v["id"])
def test_truncated_and_trailing_octets_are_malformed(vector: dict[str, str]) -> None:
    octets = octets_of(vector)
    for length in range(len(octets)):
        assert code_of(octets[:length]) is ErrorCode.MALFORMED
    for trailing in (b"\0", octets, bytes(1000)):
        assert code_of(octets + trailing) is ErrorCode.MALFORMED


@pytest.mark.parametrize("vector", MESSAGE_VECTORS, ids=lambda v: v["id"])
def test_a_flipped_bit_gives_another_message_or_a_protocol_error(
    vector: dict[str, str],
) -> None:
    octets = octets_of(vector)
    original = decode_message(octets)
    for bit in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            message = decode_message(bytes(flipped))
        except RemoteProtocolError:
            continue
        assert message is None or message != original


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.type.name)
def test_an_amount_above_its_limit_is_malformed(table: MessageTable) -> None:
    vector = next(v for v in MESSAGE_VECTORS if v["message"] == table.type.name)
    offset = 1
    for field in table.fields:
        if field.kind is Kind.AMOUNT:
            octets = bytearray(octets_of(vector))
            octets[offset : offset + 8] = (AMOUNT_PAISE_MAX + 1).to_bytes(8, "big")
            assert code_of(bytes(octets)) is ErrorCode.MALFORMED
        offset += field.octets


def test_an_elective_type_is_ignored_and_any_other_unknown_type_is_not() -> None:
    for kind in range(256):
        octets = bytes([kind, 1, 2, 3])
        if 0x40 <= kind <= 0x7F:
            assert decode_message(octets) is None
        elif kind in MESSAGES:
            assert code_of(octets) is ErrorCode.MALFORMED
        else:
            assert code_of(octets) is ErrorCode.UNEXPECTED


def test_an_empty_record_is_malformed() -> None:
    assert code_of(b"") is ErrorCode.MALFORMED


@given(st.binary(max_size=200))
def test_random_octets_are_a_message_or_a_protocol_error(octets: bytes) -> None:
    try:
        message = decode_message(octets)
    except RemoteProtocolError:
        return
    assert message is None or message.encode() == octets


def test_100_000_mutations_of_every_message_raise_nothing_else() -> None:
    generator = random.Random(1)
    bodies = [octets_of(vector) for vector in MESSAGE_VECTORS]
    for _ in range(100_000):
        octets = bytearray(generator.choice(bodies))
        for _ in range(generator.randint(1, 4)):
            octets[generator.randrange(len(octets))] = generator.randrange(256)
        if generator.random() < 0.2:
            del octets[generator.randrange(len(octets)) :]
        try:
            message = decode_message(bytes(octets))
        except RemoteProtocolError:
            continue
        assert message is None or message.encode() == bytes(octets)


def test_a_usage_row_after_an_empty_one_is_malformed() -> None:
    octets = bytearray(Usage(1, 1, 1, (UsageRow(1, 2, Paise(3)),)).encode())
    octets[7 + 13] = 0
    octets[7 + 26] = 2
    assert code_of(bytes(octets)) is ErrorCode.MALFORMED


@pytest.mark.parametrize(
    ("offset", "total", "data"),
    [
        (0, 0, b"\1"),
        (0, 0, bytes(511) + b"\1"),
        (0, 100, bytes(100) + b"\1"),
        (0, CONTENT_OCTETS_MAX + 1, b""),
        (0, 2**32 - 1, b""),
        (1, 1024, b""),
        (511, 1024, b""),
        (512, 512, b""),
        (1024, 612, b""),
        (2**32 - 512, CONTENT_OCTETS_MAX, b""),
    ],
)
def test_a_content_that_can_be_no_part_is_malformed(
    offset: int, total: int, data: bytes
) -> None:
    octets = b"".join(
        (
            bytes([MessageType.CONTENT]),
            bytes(8),
            offset.to_bytes(4, "big"),
            total.to_bytes(4, "big"),
            data.ljust(CONTENT_PART_OCTETS, b"\0"),
        )
    )
    assert code_of(octets) is ErrorCode.MALFORMED


@given(
    st.binary(max_size=3 * CONTENT_PART_OCTETS),
    st.integers(0, 2**32 - 1) | st.integers(0, 4).map(CONTENT_PART_OCTETS.__mul__),
)
def test_a_part_that_is_cut_is_read_as_it_was(content: bytes, offset: int) -> None:
    part = ContentPart.cut(7, offset, content)
    assert ContentPart.decode(part.encode()) == part
    here = offset % CONTENT_PART_OCTETS == 0 and offset < len(content)
    assert part.total == (len(content) if here else 0)
    assert part.data == (content[offset : offset + 512] if here else b"")


def test_a_part_of_another_length_is_our_own_bug() -> None:
    for part in (
        ContentPart(1, 0, 612, bytes(511)),
        ContentPart(1, 512, 612, bytes(512)),
        ContentPart(1, 0, 0, b"\0"),
        ContentPart(1, 100, 612, bytes(512)),
        ContentPart(-1, 0, 0, b""),
    ):
        with pytest.raises(LocalProtocolError):
            part.encode()
    with pytest.raises(LocalProtocolError):
        ContentPart.cut(1, 0, bytes(CONTENT_OCTETS_MAX + 1))
    with pytest.raises(LocalProtocolError):
        Want(2**64, 0).encode()


def test_a_value_too_large_for_its_field_is_our_own_bug() -> None:
    for rows in ((UsageRow(256, 0, Paise(0)),), (UsageRow(1, -1, Paise(0)),) * 5):
        with pytest.raises(LocalProtocolError):
            Usage(1, 1, 1, rows).encode()


def test_a_message_class_refuses_the_octets_of_another() -> None:
    for vector in MESSAGE_VECTORS:
        for message in MESSAGES.values():
            if message.TABLE.type.name == vector["message"]:
                continue
            with pytest.raises(RemoteProtocolError):
                decode_as(message, octets_of(vector))


def decode_as(message: type[Message], octets: bytes) -> Message:
    return message.decode(octets)
