"""The demo, run as a person runs it; its capture, read by Wireshark's dissector."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from protocol.link import Direction
from tests.wireshark import run_tshark
from tests.witness.programs import needs

ROOT = Path(__file__).parents[2]
LAPB = 'uat:user_dlts:"User 0 (DLT=147)","lapb","0","","0",""'
FIELDS = (
    "frame.number",
    "frame.packet_flags_direction",
    "lapb.address",
    "lapb.control",
    "lapb.control.n_s",
    "lapb.control.n_r",
    "frame.len",
)


def rmfs(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-m", "rmfs_tools", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    done = rmfs("demo", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, json.loads(done.stdout.splitlines()[-1])


Shown = tuple[Path, str, dict[str, Any]]


def test_the_demo_credits_each_recharge_once_though_a_line_was_lost(
    demo: Shown,
) -> None:
    _, _, result = demo
    assert [one["result"] for one in result["recharges"]] == ["confirmed"] * 2
    assert [one["number"] for one in result["recharges"]] == [1, 2]
    assert result["recharges"][1]["attempts"] >= 2
    assert {"recharge": 2, "result": "carrier_lost"} in result["dial_ins"]
    assert result["machine"] == {
        "ascending_paise": 6_700,
        "descending_paise": 393_300,
        "control_total_paise": 400_000,
        "items": 4,
    }
    assert result["server"] == {
        "ledger_sum_paise": 0,
        "funds_remaining_paise": 100_000,
        "in_doubt": 0,
        "discrepancies": 0,
    }


def test_the_demo_ends_when_nobody_reads_it_any_more(tmp_path: Path) -> None:
    """As `rmfs demo | head` does."""
    running = subprocess.Popen(
        [sys.executable, "-m", "rmfs_tools", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert any("GREETING_1" in line for line in running.stdout)
    running.stdout.close()
    assert running.wait(60) == 1
    assert running.stderr is not None
    assert running.stderr.read() == ""
    running.stderr.close()


def test_the_demo_begins_at_the_bank_and_ends_with_the_departments_report(
    demo: Shown,
) -> None:
    """RMFS-13 to RMFS-16, RMFS-25, RMFS-30 to RMFS-34: the whole way of the money."""
    _, text, result = demo
    chain = result["chain"]
    assert [one["step"] for one in chain] == [
        "deposit",
        "bank_file",
        "window",
        "fund_file",
        "acknowledgement",
        "dial_in",
        "credit",
        "credit_download_file",
        "report",
    ]
    steps = {one["step"]: one for one in chain}
    assert steps["deposit"]["amount_paise"] == 500_000
    assert steps["bank_file"]["at"][11:19] == "22:00:00"
    assert len(steps["window"]["files"]) == 4
    assert steps["fund_file"]["state"] == "TAKEN"
    assert steps["credit"]["credits"] == 2
    assert steps["credit_download_file"]["credits"] == 2
    places = steps["report"]["places"]
    assert places["REMAINING"] == 100_000
    assert places["MACHINE"] == 393_300
    assert places["POSTAGE"] == 6_700
    assert sum(places.values()) == 500_000
    assert result["unexplained_paise"] == 0
    assert "unexplained: Rs 0.00" in text


def test_the_demo_says_who_said_what_and_where_to_look_next(demo: Shown) -> None:
    _, text, _ = demo
    for words in ("SABM", "GREETING_3 + sealed STATEMENT", "carrier lost", "before"):
        assert words in text
    assert "rmfs evidence --server" in text


def test_the_folders_of_the_demo_can_be_looked_into(demo: Shown) -> None:
    folder, _, _ = demo
    shown = rmfs("machine", "show", "demo/machine", "--json", folder=folder)
    assert shown.returncode == 0, shown.stderr
    shown = rmfs("server", "show", "--server", "demo/server", "N123456", folder=folder)
    assert "POSTED by CONFIRMATION" in shown.stdout
    for party, books in (("server", "--server"), ("dop", "--gateway")):
        place = f"demo/{'gateway' if party == 'dop' else party}"
        done = rmfs(party, "verify", books, place, folder=folder)
        assert done.returncode == 0, done.stderr


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("mine", "utf-8")
    done = rmfs("demo", folder=tmp_path)
    assert done.returncode == 1
    assert "choose another --folder" in done.stderr
    assert (tmp_path / "demo" / "thesis.txt").read_text("utf-8") == "mine"


def tshark(capture: Path, *arguments: str) -> str:
    return run_tshark(capture.parent, "-r", str(capture), "-o", LAPB, *arguments)


def frames_of(capture: Path) -> list[tuple[Direction, bytes]]:
    """Read the packets of a pcapng file by the words of its format alone."""
    octets = capture.read_bytes()
    frames = []
    offset = 0
    while offset < len(octets):
        kind = int.from_bytes(octets[offset : offset + 4], sys.byteorder)
        length = int.from_bytes(octets[offset + 4 : offset + 8], sys.byteorder)
        if kind == 6:
            captured = int.from_bytes(octets[offset + 20 : offset + 24], sys.byteorder)
            packet = octets[offset + 28 : offset + 28 + captured]
            options = octets[offset + 28 + (captured + 3) // 4 * 4 : offset + length]
            outbound = options[4] & 3 == 2
            direction = Direction.SENT if outbound else Direction.RECEIVED
            frames.append((direction, packet))
        offset += length
    return frames


def test_wireshark_reads_every_frame_of_the_capture_as_lapb(demo: Shown) -> None:
    needs("tshark")
    folder, _, result = demo
    capture = folder / result["capture"]
    ours = frames_of(capture)
    assert len(ours) > 30
    rows = [
        line.split("\t")
        for line in tshark(
            capture, "-T", "fields", *(part for name in FIELDS for part in ("-e", name))
        ).splitlines()
    ]
    assert len(rows) == len(ours)
    information = 0
    for row, (_, frame) in zip(rows, ours, strict=True):
        _, _, address, control, n_s, n_r, _ = row
        assert int(address, 16) == frame[0]
        assert int(control, 16) == frame[1]
        if frame[1] & 1 == 0:
            information += 1
            assert int(n_s) == frame[1] >> 1 & 7
        if frame[1] & 3 != 3:
            assert int(n_r) == frame[1] >> 5
    assert information >= 20


def test_wireshark_finds_no_frame_invalid_or_malformed_in_lapb(demo: Shown) -> None:
    """What its X.25 dissector thinks of our messages does not count."""
    needs("tshark")
    folder, _, result = demo
    capture = folder / result["capture"]
    assert tshark(capture, "-Y", "not lapb") == ""
    text = tshark(capture, "-V", "-O", "lapb", "--disable-protocol", "x25")
    assert "Link Access Procedure Balanced (LAPB)" in text
    assert "Malformed" not in text
    assert "Invalid" not in text
