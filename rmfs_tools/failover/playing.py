"""Playing a rehearsal: a cluster, a server, machines, and one event after the other."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.ports import Entropy
from rmfs_tools.failover import looking
from rmfs_tools.failover.cluster import Cluster
from rmfs_tools.failover.events import Event
from rmfs_tools.failover.judging import CONFIRMED, IN_DOUBT, judge, longest_gap_s
from rmfs_tools.failover.network import Node, RehearsalError, make_network
from rmfs_tools.failover.programs import Launcher
from rmfs_tools.failover.result import Played, Result
from rmfs_tools.failover.world import Callers, calling

OnWord = Callable[[str], None]

BEFORE_S: Final = 4.0
AFTER_S: Final = 4.0
"""How long machines go on before an event, and after it is mended."""
_SERVED_AGAIN_S: Final = 3.0
_SERVED_TIMEOUT_S: Final = 180.0
_REFUSALS_LOOKED_AT: Final = 4
"""So often machines may be answered without one recharge: they are all refused."""
_LOOKS_EVERY_S: Final = 0.5
_BOOKS_FAILED: Final = "the database failed"
_UNKNOWN: Final = "the outcome is unknown"


@dataclass
class _Rehearsal:
    folder: Path
    cluster: Cluster
    callers: Callers
    progress: OnWord
    found_again: int = 0

    async def play(self, event: Event) -> Played:
        """Play one event, from a whole cluster to a whole cluster.

        Raises:
            RehearsalError: The cluster or a program does not do its part.
        """
        now = asyncio.get_running_loop().time
        self.progress(event.words)
        before = await self.cluster.leader()
        errors = self._errors()
        await self.callers.go()
        began_s = now()
        await asyncio.sleep(BEFORE_S)
        struck_s = now()
        mend = await event.strike(self.cluster)
        await self._served_again(before, event)
        await mend()
        await self.cluster.whole(
            f"{event.name} was not mended", synchronous=event.synchronous
        )
        await asyncio.sleep(AFTER_S)
        ended_s = now()
        rested = await self.callers.rest()
        dialled = self.callers.dialled
        booked = await asyncio.to_thread(looking.read_recharges, self._server)
        judgement = judge(dialled, rested, booked)
        again = judgement.found_again - self.found_again
        self.found_again = judgement.found_again
        here = [one for one in dialled if one.at_s >= began_s]
        return Played(
            event=event.name,
            synchronous=event.synchronous,
            recharges=sum(one.outcome == CONFIRMED for one in here),
            outage_s=longest_gap_s(here, struck_s, ended_s),
            in_doubt=sum(one.outcome == IN_DOUBT for one in here),
            errors=self._errors() - errors,
            leaders=(before.name, (await self.cluster.leader()).name),
            judgement=judgement,
            found_again=again,
            findings=tuple(await asyncio.to_thread(looking.verify, self._server)),
        )

    async def _served_again(self, before: Node, event: Event) -> None:
        """Wait until machines recharge, and another node leads if one has to.

        Where recharges were lost an answer has to do in the end: every machine may be
        refused, because it holds more than the books know of.

        Raises:
            RehearsalError: It does not come to that.
        """
        now = asyncio.get_running_loop().time
        until = now() + _SERVED_TIMEOUT_S
        answered = 0
        while now() < until:
            await asyncio.sleep(_LOOKS_EVERY_S)
            members = await self.cluster.members()
            leaders = [one.node for one in members if one.role == "leader"]
            if not leaders or (event.moves and leaders[0] == before):
                continue
            since = now()
            await asyncio.sleep(_SERVED_AGAIN_S)
            if self.callers.recharges_since(since):
                return
            answered += bool(self.callers.answers_since(since))
            if answered > _REFUSALS_LOOKED_AT:
                return
        raise RehearsalError(
            f"after {_SERVED_TIMEOUT_S:.0f} s no machine was served again: "
            f"{await self.cluster.members()}"
        )

    @property
    def _server(self) -> Path:
        return self.folder / "server"

    def _errors(self) -> int:
        """Count in the server's log what failed in the database."""
        text = (self.folder / "server.log").read_text("utf-8", "replace")
        lines = text.splitlines()
        return sum(
            line.startswith("protocol.errors.StoreError")
            and (_BOOKS_FAILED in line or _UNKNOWN in line)
            for line in lines
        )


async def play(
    folder: Path,
    events: Sequence[Event],
    machines: int,
    *,
    binaries: Path,
    entropy: Entropy,
    environment: Mapping[str, str],
    progress: OnWord,
) -> Result:
    """Play events on a new cluster.

    Args:
        folder: A folder for everything, which others than root may pass through.
        events: What happens, in this order.
        machines: How many recharge all the time.
        binaries: Of PostgreSQL.
        entropy: Source of passwords.
        environment: Of this process.
        progress: Told what goes on.

    Raises:
        RehearsalError: It cannot be played here, or a program does not do its part.
        StoreError: The books cannot be read when all is mended.
    """
    make_network()
    launcher = Launcher(folder, environment)
    cluster = Cluster(launcher, binaries, entropy)
    played = []
    try:
        progress("three nodes with PostgreSQL, Patroni and etcd; HAProxy")
        await cluster.start()
        progress(f"a recharge server, and {machines} machines")
        async with calling(folder, cluster, machines, environment) as callers:
            rehearsal = _Rehearsal(folder, cluster, callers, progress)
            for event in events:
                played.append(await rehearsal.play(event))
                progress(played[-1].show())
    finally:
        await launcher.end()
    return Result(played)
