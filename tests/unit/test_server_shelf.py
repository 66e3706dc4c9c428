"""Backups in a folder are named in the order of time, and only old ones of it go."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from protocol.keys import Realm
from rmfs_server.folder import Settings, create_server
from rmfs_server.keeping.shelf import delete_older, name_archive
from rmfs_tools.cli import main

BEGAN = datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC)


@pytest.fixture
def server(tmp_path: Path) -> Path:
    folder = tmp_path / "server"
    settings = Settings("A/B-OEM", Realm.TEST)
    clock = MemoryWallClock(BEGAN)
    create_server(folder, settings, entropy=SeededEntropy(b"s"), clock=clock)
    return folder


def test_names_stand_in_the_order_of_time_and_in_no_other_folder(server: Path) -> None:
    times = [BEGAN + timedelta(seconds=second) for second in range(5)]
    names = [name_archive(server, MemoryWallClock(time)) for time in times]
    assert names == sorted(names)
    assert names[0] == "A_B-OEM-20261130T235958Z.tar"
    assert names[2] == "A_B-OEM-20261201T000000Z.tar"


def test_the_oldest_go_and_nothing_else_does(tmp_path: Path) -> None:
    names = [f"OEM-2026110{day}T023000Z.tar" for day in range(1, 6)]
    others = ["OEM-2-20260101T000000Z.tar", "letter.txt", "OEM-old.tar", "OEM.tar"]
    for name in names + others:
        (tmp_path / name).touch()
    gone = delete_older(tmp_path / names[3], 2)
    assert [path.name for path in gone] == names[:2]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*names[2:], *others}
    assert delete_older(tmp_path / names[3], 2) == []
    assert [path.name for path in delete_older(tmp_path / names[3], 1)] == [names[2]]


def test_a_file_with_a_name_of_its_own_drives_nothing_out(tmp_path: Path) -> None:
    (tmp_path / "OEM-20261101T023000Z.tar").touch()
    (tmp_path / "mine.tar").touch()
    assert delete_older(tmp_path / "mine.tar", 1) == []


def test_the_command_keeps_as_many_as_it_is_told(
    server: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    old = shelf / "A_B-OEM-20200101T000000Z.tar"
    old.touch()
    words = ["server", "backup", "--server", str(server), "--keep", "1", "--json"]
    assert main([*words, str(shelf)]) == 0
    picture = json.loads(capsys.readouterr().out)
    assert picture["deleted"] == [old.name]
    assert [str(path) for path in shelf.iterdir()] == [picture["file"]]
    assert main([*words, str(tmp_path / "none")]) == 2
    capsys.readouterr()
    assert not (tmp_path / "none").exists()
