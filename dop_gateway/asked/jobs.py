"""Jobs: requests that were answered, so that the same one again gets the same answer."""

from typing import Final

from dop_gateway.jobs.model import Job

JOBS: Final[tuple[Job, ...]] = ()
