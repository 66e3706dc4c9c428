"""Jobs: usage, statements of mailing, rebates, refunds, franks seen."""

from typing import Final

from dop_gateway.jobs.model import Job

JOBS: Final[tuple[Job, ...]] = ()
