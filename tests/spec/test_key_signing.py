"""KEY-3 and KEY-4: points, scalars and signatures, against two outside witnesses."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.keys import (
    KeyMaterialError,
    Point,
    Realm,
    SigningKey,
    draw_scalar,
    is_x_of_a_point,
    public_point,
    read_private_key,
    read_public_key,
    sign,
    signature_from_der,
    signature_to_der,
    signed_octets,
    verify,
    write_private_key,
    write_public_key,
)
from tests.spec.chan_parties import SeededEntropy
from tests.witness import ecdsa_peer

N = ecdsa_peer.N
KEY = SigningKey.generate(SeededEntropy("signing"))
OCTETS = b"the octets of a message"


class FixedEntropy:
    """Gives what it was told, again and again."""

    def __init__(self, *draws: bytes) -> None:
        self.draws = list(draws)

    def octets(self, count: int) -> bytes:
        return self.draws.pop(0) if len(self.draws) > 1 else self.draws[0]


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def test_the_witness_reproduces_the_example_of_rfc_6979_a_2_5() -> None:
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721

    signature = ecdsa_peer.sign(scalar, b"sample")

    assert signature.hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


def test_signatures_are_the_same_as_those_of_the_witness() -> None:
    for count in range(20):
        key = SigningKey.generate(SeededEntropy(f"key {count}"))
        covered = b"FMP/1 STATEMENT T\x00" + OCTETS * count

        signature = sign(key, "STATEMENT", Realm.TEST, OCTETS * count)

        scalar = int.from_bytes(key.scalar, "big")
        assert signature == ecdsa_peer.sign(scalar, covered)
        assert ecdsa_peer.verify(ecdsa_peer.public(scalar), covered, signature)
        assert verify(key.public, "STATEMENT", Realm.TEST, OCTETS * count, signature)


def test_a_signature_covers_its_context_its_realm_and_a_zero_octet() -> None:
    assert (
        signed_octets("VOUCHER", Realm.PRODUCTION, b"\x01\x02")
        == b"FMP/1 VOUCHER P\x00\x01\x02"
    )


def test_a_signature_holds_for_one_context_one_realm_one_key_and_its_octets() -> None:
    signature = sign(KEY, "VOUCHER", Realm.TEST, OCTETS)
    other = SigningKey.generate(SeededEntropy("other")).public

    assert verify(KEY.public, "VOUCHER", Realm.TEST, OCTETS, signature)
    assert not verify(KEY.public, "VOID", Realm.TEST, OCTETS, signature)
    assert not verify(KEY.public, "VOUCHER", Realm.PRODUCTION, OCTETS, signature)
    assert not verify(other, "VOUCHER", Realm.TEST, OCTETS, signature)
    assert not verify(KEY.public, "VOUCHER", Realm.TEST, OCTETS + b"\x00", signature)


def test_every_flipped_bit_of_a_signature_is_refused() -> None:
    signature = sign(KEY, "VOUCHER", Realm.TEST, OCTETS)
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify(KEY.public, "VOUCHER", Realm.TEST, OCTETS, bytes(changed))


@pytest.mark.parametrize("r", [0, 1, N - 1, N, N + 1, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, N - 1, N, N + 1, 2**256 - 1])
def test_numbers_at_the_edges_verify_nothing_and_never_raise(r: int, s: int) -> None:
    assert not verify(KEY.public, "VOUCHER", Realm.TEST, OCTETS, number(r) + number(s))


def test_a_number_plus_the_order_is_no_second_spelling_of_a_signature() -> None:
    signature = sign(KEY, "VOUCHER", Realm.TEST, OCTETS)
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    for r_, s_ in ((r + N, s), (r, s + N)):
        if max(r_, s_) < 2**256:
            raw = number(r_) + number(s_)
            assert not verify(KEY.public, "VOUCHER", Realm.TEST, OCTETS, raw)


@given(st.binary(min_size=0, max_size=130))
def test_no_octets_make_verification_raise(signature: bytes) -> None:
    assert not verify(KEY.public, "VOUCHER", Realm.TEST, OCTETS, signature)


@pytest.mark.parametrize(
    "context", ["", "voucher", "V\x00", "VOUCHER 1", "V" * 33, "Ü"]
)
def test_a_context_that_is_no_name_is_our_own_bug(context: str) -> None:
    with pytest.raises(LocalProtocolError, match="signing context"):
        sign(KEY, context, Realm.TEST, OCTETS)


def test_raw_and_der_are_two_spellings_of_one_signature() -> None:
    signature = sign(KEY, "VOUCHER", Realm.TEST, OCTETS)

    assert signature_from_der(signature_to_der(signature)) == signature
    with pytest.raises(LocalProtocolError):
        signature_to_der(signature[:-1])
    for wrong in (b"", b"\x30\x00", bytes(70), b"\x30\x06\x02\x01\xff\x02\x01\x01"):
        with pytest.raises(LocalProtocolError):
            signature_from_der(wrong)


def test_openssl_verifies_what_we_sign_and_reads_our_keys(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(write_private_key(KEY.scalar))
    (tmp_path / "public.pem").write_text(write_public_key(KEY.public.point))
    signature = sign(KEY, "VOUCHER", Realm.TEST, OCTETS)
    (tmp_path / "signature.der").write_bytes(signature_to_der(signature))
    (tmp_path / "signed").write_bytes(signed_octets("VOUCHER", Realm.TEST, OCTETS))

    def openssl(*arguments: str) -> str:
        done = subprocess.run(
            ["openssl", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    verified = openssl(
        "dgst",
        "-sha256",
        "-verify",
        "public.pem",
        "-signature",
        "signature.der",
        "signed",
    )
    assert verified == "Verified OK\n"
    assert openssl("pkey", "-in", "key.pem", "-pubout") == write_public_key(
        KEY.public.point
    )


def test_keys_survive_pem_and_other_curves_do_not() -> None:
    pem = write_private_key(KEY.scalar).encode()
    assert read_private_key(pem) == KEY.scalar
    public = write_public_key(KEY.public.point).encode()
    assert read_public_key(public) == KEY.public.point

    ed25519 = (
        b"-----BEGIN PRIVATE KEY-----\n"
        b"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        b"-----END PRIVATE KEY-----\n"
    )
    for wrong in (b"", pem[:-40], public, ed25519, b"\xff" * 100, bytes(5000)):
        with pytest.raises(KeyMaterialError):
            read_private_key(wrong)
    for wrong in (b"", public[:-40], pem, b"\xff" * 100, bytes(5000)):
        with pytest.raises(KeyMaterialError):
            read_public_key(wrong)


def test_scalars_are_drawn_by_rejection() -> None:
    for refused in (0, N, N + 1, 2**256 - 1):
        assert draw_scalar(FixedEntropy(number(refused), number(7))) == number(7)
    assert draw_scalar(FixedEntropy(number(N - 1))) == number(N - 1)


@pytest.mark.parametrize("stuck", [bytes(32), b"\xff" * 32, bytes(31), b""])
def test_a_source_that_gives_no_scalar_is_refused_and_not_asked_for_ever(
    stuck: bytes,
) -> None:
    with pytest.raises(KeyMaterialError, match="8 draws"):
        draw_scalar(FixedEntropy(stuck))


@pytest.mark.parametrize("scalar", [b"", bytes(32), number(N), bytes(31) + b"\x01\x00"])
def test_what_is_no_scalar_is_no_key(scalar: bytes) -> None:
    with pytest.raises(KeyMaterialError):
        SigningKey(scalar)
    with pytest.raises(KeyMaterialError):
        public_point(scalar)


def test_public_points_are_those_of_the_witness() -> None:
    for scalar in (1, 2, 3, N - 1, int.from_bytes(KEY.scalar, "big")):
        x, y = ecdsa_peer.public(scalar)
        assert public_point(number(scalar)) == Point(number(x), number(y))


def test_a_point_off_the_curve_is_no_point() -> None:
    point = KEY.public.point
    for x, y in (
        (point.x, bytes(32)),
        (point.y, point.x),
        (bytes(32), bytes(32)),
        (point.x[:-1], point.y),
        (point.x, point.y + b"\x00"),
        (b"\xff" * 32, point.y),
    ):
        with pytest.raises(KeyMaterialError):
            Point(x, y)


def test_an_x_belongs_to_a_point_exactly_when_the_curve_equation_has_a_root() -> None:
    entropy = SeededEntropy("x")
    candidates = [entropy.octets(32) for _ in range(300)]
    candidates += [number(v) for v in (0, 1, 2, 5, ecdsa_peer.P - 1)]

    def has_root(x: int) -> bool:
        square = (x**3 - 3 * x + ecdsa_peer.B) % ecdsa_peer.P
        return pow(square, (ecdsa_peer.P - 1) // 2, ecdsa_peer.P) in (0, 1)

    for x in candidates:
        assert is_x_of_a_point(x) is has_root(int.from_bytes(x, "big"))
    for x in (
        number(ecdsa_peer.P),
        number(ecdsa_peer.P + 5),
        b"\xff" * 32,
        b"",
        bytes(31),
    ):
        assert not is_x_of_a_point(x)


def test_private_scalars_are_never_shown() -> None:
    assert KEY.scalar.hex() not in repr(KEY)
    assert repr(KEY) == "SigningKey()"
