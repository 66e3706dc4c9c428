"""`rmfs lab fuzz`, `replay` and `promote` as a lab uses them: real processes."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hw.lab.catalogue import read_cases
from hw.lab.verdicts import Verdict
from protocol.link import Role
from rmfs_tools.lab.fuzz.virtual_targets import faulty_unit
from rmfs_tools.lab.zoo.playing import play
from tests.free_ports import free_port
from tests.lab_office import Office, OnBench
from tests.processes import ROOT, Program, done, rmfs

FAULTY = "voucher-signature-not-checked"
"""A machine to which any signature of a voucher will do."""
FUZZ = ("lab", "fuzz")
CASES = 60
"""So many find the mistake of FAULTY with every seed from 1 to 5."""
PLAIN = ("--preset", "none")
"""The unit is as it was made: what presets show has tests of its own."""


def last(out: str) -> dict[str, Any]:
    """Read the last line, which sums up."""
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_nothing_is_found_on_the_product() -> None:
    said = rmfs(*FUZZ, "machine", "--seed", 1, "--cases", 25, *PLAIN, "--json")
    assert said.code == 0, said
    summary = last(said.out)
    assert (summary["cases"], summary["findings"], summary["seed"]) == (25, 0, 1)
    assert summary["rounds"] == 1
    assert 0 < summary["cells"]["reached"] < summary["cells"]["known"]
    assert summary["cases_per_s"] > 0


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where a campaign has kept what it found on a faulty machine, and what it said."""
    out = tmp_path_factory.mktemp("fuzz") / "found"
    fuzz = (*FUZZ, f"zoo:{FAULTY}", "--seed", 1, "--cases", CASES, *PLAIN)
    said = rmfs(*fuzz, "--out", out, "--json")
    assert said.code == 1, said
    told = [json.loads(line) for line in said.out.splitlines()[:-1]]
    assert ("MONEY", "REG-6") in [(one["oracle"], one["clause"]) for one in told]
    assert "found after " in said.err
    assert last(said.out)["findings"] == len(said.out.splitlines()) - 1
    return out, said.out


def test_the_page_shows_what_is_found_with_its_seed() -> None:
    """How many cases that takes, and how long, is not compared."""
    page = (ROOT / "docs" / "fuzz.md").read_text("utf-8")
    command = re.search(r"(?m)^rmfs (lab fuzz zoo:.* --seed 7 .*) --out found$", page)
    assert command is not None
    shown = re.findall(r"(?m)^    (F-.*)$", page[: page.index("## Read")])
    said = rmfs(*command[1].split(), "--json")
    rows = [json.loads(line) for line in said.out.splitlines()[:-1]]
    for words, row in zip(shown, rows, strict=True):
        for member in ("oracle", "clause", "reason"):
            assert row[member] in words


def finding_of(line: str) -> dict[str, Any]:
    """Read a finding; its files in a folder may have a number more."""
    row: dict[str, Any] = json.loads(line)
    return {**row, "id": row["id"][: len("F-0123456789")]}


@pytest.fixture
def found(campaign: tuple[Path, str]) -> Path:
    return campaign[0]


