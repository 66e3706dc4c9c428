"""The signed form that every content has, whatever is in it.

    offset  octets
         0       4  "FMPC"
         4       1  version, 0x01
         5       1  kind: the number of the order that brings it
         6       1  realm
         7       1  0x00
         8      16  model that it is for, ASCII filled with 0x00; all 0x00 for any
        24       4  number: of the tariff, slogan, firmware version or credit key
        28       4  issued
        32       4  valid from; 0 from the moment it is taken
        36       4  length of the body
        40          body
                64  signature of the maker over everything before it, context CONTENT

A reader believes nothing before the signature has verified, and reads the body last.
A content is named by the first 8 octets of its SHA-256, the content id, which an order
carries: what is fetched is what was ordered, or it is not applied.

Source: protocol/SPEC.md CONT-1 and CONT-2, vectors/cont.json. Ours: how tariffs,
slogans and firmware travel to machines of the real system is not public.
"""

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from protocol.contents.credit_key import CreditKeyUpdate
from protocol.contents.fields import ContentError, ContentFault
from protocol.contents.firmware import FirmwareImage
from protocol.contents.kinds import ContentKind
from protocol.contents.slogan import Slogan
from protocol.contents.tariff import Tariff
from protocol.errors import LocalProtocolError
from protocol.keys import (
    SIGNATURE_OCTETS,
    MakerKey,
    MakerPublicKey,
    Realm,
    sign,
    verify,
)
from protocol.values import U32_MAX, EpochSeconds

CONTEXT: Final = "CONTENT"
MAGIC: Final = b"FMPC"
VERSION: Final = 1
CONTENT_OCTETS_MAX: Final = 65_536
"""At 1,200 bit/s it takes ten minutes, which is enough for one dial-in."""
MODEL_OCTETS: Final = 16

_HEAD: Final = struct.Struct(">4sBBBB16sIIII")
HEAD_OCTETS: Final = _HEAD.size
BODY_OCTETS_MAX: Final = CONTENT_OCTETS_MAX - HEAD_OCTETS - SIGNATURE_OCTETS
_ID_OCTETS: Final = 8
_MODEL: Final = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e]{0,14}[\x21-\x7e])?)?")

Body = Tariff | Slogan | FirmwareImage | CreditKeyUpdate

_READERS: Final[Mapping[ContentKind, Callable[[bytes], Body]]] = MappingProxyType(
    {
        ContentKind.TARIFF: Tariff.from_body,
        ContentKind.SLOGAN: Slogan.from_body,
        ContentKind.FIRMWARE: FirmwareImage.from_body,
        ContentKind.CREDIT_KEY: CreditKeyUpdate.from_body,
    }
)


@dataclass(frozen=True, slots=True)
class Content:
    """A content, as its maker states it.

    Attributes:
        kind: What it is.
        realm: Test or production.
        model: The machine that it is for; empty for any.
        number: Of its kind: tariff, slogan, packed firmware version, credit key id.
        issued: When the maker signed it.
        valid_from: When it begins to hold; 0 from the moment it is taken.
        body: By kind.
        octets: The signed octets it was read from; empty until it is signed.

    Raises:
        LocalProtocolError: A field is out of range.
    """

    kind: ContentKind
    realm: Realm
    model: str
    number: int
    issued: EpochSeconds
    valid_from: EpochSeconds
    body: bytes
    octets: bytes = field(default=b"", repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.model) > MODEL_OCTETS or _MODEL.fullmatch(self.model) is None:
            raise LocalProtocolError(
                f"{self.model!a} is no model: at most {MODEL_OCTETS} printable ASCII "
                "letters, no space first or last"
            )
        for name, value in (
            ("number", self.number),
            ("issued", self.issued),
            ("valid_from", self.valid_from),
        ):
            if not 0 <= value <= U32_MAX:
                raise LocalProtocolError(f"{name} is {value}: 0 to {U32_MAX}")
        if len(self.body) > BODY_OCTETS_MAX:
            raise LocalProtocolError(
                f"the body has {len(self.body)} octets, {BODY_OCTETS_MAX} are allowed"
            )

    @property
    def content_id(self) -> int:
        """The name of the signed octets.

        Raises:
            LocalProtocolError: The content was made, not read: it is not signed yet.
        """
        if not self.octets:
            raise LocalProtocolError("a content has an id when it is signed")
        return content_id(self.octets)


