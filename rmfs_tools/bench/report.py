"""`rmfs bench report`: what the month's report of a Circle costs, by its machines.

A database is filled with a month (`report_filling`; that time is not counted), and the
report is written as CSV, XLSX and PDF by what serves it over HTTP, for somebody whose
role reaches that Circle alone. Each file is written in a process of its own, so that
memory is that of this file; the figure for each line shows growth. What the CSV sums up
is held against what the database was filled with.
"""

import csv
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import create_engine, make_url, text

from dop_gateway.exports.writing import Format
from dop_gateway.reports.month_list import month
from dop_gateway.reports.queries import MonthQuery
from dop_gateway.web.lists import write_list
from hw.database import open_store
from protocol.errors import InvariantError
from protocol.exchange import show_amount
from protocol.values import Paise
from rmfs_tools import postgres
from rmfs_tools.bench import report_filling as filling
from rmfs_tools.bench import report_rows
from rmfs_tools.bench.apart import peak_mb, run_apart

MACHINES: Final = 10_000
QUICK: Final = 50
CSV_S_MAX: Final = 5.0
MEMORY_MB_MAX: Final = 300.0
FORMATS: Final = (Format.CSV, Format.XLSX, Format.PDF)
_HEAD_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Written:
    """What one file cost.

    Attributes:
        engine: Of the database.
        machines: Lines of the report.
        rows: Of deposits, downloads, dial-ins and classes in the database.
        octets: Size of the file.
        written_s: Seconds from the question to the end of the file.
        us_a_line: The same for each line, in microseconds.
        peak_mb: The most memory that the process ever had, in mebibytes.
    """

    engine: str
    machines: int
    rows: int
    format: str
    octets: int
    written_s: float
    us_a_line: float
    peak_mb: float


def run(
    say: Callable[[str], None],
    progress: Callable[[str], None],
    *,
    machines: int,
    as_json: bool,
    quick: bool,
) -> int:
    """Measure, and print; see `rmfs bench report`.

    Args:
        say: Prints a line.
        progress: Tells what goes on.
        machines: Most that there are; a tenth and a hundredth are measured besides.
        as_json: End with one line of JSON.
        quick: Few machines on SQLite alone, and times are not judged.

    Returns:
        1 when the longest CSV misses a goal on a database, else 0.
    """
    most = QUICK if quick else machines
    rows = []
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="bench-report-"))
        for name, new_database in _engines(stack, Path(folder), quick=quick):
            for count in _lengths(most, quick=quick):
                progress(f"a Circle with {count:,} machines on {name}")
                rows += _measured(name, new_database(count), count)
    judged = [
        row for row in rows if (row.machines, row.format) == (most, Format.CSV.name)
    ]
    good = all(
        (quick or row.written_s <= CSV_S_MAX) and row.peak_mb <= MEMORY_MB_MAX
        for row in judged
    )
    say("engine      machines      rows  file     octets  seconds  us a line  peak MB")
    for row in rows:
        say(
            f"{row.engine:10} {row.machines:9,} {row.rows:9,}  {row.format:4} "
            f"{row.octets:10,} {row.written_s:8.2f} {row.us_a_line:10.1f} "
            f"{row.peak_mb:8.1f}"
        )
    say(f"allowed for the longest CSV: {CSV_S_MAX:.0f} s and {MEMORY_MB_MAX:.0f} MB")
    if as_json:
        found: dict[str, Any] = {
            "files": [asdict(row) for row in rows],
            "engines": sorted({row.engine for row in rows}),
            "seconds_max": CSV_S_MAX,
            "peak_mb_max": MEMORY_MB_MAX,
            "good": good,
        }
        say(json.dumps(found))
    return 0 if good else 1


def build(url: str, machines: int) -> None:
    """Fill an empty database, in this process."""
    with closing(open_store(url)) as store:
        filling.fill(store, machines)