def test_the_same_seed_finds_the_same_in_any_process(
    campaign: tuple[Path, str],
) -> None:
    """Whatever order Python gives to what has none: each process has its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-m", "rmfs_tools", *FUZZ, f"zoo:{FAULTY}", *PLAIN]
    again = subprocess.run(
        [*command, "--seed", "1", "--cases", str(CASES), "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert again.returncode == 1, again
    *first, summed_up = campaign[1].splitlines()
    *second, summed_up_again = again.stdout.splitlines()
    assert [finding_of(line) for line in first] == [finding_of(line) for line in second]
    for member in ("cells", "rounds", "cases", "shrinks"):
        assert json.loads(summed_up)[member] == json.loads(summed_up_again)[member]


@pytest.fixture
def finding(found: Path) -> Path:
    rows = json.loads((found / "campaign.json").read_text())["findings"]
    name = next(row["id"] for row in rows if row["oracle"] == "MONEY")
    return found / "findings" / f"{name}.toml"


def test_what_is_found_is_kept_with_its_page_and_its_traffic(finding: Path) -> None:
    assert "signature=" in finding.read_text()
    page = finding.with_suffix(".html").read_text()
    assert "its signature does not verify" in page
    capture, keys = finding.with_suffix(".pcapng"), finding.with_suffix(".keys")
    assert "VOUCHER" in done("watch", capture, "--keys", keys)


def test_a_finding_fails_on_the_faulty_unit_and_is_fixed_on_a_right_one(
    found: Path, finding: Path
) -> None:
    faulty = rmfs("lab", "replay", finding)
    assert faulty.code == 1, faulty
    assert f"{finding.stem} FAILED zoo:{FAULTY}: MONEY REG-6" in " ".join(
        faulty.out.split()
    )
    right = rmfs("lab", "replay", finding.stem, "--in", found, "--target", "machine")
    assert right.code == 0, right
    assert "FIXED" in right.out
    told = rmfs("lab", "replay", found, "--target", "machine", "--json")
    assert last(told.out)["fixed"] == len(told.out.splitlines()) - 1
    assert last(told.out)["failed"] == last(told.out)["error"] == 0
    other = rmfs("lab", "replay", finding, "--target", "server")
    assert other.code == 3, other
    assert "ERROR" in other.out
    assert "is a case for a machine" in other.out


def test_a_campaign_is_gone_on_with(found: Path, tmp_path: Path) -> None:
    fuzz = (*FUZZ, "machine", "--out", tmp_path / "out")
    rmfs(*fuzz, "--seed", 5, "--cases", 10, *PLAIN)
    again = rmfs(*fuzz, "--seed", 5, "--cases", 20)
    assert again.code == 2, again
    assert "is there already: go on with it by --resume" in again.err
    more = rmfs(*fuzz, "--resume", "--cases", 20, "--json")
    assert (more.code, last(more.out)["cases"]) == (0, 20), more
    other = rmfs(*fuzz, "--resume", "--seed", 6)
    assert other.code == 2, other
    assert "was begun with --seed 5, not 6" in other.err


def test_an_interrupted_campaign_keeps_what_it_has_and_says_how_to_go_on(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with Program(*FUZZ, "machine", "--cases", 100_000, "--out", out, *PLAIN) as program:
        program.said("seed ")
        while not json.loads((out / "campaign.json").read_text())["rounds"]:
            assert program.is_running, program.err
        program.signal(signal.SIGINT)
        assert program.ended() == 130, program.err
    assert f"go on with rmfs lab fuzz machine --out {out} --resume" in program.err
    assert json.loads((out / "campaign.json").read_text())["cases"] > 0


def test_a_finding_becomes_a_case_that_only_the_faulty_unit_fails(
    office: Office, finding: Path
) -> None:
    own = office.folder / "own.toml"
    promote = ("lab", "promote", finding, "--clause", "REG-6.1", "--to", own)
    said = rmfs(*promote, "--title", "a finding", "--dry-run")
    assert said.code == 0, said
    assert not own.exists()
    said = rmfs(*promote, "--title", "a finding")
    assert said.code == 0, said
    (case,) = read_cases(own)
    assert case.title in done("certify", "list", "REG-6", "--also", own)
    (faulty,) = play(FAULTY, faulty_unit(FAULTY).edits, Role.MACHINE, [case])
    assert faulty.verdict is Verdict.FAIL
    (right,) = play("the product", (), Role.MACHINE, [case])
    assert right.verdict is Verdict.PASS
    with OnBench(office, f"tcp:127.0.0.1:{free_port()}") as on:
        ran = rmfs("certify", "run", on.declaration, case.id, "--also", own)
    assert ran.code == 0, ran
    assert f"{case.id}   PASS" in ran.out
    again = rmfs(*promote, "--title", "once more")
    assert again.code == 0, again
    assert len({one.id for one in read_cases(own)}) == 2


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office.made(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def office(prepared: Office, tmp_path: Path) -> Office:
    return prepared.copy(tmp_path)


def test_a_real_machine_is_fuzzed_at_its_line(office: Office) -> None:
    with OnBench(office, f"tcp:127.0.0.1:{free_port()}") as on:
        fuzz = (*FUZZ, on.declaration, "--seed", 1, "--cases", 2)
        with Program(*fuzz, "--out", office.folder / "found", "--json") as program:
            assert program.ended(300) == 0, program.out + program.err
        assert last(program.out)["cases"] == 2
        assert "the bench listens at tcp:127.0.0.1:" in program.err
        preset = rmfs(*fuzz, "--preset", "no-such")
    assert preset.code == 2, preset
    assert "cannot be given the preset no-such" in preset.err


def test_ctrl_c_ends_a_campaign_at_a_real_machine_in_the_middle_of_a_case(
    office: Office,
) -> None:
    out = office.folder / "found"
    with OnBench(office, f"tcp:127.0.0.1:{free_port()}") as on:
        fuzz = (*FUZZ, on.declaration, "--cases", 1_000, "--out", out)
        with Program(*fuzz) as program:
            program.said("seed ")
            program.signal(signal.SIGINT)
            assert program.ended() == 130, program.err
    assert "--resume" in program.err
    assert (out / "campaign.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fuzz", "nowhere.toml"), 2, "there is no target nowhere.toml: it is machine"),
        (("fuzz", "zoo:none"), 2, "no faulty unit is called none"),
        (("fuzz", "machine", "--resume"), 2, "name it with --out"),
        (("fuzz", "machine", "--time", "soon"), 2, "write 90s, 10m or 2h"),
        (("fuzz", "machine", "--case-time", "0"), 2, "write 90s, 10m or 2h"),
        (("fuzz", "machine", "--preset", "none-such"), 2, "cannot be given the preset"),
        (("replay", "F-0123456789"), 2, "is called F-0123456789: name its folder"),
        (("replay", "README.md"), 2, "README.md"),
        (("replay", "pyproject.toml"), 2, "one table [fuzz]"),
        (
            ("promote", "nowhere.toml", "--clause", "REG-6", "--title", "t"),
            2,
            "nowhere.toml cannot be read",
        ),
    ],
)
def test_what_was_typed_wrong_is_told(
    arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = rmfs("lab", *arguments)
    assert said.code == code, said
    assert words in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--clause", "NONE-9"), 2, "SPEC.md has no clause NONE-9"),
        (("--clause", "REG-6", "--text", "no words of it"), 2, "do not stand in SPEC"),
        (("--clause", "REG-6", "--needs", "wings"), 2, "wings is no option"),
    ],
)
def test_what_cannot_be_promoted_is_told(
    finding: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    said = rmfs("lab", "promote", finding, "--title", "t", "--dry-run", *options)
    assert said.code == code, said
    assert words in said.err
