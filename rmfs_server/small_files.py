"""Small files of a server's folder: settings, keys and what else is public."""

import os
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError

_OWNER_ONLY: Final = 0o600
_PUBLIC: Final = 0o644
_FILE_OCTETS_MAX: Final = 64 * 1024


class ServerFolderError(RmfsError):
    """The folder holds no server, or is not to be used; it says what to do."""


def read_small(path: Path) -> bytes:
    """Read a file of a server's folder: settings or a key.

    Raises:
        ServerFolderError: It cannot be read, or is far too long.
    """
    try:
        if path.stat().st_size > _FILE_OCTETS_MAX:
            raise ServerFolderError(f"{path} is too long")
        return path.read_bytes()
    except OSError as error:
        raise ServerFolderError(f"{path} cannot be read: {error.strerror}") from error


def write_new(path: Path, text: str | bytes, *, private: bool) -> None:
    """Write a file that is not there yet, and wait until it is on the disk.

    Raises:
        OSError: It is there, or cannot be written.
    """
    octets = text.encode("utf-8") if isinstance(text, str) else text
    mode = _OWNER_ONLY if private else _PUBLIC
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(descriptor)
