"""The rehearsal itself: everything is started, struck, settled and judged."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThreadPool

from hw.entropy import SeededEntropy
from hw.reactor import MonotonicReactor
from protocol.errors import NeedsAttentionError
from rmfs_tools import postgres
from rmfs_tools.bench.recharge_office import make_server, seat_machines
from rmfs_tools.parties import run_on_a_reactor
from rmfs_tools.worker_rehearsal.fleet import AMOUNT_PAISE, Fleet
from rmfs_tools.worker_rehearsal.judging import judge
from rmfs_tools.worker_rehearsal.plan import Plan, Result

ROOT: Final = Path(__file__).parents[2]
_HOST: Final = "127.0.0.1"
_DRAIN_S: Final = 10
_END_TIMEOUT_S: Final = 60
_TOLD: Final = re.compile(r"^worker (\d+): (\d+) calls", re.MULTILINE)
_SERVER: Final = "server"


class RehearsalError(NeedsAttentionError):
    """The rehearsal cannot be held here."""


def run(
    folder: Path,
    plan: Plan,
    environment: Mapping[str, str],
    progress: Callable[[str], None],
    *,
    root: Path = ROOT,
) -> Result:
    """Hold it.

    Args:
        folder: For everything; empty or not there.
        plan: What is done.
        environment: For the server's process.
        progress: Told what goes on.
        root: Folder of the server's packages: the product's, or a faulty copy's.

    Raises:
        RehearsalError: PostgreSQL is missing, or the server does not start.
        PostgresError: PostgreSQL does not start, or not again.
    """
    binaries = postgres.find_binaries()
    if binaries is None:
        raise RehearsalError(
            "PostgreSQL is not on this computer: apt-get install postgresql"
        )
    with postgres.mortal_cluster(binaries, durable=plan.durable) as cluster:
        server = folder / _SERVER
        make_server(server, cluster.url)
        progress(f"{plan.machines} machines are enrolled")
        seats = seat_machines(server, plan.machines)
        reactor = MonotonicReactor()
        with _serving(folder, plan, environment, root) as (process, port):
            fleet = Fleet(reactor, seats, _HOST, port)
            strikes = _Strikes(reactor, plan, process.pid, cluster, progress)

            @inlineCallbacks
            def play() -> "Generator[Deferred[Any], Any, None]":
                progress("every machine dials for the first time")
                yield fleet.settle()
                progress(f"{plan.rate:g} dial-ins a second for {plan.seconds:g} s")
                strikes.begin()
                yield fleet.dial(plan)
                yield strikes.end()
                progress("every machine dials once more")
                yield fleet.settle()

            run_on_a_reactor(reactor, play)
            process.terminate()
            process.wait(_END_TIMEOUT_S)
        said = (folder / "server.log").read_text("utf-8")
        return Result(
            plan=plan,
            heard=fleet.heard,
            silent_s=fleet.silent_s,
            worker_kills=strikes.workers,
            database_kills=strikes.databases,
            wall_s=plan.seconds,
            judgement=judge(server, seats, fleet.told, AMOUNT_PAISE),
            answered={name: int(calls) for name, calls in _TOLD.findall(said)},
        )


class _Strikes:
    """Kills, at the moments of the plan."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        plan: Plan,
        parent: int,
        cluster: postgres.Cluster,
        progress: Callable[[str], None],
    ) -> None:
        self.workers = 0
        self.databases = 0
        self._reactor = reactor
        self._plan = plan
        self._parent = parent
        self._cluster = cluster
        self._progress = progress
        self._entropy = SeededEntropy(b"worker rehearsal %d" % plan.seed)
        self._killing = LoopingCall(self._kill_worker)
        self._killing.clock = reactor
        self._database: Deferred[Any] = succeed(None)

    def begin(self) -> None:
        self._killing.start(self._plan.kill_every_s, now=False)
        self._database = self._strike_database()

    def end(self) -> "Deferred[Any]":
        """Kill no more; wait until the database is there again."""
        if self._killing.running:
            self._killing.stop()
        return self._database

    def _kill_worker(self) -> None:
        children = Path(f"/proc/{self._parent}/task/{self._parent}/children")
        running = [int(one) for one in children.read_text("ascii").split()]
        if not running:
            return
        chosen = running[self._entropy.octets(1)[0] % len(running)]
        with suppress(ProcessLookupError):
            os.kill(chosen, signal.SIGKILL)
            self.workers += 1
        if self.workers >= self._plan.seconds / self._plan.kill_every_s:
            self._killing.stop()

    @inlineCallbacks
    def _strike_database(self) -> "Generator[Deferred[Any], Any, None]":
        times = self._plan.database_kills
        for _ in range(times):
            yield deferLater(self._reactor, self._plan.seconds / (times + 1))
            self._progress("the database is killed")
            yield self._apart(self._cluster.kill)
            self.databases += 1
            yield deferLater(self._reactor, self._plan.database_away_s)
            yield self._apart(self._cluster.start)
            self._progress("the database is back")

    def _apart(self, do: Callable[[], None]) -> "Deferred[None]":
        """Do it while machines go on dialling."""
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, do)


@contextmanager
def _serving(
    folder: Path, plan: Plan, environment: Mapping[str, str], root: Path
) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    log = folder / "server.log"
    arguments = (
        *(sys.executable, "-m", "rmfs_tools", "server", "run"),
        *("--server", str(folder / _SERVER), "--line", f"tcp:{_HOST}:0"),
        *("--workers", str(plan.workers), "--drain-s", str(_DRAIN_S)),
    )
    imports = {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}
    with (
        log.open("wb") as words,
        subprocess.Popen(  # noqa: S603  # our own interpreter and our own words
            arguments,
            env={**environment, **imports, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        ) as process,
    ):
        try:
            line = process.stdout.readline().strip() if process.stdout else ""
            if not line.startswith("listening at "):
                raise RehearsalError(f"no server: {log.read_text('utf-8').strip()}")
            yield process, int(line.rpartition(":")[2])
        finally:
            process.kill()
