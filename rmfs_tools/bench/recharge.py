"""`rmfs bench recharge`: what recharges cost a server, in parts that run by themselves.

Each part is a module that measures and gives what it found: it says it to a person, to
a program, and whether it is good.
"""

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, Protocol

from rmfs_tools.bench import (
    recharge_commits,
    recharge_growth,
    recharge_idle,
    recharge_peers,
    recharge_rates,
)

Progress = Callable[[str], None]


class Found(Protocol):
    """What a part has found."""

    @property
    def good(self) -> bool:
        """Whether it is as it has to be."""

    def as_json(self) -> dict[str, Any]:
        """Give it to a program; no two parts have a name in common."""

    def lines(self) -> Iterable[str]:
        """Say it to a person."""


class Part(Protocol):
    """How a part is measured."""

    def __call__(self, progress: Progress, *, quick: bool) -> Found:
        """Measure; quick: little, and what depends on time is not judged."""


PARTS: Final[dict[str, Part]] = {
    "rates": recharge_rates.measure,
    "commits": recharge_commits.measure,
    "idle": recharge_idle.measure,
    "growth": recharge_growth.measure,
    "peers": recharge_peers.measure,
}


def run(
    say: Callable[[str], None],
    progress: Progress,
    *,
    parts: Collection[str],
    as_json: bool,
    quick: bool,
) -> int:
    """Measure, and print; see `rmfs bench recharge`.

    Args:
        say: Prints a line.
        progress: Tells what goes on.
        parts: Of `PARTS`, by name; empty: all.
        as_json: End with one line of JSON.
        quick: Measure little.

    Returns:
        1 when something is not as it has to be, else 0.
    """
    told: dict[str, Any] = {}
    good = True
    for name, measure in PARTS.items():
        if parts and name not in parts:
            continue
        found = measure(progress, quick=quick)
        for line in found.lines():
            say(line)
        told |= found.as_json()
        good = good and found.good
    if as_json:
        say(json.dumps(told))
    return 0 if good else 1
