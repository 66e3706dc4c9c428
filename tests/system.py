"""A whole system in one process and in virtual time, for tests.

It is the product's own `rmfs_tools.simulation.pair`, with the real channel, whose
findings are asserted. A `System` can be copied into another folder, so that one that is
enrolled and funded is set up as often as a test needs it.
"""

import shutil
from datetime import date
from pathlib import Path

from sqlalchemy import select

from fm_device.dial_in import DialInReport
from hw.database import CommitHook, Store
from hw.nvram import MemoryNvram
from protocol.dialogue.machine import Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_server.store import schema
from rmfs_server.store.acts import By
from rmfs_tools.simulation.pair import LINE, Pair, cut_after
from rmfs_tools.simulation.pair_mortal import KilledAt
from rmfs_tools.simulation.pair_parties import (
    BEGAN,
    LICENCE,
    LICENSEE,
    NUMBER,
    SERIAL,
    deposit,
    make_keys,
    new_parties,
)

__all__ = [
    "BEGAN",
    "CREDIT_KEY",
    "IDENTITY",
    "LICENCE",
    "LICENSEE",
    "LINE",
    "MAKER",
    "MAKER_KEY",
    "NUMBER",
    "OPENED",
    "RUPEES_2000",
    "RUPEES_3000",
    "SERIAL",
    "KilledAt",
    "System",
    "cut_after",
    "new_system",
]

RUPEES_2000 = Request(RequestKind.RECHARGE, Paise(200_000))
RUPEES_3000 = Request(RequestKind.RECHARGE, Paise(300_000))
DEPOSITED_PAISE = 500_000

OPENED: list[Store] = []
"""Stores that the systems of a test have opened; conftest closes them behind it."""

KEYS = make_keys()
IDENTITY = KEYS.identity
CREDIT_KEY = KEYS.credit
MAKER_KEY = KEYS.maker
MAKER = MAKER_KEY.public


class System(Pair):
    """One machine, one server with its books in a folder, and a line between them."""

    def __init__(self, folder: Path, nvram: MemoryNvram, entropy: bytes) -> None:
        super().__init__(folder, nvram, KEYS, entropy)
        OPENED.append(self.store)

    def copy(self, folder: Path, number: int) -> "System":
        """Set the same situation up again in another folder."""
        self.store.close()
        folder.mkdir()
        for path in self.folder.iterdir():
            shutil.copy(path, folder / path.name)
        return System(folder, MemoryNvram(self.nvram.image()), b"copy %d" % number)

    def start_server(
        self, hook: CommitHook | None = None, *, dies_before_job: int | None = None
    ) -> None:
        """Start a server; conftest closes what it opens anew."""
        super().start_server(hook, dies_before_job=dies_before_job)
        OPENED.append(self.store)

    def by(self, reason: str = "a test") -> By:
        return By("tester", reason, self.wall.now())

    def dial_until_quiet(self, request: Request, most: int = 4) -> list[DialInReport]:
        """Dial until nothing is pending and the server was heard to the end."""
        reports = []
        for _ in range(most):
            report = self.dial(request)
            reports.append(report)
            if report.receipt is not None and report.pending is None:
                return reports
        raise AssertionError(f"not quiet after {most} dial-ins: {reports}")

    def deposit(
        self, amount_paise: int, available: date = date(2026, 11, 17), number: int = 1
    ) -> None:
        """Import a fund file with one deposit."""
        now = self.wall.now()
        deposit(self.store, amount_paise, now, available=available, number=number)

    def balance(self, account: str) -> int:
        """Sum the entries of an account, whatever its cached balance says."""
        return self.see_books().balance(account)

    def open_recharges(self) -> int:
        return len(self.see_books().opened)

    def check_money(self) -> None:
        """The oracle after anything: nothing lost, nothing doubled."""
        assert self.money_findings() == []

    def check_quiet(self, control_total_paise: int) -> None:
        """The oracle at rest: both sides agree and nothing is in doubt."""
        assert self.quiet_findings(control_total_paise) == []

    def frozen(self) -> bool:
        return self.see_books().frozen

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table, for comparing before and after."""
        with self.store.reading() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in connection.execute(select(table))), key=repr
                )
                for table in schema.metadata.sorted_tables
            }


def new_system(folder: Path) -> System:
    """Make a system that is enrolled, installed and funded, and has not dialled."""
    folder.mkdir(exist_ok=True)
    system = System(folder, new_parties(folder, KEYS), b"new system")
    system.begin_service(DEPOSITED_PAISE)
    return system
