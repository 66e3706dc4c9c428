"""The signed package of a certification: all that a verdict rests on, in one zip.

    declaration.toml  what the maker declared, as it was read
    results.json      verdicts with their reasons, registers before and after
    catalogue.json    the cases that were played, and the hash of all that they demand
    specification     name and SHA-256 of the specification
    traffic/*.pcapng  what passed, a capture for each case, with its key log beside it
    report/           the pages
    junit.xml
    manifest.json     SHA-256 and octets of every file, who tested what, when, with what
    manifest.sig      the lab's signature over the manifest, 128 hex digits
    lab.pem           the lab's public key

The signature is ECDSA on P-256 with SHA-256, over ``"FMP/1 CERTIFICATION T" || 00 ||
manifest.json`` (as SPEC.md KEY-4.2), so that OpenSSL verifies it too. A package is
written in one form only: whoever checks it builds it again from its files, and octets
beside them are found as well.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from protocol.errors import RmfsError
from protocol.keys import (
    KeyMaterialError,
    Realm,
    SigningKey,
    VerifyingKey,
    read_public_key,
    sign,
    verify,
    write_public_key,
)

CONTEXT: Final = "CERTIFICATION"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
LAB: Final = "lab.pem"
PACKAGE_OCTETS_MAX: Final = 512 * 1024 * 1024
_FORMAT: Final = "FMP/1 certification package 1"
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_FILES_MAX: Final = 20_000
_SIGNATURE_OCTETS: Final = 64


class PackageError(RmfsError):
    """A package is not what its lab signed: where, and why."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was verified.

    Attributes:
        manifest: What the lab signed.
        files: Every file but manifest, signature and key.
        fingerprint: Hex of SHA-256 over x || y of the lab's key.
    """

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    fingerprint: str


def write_package(
    files: Mapping[str, bytes], about: Mapping[str, Any], lab: SigningKey
) -> bytes:
    """Write a package.

    Args:
        files: By name.
        about: Who tested what, when, with what; goes into the manifest.
        lab: The lab's private key.
    """
    manifest = {
        "format": _FORMAT,
        "about": dict(about),
        "files": {
            name: {"sha256": sha256(octets).hexdigest(), "octets": len(octets)}
            for name, octets in sorted(files.items())
        },
    }
    signed = json.dumps(manifest, indent=1, sort_keys=True).encode()
    signature = sign(lab, CONTEXT, Realm.TEST, signed)
    return _zipped(
        {
            **files,
            MANIFEST: signed,
            SIGNATURE: signature.hex().encode(),
            LAB: write_public_key(lab.public.point).encode(),
        }
    )


def read_package(octets: bytes, lab: VerifyingKey | None = None) -> Package:
    """Verify a package, offline.

    Args:
        octets: The zip.
        lab: The lab's key, as the reader knows it; without one the package's own is
            believed, and proves no more than that nothing was changed since.

    Raises:
        PackageError: Something is not as the lab signed it.
    """
    members = _unzipped(octets)
    for name in (MANIFEST, SIGNATURE, LAB):
        if name not in members:
            raise PackageError(f"{name} is missing: this is no package")
    signed = members.pop(MANIFEST)
    key = _key(members.pop(LAB), lab)
    signature = _signature(members.pop(SIGNATURE))
    if not verify(key, CONTEXT, Realm.TEST, signed, signature):
        raise PackageError(f"{MANIFEST}: the lab's signature does not verify")
    manifest = _manifest(signed)
    _compare(manifest["files"], members)
    point = key.point
    return Package(manifest, members, sha256(point.x + point.y).hexdigest())


def _manifest(signed: bytes) -> dict[str, Any]:
    """Read a manifest; whoever made it has signed it, and may be no lab of ours."""
    try:
        found = json.loads(signed)
    except (ValueError, RecursionError) as error:
        raise PackageError(f"{MANIFEST} is no JSON: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("about"), dict):
        raise PackageError(f"{MANIFEST} does not say what was tested")
    listed = found.get("files")
    if not isinstance(listed, dict) or not all(
        isinstance(one, dict) and isinstance(one.get("sha256"), str)
        for one in listed.values()
    ):
        raise PackageError(f"{MANIFEST} does not list files with their SHA-256")
    return found


def _compare(listed: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    for name in sorted(set(listed) | set(members)):
        if name not in members:
            raise PackageError(f"{name} is missing")
        if name not in listed:
            raise PackageError(f"{name} was not there when the lab signed")
        digest = sha256(members[name]).hexdigest()
        if digest != listed[name]["sha256"]:
            raise PackageError(f"{name} is not what the lab signed")


def _key(pem: bytes, lab: VerifyingKey | None) -> VerifyingKey:
    try:
        own = VerifyingKey(read_public_key(pem))
    except KeyMaterialError as error:
        raise PackageError(f"{LAB}: {error}") from error
    if write_public_key(own.point).encode() != pem:
        raise PackageError(f"{LAB} is not as a lab writes it")
    if lab is not None and lab != own:
        raise PackageError(f"{LAB} is not the key by which this lab is known")
    return own


def _signature(text: bytes) -> bytes:
    try:
        signature = bytes.fromhex(text.decode("ascii"))
    except ValueError as error:
        raise PackageError(f"{SIGNATURE} is no hexadecimal") from error
    # One form alone: capitals and spaces would be changes that nobody finds.
    if len(signature) != _SIGNATURE_OCTETS or signature.hex().encode() != text:
        raise PackageError(f"{SIGNATURE} is not 128 hex digits")
    return signature


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, octets in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), octets)
    return packed.getvalue()


def _unzipped(octets: bytes) -> dict[str, bytes]:
    if len(octets) > PACKAGE_OCTETS_MAX:
        raise PackageError(f"it has more than {PACKAGE_OCTETS_MAX} octets")
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            infos = archive.infolist()
            # Stored, not packed: what is read is no longer than the file.
            if len(infos) > _FILES_MAX or any(
                info.compress_type != zipfile.ZIP_STORED or info.file_size > len(octets)
                for info in infos
            ):
                raise PackageError("it was not written by a lab: too many, or packed")
            members = {info.filename: archive.read(info) for info in infos}
    except (
        zipfile.BadZipFile,
        ValueError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise PackageError(f"it is no zip, or a damaged one: {error}") from error
    if _zipped(members) != octets:
        raise PackageError("something beside its files was changed")
    return members
