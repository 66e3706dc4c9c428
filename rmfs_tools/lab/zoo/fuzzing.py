"""The zoo is fuzzed: which campaign finds something at which faulty unit.

A campaign ends with the first thing that it finds; it is not shrunk. The product goes
through the same campaign, with the same seed and as many cases: what is found there is
no defect of a unit of the zoo, and counts against the lab.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from hw.clock import SystemMonotonicClock
from hw.lab.fuzz.fuzz_case import NO_PRESET
from protocol.link import Role
from rmfs_tools.lab.fuzz.campaigning import Campaign, Found, Watching, campaign
from rmfs_tools.lab.fuzz.virtual_targets import PRODUCT, ZOO, virtual_target
from rmfs_tools.lab.zoo.units import FaultyUnit


@dataclass(frozen=True, slots=True)
class Search:
    """How long is looked for something at each unit.

    Attributes:
        seed: What every case follows from.
        cases: How many are drawn, at most.
        time_s: How long it may take, in real time; None: as long as the cases take.
    """

    seed: int = 1
    cases: int = 200
    time_s: float | None = None


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a campaign says of one unit.

    Attributes:
        name: The target.
        search: How was looked.
        cases: How many cases were played.
        lasted_s: How long it took, in real time.
        oracle: Who has found something; empty: nobody.
        clause: What it breaks.
        reason: In which way.
        preset: What the unit's registers were.
        steps: What was said and done.
    """

    name: str
    search: Search
    cases: int
    lasted_s: float
    oracle: str = ""
    clause: str = ""
    reason: str = ""
    preset: str = NO_PRESET
    steps: tuple[str, ...] = ()

    @property
    def caught(self) -> bool:
        """Whether something was found."""
        return bool(self.oracle)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "seed": self.search.seed,
            "cases": self.cases,
            "lasted_s": round(self.lasted_s, 1),
            "caught": self.caught,
            "oracle": self.oracle,
            "clause": self.clause,
            "reason": self.reason,
            "preset": self.preset,
            "steps": list(self.steps),
        }


def fuzz_zoo(
    units: Sequence[FaultyUnit], search: Search, *, processes: int = 1
) -> Iterator[Fuzzed]:
    """Fuzz faulty units, and give what is found in their order.

    Args:
        units: Which.
        search: How long each.
        processes: How many at once, each in a process of its own.
    """
    names = [f"{ZOO}{unit.id}" for unit in units]
    yield from _each(names, search, processes)


def fuzz_product(
    roles: Sequence[Role], search: Search, *, processes: int = 1
) -> list[Fuzzed]:
    """Fuzz the product in the same way; nothing is to be found."""
    names = [name for name, role in PRODUCT.items() if role in roles]
    return list(_each(names, search, processes))


def _each(names: Sequence[str], search: Search, processes: int) -> Iterator[Fuzzed]:
    fuzz = partial(fuzz_target, search=search)
    if processes == 1:
        yield from map(fuzz, names)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(fuzz, names)


def fuzz_target(
    name: str,
    search: Search,
    now_s: Callable[[], float] | None = None,
) -> Fuzzed:
    """Fuzz a target in virtual time until something is found.

    Args:
        name: ``machine``, ``server``, or ``zoo:`` and the id of a faulty unit.
        search: How long.
        now_s: Real time, seconds; None: the system's.

    Raises:
        TargetError: There is none of that name.
    """
    with virtual_target(name) as target:
        # What was found is enough: the case as it was drawn shows it.
        target.shrinks_max = 0

        def found(_one: Found, _now: Campaign) -> None:
            target.stop()

        over = campaign(
            target,
            search.seed,
            search.cases,
            lasted_s=search.time_s,
            now_s=now_s or SystemMonotonicClock().now,
            watching=Watching(found=found),
        )
    if not over.found:
        return Fuzzed(name, search, over.cases, over.lasted_s)
    first = over.found[0]
    return Fuzzed(
        name,
        search,
        first.cases,
        over.lasted_s,
        first.finding.oracle.value,
        first.finding.clause,
        first.finding.reason,
        first.drawn.preset,
        first.drawn.texts,
    )
