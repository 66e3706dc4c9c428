"""A folder in which the backups of a server stand, named after server and time."""

import re
from pathlib import Path
from typing import Final

from hw.clock import WallClock
from rmfs_server.folder import ServerFolderError, read_settings

_TIME: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"(?P<server>.+)-[0-9]{8}T[0-9]{6}Z\.tar", re.ASCII)
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_.-]")


def name_archive(folder: Path, clock: WallClock) -> str:
    """Name the next backup of a server, so that names stand in the order of time.

    Raises:
        ServerFolderError: There is no server, or its settings cannot be read.
    """
    name = _STRANGE.sub("_", read_settings(folder).name)
    return f"{name}-{clock.utc():{_TIME}}.tar"


def delete_older(newest: Path, keep: int) -> list[Path]:
    """Delete backups of the same server that are older than the newest ones.

    Files that `name_archive` has not named are left alone.

    Args:
        newest: The one that was made just now.
        keep: How many stay, this one included; 1 at least.

    Returns:
        Those that were deleted, oldest first.

    Raises:
        ServerFolderError: One cannot be deleted.
    """
    named = _NAME.fullmatch(newest.name)
    if named is None:
        return []
    shelf = [
        path
        for path in sorted(newest.parent.iterdir())
        if (other := _NAME.fullmatch(path.name)) and other["server"] == named["server"]
    ]
    older = [path for path in shelf if path.name < newest.name]
    gone = older[: max(0, len(older) - (keep - 1))]
    try:
        for path in gone:
            path.unlink()
    except OSError as error:
        message = f"{error.filename} cannot be deleted: {error.strerror}"
        raise ServerFolderError(message) from error
    return gone
