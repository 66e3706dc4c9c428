"""Jobs: banks, their files, and accounting."""

from typing import Final

from dop_gateway.bank import nightly
from dop_gateway.jobs.dues import daily
from dop_gateway.jobs.model import Job

JOBS: Final[tuple[Job, ...]] = (
    Job(
        "bank-fetch",
        "Fetch and judge what banks and the e-Payment Central Server hand over.",
        daily("bank.run_at"),
        nightly.run,
        longest_s=1_800,
    ),
)
