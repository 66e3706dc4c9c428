"""What a recharge costs when there are more machines in the books.

The same books grow by filling (`recharge_filling`); at each size a server is started
on them, and as many machines recharge. What is counted is the CPU of the server, and of
PostgreSQL's processes. The least of some rounds counts: what else this computer does
adds to a round, and takes nothing away.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hw.database.copying import check_sqlite
from protocol.errors import InvariantError
from protocol.values import LicenceIdentifier
from rmfs_server.folder import BOOKS, open_books, read_server
from rmfs_server.store import ledger
from rmfs_tools.bench.recharge_filling import fill
from rmfs_tools.bench.recharge_rates import Books, Row, databases, new_server, run

RATIO_MAX: Final = 1.2
_PATTERN: Final = LicenceIdentifier("N000000")
"""The first machine that calls: its rows are what is filled in."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        machines: In the books, ascending.
        calls: At once.
        each: Recharges of each call's machine.
        rounds: Of which the least counts.
    """

    machines: tuple[int, ...]
    calls: int
    each: int
    rounds: int


WHOLE: Final = Size((1_000, 100_000, 1_000_000), 64, 30, 3)
QUICK: Final = Size((100, 1_000), 4, 3, 1)


@dataclass(frozen=True, slots=True)
class Grown:
    """What a recharge takes with so many machines in the books."""

    machines: int
    row: Row

    @property
    def cpu_us(self) -> float:
        """CPU of the server and the database together."""
        return self.row.server_us + self.row.database_us

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {"machines": self.machines, **self.row.as_json()}


@dataclass(frozen=True, slots=True)
class Growth:
    """What was measured, by database and size."""

    found: Sequence[Grown]
    judged: bool

    @property
    def ratios(self) -> dict[str, float]:
        """Say for each database how much more it takes at the largest size."""
        first: dict[str, float] = {}
        last: dict[str, float] = {}
        for one in self.found:
            first.setdefault(one.row.db, one.cpu_us)
            last[one.row.db] = one.cpu_us
        return {name: last[name] / first[name] for name in first}

    @property
    def good(self) -> bool:
        """Whether every recharge was complete, and cost no more than it may."""
        failed = any(one.row.failed for one in self.found)
        held = max(self.ratios.values()) <= RATIO_MAX
        return not failed and (held or not self.judged)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        ratios = {name: round(ratio, 3) for name, ratio in self.ratios.items()}
        rows = [one.as_json() for one in self.found]
        return {
            "growth": {"rows": rows, "ratios": ratios, "ratio_max": RATIO_MAX},
        }

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        yield "database     machines  server us  database us  per second"
        for one in self.found:
            row = one.row
            yield (
                f"{row.db:10} {one.machines:10,} {row.server_us:10.0f} "
                f"{row.database_us:12.0f} {row.per_s:11.1f}"
            )
        for name, ratio in self.ratios.items():
            yield f"{name}: {ratio:.2f} times as much; {RATIO_MAX} is allowed"


def measure(progress: Callable[[str], None], *, quick: bool) -> Growth:
    """Measure each database.

    Args:
        progress: Tells what goes on.
        quick: Few machines, on SQLite alone, and nothing is judged.
    """
    size = QUICK if quick else WHOLE
    found = []
    for books in databases(quick=quick):
        with new_server(books) as (folder, database):
            found += list(_grow(folder, database, size, progress))
    return Growth(found, not quick)


def _grow(
    folder: Path, books: Books, size: Size, progress: Callable[[str], None]
) -> Iterator[Grown]:
    with run(folder, books) as bench:
        bench.row(1, 1, 0)
    callers, filled = 1, 0
    url = read_server(folder / "server").database_url
    for machines in size.machines:
        progress(f"{books.name}: {machines:,} machines are filled in")
        # Whoever calls is one of them.
        end = machines - callers - size.calls * size.rounds
        fill(url, _PATTERN, filled, end)
        if not filled:
            _check(folder, books)
        filled = end
        rows = []
        with run(folder, books) as bench:
            for _ in range(size.rounds):
                progress(f"{books.name}: {size.calls} calls at once")
                rows.append(bench.row(size.calls, size.each, callers))
                callers += size.calls
        yield Grown(
            machines, min(rows, key=lambda row: row.server_us + row.database_us)
        )


def _check(folder: Path, books: Books) -> None:
    """See that the books are as sound as the ones that they were copied from.

    Raises:
        InvariantError: They are not.
    """
    found = [] if books.url else check_sqlite(folder / "server" / BOOKS)
    with open_books(folder / "server") as store, store.reading() as connection:
        found += [f"{one.subject}: {one.detail}" for one in ledger.verify(connection)]
    if found:
        raise InvariantError(f"the books were not filled well: {found[0]}")
