"""Cases that need the same silence are played once, and judged as if alone."""

import pytest

from hw.lab.catalogue import Case, Ends, read_catalogue
from hw.lab.player import Player, Result
from hw.lab.sharing import plays
from hw.lab.steps import parse_step
from hw.lab.suite import run_suite
from hw.lab.verdicts import Level, Verdict
from hw.lines.strings import parse_line_string
from protocol.link import Role
from rmfs_tools.lab.progress import case_s, run_s
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.lab.virtual_time import run

STEPS = ("dial inspection", "{a}take STATEMENT", "{b}take GOODBYE within=1")


def a_case(name: str, a: str = "", b: str = "", ends: Ends = Ends.SERVED) -> Case:
    return Case(
        id=name,
        clause="DLG-1",
        role=Role.MACHINE,
        level=Level.MUST,
        text="",
        title="",
        needs=(),
        steps=tuple(parse_step(step.format(a=a, b=b)) for step in STEPS),
        ends=ends,
    )


def played(*cases: Case) -> tuple[tuple[Result, ...], list[str]]:
    stand, begun = machine_stand(), []
    results = run(
        stand.clock,
        run_suite(
            stand.bench,
            cases,
            None,
            lambda _: None,
            begins=lambda case: begun.append(case.id),
        ),
    )
    return results, begun


def test_cases_with_the_same_steps_are_played_once_and_each_is_judged_by_its_own() -> (
    None
):
    first, second = a_case("ONE", a="! "), a_case("TWO", b="! ")
    results, begun = played(first, second)
    assert begun == ["ONE"]
    assert [(one.case.id, one.verdict) for one in results] == [
        ("ONE", Verdict.INCONCLUSIVE),
        ("TWO", Verdict.FAIL),
    ]
    assert results[0].trace is results[1].trace
    assert results[0].lasted_s > 1
    assert results[1].lasted_s == 0


@pytest.mark.parametrize("marks", [("! ", ""), ("", "! "), ("! ", "! "), ("", "")])
def test_each_has_the_verdict_that_it_would_have_alone(marks: tuple[str, str]) -> None:
    one, other = a_case("ONE", *marks), a_case("TWO", a="! ", b="! ")
    stand = machine_stand()
    alone = run(stand.clock, Player(stand.bench, stand.bench.side, one).play())
    for cases in ((one, other), (other, one)):
        results, _ = played(*cases)
        (together,) = (found for found in results if found.case is one)
        assert together.verdict is alone.verdict


def test_cases_that_look_at_different_ends_are_played_apart() -> None:
    cases = a_case("ONE", a="! "), a_case("TWO", a="! ", ends=Ends.NOTHING)
    assert list(plays(cases).values()) == [(cases[0],), (cases[1],)]


def test_the_estimate_counts_a_silence_that_is_shared_once() -> None:
    tcp = parse_line_string("tcp:127.0.0.1:7200")
    cases = [
        case
        for case in read_catalogue()
        if case.id in {"DLG-13-01-M-B", "LINK-12-01-M-P"}
    ]
    assert run_s(cases, tcp) == pytest.approx(case_s(cases[0], tcp))
