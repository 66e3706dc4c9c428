"""The ledger's SQLite file keeps what was acknowledged, wherever the power fails.

The product's books run on a recorded file; `rmfs simulate ledger-file` does the same
with more recharges. Settings that are known to lose money run too: they must be caught.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rmfs_tools.cli import EXIT_DONE, main
from rmfs_tools.simulation.ledger_file.disk import Disk
from rmfs_tools.simulation.ledger_file.examine import Examiner
from rmfs_tools.simulation.ledger_file.folders import folder_for_images
from rmfs_tools.simulation.ledger_file.modes import (
    MODES,
    PRODUCT,
    Expectation,
    Mode,
    mode_of,
)
from rmfs_tools.simulation.ledger_file.promises import Fault
from rmfs_tools.simulation.ledger_file.record import Sync, Truncate, Write
from rmfs_tools.simulation.ledger_file.run import Plan, Tally, try_mode
from rmfs_tools.simulation.ledger_file.settings import product_settings
from rmfs_tools.simulation.ledger_file.workload import BOOKS, record_books

CONTROLS = [mode for mode in MODES if mode is not PRODUCT]
EVERY_KIND = 3
"""Recharges until each kind was there: plain, voucher lost, CONFIRMATION lost."""


@pytest.fixture(scope="module")
def in_memory() -> Iterator[Path]:
    with folder_for_images(None) as folder:
        (folder / "images").mkdir()
        yield folder


@pytest.fixture(scope="module")
def examiner(in_memory: Path) -> Examiner:
    """What it has seen in one mode it need not look at again in the next."""
    return Examiner(in_memory / "images")


def tried(mode: Mode, plan: Plan, in_memory: Path, examiner: Examiner) -> Tally:
    said: list[str] = []
    tally = try_mode(mode, plan, in_memory / "recorded", examiner, said.append)
    assert said
    assert not (in_memory / "recorded").exists()
    return tally


def test_the_product_sets_what_is_shown_here_to_be_safe(tmp_path: Path) -> None:
    assert product_settings(tmp_path) == ("wal", "full")


def test_with_the_products_own_settings_nothing_acknowledged_is_lost(
    in_memory: Path, examiner: Examiner
) -> None:
    plan = Plan(EVERY_KIND, seed=1, subsets=2)
    tally = tried(PRODUCT, plan, in_memory, examiner)
    assert not tally.shown
    assert tally.faults == dict.fromkeys(Fault, 0)
    assert (tally.journal, tally.synchronous) == ("wal", "full")
    assert tally.states > 5 * tally.operations > 0


@pytest.mark.parametrize("mode", CONTROLS, ids=[mode.name for mode in CONTROLS])
def test_a_control_is_caught_and_what_is_safe_is_not(
    mode: Mode, in_memory: Path, examiner: Examiner
) -> None:
    tally = tried(mode, Plan(1, seed=1, subsets=2), in_memory, examiner)
    assert (tally.journal, tally.synchronous) == mode.settings
    assert tally.as_expected, tally.shown
    lost = tally.faults[Fault.LOST]
    assert bool(lost) is (mode.expectation is not Expectation.CLEAN)
    corrupt = tally.faults[Fault.CORRUPT]
    assert bool(corrupt) is (mode.expectation is Expectation.CAUGHT)


def test_a_control_that_loses_nothing_fails_the_run() -> None:
    blind = Tally(mode_of("wal", "normal"), "wal", "normal", 10, 5, 3)
    assert not blind.as_expected
    assert blind.verdict == "NOT CAUGHT"
    blind.add(Fault.LOST, "one")
    assert blind.as_expected
    blind.add(Fault.HALF, "more than whole transactions")
    assert not blind.as_expected


def test_one_state_that_breaks_a_promise_fails_the_product() -> None:
    tally = Tally(PRODUCT, "wal", "full", 10, 5, 3)
    assert tally.as_expected
    tally.add(Fault.SENT_WITHOUT_ROW, "one")
    assert not tally.as_expected
    assert tally.verdict == "NOT CLEAN"


def test_everything_that_the_books_do_is_in_the_record(tmp_path: Path) -> None:
    record = record_books(tmp_path, EVERY_KIND, 1, ())
    assert {one.name for one in record.commits} == {
        "enrol",
        "import fund file",
        "judge_confirmation",
        "judge_statement",
        "set_licence",
        "store_goodbye",
        "store_usage",
        "void",
    }
    # Three complete, three of the kinds that go wrong on the way, and the refund.
    assert len(record.sent) == EVERY_KIND + 3 + 1
    contents = [record.content, *(one.content for one in record.commits)]
    assert len(set(contents)) == len(contents)


def test_every_commit_is_synced_before_it_is_acknowledged(tmp_path: Path) -> None:
    record = record_books(tmp_path, 1, 1, ())
    for commit in record.commits:
        done = record.operations[commit.begun : commit.acknowledged]
        assert any(isinstance(one, Write) for one in done)
        assert any(isinstance(one, Sync) for one in done)


def test_checkpoints_are_inside_the_record(tmp_path: Path) -> None:
    record = record_books(tmp_path, 1, 1, ())
    books = list(record.files).index(BOOKS)
    last = record.commits[-1].acknowledged
    done = [one for one in record.operations[:last] if one == Sync(books)]
    assert len(done) > 1


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_the_record_is_what_happened_to_the_files_octet_by_octet(
    journal: str, tmp_path: Path
) -> None:
    record = record_books(tmp_path, 1, 1, (f"journal_mode = {journal}",))
    disk = Disk(record.files, folder_at_once=False)
    for operation in record.operations:
        disk.do(operation)
    kept = [one for _, one in disk.data]
    image = disk.image(len(disk.names), kept)
    assert image == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert any(isinstance(one, Truncate) for one in record.operations) is (
        journal == "wal"
    )


def test_the_same_seed_does_the_same_work_whatever_the_journal(tmp_path: Path) -> None:
    contents = []
    for name, pragmas in (
        ("first", ()),
        ("again", ()),
        ("other", ("journal_mode = delete",)),
    ):
        (tmp_path / name).mkdir()
        record = record_books(tmp_path / name, 1, 1, pragmas)
        contents.append([one.content for one in record.commits])
    assert contents[0] == contents[1] == contents[2]


def test_the_command_prints_its_figures_as_one_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("--recharges", "1", "--subsets", "0", "--synchronous", "full")
    command = ["simulate", "ledger-file", *arguments]
    assert main([*command, "--json"]) == EXIT_DONE
    said = capsys.readouterr()
    last = json.loads(said.out.splitlines()[-1])
    states = last["states"]
    assert said.out.startswith(
        f'{{"states": {states}, "corrupt": 0, "half": 0, "lost": 0, '
    )
    assert states > 0
    assert last["sent_without_row"] == last["unbalanced"] == 0
    assert last["as_expected"] is True
    assert [mode["mode"] for mode in last["modes"]] == ["wal/full"]
    assert "wal/full: operation 0 of" in said.err


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES, ids=[mode.name for mode in MODES])
def test_forty_recharges_go_as_they_must(
    mode: Mode, in_memory: Path, examiner: Examiner
) -> None:
    tally = tried(mode, Plan(40, seed=1), in_memory, examiner)
    assert tally.as_expected, tally.shown
