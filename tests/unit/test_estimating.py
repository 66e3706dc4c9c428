"""`rmfs server estimate`: what so many machines need, by what was measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from protocol.exchange import shipped_layouts
from rmfs_server.estimate_cli import estimate as command
from rmfs_server.estimating import (
    IDENTIFIERS,
    MEASURED,
    WINDOWS,
    Assumed,
    Measured,
    estimate,
)

PAGE = (Path(__file__).parents[2] / "docs" / "growing.md").read_text("utf-8")
ASSUMED = Assumed(
    machines=3_600,
    recharges_a_month=2,
    inspections_a_month=1,
    deposits_a_month=1,
    classes=2,
    working_days=20,
    busy_day=2,
    busy_hour=0.5,
    core_share=0.5,
    years=2,
    copies=3,
    core_price=100,
    gb_price=10,
)
ROUND = Measured(
    dial_in_us=10_000,
    machine_octets=1_000_000,
    deposit_octets=10_000,
    inspection_octets=10_000,
    recharge_octets=25_000,
    class_octets=5_000,
    balance_line=1_000,
    usage_line=10_000,
    download_line=5_000,
)


def test_each_need_follows_from_what_is_assumed() -> None:
    need = estimate(ASSUMED, ROUND)
    # 10,800 dial-ins a month, 540 a day, 1,080 on a busy one, half in one hour.
    assert need.dial_ins_per_s == pytest.approx(0.15)
    assert need.cores == pytest.approx(0.003)
    assert need.first_gb == pytest.approx(3.6)
    # 100,000 octets a month of each machine, and the same of files.
    assert need.tables_gb == pytest.approx(4.32)
    assert need.files_gb == pytest.approx(4.32)
    assert need.disk_gb == pytest.approx((3.6 + 2 * 8.64) * 3)
    assert need.per_month == pytest.approx(0.3 + 626.4)
    assert need.over == []


def test_what_one_maker_cannot_exchange_is_said() -> None:
    layouts = shipped_layouts()
    most = layouts["remaining-fund"].lines_max
    assert estimate(replace(ASSUMED, machines=most), ROUND).over == []
    (over,) = estimate(replace(ASSUMED, machines=most + 1), ROUND).over
    assert (over.of, over.most) == ("licences in a Remaining Fund file", most)
    need = estimate(replace(ASSUMED, machines=IDENTIFIERS + 1), ROUND)
    assert [bound.of for bound in need.over] == [
        "identifiers of one letter",
        "licences in a Remaining Fund file",
        "vouchers told in a working day",
        "dial-ins told in a working day",
    ]
    assert [bound.wanted for bound in need.over[2:]] == [100_001, 150_001]
    assert need.over[2].most == 20_000 * WINDOWS


def test_a_program_is_told_the_same() -> None:
    said = CliRunner().invoke(command, ["--machines", "1000000", "--json"])
    assert said.exit_code == 0, said.output
    told = json.loads(said.output)
    assert told["per_month"] == 0
    assert {"of", "wanted", "most"} == set(told["bounds"][0])
    twice = str(2 * MEASURED["postgresql"].dial_in_us)
    words = ["--machines", "1000000", "--dial-in-us", twice, "--json"]
    slower = json.loads(CliRunner().invoke(command, words).output)
    assert slower["cores"] == pytest.approx(2 * told["cores"], abs=0.02)


def test_the_page_says_what_was_measured() -> None:
    for name, one in MEASURED.items():
        cells = (
            one.machine_octets,
            one.deposit_octets,
            one.inspection_octets,
            one.recharge_octets,
            one.class_octets,
            one.balance_line,
            one.usage_line,
            one.download_line,
            one.dial_in_us,
        )
        row = " | ".join(f"{cell:,}" for cell in cells)
        assert f"| `{name}` | {row} |" in PAGE


def test_the_page_shows_what_the_command_says() -> None:
    _, _, below = PAGE.partition("```text\n$ rmfs server estimate ")
    words, _, shown = below.partition("\n")
    said = CliRunner().invoke(command, words.split())
    assert shown.partition("```")[0] == said.output
