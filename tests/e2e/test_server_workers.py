"""`rmfs server run --workers`: one parent and several processes at the same lines."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rmfs_tools.bench.recharge_office import make_server
from tests.processes import ROOT, TIMEOUT_S, Program, Server, done, rmfs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "server"
    make_server(made)
    return made


def begun(server: Program, number: int, times: int = 1) -> int:
    """Wait until a worker was started so often; its process."""
    words = f"worker {number} begins: process "
    server.said(words, times)
    return int(re.findall(rf"{words}(\d+)", server.err)[times - 1])


def ends(process: int) -> None:
    """Wait until a process that is not ours has ended."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        ready, _, _ = select.select([descriptor], [], [], TIMEOUT_S)
        assert ready, f"process {process} goes on"
    finally:
        os.close(descriptor)


def test_a_worker_that_is_killed_is_started_again(folder: Path) -> None:
    with Server(folder, "--workers", 3) as server:
        process = begun(server, 2)
        os.kill(process, signal.SIGKILL)
        server.said("worker 2 ended with -9, and is started again in")
        server.said("worker 2 is ready", times=2)
        assert begun(server, 2, times=2) != process
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert server.out.count("listening at ") == 1
        for number in (1, 2, 3):
            assert f"worker {number} has ended: 0" in server.err


def test_a_line_of_its_own_is_answered_again_by_the_worker_that_follows(
    folder: Path, tmp_path: Path
) -> None:
    line = f"pty:{tmp_path / 'line'}"
    with Server(folder, "--workers", 2, "--line", line) as server:
        server.said("worker 2 is ready")
        os.kill(begun(server, 1), signal.SIGKILL)
        server.said("worker 1 is ready", times=2)
        assert "FMP answers: a link was set up" in done("line", "test", line)


def test_all_go_down_with_their_parent(folder: Path) -> None:
    with Server(folder, "--workers", 2) as server:
        processes = [begun(server, number) for number in (1, 2)]
        server.kill()
        for process in processes:
            ends(process)
        # Nobody holds the place any longer.
        with socket.socket() as calling:
            assert calling.connect_ex(("127.0.0.1", server.port)) != 0


def test_what_cannot_begin_at_all_says_so_once_and_ends(tmp_path: Path) -> None:
    said = rmfs("server", "run", "--server", tmp_path / "none", "--workers", 3)
    assert said.code == 1
    assert said.err.count("there is no recharge server in") == 1
    assert said.out == ""


STANDING_STILL = """
import logging, signal
from hw.clock import SystemMonotonicClock
from hw.lifeline import Lifeline
from hw.lines.strings import parse_line_string
from hw.reactor import MonotonicReactor
from rmfs_server.workers import Supervision, supervise

logging.basicConfig(level=logging.INFO, format="%(message)s")
share = supervise(
    2,
    [parse_line_string("tcp:127.0.0.1:0")],
    clock=SystemMonotonicClock(),
    on_ready=lambda line: print(line, flush=True),
    drain_s=1.0,
    rules=Supervision(again_s=0.1, silent_s=3.0, end_s=60.0),
)
if isinstance(share, int):
    raise SystemExit(share)
reactor = MonotonicReactor()
reactor.callWhenRunning(Lifeline(share.lifeline).hold, reactor)
reactor.run()
"""


def test_a_worker_that_stands_still_is_killed_and_started_again(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    with (
        log.open("wb") as words,
        subprocess.Popen(
            [sys.executable, "-c", STANDING_STILL],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
            stdout=subprocess.PIPE,
            stderr=words,
        ) as parent,
    ):
        try:
            assert parent.stdout is not None
            # Both are ready.
            assert parent.stdout.readline().startswith(b"tcp:127.0.0.1:")
            begun_as = re.search(r"worker 2 begins: process (\d+)", log.read_text())
            assert begun_as is not None
            stopped = int(begun_as[1])
            os.kill(stopped, signal.SIGSTOP)
            ends(stopped)
            parent.terminate()
            assert parent.wait(TIMEOUT_S) == 0
        finally:
            parent.kill()
    said = log.read_text()
    assert "worker 2 does not answer, and is killed" in said
    # One that a busy computer kept from its turn for 3 s was started again, too.
    assert set(re.findall(r"has ended: (-?\d+)", said)) == {"0"}
