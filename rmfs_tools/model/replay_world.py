"""What a replay stands on: real memories, real calls, a server with real books."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

from fm_device.psd.device import Psd
from fm_device.psd.records import PsdRecord
from hw.clock import MemoryWallClock
from hw.database import open_store
from hw.entropy import SeededEntropy
from protocol.channel import MachineChannelPort
from protocol.keys import MachineIdentity, ServerCredential
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.store.acts import By
from rmfs_tools.model.replay_call import Did, ReplayCall, prevented
from rmfs_tools.model.replay_parts import FusedNvram, OpenChannel, Played
from rmfs_tools.model.replay_start import Start, database_of
from rmfs_tools.simulation.pair_books import BooksSeen, see_books
from rmfs_tools.simulation.pair_mortal import SwitchedHook
from rmfs_tools.simulation.pair_parties import BEGAN, LICENCE


class ReplayBody:
    """A machine: its memory, and the PSD while it is switched on."""

    def __init__(self, image: bytes, switch_on: Callable[[FusedNvram], Psd]) -> None:
        """Switch a machine on that has this memory."""
        self._switch_on = switch_on
        self.nvram = FusedNvram(image)
        self.psd = switch_on(self.nvram)

    def restart(self, image: bytes | None = None) -> None:
        """Switch off and on, with another memory if one is given."""
        self.nvram = FusedNvram(self.nvram.image() if image is None else image)
        self.psd = self._switch_on(self.nvram)

    @property
    def record(self) -> PsdRecord:
        """What is stored."""
        return self.psd.record


class ReplayWorld:
    """Machines, their calls, and a server with its books.

    Attributes:
        wall: The time of day.
        now: Seconds since the beginning.
        keys: The server's.
        store: The database.
        hook: Stands around the server's commits.
        bodies: The machines.
        calls: All calls, by the model's numbers.
        in_call: Which call a machine is in.
        vouchers: All that were sent, in the order of their first sending.
        played: What is put on the line without a channel.
        books: Of this life of the server.
    """

    def __init__(self, folder: Path, start: Start) -> None:
        """Begin from `start` with books in an empty folder."""
        self.wall = MemoryWallClock(BEGAN)
        self.now = 0.0
        self.keys = start.keys
        self.hook = SwitchedHook()
        self.store = open_store(f"sqlite:///{folder / 'books.sqlite'}", self.hook)
        with database_of(self.store) as database:
            start.books.backup(database)
        self.played = Played()
        self._seeds = count()
        self.bodies = [ReplayBody(start.image, self._psd)]
        self.calls: dict[int, ReplayCall] = {}
        self.in_call: dict[int, ReplayCall] = {}
        self.vouchers: list[bytes] = []
        self.books = self._books()

    def close(self) -> None:
        """Close the books."""
        self.store.close()

    def pass_time(self) -> None:
        """Let a second pass, so that no two steps happen at once."""
        self.now += 1
        self.wall.advance(1)

    def see_books(self) -> BooksSeen:
        """Read what the books say."""
        return see_books(self.store, LICENCE)

    @property
    def administration(self) -> Administration:
        """The moves of the server's operators."""
        return Administration(self.store, self.keys.credit)

    @property
    def by(self) -> By:
        """Who acts in a replay."""
        return By("replay", "a replay of the model", self.wall.now())

    def start_server(self) -> None:
        """End the server's process and start it again."""
        for made in self.calls.values():
            made.end_server()
        self.books = self._books()

    def switch_off(self, body: int) -> None:
        """Switch a machine off and on."""
        made = self.in_call.pop(body, None)
        if made is not None:
            made.end_machine()
        self.bodies[body].restart()

    def clone(self) -> None:
        """Copy the memory of the first machine into another one."""
        self.bodies.append(ReplayBody(self.bodies[0].nvram.image(), self._psd))

    def ask_books(self, call: int) -> Did:
        """Give the server what has arrived, and its books the question."""
        made = self.calls.get(call)
        if made is None:
            return prevented("there is no such call")
        return self.ask(made)

    def ask(self, made: ReplayCall) -> Did:
        """The same for a call."""
        return made.ask_books(self.books, self.now, self.wall.now())

    def new_seed(self, of: bytes) -> bytes:
        """Choose other octets for each channel and each life of the server."""
        return of + b" %d" % next(self._seeds)

    def _books(self) -> Books:
        seed = self.new_seed(b"marks")
        return Books(self.store, self.keys.credit, SeededEntropy(seed))

    def _psd(self, nvram: FusedNvram) -> Psd:
        return Psd(nvram, self.wall, self._machine_channel)

    def _machine_channel(
        self, identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        seed = self.new_seed(b"machine")
        return OpenChannel(identity, server, seed, self.played)
