"""A simulated server that is killed, and a database that gives trouble.

What a killed process leaves is what SQLite makes of its files; what a person is told of
a database in trouble is what SQLite says of itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from twisted.internet.task import Clock

from hw.clock import MemoryWallClock, epoch_seconds
from hw.entropy import SeededEntropy
from protocol.channel import ServerChannelPort
from protocol.errors import StoreError
from protocol.messages import LicenceState
from rmfs_server.store.acts import By
from rmfs_tools.simulation.deeds import DatabaseTrouble, ServerDies
from rmfs_tools.simulation.server_life import Desk, ServerLife
from rmfs_tools.simulation.setting import BEGAN, papers_of, setting

LICENCE = papers_of(1).identifier
BY = By("person", "a test", epoch_seconds(BEGAN))
FILLER = "INSERT INTO filler VALUES (:octets)"


def no_channel() -> ServerChannelPort:
    raise NotImplementedError("nobody dials here")


class Office:
    """A desk with books, the server's life over them, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder)
        self.desk.put(setting(1).books)
        self.clock = Clock()
        self.deaths: list[str] = []
        self.commits: list[str] = []
        self.desk.hook.on_commit = self.commits.append
        self.life = ServerLife(
            self.desk,
            reactor=self.clock,
            clock=MemoryWallClock(BEGAN),
            entropy=SeededEntropy(b"marks"),
            make_channel=no_channel,
            on_death=self.deaths.append,
        )
        self.life.start()

    def withhold(self) -> object:
        return self.life.act(
            lambda: self.life.administration.set_licence(
                LICENCE, BY, state=LicenceState.WITHHELD
            )
        )

    def fill(self, octets: int = 0) -> None:
        with self.desk.store.writing("fill") as connection:
            connection.execute(text(FILLER), {"octets": bytes(octets)})

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Ask the file behind the server's back."""
        with closing(sqlite3.connect(self.desk.path)) as connection:
            return connection.execute(query).fetchall()

    @property
    def state(self) -> object:
        query = "SELECT state FROM licence"
        acts = "SELECT count(*) FROM act"
        return self.rows(query), self.rows(acts)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.desk.troubles.end()
    made.desk.close()


def killed(at_commit: int, *, after: bool) -> ServerDies:
    return ServerDies(0.0, at_commit, after, 1.0)


def test_nothing_of_a_transaction_is_left_that_was_killed_inside(
    office: Office,
) -> None:
    before = office.state
    office.life.kill_at(killed(1, after=False))
    assert office.withhold() is None
    assert office.deaths == ["inside a transaction"]
    assert office.life.exchange is None
    assert office.commits == []
    assert office.state == before
    office.life.start()
    assert office.life.generation == 2
    assert office.withhold() is not None, "it is not killed again"
    assert office.state != before


def test_everything_of_a_transaction_is_left_that_was_killed_after_its_commit(
    office: Office,
) -> None:
    office.life.kill_at(killed(1, after=True))
    before = office.state
    assert office.withhold() is None
    assert office.deaths == ["after a commit"]
    assert office.commits == ["set_licence"], "it is seen before anybody dies"
    after = office.state
    assert after != before
    office.life.start()
    assert office.state == after


def test_the_commit_that_was_named_is_the_one(office: Office) -> None:
    office.life.kill_at(killed(3, after=False))
    assert office.withhold() is not None
    assert office.withhold() is not None
    assert office.withhold() is None
    assert office.commits == ["set_licence"] * 2


def test_what_was_not_checkpointed_outlives_its_process(office: Office) -> None:
    office.withhold()
    wal = office.desk.path.with_name(office.desk.path.name + "-wal")
    assert wal.stat().st_size > 0
    after = office.state
    office.life.die("between two commits")
    assert office.state == after


def test_a_dead_process_answers_nobody(office: Office) -> None:
    told: list[int] = []
    office.life.later(lambda: told.append(1))
    office.clock.advance(1)
    office.life.later(lambda: told.append(2))
    office.life.die("between two commits")
    office.life.start()
    office.clock.advance(1)
    assert told == [1]


