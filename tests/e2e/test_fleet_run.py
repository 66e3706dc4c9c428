"""A fleet works for days against a real server, and the money agrees on both sides."""

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fm_device.folder import open_machine
from fm_device.psd.franking import FrankRefusal
from hw.clock import SystemWallClock
from rmfs_server.folder import open_books
from rmfs_server.store import ledger
from rmfs_server.store.verify import verify_books
from rmfs_tools.fleet_folder import read_fleet
from tests.processes import Said, Server, done, rmfs

FILE = """\
title = "four offices"
count = 4
first_licence = "N300001"
[mail]
items_a_day = [5, 30]
[funds]
deposit_paise = 500_000
recharge_below_paise = 20_000
recharge_paise = 100_000
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four machines, enrolled and paid for; their server is beside them."""
    folder = tmp_path_factory.mktemp("prepared")
    file, server = folder / "four.toml", folder / "rmfs-server"
    file.write_text(FILE)
    done("server", "init", "--server", server)
    done("fleet", "new", file, folder / "offices", "--server", server)
    said = done("fleet", "enrol", folder / "offices", "--server", server, "--json")
    assert json.loads(said) == {
        "enrolled": 4,
        "known": 0,
        "deposited_paise": 2_000_000,
    }
    return folder


@pytest.fixture
def fleet(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the prepared fleet, to be worked with at will."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return tmp_path / "offices"


def server_of(fleet: Path) -> Path:
    return fleet.parent / "rmfs-server"


def check(fleet: Path, summary: dict[str, Any]) -> None:
    """Franks, registers and books tell the same, to the paisa."""
    franked = items = recharged = 0
    with open_books(server_of(fleet)) as store, store.reading() as connection:
        assert verify_books(connection) == []
        for member in read_fleet(fleet).members():
            folder = fleet / member.licence
            with open_machine(folder, SystemWallClock(), "test") as machine:
                registers = machine.record.registers
                assert machine.record.balanced
            franked += registers.ascending_paise
            items += registers.items
            recharged += registers.control_total_paise
            posted = ledger.balance_paise(connection, ledger.machine_of(member.licence))
            assert posted == registers.control_total_paise
    assert summary["errors"] == summary["failed"] == summary["refused"] == {}
    assert summary["franked_paise"] == franked
    assert summary["franks"] == items
    assert summary["recharged_paise"] == recharged


def test_a_fleet_works_through_a_day_in_real_time(fleet: Path) -> None:
    with Server(server_of(fleet)) as server:
        said = rmfs(
            "fleet", "run", fleet, "--line", server.line, "--for", "1s", "--json"
        )
    assert said.code == 0, said
    summary = json.loads(said.out)
    assert (summary["machines"], summary["turns"]) == (4, 4)
    assert 20 <= summary["franks"] <= 120
    check(fleet, summary)


def simulated(fleet: Path, days: int) -> Said:
    return rmfs(
        *("fleet", "run", fleet, "--simulated", "--days", str(days)),
        *("--server", server_of(fleet), "--at-once", "2", "--json"),
    )


def test_days_go_by_in_virtual_time_and_a_second_run_goes_on_behind_them(
    fleet: Path,
) -> None:
    first, second = simulated(fleet, 3), simulated(fleet, 2)
    assert (first.code, second.code) == (0, 0), (first, second)
    assert ", now\n" in first.err
    assert "day 3 of 3 is over" in first.err
    assert re.search("the latest that (N30000[1-4] knows|the books tell)", second.err)
    days = re.findall("^([0-9-]{10}): day", first.err + second.err, re.MULTILINE)
    ordinals = [date.fromisoformat(day).toordinal() for day in days]
    assert ordinals == list(range(ordinals[0], ordinals[0] + 5))
    once, then = json.loads(first.out), json.loads(second.out)
    assert (once["machines"], once["turns"]) == (4, 12)
    assert (then["machines"], then["turns"]) == (4, 8)
    added = {
        name: once[name] + then[name]
        for name in ("franks", "franked_paise", "recharged_paise")
    }
    check(fleet, {**then, **added})


def test_mail_that_nobody_pays_for_is_refused_and_told_by_the_exit_code(
    fleet: Path,
) -> None:
    file = fleet / "fleet.toml"
    text = file.read_text()
    file.write_text(text.replace("recharge_paise = 100_000", "recharge_paise = 0"))
    said = simulated(fleet, 1)
    assert said.code == 1
    assert json.loads(said.out)["refused"] == {FrankRefusal.FUNDS_SHORT.code: 4}


def test_machines_out_of_order_are_told_and_the_others_work(fleet: Path) -> None:
    (fleet / "N300002").rename(fleet / "elsewhere")
    (fleet / "N300003" / "lock").unlink()
    (fleet / "N300003" / "lock").mkdir()
    said = simulated(fleet, 1)
    assert said.code == 1
    summary = json.loads(said.out)
    assert (summary["machines"], sum(summary["errors"].values())) == (4, 2)
    assert re.search("N300002.* holds no machine", said.err)
    assert "N300001: done" in said.err
    assert "N300004: done" in said.err


def test_what_was_begun_is_finished_and_nothing_is_done_twice(fleet: Path) -> None:
    server, file = server_of(fleet), fleet.parent / "four.toml"
    papers = [path.read_bytes() for path in sorted(fleet.glob("*/provisioning.json"))]
    done("fleet", "new", file, fleet, "--server", server)
    again = [path.read_bytes() for path in sorted(fleet.glob("*/provisioning.json"))]
    assert again == papers
    said = done("fleet", "enrol", fleet, "--server", server)
    assert said == "0 enrolled, Rs 0.00 paid; 4 were known\n"
    shown = json.loads(done("fleet", "show", fleet, "--json"))
    assert [one["made"] for one in shown["machines"]] == [True] * 4
    assert "N300004  FLT00004" in done("fleet", "show", fleet)
    file.write_text(FILE.replace("four", "five"))
    other = rmfs("fleet", "new", file, fleet, "--server", server)
    assert other.code == 1
    assert "holds another fleet" in other.err


def test_a_line_that_nobody_answers_is_told_and_no_money_is_lost(fleet: Path) -> None:
    line = "tcp:127.0.0.1:1"
    said = rmfs("fleet", "run", fleet, "--line", line, "--for", "1s", "--json")
    assert said.code == 1
    summary = json.loads(said.out)
    assert summary["franks"] == 0
    assert sum(summary["failed"].values()) == sum(summary["refused"].values()) == 4
    both = rmfs("fleet", "run", fleet, "--simulated", "--line", line)
    assert both.code == 2
