"""Who the parties are: identities hold private keys, credentials only public ones.

A machine has two key pairs, made inside its PSD and never the same: a static
Diffie-Hellman key that opens the channel and a signing key for STATEMENT and
CONFIRMATION. A server has a static Diffie-Hellman key and credit keys that sign
vouchers; a credit key has an id, so that several can be valid while one is rotated. The
maker's key signs provisioning files and contents and nothing else.

Nothing private appears in a `repr`, a message of an error or a file of provisioning.

Source: protocol/SPEC.md KEY-1, KEY-6, KEY-10.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.keys.ccs import SUBJECT_OCTETS_MAX, credential_hash, encode_ccs
from protocol.keys.points import (
    SCALAR_OCTETS,
    KeyMaterialError,
    Point,
    draw_scalar,
    public_point,
)
from protocol.keys.realms import Realm, decode_realm
from protocol.keys.signing import Signer, SigningKey, VerifyingKey, sign, verify
from protocol.ports import Entropy
from protocol.values import LicenceIdentifier, parse_licence_identifier

PSD_SERIAL_OCTETS: Final = 8
SERVER_KID_MAX: Final = 0x17
"""The largest octet that CBOR reads as an integer: ID_CRED_R stays one octet."""
CREDIT_KEY_ID_MAX: Final = 0xFF
GENERATION_MAX: Final = 0xFFFF

MACHINE_IMAGE_VERSION: Final = 0x01
MACHINE_IMAGE_OCTETS: Final = 92
_IMAGE_CHECK_OCTETS: Final = 8

_NAME: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class MachineCredential:
    """The public side of a machine: what its server has enrolled.

    Raises:
        LocalProtocolError: A name or the generation does not have its form.
    """

    licence_identifier: LicenceIdentifier
    psd_serial: str
    realm: Realm
    dh_point: Point
    signing: VerifyingKey
    generation: int = 1

    def __post_init__(self) -> None:
        _check_machine_names(self.licence_identifier, self.psd_serial, self.generation)
        if self.dh_point == self.signing.point:
            raise KeyMaterialError("a machine signs with another key than it agrees")

    @cached_property
    def ccs(self) -> bytes:
        """The credential of EDHOC (SPEC.md CHAN-3.2)."""
        return encode_ccs(self.realm, self.psd_serial, self.kid, self.dh_point)

    @cached_property
    def credential_hash(self) -> bytes:
        """8 octets that name this credential in a VOUCHER."""
        return credential_hash(self.ccs)

    @property
    def kid(self) -> bytes:
        """The licence identifier, 7 octets."""
        return self.licence_identifier.encode("ascii")

    def verify(self, context: str, octets: bytes, signature: bytes) -> bool:
        """Check what the machine signed, in its realm."""
        return verify(self.signing, context, self.realm, octets, signature)


@dataclass(frozen=True)
class MachineIdentity:
    """The private side of a machine; lives inside its PSD.

    Raises:
        LocalProtocolError: A name or the generation does not have its form.
        KeyMaterialError: A scalar is none, or both keys are the same.
    """

    licence_identifier: LicenceIdentifier
    psd_serial: str
    realm: Realm
    dh_private: bytes = field(repr=False)
    signing: SigningKey = field(repr=False)
    generation: int = 1

    def __post_init__(self) -> None:
        _ = self.credential

    @classmethod
    def generate(
        cls,
        licence_identifier: LicenceIdentifier,
        psd_serial: str,
        realm: Realm,
        entropy: Entropy,
        *,
        generation: int = 1,
    ) -> "MachineIdentity":
        """Make new keys: first the Diffie-Hellman scalar, then the signing scalar.

        Raises:
            LocalProtocolError: A name or the generation does not have its form.
            KeyMaterialError: The source of entropy is broken.
        """
        dh_private = draw_scalar(entropy)
        return cls(
            licence_identifier,
            psd_serial,
            realm,
            dh_private,
            SigningKey.generate(entropy),
            generation,
        )

    @cached_property
    def credential(self) -> MachineCredential:
        """The public side, as the provisioning file will carry it."""
        return MachineCredential(
            self.licence_identifier,
            self.psd_serial,
            self.realm,
            public_point(self.dh_private),
            self.signing.public,
            self.generation,
        )

    @property
    def ccs(self) -> bytes:
        """The credential of EDHOC."""
        return self.credential.ccs

    def sign(self, context: str, octets: bytes) -> bytes:
        """Sign as this machine, in its realm: 64 octets."""
        return sign(self.signing, context, self.realm, octets)

    def encode(self) -> bytes:
        """Flatten the identity for the PSD's NVRAM: 92 octets (SPEC.md KEY-10.1)."""
        image = b"".join(
            (
                bytes((MACHINE_IMAGE_VERSION, self.realm)),
                self.licence_identifier.encode("ascii"),
                self.psd_serial.encode("ascii"),
                self.generation.to_bytes(2, "big"),
                bytes(1),
                self.dh_private,
                self.signing.scalar,
            )
        )
        return image + sha256(image).digest()[:_IMAGE_CHECK_OCTETS]

    @classmethod
    def decode(cls, image: bytes) -> "MachineIdentity":
        """Read an identity back from the PSD's NVRAM.

        Raises:
            KeyMaterialError: The length, version, check or a field is wrong.
        """
        if len(image) != MACHINE_IMAGE_OCTETS or image[0] != MACHINE_IMAGE_VERSION:
            message = f"a machine identity is {MACHINE_IMAGE_OCTETS} octets of version "
            raise KeyMaterialError(f"{message}{MACHINE_IMAGE_VERSION}")
        body, check = image[:-_IMAGE_CHECK_OCTETS], image[-_IMAGE_CHECK_OCTETS:]
        if sha256(body).digest()[:_IMAGE_CHECK_OCTETS] != check or body[19]:
            raise KeyMaterialError("the stored machine identity is damaged")
        scalars = body[20:]
        try:
            return cls(
                parse_licence_identifier(body[2:9].decode("ascii")),
                body[9:17].decode("ascii"),
                decode_realm(body[1]),
                scalars[:SCALAR_OCTETS],
                SigningKey(scalars[SCALAR_OCTETS:]),
                int.from_bytes(body[17:19], "big"),
            )
        except (LocalProtocolError, UnicodeDecodeError) as error:
            raise KeyMaterialError("the stored machine identity is damaged") from error


