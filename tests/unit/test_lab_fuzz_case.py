"""A fuzz case is a file that says everything about itself, and is read strictly."""

import pytest

from hw.lab.catalogue import Ends
from hw.lab.fuzz.fuzz_case import (
    NO_PRESET,
    FuzzCaseError,
    Origin,
    fuzz_case,
    read_fuzz_case,
    write_fuzz_case,
)
from hw.lab.steps import StepError
from protocol.link import Role

STEPS = ("dial RECHARGE 20000", 'send VOUCHER "signature=wrong" | flip=-1')
CASE = fuzz_case(Role.MACHINE, "descending-zero", STEPS)
ORIGIN = Origin(7, "2026-11-22T10:15:00Z", "MONEY", "REG-6", 'a "voucher"', "machine")


def test_what_is_written_is_read_again() -> None:
    assert read_fuzz_case(write_fuzz_case(CASE, ORIGIN), "x.toml") == (CASE, ORIGIN)


def test_the_id_follows_from_role_preset_and_steps() -> None:
    assert CASE.id == "F-7d29a442cb"
    assert fuzz_case(Role.MACHINE, NO_PRESET, STEPS).id != CASE.id
    assert fuzz_case(Role.SERVER, "descending-zero", STEPS).id != CASE.id
    assert fuzz_case(Role.MACHINE, "descending-zero", STEPS[:1]).id != CASE.id


def test_role_and_steps_are_enough() -> None:
    case, origin = read_fuzz_case('[fuzz]\nrole = "server"\nsteps = []\n', "x.toml")
    assert (case.role, case.preset, case.steps) == (Role.SERVER, NO_PRESET, ())
    assert origin == Origin()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[fuzz", "x.toml: "),
        ("[case]\n", "one table"),
        ("[fuzz]\nsteps = []\n", "role is to be"),
        ('[fuzz]\nrole = "modem"\nsteps = []\n', "role is to be"),
        ('[fuzz]\nrole = "server"\n', "steps is to be"),
        ('[fuzz]\nrole = "server"\npreset = 1\nsteps = []\n', "preset is to be"),
        ('[fuzz]\nrole = "server"\nsteps = ["dial", 7]\n', "step 2 is to be text"),
        ('[fuzz]\nrole = "server"\nsteps = ["dial", "say"]\n', "step 2: .*no verb say"),
        ('[fuzz]\nrole = "machine"\nsteps = ["again"]\n', "step 1: .*as a machine"),
        ('[fuzz]\nrole = "server"\nsteps = []\nseed = "7"\n', "seed is unknown"),
        ('[fuzz]\nrole = "server"\nsteps = []\ncolour = "red"\n', "colour is unknown"),
    ],
)
def test_an_error_names_the_file_and_the_place(text: str, words: str) -> None:
    with pytest.raises(FuzzCaseError, match=words):
        read_fuzz_case(text, "x.toml")


def test_a_step_that_cannot_be_carried_out_is_no_part_of_a_case() -> None:
    with pytest.raises(StepError):
        fuzz_case(Role.SERVER, NO_PRESET, ["content TARIFF"])


def test_a_player_is_given_it_as_a_case_that_expects_nothing_at_its_end() -> None:
    case = fuzz_case(Role.SERVER, NO_PRESET, ["dial RECHARGE 20000", "drop"])
    dressed = case.as_case
    assert (dressed.id, dressed.role, dressed.steps) == (case.id, case.role, case.steps)
    assert dressed.ends is Ends.NOTHING
