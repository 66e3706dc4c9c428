"""The bank of a rehearsal: the simulated bank, and the gateway's run at night.

What stands at the bank is taken as the nightly job takes it, without the network.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, Protocol

from asyncssh import import_private_key

from dop_gateway.bank import service, taking
from dop_gateway.bank.model import Address, Bank, BankCode, BankKind
from dop_gateway.bank.nightly import NEIGHBOURS
from dop_gateway.bank.taking import Delivered
from dop_gateway.bank.work import Rules, Work
from dop_gateway.simulators.bank import (
    BankBooks,
    Fault,
    MadeDay,
    MadeFile,
    PaidIn,
    Seal,
    make_day,
)
from hw.entropy import SeededEntropy
from protocol.exchange import shipped_layouts
from protocol.keys import Realm, SigningKey
from rmfs_tools.rehearsal.department import Department

CODE: Final = BankCode("SBI")
ACCOUNT: Final = "30000000001"
_KEY_ID: Final = "sbi-1"


class House(Protocol):
    """The simulated bank itself, wherever its books are."""

    def seal(self) -> Seal:
        """Give what its files are made with."""
        ...

    def make(
        self, day: date, payments: Iterable[PaidIn], faults: Iterable[Fault]
    ) -> MadeDay:
        """Let a day pass; its books are closed."""
        ...


class HouseInMemory:
    """A bank that is gone when the rehearsal is over."""

    def __init__(self, seed: int) -> None:
        """Begin with nothing on the Department's account."""
        self._books = BankBooks(CODE, ACCOUNT)
        self._key = SigningKey.generate(SeededEntropy(f"the bank, {seed}".encode()))

    def seal(self) -> Seal:
        """Give what its files are made with."""
        return Seal(shipped_layouts(), self._key, _KEY_ID, Realm.TEST)

    def make(
        self, day: date, payments: Iterable[PaidIn], faults: Iterable[Fault]
    ) -> MadeDay:
        """Let a day pass."""
        made = make_day(self._books, day, payments, self.seal(), faults=faults)
        self._books = made.books
        return made


class Standing:
    """Files that stand at somebody outside until the gateway takes them at night."""

    def __init__(self, department: Department, bank: Bank) -> None:
        """Tell the gateway of who hands over.

        Args:
            department: The gateway and its people.
            bank: A bank, or another that hands files over, as the gateway knows it.
        """
        self._department = department
        self._bank = bank
        self._files: list[MadeFile] = []
        with department.parts.store.writing("a bank") as connection:
            service.put(connection, bank, department.by("director"))

    def put_out(self, files: Iterable[MadeFile]) -> None:
        """Let files stand there, in this order."""
        self._files += files

    def fetched(self, day: date) -> None:
        """Take what stands there, as at 22:00 of a day, and name what is missing."""
        parts, by = self._department.parts, self._department.program
        rules = Rules(parts.exchange.layouts, parts.exchange.realm, NEIGHBOURS)
        for file in self._files:
            with parts.store.writing("take a file of a bank") as connection:
                work = Work(connection, self._bank, by, rules)
                taking.take(work, Delivered(file.name, file.octets, by.now))
        self._files.clear()
        with parts.store.writing("look for files of a bank") as connection:
            taking.missing(Work(connection, self._bank, by, rules), day)


class RehearsedBank:
    """A bank that makes its files every evening, and is known to the gateway."""

    def __init__(self, department: Department, house: House, bank: Bank) -> None:
        """Tell the gateway of the bank.

        Args:
            department: The gateway and its people.
            house: Makes the files.
            bank: As the gateway knows it.
        """
        self._house = house
        self._standing = Standing(department, bank)

    def close_day(
        self, day: date, payments: Iterable[PaidIn], faults: Sequence[Fault]
    ) -> MadeDay:
        """Make the files of a day, with these mistakes."""
        made = self._house.make(day, payments, faults)
        self._standing.put_out(made.files)
        return made

    def fetched(self, day: date) -> None:
        """Take what stands at the bank, as at 22:00 of a day."""
        self._standing.fetched(day)


def nowhere(department: Department) -> Address:
    """Give an address that no network leads to: no server has this host key."""
    # It is our own key; the gateway takes no other form of an address.
    ours = import_private_key(department.parts.bank_ssh_key)
    host_key = ours.export_public_key().decode("ascii").strip()
    return Address("bank.invalid", 22, "dop", host_key, "/")


def bank_in_memory(department: Department, seed: int) -> RehearsedBank:
    """Make a bank that no network leads to."""
    house = HouseInMemory(seed)
    bank = Bank(
        code=CODE,
        kind=BankKind.BANK,
        name="The bank of the rehearsal",
        account=ACCOUNT,
        address=nowhere(department),
        key_id=_KEY_ID,
        key=house.seal().key.public.point,
        in_use=True,
    )
    return RehearsedBank(department, house, bank)
