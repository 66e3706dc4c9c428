"""Programs of the cluster as processes, each on its node; none runs as root."""

import asyncio
import os
import pwd
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rmfs_tools.failover.entering import find_program
from rmfs_tools.failover.network import NODES, Node, RehearsalError, processes_of

USER: Final = "postgres"
"""Debian's package of PostgreSQL makes it."""
_LOOKS_EVERY_S: Final = 0.1
_TAIL_OCTETS: Final = 1_500


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts programs.

    Attributes:
        folder: Where each has its log.
        environment: Of this process.
        started: All that were started, whether they run or not.
    """

    folder: Path
    environment: Mapping[str, str]
    started: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(
        self, name: str, words: Sequence[str], node: Node | None = None
    ) -> asyncio.subprocess.Process:
        """Start a program of Debian's on a node, or here; as `USER`.

        Args:
            name: Of its log.
            words: The program and its arguments.
            node: Where; None: here.
        """
        program = find_program(words[0]) or words[0]
        inside = () if node is None else ("ip", "netns", "exec", node.name)
        # Who enters a namespace has to be root; whoever runs in there need not be.
        become = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups")
        with (self.folder / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(*inside, *become, program, *words[1:]),
                env={**self.environment, "HOME": str(self.folder)},
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    async def end(self) -> None:
        """Kill whatever runs on a node or was started, and wait until it is gone."""
        for node in NODES:
            found = kill_all(node)
            while found:
                # Whom the kernel has not taken away yet is still found.
                await asyncio.sleep(_LOOKS_EVERY_S)
                found = kill_all(node)
        for process in self.started:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def last_words(self, names: Iterable[str]) -> str:
        """Give the ends of logs."""
        found = []
        for name in names:
            path = self.folder / f"{name}.log"
            if path.exists():
                octets = path.read_bytes()[-_TAIL_OCTETS:]
                found.append(f"{name}: {octets.decode('utf-8', 'replace').strip()}")
        return "\n".join(found)


def give_away(folder: Path) -> None:
    """Let `USER` own a folder.

    Raises:
        RehearsalError: There is no such user.
    """
    try:
        owner = pwd.getpwnam(USER)
    except KeyError as error:
        raise RehearsalError(f"there is no user {USER} here") from error
    os.chown(folder, owner.pw_uid, owner.pw_gid)


def kill_all(node: Node) -> int:
    """Send SIGKILL to all that runs on a node, as if its power had gone."""
    found = processes_of(node)
    for pid in found:
        send(pid, signal.SIGKILL)
    return len(found)


def processes_named(node: Node, words: str) -> list[int]:
    """Find what runs on a node and has words in the line by which it is known."""
    return [pid for pid in processes_of(node) if words in _known_as(pid)]


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; one that is gone already does not mind."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _known_as(pid: int) -> str:
    try:
        octets = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return octets.replace(b"\0", b" ").decode("utf-8", "replace")
