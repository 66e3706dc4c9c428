"""What the maker's desk does: sign contents for machines, and read signed ones.

Keys come from files. A signed content is written to a new file and never over another
one: its octets are its name, and an order may have named it.
"""

import json
import re
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from protocol.contents import (
    CONTENT_OCTETS_MAX,
    Body,
    Content,
    CreditKeyUpdate,
    FirmwareImage,
    ProductClass,
    Slogan,
    Tariff,
    TariffFileError,
    make_content,
    read_body,
    read_content,
    read_tariff_file,
    write_content,
)
from protocol.contents.firmware import VERSION_PART_MAX
from protocol.contents.tariff_file import FILE_OCTETS_MAX
from protocol.errors import LocalProtocolError, RmfsError
from protocol.keys import (
    KeyMaterialError,
    MakerKey,
    MakerPublicKey,
    Realm,
    SigningKey,
    VerifyingKey,
    read_private_key,
    read_public_key,
)
from protocol.parameters import INDIA
from protocol.values import EpochSeconds, Paise, show_rupees

_KEY_OCTETS_MAX: Final = 4096
_LABEL: Final = "maker"
"""A content does not name its maker: the key decides."""
_VERSION: Final = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)


class MakerError(RmfsError):
    """A file of the maker's desk cannot be read or written; it says what to do."""


def read_maker(path: Path, realm: Realm) -> MakerKey:
    """Read the maker's private key.

    Raises:
        MakerError: The file cannot be read, or holds no such key.
    """
    try:
        scalar = read_private_key(_read(path, _KEY_OCTETS_MAX))
    except KeyMaterialError as error:
        raise MakerError(f"{path}: {error}") from error
    return MakerKey(_LABEL, realm, SigningKey(scalar))


def read_maker_public(path: Path, realm: Realm) -> MakerPublicKey:
    """Read the maker's public key, from its own file or from the private key's.

    Raises:
        MakerError: The file cannot be read, or holds no such key.
    """
    pem = _read(path, _KEY_OCTETS_MAX)
    try:
        return MakerPublicKey(_LABEL, realm, VerifyingKey(read_public_key(pem)))
    except KeyMaterialError:
        return read_maker(path, realm).public


def read_tariff(path: Path) -> Tariff:
    """Read a tariff that a person has written.

    Raises:
        MakerError: It cannot be read; file, line, place and reason are told.
    """
    try:
        return read_tariff_file(_read(path, FILE_OCTETS_MAX))
    except TariffFileError as error:
        raise MakerError(f"{path}: {error}") from error


def parse_version(text: str) -> tuple[int, int, int]:
    """Read a firmware version, as ``0.2.0``.

    Raises:
        LocalProtocolError: It is none.
    """
    found = _VERSION.fullmatch(text)
    parts = [int(part) for part in found.groups()] if found else []
    if not parts or max(parts) > VERSION_PART_MAX:
        raise LocalProtocolError(
            f"{text!r} is no version: three numbers to {VERSION_PART_MAX}, as in 0.2.0"
        )
    major, minor, patch = parts
    return major, minor, patch


