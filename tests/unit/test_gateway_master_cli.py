"""Offices, calendars and parameters from the gateway's own computer."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dop_gateway.cli import add_commands
from dop_gateway.folder import create_gateway, open_gateway
from dop_gateway.identity import store as people
from dop_gateway.settings import Settings
from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy

ROOT = click.Group()
add_commands(ROOT)
WHY = ("--reason", "a test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "gateway"
    create_gateway(folder, Settings(), SystemEntropy())
    return folder


def _run(folder: Path, *arguments: str) -> Result:
    group, command, *rest = arguments
    return CliRunner().invoke(
        ROOT, ["dop", group, command, "--gateway", str(folder), *rest]
    )


def _done(folder: Path, *arguments: str) -> str:
    said = _run(folder, *arguments)
    assert said.exception is None or said.exit_code == 0, said.output
    return said.output


def test_offices_are_planned_brought_in_and_found(folder: Path) -> None:
    planned = json.loads(_done(folder, "office", "import", "--plan", "--json", *WHY))
    assert planned["taken"]
    done = json.loads(_done(folder, "office", "import", "--json", *WHY))
    assert done == planned
    found = json.loads(_done(folder, "office", "find", "KN06", "--json"))
    assert [one["code"] for one in found] == ["KN06"]
    below = _done(folder, "office", "tree", "KN06").splitlines()
    assert len(below) > 1
    assert "Division" in below[0]
    again = _done(folder, "office", "import", *WHY)
    assert " 0 offices added, 0 changed, 0 closed" in again


def test_people_are_listed_with_their_roles_as_they_are_typed(folder: Path) -> None:
    _done(folder, "office", "import", *WHY)
    (division,) = json.loads(_done(folder, "office", "find", "KN06", "--json"))
    new = ("--mobile", "9845012345", *WHY)
    asha, ravi = ("--name", "Asha Rao"), ("--name", "Ravi Menon")
    operator = ("--role", "LICENSING_OPERATOR:OFFICE:KN06", "--role", "AUDITOR")
    _done(folder, "person", "add", "ravi", *ravi, *operator, *new)
    _done(folder, "person", "add", "asha", *asha, *new)
    first, itself, second = _done(folder, "person", "list").splitlines()
    assert itself.startswith("gateway ")
    assert first.split() == ["asha", "Asha", "Rao", "STAFF", "ACTIVE", "no", "role"]
    facility = division["facility"]
    assert f"LICENSING_OPERATOR:OFFICE:{facility}, AUDITOR" in second
    (one,) = json.loads(_done(folder, "person", "list", "--search", "men", "--json"))
    assert (one["login"], one["owed"][0]) == ("ravi", "NEW_PASSWORD")
    assert one["roles"][1]["role"] == "AUDITOR"


def test_a_role_is_given_for_an_office_by_what_people_call_it(folder: Path) -> None:
    _done(folder, "office", "import", *WHY)
    (division,) = json.loads(_done(folder, "office", "find", "KN06", "--json"))
    new = ("--name", "Ravi Menon", "--mobile", "9845012345", *WHY)
    named = ("KN06", division["facility"], str(division["id"]))
    for login, called in zip(("ravi", "sita", "omar"), named, strict=True):
        role = f"LICENSING_OPERATOR:OFFICE:{called}"
        _done(folder, "person", "add", login, "--role", role, *new)
    with (
        open_gateway(folder, SystemWallClock(), SystemEntropy()) as parts,
        parts.store.reading() as connection,
    ):
        for login in ("ravi", "sita", "omar"):
            found = people.find_person(connection, login)
            assert found is not None
            (grant,) = people.grants_of(connection, found[0].id)
            assert grant.scope == str(division["id"])
    wrong = ("--role", "LICENSING_OPERATOR:OFFICE:KN99", *new)
    said = _run(folder, "person", "add", "asha", *wrong)
    assert said.exit_code == 2
    assert "there is no office 'KN99'" in said.output


def test_a_file_that_holds_no_public_key_is_named(folder: Path) -> None:
    wrong = folder / "bank.pub"
    wrong.write_text("ssh-ed25519 AAAA")
    named = ("--name", "Maker-N", "--realm", "TEST", *WHY)
    said = _run(folder, "maker", "add-key", "N", str(wrong), *named)
    assert said.exit_code == 2
    assert "bank.pub: not a public key in PEM" in " ".join(said.output.split())


def test_a_day_is_said_shown_and_taken_back(folder: Path) -> None:
    _done(folder, "calendar", "say", "DCR", "2026-11-19", "Inventory", *WHY)
    shown = json.loads(
        _done(folder, "calendar", "show", "DCR", "--year", "2026", "--json")
    )
    assert shown["days"] == [{"day": "2026-11-19", "works": False, "name": "Inventory"}]
    _done(folder, "calendar", "take-back", "DCR", "2026-11-19", *WHY)
    assert "Inventory" not in _done(folder, "calendar", "show", "DCR", "--year", "2026")


def test_the_years_of_a_file_are_brought_in(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "years.toml"
    file.write_text('[[year]]\nyear = 2031\nsource = "x"\nholidays = [2031-01-26]\n')
    said = _done(folder, "calendar", "import", "COMMON", str(file), *WHY)
    assert said == "2031: 1 added, 0 removed, 0 kept, 0 unchanged\n"


def test_a_parameter_is_set_from_a_day_on(folder: Path) -> None:
    key = "licence.fee_paise"
    _done(folder, "parameter", "set", key, "40000", "--from", "2091-04-01", *WHY)
    for day, value in (("2091-03-31", 37_500), ("2091-04-01", 40_000)):
        said = _done(folder, "parameter", "list", "--on", day, "--json")
        assert json.loads(said)[key] == value
    assert f"{key} = 40000  (" in _done(
        folder, "parameter", "list", "--on", "2091-04-01", "--search", "fee"
    )


def test_a_value_for_days_that_are_over_needs_a_word(folder: Path) -> None:
    said = ("parameter", "set", "bank.run_at", "21:00", "--from", "2020-01-01", *WHY)
    refused = _run(folder, *said)
    assert "although_past" in str(refused.exception)
    _done(folder, *said, "--although-past")


def test_the_description_needs_no_gateway() -> None:
    said = CliRunner().invoke(ROOT, ["dop", "openapi"])
    assert json.loads(said.output)["openapi"].startswith("3.1")
