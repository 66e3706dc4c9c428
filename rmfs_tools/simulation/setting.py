"""Where every world begins: keys, enrolled machines and books, made once.

Making keys, memories and tables takes longer than a simulated day, so that the worlds
of one process begin from copies. All keys are the same in every world; the seed chooses
what happens to them. Each machine is enrolled and has not dialled.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import put_factory_tariff
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import MemoryWallClock, epoch_seconds
from hw.database import open_store
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.keys import CreditKey, MakerKey, Realm, ServerIdentity, ServerProvisioning
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.administration import Administration
from rmfs_server.enrolling import NewLicence
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate

BEGAN: Final = datetime(2026, 11, 16, 3, 30, tzinfo=UTC)
"""A Monday, 09:00 in India."""
PIN_CODE: Final = 560001
EXPIRES_ON: Final = date(2031, 8, 15)
BOOKS: Final = "books.sqlite"

_KEYS: Final = SeededEntropy(b"keys of the simulation")
IDENTITY: Final = ServerIdentity.generate("SIMULATION", Realm.TEST, 1, _KEYS)
CREDIT_KEY: Final = CreditKey.generate(1, Realm.TEST, _KEYS)
MAKER_KEY: Final = MakerKey.generate("MAKER", Realm.TEST, _KEYS)


@dataclass(frozen=True)
class Setting:
    """Where a world begins.

    Attributes:
        books: The database file.
        memories: PSD memory and flash of each machine.
    """

    books: bytes
    memories: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Papers:
    """The licence of one life of a machine.

    Attributes:
        identifier: Its licence identifier.
        new: What is registered of it.
    """

    identifier: LicenceIdentifier
    new: NewLicence


@lru_cache(maxsize=256)
def papers_of(machine: int, life: int = 1) -> Papers:
    """Give the licence of a machine in one of its lives, both counted from 1."""
    number = 1_000 * life + machine
    return Papers(
        LicenceIdentifier(f"N{100_000 + number}"),
        NewLicence(
            LicenceNumber(f"KN{number:07d}"),
            f"Licensee {machine}, Bengaluru",
            EXPIRES_ON,
        ),
    )


@lru_cache(maxsize=4)
def setting(machines: int) -> Setting:
    """Make the beginning of a world with so many machines, or give it again."""
    memories = [_memories(number) for number in range(1, machines + 1)]
    images = tuple((nvram.image(), flash.image()) for nvram, flash in memories)
    return Setting(_books([nvram for nvram, _ in memories]), images)


def _memories(machine: int) -> tuple[MemoryNvram, MemoryNvram]:
    """Make the memories of a machine that was installed and has not dialled."""
    clock = MemoryWallClock(BEGAN)
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    flash = MemoryNvram.erased(FLASH_OCTETS)
    credential = IDENTITY.credential.with_credit_key(
        CREDIT_KEY.key_id, CREDIT_KEY.signing.public
    )
    manufacture(
        nvram,
        psd_serial=f"SIM{machine:05d}",
        licence=papers_of(machine).identifier,
        realm=Realm.TEST,
        servers=[ServerProvisioning(credential, clock.now())],
        maker=MAKER_KEY.public,
        entropy=SeededEntropy(b"keys of machine %d" % machine),
        clock=clock,
        contents=(put_factory_tariff(flash, MAKER_KEY, clock.now()),),
    )
    Psd(nvram, clock).install(PIN_CODE)
    return nvram, flash


def _books(machines: Sequence[MemoryNvram]) -> bytes:
    """Make the books in which these machines are enrolled."""
    clock = MemoryWallClock(BEGAN)
    by = By("simulation", "the beginning of a world", epoch_seconds(BEGAN))
    with TemporaryDirectory() as folder:
        path = Path(folder) / BOOKS
        store = open_store(f"sqlite:///{path}")
        try:
            migrate(store)
            administration = Administration(store, CREDIT_KEY)
            for number, nvram in enumerate(machines, start=1):
                papers = papers_of(number)
                provisioning = Psd(nvram, clock).provisioning(clock.now())
                administration.enrol(provisioning, papers.new, by)
                administration.set_licence(papers.identifier, by, refund_allowed=True)
        finally:
            store.close()
        return _one_file(path)


def _one_file(path: Path) -> bytes:
    """Read a database with everything in the one file."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return path.read_bytes()
