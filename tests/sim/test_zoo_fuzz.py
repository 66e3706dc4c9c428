"""Fuzz campaigns find faulty units of the zoo too, and nothing at the product."""

import json

import pytest
from click.testing import CliRunner

from protocol.link import Role
from rmfs_tools.cli import tree
from rmfs_tools.lab.zoo.fuzzing import Search, fuzz_product, fuzz_target, fuzz_zoo
from rmfs_tools.lab.zoo.units import faulty_units

UNITS = {unit.id: unit for unit in faulty_units()}
FOUND = {
    # Seed and oracle: the same on any machine, at any speed.
    "amount-from-the-request": (1, "MONEY"),
}
CASES_MAX = 200


@pytest.mark.parametrize("name", FOUND)
def test_a_campaign_finds_what_is_wrong_with_a_unit(name: str) -> None:
    seed, oracle = FOUND[name]
    (found,) = fuzz_zoo([UNITS[name]], Search(seed, CASES_MAX))
    assert (found.caught, found.oracle) == (True, oracle)
    assert found.cases <= CASES_MAX
    assert found.steps
    assert found.as_json()["seed"] == seed


@pytest.mark.parametrize("role", Role)
def test_the_product_goes_through_the_same_campaign(role: Role) -> None:
    (product,) = fuzz_product([role], Search(1, 25))
    assert (product.caught, product.reason) == (False, "")
    assert product.cases == 25


def test_a_campaign_ends_when_its_time_is_over() -> None:
    seconds = iter(range(1_000))
    over = fuzz_target("machine", Search(1, 500, 5.0), lambda: float(next(seconds)))
    assert not over.caught
    assert over.cases < 50


def test_the_command_says_what_a_campaign_has_found() -> None:
    asked = ["lab", "zoo", "amount-from-the-request", "--fuzz", "--cases", "20"]
    result = CliRunner().invoke(tree(), [*asked, "--json"])
    assert result.exit_code == 0, result.output
    one, last = map(json.loads, result.stdout.splitlines())
    fuzzed = one["fuzz"]
    assert one["caught_by"]
    assert (fuzzed["seed"], fuzzed["cases"] <= 20) == (1, True)
    assert bool(fuzzed["oracle"]) is fuzzed["caught"] is bool(fuzzed["steps"])
    by_fuzz = int(fuzzed["caught"])
    sums = {"total": 1, "by_catalogue": 1, "by_fuzz": by_fuzz, "caught": 1}
    assert last["machines"] == sums
    assert last["reference_failures"] == 0
