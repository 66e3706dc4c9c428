"""Every shipped scenario goes as it says, and together they reach every code.

Each is played once, on the product's own parts in virtual time; what it says of itself
and what the money oracles find are judged separately.
"""

from functools import cache

import pytest

from fm_device.scenarios.library import library_names, library_scenario
from fm_device.scenarios.vocabulary import TOLD, reached_name
from protocol.coded import Coded
from rmfs_tools.scenarios import Played, play
from tests.house.sources import ROOT
from tests.house.test_clauses import defined_clauses

NAMES = library_names()
LIBRARY_LEAST = 30


@cache
def played(name: str) -> Played:
    return play(library_scenario(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_goes_as_it_says(name: str) -> None:
    found = played(name)
    assert found.met, "\n".join([*map(str, found.unmet), f"again: {found.replay}"])


def test_the_library_is_as_large_as_it_is_said_to_be() -> None:
    assert len(NAMES) >= LIBRARY_LEAST


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.__name__)
def test_every_code_that_a_machine_tells_is_reached(kind: type[Coded]) -> None:
    reached = {code for name in NAMES for code in played(name).reached}
    assert {reached_name(member) for member in kind} <= reached


def test_nothing_is_reached_that_nobody_knows() -> None:
    known = {reached_name(member) for kind in TOLD for member in kind}
    assert {code for name in NAMES for code in played(name).reached} <= known


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_says_what_it_is_about(name: str) -> None:
    scenario = library_scenario(name)
    assert scenario.title
    assert not scenario.title.endswith(".")
    assert scenario.description
    defined = defined_clauses((ROOT / "protocol" / "SPEC.md").read_text())
    assert set(scenario.shows) <= defined


@pytest.mark.parametrize(
    "name",
    ["carrier-lost-everywhere", "power-cut-in-each-write", "noisy-line"],
)
def test_what_a_scenario_shows_does_not_hang_on_its_seed(name: str) -> None:
    for seed in (2, 3):
        found = play(library_scenario(name), seed=seed)
        assert found.met, "\n".join([*map(str, found.unmet), found.replay])


def test_a_seed_makes_a_scenario_again_to_the_last_frank() -> None:
    noisy = library_scenario("noisy-line")
    once, again, other = (play(noisy, seed=seed) for seed in (5, 5, 6))
    assert once == again
    assert once.virtual_s != other.virtual_s
