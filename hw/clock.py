"""Two clocks, because there are two questions.

"How long since?" is asked of a `MonotonicClock`: seconds from an arbitrary start, never
set back, for time-outs. "What time is it?" is asked of a `WallClock`: UTC, for records,
which a person or NTP may set forward or back. Each has a *system* and a *memory*
implementation; the memory ones ship because the simulator and the lab run on them. A
machine's own clock is a `DriftingWallClock`: a quartz on a battery, never quite right.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds


class MonotonicClock(Protocol):
    """Time since an arbitrary start, for time-outs."""

    def now(self) -> float:
        """Read the clock: seconds, never less than at the reading before."""
        ...


class WallClock(Protocol):
    """Time of day in UTC, for records; it may jump either way."""

    def now(self) -> EpochSeconds:
        """Read the clock in whole seconds, as the wire carries them."""
        ...

    def utc(self) -> datetime:
        """Read the clock as an aware UTC instant, to the microsecond."""
        ...


class SystemMonotonicClock:
    """The operating system's monotonic clock."""

    def now(self) -> float:
        """Read the clock, in seconds."""
        return time.monotonic()


class SystemWallClock:
    """The operating system's time of day."""

    def now(self) -> EpochSeconds:
        """Read the clock in whole seconds."""
        return EpochSeconds(int(time.time()))

    def utc(self) -> datetime:
        """Read the clock as an aware UTC instant."""
        return datetime.now(UTC)


class MemoryMonotonicClock:
    """A monotonic clock that moves only when it is told to."""

    def __init__(self, now_s: float = 0.0) -> None:
        """Start at `now_s` seconds."""
        self._now_s = now_s

    def now(self) -> float:
        """Read the clock, in seconds."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            LocalProtocolError: `seconds` is negative.
        """
        self.set(self._now_s + seconds)

    def set(self, now_s: float) -> None:
        """Let time pass until `now_s`.

        Raises:
            LocalProtocolError: That time has passed already.
        """
        if now_s < self._now_s:
            message = f"a monotonic clock cannot go back from {self._now_s} to {now_s}"
            raise LocalProtocolError(message)
        self._now_s = now_s


class MemoryWallClock:
    """A time of day that moves only when it is told to, forward or back."""

    def __init__(self, utc: datetime) -> None:
        """Start at the aware instant `utc`.

        Raises:
            LocalProtocolError: The instant has no time zone.
        """
        self._utc = _aware(utc)

    def now(self) -> EpochSeconds:
        """Read the clock in whole seconds."""
        return epoch_seconds(self._utc)

    def utc(self) -> datetime:
        """Read the clock as an aware UTC instant."""
        return self._utc

    def advance(self, seconds: float) -> None:
        """Let time pass; a negative number sets the clock back, as a person may."""
        self._utc += timedelta(seconds=seconds)

    def set(self, utc: datetime) -> None:
        """Set the clock to the aware instant `utc`.

        Raises:
            LocalProtocolError: The instant has no time zone.
        """
        self._utc = _aware(utc)


class DriftingWallClock:
    """A quartz clock on a battery: it gains or loses, and stops when that is empty.

    It follows another clock and its jumps. A common watch quartz is within 20 parts per
    million, which is 1.7 s a day.
    """

    def __init__(self, base: WallClock, ppm: float, started: datetime) -> None:
        """Follow `base`, from the moment at which both showed the same.

        Args:
            base: The clock that is right.
            ppm: Parts per million gained against it; negative when this clock loses.
            started: That moment, an aware instant.

        Raises:
            LocalProtocolError: The instant has no time zone, or the clock would run
                backwards.
        """
        if not ppm > _PPM_OF_A_CLOCK_THAT_STANDS:
            message = f"a clock that gains {ppm} ppm runs backwards"
            raise LocalProtocolError(message)
        self._base = base
        self._ppm = ppm
        self._set_at = _aware(started)
        self._set_to = self._set_at
        self._stopped = False

    @property
    def is_running(self) -> bool:
        """The battery holds; a stopped clock shows when it stopped, for ever."""
        return not self._stopped

    def now(self) -> EpochSeconds:
        """Read the clock in whole seconds."""
        return epoch_seconds(self.utc())

    def utc(self) -> datetime:
        """Read the clock as an aware UTC instant."""
        if self._stopped:
            return self._set_to
        elapsed = self._base.utc() - self._set_at
        return self._set_to + elapsed + elapsed * self._ppm / 1_000_000

    def set(self, utc: datetime) -> None:
        """Set the clock to the aware instant `utc`; from there it runs, or runs again.

        Raises:
            LocalProtocolError: The instant has no time zone.
        """
        self._set_to = _aware(utc)
        self._set_at = self._base.utc()
        self._stopped = False

    def stop(self) -> None:
        """Let the battery run out; a second time changes nothing."""
        self._set_to = self.utc()
        self._stopped = True


def epoch_seconds(instant: datetime) -> EpochSeconds:
    """Count whole seconds since 1970-01-01T00:00:00Z, rounding down.

    Raises:
        LocalProtocolError: The instant has no time zone.
    """
    if instant.tzinfo is None:
        raise _without_zone(instant)
    since = instant - _EPOCH
    # What is left are microseconds, never negative: whole seconds are rounded down.
    return EpochSeconds(since.days * _DAY_S + since.seconds)


def utc_instant(seconds: EpochSeconds) -> datetime:
    """Turn seconds since the epoch into an aware UTC instant."""
    return _EPOCH + timedelta(seconds=seconds)


_PPM_OF_A_CLOCK_THAT_STANDS = -1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise _without_zone(instant)
    return instant.astimezone(UTC)


def _without_zone(instant: datetime) -> LocalProtocolError:
    return LocalProtocolError(
        f"{instant} has no time zone: records are kept in aware UTC"
    )
