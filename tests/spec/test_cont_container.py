"""CONT-1 and CONT-2: any octets are a content or a ContentError, and nothing else."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.contents import (
    BODY_OCTETS_MAX,
    CONTENT_OCTETS_MAX,
    HEAD_OCTETS,
    Body,
    Content,
    ContentError,
    ContentFault,
    ContentKind,
    content_id,
    make_content,
    read_body,
    read_content,
    write_content,
)
from protocol.errors import LocalProtocolError
from protocol.keys import MakerKey, Realm, SigningKey, sign
from protocol.values import EpochSeconds
from tests.spec.contents import (
    BODIES,
    CREDIT_KEY,
    ISSUED,
    MAKER,
    SLOGAN,
    TARIFF,
    bodies,
    server,
)

ANOTHER = MakerKey("Other", Realm.TEST, SigningKey(bytes(31) + b"\x11"))
SIGNED = write_content(make_content(SLOGAN, Realm.TEST, ISSUED), MAKER)


def fault_of(octets: bytes) -> ContentFault:
    with pytest.raises(ContentError) as caught:
        read_content(octets, MAKER.public)
    return caught.value.fault


def signed(covered: bytes) -> bytes:
    return covered + sign(MAKER.signing, "CONTENT", Realm.TEST, covered)


def altered(offset: int, octets: bytes) -> bytes:
    """Change the head of a content and sign it as its maker would."""
    covered = SIGNED[:-64]
    return signed(covered[:offset] + octets + covered[offset + len(octets) :])


def test_a_content_has_these_octets() -> None:
    content = make_content(TARIFF, Realm.TEST, ISSUED, model="RMFS-S1")

    octets = write_content(content, MAKER)

    body = TARIFF.to_body()
    assert octets[:40] == bytes.fromhex(
        "464d5043 01 10 54 00 524d46532d5331000000000000000000 00000007"
        "6ab13b80 68dc21a8"
    ) + len(body).to_bytes(4, "big")
    assert octets[40:-64] == body
    assert len(octets[40 + len(body) :]) == 64


@given(bodies(), st.sampled_from(["", "RMFS-S1", "a machine 16 oct"]))
def test_what_is_written_is_read_back(body: Body, model: str) -> None:
    content = make_content(body, Realm.TEST, ISSUED, model=model)

    octets = write_content(content, MAKER)
    read = read_content(octets, MAKER.public)

    assert read == content
    assert read_body(read) == body
    assert read.content_id == content_id(octets)


def test_a_content_id_is_the_start_of_its_sha_256() -> None:
    digest = hashlib.sha256(SIGNED).digest()
    assert content_id(SIGNED) == int.from_bytes(digest[:8], "big")


def test_a_content_that_is_not_signed_has_no_id() -> None:
    with pytest.raises(LocalProtocolError, match="when it is signed"):
        _ = make_content(SLOGAN, Realm.TEST, ISSUED).content_id


def test_every_flipped_bit_of_a_content_is_found() -> None:
    for position in range(len(SIGNED) * 8):
        octets = bytearray(SIGNED)
        octets[position // 8] ^= 0x80 >> position % 8
        with pytest.raises(ContentError):
            read_content(bytes(octets), MAKER.public)


def test_every_content_cut_short_or_with_an_octet_too_much_is_found() -> None:
    for length in range(len(SIGNED)):
        assert fault_of(SIGNED[:length]) is ContentFault.SIZE
    assert fault_of(SIGNED + b"\x00") is ContentFault.SIZE


@given(st.binary(max_size=300))
def test_any_octets_are_refused_with_a_content_error(octets: bytes) -> None:
    with pytest.raises(ContentError):
        read_content(octets, MAKER.public)
    with pytest.raises(ContentError):
        read_content(SIGNED[:8] + octets, MAKER.public)


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"FMPX" + SIGNED[4:], ContentFault.FORM),
        (altered(4, b"\x02"), ContentFault.FORM),
        (altered(7, b"\x01"), ContentFault.FORM),
        (altered(6, b"P"), ContentFault.REALM),
        (altered(5, b"\x0f"), ContentFault.FORM),
        (altered(5, b"\x14"), ContentFault.FORM),
        (altered(8, b"\x00model"), ContentFault.FORM),
        (altered(8, b" model"), ContentFault.FORM),
        (altered(8, b"\xff"), ContentFault.FORM),
        (altered(36, bytes(4)), ContentFault.SIZE),
        (altered(36, b"\xff" * 4), ContentFault.SIZE),
        (SIGNED[:-1] + bytes([SIGNED[-1] ^ 1]), ContentFault.SIGNATURE),
        (SIGNED[:-64] + bytes(64), ContentFault.SIGNATURE),
        (bytes(CONTENT_OCTETS_MAX + 1), ContentFault.SIZE),
    ],
)
def test_each_fault_has_its_name(octets: bytes, fault: ContentFault) -> None:
    assert fault_of(octets) is fault


def test_a_content_of_another_maker_is_refused() -> None:
    octets = write_content(make_content(SLOGAN, Realm.TEST, ISSUED), ANOTHER)
    assert fault_of(octets) is ContentFault.SIGNATURE


def test_the_same_key_in_the_other_realm_verifies_nothing() -> None:
    production = MakerKey("Maker", Realm.PRODUCTION, MAKER.signing)

    with pytest.raises(ContentError) as caught:
        read_content(SIGNED, production.public)
    assert caught.value.fault is ContentFault.REALM

    with pytest.raises(LocalProtocolError, match="own realm"):
        write_content(make_content(SLOGAN, Realm.TEST, ISSUED), production)


def test_a_signature_for_another_purpose_is_none_for_a_content() -> None:
    covered = SIGNED[:-64]
    provisioning = sign(MAKER.signing, "PROVISIONING", Realm.TEST, covered)
    assert fault_of(covered + provisioning) is ContentFault.SIGNATURE


def test_the_longest_body_makes_the_longest_content() -> None:
    longest = Content(
        ContentKind.FIRMWARE,
        Realm.TEST,
        "",
        1,
        ISSUED,
        EpochSeconds(0),
        bytes(BODY_OCTETS_MAX),
    )

    octets = write_content(longest, MAKER)

    assert len(octets) == CONTENT_OCTETS_MAX == 65_536
    assert HEAD_OCTETS == 40
    assert read_content(octets, MAKER.public) == longest
    with pytest.raises(LocalProtocolError, match="65433 octets"):
        replace(longest, body=bytes(BODY_OCTETS_MAX + 1))


@pytest.mark.parametrize("field", ["number", "issued", "valid_from"])
@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_number_that_the_head_cannot_hold_is_our_own_fault(
    field: str, value: int
) -> None:
    content = make_content(SLOGAN, Realm.TEST, ISSUED)
    with pytest.raises(LocalProtocolError, match=field):
        replace(content, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["a" * 17, " a", "a ", "a\x00", "\u0928"])
def test_a_model_that_the_head_cannot_hold_is_our_own_fault(model: str) -> None:
    with pytest.raises(LocalProtocolError, match="is no model"):
        make_content(SLOGAN, Realm.TEST, ISSUED, model=model)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.kind.name)
@pytest.mark.parametrize("field", ["number", "valid_from"])
def test_head_and_body_say_the_same(body: Body, field: str) -> None:
    content = make_content(body, Realm.TEST, ISSUED)
    other = replace(content, **{field: 99})  # type: ignore[arg-type]

    with pytest.raises(ContentError) as caught:
        read_body(read_content(write_content(other, MAKER), MAKER.public))

    assert caught.value.fault is ContentFault.DIFFERS
    assert field in str(caught.value)


def test_a_credit_key_of_the_other_realm_is_refused() -> None:
    content = make_content(
        replace(CREDIT_KEY, server=server(2, Realm.PRODUCTION)), Realm.TEST, ISSUED
    )
    with pytest.raises(ContentError) as caught:
        read_body(content)
    assert caught.value.fault is ContentFault.DIFFERS


@pytest.mark.parametrize("kind", ContentKind)
@given(body=st.binary(max_size=200))
def test_any_signed_octets_as_a_body_are_refused_with_a_content_error(
    kind: ContentKind, body: bytes
) -> None:
    content = Content(kind, Realm.TEST, "", 1, ISSUED, EpochSeconds(0), body)
    with pytest.raises(ContentError) as caught:
        read_body(content)
    assert caught.value.fault is ContentFault.BODY
