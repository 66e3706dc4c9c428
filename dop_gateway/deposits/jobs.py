"""Jobs: the ledger, deposits, suspense and counters."""

from typing import Final

from dop_gateway.jobs.model import Job

JOBS: Final[tuple[Job, ...]] = ()
