"""The bank of a rehearsal: the simulated bank, and the gateway's run at night.

What stands at the bank is taken as the nightly job takes it, without the network.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from asyncssh import import_private_key

from dop_gateway.bank import service, taking
from dop_gateway.bank.model import Address, Bank, BankCode, BankKind
from dop_gateway.bank.nightly import NEIGHBOURS
from dop_gateway.bank.taking import Delivered
from dop_gateway.bank.work import Rules, Work
from dop_gateway.simulators.bank import (
    BankBooks,
    Fault,
    Injected,
    MadeDay,
    MadeFile,
    PaidIn,
    Seal,
    make_day,
)
from hw.entropy import SeededEntropy
from protocol.keys import Realm, SigningKey
from rmfs_tools.rehearsal.department import Department

CODE: Final = BankCode("SBI")
ACCOUNT: Final = "30000000001"
_KEY_ID: Final = "sbi-1"


class RehearsedBank:
    """A bank that makes its files every evening.

    Attributes:
        injected: Every mistake that it has made on purpose.
    """

    def __init__(self, department: Department, seed: int) -> None:
        """Open the Department's account, and tell the gateway of the bank."""
        self.injected: list[Injected] = []
        self._department = department
        self._standing: list[MadeFile] = []
        self._books = BankBooks(CODE, ACCOUNT)
        key = SigningKey.generate(SeededEntropy(f"the bank, {seed}".encode()))
        layouts = department.parts.exchange.layouts
        self._seal = Seal(layouts, key, _KEY_ID, Realm.TEST)
        host_key = import_private_key(department.parts.bank_ssh_key)
        told = host_key.export_public_key().decode().strip()
        self._bank = Bank(
            code=CODE,
            kind=BankKind.BANK,
            name="The bank of the rehearsal",
            account=ACCOUNT,
            address=Address(
                "bank.invalid",
                22,
                "dop",
                told,
                "/",
            ),
            key_id=_KEY_ID,
            key=key.public.point,
            in_use=True,
        )
        with department.parts.store.writing("a bank") as connection:
            service.put(connection, self._bank, department.by("director"))

    def close_day(
        self, day: date, payments: Iterable[PaidIn], faults: Sequence[Fault]
    ) -> MadeDay:
        """Make the files of a day, with these mistakes."""
        made = make_day(self._books, day, payments, self._seal, faults=faults)
        self._books = made.books
        self._standing += made.files
        self.injected += made.injected
        return made

    def fetched(self, day: date) -> None:
        """Take what stands at the bank, as at 22:00 of a day."""
        parts, by = self._department.parts, self._department.program
        rules = Rules(parts.exchange.layouts, parts.exchange.realm, NEIGHBOURS)
        for file in self._standing:
            with parts.store.writing("take a file of a bank") as connection:
                work = Work(connection, self._bank, by, rules)
                taking.take(work, Delivered(file.name, file.octets, by.now))
        self._standing.clear()
        with parts.store.writing("look for files of a bank") as connection:
            taking.missing(Work(connection, self._bank, by, rules), day)