def test_a_copy_is_what_the_books_were_when_it_was_made(office: Office) -> None:
    before = office.state
    backup = office.desk.backup()
    office.withhold()
    assert office.state != before
    office.life.restore(backup)
    assert office.deaths == ["and its disk lost"]
    assert office.state == before
    office.life.start()
    assert office.withhold() is not None


def reason(refused: pytest.ExceptionInfo[StoreError]) -> str:
    """Find what the driver has raised."""
    error: BaseException | None = refused.value
    while error is not None and not isinstance(error, sqlite3.Error):
        error = getattr(error, "orig", None) or error.__cause__
    assert error is not None
    return str(error)


@pytest.fixture
def filler(office: Office) -> Office:
    with office.desk.store.writing("make") as connection:
        connection.execute(text("CREATE TABLE filler (octets BLOB)"))
    return office


def trouble(kind: str, statement: int = 1) -> DatabaseTrouble:
    return DatabaseTrouble(0.0, kind, statement, 10.0)


COUNT = "SELECT count(*) FROM filler"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("full", "database or disk is full"),
        ("busy", "database is locked"),
        ("error", "disk I/O error"),
        ("gone", "unable to open database file"),
    ],
)
def test_trouble_is_told_stores_nothing_and_ends(
    kind: str, told: str, filler: Office
) -> None:
    troubles = filler.desk.troubles
    for number in range(2):
        troubles.begin(trouble(kind))
        with pytest.raises(StoreError) as refused:
            filler.fill(20_000)
        assert reason(refused) == told
        assert troubles.struck[kind] > 0
        troubles.end()
        assert filler.rows(COUNT) == [(number,)]
        filler.fill(20_000)
        assert filler.rows(COUNT) == [(number + 1,)]


def test_a_full_disk_takes_what_fits_into_its_last_page(filler: Office) -> None:
    filler.fill()
    filler.desk.troubles.begin(trouble("full"))
    filler.fill()
    with pytest.raises(StoreError):
        filler.fill(20_000)
    assert filler.rows(COUNT) == [(2,)]


def test_a_busy_database_can_still_be_read(filler: Office) -> None:
    filler.fill()
    filler.desk.troubles.begin(trouble("busy"))
    with filler.desk.store.reading() as connection:
        assert connection.execute(text(COUNT)).scalar_one() == 1


def test_errors_begin_with_the_statement_that_is_named(filler: Office) -> None:
    filler.desk.troubles.begin(trouble("error", statement=6))
    with suppress(StoreError):
        for _ in range(10):
            filler.fill()
    filler.desk.troubles.end()
    [(stored,)] = filler.rows(COUNT)
    assert stored in range(1, 6)


def test_a_commit_that_is_refused_stores_nothing_and_holds_no_lock(
    filler: Office,
) -> None:
    filler.desk.troubles.begin(trouble("refused", statement=2))
    filler.fill()
    with pytest.raises(StoreError) as refused:
        filler.fill()
    assert reason(refused) == "disk I/O error"
    with closing(sqlite3.connect(filler.desk.path, timeout=0)) as another:
        another.execute("BEGIN IMMEDIATE")
        assert another.execute(COUNT).fetchall() == [(1,)]
    filler.fill()
    assert filler.rows(COUNT) == [(2,)]


def test_an_unknown_outcome_is_a_commit_that_is_reported_as_failed(
    filler: Office,
) -> None:
    filler.desk.troubles.begin(trouble("unknown", statement=2))
    filler.fill()
    with pytest.raises(StoreError) as refused:
        filler.fill()
    assert reason(refused) == "disk I/O error"
    assert filler.rows(COUNT) == [(2,)], "it was carried out"
    filler.fill()
    assert filler.desk.troubles.struck == {"unknown": 1}


def test_trouble_does_not_outlive_its_world(office: Office) -> None:
    for kind in ("busy", "gone", "full", "error"):
        office.desk.troubles.begin(trouble(kind))
        office.desk.put(setting(1).books)
        assert office.withhold() is not None, kind
