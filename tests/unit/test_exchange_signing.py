"""Signatures of exchange files: by a known key, of these octets, in this realm."""

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.exchange import (
    ExchangeFileError,
    SignatureFault,
    Signed,
    check_signature,
    is_signed,
    read_file,
    sign_file,
    signed_part,
    write_file,
)
from protocol.keys import Realm, SigningKey, signature_to_der, write_public_key
from tests.exchange_values import HEADER, LAYOUTS
from tests.witness.programs import needs

KEY = SigningKey(bytes(31) + b"\x07")
OTHER = SigningKey(bytes(31) + b"\x08")
KEYS = {"dop-1": KEY.public}
FILE = write_file(LAYOUTS["usage"], HEADER.values(), [])
SIGNED = sign_file(FILE, KEY, "dop-1", Realm.TEST)


def test_a_signed_file_is_read_as_before_and_checked_by_its_key() -> None:
    assert check_signature(SIGNED, KEYS, Realm.TEST) == Signed("dop-1")
    assert signed_part(SIGNED) == FILE
    assert (is_signed(SIGNED), is_signed(FILE)) == (True, False)
    file = read_file(LAYOUTS["usage"], SIGNED)
    assert file.signature is not None
    assert file.signature.key_id == "dop-1"
    assert file.header == read_file(LAYOUTS["usage"], FILE).header


def test_the_same_file_is_signed_with_the_same_octets() -> None:
    assert sign_file(FILE, KEY, "dop-1", Realm.TEST) == SIGNED


def test_openssl_verifies_a_file_with_nothing_but_its_octets(tmp_path: Path) -> None:
    """What another maker does by hand: context, realm, zero, octets before the line."""
    openssl = needs("openssl")
    covered, _, line = SIGNED.rpartition(b"S|dop-1|")
    signature = base64.b64decode(line)
    (tmp_path / "covered").write_bytes(b"FMP/1 EXCHANGE T\x00" + covered)
    (tmp_path / "key.pem").write_text(write_public_key(KEY.public.point))
    (tmp_path / "signature").write_bytes(signature_to_der(signature))
    command = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature"]
    done = subprocess.run(
        [openssl, *command, "covered"], cwd=tmp_path, check=True, capture_output=True
    )
    assert done.stdout == b"Verified OK\n"


@pytest.mark.parametrize(
    ("octets", "realm", "fault"),
    [
        (FILE, Realm.TEST, SignatureFault.UNSIGNED),
        (b"", Realm.TEST, SignatureFault.UNSIGNED),
        (SIGNED.replace(b"|2026-11-17|", b"|2026-11-18|"), None, SignatureFault.WRONG),
        (SIGNED, Realm.PRODUCTION, SignatureFault.WRONG),
        (SIGNED.replace(b"T|0", b"T|0\r"), None, SignatureFault.WRONG),
        (
            sign_file(FILE, OTHER, "dop-1", Realm.TEST),
            Realm.TEST,
            SignatureFault.WRONG,
        ),
        (
            sign_file(FILE, KEY, "dop-2", Realm.TEST),
            Realm.TEST,
            SignatureFault.UNKNOWN_KEY,
        ),
        (SIGNED[:-2] + b"\n", Realm.TEST, SignatureFault.MALFORMED),
        (FILE + b"S|\n", Realm.TEST, SignatureFault.MALFORMED),
        (FILE + b"S|" + b"A" * 4000 + b"\n", Realm.TEST, SignatureFault.MALFORMED),
    ],
)
def test_what_is_not_signed_so_is_told(
    octets: bytes, realm: Realm | None, fault: SignatureFault
) -> None:
    assert check_signature(octets, KEYS, realm or Realm.TEST) is fault


@given(st.binary(max_size=200), st.booleans())
def test_any_octets_are_judged(octets: bytes, behind: bool) -> None:
    whole = FILE + b"S|" + octets if behind else octets
    assert isinstance(check_signature(whole, KEYS, Realm.TEST), SignatureFault)


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_no_octet_of_a_signed_file_can_be_changed(at: int, change: int) -> None:
    octets = bytearray(SIGNED)
    octets[at] ^= change
    judged = check_signature(bytes(octets), KEYS, Realm.TEST)
    if isinstance(judged, Signed):
        # The end of the last line is not signed; without it there is no file.
        with pytest.raises(ExchangeFileError):
            read_file(LAYOUTS["usage"], bytes(octets))


def test_a_file_is_signed_once_and_whole() -> None:
    for octets in (SIGNED, FILE[:-1], b""):
        with pytest.raises(LocalProtocolError, match="not a file that is whole"):
            sign_file(octets, KEY, "dop-1", Realm.TEST)
    for key_id in ("", "a|b", "x" * 33, "-1"):
        with pytest.raises(LocalProtocolError, match="key id"):
            sign_file(FILE, KEY, key_id, Realm.TEST)


@pytest.mark.parametrize(
    ("behind", "finding"),
    [
        (b"S|dop-1\n", "line 3: a signature line has 3 fields: S, key id, signature"),
        (b"S|dop 1|AA==\n", "line 3: key id: 'dop 1' is not 1 to 32 letters"),
        (b"S|dop-1|AA==\n", "line 3: signature: it is not 64 octets as Base64"),
        (SIGNED[len(FILE) :] * 2, "line 4: stands after the signature"),
        (SIGNED[len(FILE) :] + b"T|0\n", "line 4: stands after the signature"),
    ],
)
def test_a_signature_line_is_the_last_and_has_one_form(
    behind: bytes, finding: str
) -> None:
    with pytest.raises(ExchangeFileError) as caught:
        read_file(LAYOUTS["usage"], FILE + behind)
    assert str(caught.value).startswith(finding)


def test_a_signature_before_the_trailer_is_an_unknown_record() -> None:
    head, trailer = FILE.splitlines(keepends=True)
    with pytest.raises(ExchangeFileError, match="line 2: an unknown record"):
        read_file(LAYOUTS["usage"], head + SIGNED[len(FILE) :] + trailer)
