"""Open what a power failure left with stock SQLite, let it recover, and look at it.

Recovery ends with a file that needs no log and no journal. Images that recover to the
same file are looked at once: what is found is a function of its octets alone. The
product's own check of the books runs on every content that is met, once.

Source: reliability notes, section 4.1 and rule L16.
"""

import hashlib
import sqlite3
from collections.abc import Container
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hw.database import open_store
from rmfs_server.store.verify import verify_books
from rmfs_tools.simulation.ledger_file.contents import SENT, digest_of_rows
from rmfs_tools.simulation.ledger_file.disk import Image
from rmfs_tools.simulation.ledger_file.workload import BOOKS

_BESIDE: Final = (f"{BOOKS}-wal", f"{BOOKS}-journal", f"{BOOKS}-shm")


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a database is after its recovery.

    Attributes:
        corrupt: What SQLite says is wrong with it, or None.
        content: Digest of all rows; empty when it is corrupt.
        sent: Every voucher and VOID in it.
        findings: What the product's check of the books finds.
    """

    corrupt: str | None
    content: bytes = b""
    sent: frozenset[bytes] = frozenset()
    findings: tuple[str, ...] = ()


class Examiner:
    """Looks at images, one after the other, in one folder."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, best one in memory, for the files of the images.

        Args:
            folder: Nothing else may be in it.
        """
        self._folder = folder
        self._books = folder / BOOKS
        self._by_file: dict[bytes, Recovered] = {}
        self._findings: dict[bytes, tuple[str, ...]] = {}
        self._store = open_store(f"sqlite:///{self._books}")

    def recover(self, image: Image, known: Container[bytes]) -> Recovered:
        """Put an image on the disk, have it recovered, and look.

        Args:
            image: The files.
            known: Contents that are worth the product's own check; other rows have
                never been, which is worse than anything that it could find.
        """
        self._put(image)
        try:
            self._recover()
            found = self._look()
        except sqlite3.Error as error:
            return Recovered(f"{type(error).__name__}: {error}")
        if found.corrupt is None and found.content in known:
            return replace(found, findings=self._check(found.content))
        return found

    def _put(self, image: Image) -> None:
        for name in (BOOKS, *_BESIDE):
            octets = image.get(name)
            if octets is None:
                (self._folder / name).unlink(missing_ok=True)
            else:
                (self._folder / name).write_bytes(octets)

    def _check(self, content: bytes) -> tuple[str, ...]:
        """Run the product's check on the image that lies in the folder."""
        if content not in self._findings:
            with self._store.reading() as connection:
                found = verify_books(connection)
            # The file is another one for the next image.
            self._store.close()
            self._findings[content] = tuple(str(one) for one in found)
        return self._findings[content]

    def _recover(self) -> None:
        """Open it, read, and close it: the least with which SQLite recovers a file."""
        with closing(sqlite3.connect(self._books, isolation_level=None)) as opened:
            opened.execute("PRAGMA user_version").fetchone()

    def _look(self) -> Recovered:
        octets = hashlib.sha256(self._books.read_bytes()).digest()
        alone = not any((self._folder / name).exists() for name in _BESIDE)
        found = self._by_file.get(octets) if alone else None
        if found is None:
            with closing(sqlite3.connect(self._books, isolation_level=None)) as opened:
                found = _recovered(opened)
            if alone:
                self._by_file[octets] = found
        return found


def _recovered(opened: sqlite3.Connection) -> Recovered:
    said = opened.execute("PRAGMA integrity_check").fetchall()
    if said != [("ok",)]:
        return Recovered(f"integrity_check: {said[0][0]}")
    broken = opened.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        return Recovered(f"foreign_key_check: {broken[0]}")
    tables = opened.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not tables:
        return Recovered("there is no table in it")
    vouchers = opened.execute(SENT).fetchall()
    return Recovered(
        None,
        digest_of_rows(opened.execute),
        frozenset(octets for row in vouchers for octets in row if octets is not None),
    )
