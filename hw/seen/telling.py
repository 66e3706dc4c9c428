"""Sinks that keep nothing: each record is told to a function, or to two sinks."""

from collections.abc import Callable

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.clock import WallClock
from hw.seen.reading import SeenEvent, SeenFrame, SeenNoFrame, SeenRecord
from hw.seen.tap import Sink


class TellingSink:
    """Tells each record as `hw.seen.reading.CaptureReader` would read it."""

    def __init__(self, tell: Callable[[SeenRecord], None], clock: WallClock) -> None:
        """Tell records to `tell`, with the time of `clock`."""
        self._tell = tell
        self._clock = clock

    def write_frame(
        self, direction: CaptureDirection, octets: bytes, comment: str = ""
    ) -> None:
        """Tell a frame."""
        self._tell(SeenFrame(self._clock.utc(), direction, octets))

    def write_no_frame(
        self, direction: CaptureDirection, why: NoFrame, octets: bytes
    ) -> None:
        """Tell octets that are no good frame."""
        self._tell(SeenNoFrame(self._clock.utc(), direction, why, octets))

    def write_event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        """Tell an event."""
        self._tell(SeenEvent(self._clock.utc(), direction, event, words))


class BothSinks:
    """Gives everything to two sinks, in their order."""

    def __init__(self, first: Sink, second: Sink) -> None:
        """Join two sinks."""
        self._sinks = (first, second)

    def write_frame(
        self, direction: CaptureDirection, octets: bytes, comment: str = ""
    ) -> None:
        """Give a frame to both."""
        for sink in self._sinks:
            sink.write_frame(direction, octets, comment)

    def write_no_frame(
        self, direction: CaptureDirection, why: NoFrame, octets: bytes
    ) -> None:
        """Give octets that are no good frame to both."""
        for sink in self._sinks:
            sink.write_no_frame(direction, why, octets)

    def write_event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        """Give an event to both."""
        for sink in self._sinks:
            sink.write_event(event, words, direction)
