"""What a maker signs for machines: contents with their bodies, and files of people."""

from importlib.resources import files
from typing import Final

from protocol.contents import (
    Content,
    ContentError,
    CreditKeyUpdate,
    FirmwareImage,
    Slogan,
    Tariff,
    TariffFileError,
    read_body,
    read_content,
    read_tariff_file,
)
from protocol.keys import SIGNATURE_OCTETS, sign
from rmfs_tools.lab.decoders.parties import MAKER
from rmfs_tools.lab.decoders.target import Target
from rmfs_tools.lab.decoders.vectors import vectors

_CONTEXT: Final = "CONTENT"
_TOO_DEEP: Final = 2_000
"""Brackets that stand in one another: more than Python's readers follow."""


def _content(octets: bytes) -> Content:
    """Read a content that the maker has signed, whatever it says, and its body."""
    signature = sign(MAKER.signing, _CONTEXT, MAKER.realm, octets)
    content = read_content(octets + signature, MAKER.public)
    read_body(content)
    return content


def _contents() -> list[bytes]:
    found = vectors("cont")
    texts = [one["octets"] for one in (*found["vectors"], *found["refused"])]
    return [bytes.fromhex(text)[:-SIGNATURE_OCTETS] for text in texts]


def _bodies(kind: str) -> list[bytes]:
    return [
        bytes.fromhex(one["body"])
        for one in vectors("cont")["vectors"]
        if one["kind"] == kind
    ]


def _tariff_files() -> list[bytes]:
    folder = files("rmfs_tools").joinpath("samples", "tariffs")
    return [
        *(one.read_bytes() for one in folder.iterdir() if one.name.endswith(".toml")),
        b"a = " + b"[" * _TOO_DEEP,
        b"valid_from = 2026-02-31",
    ]


TARGETS: Final = (
    Target(
        "content",
        "a content that the maker has signed, and its body",
        _content,
        _contents,
        (ContentError,),
        runs=2_500,
        watched=("protocol.contents",),
    ),
    Target(
        "tariff-body",
        "the body of a tariff",
        Tariff.from_body,
        lambda: [*_bodies("TARIFF"), b"[" * _TOO_DEEP],
        (ContentError,),
        Tariff.to_body,
        runs=4_000,
        watched=("protocol.contents",),
    ),
    Target(
        "slogan-body",
        "the body of a slogan",
        Slogan.from_body,
        lambda: _bodies("SLOGAN"),
        (ContentError,),
        Slogan.to_body,
        watched=("protocol.contents",),
    ),
    Target(
        "firmware-body",
        "the body of a firmware image",
        FirmwareImage.from_body,
        lambda: _bodies("FIRMWARE"),
        (ContentError,),
        FirmwareImage.to_body,
        watched=("protocol.contents",),
    ),
    Target(
        "credit-key-body",
        "the body of a credit key",
        CreditKeyUpdate.from_body,
        lambda: _bodies("CREDIT_KEY"),
        (ContentError,),
        CreditKeyUpdate.to_body,
        watched=("protocol.contents", "protocol.keys"),
    ),
    Target(
        "tariff-file",
        "a tariff that a person has written",
        read_tariff_file,
        _tariff_files,
        (TariffFileError,),
        runs=700,
        octets_max=8_192,
        watched=("protocol.contents", "tomllib"),
    ),
)
