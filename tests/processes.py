"""The product as processes: start it, hear what it says, stop a call at one frame.

Nothing here sleeps: a test waits for a line of output, for the end of a process, or for
a frame, each with a time-out that only a fault ever reaches.
"""

import codecs
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOT: Final = Path(__file__).parents[1]
TIMEOUT_S: Final = 300.0
"""A computer that is busy with something else may take minutes over a quick bench."""
FLAG: Final = 0x7E
UNSIGNED: Final = ("--unsigned", "--reason", "the sample of a test")
"""Behind `import-funds`: the sample is of no Department."""


class Program:
    """A run of `rmfs`, from its start until it is over.

    Attributes:
        out: What it has said on stdout so far.
        err: The same on stderr.
    """

    def __init__(
        self,
        *arguments: object,
        stdin: int = subprocess.DEVNULL,
        root: Path = ROOT,
    ) -> None:
        """Start `rmfs`; nobody is at its stdin unless one is given.

        Args:
            arguments: What is typed behind it.
            stdin: A file descriptor.
            root: The folder of the packages: the product's, or a faulty unit's.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rmfs_tools", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out = ""
        self.err = ""
        # A pipe gives octets as they come: a character may be cut between two reads.
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {name: decoder("replace") for name in ("stdout", "stderr")}
        self._selector = selectors.DefaultSelector()
        for name in ("stdout", "stderr"):
            stream = getattr(self._process, name)
            self._selector.register(stream, selectors.EVENT_READ, name)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def said(self, words: str, times: int = 1) -> str:
        """Wait for whole lines with these words, and return the first of them.

        Args:
            words: What is in each of them.
            times: How many there are to be at least.
        """
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            for text in (self.out, self.err):
                lines = text.split("\n")[:-1]
                found = [line for line in lines if words in line]
                if len(found) >= times:
                    return found[0]
            if not self._read(deadline):
                raise AssertionError(f"it never said {words!r}: {self.out}{self.err}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        self._process.kill()
        self._process.wait(TIMEOUT_S)

    def ended(self, within_s: float = TIMEOUT_S) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + within_s
        while self._read(deadline):
            pass
        try:
            return self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            words = f"it goes on after {within_s} s: {self.out}{self.err}"
            raise AssertionError(words) from None

    def resident_octets(self) -> int:
        """How much memory it has now."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        row = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(row.split()[1]) * 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill it if it still runs, and hold nothing of it any longer."""
        if self.is_running:
            self.kill()
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read(self, deadline: float) -> bool:
        """Read what there is; False at the end of both streams or of the time."""
        ready = self._selector.select(max(0.0, deadline - time.monotonic()))
        for key, _ in ready:
            octets = os.read(key.fd, 65_536)
            text = self._decoders[key.data].decode(octets, final=not octets)
            if key.data == "stdout":
                self.out += text
            else:
                self.err += text
            if not octets:
                self._selector.unregister(key.fileobj)
        return bool(ready) and bool(self._selector.get_map())


@dataclass(frozen=True)
class Said:
    """What a run of `rmfs` that is over has said."""

    code: int
    out: str
    err: str


def rmfs(*arguments: object) -> Said:
    """Run `rmfs` to its end."""
    with Program(*arguments) as program:
        return Said(program.ended(), program.out, program.err)


def done(*arguments: object) -> str:
    """Run `rmfs`, which has to succeed; what it said on stdout."""
    said = rmfs(*arguments)
    assert said.code == 0, f"{arguments}: {said}"
    return said.out


class Server(Program):
    """`rmfs server run`, on a TCP port of its own choice unless another line is named.

    Attributes:
        line: The line string by which machines reach it.
    """

    def __init__(
        self, folder: Path, *options: object, line: str = "tcp:127.0.0.1:0"
    ) -> None:
        super().__init__("server", "run", "--server", folder, "--line", line, *options)
        try:
            self.line = self.said("listening at ").removeprefix("listening at ")
        except AssertionError:
            self.close()
            raise

    @property
    def port(self) -> int:
        """The TCP port in its line string."""
        return int(self.line.rpartition(":")[2])


MESSAGES: Final = {
    "GREETING_1": ("up", 1),
    "GREETING_2": ("down", 1),
    "STATEMENT": ("up", 2),
    "VOUCHER": ("down", 2),
    "CONFIRMATION": ("up", 3),
    "RECEIPT": ("down", 3),
    "GOODBYE": ("up", 4),
}
"""The messages of a recharge; each is one I frame, which its way and number find."""


@dataclass(frozen=True)
class Point:
    """A moment of a recharge.

    Attributes:
        message: A name in `MESSAGES`.
        passed: Whether the message still reaches the other end.
    """

    message: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.message}-{'passed' if self.passed else 'kept'}"


class Tap:
    """A telephone wire in the test's hands: one call, carried for as long as it wants.

    A machine dials `line`; `answer` takes the call on to a server, `carry` carries it.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.line = f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: dict[str, socket.socket] = {}
        self._partial = {"up": b"", "down": b""}
        self._waiting: dict[str, list[bytes]] = {"up": [], "down": []}
        self._messages = {"up": 0, "down": 0}

    def answer(self, port: int) -> None:
        """Wait for the machine's call and join it to the server at this port."""
        self._ends["up"] = self._listener.accept()[0]
        self._ends["down"] = socket.create_connection(("127.0.0.1", port))

    def carry(self, until: Point | None = None) -> bool:
        """Carry frames to the end of the call, or until a message; whether it came."""
        deadline = time.monotonic() + TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            for way, end in self._ends.items():
                selector.register(end, selectors.EVENT_READ, way)
            while True:
                if self._pass_on("up", until) or self._pass_on("down", until):
                    return True
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                assert ready, f"the line is silent after {self._messages}"
                for key, _ in ready:
                    if not self._take(key.data):
                        self.hang_up()
                        return False

    def hang_up(self) -> None:
        """Close both ends; what was not passed on is lost."""
        for end in self._ends.values():
            end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hang_up()
        self._listener.close()

    def _take(self, way: str) -> bool:
        """Cut what came into frames; False at the end of the line."""
        try:
            octets = self._ends[way].recv(4096)
        except ConnectionResetError:
            return False
        for octet in octets:
            self._partial[way] += bytes([octet])
            if octet == FLAG and self._partial[way].strip(bytes([FLAG])):
                self._waiting[way].append(self._partial[way])
                self._partial[way] = b""
        return bool(octets)

    def _pass_on(self, way: str, until: Point | None) -> bool:
        """Pass on the frames that wait; True when the message looked for is seen."""
        other = self._ends["down" if way == "up" else "up"]
        while self._waiting[way]:
            frame = self._waiting[way].pop(0)
            control = frame.lstrip(bytes([FLAG]))[1]
            # Whoever was stopped for a while sends a frame again: its number is known.
            is_new = control >> 1 & 7 == self._messages[way] & 7
            self._messages[way] += control & 1 == 0 and is_new
            place = (way, self._messages[way])
            here = until is not None and MESSAGES[until.message] == place
            if until is None or not here or until.passed:
                try:
                    other.sendall(frame)
                except (BrokenPipeError, ConnectionResetError):
                    return False
            if here:
                return True
        return False
