"""What follows from the commit: new worlds with each, and whose turn it is.

One commit does the same again wherever it runs; the next does something else. What
takes long and seldom finds anything is done by turns, a share with each commit; the
longer tier does all of it with any.
"""

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeVar

import pytest

from tests.house.sources import ROOT

NO_COMMIT: Final = "5eed5eed"
"""The hash of a tree that is no clone."""

T = TypeVar("T")


@cache
def commit_number() -> int:
    """Give the first 32 bits of the commit's hash."""
    git = shutil.which("git")
    commit = NO_COMMIT
    if git is not None and (ROOT / ".git").exists():
        asked = [git, "rev-parse", "HEAD"]
        ran = subprocess.run(
            asked, cwd=ROOT, capture_output=True, text=True, check=False
        )
        commit = ran.stdout if ran.returncode == 0 else NO_COMMIT
    return int(commit[:8], 16)


def by_turns(
    values: Sequence[T], turns: int, number: int | None = None
) -> list[tuple[T, Any]]:
    """Say of each value whether this commit tries it.

    Args:
        values: All of them; the longer tier tries all.
        turns: Commits, on the average, in which each is tried once.
        number: Of the commit; None: of this one.

    Returns:
        Each value with the marks of its `pytest.param`.
    """
    turn = (commit_number() if number is None else number) % turns
    return [
        (value, () if at % turns == turn else (pytest.mark.long,))
        for at, value in enumerate(values)
    ]
