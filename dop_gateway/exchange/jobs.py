"""Jobs: parties, and the files that went and came."""

from typing import Final

from dop_gateway.jobs.model import Job

JOBS: Final[tuple[Job, ...]] = ()
