"""Who signs need not know where the key is: in memory, or in a token, near or far."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hw.entropy import SeededEntropy
from hw.hsm import HsmSigner
from protocol.keys import (
    SIGNATURE_OCTETS,
    CreditKey,
    Point,
    Realm,
    Signer,
    SigningKey,
    VerifyingKey,
    sign,
    verify,
)
from tests.hsm import CREDIT_ID, a_remote_hsm, a_token, hsm_at

COUNT = 300
"""One signature in 128 has a zero in front of r or s, which must not be left out."""


@dataclass(frozen=True)
class Made:
    signer: Signer
    public: Point


@pytest.fixture(params=["memory", "imported", "hsm", "remote hsm"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """Give a key of each kind."""
    key = SigningKey.generate(SeededEntropy(b"a credit key"))
    if request.param == "memory":
        yield Made(key, key.public.point)
    elif request.param == "imported":
        hsm = hsm_at(a_token(tmp_path / "token"))
        hsm.take_key(CREDIT_ID, "credit", key.scalar, key.public.point)
        assert not hsm.find_key(CREDIT_ID).made_there
        yield Made(HsmSigner(hsm, CREDIT_ID, key.public), key.public.point)
    elif request.param == "hsm":
        hsm = hsm_at(a_token(tmp_path / "token"))
        point = hsm.make_key(CREDIT_ID, "credit")
        yield Made(HsmSigner(hsm, CREDIT_ID, VerifyingKey(point)), point)
    else:
        with a_remote_hsm(tmp_path / "token") as remote:
            hsm = hsm_at(remote.place)
            point = hsm.make_key(CREDIT_ID, "credit")
            yield Made(HsmSigner(hsm, CREDIT_ID, VerifyingKey(point)), point)


def test_what_is_signed_verifies(made: Made) -> None:
    assert made.signer.public == VerifyingKey(made.public)
    for number in range(COUNT):
        octets = number.to_bytes(2, "big")
        signature = sign(made.signer, "VOUCHER", Realm.TEST, octets)
        assert len(signature) == SIGNATURE_OCTETS
        assert verify(made.signer.public, "VOUCHER", Realm.TEST, octets, signature)


def test_a_signature_is_for_one_purpose_in_one_realm(made: Made) -> None:
    public = made.signer.public
    signature = sign(made.signer, "VOUCHER", Realm.TEST, b"octets")
    assert not verify(public, "VOUCHER", Realm.PRODUCTION, b"octets", signature)
    assert not verify(public, "STATEMENT", Realm.TEST, b"octets", signature)
    assert not verify(public, "VOUCHER", Realm.TEST, b"octet", signature)


def test_a_credit_key_is_made_of_either(made: Made) -> None:
    key = CreditKey(7, Realm.TEST, made.signer)
    signature = key.sign("VOUCHER", b"octets")
    assert verify(key.signing.public, "VOUCHER", Realm.TEST, b"octets", signature)
    assert "scalar" not in repr(made.signer)
