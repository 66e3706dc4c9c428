"""Signed contents: what an order brings to a machine beside its number.

Start with `container` (the signed form, and what names a content), then the bodies
`tariff`, `slogan`, `firmware`, `credit_key`. SPEC.md CONT is the normative text.

The forms in here are ours; what the Department of Posts publishes are prices, and that
slogans need an approval.
"""

from protocol.contents.container import (
    BODY_OCTETS_MAX,
    CONTENT_OCTETS_MAX,
    HEAD_OCTETS,
    Body,
    Content,
    content_id,
    make_content,
    read_body,
    read_content,
    write_content,
)
from protocol.contents.credit_key import CreditKeyUpdate
from protocol.contents.fields import BadFieldError, ContentError, ContentFault
from protocol.contents.firmware import FirmwareImage
from protocol.contents.kinds import ContentKind
from protocol.contents.slogan import Slogan
from protocol.contents.tariff import (
    CLASS_NUMBER_MAX,
    Addition,
    Further,
    ProductClass,
    Step,
    Tariff,
)
from protocol.contents.tariff_file import TariffFileError, read_tariff_file

__all__ = [
    "BODY_OCTETS_MAX",
    "CLASS_NUMBER_MAX",
    "CONTENT_OCTETS_MAX",
    "HEAD_OCTETS",
    "Addition",
    "BadFieldError",
    "Body",
    "Content",
    "ContentError",
    "ContentFault",
    "ContentKind",
    "CreditKeyUpdate",
    "FirmwareImage",
    "Further",
    "ProductClass",
    "Slogan",
    "Step",
    "Tariff",
    "TariffFileError",
    "content_id",
    "make_content",
    "read_body",
    "read_content",
    "read_tariff_file",
    "write_content",
]
