"""The audit trail is recomputed every night: a change in it shows the next day."""

from dop_gateway.audit import trail
from dop_gateway.jobs.model import Ending, Outcome
from dop_gateway.parts import Parts
from protocol.values import EpochSeconds


def verify(parts: Parts, _moment: EpochSeconds) -> Outcome:
    """Recompute the chain; the first finding is told with a failure."""
    with parts.store.reading() as connection:
        first = next(trail.verify(connection), None)
        end = trail.head(connection)
    if first is not None:
        words = f"{first.subject}: {first.rule}: {first.detail}"
        return Outcome(Ending.FAILED, words)
    return Outcome(Ending.DONE, f"{end.number} rows up to {end.hash.hex()}")
