"""Every job of the gateway; each is written where its feature is."""

from typing import Final

from dop_gateway.audit import nightly
from dop_gateway.jobs.dues import daily
from dop_gateway.jobs.model import Job

JOBS: Final = (
    Job(
        "audit-verify",
        "Recompute the chain of the audit trail.",
        daily("audit.verify_at"),
        nightly.verify,
    ),
)
"""In the order in which `rmfs dop job list` shows them."""
