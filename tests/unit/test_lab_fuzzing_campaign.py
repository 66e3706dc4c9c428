"""Campaigns: rounds that follow from a seed, and what is found made small."""

from hypothesis import strategies as st

from hw.lab.fuzz.fuzz_case import FuzzCase, fuzz_case
from hw.lab.fuzz.oracles import Finding
from hw.lab.operator import OperatorError
from protocol.link import Role
from rmfs_tools.lab.fuzz.campaigning import (
    ROUND_CASES,
    Campaign,
    Limits,
    Watching,
    campaign,
    go_on,
    key_of,
    new_campaign,
)
from rmfs_tools.lab.fuzz.drawing import draw_round
from tests.fuzz_target import FakeTarget, finding, shows_step


def found_steps(done: Campaign) -> list[tuple[str, ...]]:
    return [one.case.texts for one in done.found]


def test_what_is_found_is_made_as_small_as_it_goes() -> None:
    done = campaign(FakeTarget(shows_step("finish")), seed=3, cases=200)
    assert found_steps(done) == [("finish",)]
    (found,) = done.found
    assert len(found.drawn.steps) >= len(found.case.steps)
    assert found.shrinks == done.shrinks > 0


def test_a_finding_is_known_from_then_on_whatever_its_values() -> None:
    def judge(case: FuzzCase) -> tuple[Finding, ...]:
        return (finding(f"CT rose by {len(case.id)}{len(case.steps)}, not 0x1f"),)

    target = FakeTarget(judge)
    done = campaign(target, seed=1, cases=30)
    assert len(done.found) == len(done.known) == 1
    assert done.cases == 30


def test_two_findings_of_one_case_are_found_one_after_the_other() -> None:
    both = (finding("CT rose by 5"), finding("AR fell"))
    done = campaign(FakeTarget(lambda _: both), seed=1, cases=30)
    assert [one.finding for one in done.found] == list(both)
    assert [one.round for one in done.found] == [1, 2]


def test_reasons_are_the_same_but_for_their_values() -> None:
    same = [
        finding("CT is 20000, not 0 (F-12ab34cd56)"),
        finding("CT is 7, not 1 (F-#)"),
    ]
    assert key_of(same[0])[2] == "CT is #, not # (F-#)"
    assert key_of(same[0]) == key_of(same[1])
    assert key_of(finding("CT fell")) != key_of(finding("AR fell"))


def test_the_same_seed_plays_the_same_cases_and_another_one_others() -> None:
    targets = [FakeTarget() for _ in range(3)]
    for target, seed in zip(targets, (7, 7, 8), strict=True):
        campaign(target, seed=seed, cases=60)
    assert targets[0].played == targets[1].played
    assert targets[0].played != targets[2].played


def test_who_goes_on_after_a_round_plays_what_would_have_been_played() -> None:
    whole, halves = FakeTarget(shows_step("drop")), FakeTarget(shows_step("drop"))
    at_once = campaign(whole, seed=5, cases=150)
    stops: list[Campaign] = []
    halves.stop_after = 70
    first = campaign(
        halves, seed=5, cases=150, watching=Watching(round_over=stops.append)
    )
    assert first.interrupted
    assert halves.played == whole.played[:70]
    halves.stop_after = None
    before = stops[-1]
    del halves.played[before.cases + before.shrinks + len(before.found) :]
    done = go_on(halves, before, Limits(cases=150))
    assert done.cases == at_once.cases == 150
    assert found_steps(done) == found_steps(at_once)


def test_an_interrupted_round_that_found_nothing_is_not_over() -> None:
    target = FakeTarget()
    target.stop_after = 5
    done = campaign(target, seed=1, cases=100)
    assert (done.interrupted, done.rounds, done.cases) == (True, 0, 5)


def test_what_was_found_is_kept_though_it_could_not_be_made_small() -> None:
    target = FakeTarget(lambda _: (finding(),))
    target.stop_after = 1
    stops: list[Campaign] = []
    done = campaign(target, seed=1, cases=9, watching=Watching(round_over=stops.append))
    assert done.interrupted
    assert len(done.found) == 1
    assert [one.rounds for one in stops] == [1]


def test_what_the_bench_dies_of_ends_a_campaign_with_its_reason() -> None:
    def judge(case: FuzzCase) -> tuple[Finding, ...]:
        raise OperatorError("the power switch is stuck")

    done = campaign(FakeTarget(judge), seed=1, cases=100)
    assert done.cases == 0
    assert not done.interrupted
    assert "the power switch is stuck" in done.trouble


def test_a_finding_that_does_not_happen_again_is_kept_as_such() -> None:
    seen: set[str] = set()

    def judge(case: FuzzCase) -> tuple[Finding, ...]:
        is_new = case.id not in seen
        seen.add(case.id)
        return (finding(),) if is_new else ()

    done = campaign(FakeTarget(judge), seed=1, cases=10)
    assert done.found[0].flaky
    assert done.found[0].result.findings == (finding(),)


def test_no_more_is_played_to_make_a_case_small_than_a_target_allows() -> None:
    done = campaign(FakeTarget(lambda _: (finding(),), shrinks_max=4), 1, cases=10)
    assert done.shrinks <= 4
    assert len(done.found) == 1


def test_time_ends_a_campaign() -> None:
    target = FakeTarget()
    done = campaign(
        target, seed=1, lasted_s=20.0, now_s=lambda: float(len(target.played))
    )
    assert done.cases == 20
    assert done.lasted_s == 20.0
    assert done.cases_per_s == 1.0


def test_coverage_is_counted_and_told_on_the_way() -> None:
    told: list[Campaign] = []
    target = FakeTarget()
    campaign(target, 1, cases=12, watching=Watching(played=told.append))
    assert [one.cases for one in told] == list(range(1, 13))
    assert told[-1].coverage.counts.reached > 0


def test_a_new_campaign_draws_the_presets_that_are_wanted() -> None:
    target = FakeTarget()
    assert new_campaign(target, 1).presets == target.presets
    assert new_campaign(target, 1, ["dr-zero"]).presets == ("dr-zero",)


def test_a_round_gives_the_smallest_case_that_is_wrong() -> None:
    waits = st.lists(
        st.integers(0, 99).map(lambda number: f"wait {number}"), max_size=6
    )
    cases = waits.map(lambda texts: fuzz_case(Role.MACHINE, "none", texts))

    def is_wrong(case: FuzzCase) -> bool:
        return any(float(step.words[0]) > 41 for step in case.steps)

    found = draw_round(cases, 1, ROUND_CASES, is_wrong, lambda: False)
    assert found is not None
    assert found.texts == ("wait 42",)
    assert draw_round(cases, 1, ROUND_CASES, is_wrong, lambda: True) is None
    assert draw_round(cases, 1, 9, lambda _: False, lambda: False) is None
