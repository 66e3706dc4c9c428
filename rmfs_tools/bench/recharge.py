"""`rmfs bench recharge`: what a complete recharge costs the server, whole processes.

A server runs as in service, in a process of its own on real files or a real PostgreSQL;
another process holds machines in memory that dial it over TCP on this computer, each
again as soon as it is done. What the server used is read from the kernel: the callers'
cost does not count. In the same run the parts that nothing can replace are measured
bare, so that the ratio says what is left to gain.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from protocol.errors import InvariantError
from rmfs_tools import postgres
from rmfs_tools.bench import recharge_floor
from rmfs_tools.bench.recharge_callers import Called, Errand
from rmfs_tools.bench.recharge_floor import Floor, cpu_s
from rmfs_tools.bench.recharge_office import make_server

RATIO_MAX: Final = 1.5
CALLS: Final = (1, 64, 1_000)
CALLS_QUICK: Final = (1, 8)
_RECHARGES: Final = 2_000
_RECHARGES_ALONE: Final = 500
_RECHARGES_QUICK: Final = 24
_FLOOR_TIMES: Final = 2_000
_FLOOR_TIMES_QUICK: Final = 50
_RATED: Final = ("sqlite", 64)
"""The row whose CPU is held against the floor."""
_ROOT: Final = Path(__file__).parents[2]
_HOST: Final = "127.0.0.1"
_MOST_CALLS: Final = 4_000
_US: Final = 1_000_000
_MS_DIGITS: Final = 2
_WORST: Final = 0.99
_MIDDLE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """What came of so many calls at once.

    Attributes:
        calls: Machines that called at the same time.
        recharges: How many were complete.
        per_s: Of them in a second.
        server_us: CPU of the server for each, kernel included, database not.
        p50_ms: The middle of what one took, from dialling to the end of its line; who
            is turned away dials again after 2, 4, 8 ... s.
        p99_ms: What all but one in a hundred took at most.
        failed: Calls that ended otherwise, by outcome.
    """

    db: str
    calls: int
    recharges: int
    per_s: float
    server_us: float
    p50_ms: float
    p99_ms: float
    failed: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "calls": self.calls,
            "db": self.db,
            "recharges": self.recharges,
            "per_s": round(self.per_s, 1),
            "server_us": round(self.server_us),
            "p50_ms": round(self.p50_ms, _MS_DIGITS),
            "p99_ms": round(self.p99_ms, _MS_DIGITS),
            "failed": self.failed,
        }


def run(
    say: Callable[[str], None],
    progress: Callable[[str], None],
    *,
    as_json: bool,
    quick: bool,
) -> int:
    """Measure, and print; see `rmfs bench recharge`.

    Args:
        say: Prints a line.
        progress: Tells what goes on.
        as_json: End with one line of JSON.
        quick: Few recharges, SQLite alone, and nothing is judged.

    Returns:
        1 when the server needs more than it may, or a recharge failed, else 0.
    """
    progress("the parts that nothing can replace")
    floor = recharge_floor.measure(_FLOOR_TIMES_QUICK if quick else _FLOOR_TIMES)
    rows = list(_rows(progress, quick=quick))
    rated = next(
        (row for row in rows if (row.db, row.calls) == _RATED),
        rows[-1],
    )
    ratio = rated.server_us / floor.whole_us
    _show(say, floor, rows, rated, ratio)
    failed = any(row.failed for row in rows)
    if as_json:
        found: dict[str, Any] = {
            "server_cpu_us": round(rated.server_us),
            "floor_us": round(floor.whole_us),
            "ratio": round(ratio, 2),
            "ratio_max": RATIO_MAX,
            "rows": [row.as_json() for row in rows],
        }
        say(json.dumps(found))
    return 1 if failed or (not quick and ratio > RATIO_MAX) else 0


def _show(
    say: Callable[[str], None],
    floor: Floor,
    rows: list[Row],
    rated: Row,
    ratio: float,
) -> None:
    say("CPU that nothing can replace, in microseconds for a recharge:")
    for name, spent in (
        ("EDHOC as responder", floor.edhoc_us),
        ("two verifications", floor.verify_us),
        ("one signature", floor.sign_us),
        ("records", floor.aead_us),
        ("a bare connection", floor.connection_us),
    ):
        say(f"  {name:20} {spent:7.0f}")
    say(f"  {'together':20} {floor.whole_us:7.0f}")
    say("database    calls recharges  per second  server us  p50 ms   p99 ms  failed")
    for row in rows:
        say(
            f"{row.db:10} {row.calls:6,} {row.recharges:9,} {row.per_s:11.1f} "
            f"{row.server_us:10.0f} {row.p50_ms:7.1f} {row.p99_ms:8.1f} "
            f"{sum(row.failed.values()):7}"
        )
    say(
        f"{rated.calls} calls on {rated.db}: {ratio:.2f} times the parts; "
        f"{RATIO_MAX} is allowed"
    )


def _rows(progress: Callable[[str], None], *, quick: bool) -> Iterator[Row]:
    recharges = _RECHARGES_QUICK if quick else _RECHARGES
    for database, url in _databases(quick=quick):
        with ExitStack() as stack:
            found = stack.enter_context(url())
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
            make_server(folder / "server", found)
            bench = stack.enter_context(_serving(database, folder))
            first = 0
            for calls in CALLS_QUICK if quick else CALLS:
                progress(f"{database}: {calls:,} calls at once")
                each = _RECHARGES_ALONE if calls == 1 else max(1, recharges // calls)
                yield bench.row(calls, min(each, recharges), first)
                first += calls


def _databases(*, quick: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "sqlite", lambda: _nothing("")
    binaries = postgres.find_binaries()
    if binaries is not None and not quick:
        yield "postgresql", lambda: postgres.throw_away_cluster(binaries, durable=True)


@contextmanager
def _nothing(url: str) -> Iterator[str]:
    yield url


@dataclass(frozen=True, slots=True)
class _Bench:
    """A server that runs, and where."""

    database: str
    folder: Path
    port: int
    pid: int

    def row(self, calls: int, each: int, first: int) -> Row:
        errand = Errand(
            str(self.folder / "server"), _HOST, self.port, calls, each, first
        )
        program = (
            "from rmfs_tools.bench.recharge_callers import Errand, main; "
            f"main({errand!r})"
        )
        log = self.folder / "callers.log"
        with _started(["-c", program], log) as process:
            if _line_of(process) != "ready\n":
                raise InvariantError(log.read_text("utf-8"))
            before = cpu_s(self.pid)
            _tell(process, "go\n")
            said = _line_of(process)
            spent_s = cpu_s(self.pid) - before
        if not said:
            raise InvariantError(log.read_text("utf-8"))
        called = Called(**json.loads(said))
        if not called.recharges:
            raise InvariantError(f"no recharge was complete: {called.other}")
        return Row(
            db=self.database,
            calls=calls,
            recharges=called.recharges,
            per_s=called.recharges / called.wall_s,
            server_us=spent_s / called.recharges * _US,
            p50_ms=_share(called.durations_ms, _MIDDLE),
            p99_ms=_share(called.durations_ms, _WORST),
            failed=called.other,
        )


@contextmanager
def _serving(database: str, folder: Path) -> Iterator[_Bench]:
    arguments = [
        *("-m", "rmfs_tools", "server", "run"),
        *("--server", str(folder / "server"), "--line", f"tcp:{_HOST}:0"),
        *("--calls", str(_MOST_CALLS)),
    ]
    log = folder / "server.log"
    with _started(arguments, log) as process:
        line = _line_of(process).strip()
        if not line.startswith("listening at "):
            raise InvariantError(log.read_text("utf-8"))
        yield _Bench(database, folder, int(line.rpartition(":")[2]), process.pid)


def _share(ascending: list[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))]


@contextmanager
def _started(arguments: list[str], log: Path) -> "Iterator[subprocess.Popen[str]]":
    imports = {"PYTHONPATH": str(_ROOT), "PYTHONSAFEPATH": "1"}
    with (
        log.open("wb") as words,
        subprocess.Popen(  # noqa: S603  # our own interpreter and our own words
            [sys.executable, *arguments],
            env={**os.environ, **imports, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _line_of(process: "subprocess.Popen[str]") -> str:
    return process.stdout.readline() if process.stdout else ""


def _tell(process: "subprocess.Popen[str]", words: str) -> None:
    if process.stdin:
        process.stdin.write(words)
        process.stdin.flush()
