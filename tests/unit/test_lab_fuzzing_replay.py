"""Findings played again: FIXED, FAILED or ERROR."""

from pathlib import Path

import pytest

from hw.lab.fuzz.fuzz_case import FuzzCase, Origin, fuzz_case
from hw.lab.fuzz.oracles import Finding
from hw.lab.operator import OperatorError
from protocol.link import Role
from rmfs_tools.lab.fuzz.fuzz_files import FuzzFile
from rmfs_tools.lab.fuzz.replaying import Outcome, Replayed, by_target, replay
from rmfs_tools.lab.fuzz.targets import TargetError, check_playable
from tests.fuzz_target import FakeTarget, finding, shows_step

CASE = fuzz_case(Role.MACHINE, "none", ["finish"])
SEEN = Origin(oracle="MONEY", clause="REG-6", reason="CT rose by 20000", target="zoo:x")
FILE = FuzzFile(Path("F.toml"), CASE, SEEN)


def replayed(target: FakeTarget, *files: FuzzFile, times: int = 1) -> list[Replayed]:
    told: list[Replayed] = []
    assert replay(target, files, told.append, times=times)
    return told


def test_what_is_found_no_more_is_fixed() -> None:
    (one,) = replayed(FakeTarget(), FILE)
    assert one.outcome is Outcome.FIXED
    assert one.as_json()["outcome"] == "FIXED"


def test_what_is_found_again_has_failed_whatever_its_values() -> None:
    (one,) = replayed(FakeTarget(shows_step("finish", "CT rose by 7")), FILE)
    assert one.outcome is Outcome.FAILED
    assert one.reason == "MONEY REG-6: CT rose by 7"


def test_something_else_that_is_found_is_told_as_such() -> None:
    (one,) = replayed(FakeTarget(shows_step("finish", "AR fell")), FILE)
    assert one.outcome is Outcome.FAILED
    assert one.reason == "something else than before: MONEY REG-6: AR fell"


def test_a_case_that_cannot_be_played_is_an_error_and_the_next_one_is_played() -> None:
    def judge(case: FuzzCase) -> tuple[Finding, ...]:
        if case.id == CASE.id:
            raise OperatorError("no power")
        return ()

    other = FuzzFile(Path("G.toml"), fuzz_case(Role.MACHINE, "none", ["drop"]), SEEN)
    first, second = replayed(FakeTarget(judge), FILE, other)
    assert (first.outcome, first.reason) == (Outcome.ERROR, "no power")
    assert second.outcome is Outcome.FIXED


def test_what_comes_now_and_then_is_played_until_it_comes() -> None:
    played: list[str] = []

    def judge(case: FuzzCase) -> tuple[Finding, ...]:
        played.append(case.id)
        return (finding(),) if len(played) == 3 else ()

    (one,) = replayed(FakeTarget(judge), FILE, times=5)
    assert one.outcome is Outcome.FAILED
    assert len(played) == 3


def test_who_ends_a_replay_is_told_so() -> None:
    target = FakeTarget()
    target.stop()
    assert not replay(target, [FILE], lambda _: None)


def test_cases_are_played_on_what_showed_them_or_on_what_is_named() -> None:
    nowhere = FuzzFile(Path("H.toml"), CASE, Origin())
    assert by_target([FILE], None) == {"zoo:x": [FILE]}
    assert by_target([FILE, nowhere], "machine") == {"machine": [FILE, nowhere]}
    with pytest.raises(TargetError, match=r"H\.toml names no target"):
        by_target([nowhere], None)


def test_a_case_for_another_unit_is_not_played() -> None:
    server = fuzz_case(Role.SERVER, "none", ["drop"])
    with pytest.raises(TargetError, match="fake is a machine"):
        check_playable(FakeTarget(), server)
    torn = FuzzCase(Role.MACHINE, "torn", CASE.steps)
    with pytest.raises(TargetError, match="cannot be given the preset torn"):
        check_playable(FakeTarget(), torn)
