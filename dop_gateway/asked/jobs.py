"""Answers are forgotten every night, once they are older than a day."""

from datetime import time
from typing import Final

from dop_gateway.asked import store
from dop_gateway.jobs.dues import at_times
from dop_gateway.jobs.model import Ending, Job, Outcome
from dop_gateway.parts import Parts
from protocol.values import EpochSeconds

KEPT_S: Final = 86_400
"""A request may be made again for so long at least.

Source: requirements, section 11 no. 5.
"""
_FORGOTTEN_AT: Final = time(3, 40)


def forget(parts: Parts, _moment: EpochSeconds) -> Outcome:
    """Forget the answers that nobody asks for again."""
    before = EpochSeconds(parts.clock.now() - KEPT_S)
    with parts.store.writing("forget answers") as connection:
        count = store.forget(connection, before)
    if count == 0:
        return Outcome(Ending.NOTHING_TO_DO, "no answer is older than a day")
    return Outcome(Ending.DONE, f"{count} answers were forgotten")


JOBS: Final = (
    Job(
        "asked-forget",
        "Forget answers to requests that came with a key a day ago.",
        at_times(lambda _known, _day: [_FORGOTTEN_AT]),
        forget,
    ),
)
