"""SFTP for one connection: requests to what its `Drop` and its tree have.

What the protocol knows and the drop does not is refused (`refusing`). Whatever asks
the database runs in a thread, one request of a connection after another.
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Final, TypeVar
from weakref import WeakSet

from asyncssh import (
    FXF_APPEND,
    FXF_READ,
    FXF_WRITE,
    SFTPAttrs,
    SFTPError,
    SFTPFailure,
    SFTPName,
    SFTPNoSuchFile,
    SFTPPermissionDenied,
    SSHServerChannel,
)

from dop_gateway.errors import ConflictError, NotFoundError, TooManyError
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.model import FileFault, FileRow
from dop_gateway.exchange.received import Verdict
from dop_gateway.sftp.limits import DropLimits
from dop_gateway.sftp.refusing import RefusingServer
from dop_gateway.sftp.tree import (
    FROM_OEM,
    PART,
    TO_OEM,
    NoSuchPathError,
    Part,
    Parts,
    PathRefusedError,
    Place,
    Reading,
    place_of,
)
from protocol.errors import RmfsError
from protocol.values import EpochSeconds

_FOLDER: Final = stat.S_IFDIR | 0o500
_OURS: Final = stat.S_IFREG | 0o400
_THEIRS: Final = stat.S_IFREG | 0o600
_NEVER: Final = EpochSeconds(0)
_REPLACED: Final = frozenset({FileFault.REPLACED.code, FileFault.NUMBER_USED.code})

T = TypeVar("T")
Reached = Callable[[], None]


class _Listing(AsyncIterator[SFTPName]):
    """An open listing: the protocol drops it without a word when it is closed."""

    def __init__(self, load: Callable[[], Awaitable[list[SFTPName]]]) -> None:
        self._load = load
        self._names: Iterator[SFTPName] | None = None

    async def __anext__(self) -> SFTPName:
        if self._names is None:
            self._names = iter(await self._load())
        for name in self._names:
            return name
        raise StopAsyncIteration


class DropSession(RefusingServer):
    """One SFTP session."""

    def __init__(
        self,
        channel: "SSHServerChannel[bytes]",
        drop: Drop,
        limits: DropLimits,
        threads: Executor,
        seen: Reached,
    ) -> None:
        """Serve a drop.

        Args:
            channel: Of the client.
            drop: That of its party.
            limits: What it may take up.
            threads: In which the database is asked.
            seen: Told of each request, so that nobody who works is idle.
        """
        super().__init__(channel)
        self._drop = drop
        self._limits = limits
        self._threads = threads
        self._seen = seen
        self._parts = Parts(limits)
        self._readings: set[int] = set()
        self._reading_octets = 0
        self._writings: set[int] = set()
        self._listings: WeakSet[_Listing] = WeakSet()
        self._turn = asyncio.Lock()
        self._waiting = 0

    # What there is.

    def realpath(self, path: bytes) -> bytes:
        """Put a path in order."""
        with self._translated():
            return str(place_of(path)).encode("ascii")

    async def stat(self, path: bytes) -> SFTPAttrs:
        """Say what stands at a path."""
        with self._translated():
            place = place_of(path)
            if place.is_folder:
                return _folder()
            if place.folder == FROM_OEM:
                return _attributes(_THEIRS, self._parts.get(place.name).size)
            for row in await self._ask(self._drop.offered):
                if row.name == place.name:
                    return _of_ours(row)
            raise NoSuchPathError(f"no {place.name} lies here")

    async def lstat(self, path: bytes) -> SFTPAttrs:
        """Say the same: there are no links."""
        return await self.stat(path)

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """Say how large an open file is."""
        if isinstance(file_obj, Reading):
            return _of_ours(file_obj.row)
        if isinstance(file_obj, Part):
            return _attributes(_THEIRS, file_obj.size)
        raise SFTPPermissionDenied("no such handle")

    def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """List a folder."""
        with self._translated():
            place = place_of(path)
            if not place.is_folder:
                raise NoSuchPathError(f"{place} is no folder")
            self._check_handles()
            listing = _Listing(lambda: self._names_in(place))
            self._listings.add(listing)
            return listing

    async def _names_in(self, place: Place) -> list[SFTPName]:
        names = [SFTPName(one, attrs=_folder()) for one in (b".", b"..")]
        if not place.folder:
            names += [
                SFTPName(folder.encode("ascii"), attrs=_folder())
                for folder in (FROM_OEM, TO_OEM)
            ]
        elif place.folder == FROM_OEM:
            for name in self._parts.names():
                attributes = _attributes(_THEIRS, self._parts.get(name).size)
                names.append(SFTPName(name.encode("ascii"), attrs=attributes))
        else:
            with self._translated():
                rows = await self._ask(self._drop.offered)
            names += [
                SFTPName(row.name.encode("ascii"), attrs=_of_ours(row)) for row in rows
            ]
        return names

    # Reading and writing.

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Open a file of ours to read, or a part of theirs to write."""
        _ = attrs
        with self._translated():
            place = place_of(path)
            self._check_handles()
            writes = bool(pflags & (FXF_WRITE | FXF_APPEND))
            if place.is_folder:
                raise PathRefusedError(f"{place} is a folder")
            if place.folder == TO_OEM:
                if writes:
                    raise PathRefusedError(f"/{TO_OEM} is only read")
                return await self._open_ours(place.name)
            if pflags & FXF_READ or not writes or pflags & FXF_APPEND:
                raise PathRefusedError(f"/{FROM_OEM} is only written, from the start")
            return self._open_part(place.name)

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read some octets of a file of ours."""
        self._seen()
        if not isinstance(file_obj, Reading):
            raise SFTPPermissionDenied("it is open to write")
        return file_obj.read(offset, size)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write some octets of a part."""
        self._seen()
        if not isinstance(file_obj, Part):
            raise SFTPPermissionDenied("it is open to read")
        with self._translated():
            end = max(file_obj.size, offset + len(data))
            self._check_octets(end - file_obj.size)
            file_obj.write(offset, data)
            return len(data)

    async def close(self, file_obj: object) -> None:
        """Close a file; one of ours that was read whole is taken."""
        if isinstance(file_obj, Part):
            self._writings.discard(id(file_obj))
        if not isinstance(file_obj, Reading) or id(file_obj) not in self._readings:
            return
        self._readings.discard(id(file_obj))
        self._reading_octets -= file_obj.size
        if file_obj.was_read_whole:
            with self._translated():
                await self._ask(lambda: self._drop.was_read(file_obj.row))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Hand a part over: it is committed when this is answered."""
        with self._translated():
            old, new = place_of(oldpath), place_of(newpath)
            if old.folder != FROM_OEM or new.folder != FROM_OEM or not new.name:
                raise PathRefusedError(f"parts in /{FROM_OEM} are renamed, and nothing")
            part = self._parts.get(old.name)
            if old.name != new.name + PART:
                message = f"{old.name} becomes {old.name.removesuffix(PART)}"
                raise PathRefusedError(message)
            octets = part.read()
            received = await self._ask(lambda: self._drop.take(new.name, octets))
            self._parts.remove(old.name)
            if received.row.code in _REPLACED and received.verdict is Verdict.REFUSED:
                message = f"{received.row.code}: {received.row.words}"
                raise PathRefusedError(message)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Do the same: nothing is ever replaced by it."""
        await self.rename(oldpath, newpath)

    def remove(self, path: bytes) -> None:
        """Throw a part away; files of ours go when they are acknowledged."""
        with self._translated():
            place = place_of(path)
            if place.folder != FROM_OEM or place.is_folder:
                raise PathRefusedError(
                    f"what lies in /{TO_OEM} goes when it is acknowledged"
                )
            self._parts.get(place.name)
            self._parts.remove(place.name)

    def fsync(self, file_obj: object) -> None:
        """Do nothing: a part is worth nothing until it is handed over."""
        _ = file_obj

    def exit(self) -> None:
        """End: what was half-written is gone."""
        self._parts.clear()

    # How it is done.

    async def _open_ours(self, name: str) -> Reading:
        row, octets = await self._ask(lambda: self._drop.open(name))
        self._check_octets(len(octets))
        reading = Reading(row, octets)
        self._readings.add(id(reading))
        self._reading_octets += reading.size
        return reading

    def _open_part(self, name: str) -> Part:
        if not name.endswith(PART):
            raise PathRefusedError(
                f"write it as {name}{PART}, and rename it when it is whole"
            )
        octets_max = self._drop.octets_max(name.removesuffix(PART))
        part = self._parts.begin(name, octets_max)
        self._writings.add(id(part))
        return part

    def _check_handles(self) -> None:
        there = len(self._readings) + len(self._writings) + len(self._listings)
        if there >= self._limits.handles_max:
            message = f"{self._limits.handles_max} open files and listings are enough"
            raise PathRefusedError(message)

    def _check_octets(self, more: int) -> None:
        there = self._reading_octets + self._parts.octets
        if there + more > self._limits.octets_max:
            message = f"{self._limits.octets_max:,} octets are open already: close some"
            raise PathRefusedError(message)

    async def _ask(self, task: Callable[[], T]) -> T:
        """Ask the database, one request of this connection after another."""
        self._seen()
        if self._waiting >= self._limits.waiting_max:
            raise PathRefusedError("wait for what was asked before")
        self._waiting += 1
        try:
            async with self._turn:
                loop = asyncio.get_running_loop()
                answer: Awaitable[T] = loop.run_in_executor(self._threads, task)
                return await answer
        finally:
            self._waiting -= 1

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Give refusals the codes of the protocol; what failed inside is not told."""
        self._seen()
        try:
            yield
        except (NoSuchPathError, NotFoundError) as error:
            raise SFTPNoSuchFile(str(error)) from error
        except (PathRefusedError, ConflictError, TooManyError) as error:
            raise SFTPPermissionDenied(str(error)) from error
        except SFTPError:
            raise
        except RmfsError as error:
            raise SFTPFailure("the gateway failed: try again") from error


def _folder() -> SFTPAttrs:
    return SFTPAttrs(permissions=_FOLDER, size=0, uid=0, gid=0, atime=0, mtime=0)


def _of_ours(row: FileRow) -> SFTPAttrs:
    return _attributes(_OURS, row.size, row.at)


def _attributes(mode: int, size: int, at: EpochSeconds = _NEVER) -> SFTPAttrs:
    return SFTPAttrs(permissions=mode, size=size, uid=0, gid=0, atime=at, mtime=at)
