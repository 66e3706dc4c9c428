"""The log of a server with workers while logrotate rotates it: no line is lost."""

import grp
import gzip
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import ROOT, TIMEOUT_S, Server, done
from tests.witness.programs import needs

RULES = ROOT / "rmfs_server" / "deployment" / "logrotate" / "rmfs-server"
ROTATIONS = 8
CALLS = 40
"""Before each rotation, and during it."""


def rules_for(logs: Path, tmp_path: Path) -> Path:
    """Write the rules that ship for another folder and for whoever runs the tests."""
    me = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    text = RULES.read_text()
    for old, new in (
        ("/var/log/rmfs-server", str(logs)),
        ("su rmfs-server rmfs-server", f"su {me[0]} {me[1]}"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "logrotate.conf"
    path.write_text(text)
    path.chmod(0o600)
    return path


def call(port: int) -> None:
    """Call, hang up, and wait until it is heard: two lines of the log at debug."""
    callers = [socket.create_connection(("127.0.0.1", port)) for _ in range(CALLS)]
    for caller in callers:
        with caller:
            caller.settimeout(TIMEOUT_S)
            caller.shutdown(socket.SHUT_WR)
            assert caller.recv(1) == b""


def read(path: Path) -> str:
    octets = path.read_bytes()
    return (gzip.decompress(octets) if path.suffix == ".gz" else octets).decode()


WRITER = """
import logging, sys
from pathlib import Path
from rmfs_server.operations.logs import begin_log
begin_log(int(sys.argv[2]), path=Path(sys.argv[1]))
for turn, _ in enumerate(sys.stdin):
    for n in range(3000):
        logging.getLogger().info("%s-%d-%d", sys.argv[2], turn, n)
    print(flush=True)
"""
LINES = 3000
WRITERS = (1, 2, 3)


def test_no_line_is_lost_of_processes_that_write_all_the_time(tmp_path: Path) -> None:
    """Each has written since the last rotation, as it has when that was yesterday."""
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o700)
    logrotate, rules = needs("logrotate"), rules_for(logs, tmp_path)
    state = str(tmp_path / "state")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    with ExitStack() as running:
        writers = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, logs / "server.log", str(number)],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    bufsize=0,
                )
            )
            for number in WRITERS
        ]
        for _ in range(ROTATIONS):
            for one in writers:
                assert one.stdin is not None
                one.stdin.write(b"\n")
            subprocess.run(
                [logrotate, "--force", "--state", state, str(rules)], check=True
            )
            for one in writers:
                assert one.stdout is not None
                assert one.stdout.read(1) == b"\n"
    found = Counter(
        line.split()[-1] for path in logs.iterdir() for line in read(path).splitlines()
    )
    assert found == Counter(
        f"{number}-{turn}-{n}"
        for number in WRITERS
        for turn in range(ROTATIONS)
        for n in range(LINES)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "server"
    done("server", "init", "--server", folder, "--name", "TEST-OEM")
    return folder


def test_no_line_is_lost_while_the_log_of_two_workers_is_rotated(
    folder: Path, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logrotate = needs("logrotate")
    rules = rules_for(logs, tmp_path)
    state = tmp_path / "state"
    options = ("--workers", 2, "--log-format", "json", "--log-level", "debug")
    # All calls of a test come from one address, and prove nothing.
    pool = ("--pool", "127.0.0.1=4096")
    with Server(folder, *options, *pool, "--log-file", logs / "server.log") as server:
        for _ in range(ROTATIONS):
            call(server.port)
            with subprocess.Popen(
                [logrotate, "--force", "--state", str(state), str(rules)],
                stderr=subprocess.PIPE,
                text=True,
            ) as rotating:
                call(server.port)
                _, errors = rotating.communicate()
            assert (rotating.returncode, errors) == (0, "")
        call(server.port)
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    # A file that is empty is not rotated.
    files = {path.name for path in logs.iterdir()}
    assert {"server.log", "server.log.1", "server.log.2.gz"} <= files
    lines = [
        json.loads(line) for path in logs.iterdir() for line in read(path).splitlines()
    ]
    answered = Counter(
        one["call"] for one in lines if one["words"].endswith("is answered")
    )
    said = [int(n) for n in re.findall(r"worker \d: (\d+) calls", server.err)]
    assert len(said) == 2
    assert sum(said) == (2 * ROTATIONS + 1) * CALLS
    assert len(answered) == sum(said)
    assert set(answered.values()) == {1}
    assert {one.get("worker") for one in lines} == {None, 1, 2}
    # What is no line of the log stays where it was.
    assert "is answered" not in server.err


def test_a_log_that_cannot_be_written_keeps_a_server_from_beginning(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match="no log in"):
        Server(folder, "--log-file", tmp_path / "server" / "server.toml" / "x.log")
