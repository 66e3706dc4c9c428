"""Processes of a measurement: the server as in service, and those that call it.

Each has a pipe each way, lines of text, and a log that is shown when it fails.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.errors import InvariantError

HOST: Final = "127.0.0.1"
_ROOT: Final = Path(__file__).parents[2]
_LISTENING: Final = "listening at "


@dataclass(frozen=True, slots=True)
class Process:
    """A process of ours, and its pipes.

    Attributes:
        log: What it says beside its answers.
    """

    popen: "subprocess.Popen[str]"
    log: Path

    @property
    def pid(self) -> int:
        """Its number."""
        return self.popen.pid

    def line(self) -> str:
        """Wait for a line that it prints; empty: it has ended."""
        return self.popen.stdout.readline() if self.popen.stdout else ""

    def tell(self, words: str) -> None:
        """Give it a line."""
        if self.popen.stdin:
            self.popen.stdin.write(words + "\n")
            self.popen.stdin.flush()

    def ask(self, words: str) -> str:
        """Give it a line and wait for one.

        Raises:
            InvariantError: It has ended instead, with what its log says.
        """
        self.tell(words)
        answer = self.line()
        if not answer:
            raise InvariantError(self.log.read_text("utf-8"))
        return answer

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs, and where."""

    process: Process
    port: int


@contextmanager
def started(
    arguments: Sequence[str], log: Path, wrapper: Sequence[str] = ()
) -> Iterator[Process]:
    """Run our interpreter with these arguments, and end it in the end.

    Args:
        arguments: Of the interpreter.
        log: Where its words on stderr go.
        wrapper: A command that runs it, and becomes it.
    """
    imports = {"PYTHONPATH": str(_ROOT), "PYTHONSAFEPATH": "1"}
    with (
        log.open("wb") as words,
        subprocess.Popen(  # noqa: S603  # our own interpreter and our own words
            [*wrapper, sys.executable, *arguments],
            env={**os.environ, **imports, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        ) as popen,
    ):
        try:
            yield Process(popen, log)
        finally:
            popen.kill()


@contextmanager
def serving(
    folder: Path, options: Sequence[str] = (), wrapper: Sequence[str] = ()
) -> Iterator[Serving]:
    """Run the server of ``folder/server`` at a free port, with options of `run`.

    Raises:
        InvariantError: It does not listen; its log says why.
    """
    arguments = [
        *("-m", "rmfs_tools", "server", "run"),
        *("--server", str(folder / "server"), "--line", f"tcp:{HOST}:0"),
        *options,
    ]
    with started(arguments, folder / "server.log", wrapper) as process:
        line = process.line().strip()
        if not line.startswith(_LISTENING):
            raise InvariantError(process.log.read_text("utf-8"))
        yield Serving(process, int(line.rpartition(":")[2]))
