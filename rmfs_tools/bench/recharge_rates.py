"""Recharges a second, and what each costs: calls at once on either database.

A server runs as in service, in a process of its own on real files or a real PostgreSQL;
another process holds machines in memory that dial it over TCP on this computer, each
again as soon as it is done. What was used is read from the kernel: the callers' cost
does not count. In the same run the parts that nothing can replace are measured bare,
so that the ratio says what is left to gain.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from protocol.errors import InvariantError
from rmfs_tools import postgres
from rmfs_tools.bench import recharge_floor
from rmfs_tools.bench.recharge_callers import Called, Errand
from rmfs_tools.bench.recharge_floor import Floor, cpu_s, family_cpu_s
from rmfs_tools.bench.recharge_office import make_server
from rmfs_tools.bench.serving import HOST, Serving, serving, started

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
_CALLS_MAX: Final = 4_000
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
        database_us: CPU of PostgreSQL's processes for each; SQLite is in the server.
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
    database_us: float
    p50_ms: float
    p99_ms: float
    failed: dict[str, int]

    @property
    def per_core_s(self) -> float:
        """Recharges for each second of CPU that server and database used together."""
        return _US / (self.server_us + self.database_us)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "calls": self.calls,
            "db": self.db,
            "recharges": self.recharges,
            "per_s": round(self.per_s, 1),
            "per_core_s": round(self.per_core_s, 1),
            "server_us": round(self.server_us),
            "database_us": round(self.database_us),
            "p50_ms": round(self.p50_ms, _MS_DIGITS),
            "p99_ms": round(self.p99_ms, _MS_DIGITS),
            "failed": self.failed,
        }


@dataclass(frozen=True, slots=True)
class Books:
    """A database for a server's books.

    Attributes:
        name: ``sqlite`` or ``postgresql``.
        url: Of the database; empty: a SQLite file in the server's folder.
        pid: PostgreSQL's first process.
    """

    name: str
    url: str = ""
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """A server that runs, and where."""

    books: Books
    folder: Path
    server: Serving

    def row(
        self,
        calls: int,
        each: int,
        first: int,
        on_ready: Callable[[], None] = lambda: None,
    ) -> Row:
        """Let machines call at the same time, each again and again.

        Args:
            calls: Machines.
            each: Recharges of each.
            first: Number of the first machine; each number is enrolled once.
            on_ready: Called when all are enrolled, and none calls yet.

        Raises:
            InvariantError: Nothing was recharged.
        """
        errand = Errand(
            str(self.folder / "server"), HOST, self.server.port, calls, each, first
        )
        program = (
            "from rmfs_tools.bench.recharge_callers import Errand, main; "
            f"main({errand!r})"
        )
        with started(["-c", program], self.folder / "callers.log") as process:
            if process.line() != "ready\n":
                raise InvariantError(process.log.read_text("utf-8"))
            on_ready()
            server_s, database_s = self._spent()
            called = Called(**json.loads(process.ask("go")))
            server_s, database_s = (
                after - before
                for after, before in zip(
                    self._spent(), (server_s, database_s), strict=True
                )
            )
        if not called.recharges:
            raise InvariantError(f"no recharge was complete: {called.other}")
        return Row(
            db=self.books.name,
            calls=calls,
            recharges=called.recharges,
            per_s=called.recharges / called.wall_s,
            server_us=server_s / called.recharges * _US,
            database_us=database_s / called.recharges * _US,
            p50_ms=_share(called.durations_ms, _MIDDLE),
            p99_ms=_share(called.durations_ms, _WORST),
            failed=called.other,
        )

    def _spent(self) -> tuple[float, float]:
        pid = self.books.pid
        return (
            cpu_s(self.server.process.pid),
            0.0 if pid is None else family_cpu_s(pid),
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured.

    Attributes:
        floor: Parts that nothing can replace.
    """

    floor: Floor
    rows: Sequence[Row]
    judged: bool

    @property
    def rated(self) -> Row:
        """The row that is held against the floor."""
        found = (row for row in self.rows if (row.db, row.calls) == _RATED)
        return next(found, self.rows[-1])

    @property
    def ratio(self) -> float:
        """How many times the floor a recharge costs."""
        return self.rated.server_us / self.floor.whole_us

    @property
    def good(self) -> bool:
        """Whether every recharge was complete and cost no more than it may."""
        failed = any(row.failed for row in self.rows)
        return not failed and (not self.judged or self.ratio <= RATIO_MAX)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "server_cpu_us": round(self.rated.server_us),
            "floor_us": round(self.floor.whole_us),
            "ratio": round(self.ratio, 2),
            "ratio_max": RATIO_MAX,
            "rows": [row.as_json() for row in self.rows],
        }

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        floor, rated = self.floor, self.rated
        yield "CPU that nothing can replace, in microseconds for a recharge:"
        for name, spent in (
            ("EDHOC as responder", floor.edhoc_us),
            ("two verifications", floor.verify_us),
            ("one signature", floor.sign_us),
            ("records", floor.aead_us),
            ("a bare connection", floor.connection_us),
            ("together", floor.whole_us),
        ):
            yield f"  {name:20} {spent:7.0f}"
        yield (
            "database    calls recharges  per second  and core  server us  "
            "database us  p50 ms   p99 ms  failed"
        )
        for row in self.rows:
            yield (
                f"{row.db:10} {row.calls:6,} {row.recharges:9,} {row.per_s:11.1f} "
                f"{row.per_core_s:9.1f} {row.server_us:10.0f} {row.database_us:12.0f} "
                f"{row.p50_ms:7.1f} {row.p99_ms:8.1f} {sum(row.failed.values()):7}"
            )
        yield (
            f"{rated.calls} calls on {rated.db}: {self.ratio:.2f} times the parts; "
            f"{RATIO_MAX} is allowed"
        )


