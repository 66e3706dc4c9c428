"""Jobs: makers, applications, licences and their changes."""

from typing import Final

from dop_gateway.jobs.model import Job

JOBS: Final[tuple[Job, ...]] = ()
