"""Where every replay begins: an enrolled machine, and books with funds in them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fm_device.psd.device import Psd
from hw.clock import MemoryWallClock
from hw.database import Store, open_store
from protocol.errors import InvariantError
from rmfs_server.administration import Administration
from rmfs_server.store.acts import By
from rmfs_tools.simulation.pair_parties import (
    BEGAN,
    NEW_LICENCE,
    PIN_CODE,
    Keys,
    deposit,
    make_keys,
    new_parties,
)

STEP_PAISE: Final = 200_000
"""The model's unit of money: Rs 2,000, the least first deposit (RMFS-03)."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where every replay begins: enrolled, installed, funds paid in.

    Attributes:
        keys: The server's.
        image: The memory of the machine.
        books: The database, in memory.
    """

    keys: Keys
    image: bytes
    books: sqlite3.Connection


def prepare(folder: Path, deposit_steps: int) -> Start:
    """Make the machine and the books from which replays begin, in an empty folder."""
    keys = make_keys()
    nvram = new_parties(folder, keys)
    clock = MemoryWallClock(BEGAN)
    psd = Psd(nvram, clock)
    psd.install(PIN_CODE)
    store = open_store(f"sqlite:///{folder / 'books.sqlite'}")
    by = By("replay", "a replay of the model", clock.now())
    administration = Administration(store, keys.credit)
    administration.enrol(psd.provisioning(clock.now()), NEW_LICENCE, by)
    deposit(store, deposit_steps * STEP_PAISE, clock.now())
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with database_of(store) as database:
        database.backup(kept)
    store.close()
    return Start(keys, nvram.image(), kept)


@contextmanager
def database_of(store: Store) -> Iterator[sqlite3.Connection]:
    """Reach the database below the engine, between two transactions."""
    raw = store.engine.raw_connection()
    try:
        database = raw.driver_connection
        if not isinstance(database, sqlite3.Connection):
            raise InvariantError("a replay keeps its books in SQLite")
        yield database
    finally:
        raw.close()
