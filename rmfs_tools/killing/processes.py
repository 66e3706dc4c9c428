"""Programs of ours as processes: started, heard, killed.

Linux tells by `/proc` which files a process has open; so it is seen when a gateway that
starts has come to its database.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError

START_TIMEOUT_S: Final = 60.0
END_TIMEOUT_S: Final = 120.0
ROOT: Final = Path(__file__).parents[2]
"""The folder of the product's packages."""
_LOOKS_EVERY_S: Final = 0.002
_TAIL_OCTETS: Final = 2_000


class ProgramError(RmfsError):
    """A program did not start, or did not end in time."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts programs.

    Attributes:
        logs: Folder for what each writes to stderr.
        environment: That of this process.
    """

    logs: Path
    environment: Mapping[str, str]

    async def start(
        self, name: str, *arguments: object, root: Path = ROOT
    ) -> "Running":
        """Start `rmfs` with arguments.

        Args:
            name: Of its log.
            arguments: Behind `rmfs`.
            root: Folder of its packages: the product's, or a faulty copy's.
        """
        self.logs.mkdir(exist_ok=True)
        path = self.logs / f"{name}.log"
        ours = {
            "PYTHONPATH": str(root),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
        }
        with path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rmfs_tools", *map(str, arguments)),
                env={**self.environment, **ours},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        return Running(process, path)


class Running:
    """A program that was started."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        """Take over a process; `Launcher` makes it."""
        self._process = process
        self._log = log
        self.end: Final = asyncio.create_task(process.wait())

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._process.returncode is not None

    async def says(self, words: str) -> str:
        """Wait for a line of its output that begins with words; gives the rest of it.

        Raises:
            ProgramError: It does not come.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while line := (await self._output.readline()).decode("utf-8"):
                    if line.startswith(words):
                        return line.removeprefix(words).strip()
        except TimeoutError:
            pass
        raise ProgramError(f"it never said {words!r}: {self.last_words}")

    async def has_open(self, name: str) -> bool:
        """Wait until it has a file of this name open; False if it ends before.

        Raises:
            ProgramError: It does not come to that, or nobody can see it here.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + START_TIMEOUT_S
        while not self.is_over:
            if _has_open(self._process.pid, name):
                return True
            if clock() > until:
                raise ProgramError(f"it never opened {name}: {self.last_words}")
            await self.ends_within(_LOOKS_EVERY_S)
        return False

    async def ends_within(self, seconds: float) -> bool:
        """Let time pass, or less if it ends before; whether it has ended."""
        done, _ = await asyncio.wait({self.end}, timeout=seconds)
        return bool(done)

    async def output(self) -> bytes:
        """Wait for its end; gives what it has said.

        Raises:
            ProgramError: It goes on and on.
        """
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                said = await self._output.read()
                await self.end
        except TimeoutError:
            await self.kill()
            message = f"it did not end within {END_TIMEOUT_S:.0f} s"
            raise ProgramError(f"{message}: {self.last_words}") from None
        return said

    async def kill(self) -> bool:
        """Send SIGKILL, and wait for the end; whether it had not ended before."""
        if self.is_over:
            return False
        self._process.kill()
        return await self.end < 0

    @property
    def code(self) -> int | None:
        """Give what it ended with; below 0 it was a signal."""
        return self._process.returncode

    @property
    def last_words(self) -> str:
        """Give the last line of its log."""
        octets = self._log.read_bytes()[-_TAIL_OCTETS:]
        lines = octets.decode("utf-8", "replace").splitlines()
        return f"{lines[-1]} (all of it: {self._log})" if lines else f"see {self._log}"

    @property
    def _output(self) -> asyncio.StreamReader:
        if self._process.stdout is None:
            raise ProgramError("it has no output")
        return self._process.stdout


def _has_open(pid: int, name: str) -> bool:
    try:
        opened = Path(f"/proc/{pid}/fd").iterdir()
        return any(one.readlink().name == name for one in opened)
    except OSError:
        # A file was closed, or the process ended, while we looked.
        return False
