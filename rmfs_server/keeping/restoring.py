"""Put a backup back: into a folder that is new, into a database that is empty.

The folder appears under its name when all that it needs is in it. What the books have
lost since the copy is found out by dial-ins, as `docs/restore-drill.md` says; nothing
in the books is changed here but for the act that says that they were put back.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Final

from hw.database import Store, copying, open_store
from hw.database.ledger_checks import Finding
from protocol.errors import StoreError
from rmfs_server.folder import (
    BOOKS,
    PROVISIONING,
    SETTINGS,
    ServerFolderError,
    read_settings,
)
from rmfs_server.keeping import archive
from rmfs_server.keeping.archive import ArchiveError, Manifest
from rmfs_server.keeping.backing_up import sync_folder
from rmfs_server.store import acts
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import check_version
from rmfs_server.store.verify import verify_books

RESTORE: Final = "restore"
"""The act by which books say that they were put back."""

_DATABASE: Final = re.compile(r"^database[ \t]*=.*$", re.MULTILINE)
_PUBLIC: Final = 0o644
_OWNERS_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back.

    Attributes:
        manifest: What the backup says of itself.
        findings: What `verify` finds in the books; the backup had it already.
        older: Why the books need `rmfs server migrate` first; empty if they do not.
    """

    manifest: Manifest
    findings: Sequence[Finding]
    older: str


def restore(
    source: IO[bytes], folder: Path, by: By, *, database: str | None = None
) -> Restored:
    """Put a backup back.

    Args:
        source: The archive; a pipe will do.
        folder: Where the server is to be; new or empty.
        by: Who puts it back and why, for the books.
        database: URL of another database than the one that the settings name.

    Raises:
        ServerFolderError: There is something in the folder, or it cannot be written.
        ArchiveError: The backup is none, or not as it was written.
        CopyError: There is something in the database, or it could not be filled.
        StoreError: The database failed.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} is not empty: a backup is put back into a new folder"
        raise ServerFolderError(f"{message}, and never over a server")
    place = folder.absolute()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(mkdtemp(prefix=".rmfs-restore-", dir=place.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        manifest = archive.read_archive(source, work)
        made = work / archive.FOLDER
        url = _settle(made, manifest, database)
        in_folder = url is None
        address = f"sqlite:///{made / BOOKS}" if url is None else url
        copying.copy_in(address, work / manifest.books)
        done = _look(address, manifest, by)
        made.chmod(_OWNERS_FOLDER)
        for public in (made / PROVISIONING, *made.glob("*/*")):
            if public.exists():
                public.chmod(_PUBLIC)
        if in_folder:
            sync_folder(made)
        made.rename(place)
        sync_folder(place.parent)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return done


def _settle(made: Path, manifest: Manifest, database: str | None) -> str | None:
    """Find out where the books go: a URL, or None for the folder itself."""
    if not (made / SETTINGS).is_file():
        raise ArchiveError(f"the backup has no {SETTINGS}")
    if database is not None:
        text = (made / SETTINGS).read_text("utf-8")
        line = f"database = {json.dumps(database)}"
        (made / SETTINGS).write_text(_DATABASE.sub(lambda _: line, text), "utf-8")
    url = read_settings(made).database
    kind = copying.backend_of(url) if url else copying.SQLITE
    if kind != manifest.database:
        message = f"the books are a copy of a {manifest.database}, not of a {kind}"
        raise ServerFolderError(f"{message}: name a database of its kind")
    return url or None


def _look(url: str, manifest: Manifest, by: By) -> Restored:
    store = open_store(url)
    try:
        with store.reading() as connection:
            rows = copying.count_rows(connection)
        if rows != manifest.rows:
            differs = min(set(rows.items()) ^ set(manifest.rows.items()))[0]
            message = f"table {differs} has other rows than the backup says"
            raise ArchiveError(f"{message}: nothing is to be done with these books")
        try:
            check_version(store)
        except StoreError as error:
            return Restored(manifest, (), str(error))
        _tell(store, manifest, by)
        with store.reading() as connection:
            return Restored(manifest, verify_books(connection), "")
    finally:
        store.close()


def _tell(store: Store, manifest: Manifest, by: By) -> None:
    with store.writing("restore") as connection:
        acts.add(
            connection,
            None,
            RESTORE,
            by,
            made_at=manifest.made_at,
            books=manifest.members[manifest.books].sha256,
        )


def _unwritable(folder: Path, error: OSError) -> ServerFolderError:
    name = error.filename or folder
    return ServerFolderError(f"{name} cannot be written: {error.strerror}")
