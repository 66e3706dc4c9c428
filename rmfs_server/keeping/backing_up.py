"""Make a backup: the books as they were at one moment, and the folder around them.

The books are copied first and the folder after them: a credit key is written into the
folder before anything is signed with it, so no key is missing that the books name. The
server goes on answering meanwhile.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from hw.clock import WallClock
from hw.database import copying
from protocol.errors import StoreError
from rmfs_server.folder import BOOKS, MAKERS, ServerFolderError, open_books, read_server
from rmfs_server.keeping import archive
from rmfs_server.keeping.archive import Manifest
from rmfs_server.key_files import HSM, read_place
from rmfs_server.operations.asking import RUNNING
from rmfs_server.store.migrations import find_version

_FOLDERS: Final = (MAKERS, "layouts")
_LEFT: Final = (
    *(f"{BOOKS}{end}" for end in ("", "-wal", "-shm", "-journal")),
    RUNNING,
)
"""The books are copied in their own way, and sockets are of no use elsewhere."""
_PRIVATE_KEY: Final = b"PRIVATE KEY-----"
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class Found:
    """What of a server's folder goes into a backup.

    Attributes:
        files: Where they are, by their names in the archive.
        keys_left_out: Private keys that were not asked for, and the PIN of an HSM, by
            their names there.
        ignored: What is no file of a server: captures, logs, what begins with a dot.
    """

    files: dict[str, Path]
    keys_left_out: tuple[str, ...]
    ignored: tuple[str, ...]


def make_backup(
    folder: Path, target: IO[bytes], work: Path, clock: WallClock, *, keys: bool
) -> tuple[Manifest, Found]:
    """Copy a server's books and folder into an archive.

    Args:
        folder: The server's.
        target: Where the archive goes; a pipe will do.
        work: An empty folder with room for a copy of the books, private to us.
        clock: Time of the copy.
        keys: Whether private keys go with it.

    Raises:
        ServerFolderError: There is no server, or a file cannot be read or written.
        CopyError: The books could not be copied.
        StoreError: The database failed.
    """
    server = read_server(folder)
    url = server.database_url
    made_at = clock.now()
    database = copying.backend_of(url)
    if database not in archive.BOOKS_OF:
        raise StoreError(f"{database} is not a database that can be copied")
    books = work / archive.BOOKS_OF[database]
    with open_books(folder) as store:
        revision = find_version(store)
        rows = copying.copy_out(store, url, books)
    found = find_files(folder, keys=keys)
    try:
        files = {books.name: books, **_copied(found.files, work)}
        manifest = Manifest(
            server.settings.name,
            server.settings.realm.name,
            made_at,
            database,
            revision or "",
            rows,
            found.keys_left_out,
            {name: archive.measure(path) for name, path in files.items()},
        )
        archive.write_archive(target, manifest, files)
    except OSError as error:
        name = error.filename or "the backup"
        message = f"{name} cannot be read or written: {error.strerror}"
        raise ServerFolderError(message) from error
    return manifest, found


def find_files(folder: Path, *, keys: bool) -> Found:
    """Find what of a server's folder goes into a backup.

    Raises:
        ServerFolderError: A file cannot be read.
        HsmError: The settings of the HSM cannot be read.
    """
    files: dict[str, Path] = {}
    left_out: list[str] = []
    ignored: list[str] = []
    secret = _pin_file(folder)
    try:
        for path in _paths(folder):
            name = path.relative_to(folder).as_posix()
            if not path.is_file() or not archive.is_name(archive.FOLDER + name):
                ignored.append(name)
            elif not keys and (path == secret or _PRIVATE_KEY in path.read_bytes()):
                left_out.append(name)
            else:
                files[archive.FOLDER + name] = path
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}"
        raise ServerFolderError(message) from error
    return Found(files, tuple(left_out), tuple(ignored))


@contextmanager
def new_archive(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open an archive that appears under its name when it is complete, or never.

    Yields:
        Where to write, and an empty folder on the same disk.

    Raises:
        ServerFolderError: There is a file of this name, or it cannot be written.
    """
    if path.exists():
        raise ServerFolderError(f"{path} is there: a backup is never overwritten")
    try:
        with TemporaryDirectory(prefix=".rmfs-backup-", dir=path.parent) as name:
            work = Path(name)
            unfinished = work / "archive"
            unfinished.touch(_OWNER_ONLY)
            with unfinished.open("wb") as file:
                (work / "copies").mkdir()
                yield file, work / "copies"
                file.flush()
                os.fsync(file.fileno())
            # Unlike a renaming, a link takes nobody's name away.
            path.hardlink_to(unfinished)
            sync_folder(path.parent)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise ServerFolderError(message) from error


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk.

    Raises:
        OSError: They cannot be brought there.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pin_file(folder: Path) -> Path | None:
    """Find the file with the PIN of the HSM, if there is one."""
    if not (folder / HSM).is_file():
        return None
    kind, _, name = read_place(folder / HSM).pin.partition(":")
    return folder / name if kind == "file" else None


def _paths(folder: Path) -> list[Path]:
    paths = [path for path in folder.iterdir() if path.name not in _LEFT]
    for name in _FOLDERS:
        with suppress(ValueError):
            paths.remove(folder / name)
            paths.extend((folder / name).iterdir())
    return sorted(paths)


def _copied(files: dict[str, Path], work: Path) -> dict[str, Path]:
    """Copy the folder's small files, so that what is measured is what is written."""
    copies: dict[str, Path] = {}
    for name, path in files.items():
        copies[name] = work / name
        copies[name].parent.mkdir(parents=True, exist_ok=True)
        copies[name].touch(_OWNER_ONLY)
        copies[name].write_bytes(path.read_bytes())
    return copies
