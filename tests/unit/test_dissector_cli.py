"""The dissector is put where Wireshark looks, and knows every field of every table."""

from pathlib import Path

import pytest

from hw.capture import EVENT_WORDS, NO_FRAME_WORDS, LineEvent, NoFrame
from protocol.messages import TABLES
from rmfs_tools.cli import EXIT_DONE, EXIT_FAILED, main
from rmfs_tools.dissector import FILE_NAME, MARK, make_script
from rmfs_tools.dissector_cli import plugins_folder
from tests.house.sources import ROOT, text_files
from tests.wireshark import run_tshark


def test_it_is_printed_as_it_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dissector", "show"]) == EXIT_DONE
    printed = capsys.readouterr().out
    assert printed == make_script()
    assert printed.startswith(MARK)


def test_an_installed_dissector_is_found_and_has_a_filter_for_every_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ".local" / "lib" / "wireshark" / "plugins"
    assert main(["dissector", "install", "--to", str(folder)]) == EXIT_DONE
    assert str(folder / FILE_NAME) in capsys.readouterr().out
    lines = run_tshark(tmp_path, "-G", "fields").splitlines()
    known = {
        line.split("\t")[2]: line.split("\t")[1] for line in lines if line[0] == "F"
    }
    for table in TABLES:
        for field in table.fields:
            name = f"fmp1.{table.type.name.lower()}.{field.name}"
            assert known[name] == field.name


def test_an_older_dissector_is_replaced_and_a_strange_file_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(f"{MARK} 0.0.1.\n", "utf-8")
    assert main(["dissector", "install", "--to", str(tmp_path)]) == EXIT_DONE
    assert path.read_text("utf-8") == make_script()
    path.write_text("-- somebody else's\n", "utf-8")
    assert main(["dissector", "install", "--to", str(tmp_path)]) == EXIT_FAILED
    assert "was not made by rmfs" in capsys.readouterr().err
    assert path.read_text("utf-8") == "-- somebody else's\n"


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "plugins"
    assert main(["dissector", "install", "--to", str(folder)]) == EXIT_FAILED
    assert "cannot be written" in capsys.readouterr().err


def test_the_usual_folder_is_one_of_the_persons_own() -> None:
    assert plugins_folder().is_relative_to(Path.home())


def test_every_event_and_every_damage_has_its_words() -> None:
    assert set(EVENT_WORDS) == set(LineEvent)
    assert set(NO_FRAME_WORDS) == set(NoFrame)


def test_no_copy_of_the_dissector_is_kept_in_the_tree() -> None:
    scripts = [path for path in text_files() if path.suffix == ".lua"]
    assert scripts
    for path in scripts:
        assert not path.read_text("utf-8").startswith(MARK)


def test_the_parts_written_by_hand_repeat_no_name_of_a_message_field() -> None:
    """What the tables say stands in the tables alone."""
    parts = (ROOT / "rmfs_tools" / "dissector").glob("*.lua")
    text = "\n".join(part.read_text("utf-8") for part in parts)
    names = {field.name for table in TABLES for field in table.fields}
    assert not [name for name in names if "_" in name and name in text]
