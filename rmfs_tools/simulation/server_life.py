"""The recharge server as a process that lives and dies over one database file.

A killed process leaves the file and its write-ahead log as they are at that moment;
the next one opens them and SQLite recovers. Whatever was in memory is gone: calls,
dialogues, answers under way.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from twisted.internet.interfaces import IReactorTime

from hw.clock import WallClock
from hw.database import Store, open_store
from protocol.channel import ServerChannelPort
from protocol.errors import InvariantError, RmfsError
from protocol.ports import Entropy
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from rmfs_server.resolving import Resolving
from rmfs_tools.simulation.database_trouble import Troubles
from rmfs_tools.simulation.deeds import ServerDies
from rmfs_tools.simulation.setting import BOOKS, CREDIT_KEY

T = TypeVar("T")

_ANSWER_S: Final = 0.011
"""How long the books take: as with a disk of one's own."""
_BESIDES: Final = ("-wal", "-shm")


class ServerKilledError(Exception):
    """The server's process ends at this very point."""


class Desk:
    """The database file of one process of simulations, opened once.

    What SQLAlchemy has compiled is kept from one world to the next; the file is another
    one in each.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the file in a folder.

        Args:
            folder: An empty one; quickest in a memory file system.
        """
        self.path = folder / BOOKS
        self.hook = _Hook()
        self.store: Store = open_store(f"sqlite:///{self.path}", self.hook)
        self.troubles = Troubles(self.store.engine, self.path)

    def put(self, books: bytes) -> None:
        """Put another database in place of the one that is there."""
        self.close()
        self.path.write_bytes(books)

    def close(self) -> None:
        """Close every connection, and forget the database that is there."""
        self.troubles.end()
        self.store.close()
        for name in ("", *_BESIDES):
            self._file(name).unlink(missing_ok=True)

    def leave_as_it_is(self) -> None:
        """Have the files afterwards as they are now, as when a process is killed."""
        kept = [name for name in ("", "-wal") if self._file(name).exists()]
        for name in kept:
            shutil.copyfile(self._file(name), self._kept(name))
        self.close()
        for name in kept:
            self._kept(name).rename(self._file(name))

    def backup(self) -> bytes:
        """Copy the database while it is in use, by SQLite's own online backup."""
        copy = self._kept("backup")
        source = sqlite3.connect(self.path)
        target = sqlite3.connect(copy)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        octets = copy.read_bytes()
        copy.unlink()
        return octets

    def _file(self, name: str) -> Path:
        return self.path.with_name(self.path.name + name)

    def _kept(self, name: str) -> Path:
        return self.path.with_name(f"kept-{name}")


class _Hook:
    """Tells of commits, and kills the server at one; a `CommitHook`."""

    def __init__(self) -> None:
        self.on_commit: Callable[[str], None] = _ignore
        self._kill: ServerDies | None = None
        self._left = 0

    def arm(self, kill: ServerDies | None) -> None:
        """Kill at a commit, or no more."""
        self._kill = kill
        self._left = 0 if kill is None else kill.at_commit

    def before_commit(self, name: str) -> None:
        kill = self._kill
        if kill is None:
            return
        self._left -= 1
        if self._left == 0 and not kill.after:
            raise ServerKilledError("inside a transaction")

    def after_commit(self, name: str) -> None:
        self.on_commit(name)
        kill = self._kill
        if kill is not None and self._left == 0 and kill.after:
            raise ServerKilledError("after a commit")


class ServerLife:
    """The server: one process after the other.

    Attributes:
        exchange: The calls of the process that runs, or None while it is down.
        generation: Number of the process, from 1.
        refused: What the books refused by their own rules: never in an honest run.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        reactor: IReactorTime,
        clock: WallClock,
        entropy: Entropy,
        make_channel: Callable[[], ServerChannelPort],
        on_death: Callable[[str], None],
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            desk: The database.
            reactor: Simulated time.
            clock: Simulated time of day.
            entropy: Draws the marks.
            make_channel: Makes the channel of a dialogue.
            on_death: Told when the process has been killed, and where.
        """
        self.exchange: Exchange | None = None
        self.generation = 0
        self.refused: list[str] = []
        self._superseded = 0
        self._desk = desk
        self._reactor = reactor
        self._clock = clock
        self._entropy = entropy
        self._make_channel = make_channel
        self._on_death = on_death

    @property
    def store(self) -> Store:
        """The books, for people's moves."""
        return self._desk.store

    @property
    def administration(self) -> Administration:
        """What operators do."""
        return Administration(self.store, CREDIT_KEY)

    @property
    def resolving(self) -> Resolving:
        """What a person does about freezes."""
        return Resolving(self.store, two_persons=False)

    def start(self) -> None:
        """Start a process."""
        self.generation += 1
        self.exchange = Exchange(
            reactor=self._reactor,
            books=Books(self.store, CREDIT_KEY, self._entropy),
            writer=_Writer(self),
            make_channel=self._make_channel,
            wall_clock=self._clock,
            limits=Limits(),
        )

    def kill_at(self, kill: ServerDies | None) -> None:
        """Have the process killed at a commit."""
        self._desk.hook.arm(kill)

    def die(self, where: str) -> None:
        """End the process as it is."""
        self._end()
        self._desk.leave_as_it_is()
        self._on_death(where)

    def restore(self, backup: bytes) -> None:
        """End the process, and put an old database in place of this one."""
        self._end()
        self._desk.put(backup)
        self._on_death("and its disk lost")

    def _end(self) -> None:
        self._desk.hook.arm(None)
        self._superseded = self.superseded
        self.exchange = None

    @property
    def superseded(self) -> int:
        """Older calls dropped by this process and those before it."""
        exchange = self.exchange
        return self._superseded + (
            0 if exchange is None else exchange.records.figures.superseded
        )

    def act(self, job: Callable[[], T]) -> T | None:
        """Let a person do something; None when the process was killed meanwhile.

        Raises:
            RmfsError: What the product told the person.
        """
        try:
            return job()
        except ServerKilledError as killed:
            self.die(str(killed))
            return None

    def run(self, job: Callable[[], T]) -> T:
        """Run a job of a dialogue; notes what the books refused.

        Raises:
            RmfsError: The books failed.
            ServerKilledError: The process is killed.
        """
        try:
            return job()
        except InvariantError as error:
            self.refused.append(str(error))
            raise

    def later(self, tell: Callable[[], None]) -> None:
        """Tell a dialogue its answer, unless its process is dead by then."""
        generation = self.generation

        def told() -> None:
            if self.exchange is not None and self.generation == generation:
                tell()

        self._reactor.callLater(_ANSWER_S, told)


class _Writer:
    """Runs each job at once and answers a little later; a `rmfs_server.writer.Writer`.

    Between a commit and its answer anything may happen, as with a thread.
    """

    def __init__(self, life: ServerLife) -> None:
        self._life = life
        self._generation = life.generation

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        life = self._life
        if life.exchange is None or life.generation != self._generation:
            return
        try:
            result = life.run(job)
        except ServerKilledError as killed:
            life.die(str(killed))
        except RmfsError as error:
            # The name would be gone when it is told.
            reason = error
            life.later(lambda: failed(reason))
        else:
            life.later(lambda: done(result))


def _ignore(_name: str) -> None:
    """Nobody looks."""
