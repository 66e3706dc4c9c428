"""Jobs: deposits come due, and are used up as the ledger says."""

from datetime import time
from typing import Final

from dop_gateway.deposits.advancing import advance
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.jobs.dues import at_times
from dop_gateway.jobs.model import Ending, Job, Outcome
from dop_gateway.parts import Parts
from protocol.parameters import business_date
from protocol.values import EpochSeconds

_AT: Final = time(0, 15)
"""After midnight: `available_from` is a day."""


def run(parts: Parts, moment: EpochSeconds) -> Outcome:
    """Bring all deposits to where the day has brought them."""
    by = By(GATEWAY, parts.clock.now(), "job:deposits-advance", "")
    with parts.store.writing("advance deposits") as connection:
        done = advance(connection, business_date(moment), by)
    if not done.came_due and not done.used:
        return Outcome(Ending.NOTHING_TO_DO, "no deposit has moved")
    words = f"{done.came_due} deposits came due, {done.used} licences used theirs"
    return Outcome(Ending.DONE, words)


JOBS: Final[tuple[Job, ...]] = (
    Job(
        "deposits-advance",
        "Let deposits come due, and use them up as the ledger says.",
        at_times(lambda _known, _day: [_AT]),
        run,
    ),
)
