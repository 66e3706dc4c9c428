"""What is not as expected is found, told, and can be played again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fm_device.firmware.franking import Printed
from fm_device.psd.memory import STATE
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.vault import Vault
from fm_device.scenarios.reading import read_scenario
from protocol.values import Paise
from rmfs_server.store.schema import ledger
from rmfs_tools.scenario_findings import money_findings
from rmfs_tools.scenario_world import World
from rmfs_tools.scenarios import Played, play

STEP = "[[steps]]\n"


def played(steps: str, head: str = "", **options: object) -> Played:
    text = f'title = "A test"\n{head}\n{steps}'
    return play(read_scenario(text.encode(), "test.toml"), **options)  # type: ignore[arg-type]


def unmet(steps: str, head: str = "") -> list[str]:
    return [str(one) for one in played(steps, head).unmet]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    scenario = read_scenario(b'title = "x"\n[[steps]]\nzero = 1\n', "x.toml")
    world = World(scenario, tmp_path, 1)
    yield world
    world.close()


def test_a_seed_repeats_every_octet_of_the_memories(tmp_path: Path) -> None:
    scenario = read_scenario(b'title = "x"\n[[steps]]\nzero = 1\n', "x.toml")
    images = []
    for number, seed in enumerate((5, 5, 6)):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = World(scenario, folder, seed)
        began_s = made.reactor.seconds()
        images.append((made.nvram.chip.image(), made.flash.chip.image(), began_s))
        made.close()
    assert images[0] == images[1]
    assert images[0][0] != images[2][0]


def test_what_is_as_expected_is_met() -> None:
    found = played(f"{STEP}zero = 2\nexpect = {{ imprints = 2 }}\n")
    assert found.met
    assert (found.steps, found.franks, found.dial_ins) == (1, 2, 1)
    assert found.replay == "rmfs scenario run test --seed 1"


def test_what_is_not_as_expected_is_told_with_step_and_both_values() -> None:
    steps = f"{STEP}zero = 2\n{STEP}zero = 1\nexpect = {{ imprints = 4, items = 0 }}\n"
    assert unmet(steps) == ["steps[2]: imprints expected 4, found 3"]


def test_nothing_is_done_after_a_step_that_is_not_met() -> None:
    found = played(f"{STEP}zero = 2\nexpect = {{ imprints = 3 }}\n{STEP}zero = 9\n")
    assert (found.steps, found.franks) == (1, 2)


def test_a_refusal_that_nobody_expected_is_not_in_order() -> None:
    (found,) = unmet(f"{STEP}frank = {{}}\n")
    assert found.startswith("steps[1]: refused expected nothing, found FMW-05-003")


def test_a_refusal_that_did_not_come_is_not_in_order() -> None:
    steps = f'{STEP}frank = {{ weight = 18 }}\nexpect = {{ refused = "NO_WEIGHT" }}\n'
    assert unmet(steps) == ["steps[1]: refused expected NO_WEIGHT, found nothing"]


def test_a_step_that_fails_is_not_in_order() -> None:
    steps = f'{STEP}power = "off"\n{STEP}frank = {{ weight = 18 }}\n'
    (found,) = unmet(steps)
    assert found.startswith(
        "steps[2]: fails expected nothing, found the machine is off"
    )


def test_a_power_cut_that_nobody_expected_is_not_in_order() -> None:
    steps = f'{STEP}power-cut = {{ during = "print" }}\n{STEP}zero = 1\n'
    assert unmet(steps) == ["steps[2]: power expected on, found a power cut"]


def test_what_cannot_be_found_on_a_machine_that_is_off_is_told() -> None:
    (found,) = unmet(f'{STEP}power = "off"\nexpect = {{ items = 0 }}\n')
    assert "the machine is off" in found


def test_faults_are_all_that_stand_and_no_other() -> None:
    sense = "sensors = { cover-open = true, printer-c = 60 }"
    steps = f'{STEP}{sense}\nexpect = {{ faults = ["PRN-07-001"] }}\n'
    expected = "[PRN-07-001], found [COVER_OPEN, PRINTER_HOT]"
    assert unmet(steps) == [f"steps[1]: faults expected {expected}"]


def test_a_machine_that_is_on_is_not_taken_apart() -> None:
    for verb in ('damage = { what = "settings" }', 'restore-image = "x"'):
        (found,) = unmet(f"{STEP}{verb}\n")
        assert "switch it off before" in found


def test_a_zero_imprint_is_no_specimen() -> None:
    (found,) = unmet(f"{STEP}zero = 1\n", '[start]\nstate = "new"\n')
    assert "a specimen imprint came out" in found


def test_a_deposit_that_waits_in_suspense_is_not_in_order() -> None:
    (found,) = unmet(f"{STEP}deposit = 100\n")
    assert "a deposit of Rs 100.00 waits in suspense" in found


def test_turns_and_times_of_a_repetition_are_counted() -> None:
    repeat = '[[steps]]\nrepeat = { times = 3, every = "+10d" }\n[[steps.steps]]\n'
    found = played(f"{repeat}zero = 1\n")
    assert (found.franks, found.steps) == (3, 4)
    assert found.virtual_s == 20 * 86_400


def test_a_seed_in_place_of_the_files_own_is_told_in_the_replay() -> None:
    found = played(f"{STEP}zero = 1\n", "seed = 4\n", seed=9, called="day.toml")
    assert (found.seed, found.replay) == (9, "rmfs scenario run day.toml --seed 9")


def test_what_is_done_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    played(f'{STEP}zero = 3\nsay = "a try"\n', say=said.append)
    assert said == ["2026-11-23 09:00:00  steps[1] zero: a try", "    3 done"]


def test_franks_come_out_as_pictures(tmp_path: Path) -> None:
    found = played(f"{STEP}zero = 1\n", pictures=tmp_path)
    assert found.met
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg"}


def test_the_oracles_find_nothing_in_a_sound_world(world: World) -> None:
    world.scale.put(18)
    assert isinstance(world.machine.franking.frank(), Printed)
    assert money_findings(world) == []


def _changed(world: World, **changes: int) -> None:
    world.machine.switch_off()
    vault = Vault(world.nvram.chip, STATE)
    record = decode_record(vault.content)
    registers = replace(
        record.registers, **{name: Paise(value) for name, value in changes.items()}
    )
    vault.commit(encode_record(replace(record, registers=registers)))


def test_the_oracles_find_credit_from_nowhere(world: World) -> None:
    _changed(world, descending_paise=200_100, control_total_paise=200_100)
    assert money_findings(world) == ["CT is 200100, the books tell 200000 and 0 open"]


def test_the_oracles_find_postage_that_no_row_tells_of(world: World) -> None:
    _changed(world, ascending_paise=500, descending_paise=199_500)
    assert money_findings(world) == [
        "usage rows tell 0, AR has grown by 500",
        "0 paise came out, AR has grown by 500",
    ]


def test_the_oracles_find_a_frank_without_its_debit(world: World) -> None:
    world.scale.put(18)
    done = world.machine.franking.frank()
    assert isinstance(done, Printed)
    world.printer.put(done.face)
    found = money_findings(world)
    assert found[0].startswith("2 imprints came out, 1 are accounted")
    assert "1000 paise came out, AR has grown by 500" in found


def test_the_oracles_find_an_item_that_never_came_out(world: World) -> None:
    world.scale.put(18)
    world.machine.franking.frank()
    world.printer.franked -= 1
    assert money_findings(world)[0].startswith("0 imprints came out, 1 are accounted")


def test_the_oracles_find_books_that_were_changed_by_hand(world: World) -> None:
    with world.server.store.engine.begin() as connection:
        more = ledger.balance.c.balance_paise + 100
        connection.execute(ledger.balance.update().values(balance_paise=more))
    assert any(one.startswith("books: ") for one in money_findings(world))
