"""Where a certification goes: a folder, a signed package; and the lab's key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hw.lab.package import PACKAGE_OCTETS_MAX, Package, read_package, write_package
from protocol.errors import RmfsError
from protocol.keys import (
    KeyMaterialError,
    SigningKey,
    VerifyingKey,
    read_private_key,
    read_public_key,
    write_private_key,
    write_public_key,
)
from protocol.ports import Entropy
from rmfs_tools.lab.run_files import Run, about, run_files

_KEY_OCTETS_MAX: Final = 4096
_OWNER_ONLY: Final = 0o600


class OutPlaceError(RmfsError):
    """A place cannot be written, or a key not be read; it says what to do."""


@dataclass(frozen=True, slots=True)
class OutPlaces:
    """Where one run is written.

    Attributes:
        folder: For the files, or None.
        package: For the signed package, or None.
        lab: The lab's private key, where there is a package.
    """

    folder: Path | None
    package: Path | None
    lab: Path | None

    def check(self) -> None:
        """See before a run that it can be written afterwards.

        Raises:
            OutPlaceError: Something is there already, or the key is none.
        """
        for place in (self.folder, self.package):
            if place is not None and place.exists():
                message = f"{place} is there already: evidence is never written over"
                raise OutPlaceError(message)
        if self.lab is not None:
            _lab_key(self.lab)

    def write(self, run: Run) -> None:
        """Write what was asked for.

        Raises:
            OutPlaceError: It cannot be written, or a certification is not whole.
        """
        if self.folder is None and self.package is None:
            return
        files = run_files(run)
        self.write_folder(files)
        if self.package is not None and not run.for_certification:
            raise OutPlaceError("the run was not whole: no package is written")
        self.write_package(files, about(run))

    def write_folder(self, files: Mapping[str, bytes]) -> None:
        """Write files into the folder, if there is one.

        Raises:
            OutPlaceError: They cannot be written.
        """
        if self.folder is None:
            return
        try:
            _write_files(self.folder, files)
        except OSError as error:
            raise OutPlaceError(f"{error.filename}: {error.strerror}") from error

    def write_package(
        self, files: Mapping[str, bytes], told: Mapping[str, Any]
    ) -> None:
        """Write and sign a package of files, if there is to be one.

        Args:
            files: By name.
            told: Who tested what, when, with what.

        Raises:
            OutPlaceError: It cannot be written.
        """
        if self.package is None or self.lab is None:
            return
        signed = write_package(files, told, _lab_key(self.lab))
        try:
            with self.package.open("xb") as file:
                file.write(signed)
        except OSError as error:
            raise OutPlaceError(f"{error.filename}: {error.strerror}") from error


def make_lab_key(file: Path, entropy: Entropy) -> Path:
    """Make a lab's key.

    Args:
        file: For the private half; it must be new.
        entropy: Draws it.

    Returns:
        The file with the public half.

    Raises:
        OutPlaceError: Something is there already, or it cannot be written.
    """
    key = SigningKey.generate(entropy)
    public = file.with_name(f"{file.stem}-public{file.suffix}")
    try:
        file.touch(mode=_OWNER_ONLY, exist_ok=False)
        file.write_text(write_private_key(key.scalar), "ascii")
        public.write_text(write_public_key(key.public.point), "ascii")
    except OSError as error:
        raise OutPlaceError(f"{error.filename}: {error.strerror}") from error
    return public


def verify_file(package: Path, lab: Path | None) -> Package:
    """Verify a package in a file.

    Args:
        package: The file.
        lab: The lab's public key, as the reader knows it.

    Raises:
        OutPlaceError: A file cannot be read.
        PackageError: The package is not what the lab signed.
    """
    known = None
    if lab is not None:
        try:
            known = VerifyingKey(read_public_key(_read(lab, _KEY_OCTETS_MAX)))
        except KeyMaterialError as error:
            raise OutPlaceError(f"{lab}: {error}") from error
    return read_package(_read(package, PACKAGE_OCTETS_MAX + 1), known)


def _lab_key(file: Path) -> SigningKey:
    try:
        return SigningKey(read_private_key(_read(file, _KEY_OCTETS_MAX)))
    except KeyMaterialError as error:
        message = f"{file}: {error}; make one with rmfs certify key"
        raise OutPlaceError(message) from error


def _read(path: Path, octets_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(octets_max)
    except OSError as error:
        raise OutPlaceError(f"{path} cannot be read: {error.strerror}") from error


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, octets in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
