"""A log in a file that others rotate, written by any number of processes at once.

A file is rotated by renaming it (logrotate without `copytruncate`): whoever finds
another file under its name, or none, opens it anew before the next line. So nobody has
to be told, and no line is lost: what is written meanwhile is in the renamed file. Each
line is appended by one write, so that workers do not mix theirs.

A line that cannot be written is said on stderr, and ends no call. (Of the line with
which a disk becomes full, the end may be missing.)
"""

import os
import sys
from contextlib import suppress
from io import FileIO, TextIOWrapper
from logging import LogRecord
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Final, TextIO

from protocol.errors import RmfsError

_MODE: Final = 0o640
"""The umask takes from it: under our units its owner alone reads it."""


class LogFileError(RmfsError):
    """The file of a log cannot be opened."""


class LogFile(WatchedFileHandler):
    """Writes the lines of a log to a file."""

    def __init__(self, path: Path, elsewhere: TextIO | None = None) -> None:
        """Open the file, or make it and its folder.

        Args:
            path: The file.
            elsewhere: Where a line goes that cannot be written to it; None: stderr.

        Raises:
            LogFileError: It cannot be opened.
        """
        self._elsewhere = elsewhere
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            super().__init__(path, encoding="utf-8")
        except OSError as error:
            raise LogFileError(f"no log in {path}: {error.strerror}") from error

    def emit(self, record: LogRecord) -> None:
        """Write a line to the file that has the name now."""
        try:
            super().emit(record)
        except OSError:
            # It is not there any more, and no other can be made in its place.
            self.handleError(record)

    def handleError(self, record: LogRecord) -> None:  # noqa: N802  # logging's
        """Say elsewhere what cannot be written."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
            return
        with suppress(OSError):
            out = sys.stderr if self._elsewhere is None else self._elsewhere
            out.write(f"{self.format(record)}\n")
            out.flush()

    def _open(self) -> TextIOWrapper:
        # Without a buffer: what a full disk has not taken is not kept, to be written
        # beside other lines later. Python has its own stdout so with -u.
        octets = FileIO(self.baseFilename, "a", opener=_open_private)
        return TextIOWrapper(
            octets,
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, _MODE)
