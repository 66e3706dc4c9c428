"""The programs of `rmfs up`, each a process of its own, and an end in order.

They are started one after the other, each when the one before says that it is there.
When one ends by itself, or a signal comes, all are ended.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError

START_TIMEOUT_S: Final = 60.0
END_TIMEOUT_S: Final = 40.0
_ROOT: Final = Path(__file__).parents[2]
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_TAIL_OCTETS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Part:
    """A program that runs with the others.

    Attributes:
        name: For people, and of its log.
        arguments: Behind `rmfs`.
    """

    name: str
    arguments: Sequence[str]


def run_together(
    parts: Sequence[Part],
    logs: Path,
    say: Callable[[str], None],
    ready: Callable[[], None],
    environment: Mapping[str, str],
) -> bool:
    """Run programs until a signal comes or one of them ends.

    Args:
        parts: In the order in which they are started.
        logs: Folder of their logs; what each writes to stderr goes there.
        say: Told what each says on stdout.
        ready: Called once all are there.
        environment: That of this process: the programs get it too.

    Returns:
        Whether a signal ended them, and not one of them.

    Raises:
        RmfsError: One of them did not start.
    """
    logs.mkdir(exist_ok=True)
    imports = {"PYTHONPATH": str(_ROOT), "PYTHONSAFEPATH": "1"}
    together = _Together(
        parts, logs, say, {**environment, **imports, "PYTHONUNBUFFERED": "1"}
    )
    return asyncio.run(together.run(ready))


class _Together:
    def __init__(
        self,
        parts: Sequence[Part],
        logs: Path,
        say: Callable[[str], None],
        environment: Mapping[str, str],
    ) -> None:
        self._parts = parts
        self._environment = environment
        self._logs = logs
        self._say = say
        self._running: list[tuple[Part, asyncio.subprocess.Process]] = []
        self._readers: list[asyncio.Task[None]] = []

    async def run(self, ready: Callable[[], None]) -> bool:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for one in _SIGNALS:
            loop.add_signal_handler(one, over.set)
        try:
            for part in self._parts:
                await self._start(part)
                if over.is_set():
                    return True
            ready()
            return await self._wait(over)
        finally:
            await self._end()

    async def _start(self, part: Part) -> None:
        with (self._logs / f"{part.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rmfs_tools", *part.arguments),
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # A signal of the terminal reaches us alone, who end them in order.
                start_new_session=True,
            )
        self._running.append((part, process))
        if process.stdout is None:
            raise RmfsError(f"{part.name} has no stdout")
        try:
            first = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
        except TimeoutError:
            first = b""
        if not first:
            raise RmfsError(f"{part.name} did not start: {self._last_words(part)}")
        self._tell(part, first)
        self._readers.append(asyncio.create_task(self._read(part, process.stdout)))

    async def _read(self, part: Part, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self._tell(part, line)

    def _tell(self, part: Part, line: bytes) -> None:
        self._say(f"{part.name}: {line.decode('utf-8', 'replace').rstrip()}")

    async def _wait(self, over: asyncio.Event) -> bool:
        signalled = asyncio.create_task(over.wait())
        ends = [asyncio.create_task(one.wait()) for _, one in self._running]
        _, waiting = await asyncio.wait(
            [signalled, *ends], return_when=asyncio.FIRST_COMPLETED
        )
        for task in waiting:
            task.cancel()
        for part, process in self._running:
            if process.returncode is not None:
                self._say(f"{part.name} has ended: {self._last_words(part)}")
        return over.is_set()

    async def _end(self) -> None:
        """End them in the opposite order; who does not end is killed."""
        for _, process in reversed(self._running):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for part, process in reversed(self._running):
            try:
                await asyncio.wait_for(process.wait(), END_TIMEOUT_S)
            except TimeoutError:
                self._say(f"{part.name} did not end, and was killed")
                process.kill()
                await process.wait()
        await asyncio.gather(*self._readers)

    def _last_words(self, part: Part) -> str:
        path = self._logs / f"{part.name}.log"
        octets = path.read_bytes()[-_TAIL_OCTETS:]
        lines = octets.decode("utf-8", "replace").splitlines()
        return f"{lines[-1]} (all of it: {path})" if lines else f"see {path}"
