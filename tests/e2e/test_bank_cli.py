"""A simulated bank and a gateway, command by command, as docs/bank.md has it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dop_gateway.bank_simulator_cli import FAULTS
from dop_gateway.simulators.bank import Fault
from tests.processes import Program, done, rmfs

PAID = """licence,licence_number,licensee,amount,mode
N123456,KN0600065,"Bharat Stationers, Bengaluru",2000.00,NETBANKING
N123457,KN0600066,Kaveri Press,3500.00,
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    folder = tmp_path / "gateway"
    done("dop", "init", "--gateway", folder)
    return folder


@pytest.fixture
def bank(tmp_path: Path, gateway: Path) -> Path:
    folder = tmp_path / "bank"
    done("bank", "init", "--folder", folder)
    key = done("dop", "bank", "key", "--gateway", gateway)
    (folder / "gateway.pub").write_text(key)
    return folder


@pytest.fixture
def known(bank: Path, gateway: Path) -> Iterator[None]:
    """Let the bank serve, and the gateway know it."""
    with Program("bank", "simulate", "--folder", bank, "--port", "0") as program:
        port = program.said("listening at").rpartition(":")[2]
        done(
            *("dop", "bank", "set", "SBI", "--gateway", gateway),
            *("--name", "State Bank of India", "--account", "30012345678"),
            *("--host", "127.0.0.1", "--port", port, "--user", "dop"),
            *("--host-key", bank / "ssh_host.pub", "--key-id", "SBI-1"),
            *("--key", bank / "signing.pub", "--reason", "a test"),
        )
        yield


def make(bank: Path, day: str, *more: object) -> dict[str, Any]:
    payments = bank / "paid.csv"
    payments.write_text(PAID)
    words = ("--folder", bank, "--day", day, "--payments", payments, *more)
    made: dict[str, Any] = json.loads(done("bank", "make", *words, "--json"))
    return made


def fetch(gateway: Path, day: str) -> tuple[int, dict[str, Any]]:
    words = ("--gateway", gateway, "--day", day, "--reason", "a test", "--json")
    said = rmfs("dop", "bank", "fetch", "SBI", *words)
    return said.code, json.loads(said.out)


@pytest.mark.usefixtures("known")
def test_a_day_of_the_bank_is_made_fetched_shown_and_printed(
    bank: Path, gateway: Path
) -> None:
    made = make(bank, "2020-01-01")
    assert (made["payments"], made["total_paise"]) == (2, 550_000)
    code, fetched = fetch(gateway, "2020-01-01")
    assert (code, fetched["missing"]) == (0, [])
    assert {one["state"] for one in fetched["files"]} == {"TAKEN"}
    assert fetch(gateway, "2020-01-01") == (0, {**fetched, "files": []})
    words = ("--gateway", gateway, "--files", "5", "--json")
    shown = json.loads(done("dop", "bank", "show", *words))
    assert shown["banks"][0]["code"] == "SBI"
    scroll = bank / "scroll.csv"
    days = ("--first", "2020-01-01", "--last", "2020-01-31", "--to", scroll)
    done("dop", "bank", "scroll", "SBI", "--gateway", gateway, *days)
    assert "N123456,KN0600065" in scroll.read_text("utf-8-sig")
    for one in shown["files"]:
        printed = done("dop", "bank", "file", one["number"], "--gateway", gateway)
        assert printed == (bank / "out" / one["name"]).read_text()


@pytest.mark.usefixtures("known")
def test_a_file_that_is_missing_or_no_good_ends_the_command_with_1(
    bank: Path, gateway: Path
) -> None:
    made = make(bank, "2020-01-01", "--fault", "wrong-total")
    assert made["injected"][0]["kind"] == "FILE_REFUSED"
    code, fetched = fetch(gateway, "2020-01-01")
    assert (code, fetched["missing"]) == (1, ["funds-received"])
    assert "REFUSED" in {one["state"] for one in fetched["files"]}
    make(bank, "2020-01-02")
    assert fetch(gateway, "2020-01-02")[0] == 0


def test_a_seed_draws_the_same_day_again(bank: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done("bank", "init", "--folder", other)
    drawn = ("--seed", "monday", "--count", "7")
    first = make(bank, "2020-01-01", *drawn)
    assert first["payments"] == 7
    assert make(other, "2020-01-01", *drawn) == first


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("init",), "not empty"),
        (("make", "--day", "2020-01-01", "--fault", "late"), ""),
        (("make", "--day", "2020-01-01", "--fault", "not-in-account"), "a payment"),
        (("make", "--day", "2020-01-01", "--seed", "x"), "payers"),
    ],
)
def test_what_cannot_be_is_told(bank: Path, words: tuple[str, ...], says: str) -> None:
    said = rmfs("bank", words[0], "--folder", bank, *words[1:])
    assert (said.code == 0) == (says == "")
    assert says in said.err


def test_a_bank_that_is_nowhere_and_payments_that_are_none_are_told(
    bank: Path, tmp_path: Path
) -> None:
    said = rmfs("bank", "simulate", "--folder", tmp_path / "nowhere")
    assert (said.code, "rmfs bank init" in said.err) == (1, True)
    wrong = tmp_path / "wrong.csv"
    for text, says in (
        ("licence\n", "no column licence_number"),
        (PAID.replace("2000.00", "2000.5"), "no amount"),
        (PAID.replace("NETBANKING", "SHELLS"), "no mode"),
    ):
        wrong.write_text(text)
        words = ("--folder", bank, "--day", "2020-01-01", "--payments", wrong)
        said = rmfs("bank", "make", *words)
        assert said.code == 1
        assert says in said.err


def test_the_command_knows_every_mistake_of_the_bank() -> None:
    assert set(FAULTS) == {one.value for one in Fault}
