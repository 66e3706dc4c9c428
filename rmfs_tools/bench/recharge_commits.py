"""How many recharges share a commit, and whether the disk is waited for at each.

The server says how many transactions it has committed. Who counts the waits for the
disk is somebody else: `strace` for SQLite, PostgreSQL's own statistics of its log.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final

from sqlalchemy import Connection, create_engine, text

from protocol.errors import InvariantError
from rmfs_server.operations.asking import ask, doors
from rmfs_tools.bench.recharge_rates import Bench, Books, databases, new_server
from rmfs_tools.bench.serving import serving

_CALLS: Final = (1, 64)
_CALLS_QUICK: Final = (8,)
_RECHARGES: Final = {1: 200, 64: 1_920, 8: 24}
_STRACE: Final = ("strace", "-D", "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync")
_SHORT_S: Final = 0.3
_ANSWER_S: Final = 60.0
"""A server that is traced, on a computer that is busy, is in no hurry."""
_LOOK_S: Final = 1.0
_QUIET_LOOKS: Final = 12
"""PostgreSQL tells what an idle connection has done after 10 s at the latest."""
_LOOKS_MAX: Final = 60
_WAL_IN_IO: Final = 180_000
"""Since PostgreSQL 18 the counts of the log are in pg_stat_io."""


@dataclass(frozen=True, slots=True)
class Row:
    """What so many calls at once took.

    Attributes:
        commits: Transactions of the server.
        questions: Of dial-ins, that the server's books answered.
        batches: In so many goes.
        syncs: Waits for the disk of whoever keeps the books; None: not counted.
        witness: Who counted them, or why nobody did.
    """

    db: str
    calls: int
    recharges: int
    commits: int
    questions: int
    batches: int
    syncs: int | None
    witness: str

    @property
    def per_commit(self) -> float:
        """Recharges for each commit."""
        return self.recharges / self.commits

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        ratio = None if self.syncs is None else round(self.syncs / self.commits, 2)
        return {
            **asdict(self),
            "recharges_per_commit": round(self.per_commit, 2),
            "syncs_per_commit": ratio,
        }


@dataclass(frozen=True, slots=True)
class Commits:
    """What was measured."""

    rows: Sequence[Row]

    @property
    def good(self) -> bool:
        """Whether the disk was waited for at each commit, where that was counted."""
        return all(row.syncs is None or row.syncs >= row.commits for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {"commits": [row.as_json() for row in self.rows]}

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        yield (
            "database    calls recharges  commits  recharges each  questions  syncs"
            "  counted by"
        )
        for row in self.rows:
            syncs = "-" if row.syncs is None else f"{row.syncs:,}"
            yield (
                f"{row.db:10} {row.calls:6,} {row.recharges:9,} {row.commits:8,} "
                f"{row.per_commit:15.2f} {row.questions:10,} {syncs:>6}  {row.witness}"
            )


def measure(progress: Callable[[str], None], *, quick: bool) -> Commits:
    """Measure each database.

    Args:
        progress: Tells what goes on.
        quick: Few recharges, on SQLite alone.
    """
    rows = []
    for books in databases(quick=quick):
        with new_server(books) as (folder, found), _watched(folder, found) as watched:
            first = 0
            for calls in _CALLS_QUICK if quick else _CALLS:
                progress(f"{found.name}: commits of {calls} calls at once")
                rows.append(watched.row(calls, first))
                first += calls
    return Commits(rows)


@dataclass(frozen=True, slots=True)
class _Watched:
    """A server, and who counts the waits for the disk."""

    bench: Bench
    witness: str
    syncs: Callable[[], int] | None

    def row(self, calls: int, first: int) -> Row:
        before: list[tuple[int, ...]] = []
        row = self.bench.row(
            calls,
            _RECHARGES[calls] // calls,
            first,
            on_ready=lambda: before.append(self._counts()),
        )
        commits, questions, batches, syncs = (
            now - then for now, then in zip(self._counts(), before[0], strict=True)
        )
        return Row(
            row.db,
            calls,
            row.recharges,
            commits,
            questions,
            batches,
            None if self.syncs is None else syncs,
            self.witness,
        )

    def _counts(self) -> tuple[int, ...]:
        """Count, once nothing is under way: a GOODBYE is stored behind its call."""
        waiting, last = Event(), self._looked_at()
        for _ in range(_LOOKS_MAX):
            waiting.wait(_SHORT_S)
            found = self._looked_at()
            if found == last:
                return (*found, 0 if self.syncs is None else self.syncs())
            last = found
        raise InvariantError("the server is not quiet: somebody else calls it")

    def _looked_at(self) -> tuple[int, ...]:
        folder = self.bench.folder / "server"
        told = ask(folder, doors(folder)[0], "/picture", _ANSWER_S)
        if "commits" not in told:
            raise InvariantError("the server does not say what it has committed")
        commits = told["commits"]
        together = commits["together"]
        return (
            sum(commits["commits"].values()),
            round(together["total"]),
            sum(together["counts"]),
        )


@contextmanager
def _watched(folder: Path, books: Books) -> Iterator[_Watched]:
    trace = folder / "syncs.txt"
    wrapper = _strace(trace) if books.pid is None else ()
    options = ("--calls", "1000")
    with serving(folder, options, wrapper=wrapper) as server:
        bench = Bench(books, folder, server)
        if books.pid is not None:
            engine = create_engine(books.url, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                yield _Watched(bench, "pg_stat", lambda: _wal_syncs(connection))
            engine.dispose()
        elif wrapper:
            yield _Watched(bench, "strace", lambda: _lines_of(trace))
        else:
            yield _Watched(bench, "nobody: strace does not run here", None)


def _strace(trace: Path) -> tuple[str, ...]:
    """Give what is put before a command to trace it; empty where that cannot be."""
    if shutil.which(_STRACE[0]) is None:
        return ()
    wrapper = (*_STRACE, "-o", str(trace))
    tried = subprocess.run(  # noqa: S603  # our own words
        [*wrapper, "true"], capture_output=True, check=False
    )
    return () if tried.returncode else wrapper


def _lines_of(trace: Path) -> int:
    # A call that another thread interrupts is told in two lines; one ends with it.
    words = trace.read_text("ascii", "replace").splitlines()
    return sum("sync" in line and "unfinished" not in line for line in words)


def _wal_syncs(connection: Connection) -> int:
    """Count the log's waits for the disk, once every connection has told its own."""
    version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    statement = text(
        "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"
        if version >= _WAL_IN_IO
        else "SELECT wal_sync FROM pg_stat_wal"
    )
    waiting = Event()
    quiet, count = 0, -1
    for _ in range(_LOOKS_MAX):
        found = int(connection.execute(statement).scalar_one())
        quiet, count = (quiet + 1 if found == count else 0), found
        if quiet == _QUIET_LOOKS:
            return count
        waiting.wait(_LOOK_S)
    raise InvariantError("PostgreSQL is not quiet: somebody else uses it")
