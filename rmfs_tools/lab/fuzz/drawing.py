"""A round of cases, drawn by Hypothesis from a seed alone, and shrunk by it.

Hypothesis draws now and then a constant that it has found in the modules that happen to
be imported, and keeps those in a folder where it runs. Here the same seed has to give
the same cases wherever it is run: the backend leaves those constants out, and what is
kept goes to a folder that does not outlive the round.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture.providers import (
    AVAILABLE_PROVIDERS,
    HypothesisProvider,
)
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import SearchStrategy

from hw.lab.fuzz.fuzz_case import FuzzCase

_BACKEND: Final = "rmfs-seed-alone"


class _SeedAlone(HypothesisProvider):
    """Draws as Hypothesis does, and knows no constants of modules."""

    @cached_property
    def _local_constants(self) -> Constants:
        return Constants()


class _WrongError(Exception):
    """Tells Hypothesis that a case is worth shrinking; it is raised at one place."""


class _EnoughError(BaseException):
    """Ends a round at once: Hypothesis lets through what is no `Exception`."""


def draw_round(
    strategy: SearchStrategy[FuzzCase],
    seed: int,
    cases: int,
    is_wrong: Callable[[FuzzCase], bool],
    is_enough: Callable[[], bool],
) -> FuzzCase | None:
    """Draw cases until one is found to be wrong, and then ever smaller ones like it.

    Args:
        strategy: What is drawn.
        seed: The same gives the same cases.
        cases: How many at most.
        is_wrong: Judges each case, and always says the same of the same one.
        is_enough: Asked before each case whether the round is to end.

    Returns:
        The smallest case that is wrong; None if none was.
    """
    wrong: list[FuzzCase] = []

    def judge(case: FuzzCase) -> None:
        if is_enough():
            raise _EnoughError
        if is_wrong(case):
            wrong.append(case)
            raise _WrongError

    AVAILABLE_PROVIDERS[_BACKEND] = f"{__name__}.{_SeedAlone.__name__}"
    wanted = settings(
        max_examples=cases,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
        backend=_BACKEND,
    )
    draw = seeded(seed)(wanted(given(strategy)(judge)))
    with TemporaryDirectory(prefix="hypothesis-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            with suppress(_WrongError, _EnoughError):
                draw()
        finally:
            set_hypothesis_home_dir(None)
    # Of those that are as small as each other, the last one is the simplest.
    return min(reversed(wrong), key=_size, default=None)


def _size(case: FuzzCase) -> tuple[int, int]:
    return len(case.steps), sum(len(text) for text in case.texts)
