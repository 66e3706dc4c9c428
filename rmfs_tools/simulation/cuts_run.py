"""All stories, cut at all points, and what is counted of it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from rmfs_tools.postgres import folder_in_memory
from rmfs_tools.simulation.cuts_points import EVERY_FOURTH, Kind, Whole, list_cuts
from rmfs_tools.simulation.cuts_seen import AtCut, Ended, Redialled, Trial
from rmfs_tools.simulation.cuts_stories import (
    DEPOSITED_PAISE,
    STORIES,
    Story,
    begin_story,
)
from rmfs_tools.simulation.cuts_trial import Trials
from rmfs_tools.simulation.many import ROOM_OCTETS
from rmfs_tools.simulation.pair import Pair, new_pair
from rmfs_tools.simulation.pair_parties import make_keys

OnPart = Callable[["Part"], None]


@dataclass(frozen=True, slots=True)
class Range:
    """Points that follow each other, and at which the same was seen.

    Attributes:
        first: The first point.
        last: The last one.
        points: How many were tried, both included.
        at_cut: What both sides held.
        redialled: What became of it.
    """

    first: Trial
    last: Trial
    points: int
    at_cut: AtCut
    redialled: Redialled


@dataclass(frozen=True, slots=True)
class Part:
    """All points of one kind in one story.

    Attributes:
        story: Which.
        kind: What was cut.
        whole: The story when it is not cut.
        trials: What was seen at each point, in order.
    """

    story: Story
    kind: Kind
    whole: Whole
    trials: tuple[Trial, ...]

    @property
    def ended(self) -> Counter[Ended]:
        """How many points ended how."""
        return Counter(trial.redialled.ended for trial in self.trials)

    @property
    def dial_ins_most(self) -> int:
        """The most dial-ins until both sides were quiet."""
        return max(trial.redialled.dial_ins for trial in self.trials)

    @property
    def violations(self) -> tuple[Trial, ...]:
        """The points at which something was wrong."""
        return tuple(trial for trial in self.trials if trial.findings)

    def ranges(self) -> Iterator[Range]:
        """Give the points as ranges in which all was the same."""
        for (at_cut, redialled), same in groupby(self.trials, lambda one: one.seen):
            trials = list(same)
            yield Range(trials[0], trials[-1], len(trials), at_cut, redialled)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run comes to.

    Attributes:
        points: How many points were tried.
        violations: At how many of them something was wrong.
        redials: How many redials were dialled; the others had been met before.
    """

    points: int
    violations: int
    redials: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be cut.

    Attributes:
        stories: Which stories.
        every: Tear each write at each octet, and cut the line after each.
        real_channel: Use the product's channel; each redial is dialled then.
        kinds: What is cut.
    """

    stories: Sequence[Story] = STORIES
    every: bool = False
    real_channel: bool = False
    kinds: Collection[Kind] = tuple(Kind)


def run_cuts(choice: Choice, on_part: OnPart) -> tuple[list[Part], Totals]:
    """Cut stories at all their points.

    Args:
        choice: Which, and how finely.
        on_part: Told of each part when it is done.

    Raises:
        InvariantError: A story does not come to its end without a cut.
    """
    parts: list[Part] = []
    redials = 0
    with _pair(real_channel=choice.real_channel) as pair:
        new = pair.keep()
        for story in choice.stories:
            trials = Trials(pair, story, begin_story(pair, story, new))
            for part in _parts(trials, story, choice):
                parts.append(part)
                on_part(part)
            redials += trials.dialled
    points = sum(len(part.trials) for part in parts)
    violations = sum(len(part.violations) for part in parts)
    return parts, Totals(points, violations, redials)


def count_ended(parts: Iterable[Part]) -> Counter[Ended]:
    """Count how the points of some parts ended."""
    total: Counter[Ended] = Counter()
    for part in parts:
        total += part.ended
    return total


def _parts(trials: Trials, story: Story, choice: Choice) -> Iterator[Part]:
    # The first story stands for all others: it is cut after each octet in any case.
    step = 1 if story is STORIES[0] else EVERY_FOURTH
    cuts = list_cuts(trials.whole, every=choice.every, octet_step=step)
    for kind, of_kind in groupby(cuts, lambda cut: cut.kind):
        if kind in choice.kinds:
            yield Part(story, kind, trials.whole, tuple(map(trials.at, of_kind)))


@contextmanager
def _pair(*, real_channel: bool) -> Iterator[Pair]:
    within = folder_in_memory(least_octets=ROOM_OCTETS)
    with TemporaryDirectory(prefix="rmfs-cuts-", dir=within) as name:
        pair = new_pair(
            Path(name),
            make_keys(),
            deposited_paise=DEPOSITED_PAISE,
            real_channel=real_channel,
        )
        try:
            yield pair
        finally:
            pair.close()
