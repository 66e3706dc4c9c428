"""A recharge server in a folder, with machines in memory that are enrolled and funded.

Everything follows from a seed, so that the process that serves and the one that calls
need to agree on nothing but the folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fm_device.folder import read_papers
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import SystemWallClock
from hw.entropy import SeededEntropy, SystemEntropy
from hw.nvram import MemoryNvram
from protocol.errors import InvariantError
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import Realm
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.administration import Administration
from rmfs_server.enrolling import NewLicence
from rmfs_server.folder import (
    MAKER_KEY,
    PROVISIONING,
    Settings,
    create_server,
    open_books,
    read_server,
)
from rmfs_server.funds import import_fund_file
from rmfs_server.store.acts import By

FUNDS_PAISE: Final = Paise(50_000_000)
"""Of each machine: five thousand recharges of Rs 100."""
_PIN_CODE: Final = 560001
_LICENSEE: Final = "Bench Stationers, Bengaluru"
_YEARS: Final = 5
_TOGETHER: Final = 100
"""Enrolled in one transaction: a server that runs meanwhile waits for no more."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A machine that calls.

    Attributes:
        psd: Its security device, in memory.
    """

    licence: LicenceIdentifier
    psd: Psd


def make_server(folder: Path, database: str = "") -> None:
    """Make a server of the realm TEST in a new folder.

    Args:
        folder: Where.
        database: URL of its books; empty: a SQLite file in the folder.
    """
    create_server(
        folder,
        Settings("bench", Realm.TEST, database=database),
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
        maker_name="BENCH",
    )


def seat_machines(folder: Path, count: int, first: int = 0) -> list[Seat]:
    """Make machines, enrol them at the server of a folder, and pay for each.

    Args:
        folder: The server's.
        count: How many.
        first: Number of the first one; each number is used once.

    Raises:
        InvariantError: A payment was not taken.
    """
    seats = make_machines(folder, count, first)
    enrol_machines(folder, seats)
    return seats


def make_machines(folder: Path, count: int, first: int = 0) -> list[Seat]:
    """Make machines that trust the server of a folder; it does not know them yet.

    Args:
        folder: The server's.
        count: How many.
        first: Number of the first one; it chooses the keys of all.
    """
    clock = SystemWallClock()
    papers = read_papers(folder / MAKER_KEY, folder / PROVISIONING, Realm.TEST)
    entropy = SeededEntropy(b"bench recharge %d" % first)
    seats = []
    for number in range(first, first + count):
        licence = LicenceIdentifier(f"N{number:06d}")
        nvram = MemoryNvram.erased(NVRAM_OCTETS)
        manufacture(
            nvram,
            psd_serial=f"B{number:07d}",
            licence=licence,
            realm=Realm.TEST,
            servers=[papers.server],
            maker=papers.maker.public,
            entropy=entropy,
            clock=clock,
        )
        psd = Psd(nvram, clock)
        psd.install(_PIN_CODE)
        seats.append(Seat(licence, psd))
    return seats


def enrol_machines(folder: Path, seats: Sequence[Seat]) -> None:
    """Enrol machines at the server of a folder, and pay for each.

    Args:
        folder: The server's.
        seats: What `make_machines` gave, at least one.

    Raises:
        InvariantError: A payment was not taken.
        MoveRefusedError: One of them was enrolled before.
    """
    clock = SystemWallClock()
    server = read_server(folder)
    today = business_date(clock.now())
    expires = today.replace(year=today.year + _YEARS, day=1)
    papers = [
        (
            seat.psd.provisioning(clock.now()),
            NewLicence(_number_of(seat.licence), _LICENSEE, expires),
        )
        for seat in seats
    ]
    with open_books(folder) as store:
        office = Administration(store, server.credit_key)
        by = By("bench", "a machine that calls", clock.now())
        for begin in range(0, len(papers), _TOGETHER):
            office.enrol_all(papers[begin : begin + _TOGETHER], by)
        deposits = tuple(
            DetailLine(
                line_id=str(number + 1),
                licence=seat.licence,
                licence_number=_number_of(seat.licence),
                licensee=_LICENSEE,
                amount_paise=FUNDS_PAISE,
                mode=PaymentMode.NETBANKING,
                value_date=today,
                available_from=today,
            )
            for number, seat in enumerate(seats)
        )
        file = FundFile.by_hand(
            f"FND-N-BENCH-{int(seats[0].licence[1:])}", "N", today, deposits
        )
        report = import_fund_file(
            store, encode_fund_file(file), clock.now(), "the bench"
        )
    if len(report.applied) != len(seats):
        message = f"{len(report.applied)} of {len(seats)} payments were taken"
        raise InvariantError(message)


def _number_of(licence: LicenceIdentifier) -> LicenceNumber:
    return LicenceNumber(f"KN01{int(licence[1:]) % 100_000:05d}")