def measure(url: str, machines: int, wanted: Format) -> Written:
    """Write the report in this process, which must have done nothing before.

    Raises:
        InvariantError: The file does not say what the database was filled with.
    """
    with (
        closing(open_store(url)) as store,
        TemporaryDirectory(prefix="bench-report-") as folder,
    ):
        path = Path(folder) / f"report.{wanted.value}"
        with store.reading() as connection, path.open("w+b") as file:
            permit = filling.authority(connection)
            office = filling.circle(connection).facility
            rows = filling.count_rows(connection)
            began = time.perf_counter()
            query = MonthQuery(month=report_rows.MONTH, office=office)
            lines = write_list(
                connection,
                permit,
                month(query, report_rows.NOW),
                query,
                wanted=wanted,
                file=file,
                person="authority",
                now=report_rows.NOW,
            )
            written_s = time.perf_counter() - began
        most_mb = peak_mb()
        if wanted is Format.CSV:
            check_sums(path, machines)
        octets = path.stat().st_size
    if lines != machines:
        raise InvariantError(f"{lines} of {machines} machines are in the report")
    return Written(
        store.engine.dialect.name,
        machines,
        rows,
        wanted.name,
        octets,
        round(written_s, 3),
        round(written_s / lines * 1e6, 1),
        round(most_mb, 1),
    )


def check_sums(path: Path, machines: int) -> None:
    """Hold what a CSV of the month sums up against what there was.

    Raises:
        InvariantError: It says something else.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    head, last = lines[_HEAD_LINES - 1], lines[-1]
    found = dict(zip(head, last, strict=True))
    for title, wanted in _expected(machines).items():
        if found[title] != wanted:
            raise InvariantError(f"{title}: {found[title]}, and {wanted} was put in")


def _expected(machines: int) -> dict[str, str]:
    paid = report_rows.DEPOSITS * report_rows.DEPOSIT_PAISE
    taken = report_rows.DOWNLOADS * report_rows.DOWNLOAD_PAISE
    used = report_rows.DIAL_INS * report_rows.DAY_PAISE
    money = {
        "Deposited in the period": paid,
        "Downloaded": taken,
        "Postage": used,
        "Balance deposited": 0,
        "Balance at the maker": paid - taken,
        "Balance in the machine": taken - used,
        "Remains, as told last": paid - taken,
    }
    counts = {
        "Deposits": report_rows.DEPOSITS,
        "Downloads": report_rows.DOWNLOADS,
        "Items": report_rows.DIAL_INS * report_rows.DAY_ITEMS,
        "Dial-ins": report_rows.DIAL_INS,
        "Failed": 1,
    }
    return {
        **{name: show_amount(Paise(one * machines)) for name, one in money.items()},
        **{name: str(one * machines) for name, one in counts.items()},
    }


NewDatabase = Callable[[int], str]
"""Makes an empty database for so many machines; gives its URL."""


def _lengths(most: int, *, quick: bool) -> list[int]:
    return [most] if quick else [most // 100, most // 10, most]


def _engines(
    stack: ExitStack, folder: Path, *, quick: bool
) -> Iterator[tuple[str, NewDatabase]]:
    yield "SQLite", lambda count: f"sqlite:///{folder / f'gateway-{count}.sqlite'}"
    binaries = postgres.find_binaries()
    if binaries is not None and not quick:
        server = stack.enter_context(postgres.throw_away_cluster(binaries))
        yield "PostgreSQL", lambda count: _new_database(server, f"report_{count}")


def _new_database(server: str, name: str) -> str:
    place = make_url(server)
    engine = create_engine(place, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return place.set(database=name).render_as_string(hide_password=False)


def _measured(engine: str, url: str, machines: int) -> list[Written]:
    _apart(f"build({url!r}, {machines})")
    found = []
    for wanted in FORMATS:
        said = _apart(
            "print(json.dumps(asdict("
            f"measure({url!r}, {machines}, Format.{wanted.name}))))"
        )
        found.append(Written(**{**json.loads(said), "engine": engine}))
    return found


def _apart(words: str) -> str:
    program = (
        "import json; from dataclasses import asdict; "
        "from rmfs_tools.bench.report import Format, build, measure; "
        f"{words}"
    )
    return run_apart(program)
