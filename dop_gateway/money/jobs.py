"""Jobs: incidents, downloads, remaining funds, reconciliation."""

from typing import Final

from dop_gateway.jobs.dues import daily
from dop_gateway.jobs.model import Job
from dop_gateway.money import nightly

JOBS: Final[tuple[Job, ...]] = (
    Job(
        "reconcile",
        "Explain the money of every licence, and recompute ledger and deposits.",
        daily("money.reconcile_at"),
        nightly.run,
        longest_s=3_600,
    ),
)
