"""A plan in a file: what was written is read again, and what does not fit is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rmfs_tools.simulation.deeds import KINDS, DialIn, FundFileCame, LineTrouble, Plan
from rmfs_tools.simulation.plan_file import PlanError, read_plan, read_plan_file
from rmfs_tools.simulation.planning import make_plan
from rmfs_tools.simulation.profiles import PROFILES

Edit = Callable[[dict[str, Any]], None]


def written() -> dict[str, Any]:
    trouble = (LineTrouble(cut_after_octets=3), LineTrouble(answer="old"))
    deeds = (
        FundFileCame(60.0, 1, (("1", 500_000), ("2", 1)), ((1, 2, "2", -1),)),
        DialIn(600.0, "1", "RECHARGE", 100_000, 2, trouble),
    )
    plan = Plan(7, 2, 1, "line", deeds, "MONEY-1: nothing")
    value = json.loads(json.dumps(plan.as_json()))
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("profile", PROFILES)
def test_every_plan_that_is_made_is_read_again(profile: str) -> None:
    for seed in range(4):
        plan = make_plan(seed, machines=3, days=2, profile=profile)
        assert read_plan(json.loads(json.dumps(plan.as_json()))) == plan


def test_together_the_plans_hold_every_kind_of_deed() -> None:
    plans = [
        make_plan(seed, machines=4, days=3, profile=profile)
        for seed in range(20)
        for profile in ("all", "people")
    ]
    assert {type(deed) for plan in plans for deed in plan.deeds} == set(KINDS.values())


def test_what_a_person_may_leave_out_is_as_always() -> None:
    value = written()
    del value["found"]
    value["deeds"] = [
        {"deed": "DialIn", "at_s": 600, "body": "1", "trouble": [{"stale": 3}]}
    ]
    plan = read_plan(value)
    assert plan.found == ""
    assert plan.deeds == (DialIn(600, "1", trouble=(LineTrouble(stale=3),)),)


def _set(*path: str | int, to: Any) -> Edit:
    def edit(value: dict[str, Any]) -> None:
        place: Any = value
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return edit


def _cut(*path: str | int) -> Edit:
    def edit(value: dict[str, Any]) -> None:
        place: Any = value
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return edit


FILE, DIAL = ("deeds", 0), ("deeds", 1)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_cut("deeds"), "it has no list of deeds"),
        (_set("deeds", to={}), "it has no list of deeds"),
        (_cut("seed"), "the plan has no seed"),
        (_set("seed", to="7"), "the plan, seed is '7', not a whole number"),
        (_set("days", to=1.5), "the plan, days is 1.5, not a whole number"),
        (_set("machines", to=True), "the plan, machines is True, not a whole number"),
        (_set("note", to=""), "the plan has no field 'note'"),
        (_set("found", to=None), "the plan, found is None, not a text"),
        (_set(*DIAL, to="DialIn"), "deed 2 is no object"),
        (_cut(*DIAL, "deed"), "deed 2 is of no known kind: None"),
        (_set(*DIAL, "deed", to="Dial"), "deed 2 is of no known kind: 'Dial'"),
        (_cut(*DIAL, "body"), "deed 2 (DialIn) has no body"),
        (_set(*DIAL, "bodies", to="1"), "deed 2 (DialIn) has no field 'bodies'"),
        (_set(*DIAL, "at_s", to="soon"), "deed 2 (DialIn), at_s is 'soon', not a num"),
        (_set(*DIAL, "body", to=1), "deed 2 (DialIn), body is 1, not a text"),
        (_set(*DIAL, "body", to="3"), "deed 2 names machine '3': there is none"),
        (
            _set(*DIAL, "kind", to="CREDIT"),
            "deed 2 (DialIn), kind is 'CREDIT', not of INSPECTION, RECHARGE",
        ),
        (_set(*DIAL, "trouble", to={}), "deed 2 (DialIn), trouble is no list"),
        (_set(*DIAL, "trouble", 0, to=3), "deed 2 (DialIn), trouble 1 is no object"),
        (
            _set(*DIAL, "trouble", 1, "answer", to="new"),
            "deed 2 (DialIn), trouble 2, answer is 'new', not of none, old, other",
        ),
        (
            _set(*DIAL, "trouble", 0, "cut_after_octets", to=0.5),
            "cut_after_octets is 0.5, not a whole number or null",
        ),
        (
            _set(*FILE, "lines", 1, to=["2"]),
            "deed 1 (FundFileCame), lines 2 is no list of 2",
        ),
        (
            _set(*FILE, "lines", 1, 1, to="1"),
            "deed 1 (FundFileCame), lines 2 2 is '1', not a whole number",
        ),
        (
            _set(*FILE, "corrects", 0, 2, to="9"),
            "deed 1 names machine '9': there is none",
        ),
    ],
)
def test_what_is_wrong_in_a_plan_is_named_with_its_place(edit: Edit, told: str) -> None:
    value = written()
    read_plan(value)
    edit(value)
    with pytest.raises(PlanError) as refused:
        read_plan(value)
    assert told in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '"plan"', "7", "\xff"])
def test_a_file_that_is_no_plan_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, "latin-1")
    with pytest.raises(PlanError, match=r"plan\.json"):
        read_plan_file(path)
