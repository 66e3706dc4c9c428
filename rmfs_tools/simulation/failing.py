"""What to make of a run that failed: a short plan, and its transcript."""

from dataclasses import replace

from rmfs_tools.simulation.deeds import Plan
from rmfs_tools.simulation.many import simulator
from rmfs_tools.simulation.run import RunResult
from rmfs_tools.simulation.shrink import Shrinker


def shrunk(result: RunResult, channel: str) -> tuple[Plan, list[str]]:
    """Shrink the plan of a failure, and tell its history line by line.

    Args:
        result: A run with a violation.
        channel: On which it failed.
    """
    broken = result.violations[0].property_id
    with simulator(channel) as one:

        def fails(plan: Plan) -> bool:
            found = one.run(plan).violations
            return bool(found) and found[0].property_id == broken

        plan = Shrinker(fails).shrink(result.plan)
        transcript: list[str] = []
        again = one.run(plan, transcript.append)
    transcript += [f"! {violation}" for violation in again.violations]
    found = (again.violations or result.violations)[0]
    return replace(plan, found=str(found)), transcript
