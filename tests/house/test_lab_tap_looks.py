"""Each clause of SPEC.md is looked at by the tap, or has its reason why not."""

import re
import tomllib
from importlib.resources import files

from hw.lab.tap.sheet import read_looks
from protocol.link import Role
from tests.house.sources import ROOT

SPEC = (ROOT / "protocol" / "SPEC.md").read_text("utf-8")
NUMBERED = re.findall(r"\*\*([A-Z]+-\d+\.\d+)\*\*", SPEC)
HEADED = re.findall(r"^### ([A-Z]+-\d+)\b", SPEC, re.MULTILINE)
LOOKS = read_looks()
LOOKED_AT = {(look.clause, side) for look in LOOKS for side in look.sides}
GROUPS = tomllib.loads(
    files("hw.lab.tap").joinpath("not_judged.toml").read_text("utf-8")
)["group"]
REASONS = {
    (clause, Role(side))
    for group in GROUPS
    for clause in group["clauses"]
    for side in group["sides"]
}


def within(clause: str, name: str) -> bool:
    """Whether a clause is this one, or belongs to it: ``KEY``, ``CHAN-5``."""
    return clause == name or clause.startswith((f"{name}-", f"{name}."))


def test_each_clause_is_looked_at_for_each_side_or_has_a_reason() -> None:
    open_ones = [
        (clause, side.value)
        for clause in NUMBERED
        for side in Role
        if (clause, side) not in LOOKED_AT
        and not any(within(clause, name) and side is by for name, by in REASONS)
    ]
    assert open_ones == []


def test_nothing_that_is_looked_at_is_listed_by_its_own_name() -> None:
    assert not LOOKED_AT & REASONS


def test_looks_and_reasons_name_clauses_of_the_specification() -> None:
    known = {*NUMBERED, *HEADED}
    assert [look.clause for look in LOOKS if look.clause not in known] == []
    assert [
        name
        for name, _ in REASONS
        if not any(within(clause, name) for clause in NUMBERED)
    ] == []
    assert all(group["reason"].endswith(".") for group in GROUPS)


def test_no_clause_is_looked_at_twice() -> None:
    names = [look.clause for look in LOOKS]
    assert len(names) == len(set(names))
