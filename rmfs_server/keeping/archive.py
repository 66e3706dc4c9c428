"""The file of a backup: a tar archive whose first member says what the others are.

    manifest.json     who the server is, when the copy was made, which schema the books
                      have, how many rows each table has; octets and SHA-256 of all else
    books.sqlite      the books, or books.dump if they are in a PostgreSQL
    folder/...        the files of the server's folder, keys included if they were asked

Hashes show that a file came back as it was written. They are no signature: whoever can
write the archive can write other hashes.
"""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from protocol.errors import RmfsError
from protocol.values import EpochSeconds

FORMAT: Final = "RMFS backup"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
BOOKS_OF: Final = {"sqlite": "books.sqlite", "postgresql": "books.dump"}
"""Name of the books' copy, by the kind of the database."""
FOLDER: Final = "folder/"

_MANIFEST_OCTETS_MAX: Final = 1024 * 1024
_CHUNK_OCTETS: Final = 1024 * 1024
_NAME: Final = re.compile(
    r"books\.(?:sqlite|dump)"
    r"|folder/(?:(?:makers|layouts)/)?[A-Za-z0-9_][A-Za-z0-9._ -]{0,127}",
    re.ASCII,
)
_OWNER_ONLY: Final = 0o600


class ArchiveError(RmfsError):
    """A file is no backup, or not as it was written; it says what is wrong."""


@dataclass(frozen=True, slots=True)
class Member:
    """How long a file in the archive is, and its SHA-256 in hex."""

    octets: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself.

    Attributes:
        server: Name of the server.
        realm: Of its keys.
        made_at: When the copy of the books was begun.
        database: Kind of its database: a key of `BOOKS_OF`.
        revision: Version of the books' schema.
        rows: Rows of each table.
        left_out: Files of the folder that are not in it: private keys.
        members: All files in it, by name.
    """

    server: str
    realm: str
    made_at: EpochSeconds
    database: str
    revision: str
    rows: Mapping[str, int]
    left_out: tuple[str, ...]
    members: Mapping[str, Member]

    @property
    def books(self) -> str:
        """Name of the books' copy."""
        return BOOKS_OF[self.database]


def is_name(name: str) -> bool:
    """Whether a file may have this name in an archive."""
    return _NAME.fullmatch(name) is not None


def measure(path: Path) -> Member:
    """Measure a file for the manifest.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Member(path.stat().st_size, digest.hexdigest())


def write_archive(
    target: IO[bytes], manifest: Manifest, files: Mapping[str, Path]
) -> None:
    """Write an archive, front to back: a pipe will do.

    Args:
        target: Where to.
        manifest: What it says of itself.
        files: Where its members are, by their names.

    Raises:
        OSError: Something cannot be read or written.
    """
    head = {"format": FORMAT, "version": VERSION, **asdict(manifest)}
    octets = (json.dumps(head, indent=2, sort_keys=True) + "\n").encode("utf-8")
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_row(MANIFEST, len(octets), manifest.made_at), io.BytesIO(octets))
        for name, path in sorted(files.items()):
            row = _row(name, manifest.members[name].octets, manifest.made_at)
            with path.open("rb") as file:
                tar.addfile(row, file)


def read_archive(source: IO[bytes], into: Path) -> Manifest:
    """Read an archive into a folder, and believe nothing that its hashes do not fit.

    Args:
        source: The archive; it is read front to back.
        into: An empty folder.

    Raises:
        ArchiveError: It is no archive of ours, a file is missing or is another one
            than was written.
        OSError: Something cannot be read or written.
    """
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            members = _members(tar)
            name, content = next(members, ("", io.BytesIO()))
            if name != MANIFEST:
                raise ArchiveError("the file is no backup: it has no manifest in front")
            manifest = _parse(content.read(_MANIFEST_OCTETS_MAX + 1))
            missing = set(manifest.members)
            for name, content in members:
                if name not in missing:
                    raise ArchiveError(f"{name} is not in the manifest, or there twice")
                missing.remove(name)
                _unpack(content, into / name, name, manifest.members[name])
    except tarfile.TarError as error:
        raise ArchiveError(f"the file is no backup, or was cut off: {error}") from error
    if missing:
        raise ArchiveError(f"the backup was cut off: {min(missing)} is missing")
    return manifest


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for row in tar:
        content = tar.extractfile(row) if row.isreg() else None
        if content is None:
            raise ArchiveError(f"{row.name} is no ordinary file")
        yield row.name, content


def _unpack(content: IO[bytes], path: Path, name: str, member: Member) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    octets = 0
    path.touch(_OWNER_ONLY, exist_ok=False)
    with path.open("wb") as file:
        while chunk := content.read(_CHUNK_OCTETS):
            digest.update(chunk)
            octets += len(chunk)
            file.write(chunk)
    if Member(octets, digest.hexdigest()) != member:
        raise ArchiveError(f"{name} is not as it was written: its hash differs")


def _row(name: str, octets: int, made_at: EpochSeconds) -> tarfile.TarInfo:
    row = tarfile.TarInfo(name)
    row.size = octets
    row.mtime = made_at
    row.mode = _OWNER_ONLY
    return row


def _parse(octets: bytes) -> Manifest:
    if len(octets) > _MANIFEST_OCTETS_MAX:
        raise ArchiveError("the manifest is too long")
    try:
        head: dict[str, Any] = json.loads(octets)
        if (head.pop("format"), head.pop("version")) != (FORMAT, VERSION):
            raise ArchiveError(f"the file is no {FORMAT} of version {VERSION}")
        members = {
            str(name): Member(int(one["octets"]), str(one["sha256"]))
            for name, one in head.pop("members").items()
        }
        rows = {str(name): int(count) for name, count in head.pop("rows").items()}
        left_out = tuple(map(str, head.pop("left_out")))
        manifest = Manifest(**head, rows=rows, left_out=left_out, members=members)
        books = manifest.books
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(f"the manifest cannot be read: {error}") from error
    wrong = next((name for name in members if not is_name(name)), None)
    if wrong is not None:
        raise ArchiveError(f"the manifest names {wrong!r}, which no backup has")
    if books not in members:
        raise ArchiveError("the manifest names no books")
    return manifest
