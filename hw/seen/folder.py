"""A folder of captures, a file a call: bounded in number, size and age.

A file is called after the time and the caller: ``call-20261122T060102Z-0007-tcp-...``.
It is never written over. Before each call those go that are too old, and the oldest
when there are too many; only files with such names are counted or removed. A file that
has reached its size says so in its last record and takes no more. A disk that is full
ends the recording, never the call.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from hw.capture import (
    CaptureDirection,
    CaptureWriter,
    LineEvent,
    NoFrame,
    create_capture,
)
from hw.clock import WallClock
from hw.seen.tap import Tap
from protocol.errors import RmfsError

_log = logging.getLogger(__name__)

_NAME: Final = re.compile(r"call-\d{8}T\d{6}Z-\d{4,}-[\w.-]*\.pcapng", re.ASCII)
_WHEN: Final = "%Y%m%dT%H%M%SZ"
_CALLER_MAX: Final = 60
OCTETS_MAX: Final = 1 << 30
"""Largest capture where nobody says less."""


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """How much is kept.

    Attributes:
        files: Most captures in the folder, those of earlier runs included.
        octets: Largest capture; a recharge needs some 4,000.
        days: How long one is kept.
    """

    files: int = 1000
    octets: int = 4 * 1024 * 1024
    days: int = 180


class CaptureFolder:
    """Begins the captures of a server's calls."""

    def __init__(self, folder: Path, clock: WallClock, limits: CaptureLimits) -> None:
        """Make the folder if it is not there.

        Raises:
            RmfsError: It cannot be made.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RmfsError(f"{folder} cannot be made: {error.strerror}") from error
        self._folder = folder
        self._clock = clock
        self._limits = limits
        self._begun = 0

    def begin(self, caller: str) -> Tap | None:
        """Begin the capture of a call; None, and a word in the log, if it cannot be."""
        self._begun += 1
        now = self._clock.utc()
        when = now.strftime(_WHEN)
        who = re.sub(r"[^A-Za-z0-9.]+", "-", caller)[:_CALLER_MAX].strip("-.")
        path = self._folder / f"call-{when}-{self._begun:04}-{who}.pcapng"
        try:
            self._make_room(now - timedelta(days=self._limits.days))
            writer = create_capture(path, self._clock, caller)
        except OSError as error:
            _log.warning("a call is not recorded: %s: %s", path, error.strerror)
            return None
        return Tap(BoundedSink(writer, self._limits.octets, ends_with_line=True))

    def _make_room(self, oldest: datetime) -> None:
        """Remove the oldest; the names tell, as times of files change with copies."""
        first = f"call-{oldest.strftime(_WHEN)}"
        found = sorted(
            path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)
        )
        too_many = max(0, len(found) - self._limits.files + 1)
        for number, path in enumerate(found):
            if number >= too_many and path.name >= first:
                break
            path.unlink(missing_ok=True)


class BoundedSink:
    """A capture with a largest size, which no disk can stop. A `hw.seen.tap.Sink`."""

    def __init__(
        self,
        writer: CaptureWriter,
        octets_max: int = OCTETS_MAX,
        *,
        ends_with_line: bool = False,
    ) -> None:
        """Write to `writer` until it has `octets_max` octets, or the line is lost."""
        self._writer: CaptureWriter | None = writer
        self._octets_max = octets_max
        self._ends_with_line = ends_with_line

    def write_frame(
        self, direction: CaptureDirection, octets: bytes, comment: str = ""
    ) -> None:
        """Record a frame."""
        writer = self._open()
        if writer is not None:
            self._try(lambda: writer.write_frame(direction, octets, comment))

    def write_no_frame(
        self, direction: CaptureDirection, why: NoFrame, octets: bytes
    ) -> None:
        """Record octets that are no good frame."""
        writer = self._open()
        if writer is not None:
            self._try(lambda: writer.write_no_frame(direction, why, octets))

    def write_event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        """Record an event; with the loss of the line the capture is whole."""
        writer = self._open()
        if writer is not None:
            self._try(lambda: writer.write_event(event, words, direction))
            if event is LineEvent.LOST and self._ends_with_line:
                self._end()

    def _open(self) -> CaptureWriter | None:
        writer = self._writer
        if writer is not None and writer.octets >= self._octets_max:
            full = f"the capture is full at {self._octets_max} octets"
            self._try(lambda: writer.write_event(LineEvent.REMARK, full))
            self._end()
        return self._writer

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            _log.warning("a capture ends early: %s", error.strerror)
            self._end()

    def _end(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.close()
            except OSError as error:
                _log.warning("a capture could not be closed: %s", error.strerror)
