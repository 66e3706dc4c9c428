"""A folder of evidence on a disk."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from protocol.errors import NeedsAttentionError
from rmfs_server.evidence.contents import ALWAYS, PARTS, VOID_KEY

FILE_OCTETS_MAX: Final = 64 * 1024


class EvidenceError(NeedsAttentionError):
    """There is no such evidence, or a folder cannot be read or written."""


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Write evidence into a folder that is new or empty.

    Raises:
        EvidenceError: The folder holds something, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EvidenceError(f"{folder} is not empty: name a new folder")
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise EvidenceError(f"{folder} cannot be written: {error.strerror}") from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read a folder of evidence; what is not evidence is not looked at.

    Raises:
        EvidenceError: It cannot be read, or a file is too long.
    """
    found = {}
    try:
        for name in _names():
            path = folder / name
            if path.is_file():
                if path.stat().st_size > FILE_OCTETS_MAX:
                    raise EvidenceError(f"{path} is too long to be evidence")
                found[name] = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{folder} cannot be read: {error.strerror}") from error
    return found


def _names() -> Iterator[str]:
    yield from ALWAYS
    yield VOID_KEY
    for part in PARTS:
        for ending in ("octets", "binding", "signed", "der"):
            yield f"{part}.{ending}"
