"""Mistakes that are planted in a copy of the product are found by the simulation.

Each runs in a process of its own, within the seeds that its data state; the product
itself has to break nothing in the world in which the mistake was found.
"""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from hw.clock import SystemMonotonicClock
from rmfs_tools.cli import tree
from rmfs_tools.planting import ROOT, Edit, PlantingError, planted_texts
from rmfs_tools.simulation.planted.bugs import (
    PlantedBug,
    PlantedBugError,
    planted_bugs,
    read_bugs,
)
from rmfs_tools.simulation.planted.drawing import with_table
from rmfs_tools.simulation.planted.hunting import (
    Hunted,
    found_without_a_bug,
    hunt,
    show_hunts,
)
from rmfs_tools.simulation.profiles import PROFILES
from tests.house.test_clauses import defined_clauses
from tests.planting import WRONG_EDITS, fits

BUGS = planted_bugs()
IDS = [bug.id for bug in BUGS]
DOCUMENT = ROOT / "docs" / "planted-bugs.md"
PLANTED_LEAST = 40
RARE = {"generation-not-checked"}
"""It takes so many worlds that the longer tier looks for them."""
SOUGHT = [
    pytest.param(bug, marks=[pytest.mark.long] if bug.id in RARE else [], id=bug.id)
    for bug in BUGS
]

A_BUG = """
[[bug]]
id = "one"
name = "one"
mistake = "Something is wrong."
breaks = ["REG-2"]
shows = "it shows"
needs = "nothing"
faults = "none"
seeds = 1

[[bug.edit]]
file = "protocol/registers.py"
find = "no such text"
replace = ""
"""


@pytest.mark.parametrize("bug", BUGS, ids=IDS)
def test_a_planted_bug_fits_the_product_and_leaves_it_python(bug: PlantedBug) -> None:
    assert fits(bug.id, bug.edits)


@pytest.mark.parametrize("bug", SOUGHT)
def test_the_simulation_finds_a_planted_bug(bug: PlantedBug) -> None:
    hunted = hunt(bug, SystemMonotonicClock().now)
    assert hunted.found, show_hunts([hunted])
    assert not found_without_a_bug([hunted])


def test_as_many_planted_bugs_are_sought_as_are_promised() -> None:
    assert len(SOUGHT) >= PLANTED_LEAST


def test_planted_bugs_name_clauses_and_profiles_that_exist() -> None:
    defined = defined_clauses((ROOT / "protocol" / "SPEC.md").read_text())
    assert not [bug.id for bug in BUGS if not set(bug.breaks) <= defined]
    assert not [bug.id for bug in BUGS if bug.faults not in PROFILES]


def test_a_bug_whose_text_has_changed_is_an_error_that_says_so() -> None:
    (bug,) = read_bugs(A_BUG, "one.toml")
    with pytest.raises(PlantingError, match="one does not apply any more: its text"):
        planted_texts(bug.id, bug.edits, ROOT)
    gone = replace(bug, edits=(Edit("protocol/no.py", "", ""),))
    with pytest.raises(PlantingError, match="does not apply any more"):
        planted_texts(gone.id, gone.edits, ROOT)
    outside = Edit("docs/planted-bugs.md", "# ", "")
    wrong = replace(bug, edits=(outside,))
    with pytest.raises(PlantingError, match="no file of the product"):
        planted_texts(wrong.id, wrong.edits, ROOT)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        *WRONG_EDITS,
        ("seeds = 1", 'seeds = "1"'),
        ("seeds = 1", "seeds = 0"),
        ('breaks = ["REG-2"]', "breaks = []"),
        ("[[bug]]", "[[bugs]]"),
        ("[[bug]]", "[[bug"),
    ],
)
def test_a_bug_is_read_strictly(right: str, wrong: str) -> None:
    with pytest.raises(PlantedBugError, match=r"one\.toml"):
        read_bugs(A_BUG.replace(right, wrong), "one.toml")


def test_the_document_lists_the_planted_bugs_as_their_data_say() -> None:
    """`python -m rmfs_tools.simulation.planted.drawing` draws it anew."""
    document = DOCUMENT.read_text()
    assert with_table(document, BUGS) == document


def test_a_bug_that_is_not_found_is_shown_so() -> None:
    (bug,) = read_bugs(A_BUG, "one.toml")
    table = show_hunts([Hunted(bug, None, "", None, 12, 0.5)])
    assert "NOT FOUND" in table
    assert "in 1 seeds, none" in table


def test_the_command_wants_bugs_that_there_are() -> None:
    result = CliRunner().invoke(tree(), ["simulate", "planted", "--only", "no-such"])
    assert result.exit_code == 2
    assert "no planted bug is called no-such" in result.output
