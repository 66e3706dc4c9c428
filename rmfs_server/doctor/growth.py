"""Looks at how fast the books grow, and when their disk will be full of them.

Nothing in the books is ever deleted, so that a disk becomes full; it should not be the
machines that say so first.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select

from protocol.values import EpochSeconds
from rmfs_server.doctor.findings import Found, good, note, warning
from rmfs_server.store import schema

_DAY_S: Final = 86_400
_DAYS: Final = 30
"""So far back a pace is taken from: a whole month, with its first and its last day."""
_DAYS_WARNING: Final = 90
"""Ours: to order a disk, and to move the books to it."""
_DAYS_LEAST: Final = 6
"""Fewer than that tell no pace."""
_KIB: Final = 1024
_DISK: Final = "disk"


def octets_a_day(
    connection: Connection, octets: int, now: EpochSeconds
) -> float | None:
    """Say how much the books grew in a day of the last month.

    What came on their first day counts for none: that is when old books are taken over.

    Args:
        connection: To the books.
        octets: Their size now.
        now: What the clock says.

    Returns:
        Their size for each journal times the journals of a day; None for books that
        are younger than a week.
    """
    journal = schema.journal.c
    journals, first = connection.execute(
        select(func.count(), func.min(journal.posted_at))
    ).one()
    since = None if first is None else max(now - _DAYS * _DAY_S, first + _DAY_S)
    if since is None or now - since < _DAYS_LEAST * _DAY_S:
        return None
    lately = connection.execute(
        select(func.count()).where(journal.posted_at >= since)
    ).scalar_one()
    return float(octets / journals * lately * _DAY_S / (now - since))


def look_at_growth(
    connection: Connection,
    path: Path | None,
    now: EpochSeconds,
    free_octets: Callable[[Path], int],
) -> Iterator[Found]:
    """Look at when the disk of the books will be full at the pace of the last month.

    Args:
        connection: To the books.
        path: Their file; None: they are in a PostgreSQL, wherever its disk is.
        now: What the clock says.
        free_octets: Says how much room is left on the disk of a folder.
    """
    if path is None:
        size = select(func.pg_database_size(func.current_database()))
        octets = int(connection.execute(size).scalar_one())
    else:
        octets = path.stat().st_size
    pace = octets_a_day(connection, octets, now)
    if pace is None:
        return
    words = f"the books grow by {pace / _KIB:,.0f} KiB a day"
    if path is None:
        yield note(_DISK, words, "look at the disk of PostgreSQL where it runs")
        return
    yield judge_pace(words, pace, free_octets(path.absolute().parent))


def judge_pace(words: str, pace: float, free: int) -> Found:
    """Say whether a disk with so much room takes so many octets a day for long."""
    days = free / pace if pace > 0 else float("inf")
    if days < _DAYS_WARNING:
        return warning(
            _DISK,
            f"{words}, and their disk is full in {days:.0f} days",
            "move them to a larger disk: nothing in the books may be deleted",
        )
    return good(_DISK, words)
