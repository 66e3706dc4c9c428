"""A capture that grows, followed: every new record is told within a quarter second."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from hw.reactor import MonotonicReactor
from hw.seen.reading import CaptureReader, SeenRecord
from protocol.errors import RmfsError

POLL_S: Final = 0.25
CHUNK_OCTETS: Final = 1 << 20


class Follower:
    """Reads a file to its end, again and again, until its reactor is stopped."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        file: Path,
        tell: Callable[[SeenRecord], None],
        before: Callable[[], None],
    ) -> None:
        """Prepare; the file may be made later.

        Args:
            reactor: Stopped when the file turns out to be no capture.
            file: The capture.
            tell: Told each record.
            before: Called after octets were read and before their records are told.
        """
        self._reactor = reactor
        self._file = file
        self._tell = tell
        self._before = before
        self._reader = CaptureReader()
        self._stream: BinaryIO | None = None
        self._failure: RmfsError | BrokenPipeError | None = None

    def __enter__(self) -> Self:
        """Be closed at the end of a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

    def begin(self) -> None:
        """Read what is there, and come back for more."""
        try:
            self._read()
        except (RmfsError, BrokenPipeError) as error:
            self._failure = error
            self._reactor.stop()
            return
        self._reactor.callLater(POLL_S, self.begin)

    def raise_failure(self) -> None:
        """Say why it ended.

        Raises:
            RmfsError: The file is no capture, or cannot be read.
            BrokenPipeError: Whoever was told has gone.
        """
        if self._failure is not None:
            raise self._failure

    def _read(self) -> None:
        try:
            if self._stream is None:
                if not self._file.exists():
                    return
                self._stream = self._file.open("rb")
            while octets := self._stream.read(CHUNK_OCTETS):
                self._before()
                for seen in self._reader.records(octets):
                    self._tell(seen)
        except BrokenPipeError:
            raise
        except OSError as error:
            message = f"{self._file} cannot be read: {error.strerror}"
            raise RmfsError(message) from error
