"""From PRK_out to the keys of the records: EDHOC_Exporter with our own labels.

Both ends hold PRK_out after message_3, so the first record travels with message_3 and
the answer with message_4. lakers 0.6.2 cannot be asked: its exporter answers only
after message_4, and it writes labels above 23 as a bare octet instead of CBOR. This one
is RFC 9528 section 4.2.1; for labels up to 23 lakers agrees, for ours the second EDHOC
peer of the tests does.

Labels are of the range that RFC 9528 section 10.1 leaves to private use, 32768 to
65535: 0xF1 stands for FMP/1.

Source: RFC 9528 sections 4.1.2 and 4.2.1; protocol/SPEC.md CHAN-5.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from protocol.errors import LocalProtocolError

PRK_OCTETS: Final = 32
KEY_OCTETS: Final = 16
IV_OCTETS: Final = 13
BINDING_OCTETS: Final = 32

LABEL_MACHINE_KEY: Final = 0xF101
LABEL_MACHINE_IV: Final = 0xF102
LABEL_SERVER_KEY: Final = 0xF103
LABEL_SERVER_IV: Final = 0xF104
LABEL_BINDING: Final = 0xF105

_LABEL_PRK_EXPORTER: Final = 10

_BLOCK_OCTETS: Final = 64
_INNER: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER: Final = bytes(octet ^ 0x5C for octet in range(256))


@dataclass(frozen=True)
class DirectionKeys:
    """Key and IV of the records of one direction."""

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)


@dataclass(frozen=True)
class ChannelKeys:
    """Everything that a channel exports."""

    machine: DirectionKeys
    server: DirectionKeys
    binding: bytes = field(repr=False)


OnKeys = Callable[[bytes, ChannelKeys], None]
"""Told G_X and the keys of a channel of the test realm (CHAN-10.4)."""


def derive_keys(prk_out: bytes) -> ChannelKeys:
    """Export the keys of a channel from PRK_out, 32 octets."""
    prk_exporter = _Keyed(_PRK_EXPORTER.of(_Keyed(prk_out)))
    return ChannelKeys(
        DirectionKeys(_MACHINE_KEY.of(prk_exporter), _MACHINE_IV.of(prk_exporter)),
        DirectionKeys(_SERVER_KEY.of(prk_exporter), _SERVER_IV.of(prk_exporter)),
        _BINDING.of(prk_exporter),
    )


class _Keyed:
    """HMAC-SHA-256 under one key, which is taken in once for all that it is asked.

    `hmac.digest` gives up the interpreter at each call and has to wait for it again
    where another thread works: 17 us against 1 us, six times a channel.

    Source: RFC 2104 section 2, for a key of at most one block.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK_OCTETS, b"\0")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def digest(self, octets: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(octets)
        outer.update(inner.digest())
        return outer.digest()


class _Export:
    """EDHOC_KDF with an empty context, for one label and one length.

    Its info is the CBOR sequence label, h'', length. Nothing exported is longer than
    one block of HKDF-Expand (RFC 5869 section 2.3), which is HMAC(PRK, info | 0x01).
    """

    def __init__(self, label: int, length: int) -> None:
        if length > PRK_OCTETS:
            raise LocalProtocolError(f"{length} octets are more than one block")
        self._block = _encode_uint(label) + b"\x40" + _encode_uint(length) + b"\x01"
        self._length = length

    def of(self, prk: _Keyed) -> bytes:
        return prk.digest(self._block)[: self._length]


def _encode_uint(value: int) -> bytes:
    """Encode an unsigned integer up to 65535 as the shortest CBOR."""
    direct_max, one_octet_max = 23, 0xFF
    if value <= direct_max:
        return bytes((value,))
    if value <= one_octet_max:
        return bytes((0x18, value))
    return b"\x19" + value.to_bytes(2, "big")


_PRK_EXPORTER: Final = _Export(_LABEL_PRK_EXPORTER, PRK_OCTETS)
_MACHINE_KEY: Final = _Export(LABEL_MACHINE_KEY, KEY_OCTETS)
_MACHINE_IV: Final = _Export(LABEL_MACHINE_IV, IV_OCTETS)
_SERVER_KEY: Final = _Export(LABEL_SERVER_KEY, KEY_OCTETS)
_SERVER_IV: Final = _Export(LABEL_SERVER_IV, IV_OCTETS)
_BINDING: Final = _Export(LABEL_BINDING, BINDING_OCTETS)
