"""What others sign and hand over to be checked: packages of a lab, and evidence."""

import io
import zipfile
from typing import Any, Final

from hw.lab.package import (
    CONTEXT,
    LAB,
    MANIFEST,
    SIGNATURE,
    PackageError,
    read_package,
    write_package,
)
from protocol.keys import Realm, sign, write_public_key
from rmfs_server.evidence import verify_evidence
from rmfs_tools.lab.decoders.parties import IDENTITY, MAKER
from rmfs_tools.lab.decoders.target import Target
from rmfs_tools.lab.decoders.vectors import octets_of

_LAB_KEY: Final = MAKER.signing
_FILES: Final = {"results.json": b"{}", "traffic/DLG-05-01-M-P.pcapng": b"\x0a\x0d"}
_ABOUT: Final = {"unit": {"model": "M"}}
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_NAMES: Final = (
    *("evidence.json", "README.txt", "machine.ccs", "machine.pem"),
    *("credit-key.pem", "credit-key-void.pem"),
    *(
        f"{part}.{ending}"
        for part in ("statement", "voucher", "void", "settled")
        for ending in ("octets", "covered", "signature.der", "json")
    ),
)
"""Files of evidence; an input names them by their places here."""


def _package() -> bytes:
    return write_package(_FILES, _ABOUT, _LAB_KEY)


def _manifest() -> bytes:
    with zipfile.ZipFile(io.BytesIO(_package())) as archive:
        return archive.read(MANIFEST)


def _read_manifest(octets: bytes) -> Any:
    """Read a package whose manifest is the input, signed by its own lab."""
    members = {
        **_FILES,
        MANIFEST: octets,
        SIGNATURE: sign(_LAB_KEY, CONTEXT, Realm.TEST, octets).hex().encode(),
        LAB: write_public_key(_LAB_KEY.public.point).encode(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    return read_package(packed.getvalue()).manifest


def _evidence(octets: bytes) -> None:
    """Verify a folder; each file has its place in `_NAMES` and its length before it."""
    files, at = {}, 0
    while at + 3 <= len(octets):
        name = _NAMES[octets[at] % len(_NAMES)]
        end = at + 3 + int.from_bytes(octets[at + 1 : at + 3], "big")
        files[name] = octets[at + 3 : end]
        at = end
    verify_evidence(files)


def _folders() -> list[bytes]:
    statement, voucher = octets_of("dlg", "vectors", "octets")[:2]
    pem = write_public_key(IDENTITY.signing.public.point).encode()
    given = {
        "evidence.json": b"{}",
        "README.txt": b"",
        "machine.ccs": IDENTITY.credential.ccs,
        "machine.pem": pem,
        "credit-key.pem": pem,
        "statement.octets": statement,
        "statement.covered": statement,
        "voucher.octets": voucher,
        "voucher.covered": voucher,
    }
    return [
        b"".join(
            bytes([_NAMES.index(name)]) + len(content).to_bytes(2, "big") + content
            for name, content in given.items()
        )
    ]


TARGETS: Final = (
    Target(
        "package",
        "the signed package of a certification",
        read_package,
        lambda: [_package()],
        (PackageError,),
        runs=1_000,
        watched=("hw.lab.package",),
    ),
    Target(
        "package-manifest",
        "the manifest of a package, signed by whoever brings it",
        _read_manifest,
        lambda: [_manifest(), b"[]", b"[" * 2_000, b'{"files":{}}'],
        (PackageError,),
        runs=1_000,
        watched=("hw.lab.package",),
    ),
    Target(
        "evidence",
        "the evidence of a recharge",
        _evidence,
        _folders,
        runs=1_200,
        octets_max=8_192,
        watched=("rmfs_server.evidence", "protocol.messages"),
    ),
)
