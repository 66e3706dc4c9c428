"""Making the environment: what is refused, and what is never used half made."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from rmfs_tools.environment import (
    EnvironmentRefusedError,
    check_platform,
    is_finished,
    make,
)
from tests.house.sources import ROOT

SCRIPT = ROOT / "rmfs_tools" / "environment.py"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Give a lock that locks nothing, so that pip has nothing to fetch."""
    path = tmp_path / "requirements.lock"
    path.write_text("# no packages\n")
    return path


def test_linux_with_a_new_glibc_is_accepted_on_both_processors() -> None:
    check_platform("linux", "x86_64", "glibc", "2.34")
    check_platform("linux", "aarch64", "glibc", "2.41")


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        (("darwin", "arm64", "", ""), "only Linux"),
        (("linux", "riscv64", "glibc", "2.36"), "this is riscv64"),
        (("linux", "x86_64", "glibc", "2.31"), r"glibc 2\.34 or newer"),
        (("linux", "x86_64", "glibc", "2.4"), r"glibc 2\.34 or newer"),
        (("linux", "x86_64", "", ""), "another C library"),
    ],
)
def test_other_platforms_are_refused_with_a_sentence(
    platform: tuple[str, str, str, str], said: str
) -> None:
    with pytest.raises(EnvironmentRefusedError, match=said):
        check_platform(*platform)


def test_a_half_made_environment_is_made_again(tmp_path: Path, lock: Path) -> None:
    folder = tmp_path / "with a space" / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "left-over").touch()
    (folder / "made-by-rmfs").touch()
    assert not is_finished(folder, lock)
    make(folder, lock)
    assert is_finished(folder, lock)
    assert not (folder / "left-over").exists()


def test_a_finished_environment_is_left_alone(tmp_path: Path, lock: Path) -> None:
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "made-from.lock").write_bytes(lock.read_bytes())
    before = sorted(folder.rglob("*"))
    make(folder, lock)
    assert sorted(folder.rglob("*")) == before


def test_another_lock_or_a_vanished_python_makes_it_unfinished(
    tmp_path: Path, lock: Path
) -> None:
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "made-from.lock").write_text("# other packages\n")
    assert not is_finished(folder, lock)
    (folder / "made-from.lock").write_bytes(lock.read_bytes())
    assert is_finished(folder, lock)
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to(tmp_path / "python-that-was-removed")
    assert not is_finished(folder, lock)


def test_a_folder_of_somebody_else_is_never_emptied(tmp_path: Path, lock: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "letter").write_text("dear")
    with pytest.raises(EnvironmentRefusedError, match="was not made by"):
        make(folder, lock)
    assert (folder / "letter").read_text() == "dear"


def test_a_package_that_cannot_be_had_leaves_it_unfinished(
    tmp_path: Path, lock: Path
) -> None:
    lock.write_text("rmfs-of-nowhere==1\n")
    folder = tmp_path / ".venv"
    with pytest.raises(subprocess.CalledProcessError):
        make(folder, lock)
    assert not is_finished(folder, lock)


def test_two_at_once_wait_for_each_other(tmp_path: Path, lock: Path) -> None:
    folder = tmp_path / ".venv"
    with (tmp_path / ".venv.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SCRIPT), str(folder), str(lock)],
            stderr=subprocess.PIPE,
            text=True,
        )
        with second:
            assert second.stderr is not None
            assert "waiting" in second.stderr.readline()
            # While it waits, the first one finishes.
            (folder / "bin").mkdir(parents=True)
            (folder / "bin" / "python").symlink_to(sys.executable)
            (folder / "made-from.lock").write_bytes(lock.read_bytes())
            fcntl.flock(held, fcntl.LOCK_UN)
            assert second.stderr.read() == ""
    assert second.returncode == 0
