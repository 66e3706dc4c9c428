"""A failing plan is cut to what it takes to fail, and stays one that fails."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmfs_tools.simulation.deeds import (
    BackupMade,
    Cloned,
    Deed,
    DialIn,
    FundFileCame,
    LineTrouble,
    Mail,
    Plan,
)
from rmfs_tools.simulation.many import simulator
from rmfs_tools.simulation.planning import make_plan
from rmfs_tools.simulation.shrink import RUNS_MAX, Shrinker
from rmfs_tools.simulation.smaller import only_machines

CUT = LineTrouble(cut_after_octets=300)
NOISE = LineTrouble(bit_error_rate=1e-4)
DAY_S = 86_400.0


def plan_of(*deeds: Deed) -> Plan:
    return Plan(1, 1, 1, "all", deeds)


def letters(count: int) -> list[Mail]:
    return [Mail(float(at), "1", at + 1) for at in range(count)]


@given(
    count=st.integers(1, 60),
    needed=st.sets(st.integers(0, 59), min_size=1, max_size=4),
)
def test_what_a_failure_needs_and_nothing_else_is_left(
    count: int, needed: set[int]
) -> None:
    mail = letters(60)
    need = {mail[at] for at in needed if at < count} or {mail[0]}
    shrinker = Shrinker(lambda plan: need <= set(plan.deeds))
    found = shrinker.shrink(plan_of(*mail[:count]))
    assert set(found.deeds) == need
    assert list(found.deeds) == sorted(found.deeds, key=lambda deed: deed.at_s)
    assert shrinker.runs <= RUNS_MAX


@given(
    failing=st.sets(st.frozensets(st.integers(0, 7)), max_size=30),
    runs_max=st.integers(0, 50),
)
def test_a_plan_that_does_not_fail_is_never_given(
    failing: set[frozenset[int]], runs_max: int
) -> None:
    """Whether a plan fails may hang on anything: taking more away may mend it."""
    mail = letters(8)
    asked = 0

    def fails(plan: Plan) -> bool:
        nonlocal asked
        asked += 1
        left = frozenset(mail.index(one) for one in plan.deeds if isinstance(one, Mail))
        return len(left) == len(mail) or left in failing

    found = Shrinker(fails, runs_max).shrink(plan_of(*mail))
    assert asked <= runs_max
    assert fails(found)


def test_trouble_and_redials_that_nobody_needs_are_taken_away() -> None:
    dial = DialIn(600.0, "1", "RECHARGE", 100, 3, (CUT, NOISE))
    plain = Shrinker(lambda plan: len(plan.deeds) == 1).shrink(plan_of(dial))
    assert plain.deeds == (replace(dial, trouble=(), attempts=1),)

    def fails(plan: Plan) -> bool:
        return any(CUT in one.trouble for one in plan.deeds if isinstance(one, DialIn))

    cut = Shrinker(fails).shrink(plan_of(*letters(3), dial))
    assert cut.deeds == (replace(dial, trouble=(CUT,), attempts=1),)


def test_trouble_that_is_needed_stays() -> None:
    dial = DialIn(600.0, "1", "RECHARGE", 100, 3, (CUT, NOISE))

    def fails(plan: Plan) -> bool:
        return any(
            NOISE in one.trouble for one in plan.deeds if isinstance(one, DialIn)
        )

    assert Shrinker(fails).shrink(plan_of(*letters(3), dial)).deeds == (dial,)


def test_everything_but_the_deeds_is_as_it_was() -> None:
    plan = plan_of(*letters(9))
    found = Shrinker(lambda _: True).shrink(plan)
    assert len(found.deeds) == 1
    assert replace(found, deeds=plan.deeds) == plan


def test_a_plan_of_one_deed_is_not_cut() -> None:
    shrinker = Shrinker(lambda _: True)
    assert shrinker.shrink(plan_of(*letters(1))).deeds == tuple(letters(1))
    assert shrinker.runs == 0


@given(
    machines=st.integers(1, 12),
    needed=st.sets(st.integers(1, 12), min_size=1, max_size=3),
)
def test_machines_that_a_failure_does_not_need_are_taken_away(
    machines: int, needed: set[int]
) -> None:
    mail = [Mail(float(at), str(at), at) for at in range(1, machines + 1)]
    items = {one.items for one in mail if one.items in needed} or {1}
    plan = replace(plan_of(BackupMade(0.0), *mail), machines=machines)

    def fails(plan: Plan) -> bool:
        return items <= {one.items for one in plan.deeds if isinstance(one, Mail)}

    shrinker = Shrinker(fails)
    found = shrinker.shrink(plan)
    assert found.machines == len(items)
    left = [(one.body, one.items) for one in found.deeds if isinstance(one, Mail)]
    assert left == [(str(at), one) for at, one in enumerate(sorted(items), start=1)]
    assert shrinker.runs <= RUNS_MAX


def test_a_machine_without_deeds_is_taken_away_only_where_the_failure_remains() -> None:
    plan = replace(plan_of(*letters(5)), machines=4)
    assert Shrinker(lambda plan: plan.machines >= 3).shrink(plan).machines == 3


def test_a_machine_goes_with_its_copies_and_with_what_was_paid_for_it() -> None:
    file = FundFileCame(
        60.0,
        1,
        lines=(("1", 100), ("2", 200), ("3", 300)),
        corrects=((1, 1, "1", -10), (1, 3, "3", -30)),
    )
    later = FundFileCame(90.0, 2, (), ((1, 2, "2", -20), (1, 5, "3", 30)))
    kept = [Cloned(70.0, "3", "3-clone"), Mail(80.0, "3-clone", 1), BackupMade(85.0)]
    gone = [Cloned(70.0, "2", "2-clone"), Mail(80.0, "2-clone", 1), Mail(81.0, "2", 1)]
    plan = replace(plan_of(file, *gone, *kept, later), machines=3)
    assert only_machines(plan, (1, 3)) == replace(
        plan,
        machines=2,
        deeds=(
            FundFileCame(
                60.0,
                1,
                lines=(("1", 100), ("2", 300)),
                corrects=((1, 1, "1", -10), (1, 2, "2", -30)),
            ),
            Cloned(70.0, "2", "2-clone"),
            Mail(80.0, "2-clone", 1),
            BackupMade(85.0),
            FundFileCame(90.0, 2, (), ((1, 4, "2", 30),)),
        ),
    )


def test_days_on_which_nothing_is_done_are_taken_away() -> None:
    mail = [Mail(day * DAY_S + 600.0, "1", day + 1) for day in (1, 4, 5)]
    plan = replace(plan_of(*mail), days=9)
    found = Shrinker(lambda plan: len(plan.deeds) == 3).shrink(plan)
    assert found.days == 3
    assert [one.at_s for one in found.deeds] == [600.0, DAY_S + 600, 2 * DAY_S + 600]
    as_late = Shrinker(lambda plan: plan.deeds == tuple(mail)).shrink(plan)
    assert as_late == replace(plan, days=6)
    assert Shrinker(lambda plan: plan.days == 9).shrink(plan).days == 9


@pytest.mark.parametrize("wanted", ["power failed at a write", "dial-in IN_DOUBT"])
def test_a_world_is_cut_to_what_makes_it_happen(wanted: str) -> None:
    with simulator() as one:
        whole = next(
            plan
            for seed in range(10)
            for plan in [make_plan(seed, machines=2, days=2, profile="all")]
            if one.run(plan).counts.get(wanted)
        )
        shrinker = Shrinker(lambda plan: bool(one.run(plan).counts.get(wanted)))
        found = shrinker.shrink(whole)
        assert one.run(found).counts[wanted]
        assert one.run(found).history == one.run(found).history
    assert len(found.deeds) <= 3 < len(whole.deeds)
    assert (found.machines, found.days) == (1, 1)
    assert shrinker.runs <= RUNS_MAX