def measure(progress: Callable[[str], None], *, quick: bool) -> Rates:
    """Measure the parts, then whole recharges.

    Args:
        progress: Tells what goes on.
        quick: Few recharges, SQLite alone, and the ratio is not judged.
    """
    progress("the parts that nothing can replace")
    floor = recharge_floor.measure(_FLOOR_TIMES_QUICK if quick else _FLOOR_TIMES)
    return Rates(floor, list(_rows(progress, quick=quick)), not quick)


def _rows(progress: Callable[[str], None], *, quick: bool) -> Iterator[Row]:
    recharges = _RECHARGES_QUICK if quick else _RECHARGES
    for books in databases(quick=quick):
        with new_server(books) as (folder, found), run(folder, found) as bench:
            first = 0
            for calls in CALLS_QUICK if quick else CALLS:
                progress(f"{found.name}: {calls:,} calls at once")
                each = _RECHARGES_ALONE if calls == 1 else max(1, recharges // calls)
                yield bench.row(calls, min(each, recharges), first)
                first += calls


def databases(*, quick: bool) -> Iterator[Callable[[], AbstractContextManager[Books]]]:
    """Give what opens each database here; quick: SQLite alone."""
    yield sqlite
    binaries = postgres.find_binaries()
    if binaries is not None and not quick:
        yield lambda: _postgresql(binaries)


@contextmanager
def sqlite() -> Iterator[Books]:
    """Give the books that a server makes in its own folder."""
    yield Books("sqlite")


@contextmanager
def _postgresql(binaries: Path) -> Iterator[Books]:
    with postgres.mortal_cluster(binaries) as cluster:
        yield Books("postgresql", cluster.url, cluster.pid)


@contextmanager
def new_server(
    books: Callable[[], AbstractContextManager[Books]],
) -> Iterator[tuple[Path, Books]]:
    """Make a server whose folder is ``server`` in a new folder; gives that folder."""
    with ExitStack() as stack:
        found = stack.enter_context(books())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        make_server(folder / "server", found.url)
        yield folder, found


@contextmanager
def run(folder: Path, books: Books) -> Iterator[Bench]:
    """Let the server of `new_server` run."""
    with serving(folder, ("--calls", str(_CALLS_MAX))) as server:
        yield Bench(books, folder, server)


def _share(ascending: list[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))]
