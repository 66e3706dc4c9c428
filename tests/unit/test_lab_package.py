"""A signed package: whatever is changed in it is found."""

import io
import zipfile

import pytest

from hw.entropy import SeededEntropy
from hw.lab import package
from hw.lab.package import PackageError, read_package, write_package
from protocol.keys import Realm, SigningKey, sign, write_public_key

LAB = SigningKey.generate(SeededEntropy(b"a lab"))
OTHER = SigningKey.generate(SeededEntropy(b"another lab"))
FILES = {
    "declaration.toml": b'role = "machine"\n',
    "results.json": b'[{"id": "DLG-01-01-M-P", "verdict": "PASS"}]',
    "traffic/DLG-01-01-M-P.pcapng": bytes(range(64)),
}
PACKAGE = write_package(FILES, {"tested_at": "2026-11-22T12:00:00Z"}, LAB)


def test_a_package_gives_back_what_was_put_into_it() -> None:
    found = read_package(PACKAGE, LAB.public)
    assert found.files == FILES
    assert found.manifest["about"] == {"tested_at": "2026-11-22T12:00:00Z"}


def test_the_same_files_make_the_same_package() -> None:
    again = write_package(FILES, {"tested_at": "2026-11-22T12:00:00Z"}, LAB)
    assert again == PACKAGE


def test_one_changed_bit_anywhere_is_found() -> None:
    missed = []
    for place in range(len(PACKAGE)):
        for bit in range(8):
            changed = bytearray(PACKAGE)
            changed[place] ^= 1 << bit
            try:
                read_package(bytes(changed), LAB.public)
            except PackageError:
                continue
            missed.append((place, bit))
    assert missed == []


@pytest.mark.parametrize("length", [0, 1, 22, len(PACKAGE) // 2, len(PACKAGE) - 1])
def test_a_package_that_was_cut_is_found(length: int) -> None:
    with pytest.raises(PackageError):
        read_package(PACKAGE[:length], LAB.public)


def test_octets_behind_a_package_are_found() -> None:
    with pytest.raises(PackageError):
        read_package(PACKAGE + b"\0", LAB.public)


def test_another_lab_cannot_sign_in_the_name_of_this_one() -> None:
    forged = write_package(FILES, {}, OTHER)
    with pytest.raises(PackageError, match="not the key by which this lab is known"):
        read_package(forged, LAB.public)


def test_without_the_lab_s_key_the_package_s_own_is_believed() -> None:
    forged = write_package(FILES, {}, OTHER)
    assert read_package(forged).fingerprint != read_package(PACKAGE).fingerprint


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[" * 100_000,
        b"[]",
        b'{"about": {}, "files": []}',
        b'{"about": {}, "files": {"results.json": "ab"}}',
        b'{"files": {}}',
    ],
)
def test_a_manifest_without_form_is_refused_whoever_has_signed_it(
    manifest: bytes,
) -> None:
    members = {
        package.LAB: write_public_key(LAB.public.point).encode(),
        package.MANIFEST: manifest,
        package.SIGNATURE: sign(LAB, package.CONTEXT, Realm.TEST, manifest)
        .hex()
        .encode(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, octets in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), octets)
    with pytest.raises(PackageError, match=package.MANIFEST):
        read_package(packed.getvalue())
