"""Every job of the gateway; each is written where its feature is."""

from typing import Final

from dop_gateway.asked import jobs as asked
from dop_gateway.audit import nightly
from dop_gateway.bank import jobs as bank
from dop_gateway.deposits import jobs as deposits
from dop_gateway.exchange import jobs as exchange
from dop_gateway.jobs.dues import daily
from dop_gateway.jobs.model import Job
from dop_gateway.licences import jobs as licences
from dop_gateway.money import jobs as money
from dop_gateway.posting import jobs as posting

JOBS: Final = (
    Job(
        "audit-verify",
        "Recompute the chain of the audit trail.",
        daily("audit.verify_at"),
        nightly.verify,
    ),
    *asked.JOBS,
    *licences.JOBS,
    *deposits.JOBS,
    *bank.JOBS,
    *exchange.JOBS,
    *money.JOBS,
    *posting.JOBS,
)
"""In the order in which `rmfs dop job list` shows them."""
