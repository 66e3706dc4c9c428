"""Everything that is there beside the cluster: a recharge server, and who calls it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rmfs_tools.bench.recharge_office import make_server
from rmfs_tools.failover.callers import GO, READY, REST, Errand
from rmfs_tools.failover.cluster import Cluster
from rmfs_tools.failover.judging import CONFIRMED, IN_DOUBT, Dialled, Rested
from rmfs_tools.failover.network import RehearsalError

_LISTENING: Final = "listening at "
_PORT: Final = 7120
_SAYS_TIMEOUT_S: Final = 240.0
"""At rest all pending requests are settled: after a long answer, and some redials."""
_TAIL: Final = 1_500
_LINE_OCTETS_MAX: Final = 1 << 20


@dataclass
class Callers:
    """The process that calls.

    Attributes:
        dialled: All dial-ins that have ended so far.
    """

    process: asyncio.subprocess.Process
    journal: Path
    log: Path
    dialled: list[Dialled] = field(default_factory=list)
    _read_octets: int = 0

    async def go(self) -> None:
        """Let every machine recharge, again and again."""
        await self._tell(GO)

    async def rest(self) -> list[Rested]:
        """Let every machine come to rest; gives what each holds then.

        Raises:
            RehearsalError: They do not.
        """
        await self._tell(REST)
        said = json.loads(await says(self.process, "[", self.log))
        self.look()
        return [Rested(**row) for row in said]

    def look(self) -> None:
        """Read what was dialled since the last look."""
        with self.journal.open("rb") as journal:
            journal.seek(self._read_octets)
            text = journal.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_octets += len(whole)
        self.dialled += [Dialled(**json.loads(line)) for line in whole.splitlines()]

    def recharges_since(self, moment_s: float) -> int:
        """Count the recharges that were complete since a moment."""
        return sum(one.outcome == CONFIRMED for one in self._since(moment_s))

    def answers_since(self, moment_s: float) -> int:
        """Count the dial-ins that were answered since a moment, with yes or no."""
        return sum(one.outcome != IN_DOUBT for one in self._since(moment_s))

    def _since(self, moment_s: float) -> list[Dialled]:
        self.look()
        return [one for one in self.dialled if one.at_s > moment_s]

    async def _tell(self, word: str) -> None:
        if self.process.stdin is None:
            raise RehearsalError("nobody hears us")
        self.process.stdin.write(f"{word}\n".encode())
        await self.process.stdin.drain()


@asynccontextmanager
async def calling(
    folder: Path, cluster: Cluster, machines: int, environment: Mapping[str, str]
) -> AsyncIterator[Callers]:
    """Make a server on the cluster's books, run it, and have machines enrolled.

    Args:
        folder: Where all of it is.
        cluster: Has the books.
        machines: How many.
        environment: Of this process.

    Raises:
        RehearsalError: A program did not start.
    """
    server = folder / "server"
    await asyncio.to_thread(make_server, server, cluster.url)
    words = [
        *("-m", "rmfs_tools", "server", "run", "--server", str(server)),
        *("--line", f"tcp:127.0.0.1:{_PORT}"),
    ]
    errand = Errand(str(server), _PORT, machines, str(folder / "journal"))
    program = f"from rmfs_tools.failover.callers import Errand, main; main({errand!r})"
    async with (
        _started(words, folder / "server.log", environment) as running,
        _started(["-c", program], folder / "callers.log", environment) as process,
    ):
        await says(running, _LISTENING, folder / "server.log")
        await says(process, READY, folder / "callers.log")
        yield Callers(process, folder / "journal", folder / "callers.log")


async def says(process: asyncio.subprocess.Process, words: str, log: Path) -> str:
    """Wait for a line that begins with words.

    Raises:
        RehearsalError: It does not come.
    """
    output = process.stdout
    with suppress(TimeoutError):
        async with asyncio.timeout(_SAYS_TIMEOUT_S):
            while output is not None and (line := await output.readline()):
                if line.startswith(words.encode()):
                    return line.decode("utf-8")
    raise RehearsalError(f"it never said {words!r}: {last_words(log)}")


def last_words(log: Path) -> str:
    """Give the end of a log."""
    return log.read_text("utf-8", "replace")[-_TAIL:]


@asynccontextmanager
async def _started(
    words: list[str], log: Path, environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *words),
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=_LINE_OCTETS_MAX,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