@dataclass(frozen=True)
class ServerCredential:
    """The public side of a server: what the PSD trusts.

    Raises:
        LocalProtocolError: The name, the kid or a credit key id is out of range.
    """

    name: str
    realm: Realm
    kid: int
    dh_point: Point
    credit_keys: Mapping[int, VerifyingKey] = field(
        default_factory=lambda: MappingProxyType({}), hash=False
    )

    def __post_init__(self) -> None:
        _check_server_names(self.name, self.kid)
        for key_id in self.credit_keys:
            _check_credit_key_id(key_id)

    @cached_property
    def ccs(self) -> bytes:
        """The credential of EDHOC (SPEC.md CHAN-3.3)."""
        return encode_ccs(self.realm, self.name, bytes((self.kid,)), self.dh_point)

    @cached_property
    def credential_hash(self) -> bytes:
        """8 octets that name this credential."""
        return credential_hash(self.ccs)

    def with_credit_key(self, key_id: int, key: VerifyingKey) -> "ServerCredential":
        """Trust one more credit key, or another one under the same id."""
        return replace(
            self, credit_keys=MappingProxyType({**self.credit_keys, key_id: key})
        )

    def without_credit_key(self, key_id: int) -> "ServerCredential":
        """Trust a credit key no more (SPEC.md KEY-8.4 says when)."""
        kept = {k: key for k, key in self.credit_keys.items() if k != key_id}
        return replace(self, credit_keys=MappingProxyType(kept))

    def verify(
        self, key_id: int, context: str, octets: bytes, signature: bytes
    ) -> bool:
        """Check what a credit key signed; an unknown key id verifies nothing."""
        key = self.credit_keys.get(key_id)
        if key is None:
            return False
        return verify(key, context, self.realm, octets, signature)


