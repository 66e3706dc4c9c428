"""What a recharge costs beside servers that do less, measured in the same run.

Each answers as many calls at once from another process. What each leaves undone is told
with its figures: none of them is a recharge server.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from protocol.errors import InvariantError
from rmfs_tools.bench import recharge_peer_bare, recharge_peer_ocpp
from rmfs_tools.bench.recharge_floor import cpu_s
from rmfs_tools.bench.recharge_rates import new_server, run, sqlite
from rmfs_tools.bench.serving import Serving, started

_CALLS: Final = 64
_CALLS_QUICK: Final = 4
_EACH: Final = 30
_EACH_QUICK: Final = 3
_US: Final = 1_000_000
_LISTENING: Final = "listening at "
_OURS: Final = "rmfs"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server to compare with.

    Attributes:
        name: Its name here.
        module: Where it is, below `rmfs_tools.bench`.
        libraries: From the index; without them it is left out.
        call: Lets one caller call, in the process of the callers.
        lacks: What it does not do.
    """

    name: str
    module: str
    libraries: Sequence[str]
    call: Callable[[int, int, int], Awaitable[int]]
    lacks: str


PEERS: Final = (
    Peer(
        "ocpp",
        "recharge_peer_ocpp",
        recharge_peer_ocpp.LIBRARIES,
        recharge_peer_ocpp.call,
        "no mutual authentication, no signatures, nothing kept, not exactly once",
    ),
    Peer(
        "asyncio+ORM",
        "recharge_peer_bare",
        (),
        recharge_peer_bare.call,
        "no mutual authentication, no signatures, no journal, not exactly once",
    ),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What one of them took.

    Attributes:
        exchanges: How many were complete.
        server_us: CPU of the server for each.
        lacks: What it does not do; of one that was left out, why.
    """

    name: str
    libraries: dict[str, str]
    exchanges: int
    server_us: float
    lacks: str


@dataclass(frozen=True, slots=True)
class Peers:
    """What was measured, ours first."""

    found: Sequence[Compared]
    wanted: int

    @property
    def good(self) -> bool:
        """Whether every exchange of those that are here was complete."""
        return all(one.exchanges in (0, self.wanted) for one in self.found)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {"peers": [asdict(one) for one in self.found]}

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        yield "server        exchanges  server us  lacks"
        for one in self.found:
            spent = f"{one.server_us:10.0f}" if one.exchanges else f"{'-':>10}"
            yield f"{one.name:12} {one.exchanges:10,} {spent}  {one.lacks}"


def measure(progress: Callable[[str], None], *, quick: bool) -> Peers:
    """Measure ours, then each peer that is installed.

    Args:
        progress: Tells what goes on.
        quick: Few exchanges.
    """
    calls = _CALLS_QUICK if quick else _CALLS
    each = _EACH_QUICK if quick else _EACH
    with new_server(sqlite) as (folder, books):
        progress(f"{_OURS}: {calls} calls at once")
        with run(folder, books) as bench:
            row = bench.row(calls, each, 0)
        ours = Compared(_OURS, {}, row.recharges, row.server_us, "")
        found = [ours]
        for peer in PEERS:
            progress(f"{peer.name}: {calls} calls at once")
            found.append(_compare(peer, folder, calls, each))
    return Peers(found, calls * each)


def _compare(peer: Peer, folder: Path, calls: int, each: int) -> Compared:
    try:
        libraries = {name: version(name) for name in peer.libraries}
    except PackageNotFoundError as error:
        return Compared(peer.name, {}, 0, 0.0, f"left out: no {error.name} here")
    with _listening(peer, folder, calls) as server:
        # What is loaded at the first call is no exchange's.
        asyncio.run(_call_all(peer, server.port, 1, 1))
        before = cpu_s(server.process.pid)
        complete = asyncio.run(_call_all(peer, server.port, calls, each))
        spent_s = cpu_s(server.process.pid) - before
    if not complete:
        raise InvariantError(f"no exchange with {peer.name} was complete")
    return Compared(
        peer.name, libraries, complete, spent_s / complete * _US, peer.lacks
    )


async def _call_all(peer: Peer, port: int, calls: int, each: int) -> int:
    callers = (peer.call(number, port, each) for number in range(calls))
    return sum(await asyncio.gather(*callers))


@contextmanager
def _listening(peer: Peer, folder: Path, machines: int) -> Iterator[Serving]:
    module = f"rmfs_tools.bench.{peer.module}"
    words = f"{str(folder)!r}, {machines}" if not peer.libraries else ""
    program = (
        f"import sys; sys.path.extend({sys.path!r}); "
        f"from {module} import serve; serve({words})"
    )
    with started(["-c", program], folder / "peer.log") as process:
        line = process.line().strip()
        if not line.startswith(_LISTENING):
            raise InvariantError(process.log.read_text("utf-8"))
        yield Serving(process, int(line.rpartition(":")[2]))
