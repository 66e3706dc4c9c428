"""A found case without the steps that it does not need.

Hypothesis makes what was drawn smaller; a step that is left of that and says nothing is
taken out here. Any part of the steps of a fuzz case can be played.
"""

from collections.abc import Callable
from dataclasses import replace

from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase
from hw.lab.steps import Step

Fails = Callable[[FuzzCase], bool]
"""Says whether a case still shows what was found."""


def leave_out(case: FuzzCase, fails: Fails) -> FuzzCase:
    """Give the case without what it does not need.

    Args:
        case: It fails.
        fails: Plays one; it may say no because enough were played.
    """
    plain = replace(case, preset=NO_PRESET)
    if plain != case and fails(plain):
        case = plain
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for place in reversed(range(len(case.steps))):
            fewer = replace(case, steps=_without(case, place))
            if fewer.steps and fails(fewer):
                case, is_smaller = fewer, True
    return case


def _without(case: FuzzCase, place: int) -> tuple[Step, ...]:
    return case.steps[:place] + case.steps[place + 1 :]
