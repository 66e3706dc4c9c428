"""Licences and makers from the gateway's own computer."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dop_gateway.cli import add_commands
from dop_gateway.folder import DATABASE, create_gateway
from dop_gateway.settings import Settings
from hw.database import open_store
from hw.entropy import SystemEntropy
from protocol.keys import write_public_key
from tests.licence_desk import MAKER_KEY, MODEL, licence_desk_in

ROOT = click.Group()
add_commands(ROOT)
WHY = ("--reason", "a test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "gateway"
    create_gateway(folder, Settings(), SystemEntropy())
    return folder


def _done(folder: Path, *arguments: str) -> str:
    said = CliRunner().invoke(
        ROOT, ["dop", *arguments, "--gateway", str(folder)], catch_exceptions=False
    )
    assert said.exit_code == 0, said.output
    return said.output


def test_makers_are_kept(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "maker.pem"
    key.write_text(write_public_key(MAKER_KEY.signing.public.point))
    _done(folder, "maker", "add", "Q", "--name", "A maker", *WHY)
    _done(folder, "maker", "approve-model", "N", "FM-1", "--from", "2020-01-01", *WHY)
    said = _done(
        folder,
        *("maker", "add-key", "N", str(key), "--name", "Maker-N", "--realm", "TEST"),
        *WHY,
    )
    assert said == f"{MAKER_KEY.public.fingerprint}\n"
    found = {
        one["letter"]: one
        for one in json.loads(_done(folder, "maker", "list", "--json"))
    }
    assert found["N"]["models"] == [MODEL]
    assert found["N"]["keys"] == [MAKER_KEY.public.fingerprint]
    assert [letter for letter, one in found.items() if one["open"]] == ["N", "P"]
    assert "Q  A maker: gets no new licences" in _done(folder, "maker", "list")


def test_licences_are_listed_shown_and_certified(folder: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{folder / DATABASE}")
    desk = licence_desk_in(store)
    for number in (1, 2):
        desk.issue(f"N00000{number}")
    store.close()
    listed = json.loads(_done(folder, "licence", "list", "--maker", "N", "--json"))
    assert [one["number"] for one in listed] == ["KN0600001", "KN0600002"]
    said = _done(folder, "licence", "list", "--state", "BLOCKED")
    assert said == "0 of 0 licences\n"
    assert "N000002  KN0600002  REGISTERED" in _done(folder, "licence", "list")
    shown = json.loads(_done(folder, "licence", "show", "N000001", "--json"))
    assert (shown["division"], shown["psd_serial"]) == ("KN06", "PSD00001")
    assert [one["move"] for one in shown["history"]] == ["ISSUE", "REGISTER"]
    words = _done(folder, "licence", "show", "N000001")
    assert "license-issue: waits for its file" in words
    file = tmp_path / "certificate.pdf"
    _done(folder, "licence", "certificate", "N000001", str(file))
    assert file.read_bytes().startswith(b"%PDF")
