"""The folder of a campaign: what it keeps can be gone on with, read and replayed."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hw.lab.fuzz.fuzz_case import FuzzCaseError, Origin, fuzz_case, write_fuzz_case
from protocol.link import Role
from rmfs_tools.lab.fuzz.campaigning import Campaign, Found, campaign
from rmfs_tools.lab.fuzz.fuzz_files import find_fuzz_files, read_fuzz_file
from rmfs_tools.lab.fuzz.fuzz_folder import FuzzFolder, FuzzFolderError, read_folder
from tests.fuzz_target import FakeTarget, finding, shows_step

AT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
FINISH = fuzz_case(Role.MACHINE, "none", ["finish"])


@pytest.fixture
def done() -> Campaign:
    return campaign(FakeTarget(shows_step("finish")), seed=3, cases=60)


@pytest.fixture
def folder(tmp_path: Path, done: Campaign) -> Path:
    path = tmp_path / "found"
    kept = FuzzFolder(path)
    kept.begin()
    for found in done.found:
        kept.keep(found, done, AT)
    kept.save(done)
    return path


def test_a_campaign_can_be_gone_on_with_from_its_folder(
    folder: Path, done: Campaign
) -> None:
    kept, read = read_folder(folder)
    for name in ("target", "seed", "presets", "rounds", "cases", "shrinks", "known"):
        assert getattr(read, name) == getattr(done, name), name
    assert read.goal == 60
    assert read.coverage.as_json() == done.coverage.as_json()
    assert [row.name for row in kept.rows] == [FINISH.id]


def test_a_finding_is_a_case_with_its_page_and_its_traffic(folder: Path) -> None:
    findings = folder / "findings"
    assert sorted(path.name for path in findings.iterdir()) == [
        f"{FINISH.id}.{suffix}" for suffix in ("html", "keys", "pcapng", "toml")
    ]
    file = read_fuzz_file(findings / f"{FINISH.id}.toml")
    assert file.case == FINISH
    assert (file.origin.seed, file.origin.target) == (3, "fake")
    assert file.origin.found == "2026-11-22T10:15:00+00:00"
    page = (findings / f"{FINISH.id}.html").read_text()
    assert "CT rose by 5" in page
    index = (folder / "index.html").read_text()
    assert f"findings/{FINISH.id}.html" in index
    coverage = (folder / "coverage.html").read_text()
    assert "were not reached" in coverage


def test_two_findings_of_one_case_have_files_of_their_own(
    folder: Path, done: Campaign
) -> None:
    kept, _ = read_folder(folder)
    (found,) = done.found
    other = Found(
        case=found.case,
        finding=finding("AR fell"),
        result=found.result,
        drawn=found.drawn,
        round=9,
        cases=100,
        shrinks=0,
    )
    assert kept.keep(other, done, AT).name == f"{FINISH.id}-2"
    assert (folder / "findings" / f"{FINISH.id}-2.toml").exists()


def test_a_folder_that_is_there_is_not_begun_again(folder: Path) -> None:
    with pytest.raises(FuzzFolderError, match="go on with it by --resume"):
        FuzzFolder(folder).begin()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FuzzFolderError, match="Not a directory"):
        FuzzFolder(tmp_path / "file" / "found").begin()


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "is not of a campaign"),
        (b"\xff\xfe", "is not of a campaign"),
        (b"[]", "is not of a campaign"),
        (b"{}", "is not of a campaign"),
        (b'{"format": "rmfs-fuzz-9"}', "its format is not rmfs-fuzz-1"),
        (b'{"format": "rmfs-fuzz-1", "findings": [3]}', "is not of a campaign"),
        (b"[" * 100_000, "is not of a campaign"),
    ],
)
def test_what_is_no_campaign_is_not_gone_on_with(
    tmp_path: Path, octets: bytes, words: str
) -> None:
    (tmp_path / "campaign.json").write_bytes(octets)
    with pytest.raises(FuzzFolderError, match=words):
        read_folder(tmp_path)


def test_where_no_campaign_was_begun_there_is_none_to_go_on_with(
    tmp_path: Path,
) -> None:
    with pytest.raises(FuzzFolderError, match="begun without --resume"):
        read_folder(tmp_path)


# Files of fuzz cases.


def written(path: Path) -> Path:
    path.write_text(write_fuzz_case(FINISH, Origin()))
    return path


def test_cases_are_found_by_file_folder_and_id(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "findings"
    deep.mkdir(parents=True)
    path = written(deep / f"{FINISH.id}.toml")
    written(tmp_path / "own.toml")
    for what, where in (
        (str(path), path),
        (str(tmp_path / "a"), path),
        (FINISH.id, path),
        (f"{FINISH.id}.toml", path),
        (str(tmp_path / "own.toml"), tmp_path / "own.toml"),
    ):
        (file,) = find_fuzz_files([what], tmp_path)
        assert (file.path, file.case) == (where, FINISH)
    assert len(find_fuzz_files([str(path), FINISH.id, str(tmp_path)], tmp_path)) == 1


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.write_bytes(b"#" * 70_000), "more than 65536 octets"),
        (lambda path: path.write_bytes(b"\x7fELF\xff\x00"), "is no text"),
        (lambda path: path.write_text("[fuzz"), "Expected"),
        (lambda path: path.write_text("[[case]]\n"), r"one table \[fuzz\]"),
        (lambda path: path.write_text('[fuzz]\nrole = "cat"\n'), "machine or server"),
        (
            lambda path: path.write_text('[fuzz]\nrole = "server"\nsteps = ["fly"]\n'),
            "step 1: .*there is no verb fly",
        ),
        (lambda path: path.write_text("a = " + "[" * 20_000), "x.toml"),
        (lambda path: path.mkdir(), "holds no finding"),
        (lambda _: None, "is not there"),
    ],
    ids=["huge", "binary", "toml", "other", "role", "step", "deep", "folder", "none"],
)
def test_a_file_that_holds_no_case_is_told(
    tmp_path: Path, write: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "x.toml"
    write(path)
    with pytest.raises(FuzzCaseError, match=words):
        find_fuzz_files([str(path)], tmp_path)


def test_every_file_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "F-1.toml").write_text("x")
    (tmp_path / "F-2.toml").write_text("y")
    with pytest.raises(FuzzCaseError, match=r"(?s)F-3.*F-1\.toml.*F-2\.toml"):
        find_fuzz_files([str(tmp_path), "F-3"], tmp_path)
