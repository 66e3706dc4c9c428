"""`./rmfs` itself: from any folder, through a link, and on machines that do not fit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rmfs_tools import __version__
from tests.house.sources import ROOT

THIS_PYTHON = f"""exec '{sys.executable}' "$@\""""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the launcher, in a folder with a space, whose lock locks nothing.

    Its package `rmfs_tools` prints where it runs instead of being the product's.
    """
    root = tmp_path / "a copy"
    package = root / "rmfs_tools"
    package.mkdir(parents=True)
    shutil.copy(ROOT / "rmfs", root)
    shutil.copy(ROOT / "rmfs_tools" / "environment.py", package)
    (root / "requirements.lock").write_text("# no packages\n")
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys; print(sys.prefix, sys.path[0], *sys.argv[1:], sep='\\n')\n"
    )
    return root


def run(
    program: Path, *arguments: str, cwd: Path, path: str | None = None, venv: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"] if path is None else path,
        "PYTHONPATH": str(cwd),
    }
    if venv:
        environment["RMFS_VENV"] = venv
    return subprocess.run(
        [str(program), *arguments],
        cwd=cwd,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


def finish(venv: Path, copy: Path) -> Path:
    """Make what the launcher takes for a finished environment, without installing."""
    (venv / "bin").mkdir(parents=True)
    # A script, because a link to the Python of an environment would not find it.
    python = venv / "bin" / "python"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    shutil.copy(copy / "requirements.lock", venv / "made-from.lock")
    return venv


def programs(folder: Path, **scripts: str) -> str:
    """Make a PATH with the tools that the launcher uses and some scripts."""
    folder.mkdir()
    for tool in ("readlink", "cmp", "sh"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    for name, body in scripts.items():
        script = folder / name.replace("_", ".")
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    return str(folder)


def test_the_first_use_makes_the_environment_and_the_second_uses_it(
    copy: Path, tmp_path: Path
) -> None:
    path = programs(tmp_path / "bin", python3=THIS_PYTHON)
    first = run(copy / "rmfs", "a b", "*", cwd=tmp_path, path=path)
    assert first.stdout == f"{copy / '.venv'}\n{copy}\na b\n*\n"
    assert "ready" in first.stderr
    second = run(copy / "rmfs", cwd=copy, path=path)
    assert second.stdout == f"{copy / '.venv'}\n{copy}\n"
    assert second.stderr == ""


def test_a_link_to_it_and_another_folder_for_the_environment(
    copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "linked").symlink_to(copy / "rmfs")
    venv = finish(tmp_path / "else where", copy)
    path = programs(tmp_path / "bin")
    result = run(tmp_path / "linked", "x", cwd=tmp_path, path=path, venv=str(venv))
    assert result.stdout.endswith(f"\n{copy}\nx\n")
    assert not (copy / ".venv").exists()


def test_a_folder_of_the_same_name_where_it_is_called_is_not_imported(
    copy: Path, tmp_path: Path
) -> None:
    finish(copy / ".venv", copy)
    (tmp_path / "rmfs_tools").mkdir()
    (tmp_path / "rmfs_tools" / "__main__.py").write_text("raise SystemExit(9)")
    result = run(copy / "rmfs", cwd=tmp_path, path=programs(tmp_path / "bin"))
    assert result.returncode == 0


def test_another_lock_makes_the_environment_again(copy: Path, tmp_path: Path) -> None:
    finish(copy / ".venv", copy)
    (copy / "requirements.lock").write_text("# other packages\n")
    result = run(copy / "rmfs", cwd=tmp_path, path=programs(tmp_path / "bin"))
    # Which needs a Python, and there is none on this PATH.
    assert "CPython 3.11 or newer" in result.stderr


def test_without_a_python_it_says_which_one_is_needed(
    copy: Path, tmp_path: Path
) -> None:
    result = run(copy / "rmfs", cwd=copy, path=programs(tmp_path / "bin"))
    assert result.returncode == 2
    assert "CPython 3.11 or newer" in result.stderr


def test_an_old_python_is_passed_over(copy: Path, tmp_path: Path) -> None:
    # What an old Python prints for the launcher's question is an empty line.
    path = programs(tmp_path / "bin", python3="echo")
    result = run(copy / "rmfs", cwd=copy, path=path)
    assert result.returncode == 2
    assert "CPython 3.11 or newer" in result.stderr


def test_without_the_venv_module_it_names_the_debian_package(
    copy: Path, tmp_path: Path
) -> None:
    stripped = (
        f"""case "$4" in *ensurepip*) exit 1 ;; esac; echo {tmp_path}/bin/python3"""
    )
    path = programs(tmp_path / "bin", python3=stripped)
    result = run(copy / "rmfs", cwd=copy, path=path)
    assert result.returncode == 2
    assert "apt-get install python3-venv" in result.stderr
    assert not (copy / ".venv").exists()


def test_the_newest_python_that_can_make_environments_is_taken(
    copy: Path, tmp_path: Path
) -> None:
    def python(name: str, *, whole: bool) -> str:
        answer = "" if whole else "exit 1"
        return f"""case "$4" in
*version_info*) echo {tmp_path}/bin/{name} ;;
*ensurepip*) {answer} ;;
*) echo making it with {name}; exit 7 ;;
esac"""

    path = programs(
        tmp_path / "bin",
        python3_13=python("python3.13", whole=False),
        python3_12=python("python3.12", whole=True),
        python3=python("python3", whole=True),
    )
    result = run(copy / "rmfs", cwd=copy, path=path)
    assert (result.returncode, result.stdout) == (7, "making it with python3.12\n")


def test_the_product_says_its_version_wherever_it_is_called(tmp_path: Path) -> None:
    venv = finish(tmp_path / "venv", ROOT)
    result = run(ROOT / "rmfs", "--version", cwd=Path("/"), venv=str(venv))
    assert result.stdout == f"rmfs {__version__}\n"
