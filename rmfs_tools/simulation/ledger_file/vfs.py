"""A VFS of SQLite that passes every call on to the system's and records what changes.

Only what a power failure can touch is recorded. Temporary files die with the process,
the shared memory of a write-ahead log is made anew by whoever opens it, and locks are
no state of a disk.

The system's VFS syncs a folder in two places that no VFS above it can see, so they are
recorded where they happen: the first sync of a journal or log after it was opened to be
created also syncs its folder, and so does a delete that is asked to.

Source: SQLite, os_unix.c (`unixOpen`: UNIXFILE_DIRSYNC; `unixSync`; `unixDelete`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from rmfs_tools.simulation.ledger_file.record import (
    Create,
    Delete,
    Record,
    Sync,
    SyncFolder,
    Truncate,
    Write,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

_JOURNALS: Final = (
    apsw.SQLITE_OPEN_MAIN_JOURNAL
    | apsw.SQLITE_OPEN_SUPER_JOURNAL
    | apsw.SQLITE_OPEN_WAL
)


class RecordingVfs(apsw.VFS):
    """Records what SQLite does to the files of one folder.

    Attributes:
        record: Where it goes.
        registered: The name under which SQLite knows it.
    """

    def __init__(self, name: str, record: Record) -> None:
        """Register under a name; what is in the record already is durable.

        Args:
            name: Unique in the process; `unregister` frees it.
            record: Where operations are added.
        """
        self.record = record
        self.registered = name
        self._files = {known: number for number, known in enumerate(record.files)}
        self._made = len(record.files)
        super().__init__(name, "")

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        """Open a file; one that nobody else can see is not recorded."""
        asked = flags[0]
        if name is None or asked & apsw.SQLITE_OPEN_DELETEONCLOSE:
            return apsw.VFSFile("", name, flags)
        path = Path(name if isinstance(name, str) else name.filename())
        new = not path.exists()
        opened = RecordedFile(name, flags, self.record)
        if new:
            self._files[path.name] = self._made
            self._made += 1
            self.record.operations.append(Create(path.name, self._files[path.name]))
        opened.number = self._files[path.name]
        creating = bool(asked & apsw.SQLITE_OPEN_CREATE)
        opened.syncs_folder = creating and bool(asked & _JOURNALS)
        return opened

    def xDelete(  # noqa: N802 - SQLite's name
        self, filename: str, syncdir: bool
    ) -> None:
        """Delete a file, and sync the folder when that is asked for."""
        super().xDelete(filename, syncdir)
        name = Path(filename).name
        self._files.pop(name, None)
        self.record.operations.append(Delete(name))
        if syncdir:
            self.record.operations.append(SyncFolder())


class RecordedFile(apsw.VFSFile):
    """One open file.

    Attributes:
        number: Of the file in the record.
        syncs_folder: Its next sync also syncs the folder.
    """

    number: int
    syncs_folder: bool

    def __init__(
        self, name: str | apsw.URIFilename, flags: list[int], record: Record
    ) -> None:
        """Open it with the system's VFS."""
        self._operations = record.operations
        super().__init__("", name, flags)

    def xWrite(self, data: "Buffer", offset: int) -> None:  # noqa: N802
        """Write, then record."""
        super().xWrite(data, offset)
        self._operations.append(Write(self.number, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        """Truncate, then record."""
        super().xTruncate(newsize)
        self._operations.append(Truncate(self.number, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Sync, then record."""
        super().xSync(flags)
        self._operations.append(Sync(self.number))
        if self.syncs_folder:
            self.syncs_folder = False
            self._operations.append(SyncFolder())
