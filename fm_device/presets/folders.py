"""Presets and images of a machine in a folder; nobody uses it meanwhile.

None of these switches the machine on: a preset, a dump and what is restored are the
octets as they lie in its memories.
"""

import json
import os
from pathlib import Path
from typing import Any, Final

from fm_device.folder import (
    MACHINE,
    PROVISIONING,
    SERVER,
    FolderError,
    machine_parts,
    write_file,
)
from fm_device.presets.applying import apply_preset, check_test_realm, realm_of
from fm_device.presets.fields import PresetError
from fm_device.presets.image import (
    IMAGE_OCTETS_MAX,
    Image,
    ImageError,
    decode_image,
    encode_image,
)
from fm_device.presets.library import library_names, library_text, read_library
from fm_device.presets.preset import Preset
from fm_device.presets.reading import FILE_OCTETS_MAX, read_preset
from fm_device.psd.records import PsdRecord
from hw.clock import WallClock
from hw.nvram import MemoryNvram, Nvram
from protocol.errors import StoreError
from protocol.keys import Realm

PAPERS: Final = (MACHINE, PROVISIONING, SERVER)
"""The texts of a folder that belong to its memories."""
_OWNER_ONLY: Final = 0o600


def find_preset(name: str) -> Preset:
    """Read a preset: a file where there is one of that name, else of the library.

    Raises:
        PresetError: There is none, or it asks for what is not possible.
    """
    path = Path(name)
    if not path.is_file():
        return read_library(name)
    try:
        return read_preset(_read(path, FILE_OCTETS_MAX))
    except PresetError as error:
        raise PresetError("", f"{path}: {error}") from error


def show_library() -> list[str]:
    """Show every preset of the library with its title."""
    width = max(map(len, library_names()))
    return [f"{name:{width}}  {read_library(name).title}" for name in library_names()]


def show_preset(name: str) -> str:
    """Give a preset as it is written: a file, else one of the library.

    Raises:
        PresetError: There is none.
    """
    path = Path(name)
    if not path.is_file():
        return library_text(name)
    return _read(path, FILE_OCTETS_MAX).decode("utf-8", "replace")


def preset_machine(folder: Path, preset: Preset, clock: WallClock) -> PsdRecord:
    """Bring the machine in a folder into a situation.

    Returns:
        The record as it was written.

    Raises:
        FolderError: There is no machine, or another process has it.
        PresetError: It is not of the realm TEST, or cannot be brought there.
        StoreError: Its memory is beyond repair, or fails.
    """
    with machine_parts(folder, "machine preset") as (nvram, _flash):
        _check_realm(folder, nvram)
        return apply_preset(nvram, preset, clock.now())


def dump_machine(folder: Path, file: Path) -> int:
    """Write an image of the machine in a folder to a new file.

    Returns:
        How many octets it has.

    Raises:
        FolderError: There is no machine, or another process has it.
        ImageError: The file exists, or cannot be written.
        PresetError: The machine is not of the realm TEST: a second image of its
            registers would be the same money twice.
    """
    with machine_parts(folder, "machine dump") as (nvram, flash):
        _check_realm(folder, nvram)
        octets = encode_image(
            Image(
                papers_of(folder),
                nvram.read(0, nvram.size_octets),
                flash.read(0, flash.size_octets),
            )
        )
    _write_new(file, octets)
    return len(octets)


def restore_machine(folder: Path, file: Path, *, other: bool = False) -> None:
    """Put an image back into the machine in a folder.

    Args:
        folder: Where the machine is.
        file: What `dump_machine` wrote.
        other: Whether an image of another PSD may be put there.

    Raises:
        FolderError: There is no machine, or another process has it.
        ImageError: The file is no image, or one of another PSD.
        PresetError: Machine or image are not of the realm TEST.
        StoreError: A write has failed.
    """
    try:
        image = decode_image(_read(file, IMAGE_OCTETS_MAX), PAPERS)
    except ImageError as error:
        raise ImageError(f"{file}: {error}") from error
    with machine_parts(folder, "machine restore") as (nvram, flash):
        _check_realm(folder, nvram)
        check_test_realm(_realm(image.papers[MACHINE], image.nvram))
        here = _described(papers_of(folder)[MACHINE])["psd_serial"]
        there = _described(image.papers[MACHINE])["psd_serial"]
        if here != there and not other:
            raise ImageError(
                f"{file} is an image of {there}, and this is {here}: --other puts it "
                "here all the same"
            )
        nvram.write(0, image.nvram)
        flash.write(0, image.flash)
        for name in PAPERS:
            write_file(folder / name, image.papers[name].encode())


def _check_realm(folder: Path, nvram: Nvram) -> None:
    octets = nvram.read(0, nvram.size_octets)
    check_test_realm(_realm(papers_of(folder)[MACHINE], octets))


def _realm(description: str, nvram: bytes) -> Realm | None:
    """Say of which realm a machine is: by its keys, else by what is written of it.

    The keys are read from a copy, because reading repairs.
    """
    found = realm_of(MemoryNvram(nvram))
    if found is not None:
        return found
    return Realm.__members__.get(str(_described(description).get("realm")))


def _described(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "psd_serial" not in found:
        raise FolderError(f"{MACHINE} does not say which machine this is")
    return found


def papers_of(folder: Path) -> dict[str, str]:
    """Read the papers that lie beside a machine's memories.

    Raises:
        FolderError: One of them cannot be read.
    """
    return {
        name: _read(folder / name, FILE_OCTETS_MAX).decode("utf-8", "replace")
        for name in PAPERS
    }


def _read(path: Path, octets_max: int) -> bytes:
    """Read a file, and one octet more than it may have: its reader refuses that."""
    try:
        with path.open("rb") as file:
            return file.read(octets_max + 1)
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}") from error


def _write_new(path: Path, octets: bytes) -> None:
    """Write a file that its owner alone may read, and never over another one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, _OWNER_ONLY)
    except FileExistsError as error:
        raise ImageError(f"{path} exists: an image is written to a new file") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
