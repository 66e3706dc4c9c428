"""What befalls the cluster: each event strikes, and is mended while machines go on.

Each takes the cluster as it is then, finds the node that it is about, and gives what
mends it. Source: reliability notes, section 4.3; the faults A to I there.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from rmfs_tools.failover.cluster import Cluster, Member
from rmfs_tools.failover.network import Node, RehearsalError, cut, join, part, rejoin
from rmfs_tools.failover.programs import kill_all, processes_named, send

Mend = Callable[[], Awaitable[None]]
Strike = Callable[[Cluster], Awaitable[Mend]]

FROZEN_S: Final = 2.0
"""How long nothing is replicated before the leader falls: less than a standby waits
until it gives its line up (`wal_receiver_timeout`) and asks for a new one."""
_WAITS: Final = " waiting for "
"""How PostgreSQL calls a process of its own whose COMMIT waits for a standby."""
_CANCELS: Final = 4
_APART_S: Final = 25.0
"""How long a leader is cut off: longer than its key in etcd lives."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that befalls the cluster.

    Attributes:
        words: What happens, for people.
        strike: Does it; gives what mends it.
        moves: Another node leads afterwards.
        synchronous: A COMMIT waits for a standby. Without that recharges are lost, and
            the rehearsal has to see it.
    """

    name: str
    words: str
    strike: Strike
    moves: bool
    synchronous: bool = True


async def _nothing() -> None:
    """Mend what needs no mending."""


async def _calm(_cluster: Cluster) -> Mend:
    return _nothing


async def _kill_leader(cluster: Cluster) -> Mend:
    node = await cluster.leader()
    kill_all(node)
    return lambda: cluster.start_node(node)


async def _cut_leader_off(cluster: Cluster) -> Mend:
    return await _apart(await cluster.leader(), cut, join)


async def _part_leader(cluster: Cluster) -> Mend:
    return await _apart(await cluster.leader(), part, rejoin)


async def _apart(
    node: Node, begin: Callable[[Node], None], end: Callable[[Node], None]
) -> Mend:
    begin(node)
    loop = asyncio.get_running_loop()
    until = loop.time() + _APART_S

    async def mend() -> None:
        await asyncio.sleep(max(0.0, until - loop.time()))
        end(node)

    return mend


async def _switch_over(cluster: Cluster) -> Mend:
    leader, standby = await cluster.leader(), await cluster.standby()
    body = {"leader": leader.name, "candidate": standby.name}
    await cluster.act("POST", "/switchover", body)
    return _nothing


async def _kill_postmaster(cluster: Cluster) -> Mend:
    node = await cluster.leader()
    found = processes_named(node, "/postgres -D")
    if not found:
        raise RehearsalError(f"there is no postmaster on {node.name}")
    for pid in found:
        send(pid, signal.SIGKILL)
    return _nothing


async def _kill_standby(cluster: Cluster) -> Mend:
    node = await cluster.standby()
    kill_all(node)
    return lambda: cluster.start_node(node)


async def _kill_backends(cluster: Cluster) -> Mend:
    node = await cluster.leader()
    found = processes_named(node, "postgres: rmfs: rmfs rmfs")
    if not found:
        raise RehearsalError(f"nobody is connected to the books on {node.name}")
    for pid in found:
        send(pid, signal.SIGKILL)
    return _nothing


async def _freeze_and_kill(cluster: Cluster) -> Mend:
    node = await cluster.leader()
    found = processes_named(node, "walsender")
    if not found:
        raise RehearsalError(f"{node.name} replicates to nobody")
    for pid in found:
        send(pid, signal.SIGSTOP)
    await asyncio.sleep(FROZEN_S)
    kill_all(node)
    return lambda: cluster.start_node(node)


async def _lose_the_answer(cluster: Cluster) -> Mend:
    """Break the connection while a COMMIT waits, then let it happen."""
    node = await cluster.leader()
    senders = processes_named(node, "walsender")
    for pid in senders:
        send(pid, signal.SIGSTOP)
    await asyncio.sleep(FROZEN_S / 2)
    if not processes_named(node, _WAITS):
        raise RehearsalError(f"no COMMIT waited on {node.name}")
    await cluster.kill_balancer()
    for pid in senders:
        send(pid, signal.SIGCONT)
    await cluster.start_balancer()
    return _nothing


async def _cancel_and_kill(cluster: Cluster) -> Mend:
    node = await cluster.leader()
    senders = processes_named(node, "walsender")
    for pid in senders:
        send(pid, signal.SIGSTOP)
    cancelled = 0
    for _ in range(_CANCELS):
        await asyncio.sleep(FROZEN_S / _CANCELS)
        for pid in processes_named(node, _WAITS):
            # What pg_cancel_backend() does, and a statement_timeout.
            send(pid, signal.SIGINT)
            cancelled += 1
    if not senders or not cancelled:
        raise RehearsalError(f"no COMMIT waited on {node.name}")
    kill_all(node)
    return lambda: cluster.start_node(node)


async def _lose(cluster: Cluster) -> Mend:
    """Turn off what protects, then freeze and kill: as most clusters run by default."""
    body = {
        "synchronous_mode": False,
        "synchronous_mode_strict": False,
        # What is missing may be more than an ordinary lag: lose it all the same.
        "maximum_lag_on_failover": 1 << 30,
    }
    await cluster.act("PATCH", "/config", body)

    def is_off(members: list[Member]) -> bool:
        return bool(members) and all(one.role != "sync_standby" for one in members)

    await cluster.until(is_off, "replication stays synchronous")
    return await _freeze_and_kill(cluster)


CALM: Final = Event("calm", "nothing happens", _calm, moves=False)
ALL: Final = (
    CALM,
    Event("leader-killed", "the leader loses its power", _kill_leader, moves=True),
    Event(
        "leader-cut-off",
        "the leader's cable is pulled, and put back",
        _cut_leader_off,
        moves=True,
    ),
    Event(
        "leader-parted",
        "the leader loses the other nodes; the server still reaches it",
        _part_leader,
        moves=True,
    ),
    Event("switchover", "another node is made leader", _switch_over, moves=True),
    Event(
        "postmaster-killed",
        "the leader's PostgreSQL dies, its node lives",
        _kill_postmaster,
        moves=True,
    ),
    Event(
        "backends-killed",
        "PostgreSQL's processes that the server talks to die",
        _kill_backends,
        moves=False,
    ),
    Event(
        "standby-killed",
        "the node that COMMIT waits for loses its power",
        _kill_standby,
        moves=False,
    ),
    Event(
        "answer-lost",
        "the balancer dies while a COMMIT waits, which then happens unheard",
        _lose_the_answer,
        moves=False,
    ),
    Event(
        "frozen-and-killed",
        f"nothing is replicated for {FROZEN_S:.0f} s, then the leader loses its power",
        _freeze_and_kill,
        moves=True,
    ),
    Event(
        "commit-cancelled",
        "as before, and a COMMIT that waits is cancelled: PostgreSQL answers success",
        _cancel_and_kill,
        moves=True,
    ),
)
"""Those in which nothing may be lost; in this order they are played."""
CONTROL: Final = Event(
    "asynchronous",
    "the same with asynchronous replication: this has to lose recharges",
    _lose,
    moves=True,
    synchronous=False,
)
"""Played last: the books are wrong afterwards."""
