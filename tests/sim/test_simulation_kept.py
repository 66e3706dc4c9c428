"""Plans that have found something are played again by every check, and found nothing.

Each stands in `seeds/` with a line on what it found. A plan that `rmfs simulate` has
saved belongs there once its cause is known.
"""

import re
from pathlib import Path

import pytest

from rmfs_tools.simulation.many import simulator
from rmfs_tools.simulation.plan_file import read_plan_file

SEEDS = Path(__file__).parent / "seeds"
KEPT = sorted(SEEDS.iterdir())
REACHES = {
    "copy-from-before-a-new-life": "former life closed",
    "copy-with-the-last-voucher-of-a-life": "former life closed",
}
"""What the new worlds of a commit may miss by chance, and these never."""


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_found_once_is_found_no_more(path: Path) -> None:
    plan = read_plan_file(path)
    with simulator() as one:
        result = one.run(plan)
    again = f"{result.trace}\nrmfs simulate --replay {path} --transcript"
    assert result.violations == (), again
    assert result.dial_ins, "it does what it did"
    assert path.stem not in REACHES or result.counts[REACHES[path.stem]]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_plan_says_what_it_has_found(path: Path) -> None:
    assert path.suffix == ".json"
    property_id, colon, what = read_plan_file(path).found.partition(": ")
    assert re.fullmatch(r"[A-Z]+-[A-Z0-9]+", property_id), "which property was broken"
    assert colon, "and how"
    assert what
