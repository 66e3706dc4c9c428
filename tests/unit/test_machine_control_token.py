"""A token file takes the place of a token file, and of nothing else."""

from pathlib import Path

import pytest

from fm_device.control.token import TokenFileError, draw_token, write_token
from hw.entropy import SeededEntropy

TOKEN = draw_token(SeededEntropy(b"token"))


@pytest.mark.parametrize("name", ["rig", "rig.new"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a letter to my aunt")
    with pytest.raises(TokenFileError, match="no token file"):
        write_token(tmp_path / "rig", TOKEN)
    assert (tmp_path / name).read_text() == "a letter to my aunt"


@pytest.mark.parametrize("name", ["rig", "rig.new"])
def test_a_token_left_behind_is_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(draw_token(SeededEntropy(b"before")))
    write_token(tmp_path / "rig", TOKEN)
    assert (tmp_path / "rig").read_text() == TOKEN + "\n"
    assert not (tmp_path / "rig.new").exists()
