"""One machine, one server with its books, and a line between them, in virtual time.

Everything is the product's own: PSD over NVRAM, link, dialogue, books in a real SQLite
file. Time is virtual, the line is the product's virtual modem line, and the channel is
the real one or its deterministic double. What stands still while nobody dials, the
memory and the books, can be kept (`keep`) and put back (`put_back`) as often as there
are points to cut at: the database is copied page by page through SQLite's backup, and
the server's statements stay compiled.

The server dies where it is told (`ServerKilledError` out of a commit hook, or a writer
whose next job never begins): nobody is answered any more, and the line is lost.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from twisted.internet.task import Clock

from fm_device.dial_in import DialInReport
from fm_device.program import dial
from fm_device.psd.device import Psd
from hw.clock import MemoryWallClock
from hw.database import CommitHook, NoHook, Store, open_store
from hw.entropy import SeededEntropy
from hw.lines.exchange import CallPlan, VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.nvram import MemoryNvram, Nvram
from protocol.channel import (
    DoubleMachineChannel,
    DoubleServerChannel,
    MachineChannel,
    MachineChannelPort,
    ServerChannel,
    ServerChannelPort,
)
from protocol.dialogue.machine import Request
from protocol.errors import InvariantError
from protocol.keys import MachineIdentity, ServerCredential
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from rmfs_server.store.acts import By
from rmfs_tools.simulation.pair_books import (
    BooksSeen,
    money_findings,
    quiet_findings,
    see_books,
)
from rmfs_tools.simulation.pair_mortal import MortalWriter, SwitchedHook
from rmfs_tools.simulation.pair_parties import (
    BEGAN,
    LICENCE,
    NEW_LICENCE,
    PIN_CODE,
    Keys,
    deposit,
    new_parties,
)

LINE: Final = VirtualLineParameters(bit_s=33_600, delay_s=0.02)
STEPS_MAX: Final = 200_000
"""More than the longest dial-in of any test takes, noise and all."""
_COUNTERS: Final = (24, 40, 92)
"""Where SQLite counts, in the head of a database, how often it was changed and copied:
nothing that anybody has stored. Source: Database File Format, section 1.3."""


class StandsStillError(InvariantError):
    """Nothing will ever happen any more, or something happens for ever."""


@dataclass(frozen=True)
class Kept:
    """What stands still while nobody dials.

    Attributes:
        image: The memory of the PSD.
        books: The database, in memory.
    """

    image: bytes
    books: sqlite3.Connection


class Pair:
    """One machine, one server with its books in a folder, and a line between them.

    Attributes:
        folder: Where the books are.
        nvram: The memory of the PSD.
        wall: The time of day of both.
        reactor: The virtual time.
        plan: What the lines of calls are like, from the next one on.
        line: The telephone network; a new one for each life of the server.
        store: The database.
        writer: Runs the server's jobs, and dies with it.
        books: The server's.
        exchange: The server's calls.
    """

    def __init__(
        self,
        folder: Path,
        nvram: MemoryNvram,
        keys: Keys,
        entropy: bytes,
        *,
        real_channel: bool = True,
    ) -> None:
        """Start a server on books that are there.

        Args:
            folder: Holds the books.
            nvram: The memory of the machine.
            keys: The server's.
            entropy: Chooses the marks.
            real_channel: Use the product's channel, and not its double.
        """
        self.folder = folder
        self.nvram = nvram
        self.keys = keys
        self.real_channel = real_channel
        self.wall = MemoryWallClock(BEGAN)
        self.plan: CallPlan = every_call(LINE)
        self._hook = SwitchedHook()
        self.store: Store = open_store(self.url, self._hook)
        self._begin(entropy)

    @property
    def url(self) -> str:
        """The URL of the books."""
        return f"sqlite:///{self.folder / 'books.sqlite'}"

    @property
    def administration(self) -> Administration:
        """The moves of the server's operators."""
        return Administration(self.store, self.keys.credit)

    def by(self, reason: str) -> By:
        """Sign for what an operator of the server does."""
        return By("simulation", reason, self.wall.now())

    def close(self) -> None:
        """Close the books."""
        self.store.close()

    # What stands still.

    def keep(self) -> Kept:
        """Keep the memory and the books as they are now."""
        kept = sqlite3.connect(":memory:")
        with self._database() as database:
            database.backup(kept)
        return Kept(self.nvram.image(), kept)

    def put_back(self, kept: Kept, number: int = 0) -> None:
        """Put back what was kept, into a new time and a new life of the server.

        Args:
            kept: Of this pair or of another one with the same keys.
            number: Chooses other marks; and other octets of the channel's double.
        """
        with self._database() as database:
            kept.books.backup(database)
        self.nvram = MemoryNvram(kept.image)
        self.wall = MemoryWallClock(BEGAN)
        self._begin(b"put back %d" % number)

    def stored(self) -> tuple[bytes, bytes]:
        """Give the octets of the memory and of the database.

        Equal octets mean that both sides know the same; the reverse need not hold.
        """
        with self._database() as database:
            octets = bytearray(database.serialize())
        for at in _COUNTERS:
            octets[at : at + 4] = bytes(4)
        return self.nvram.image(), bytes(octets)

    # The server.

    def start_server(
        self, hook: CommitHook | None = None, *, dies_before_job: int | None = None
    ) -> None:
        """Start a server on the books, as after a crash of the one before.

        Args:
            hook: Called around each of its commits.
            dies_before_job: See `MortalWriter`.
        """
        self.store.close()
        self._start(hook or NoHook(), dies_before_job)

    # The machine.

    def begin_service(self, deposited_paise: int) -> None:
        """Install the new machine, enrol it and pay in."""
        psd, now = self.psd(), self.wall.now()
        psd.install(PIN_CODE)
        by = self.by("new system")
        self.administration.enrol(psd.provisioning(now), NEW_LICENCE, by)
        deposit(self.store, deposited_paise, now)

    def psd(self, nvram: Nvram | None = None) -> Psd:
        """Switch the machine on."""
        return Psd(nvram or self.nvram, self.wall, self._machine_channel)

    def dial(
        self,
        request: Request,
        *,
        psd: Psd | None = None,
        nvram: Nvram | None = None,
        plan: CallPlan | None = None,
    ) -> DialInReport:
        """Dial once; virtual time runs until the line has ended.

        An error of the machine, such as a power cut, comes out as it is.

        Raises:
            StandsStillError: The line never ends.
        """
        reports = self.begin_dial(request, psd=psd, nvram=nvram, plan=plan)
        self.run(lambda: bool(reports))
        report = reports[0]
        if isinstance(report, BaseException):
            raise report
        return report

    def begin_dial(
        self,
        request: Request,
        *,
        psd: Psd | None = None,
        nvram: Nvram | None = None,
        plan: CallPlan | None = None,
    ) -> list[DialInReport | BaseException]:
        """Begin to dial; the list holds the report once there is one."""
        self.plan = plan or every_call(LINE)
        ended: list[DialInReport | BaseException] = []
        dial(
            psd or self.psd(nvram),
            request,
            self.line,
            self.reactor,
        ).addCallbacks(ended.append, lambda failure: ended.append(failure.value))
        return ended

    def run(self, until: Callable[[], bool]) -> None:
        """Step from one due time to the next.

        Raises:
            StandsStillError: It would never be done.
        """
        for _ in range(STEPS_MAX):
            if until():
                return
            if not self._step():
                raise StandsStillError("nothing will ever happen")
        raise StandsStillError("virtual time goes on for ever")

    def settle(self) -> None:
        """Let everything happen that is due ever: both ends have lost the line then.

        Raises:
            StandsStillError: It goes on for ever.
        """
        for _ in range(STEPS_MAX):
            if not self._step():
                return
        raise StandsStillError("virtual time goes on for ever")

    # What is looked at.

    def see_books(self) -> BooksSeen:
        """Read what the books say."""
        return see_books(self.store, LICENCE)

    def money_findings(self) -> list[str]:
        """Say what is wrong with the money now; [] is well."""
        return money_findings(self.psd().record, self.see_books())

    def quiet_findings(self, control_total_paise: int) -> list[str]:
        """Say what is not at rest with this CT; [] is well."""
        return quiet_findings(self.psd().record, self.see_books(), control_total_paise)

    def _begin(self, entropy: bytes) -> None:
        self.reactor = Clock()
        self._entropy = SeededEntropy(entropy)
        self._seeds = count()
        self._seed = entropy
        self._start(NoHook(), None)

    def _start(self, hook: CommitHook, dies_before_job: int | None) -> None:
        self._hook.inner = hook
        self.line = VirtualExchange(self.reactor, self._planned)
        self.writer = MortalWriter(self._cut_line, dies_before_job)
        self.books = Books(self.store, self.keys.credit, self._entropy)
        self.exchange = Exchange(
            reactor=self.reactor,
            books=self.books,
            writer=self.writer,
            make_channel=self._server_channel,
            wall_clock=self.wall,
            limits=Limits(),
        )
        self.line.listen(self.exchange.answer)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Reach the database below the engine, between two transactions."""
        raw = self.store.engine.raw_connection()
        try:
            database = raw.driver_connection
            if not isinstance(database, sqlite3.Connection):
                raise InvariantError("a pair keeps its books in SQLite")
            yield database
        finally:
            raw.close()

    def _step(self) -> bool:
        """Go to what is due first; whether there was anything."""
        calls = self.reactor.getDelayedCalls()
        if not calls:
            return False
        due = min(call.getTime() for call in calls)
        self.reactor.advance(max(0.0, due - self.reactor.seconds()))
        return True

    def _planned(self, call: int) -> VirtualLineParameters:
        return self.plan(call)

    def _cut_line(self) -> None:
        latest = self.line.latest
        if latest is not None:
            latest.cut()

    def _machine_channel(
        self, identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        if self.real_channel:
            return MachineChannel(identity, server)
        return DoubleMachineChannel(identity, server, self._next_seed())

    def _server_channel(self) -> ServerChannelPort:
        if self.real_channel:
            return ServerChannel(self.keys.identity)
        return DoubleServerChannel(self.keys.identity, self._next_seed())

    def _next_seed(self) -> bytes:
        return b"%s %d" % (self._seed, next(self._seeds))


def new_pair(
    folder: Path, keys: Keys, *, deposited_paise: int, real_channel: bool = True
) -> Pair:
    """Make a pair that is enrolled, installed and funded, and has not dialled.

    Args:
        folder: An empty folder for the books.
        keys: The server's.
        deposited_paise: What the licensee has paid in.
        real_channel: See `Pair`.
    """
    nvram = new_parties(folder, keys)
    pair = Pair(folder, nvram, keys, b"new system", real_channel=real_channel)
    pair.begin_service(deposited_paise)
    return pair


def cut_after(octets: int) -> CallPlan:
    """Plan a line whose carrier is lost after so many octets, both ways together."""
    return every_call(replace(LINE, cut_after_octets=octets))
