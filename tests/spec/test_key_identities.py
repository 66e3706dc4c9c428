"""KEY-1, KEY-2, KEY-6, KEY-10 and CHAN-3: who holds what, and the octets of it."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from protocol.errors import LocalProtocolError
from protocol.keys import (
    MACHINE_IMAGE_OCTETS,
    CreditKey,
    KeyMaterialError,
    MachineIdentity,
    MakerKey,
    Realm,
    ServerIdentity,
    SigningKey,
    credential_hash,
    decode_realm,
)
from protocol.values import LicenceIdentifier
from tests.spec.chan_parties import N123456, SeededEntropy, parties

US = parties()


def test_the_credential_of_a_machine_is_these_octets() -> None:
    point = US.machine.credential.dh_point

    assert US.machine.ccs == (
        b"\xa2\x02\x6aT:PSD00001\x08\xa1\x01\xa5\x01\x02\x02\x47N123456\x20\x01"
        b"\x21\x58\x20" + point.x + b"\x22\x58\x20" + point.y
    )


def test_the_credential_of_a_server_is_these_octets() -> None:
    point = US.server.credential.dh_point

    assert US.server.ccs == (
        b"\xa2\x02\x6eT:rmfs.example\x08\xa1\x01\xa5\x01\x02\x02\x41\x05\x20\x01"
        b"\x21\x58\x20" + point.x + b"\x22\x58\x20" + point.y
    )


def test_a_credential_hash_is_the_first_eight_octets_of_sha_256() -> None:
    credential = US.machine.credential

    assert credential.credential_hash == sha256(credential.ccs).digest()[:8]
    assert credential_hash(credential.ccs) == credential.credential_hash


def test_another_realm_is_another_credential() -> None:
    production = US.in_realm(Realm.PRODUCTION)

    assert production.machine.ccs != US.machine.ccs
    assert production.server.ccs != US.server.ccs
    assert b"P:PSD00001" in production.machine.ccs


def test_keys_of_one_realm_never_verify_what_the_other_signed() -> None:
    production = US.in_realm(Realm.PRODUCTION)
    by_machine = US.machine.sign("STATEMENT", b"octets")
    by_credit = US.credit.sign("VOUCHER", b"octets")

    assert US.machine.credential.verify("STATEMENT", b"octets", by_machine)
    assert US.trusted.verify(1, "VOUCHER", b"octets", by_credit)
    assert not production.machine.credential.verify("STATEMENT", b"octets", by_machine)
    assert not production.trusted.verify(1, "VOUCHER", b"octets", by_credit)


def test_a_credit_key_verifies_under_its_own_id_alone_and_can_be_retired() -> None:
    second = CreditKey.generate(2, Realm.TEST, SeededEntropy("second credit key"))
    trusted = US.trusted.with_credit_key(2, second.signing.public)
    signature = second.sign("VOUCHER", b"octets")

    assert trusted.verify(2, "VOUCHER", b"octets", signature)
    assert not trusted.verify(1, "VOUCHER", b"octets", signature)
    assert not trusted.verify(3, "VOUCHER", b"octets", signature)
    assert not trusted.without_credit_key(2).verify(2, "VOUCHER", b"octets", signature)
    assert trusted.without_credit_key(2) == US.trusted


def test_the_same_entropy_makes_the_same_machine_and_other_entropy_another() -> None:
    def made(seed: str) -> MachineIdentity:
        return MachineIdentity.generate(
            N123456, "PSD00001", Realm.TEST, SeededEntropy(seed)
        )

    assert made("a") == made("a")
    assert made("a").dh_private != made("b").dh_private


def test_a_machine_never_signs_with_the_key_it_agrees_with() -> None:
    with pytest.raises(KeyMaterialError, match="another key"):
        replace(US.machine, signing=SigningKey(US.machine.dh_private))


def test_a_stored_machine_identity_comes_back_whole() -> None:
    identity = replace(US.machine, generation=0x0102)

    image = identity.encode()

    assert len(image) == MACHINE_IMAGE_OCTETS == 92
    assert image[:20] == b"\x01TN123456PSD00001\x01\x02\x00"
    assert image[20:52] == identity.dh_private
    assert image[52:84] == identity.signing.scalar
    assert MachineIdentity.decode(image) == identity


def test_a_stored_machine_identity_is_refused_when_any_bit_is_wrong() -> None:
    image = US.machine.encode()
    for bit in range(8 * len(image)):
        changed = bytearray(image)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KeyMaterialError):
            MachineIdentity.decode(bytes(changed))
    for length in range(len(image)):
        with pytest.raises(KeyMaterialError):
            MachineIdentity.decode(image[:length])
    with pytest.raises(KeyMaterialError):
        MachineIdentity.decode(image + b"\x00")


@pytest.mark.parametrize(
    ("at", "octets"),
    [
        (1, b"X"),
        (2, b"n123456"),
        (2, b"\xff123456"),
        (9, b"PSD 0001"),
        (17, b"\x00\x00"),
        (19, b"\x01"),
        (20, bytes(32)),
        (52, b"\xff" * 32),
    ],
)
def test_a_stored_machine_identity_is_refused_when_a_checked_field_is_wrong(
    at: int, octets: bytes
) -> None:
    body = bytearray(US.machine.encode()[:84])
    body[at : at + len(octets)] = octets
    image = bytes(body) + sha256(body).digest()[:8]

    with pytest.raises(KeyMaterialError):
        MachineIdentity.decode(image)


@pytest.mark.parametrize(
    "change",
    [
        {"licence_identifier": LicenceIdentifier("123456N")},
        {"psd_serial": "PSD0001"},
        {"psd_serial": "PSD000001"},
        {"psd_serial": "PSD0000Ü"},
        {"generation": 0},
        {"generation": 65536},
    ],
)
def test_a_machine_with_a_wrong_name_is_our_own_bug(change: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        replace(US.machine, **change)


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"name": "x" * 17}, {"name": "a b"}, {"kid": 24}, {"kid": -1}],
)
def test_a_server_with_a_wrong_name_is_our_own_bug(change: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        replace(US.server, **change)


def test_a_credit_key_id_is_one_octet() -> None:
    for key_id in (-1, 256):
        with pytest.raises(LocalProtocolError):
            CreditKey(key_id, Realm.TEST, US.credit.signing)
        with pytest.raises(LocalProtocolError):
            US.trusted.with_credit_key(key_id, US.credit.signing.public)


def test_only_t_and_p_are_realms() -> None:
    assert [o for o in range(256) if _is_realm(o)] == [ord("P"), ord("T")]


def _is_realm(octet: int) -> bool:
    try:
        decode_realm(octet)
    except KeyMaterialError:
        return False
    return True


def test_nothing_private_is_shown_by_any_identity() -> None:
    server = ServerIdentity.generate("s", Realm.TEST, 0, SeededEntropy("s"))
    maker = MakerKey.generate("m", Realm.TEST, SeededEntropy("m"))
    shown = repr([US.machine, server, US.credit, maker])

    for scalar in (
        US.machine.dh_private,
        US.machine.signing.scalar,
        server.dh_private,
        US.credit_scalar,
        maker.signing.scalar,
    ):
        assert repr(scalar)[2:-1] not in shown
        assert scalar.hex() not in shown
