"""What is drawn can be carried out, is named as steering names it, and is all there."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hw.lab.fuzz.events import event_of
from hw.lab.fuzz.fuzz_case import FuzzCase, fuzz_case
from hw.lab.fuzz.grammar import cells, events, fuzz_cases
from hw.lab.fuzz.situations import WAYS
from hw.lab.fuzz.steering import Steering
from hw.lab.steps import parse_step
from protocol.link import Role

STEPS_MAX = 120
ROLES = pytest.mark.parametrize("role", list(Role))
DRAWN = settings(
    max_examples=80,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@ROLES
def test_what_is_drawn_for_an_event_is_named_as_that_event(role: Role) -> None:
    one_of_each = st.fixed_dictionaries(events(role))

    @settings(DRAWN, max_examples=8)
    @given(one_of_each)
    def draw(drawn: dict[str, tuple[str, ...]]) -> None:
        for name, texts in drawn.items():
            steps = fuzz_case(role, "none", texts).steps
            assert name in {event_of(step) for step in steps}

    draw()


@ROLES
def test_every_situation_is_led_to_by_steps_that_can_be_carried_out(role: Role) -> None:
    for ways in WAYS[role].values():
        for way in ways:
            fuzz_case(role, "none", way)
    assert {state for state, _ in cells(role)} == set(WAYS[role])


@ROLES
def test_cases_are_short_and_can_be_carried_out(role: Role) -> None:
    @DRAWN
    @given(fuzz_cases(role))
    def draw(case: FuzzCase) -> None:
        assert 1 <= len(case.steps) <= STEPS_MAX

    draw()


def test_steering_draws_one_cell_more_often() -> None:
    wanted = ("stated", "VOUCHER signature")
    steering = Steering(((wanted, 10_000),))
    drawn: list[tuple[str, ...]] = []

    @DRAWN
    @given(fuzz_cases(Role.MACHINE, steering))
    def draw(case: FuzzCase) -> None:
        drawn.append(case.texts)

    draw()
    found = [one for one in drawn if any("VOUCHER signature=" in text for text in one)]
    # The other half is about money, whatever is wanted.
    assert len(found) > len(drawn) // 3


def test_presets_are_drawn_from_those_that_the_target_has() -> None:
    drawn = set()

    @DRAWN
    @given(fuzz_cases(Role.MACHINE, presets=("none", "descending-zero")))
    def draw(case: FuzzCase) -> None:
        drawn.add(case.preset)

    draw()
    assert drawn == {"none", "descending-zero"}


@ROLES
def test_a_bench_on_a_real_line_is_never_silent_for_minutes(role: Role) -> None:
    @DRAWN
    @given(fuzz_cases(role, slow=False))
    def draw(case: FuzzCase) -> None:
        texts = case.texts
        steps = [parse_step(text) for text in texts]
        assert all(float(one.words[0]) <= 3 for one in steps if one.verb == "wait")

    draw()
