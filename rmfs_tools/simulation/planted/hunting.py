"""Hunting planted bugs: a copy with the bug in it, and a simulation run there.

Whether a simulation is any good shows in what it finds. So a bug counts as found only
if an oracle has named a property, in a world in which the product itself breaks none; a
copy that cannot be run at all is an error.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rmfs_tools.planting import ROOT, plant
from rmfs_tools.simulation.many import Wanted, run_seeds
from rmfs_tools.simulation.planted.bugs import PlantedBug, PlantedBugError
from rmfs_tools.simulation.planted.seeking import FOUND

_SEEKING: Final = "rmfs_tools.simulation.planted.seeking"
_LAST_WORDS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Hunted:
    """What became of the hunt for one bug.

    Attributes:
        bug: Which.
        property_id: The property that was seen broken first, or None: not found.
        what: What was seen, in a line; empty when nothing was.
        seed: The seed of the world in which it was seen, or None.
        dial_ins: Dial-ins until then, or all of them.
        duration_s: How long the process took, its start included.
    """

    bug: PlantedBug
    property_id: str | None
    what: str
    seed: int | None
    dial_ins: int
    duration_s: float

    @property
    def found(self) -> bool:
        """Whether the simulation has found it."""
        return self.property_id is not None

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "id": self.bug.id,
            "found": self.found,
            "property": self.property_id,
            "what": self.what,
            "seed": self.seed,
            "seeds": self.bug.seeds,
            "faults": self.bug.faults,
            "dial_ins": self.dial_ins,
            "duration_s": round(self.duration_s, 2),
        }


def command(bug: PlantedBug) -> tuple[str, ...]:
    """Say what is run in a planted copy: the one place where that stands.

    Without the environment (``-E``), which may name the folder of the product itself:
    what is imported has to be the copy.
    """
    numbers = (bug.seeds, bug.machines, bug.days)
    return (sys.executable, "-E", "-m", _SEEKING, *map(str, numbers), bug.faults)


def hunt(bug: PlantedBug, clock: Callable[[], float], root: Path = ROOT) -> Hunted:
    """Plant a bug in a copy, and run the simulation there until it finds something.

    Args:
        bug: Which.
        clock: Monotonic seconds.
        root: The folder of the packages.

    Raises:
        PlantingError: The bug does not fit.
        PlantedBugError: Its copy cannot be run.
    """
    began_s = clock()
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        plant(f"the planted bug {bug.id}", bug.edits, root, Path(folder))
        ran = subprocess.run(  # noqa: S603 (our own program)
            command(bug),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    lines = ran.stdout.splitlines()
    if ran.returncode not in (0, FOUND) or not lines:
        last = ran.stderr[-_LAST_WORDS:]
        raise PlantedBugError(f"a simulation with {bug.id} cannot be run:\n{last}")
    told = json.loads(lines[-1])
    return Hunted(
        bug,
        told["property"],
        told["what"] or "",
        told["seed"],
        told["dial_ins"],
        clock() - began_s,
    )


def hunt_all(
    bugs: Sequence[PlantedBug],
    clock: Callable[[], float],
    *,
    processes: int = 1,
) -> Iterator[Hunted]:
    """Hunt bugs, and give what became of each in their order.

    Args:
        bugs: Which.
        clock: Monotonic seconds.
        processes: How many hunts at once, each in a process of its own.

    Raises:
        PlantingError: One does not fit.
        PlantedBugError: The copy of one cannot be run.
    """
    with ThreadPoolExecutor(processes) as pool:
        yield from pool.map(lambda bug: hunt(bug, clock), bugs)


def found_without_a_bug(hunts: Sequence[Hunted]) -> dict[str, str]:
    """Run the product as it is in each world in which a bug was found.

    Args:
        hunts: Those of this process's own packages.

    Returns:
        What the product itself breaks there, by the id of the bug: nothing at all, or
        the simulation finds what is not there.
    """
    worlds: dict[Wanted, dict[int, list[str]]] = {}
    for one in hunts:
        if one.seed is not None:
            wanted = Wanted(one.bug.machines, one.bug.days, one.bug.faults)
            of_seed = worlds.setdefault(wanted, {})
            of_seed.setdefault(one.seed, []).append(one.bug.id)
    return {
        bug_id: str(result.violations[0])
        for wanted, of_seed in worlds.items()
        for result in run_seeds(sorted(of_seed), wanted)
        if result.violations
        for bug_id in of_seed[result.plan.seed]
    }


def show_hunts(hunts: Sequence[Hunted]) -> str:
    """Show what became of hunts as a table."""
    rows = [
        (
            one.bug.id,
            "found" if one.found else "NOT FOUND",
            "" if one.seed is None else str(one.seed),
            f"{one.dial_ins:,}",
            f"{one.duration_s:.1f}",
            one.property_id or f"in {one.bug.seeds} seeds, {one.bug.faults}",
        )
        for one in hunts
    ]
    head = ("planted bug", "", "seed", "dial-ins", "s", "property")
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = []
    for name, found, seed, dial_ins, seconds, property_id in (head, *rows):
        numbers = (
            f"{seed:>{widths[2]}}  {dial_ins:>{widths[3]}}  {seconds:>{widths[4]}}"
        )
        lines.append(
            f"{name:<{widths[0]}}  {found:<{widths[1]}}  {numbers}  {property_id}"
        )
    return "\n".join(lines)
