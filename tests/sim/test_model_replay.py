"""Planted mistakes are refuted by the model, and the real code does not make them."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hw.clock import SystemMonotonicClock
from hw.nvram import MemoryNvram, PowerCutError
from rmfs_tools.model.checking import Followed, Refuted, Starts, follow, refute
from rmfs_tools.model.configurations import CONFIGURATIONS, VARIANTS
from rmfs_tools.model.replay import Replayed, replay
from rmfs_tools.model.replay_parts import FusedNvram
from rmfs_tools.model.spin import TakenStep
from rmfs_tools.model_cli import add_commands
from tests.house.sources import ROOT
from tests.witness.programs import needs

RUNS = 2
"""Random runs of each configuration."""

PARTS_WITH = {
    "send-first": "send-unstored",
    "confirm-first": "confirm-unstored",
    "torn": "apply",
    "no-rollback": "judge-half",
    "no-freeze": "dial",
    "asked-again": "apply",
    "timer": "release",
    "frank-lock": "frank",
    "generation": "post",
    "number": "apply",
    "ct": "apply",
    "body": "apply-elsewhere",
}
"""The step that the real code does not do, where the mistake shows in one."""

ANSWERS_WITH = {
    "dial-in": "Superseded",
    "mark": "Frozen, MARK_WRONG",
    "ar": "Frozen, ASCENDING_BACK",
    "pending-volatile": "RECHARGE of 200000 paise is pending and stands",
}
"""What the real code says to a step, where the mistake shows in that."""

WHOLE = "dial 0 0 1 1; state 0 0; judge 0; answer 0; apply 0 0; confirm 0 0; post 0"
"""A recharge as far as the posting; the receipt is on its way."""


def steps(text: str) -> list[TakenStep]:
    words = [one.split() for one in text.split("; ")]
    return [TakenStep(name, tuple(map(int, numbers))) for name, *numbers in words]


@pytest.fixture(scope="module")
def refuted() -> dict[str, Refuted]:
    needs("spin")
    needs("gcc")
    found = refute(VARIANTS, SystemMonotonicClock(), replayed=True)
    return {one.variant.name: one for one in found}


@pytest.fixture(scope="module")
def followed() -> list[Followed]:
    needs("spin")
    return list(follow(CONFIGURATIONS, range(1, RUNS + 1)))


@pytest.fixture(scope="module")
def starts() -> Starts:
    return Starts()


def test_every_planted_mistake_is_refuted(refuted: dict[str, Refuted]) -> None:
    assert [name for name, one in refuted.items() if not one.refuted] == []
    assert len(refuted) == len(VARIANTS) >= 10


def test_the_docs_tell_what_each_mistake_breaks_and_in_how_many_steps(
    refuted: dict[str, Refuted],
) -> None:
    text = (ROOT / "docs" / "model.md").read_text()
    for name, one in refuted.items():
        row = f"| `{name}` | {one.variant.what} | {one.variant.clause} | "
        assert f"{row}{one.found.broken} | {len(one.run)} |" in text


def test_the_real_code_ends_every_counterexample_with_the_money_right(
    refuted: dict[str, Refuted],
) -> None:
    findings = {name: _of(one).findings for name, one in refuted.items()}
    assert {name: found for name, found in findings.items() if found} == {}
    assert _of(refuted["mark"]).end == _of(refuted["ar"]).end == "frozen"


def test_the_real_code_parts_from_the_model_at_the_mistake(
    refuted: dict[str, Refuted],
) -> None:
    for name, step in PARTS_WITH.items():
        assert _of(refuted[name]).prevented[0].step.name == step, name
    for name, words in ANSWERS_WITH.items():
        assert words in [said.words for said in _of(refuted[name]).remarks], name


def test_most_steps_of_the_counterexamples_are_carried_out(
    refuted: dict[str, Refuted],
) -> None:
    replayed = [_of(one) for one in refuted.values()]
    taken = sum(one.carried_out for one in replayed)
    assert taken / sum(one.steps for one in replayed) > 0.9


def test_the_real_code_does_every_step_of_random_runs(followed: list[Followed]) -> None:
    apart = {
        (one.configuration.name, one.seed): one.replayed
        for one in followed
        if one.replayed.prevented or one.replayed.findings
    }
    assert apart == {}
    assert len(followed) == RUNS * len(CONFIGURATIONS)


def test_random_runs_get_as_far_as_money(followed: list[Followed]) -> None:
    taken = {step.name for one in followed for step in one.run}
    assert {"apply", "confirm", "post", "take-receipt", "void", "power-cut"} <= taken


@pytest.mark.long
def test_the_real_code_does_every_step_of_many_random_runs() -> None:
    needs("spin")
    for one in follow(CONFIGURATIONS, range(100, 160)):
        assert one.replayed.prevented == (), (one.configuration.name, one.seed)
        assert one.replayed.findings == (), (one.configuration.name, one.seed)


def test_a_replay_sees_money_that_is_lost(starts: Starts, tmp_path: Path) -> None:
    """An old image under an honest run: the replay says what is wrong."""
    run = steps(f"keep-image; {WHOLE}; restore-image")
    made = replay("", (), run, starts.of(3), tmp_path)
    assert made.carried_out == made.steps
    assert any("the machine holds CT 0" in finding for finding in made.findings)
    assert made.end == "frozen"


def test_a_step_that_cannot_be_made_is_told_and_the_replay_goes_on(
    starts: Starts, tmp_path: Path
) -> None:
    run = steps("apply 0 0; answer 0; post 0; frank 0; dial 0 0 0 0; state 0 0")
    made = replay("", (), run, starts.of(3), tmp_path)
    assert [str(said.step) for said in made.prevented] == [
        "apply 0 0",
        "answer 0",
        "post 0",
        "frank 0",
    ]
    assert made.findings == ()
    assert made.end == "settled"


def test_a_whole_recharge_is_settled(starts: Starts, tmp_path: Path) -> None:
    rest = "answer 0; take-receipt 0 0; part 0 0; store-goodbye 0"
    made = replay("", (), steps(f"{WHOLE}; {rest}"), starts.of(3), tmp_path)
    assert made == Replayed(11, 11, (), (), "settled", ())


def test_the_fuse_of_a_memory_cuts_one_write() -> None:
    nvram = FusedNvram(MemoryNvram.erased(1_024).image())
    nvram.arm(torn_part=2)
    with pytest.raises(PowerCutError):
        nvram.write(0, b"\x01\x02\x03\x04")
    nvram.write(8, b"\x05")
    assert nvram.read(0, 2) == b"\x01\x02"
    assert nvram.read(2, 1) != b"\x03"
    assert nvram.read(8, 1) == b"\x05"


def test_the_command_replays_and_totals() -> None:
    needs("spin")
    needs("gcc")
    root = click.Group()
    add_commands(root)
    words = ["model", "refute", "--variant", "timer", "--replay", "--json"]
    result = CliRunner().invoke(root, words, standalone_mode=False)
    assert result.return_value == 0
    *lines, last = map(json.loads, result.stdout.splitlines())
    assert lines[0]["broken"] == "MONEY-10"
    assert lines[0]["replayed"]["prevented"] == [
        "release: no timer releases a reservation"
    ]
    assert (last["variants"], last["refuted"]) == (1, 1)
    assert (last["steps"], last["carried_out"], last["findings"]) == (6, 5, 0)


def _of(one: Refuted) -> Replayed:
    assert one.replayed is not None
    return one.replayed
