"""`rmfs dop reconcile`, `verify` and `incident`, as somebody types them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from dop_gateway import ledger
from dop_gateway.errors import NotFoundError
from dop_gateway.folder import create_gateway, open_gateway
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import movements
from dop_gateway.money_cli import incident_group, reconcile_command, verify_command
from dop_gateway.settings import Settings
from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from tests.deposit_desk import N1, TODAY, furnish, moment
from tests.money_desk import MakerFiles, registered, take_downloads


@dataclass
class Typing:
    """Somebody at the gateway's computer."""

    folder: Path

    def type(self, command: click.Command, *words: str) -> Result:
        """Type a command."""
        return CliRunner().invoke(
            command, [*words, "--gateway", str(self.folder)], standalone_mode=False
        )

    def read(self, command: click.Command, *words: str) -> Any:
        """Type a command, and read what it says to programs."""
        result = self.type(command, *words, "--json")
        assert result.exception is None, result.output
        return json.loads(result.output)


@pytest.fixture
def typing(tmp_path: Path) -> Typing:
    """Give a gateway with a credit of one machine."""
    folder = tmp_path / "gateway"
    create_gateway(folder, Settings(""), SystemEntropy())
    with open_gateway(folder, SystemWallClock(), SystemEntropy()) as parts:
        desk = furnish(parts.store)
        machine = registered(desk)
        desk.deliver(500_000)
        take_downloads(desk, MakerFiles(), machine.recharge(200_000))
        with desk.store.writing("incident") as connection:
            kind = IncidentKind.FILE_MISSING
            incidents.report(connection, kind, "N usage", "none came", desk.by())
    return Typing(folder)


def test_everything_is_explained_and_the_last_word_is_nought(typing: Typing) -> None:
    result = typing.type(reconcile_command)
    assert result.return_value == 0
    assert f"{N1} REMAINING IN_FLIGHT -Rs 3,000.00: the maker has told" in result.output
    assert result.output.endswith("4 licences, 0 paise not explained\n")
    found = typing.read(reconcile_command, "--day", "2026-11-16")
    assert (found["day"], found["unexplained_paise"]) == ("2026-11-16", 0)
    assert found["whole"]["places"]["MACHINE"] == 200_000


def test_one_licence_is_looked_at_and_nothing_kept(typing: Typing) -> None:
    found = typing.read(reconcile_command, "--licence", N1)
    (report,) = found["reports"]
    assert (report["remaining_paise"], report["machine_paise"]) == (300_000, 200_000)
    balances = [one["balance"] for one in report["differences"]]
    assert balances == ["DEPOSITED", "REMAINING", "MACHINE"]


def test_a_licence_that_nobody_has_is_named(typing: Typing) -> None:
    result = typing.type(reconcile_command, "--licence", "N999999")
    assert isinstance(result.exception, NotFoundError)
    assert str(result.exception) == "there is no licence N999999"


def test_a_rupee_that_nothing_explains_ends_with_one(typing: Typing) -> None:
    with open_gateway(typing.folder, SystemWallClock(), SystemEntropy()) as parts:
        wrong = movements.downloaded(N1, 500, "by-mistake", "nobody said so")
        with parts.store.writing("wrong") as connection:
            by = By(GATEWAY, moment(TODAY), "a-test", "a test")
            ledger.post(connection, wrong, by)
    result = typing.type(reconcile_command)
    assert result.return_value == 1
    assert f"{N1} MACHINE UNEXPLAINED" in result.output
    kinds = [one["kind"] for one in typing.read(incident_group, "list")]
    assert "UNEXPLAINED" in kinds


def test_the_ledger_is_recomputed(typing: Typing) -> None:
    assert typing.read(verify_command) == {"findings": []}
    assert typing.type(verify_command).output == "0 findings\n"


def test_an_incident_is_given_acted_upon_and_closed(typing: Typing) -> None:
    (one,) = typing.read(incident_group, "list", "--state", "OPEN")
    number = str(one["number"])
    reason = ("--reason", "a test")
    sunita = ("--as", "sunita", *reason)
    given = typing.read(incident_group, "assign", number, "--to", "omar", *sunita)
    assert (given["state"], given["owner"]) == ("ASSIGNED", "omar")
    omar = ("--as", "omar", *reason)
    typing.read(incident_group, "act", number, "--action", "it came", *omar)
    assert typing.read(incident_group, "close", number, *omar)["state"] == "CLOSED"
    assert typing.read(incident_group, "reopen", number, *omar)["state"] == "OPEN"
    shown = typing.read(incident_group, "show", number)
    moves = [step["move"] for step in shown["history"]]
    assert moves == ["reported", "assigned", "acted", "closed", "reopened"]
    assert "none came" in typing.type(incident_group, "show", number).output
    assert typing.type(incident_group, "show", "99").return_value == 1
