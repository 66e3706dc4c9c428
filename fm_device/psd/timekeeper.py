"""The PSD's clock: a battery clock that is never set, and an offset that is.

A battery clock may show anything after years on a shelf. What cannot be the time of a
franking machine counts as not set: the machine says so, franks nothing, tells 0 in its
STATEMENT, and takes any CLOCK order, as after a new battery (SPEC.md DLG-4, DLG-10.3).
So does a clock that is more than a day behind a frank or a receipt of this machine: to
turn it back must not make a silence shorter (DLG-4.8). Within that day it may be put
back; from frank to frank the PSD sees by how much, and adds it to the silence.
"""

from datetime import datetime, time
from typing import Any, Final

from fm_device.psd.records import PsdRecord
from protocol.parameters import INDIA, all_parameters
from protocol.values import U32_MAX, EpochSeconds

MAX_SILENCE_DAYS: Final = "machine.max_silence_days"
WARN_FROM_DAY: Final = "machine.warn_from_day"


def _first_moment(*keys: str) -> EpochSeconds:
    """Say from when on there is a value of every one of these parameters."""
    first = max(
        min(known.valid_from for known in all_parameters() if known.key == key)
        for key in keys
    )
    return EpochSeconds(int(datetime.combine(first, time.min, INDIA).timestamp()))


EARLIEST: Final = _first_moment(MAX_SILENCE_DAYS, WARN_FROM_DAY)
"""Before it no rule says how long a machine may be silent: nothing can be judged."""
BEHIND_MAX_S: Final = 24 * 3600
"""As far as a CLOCK order may put the clock back without the supervisor."""
LATEST: Final = EpochSeconds(U32_MAX)
"""The last moment that a STATEMENT can tell."""


def possible_time(shown: int) -> EpochSeconds | None:
    """Take what a clock shows, or None where that cannot be the time."""
    return EpochSeconds(shown) if EARLIEST <= shown <= LATEST else None


def time_at(record: PsdRecord, battery_time: EpochSeconds) -> EpochSeconds | None:
    """Say what the PSD's clock shows, or None when it is not set.

    Args:
        record: Holds the offset, and the latest time that it has shown.
        battery_time: What the battery clock shows.
    """
    if record.clock_offset_s is None:
        return None
    shown = battery_time + record.clock_offset_s
    if not max(EARLIEST, record.latest - BEHIND_MAX_S) <= shown <= LATEST:
        return None
    return EpochSeconds(shown)


def time_shown(record: PsdRecord, now: EpochSeconds) -> dict[str, Any]:
    """Note what the clock shows, and add to the silence what it was put back by.

    Returns:
        The fields of the record that change.
    """
    put_back_s = record.put_back_s + max(record.shown - now, 0)
    return {"shown": now, "put_back_s": min(put_back_s, U32_MAX)}


def time_held(record: PsdRecord, now: EpochSeconds) -> dict[str, Any]:
    """Note what the clock shows at a frank or a receipt: it is held against it.

    Returns:
        The fields of the record that change.
    """
    return {**time_shown(record, now), "latest": max(record.latest, now)}
