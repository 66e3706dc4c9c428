"""Looks for the first violation in a row of seeds: what runs inside a planted copy.

A process of its own, begun with ``python -m`` in the folder of the copy, so that every
module comes from there. It is `rmfs simulate run` without what is made of a failure:
no plan is shrunk for a bug that was planted on purpose. The last line that it prints is
one JSON object; it ends with 1 when it has found something, else with 0.
"""

import json
import sys
from collections.abc import Sequence

from rmfs_tools.simulation.many import Wanted, run_seeds

FOUND = 1


def seek(seeds: range, wanted: Wanted) -> dict[str, object]:
    """Run seeds until one fails.

    Args:
        seeds: Which, in this order.
        wanted: What for each.

    Returns:
        ``dial_ins`` until then, and of the first violation ``seed``, ``property`` and
        ``what``, or None where there was none.
    """
    dial_ins = 0
    for result in run_seeds(seeds, wanted):
        dial_ins += result.dial_ins
        if result.violations:
            first = result.violations[0]
            return {
                "dial_ins": dial_ins,
                "seed": result.plan.seed,
                "property": first.property_id,
                "what": first.what,
            }
    return {"dial_ins": dial_ins, "seed": None, "property": None, "what": None}


def main(arguments: Sequence[str]) -> int:
    """Read how many seeds, machines and days, and the profile; seek and tell."""
    seeds, machines, days, profile = arguments
    wanted = Wanted(machines=int(machines), days=int(days), profile=profile)
    found = seek(range(int(seeds)), wanted)
    print(json.dumps(found))
    return 0 if found["seed"] is None else FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
