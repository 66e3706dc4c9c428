"""Searches of the model, one after the other, each in a temporary folder of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hw.clock import MonotonicClock
from rmfs_tools.model.configurations import Bounds, Configuration, Variant
from rmfs_tools.model.replay import Replayed, replay
from rmfs_tools.model.replay_start import Start, prepare
from rmfs_tools.model.spin import (
    Found,
    TakenStep,
    random_run,
    search,
    search_endless,
    trail,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one configuration.

    Attributes:
        configuration: Which.
        bounds: How far it was searched.
        found: In every state.
        endless: In the search for runs without end, where there was one.
        seconds: How long it took, building included.
    """

    configuration: Configuration
    bounds: Bounds
    found: Found
    endless: Found | None
    seconds: float

    @property
    def errors(self) -> int:
        """Of both searches."""
        return self.found.errors + (0 if self.endless is None else self.endless.errors)


@dataclass(frozen=True, slots=True)
class Refuted:
    """What was found of one planted mistake.

    Attributes:
        variant: Which.
        found: By the search for a shortest run that breaks something.
        run: That run, or nothing where the mistake was not found.
        replayed: What the real code made of it, where it was asked for.
        seconds: How long it took, building included.
    """

    variant: Variant
    found: Found
    run: tuple[TakenStep, ...]
    replayed: Replayed | None
    seconds: float

    @property
    def refuted(self) -> bool:
        """Whether the mistake was found."""
        return self.found.errors > 0 and bool(self.run)


@dataclass(frozen=True, slots=True)
class Followed:
    """A random run of the model without any mistake, taken through the real code.

    Attributes:
        configuration: Of the run.
        seed: Chose it.
        run: The steps.
        replayed: What the real code made of them: it has to do every one.
    """

    configuration: Configuration
    seed: int
    run: tuple[TakenStep, ...]
    replayed: Replayed


def check(
    configurations: Iterable[Configuration], clock: MonotonicClock, *, long: bool
) -> Iterator[Checked]:
    """Search configurations, one after the other.

    Raises:
        ToolMissingError: Spin or the compiler is missing.
        SpinError: The model is wrong, or a search was cut short.
    """
    for one in configurations:
        began = clock.now()
        switches = one.switches(long=long)
        with TemporaryDirectory() as folder:
            found = search(Path(folder), switches)
        endless = None
        if one.ends:
            with TemporaryDirectory() as folder:
                endless = search_endless(Path(folder), switches)
        bounds = one.long if long else one.short
        yield Checked(one, bounds, found, endless, clock.now() - began)


def refute(
    variants: Iterable[Variant], clock: MonotonicClock, *, replayed: bool
) -> Iterator[Refuted]:
    """Search planted mistakes, and take the runs that show them to the real code.

    Raises:
        ToolMissingError: Spin or the compiler is missing.
        SpinError: The model is wrong, or a search was cut short.
    """
    starts = Starts()
    for one in variants:
        began = clock.now()
        with TemporaryDirectory() as folder:
            found = search(Path(folder), one.switches, shortest=True)
            run = trail(Path(folder)) if found.errors else ()
        made = None
        if replayed and run:
            with TemporaryDirectory() as folder:
                start = starts.of(one.bounds.deposit)
                made = replay(one.name, one.parts, run, start, Path(folder))
        yield Refuted(one, found, run, made, clock.now() - began)


def follow(
    configurations: Iterable[Configuration], seeds: Iterable[int]
) -> Iterator[Followed]:
    """Take random runs of the model through the real code.

    Raises:
        ToolMissingError: Spin is missing.
        SpinError: The model is wrong.
    """
    starts = Starts()
    seeds = tuple(seeds)
    for one in configurations:
        start = starts.of(one.short.deposit)
        for seed in seeds:
            with TemporaryDirectory() as folder:
                run = random_run(Path(folder), one.random_switches, seed)
                made = replay("", one.parts, run, start, Path(folder))
            yield Followed(one, seed, run, made)


class Starts:
    """Where replays begin, made once for each deposit."""

    def __init__(self) -> None:
        """Make none yet."""
        self._made: dict[int, Start] = {}

    def of(self, deposit_steps: int) -> Start:
        """Give the start with so many steps paid in."""
        if deposit_steps not in self._made:
            with TemporaryDirectory() as folder:
                self._made[deposit_steps] = prepare(Path(folder), deposit_steps)
        return self._made[deposit_steps]
