"""`rmfs dop frank verify` and `rmfs dop usage` on a gateway in a folder."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dop_gateway.cli import add_commands
from dop_gateway.folder import DATABASE, create_gateway
from dop_gateway.offices import store as offices
from dop_gateway.settings import Settings
from hw.entropy import SystemEntropy
from tests.posting_desk import PostingDesk, posting_desk

ROOT = click.Group("rmfs")
add_commands(ROOT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "gateway"
    create_gateway(made, Settings(), SystemEntropy())
    return made


@pytest.fixture
def desk(folder: Path) -> Iterator[PostingDesk]:
    with posting_desk(f"sqlite:///{folder / DATABASE}") as desk:
        yield desk


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        ROOT, ["dop", *arguments, "--gateway", str(folder)], standalone_mode=False
    )


def verify(folder: Path, desk: PostingDesk, *arguments: str) -> Result:
    with desk.store.reading() as connection:
        facility = offices.get(connection, desk.office).facility
    day = desk.today.isoformat()
    told = ("frank", "verify", *arguments, "--office", facility, "--on", day)
    return run(folder, *told)


def test_franks_are_verified_by_command(folder: Path, desk: PostingDesk) -> None:
    first, second = desk.frank(2)
    file = folder / "frank.bin"
    file.write_bytes(first)
    said = verify(folder, desk, str(file), second.hex(), "--mail")
    assert said.return_value == 0, said.output
    assert said.output.count("GENUINE (IND-20-000)") == 2
    assert "signed by N123456: Rs 5.00, class 3, 2026-06-01" in said.output
    again = verify(folder, desk, str(file), "--json")
    assert again.return_value == 1
    (told,) = json.loads(again.output)["franks"]
    assert told["code"] == "IND-20-009"


def test_what_is_no_frank_ends_with_its_own_code(
    folder: Path, desk: PostingDesk
) -> None:
    said = verify(folder, desk, "00ff")
    assert said.return_value == 3
    assert "NOT_READABLE" in said.output


def test_a_file_that_is_not_there_is_named(folder: Path, desk: PostingDesk) -> None:
    said = verify(folder, desk, str(folder / "no-such.bin"))
    assert isinstance(said.exception, click.BadParameter)
    assert "no-such.bin, and it is neither hex nor Base64" in said.exception.message


def test_usage_is_printed(folder: Path, desk: PostingDesk) -> None:
    desk.frank(2)
    desk.tell(desk.dial_in())
    said = run(folder, "usage", "--licence", "N123456", "--first", "2026-06-01")
    assert "class   3        2 items         Rs 10.00" in said.output
    told = json.loads(run(folder, "usage", "--json").output)
    assert told["total_paise"] == 1_000
    none = json.loads(run(folder, "usage", "--last", "2026-05-31", "--json").output)
    assert none == {"usage": [], "total_paise": 0}