def fill_payload(version: tuple[int, int, int], count: int) -> bytes:
    """Make octets as long as an image; the same for the same version.

    They are hash values: a payload of zeros would be squeezed by any line that
    compresses.
    """
    seed = bytes(version)
    blocks = -(-count // 32)
    filled = b"".join(
        sha256(seed + block.to_bytes(4, "big")).digest() for block in range(blocks)
    )
    return filled[:count]


def sign_body(
    body: Body, maker: MakerKey, issued: EpochSeconds, model: str, out: Path
) -> Content:
    """Sign a body and write the content to a new file.

    Raises:
        LocalProtocolError: The content is too long, or the model is none.
        MakerError: The file exists, or cannot be written.
    """
    content = make_content(body, maker.realm, issued, model=model)
    signed = read_content(write_content(content, maker), maker.public)
    read_body(signed)
    try:
        with out.open("xb") as file:
            file.write(signed.octets)
    except FileExistsError as error:
        message = f"{out} exists: a content is written to a new file"
        raise MakerError(f"{message}, an order may have named the old one") from error
    except OSError as error:
        raise MakerError(f"{out} cannot be written: {error.strerror}") from error
    return signed


def read_signed(path: Path, maker: MakerPublicKey) -> Content:
    """Read a content that this maker signed.

    Raises:
        MakerError: The file cannot be read.
        ContentError: It is not what this maker signed.
    """
    return read_content(_read(path, CONTENT_OCTETS_MAX), maker)


def content_as_json(content: Content) -> dict[str, Any]:
    """Give everything in a content to a program; the id in hex, it has 64 bits."""
    return {
        "kind": content.kind.name,
        "content_id": f"{content.content_id:016x}",
        "realm": content.realm.name,
        "model": content.model or None,
        "number": content.number,
        "issued": content.issued,
        "valid_from": content.valid_from,
        "octets": len(content.octets),
        "body": _body_as_json(read_body(content)),
    }


def show_content(content: Content) -> list[str]:
    """Show a content to people."""
    body = read_body(content)
    begins = _show_time(content.valid_from) if content.valid_from else "when taken"
    return [
        f"{content.kind.name} {_show_name(body)}",
        f"  content    {content.content_id:016x}, {len(content.octets):,} octets",
        f"  signed     {_show_time(content.issued)}, realm {content.realm.name}",
        f"  for        {content.model or 'any model'}",
        f"  valid from {begins}",
        *_show_body(body),
    ]


def _show_name(body: Body) -> str:
    if isinstance(body, FirmwareImage):
        return body.show_version()
    if isinstance(body, CreditKeyUpdate):
        return f"{body.number} of {body.server.credential.name}"
    return f"{body.number}: {body.name}"


def _show_body(body: Body) -> list[str]:
    if isinstance(body, Tariff):
        classes = [line for one in body.classes for line in _show_class(one)]
        return [f"  source     {body.source}", *classes]
    if isinstance(body, Slogan):
        lines = [f"  |{line:^24}|" for line in body.lines]
        customer = f"department {body.customer}" if body.customer else "any department"
        return [f"  approved   {body.approved}", f"  may print  {customer}", *lines]
    if isinstance(body, FirmwareImage):
        return [
            f"  notes      {body.notes}",
            f"  payload    {len(body.payload):,} octets, for the simulated machine",
            f"  self-test  {'passes' if body.boots else 'FAILS'}",
        ]
    return [f"  key x      {body.server.credit_key.point.x.hex()}"]


def _show_class(one: ProductClass) -> list[str]:
    rows = [
        f"        up to {step.up_to_g} g: {_show_prices(one, step.paise)}"
        for step in one.steps
    ]
    if one.further is not None:
        prices = _show_prices(one, one.further.paise)
        rows.append(
            f"        each further {one.further.every_g} g: {prices}, "
            f"to {one.weight_max_g} g"
        )
    rows += [
        f"        and {addition.name}: {show_rupees(Paise(addition.paise))}"
        for addition in one.additions
    ]
    return [f"  {one.letters:4} {one.number:3}  {one.name} ({one.source})", *rows]


def _show_prices(one: ProductClass, prices: tuple[int, ...]) -> str:
    if not one.zones:
        return show_rupees(Paise(prices[0]))
    return ", ".join(
        f"{zone} {show_rupees(Paise(price))}"
        for zone, price in zip(one.zones, prices, strict=True)
    )


def _body_as_json(body: Body) -> dict[str, Any]:
    if isinstance(body, CreditKeyUpdate):
        return body.server.readable()
    found: dict[str, Any] = json.loads(body.to_body())
    if isinstance(body, FirmwareImage):
        found["payload"] = len(body.payload)
    return found


def _show_time(moment: EpochSeconds) -> str:
    return datetime.fromtimestamp(moment, INDIA).strftime("%Y-%m-%d %H:%M:%S IST")


def _read(path: Path, octets_max: int) -> bytes:
    """Read a file, and one octet more than it may have: its reader refuses that."""
    try:
        with path.open("rb") as file:
            return file.read(octets_max + 1)
    except OSError as error:
        raise MakerError(f"{path} cannot be read: {error.strerror}") from error
