"""Jobs: licences expire, their licensees are told before, late work is marked."""

from collections.abc import Callable
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.jobs.dues import daily
from dop_gateway.jobs.model import Ending, Job, Outcome
from dop_gateway.licences import deciding, standing, telling
from dop_gateway.parts import Parts
from protocol.parameters import business_date
from protocol.values import EpochSeconds

AT_ONCE: Final = 200
"""Rows of one transaction: whoever waits for a licence waits no longer."""

Task = Callable[[Connection, date, By, int], int]


def expire(parts: Parts, moment: EpochSeconds) -> Outcome:
    """Expire the licences whose last day is over."""
    return _all(parts, moment, "expire licences", standing.expire_due, "expired")


def warn(parts: Parts, moment: EpochSeconds) -> Outcome:
    """Mark the applications that take longer than they should."""
    return _all(parts, moment, "mark late applications", deciding.warn_late, "are late")


def remind(parts: Parts, moment: EpochSeconds) -> Outcome:
    """Tell licensees whose licences end soon."""

    def task(connection: Connection, day: date, by: By, rows_max: int) -> int:
        return telling.remind_due(connection, parts.outbox, day, by, rows_max)

    return _all(parts, moment, "remind licensees", task, "were told")


def _all(
    parts: Parts, moment: EpochSeconds, name: str, task: Task, words: str
) -> Outcome:
    day, count = business_date(moment), 0
    by = By(GATEWAY, parts.clock.now(), f"job:{name}", f"for {day}")
    while True:
        with parts.store.writing(name) as connection:
            done = task(connection, day, by, AT_ONCE)
        count += done
        if done < AT_ONCE:
            break
    if not count:
        return Outcome(Ending.NOTHING_TO_DO, f"none {words} on {day}")
    return Outcome(Ending.DONE, f"{count} {words} on {day}")


JOBS: Final = (
    Job(
        "licences-expire",
        "Expire the licences whose last day is over, and tell their makers.",
        daily("licence.expire_at"),
        expire,
    ),
    Job(
        "licences-warn",
        "Mark the applications that are late; their authority owes the reason.",
        daily("licence.warn_at"),
        warn,
    ),
    Job(
        "licences-remind",
        "Tell licensees whose licences end soon, in time to have them renewed.",
        daily("licence.remind_at"),
        remind,
    ),
)
