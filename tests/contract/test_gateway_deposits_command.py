"""`rmfs dop deposit` and `rmfs dop suspense` show what payments have come to."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dop_gateway.deposits.desk import propose
from dop_gateway.deposits.model import Action
from dop_gateway.deposits_cli import deposit_group, suspense_group
from dop_gateway.errors import NotAllowedError, NotFoundError
from dop_gateway.folder import create_gateway, open_gateway
from dop_gateway.ledger import movements
from dop_gateway.settings import Settings
from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from tests.deposit_desk import N1, furnish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a gateway with a deposit on its way, and one that is to be given back."""
    folder = tmp_path / "gateway"
    create_gateway(folder, Settings(""), SystemEntropy())
    with open_gateway(folder, SystemWallClock(), SystemEntropy()) as parts:
        desk = furnish(parts.store)
        desk.deliver()
        waits = desk.deposit(desk.bring(90_000)).id
        with parts.store.writing("propose") as connection:
            by = desk.by("omar", "too little")
            propose(connection, waits, Action.RETURN, by)
    return folder


def test_deposits_are_listed_and_shown_with_their_moves(folder: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(deposit_group, ["list", "--gateway", str(folder)])
    assert listed.exit_code == 0, listed.output
    assert "SUSPENSE Rs 900.00 N123456" in listed.output
    assert listed.output.endswith("2 deposits\n")
    narrowed = ["list", "--gateway", str(folder), "--state", "ACKNOWLEDGED", "--json"]
    (one,) = json.loads(runner.invoke(deposit_group, narrowed).output)
    assert (one["licence"], one["amount"]) == (N1, "2000.00")
    number = str(one["id"])
    shown = runner.invoke(deposit_group, ["show", number, "--gateway", str(folder)])
    assert "ACKNOWLEDGED → ACKNOWLEDGED" in shown.output
    as_json = ["show", number, "--gateway", str(folder), "--json"]
    moves = json.loads(runner.invoke(deposit_group, as_json).output)["moves"]
    assert [move["number"] for move in moves] == [1, 2, 3, 4, 5]


def test_a_deposit_is_shown_with_what_was_proposed_about_it(folder: Path) -> None:
    asked = ["show", "2", "--gateway", str(folder)]
    shown = CliRunner().invoke(deposit_group, asked)
    assert shown.output.endswith("  RETURN PROPOSED: too little\n")
    as_json = json.loads(CliRunner().invoke(deposit_group, [*asked, "--json"]).output)
    assert as_json["proposals"][0]["action"] == "RETURN"


def test_a_deposit_that_is_not_there_is_said_so(folder: Path) -> None:
    result = CliRunner().invoke(
        deposit_group,
        ["show", "99", "--gateway", str(folder)],
        standalone_mode=False,
    )
    assert result.return_value == 1
    assert "no deposit 99" in result.output


def test_suspense_is_listed_with_what_is_wrong(folder: Path) -> None:
    result = CliRunner().invoke(suspense_group, ["list", "--gateway", str(folder)])
    assert "DEP-01-007" in result.output
    assert result.output.endswith("1 deposits\n")


@pytest.fixture
def owing(tmp_path: Path) -> Path:
    """Give a gateway whose deposit 1 is owed, and deposit 2 may pay it."""
    folder = tmp_path / "owing"
    create_gateway(folder, Settings(""), SystemEntropy())
    with open_gateway(folder, SystemWallClock(), SystemEntropy()) as parts:
        desk = furnish(parts.store)
        payment = desk.deliver()
        desk.move(movements.downloaded(N1, 200_000, "one", "a test"))
        desk.bounce(payment)
        file_id = desk.send()
        desk.answer(file_id, desk.told[file_id])
        desk.bring()
    return folder


def _type(folder: Path, group: click.Group, *words: str) -> Result:
    typed = [*words, "--reason", "a letter", "--gateway", str(folder)]
    return CliRunner().invoke(group, typed, standalone_mode=False)


def test_what_is_owed_is_settled_by_two_people_at_the_gateways_computer(
    owing: Path,
) -> None:
    settle = ("settle", "1", "--by", "2", "--as")
    refused = _type(owing, deposit_group, *settle, "sunita")
    assert isinstance(refused.exception, NotAllowedError)
    made = _type(owing, deposit_group, *settle, "omar")
    assert made.output == "proposal 1, SETTLE of deposit 1: PROPOSED\n"
    same = _type(owing, suspense_group, "approve", "1", "--as", "omar")
    assert isinstance(same.exception, NotAllowedError)
    done = _type(owing, suspense_group, "approve", "1", "--as", "sunita", "--json")
    assert json.loads(done.output)["state"] == "APPROVED"
    listed = ["list", "--state", "PAID_AGAIN", "--gateway", str(owing)]
    assert CliRunner().invoke(deposit_group, listed).output.endswith("1 deposits\n")


def test_a_proposal_is_rejected_at_the_gateways_computer(folder: Path) -> None:
    nobody = _type(folder, suspense_group, "reject", "1", "--as", "nobody")
    assert isinstance(nobody.exception, NotFoundError)
    done = _type(folder, suspense_group, "reject", "1", "--as", "sunita")
    assert done.output == "proposal 1, RETURN of deposit 2: REJECTED\n"
