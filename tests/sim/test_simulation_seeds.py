"""New worlds with every commit: no property is broken in any of them.

The first seed follows from the commit, so that each brings new worlds and one commit
the same ones again. What they have to reach together is known: a run that reaches
nothing finds nothing.
"""

import json
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from rmfs_tools.simulation.many import Summary, Wanted, run_seeds
from rmfs_tools.simulation.profiles import PROFILES
from rmfs_tools.simulation.reaching import REACHED_BY, never_reached
from tests.house.sources import ROOT

MACHINES, DAYS = 4, 3
OTHERS: Final = tuple(name for name in PROFILES if name != "all")
CHUNKS: Final = [
    *(("all", chunk, 20) for chunk in range(5)),
    *((profile, 0, 8) for profile in OTHERS),
]
LONG_CHUNKS: Final = [
    *(("all", chunk, 200) for chunk in range(7)),
    *((profile, 0, 200) for profile in OTHERS),
]
NO_COMMIT: Final = "5eed5eed"
"""The first seed of a tree that is no clone, in the place of a commit's hash."""

SELDOM: Final = frozenset({"licence CANCELLED", "former life closed"})
"""What all new worlds of a commit together may miss by chance: the one in some tens of
commits, the other in some thousands. The long tier misses neither, and kept plans close
former lives (`test_simulation_kept.py`)."""
SUSPECTS: Final = {"freeze ended by ADOPT", "freeze ended by POST"}
"""What a storm may never bring: where nearly every machine is suspect, a person ends no
freeze."""


@cache
def first_seed() -> int:
    git = shutil.which("git")
    commit = NO_COMMIT
    if git is not None and (ROOT / ".git").exists():
        asked = [git, "rev-parse", "HEAD"]
        ran = subprocess.run(
            asked, cwd=ROOT, capture_output=True, text=True, check=False
        )
        commit = ran.stdout if ran.returncode == 0 else NO_COMMIT
    return int(commit[:8], 16)


def seeds_of(chunk: int, count: int) -> range:
    first = first_seed() + chunk * count
    return range(first, first + count)


def ran(profile: str, seeds: range) -> Summary:
    """Run worlds, and say of every broken property how to see it again."""
    found = Summary()
    for result in run_seeds(seeds, Wanted(MACHINES, DAYS, profile)):
        found.add(result)
    again = [
        f"{result.violations[0]}\n{result.trace}"
        f"  rmfs simulate --seeds {result.plan.seed} --faults {profile} "
        f"--machines {MACHINES} --days {DAYS}"
        for result in found.failed
    ]
    assert again == [], "\n".join(again)
    return found


@pytest.fixture(scope="session")
def counted(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Give the folder in which all chunks of this run keep what they have counted.

    Each chunk may run in another process: those of one run share a folder's parent.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "counted"
    folder.mkdir(exist_ok=True)
    return folder


def keep(folder: Path, name: str, counts: dict[str, int]) -> None:
    """Keep what a chunk has counted, whole or not at all."""
    begun = folder / f"{name}.begun"
    begun.write_text(json.dumps(counts))
    begun.rename(folder / f"{name}.json")


def all_counted(folder: Path) -> Counter[str] | None:
    """Add up what all chunks have counted; None as long as one is missing."""
    kept = list(folder.glob("*.json"))
    if len(kept) < len(CHUNKS):
        return None
    found: Counter[str] = Counter()
    for one in kept:
        found.update(json.loads(one.read_text()))
    return found


@pytest.mark.parametrize(("profile", "chunk", "count"), CHUNKS)
def test_no_property_is_broken_in_new_worlds(
    profile: str, chunk: int, count: int, counted: Path
) -> None:
    seeds = seeds_of(chunk, count)
    counts = ran(profile, seeds).counts
    never = never_reached(counts, profile)
    asked = f"rmfs simulate --seeds {seeds[0]}..{seeds[-1]} --faults {profile}"
    assert len(never) < len(REACHED_BY[profile]) / 2, f"{never} never with {asked}"
    keep(counted, f"{profile}-{chunk}", counts)
    # The chunk that ends last sees all of them.
    together = all_counted(counted)
    if together is not None:
        assert set(never_reached(together, "all")) <= SELDOM


@pytest.mark.long
@pytest.mark.parametrize(("profile", "chunk", "count"), LONG_CHUNKS)
def test_no_property_is_broken_in_three_thousand_worlds(
    profile: str, chunk: int, count: int
) -> None:
    never = never_reached(ran(profile, seeds_of(chunk, count)).counts, profile)
    assert set(never) <= (SUSPECTS if profile == "storm" else set())


def test_three_thousand_is_what_the_long_tier_runs() -> None:
    assert sum(count for _, _, count in LONG_CHUNKS) == 3_000


def test_what_is_seldom_reached_is_what_some_profile_should_reach() -> None:
    assert set(never_reached({}, "all")) > SELDOM | SUSPECTS


def test_what_is_never_reached_is_seen_when_the_last_chunk_has_ended(
    tmp_path: Path,
) -> None:
    *first, last = [f"{profile}-{chunk}" for profile, chunk, _ in CHUNKS]
    for name in first:
        keep(tmp_path, name, {"franks": 2})
    assert all_counted(tmp_path) is None
    keep(tmp_path, last, {"clone": 1})
    assert all_counted(tmp_path) == {"franks": 2 * len(first), "clone": 1}