def content_id(octets: bytes) -> int:
    """Name a content: the first 8 octets of SHA-256 of its signed octets."""
    return int.from_bytes(sha256(octets).digest()[:_ID_OCTETS], "big")


def make_content(
    body: Body, realm: Realm, issued: EpochSeconds, *, model: str = ""
) -> Content:
    """Put a body into a content that says the same; it is still to be signed.

    Raises:
        LocalProtocolError: A field is out of range, or the body is too long.
    """
    return Content(
        body.kind,
        realm,
        model,
        body.number,
        issued,
        _valid_from(body),
        body.to_body(),
    )


def write_content(content: Content, maker: MakerKey) -> bytes:
    """Sign a content.

    Raises:
        LocalProtocolError: The content is of another realm than the maker's key.
    """
    if content.realm is not maker.realm:
        raise LocalProtocolError("a maker key signs for its own realm only")
    covered = (
        _HEAD.pack(
            MAGIC,
            VERSION,
            content.kind,
            content.realm,
            0,
            content.model.encode("ascii"),
            content.number,
            content.issued,
            content.valid_from,
            len(content.body),
        )
        + content.body
    )
    return covered + sign(maker.signing, CONTEXT, maker.realm, covered)


def read_content(octets: bytes, maker: MakerPublicKey) -> Content:
    """Read a content that this maker signed; its body is not looked into.

    Args:
        octets: Anything.
        maker: Whose signature it must bear.

    Raises:
        ContentError: SIZE, FORM, REALM or SIGNATURE; nothing else, whatever comes.

    Source:
        SPEC.md CONT-2.
    """
    if not HEAD_OCTETS + SIGNATURE_OCTETS <= len(octets) <= CONTENT_OCTETS_MAX:
        raise ContentError(ContentFault.SIZE, f"{len(octets)} octets")
    (
        magic,
        version,
        kind,
        realm,
        zero,
        model,
        number,
        issued,
        valid_from,
        length,
    ) = _HEAD.unpack_from(octets)
    if magic != MAGIC or version != VERSION or zero != 0:
        raise ContentError(
            ContentFault.FORM,
            f"it begins with {octets[:8].hex()}: no content of version {VERSION}",
        )
    if HEAD_OCTETS + length + SIGNATURE_OCTETS != len(octets):
        raise ContentError(
            ContentFault.SIZE,
            f"a body of {length} octets does not fit into {len(octets)} octets",
        )
    if realm != maker.realm:
        raise ContentError(ContentFault.REALM)
    covered, signature = octets[:-SIGNATURE_OCTETS], octets[-SIGNATURE_OCTETS:]
    if not verify(maker.verifying, CONTEXT, maker.realm, covered, signature):
        raise ContentError(ContentFault.SIGNATURE)
    try:
        return Content(
            ContentKind(kind),
            maker.realm,
            model.rstrip(b"\x00").decode("ascii"),
            number,
            EpochSeconds(issued),
            EpochSeconds(valid_from),
            covered[HEAD_OCTETS:],
            octets,
        )
    except (LocalProtocolError, ValueError) as error:
        # Signed, and yet wrong: a maker of another version, not a forger.
        raise ContentError(ContentFault.FORM, str(error)) from error


def read_body(content: Content) -> Body:
    """Read what is in a content, and compare it with what its head says.

    Raises:
        ContentError: BODY with the place, or DIFFERS.
    """
    body = _READERS[content.kind](content.body)
    _compare("number", content.number, body.number)
    _compare("valid_from", content.valid_from, _valid_from(body))
    if isinstance(body, CreditKeyUpdate):
        _compare("realm", content.realm, body.server.credential.realm)
    return body


def _valid_from(body: Body) -> EpochSeconds:
    return body.begins if isinstance(body, Tariff) else EpochSeconds(0)


def _compare(name: str, told: int, found: int) -> None:
    if told != found:
        raise ContentError(
            ContentFault.DIFFERS, f"{told} in the head, {found} in the body", name
        )
