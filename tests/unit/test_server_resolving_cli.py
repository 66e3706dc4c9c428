"""`rmfs server frozen`, `resolve --proposed` and `explain`, as a person types them."""

import json
from pathlib import Path

import click
import pytest

from protocol.errors import RmfsError
from protocol.keys import write_provisioning
from protocol.registers import Registers
from protocol.values import LicenceIdentifier, Paise
from tests.desk import WHO, Desk, enrol, maker_of, office_of
from tests.paper_machine import LICENCE, PaperMachine


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "rmfs-server")
    desk.said("server", "init", "--name", "TEST-OEM", "--two-persons")
    return desk


@pytest.fixture
def machine(desk: Desk, tmp_path: Path) -> PaperMachine:
    """Give a machine whose mark is newer than the books."""
    machine = PaperMachine()
    enrol(desk, machine, tmp_path / "provisioning.json")
    machine.mark = b"newer..."
    with office_of(desk) as office:
        office.state(machine)
    return machine


BOTH = (*WHO, "--second", "ravi")


def test_what_is_proposed_for_every_frozen_machine_is_listed(
    desk: Desk, machine: PaperMachine
) -> None:
    assert "nothing" in desk.said("server", "frozen")
    said = desk.said("server", "frozen", "--old-copy")
    assert f"{machine.licence}     MARK_WRONG               adopt" in said
    (row,) = desk.json("server", "frozen", "--old-copy")["frozen"]
    assert (row["licence"], row["proposed"]) == (LICENCE, "adopt")
    assert "adopt" in desk.said("server", "resolve", LICENCE, "--old-copy")


@pytest.mark.usefixtures("machine")
def test_every_proposal_is_carried_out_with_two_persons_and_one_reason(
    desk: Desk,
) -> None:
    proposed = ("server", "resolve", "--proposed", "--old-copy")
    with pytest.raises(RmfsError, match="a second person must agree"):
        desk.said(*proposed, "--yes", *WHO)
    done = json.loads(desk.said(*proposed, "--yes", "--json", *BOTH))
    assert done["actions"] == {LICENCE: ["adopt"]}
    assert desk.said("server", "frozen") == "no machine is frozen\n"


@pytest.mark.usefixtures("machine")
def test_a_person_is_asked_before_anything_is_carried_out(desk: Desk) -> None:
    command = ("server", "resolve", "--proposed", "--old-copy", *BOTH)
    # Nothing is typed here: that is no agreement.
    assert isinstance(desk.run(*command).exception, click.Abort)
    assert LICENCE in desk.said("server", "frozen")


@pytest.mark.usefixtures("machine")
def test_a_machine_that_stays_frozen_is_told_and_exits_with_1(desk: Desk) -> None:
    result = desk.run("server", "resolve", "--proposed", "--yes", *BOTH)
    assert result.return_value == 1
    assert "0 are resolved, 1 stay frozen" in result.stdout
    assert "clone" in result.stdout


@pytest.mark.parametrize(
    "words", [(), (LICENCE, "--proposed"), ("--proposed", "--action", "post")]
)
def test_either_a_licence_or_all_are_resolved(
    desk: Desk, words: tuple[str, ...]
) -> None:
    result = desk.run("server", "resolve", *words, *BOTH)
    assert isinstance(result.exception, click.UsageError)


def test_a_former_life_is_shown_and_closed_by_the_file_of_the_next(
    desk: Desk, tmp_path: Path
) -> None:
    """The books think that Rs 1,000 are in the machine; Rs 300 of them were used."""
    former, file = PaperMachine(), tmp_path / "next.json"
    enrol(desk, former, tmp_path / "provisioning.json")
    with office_of(desk) as office:
        office.deposit(100_000)
        office.recharge(former, 100_000)
    used = Registers(Paise(30_000), Paise(0), Paise(30_000), 30, 30)
    licence = LicenceIdentifier("N000002")
    life = PaperMachine(licence, seed=b"next", registers=used, number=2)
    with pytest.raises(RmfsError, match="resolve N123456 --next-life FILE"):
        enrol(desk, life, file)
    resolve = ("server", "resolve", LICENCE, "--next-life", str(file))
    said = desk.said(*resolve)
    assert "lost       voucher 2: -Rs 700.00" in said
    assert "is closed" not in said
    closing = (*resolve, "--action", "close")
    with pytest.raises(RmfsError, match="--old-copy"):
        desk.said(*closing, *BOTH)
    with pytest.raises(RmfsError, match="a second person must agree"):
        desk.said(*closing, "--old-copy", *WHO)
    said = desk.said(*closing, "--old-copy", *BOTH)
    assert f"{LICENCE} is closed: enrol {file}" in said
    enrol(desk, life, file)
    shown = desk.json("server", "show", LICENCE)
    assert shown["funds"]["available_paise"] == 70_000
    assert desk.json("server", "verify") == {"findings": []}


@pytest.mark.parametrize(
    "words",
    [
        (LICENCE, "--action", "close"),
        (LICENCE, "--action", "post", "--next-life"),
        ("--proposed", "--next-life"),
    ],
)
def test_closing_needs_a_licence_and_the_file_of_its_next_life(
    desk: Desk, tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = tmp_path / "next.json"
    file.write_text(write_provisioning(PaperMachine().provisioning, maker_of(desk)))
    named = (*words, str(file)) if words[-1] == "--next-life" else words
    result = desk.run("server", "resolve", *named, *BOTH)
    assert isinstance(result.exception, click.UsageError)


def test_what_stands_in_suspense_is_listed_and_explained(
    desk: Desk, tmp_path: Path
) -> None:
    machine = PaperMachine()
    enrol(desk, machine, tmp_path / "provisioning.json")
    assert desk.said("server", "explain") == "nothing stands in suspense\n"
    with office_of(desk) as office:
        office.deposit(200_000)
        office.recharge(machine, 200_000)
        less = Registers(Paise(0), Paise(150_000), Paise(150_000), 0, 0)
        office.state(machine, registers=less)
    desk.said("server", "resolve", LICENCE, "--action", "adopt", *BOTH)
    assert f"{LICENCE}  journal 4 ADOPT -Rs 500.00" in desk.said("server", "explain")
    with pytest.raises(RmfsError, match="second person"):
        desk.said("server", "explain", LICENCE, *WHO)
    said = desk.said("server", "explain", LICENCE, *BOTH)
    assert "nothing stands in suspense for it" in said
    assert desk.json("server", "verify") == {"findings": []}
