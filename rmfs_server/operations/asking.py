"""Asking the processes of a server on this computer: HTTP over sockets in its folder.

Each process has a socket in the folder `running`, which the owner of the server's
folder alone can enter: whoever may read its keys may ask it, and nobody else. Its name
is ``WORKER.NAME.PID.sock``. A name that a killed process left is taken away.

A path below the folder may be longer than the 107 octets that a socket's name may have:
it is reached through a descriptor of the folder.
"""

import http.client
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protocol.errors import RmfsError

RUNNING: Final = "running"
ANSWER_S: Final = 2.0
_ANSWER_OCTETS_MAX: Final = 1 << 20
_NAME: Final = re.compile(
    r"(?P<worker>[0-9]{1,4})\.(?P<name>[0-9a-z]{1,16})\.(?P<pid>[0-9]{1,10})\.sock",
    re.ASCII,
)


class NoAnswerError(RmfsError):
    """A process of the server does not answer."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a process is asked.

    Attributes:
        worker: Its number; 0 if it has none.
        name: The process, as in the ids of its calls.
        pid: Its number in the system.
    """

    worker: int
    name: str
    pid: int

    @property
    def file(self) -> str:
        """The name of its socket."""
        return f"{self.worker}.{self.name}.{self.pid}.sock"


@contextmanager
def entered(folder: Path) -> Iterator[str]:
    """Give a short name of the folder of sockets for the length of a `with` block.

    Raises:
        FileNotFoundError: No process ever ran.
    """
    descriptor = os.open(folder / RUNNING, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def doors(folder: Path) -> list[Door]:
    """Find the processes that have a socket, by worker; some may not answer."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in (folder / RUNNING).iterdir():
            name = _NAME.fullmatch(path.name)
            if name is not None:
                worker, pid = int(name["worker"]), int(name["pid"])
                found.append(Door(worker, name["name"], pid))
    return sorted(found, key=lambda door: (door.worker, door.pid))


def ask(
    folder: Path,
    door: Door,
    path: str,
    timeout_s: float = ANSWER_S,
) -> Any:
    """Ask a process, and give what it answers.

    Args:
        folder: The server's folder.
        door: Which process.
        path: What is asked for.
        timeout_s: Longest wait for a part of the answer.

    Raises:
        NoAnswerError: It is gone, or does not answer in time.
    """
    try:
        with entered(folder) as place:
            connection = _Connection(f"{place}/{door.file}", timeout_s)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                octets = answer.read(_ANSWER_OCTETS_MAX)
            finally:
                connection.close()
        return json.loads(octets)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, ConnectionRefusedError):
            _take_away(folder, door)
        raise NoAnswerError(f"process {door.pid} does not answer: {error}") from error


def pictures(
    folder: Path, own: Mapping[str, Any] | None = None
) -> list[Mapping[str, Any]]:
    """Picture all processes; one that is there and does not answer has no ``figures``.

    Args:
        folder: The server's folder.
        own: The picture of the process that asks, which is not asked.
    """
    told: list[Mapping[str, Any]] = [] if own is None else [own]
    for door in doors(folder):
        if own is not None and door.pid == own["process"]:
            continue
        try:
            told.append(ask(folder, door, "/picture"))
        except NoAnswerError:
            if _is_alive(door.pid):
                worker = door.worker or None
                told.append({"name": door.name, "worker": worker, "process": door.pid})
    return told


class Draining:
    """A process that was told to drain, until it has ended."""

    def __init__(self, folder: Path, door: Door) -> None:
        """Tell it.

        Raises:
            NoAnswerError: It is gone.
        """
        self.door = door
        try:
            with entered(folder) as place:
                self._connection = _Connection(f"{place}/{door.file}", ANSWER_S)
                self._connection.request("POST", "/drain")
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, ConnectionRefusedError):
                _take_away(folder, door)
            words = f"process {door.pid} does not answer: {error}"
            raise NoAnswerError(words) from error

    def ends(self, wait_s: float) -> bool:
        """Wait for its end; whether it has ended."""
        end = self._connection.sock
        end.settimeout(max(0.001, wait_s))
        try:
            return not end.recv(1)
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    def let_go(self) -> None:
        """Wait no longer."""
        self._connection.close()


def _take_away(folder: Path, door: Door) -> None:
    """Remove the socket of a process that is gone; one that begins is left alone."""
    if not _is_alive(door.pid):
        with suppress(OSError):
            (folder / RUNNING / door.file).unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket of the file system."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
