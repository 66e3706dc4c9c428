"""A log in a file that others rename, and that may not be writable."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rmfs_server.operations.log_file import LogFile, LogFileError

ROOT = Path(__file__).parents[2]

WRITER = """
import logging, sys
from pathlib import Path
from rmfs_server.operations.logs import begin_log
begin_log(int(sys.argv[2]), path=Path(sys.argv[1]))
for n in range(200):
    logging.getLogger().info("%d-%d %s", int(sys.argv[2]), n, "x" * 20_000)
"""


def said(handler: LogFile, words: str) -> None:
    handler.emit(logging.makeLogRecord({"msg": words}))


def test_lines_go_to_the_file_that_has_the_name_now(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "server.log"
    handler = LogFile(path)
    said(handler, "first")
    path.rename(path.with_suffix(".1"))
    said(handler, "second")
    path.unlink()
    said(handler, "third")
    handler.close()
    assert path.with_suffix(".1").read_text() == "first\n"
    assert path.read_text() == "third\n"


def test_a_file_that_was_there_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    for words in ("first", "second"):
        handler = LogFile(path)
        said(handler, words)
        handler.close()
    assert path.read_text() == "first\nsecond\n"


def test_its_owner_alone_may_write_it(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "server.log"
    LogFile(path).close()
    assert path.stat().st_mode & 0o027 == 0
    assert path.parent.stat().st_mode & 0o027 == 0


def test_a_log_that_cannot_be_opened_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "server.log"):
        with pytest.raises(LogFileError, match="no log in"):
            LogFile(path)


def test_a_line_that_no_file_takes_is_said_elsewhere_and_stops_nobody(
    tmp_path: Path,
) -> None:
    out = io.StringIO()
    path = tmp_path / "logs" / "server.log"
    handler = LogFile(path, out)
    path.unlink()
    path.parent.rmdir()
    said(handler, "nowhere to go")
    assert out.getvalue() == "nowhere to go\n"
    path.parent.mkdir()
    said(handler, "there again")
    handler.close()
    assert path.read_text() == "there again\n"


def test_a_disk_that_is_full_stops_nobody() -> None:
    out = io.StringIO()
    handler = LogFile(Path("/dev/full"), out)
    for n in range(1_000):
        said(handler, f"line {n}")
    handler.close()
    assert out.getvalue() == "".join(f"line {n}\n" for n in range(1_000))


def test_lines_of_several_processes_are_not_mixed_however_long_they_are(
    tmp_path: Path,
) -> None:
    path = tmp_path / "server.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)], env=environment
        )
        for number in (1, 2, 3)
    ]
    assert [one.wait(60) for one in writers] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert all(line.endswith(" " + "x" * 20_000) for line in lines)
    found = [line.split()[-2] for line in lines]
    assert sorted(found) == sorted(f"{w}-{n}" for w in (1, 2, 3) for n in range(200))
