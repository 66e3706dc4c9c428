"""What one connection sees: two folders, their files, and what it has half-written.

    /to-oem      files of the Department that wait for their answers; only read
    /from-oem    takes files: written as NAME.part, handed over by renaming to NAME

A path is put in order as text and is one of these then, or nothing: there is no file
system behind it that could be left, and no link that could lead anywhere.
"""

import errno
import os
import posixpath
import tempfile
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from dop_gateway.exchange.model import FileRow
from dop_gateway.sftp.limits import DropLimits
from protocol.errors import RmfsError

TO_OEM: Final = "to-oem"
FROM_OEM: Final = "from-oem"
PART: Final = ".part"
_PATH_OCTETS_MAX: Final = 512
_IN_MEMORY_OCTETS: Final = 1_048_576


class NoSuchPathError(RmfsError):
    """There is nothing there."""


class PathRefusedError(RmfsError):
    """It cannot be done there; the message says what can."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path that was put in order.

    Attributes:
        folder: Empty for the root.
        name: Empty for the folder itself.
    """

    folder: str = ""
    name: str = ""

    def __str__(self) -> str:
        """Show it as a path."""
        return posixpath.join("/", self.folder, self.name)

    @property
    def is_folder(self) -> bool:
        """Whether it is the root or one of the two folders."""
        return not self.name


def place_of(path: bytes) -> Place:
    """Put a path in order, whatever it is.

    Raises:
        NoSuchPathError: It leads nowhere.
    """
    try:
        text = path.decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if len(path) > _PATH_OCTETS_MAX or not (text.isprintable() and text):
        if path:
            raise NoSuchPathError("a path is printable ASCII, and not so long")
        return Place()
    pieces = posixpath.normpath(posixpath.join("/", text)).strip("/").split("/")
    if pieces == [""]:
        return Place()
    if pieces[0] not in {TO_OEM, FROM_OEM} or len(pieces) > len(("folder", "name")):
        raise NoSuchPathError(f"there are /{TO_OEM} and /{FROM_OEM}, and nothing else")
    return Place(*pieces)


@dataclass
class Reading:
    """A file of ours that is open.

    Attributes:
        upto: So many octets were read from the first one on, without a gap.
    """

    row: FileRow
    octets: bytes
    upto: int = 0
    beyond: dict[int, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many octets it has."""
        return len(self.octets)

    @property
    def was_read_whole(self) -> bool:
        """Whether every octet of it was asked for."""
        return self.upto >= self.size

    def seek(self, offset: int, whence: int) -> int:
        """Say where data begins and where it ends, for clients that look for holes."""
        if offset >= self.size:
            raise OSError(errno.ENXIO, "beyond the end")
        return self.size if whence == os.SEEK_HOLE else offset

    def read(self, offset: int, count: int) -> bytes:
        """Read some octets; none at the end."""
        found = self.octets[offset : offset + count]
        if found:
            # Clients ask for many pieces at once, in any order.
            self.beyond[offset] = max(self.beyond.get(offset, 0), offset + len(found))
            while self.upto in self.beyond:
                self.upto = self.beyond.pop(self.upto)
        return found


@dataclass
class Part:
    """A file that is half-written: it exists for its connection alone."""

    name: str
    octets_max: int
    spool: BinaryIO
    size: int = 0

    def write(self, offset: int, octets: bytes) -> int:
        """Write some octets; how many more it holds now.

        Raises:
            PathRefusedError: It would have more than such a file may have.
        """
        end = offset + len(octets)
        if end > self.octets_max:
            raise PathRefusedError(f"{self.name} may have {self.octets_max:,} octets")
        self.spool.seek(offset)
        self.spool.write(octets)
        grown = max(0, end - self.size)
        self.size += grown
        return grown

    def seek(self, offset: int, whence: int) -> int:
        """Refuse to say where data begins: nobody reads it."""
        raise OSError(errno.EINVAL, f"it is only written ({offset}, {whence})")

    def read(self) -> bytes:
        """Give all octets."""
        self.spool.seek(0)
        return self.spool.read()


class Parts:
    """The half-written files of a connection."""

    def __init__(self, limits: DropLimits) -> None:
        """Begin with none."""
        self._limits = limits
        self._parts: dict[str, Part] = {}

    @property
    def octets(self) -> int:
        """How many octets they have together."""
        return sum(part.size for part in self._parts.values())

    def names(self) -> list[str]:
        """List their names."""
        return sorted(self._parts)

    def get(self, name: str) -> Part:
        """Find one.

        Raises:
            NoSuchPathError: There is none of that name.
        """
        found = self._parts.get(name)
        if found is None:
            raise NoSuchPathError(f"there is no {name} of this connection")
        return found

    def begin(self, name: str, octets_max: int) -> Part:
        """Begin one anew.

        Raises:
            PathRefusedError: There are too many.
        """
        self.remove(name)
        if len(self._parts) >= self._limits.parts_max:
            message = f"{self._limits.parts_max} half-written files are enough"
            raise PathRefusedError(message)
        spool = tempfile.SpooledTemporaryFile(_IN_MEMORY_OCTETS)  # noqa: SIM115
        part = Part(name, octets_max, spool)  # type: ignore[arg-type]
        self._parts[name] = part
        return part

    def remove(self, name: str) -> None:
        """Throw one away, if there is one."""
        found = self._parts.pop(name, None)
        if found is not None:
            found.spool.close()

    def clear(self) -> None:
        """Throw all away."""
        for name in self.names():
            self.remove(name)
