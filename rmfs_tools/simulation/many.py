"""Many seeds, one after the other, in as many processes as are wanted.

Results come in the order of the seeds, whichever process was quicker, so that the hash
of all histories does not depend on how many there were.
"""

import gc
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rmfs_tools.postgres import folder_in_memory
from rmfs_tools.simulation.channels import Channels, DoubleChannels, RealChannels
from rmfs_tools.simulation.deeds import Plan
from rmfs_tools.simulation.planning import make_plan
from rmfs_tools.simulation.run import RunResult, Simulator

ROOM_OCTETS: Final = 32 << 20
"""Databases of worlds need no disk where there is so much room in memory; each of the
largest has an eighth of it."""
_CHUNK_SEEDS: Final = (4, 40)
"""Least and most seeds that a process takes at once: each time it opens a database and
has its statements compiled."""
_CHUNKS_EACH: Final = 8
"""How often a process comes back for more, so that all end at about the same time."""

CHANNELS: Final[dict[str, type[Channels]]] = {
    "double": DoubleChannels,
    "real": RealChannels,
}


@dataclass(frozen=True)
class Wanted:
    """What is to be run for each seed.

    Attributes:
        machines: Machines of each world.
        days: Days of faults.
        profile: Of faults.
        channel: ``double`` or ``real``.
    """

    machines: int
    days: int
    profile: str
    channel: str = "double"


@dataclass
class Summary:
    """What many runs came to.

    Attributes:
        seeds: How many worlds.
        dial_ins: Calls dialled.
        answered: Calls that the server answered.
        failed: The runs with violations.
        counts: All counters together.
        simulated_s: Simulated time together.
    """

    seeds: int = 0
    dial_ins: int = 0
    answered: int = 0
    failed: list[RunResult] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    simulated_s: float = 0.0
    _histories: "hashlib._Hash" = field(default_factory=hashlib.sha256, repr=False)

    def add(self, result: RunResult) -> None:
        """Add one run, in the order of seeds."""
        self.seeds += 1
        self.dial_ins += result.dial_ins
        self.answered += result.answered
        self.counts.update(result.counts)
        self.simulated_s += result.simulated_s
        self._histories.update(result.history.encode())
        if result.violations:
            self.failed.append(result)

    @property
    def history(self) -> str:
        """Hash of all histories."""
        return self._histories.hexdigest()[:16]


@contextmanager
def simulator(channel: str = "double") -> Iterator[Simulator]:
    """Have a simulator in a temporary folder, in memory where there is room for it."""
    within = folder_in_memory(least_octets=ROOM_OCTETS)
    with TemporaryDirectory(dir=within) as folder:
        found = Simulator(Path(folder), CHANNELS[channel]())
        with _quiet(), _collecting_between():
            yield found
        found.close()


def run_seeds(
    seeds: Sequence[int],
    wanted: Wanted,
    *,
    processes: int = 1,
    on_line: Callable[[str], None] | None = None,
) -> Iterator[RunResult]:
    """Run seeds and give their results in the order of the seeds.

    Args:
        seeds: Which.
        wanted: What for each.
        processes: How many at once.
        on_line: Takes the lines of transcripts; in one process only.
    """
    if processes == 1:
        with simulator(wanted.channel) as one:
            for seed in seeds:
                yield one.run(_plan_of(seed, wanted), on_line)
        return
    least, most = _CHUNK_SEEDS
    size = min(max(least, len(seeds) // (processes * _CHUNKS_EACH)), most)
    chunks = [seeds[at : at + size] for at in range(0, len(seeds), size)]
    with ProcessPoolExecutor(processes) as pool:
        for results in pool.map(_run_chunk, chunks, [wanted] * len(chunks)):
            yield from results


def _run_chunk(seeds: Sequence[int], wanted: Wanted) -> list[RunResult]:
    with simulator(wanted.channel) as one:
        return [one.run(_plan_of(seed, wanted)) for seed in seeds]


def _plan_of(seed: int, wanted: Wanted) -> Plan:
    return make_plan(
        seed, machines=wanted.machines, days=wanted.days, profile=wanted.profile
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the server's log to itself: faults are what a simulation is made of."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _collecting_between() -> Iterator[None]:
    """Look for rubbish when a world is over, and not every few thousand objects."""
    gc.disable()
    # What is frozen is never looked at again: rubbish must not be among it.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
