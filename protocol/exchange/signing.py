"""Signatures of exchange files: who has made a file, and that nobody changed it.

The last line of a signed file is ``S|key_id|base64``. The signature is ECDSA on P-256
with SHA-256, raw r and s in 64 octets, over all octets of the file before that line,
behind a context of its own (`protocol.keys.signing`)::

    "FMP/1 EXCHANGE <realm letter>" 00 <octets of the file before the signature line>

so that no signature of a machine or of a voucher passes for one of a file, nor one of
the test realm for one of production.

Source: ours; docs/exchange-files.md, "Signature".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocol.coded import Coded
from protocol.errors import LocalProtocolError
from protocol.exchange.file import SignatureLine
from protocol.exchange.layout import SIGNATURE_TAG
from protocol.exchange.signature_line import read_signature_line, write_signature_line
from protocol.exchange.spelling import FieldError
from protocol.keys import Realm, SigningKey, VerifyingKey, sign, verify

CONTEXT: Final = "EXCHANGE"
_LINE_OCTETS_MAX: Final = 160
_BEGINS: Final = f"{SIGNATURE_TAG}|".encode("ascii")


class SignatureFault(Coded):
    """Why a file is not taken for signed."""

    UNSIGNED = (
        "EXC-01-001",
        "the file has no signature line: ask whoever sent it for the signed file",
    )
    MALFORMED = (
        "EXC-01-002",
        "the signature line cannot be read: ask for the file to be sent again",
    )
    UNKNOWN_KEY = (
        "EXC-01-003",
        "the key that it names is not registered here: register the key of the sender",
    )
    WRONG = (
        "EXC-01-004",
        "the signature is not of this file in this realm: ask for it to be sent again",
    )


@dataclass(frozen=True, slots=True)
class Signed:
    """A file is signed.

    Attributes:
        key_id: By this key.
    """

    key_id: str


def sign_file(octets: bytes, key: SigningKey, key_id: str, realm: Realm) -> bytes:
    """Put a signature line behind a file.

    Args:
        octets: The whole file as `write_file` gives it.
        key: Signs.
        key_id: By which the receiver finds the public key: 1 to 32 letters, digits and
            hyphens.
        realm: Of this deployment.

    Raises:
        LocalProtocolError: The file is signed already, does not end with a line end, or
            the key id is none.
    """
    if not octets.endswith(b"\n") or _last_line(octets).startswith(_BEGINS):
        raise LocalProtocolError("not a file that is whole and has no signature yet")
    line_end = "\r\n" if octets.endswith(b"\r\n") else "\n"
    signature = sign(key, CONTEXT, realm, octets)
    try:
        line = write_signature_line(SignatureLine(key_id, signature))
    except FieldError as error:
        raise LocalProtocolError(str(error)) from error
    return octets + f"{line}{line_end}".encode("ascii")


def check_signature(
    octets: bytes, keys: Mapping[str, VerifyingKey], realm: Realm
) -> Signed | SignatureFault:
    """Check the signature of a file, before anything else of it is believed.

    Args:
        octets: The whole file, from anybody.
        keys: Public keys that may sign such a file, by key id.
        realm: Of this deployment.
    """
    last = _last_line(octets)
    if not last.startswith(_BEGINS):
        return SignatureFault.UNSIGNED
    try:
        line = read_signature_line(last.decode("ascii"))
    except (UnicodeDecodeError, FieldError):
        return SignatureFault.MALFORMED
    key = keys.get(line.key_id)
    if key is None:
        return SignatureFault.UNKNOWN_KEY
    if not verify(key, CONTEXT, realm, signed_part(octets), line.signature):
        return SignatureFault.WRONG
    return Signed(line.key_id)


def signed_part(octets: bytes) -> bytes:
    """Give the octets that a signature covers: all before the signature line."""
    return octets[: _last_line_at(octets)] if is_signed(octets) else octets


def is_signed(octets: bytes) -> bool:
    """Whether a file has a signature line, right or wrong."""
    return _last_line(octets).startswith(_BEGINS)


def _last_line_at(octets: bytes) -> int:
    return octets.rfind(b"\n", 0, max(len(octets) - 1, 0)) + 1


def _last_line(octets: bytes) -> bytes:
    """Give the last line without its end, as far as a signature line can reach."""
    start = _last_line_at(octets)
    line = octets[start : start + _LINE_OCTETS_MAX]
    return line.removesuffix(b"\n").removesuffix(b"\r")
