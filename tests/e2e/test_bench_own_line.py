"""The bench of the line measures lines of one's own, of every kind without hardware."""

import json
from pathlib import Path

import pytest

from rmfs_tools.bench.line import FILE_OCTETS
from rmfs_tools.cli import EXIT_DONE, EXIT_LINE, EXIT_USAGE
from tests.processes import rmfs

SOON_S = 0.5


@pytest.mark.parametrize("kind", ["pty", "noisy"])
def test_the_file_goes_there_and_back_whole(tmp_path: Path, kind: str) -> None:
    line = f"pty:{tmp_path}/line"
    if kind == "noisy":
        line = f"virtual:speed=115200:ber=1e-4:seed=1:{line}"
    said = rmfs("bench", "line", "--dial", line, "--json")
    assert said.code == EXIT_DONE, said
    found = json.loads(said.out.splitlines()[-1])
    assert found["identical"]
    assert (found["damaged"] > 0) is (kind == "noisy")
    if kind == "pty":
        took_s = (
            FILE_OCTETS / found["up_octets_s"] + FILE_OCTETS / found["down_octets_s"]
        )
        # Where the computer stood still for so long, a frame may be sent again.
        assert found["repeated"] == 0 or took_s > SOON_S
    assert not (tmp_path / "line").is_symlink()


def test_an_end_that_nobody_answers_is_told(tmp_path: Path) -> None:
    said = rmfs(
        *("bench", "line", "--dial", "tcp:127.0.0.1:1"),
        *("--answer", f"pty:{tmp_path}/line"),
    )
    assert said.code == EXIT_LINE
    assert "there is no line: no answer: tcp:127.0.0.1:1" in said.err


def test_one_end_alone_is_a_mistake() -> None:
    said = rmfs("bench", "line", "--answer", "tcp:127.0.0.1:0")
    assert said.code == EXIT_USAGE
    assert "name both ends" in said.err