@dataclass(frozen=True)
class ServerIdentity:
    """The private side of a server's channel; credit keys are kept apart from it.

    Raises:
        LocalProtocolError: The name or the kid is out of range.
        KeyMaterialError: The scalar is none.
    """

    name: str
    realm: Realm
    kid: int
    dh_private: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _ = self.credential

    @classmethod
    def generate(
        cls, name: str, realm: Realm, kid: int, entropy: Entropy
    ) -> "ServerIdentity":
        """Make a new static key.

        Raises:
            LocalProtocolError: The name or the kid is out of range.
            KeyMaterialError: The source of entropy is broken.
        """
        return cls(name, realm, kid, draw_scalar(entropy))

    @cached_property
    def credential(self) -> ServerCredential:
        """The public side, still without credit keys."""
        point = public_point(self.dh_private)
        return ServerCredential(self.name, self.realm, self.kid, point)

    @property
    def ccs(self) -> bytes:
        """The credential of EDHOC."""
        return self.credential.ccs


@dataclass(frozen=True)
class CreditKey:
    """A server's private key that signs vouchers and orders; it may be in an HSM."""

    key_id: int
    realm: Realm
    signing: Signer = field(repr=False)

    def __post_init__(self) -> None:
        """Check the id.

        Raises:
            LocalProtocolError: The id is not one octet.
        """
        _check_credit_key_id(self.key_id)

    @classmethod
    def generate(cls, key_id: int, realm: Realm, entropy: Entropy) -> "CreditKey":
        """Make a new credit key.

        Raises:
            LocalProtocolError: The id is not one octet.
            KeyMaterialError: The source of entropy is broken.
        """
        return cls(key_id, realm, SigningKey.generate(entropy))

    def sign(self, context: str, octets: bytes) -> bytes:
        """Sign with this key, in its realm: 64 octets.

        Raises:
            RmfsError: The key is in an HSM that cannot be reached now.
        """
        return sign(self.signing, context, self.realm, octets)


@dataclass(frozen=True)
class MakerPublicKey:
    """The public key that checks provisioning files of one maker in one realm."""

    name: str
    realm: Realm
    verifying: VerifyingKey

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            LocalProtocolError: The name is not 1 to 16 visible ASCII letters.
        """
        _check_name(self.name, SUBJECT_OCTETS_MAX)

    @cached_property
    def fingerprint(self) -> str:
        """64 hex digits: SHA-256 over x and y."""
        point = self.verifying.point
        return sha256(point.x + point.y).hexdigest()


@dataclass(frozen=True)
class MakerKey:
    """The private key of the machine's or server's maker; stays in the factory."""

    name: str
    realm: Realm
    signing: SigningKey = field(repr=False)

    def __post_init__(self) -> None:
        _ = self.public

    @classmethod
    def generate(cls, name: str, realm: Realm, entropy: Entropy) -> "MakerKey":
        """Make a new maker key.

        Raises:
            LocalProtocolError: The name is not 1 to 16 visible ASCII letters.
            KeyMaterialError: The source of entropy is broken.
        """
        return cls(name, realm, SigningKey.generate(entropy))

    @cached_property
    def public(self) -> MakerPublicKey:
        """The key that checks what this one signs."""
        return MakerPublicKey(self.name, self.realm, self.signing.public)


def _check_machine_names(
    licence_identifier: LicenceIdentifier, psd_serial: str, generation: int
) -> None:
    parse_licence_identifier(licence_identifier)
    _check_name(psd_serial, PSD_SERIAL_OCTETS)
    if len(psd_serial) != PSD_SERIAL_OCTETS:
        raise LocalProtocolError(
            f"{psd_serial!r} is no PSD serial: 8 letters or digits"
        )
    if not 0 < generation <= GENERATION_MAX:
        raise LocalProtocolError(
            f"{generation} is no credential generation: 1 to 65535"
        )


def _check_server_names(name: str, kid: int) -> None:
    _check_name(name, SUBJECT_OCTETS_MAX)
    if not 0 <= kid <= SERVER_KID_MAX:
        raise LocalProtocolError(f"{kid} is no server kid: 0 to {SERVER_KID_MAX}")


def _check_credit_key_id(key_id: int) -> None:
    if not 0 <= key_id <= CREDIT_KEY_ID_MAX:
        raise LocalProtocolError(f"{key_id} is no credit key id: one octet")


def _check_name(name: str, octets_max: int) -> None:
    if len(name) > octets_max or _NAME.fullmatch(name) is None:
        message = f"{name!r} is no name: 1 to {octets_max} visible ASCII letters"
        raise LocalProtocolError(message)
