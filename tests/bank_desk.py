"""A simulated bank of a test, and the gateway that takes its files."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Final

from sqlalchemy import Connection

from dop_gateway.bank import store as banks
from dop_gateway.bank import taking
from dop_gateway.bank.judging import Named
from dop_gateway.bank.model import Address, Bank, BankCode, BankFile, BankKind
from dop_gateway.bank.neighbours import Neighbours, Paid, Realised, TakenBack
from dop_gateway.bank.taking import Delivered
from dop_gateway.bank.work import Rules, Work
from dop_gateway.identity.model import By
from dop_gateway.simulators.bank import (
    BankBooks,
    Fault,
    MadeDay,
    MadeFile,
    PaidIn,
    Seal,
    make_day,
)
from hw.clock import epoch_seconds
from hw.database import Store
from protocol.exchange import shipped_layouts
from protocol.keys import Realm, SigningKey, public_point
from protocol.parameters import INDIA
from protocol.values import Paise
from tests.gateway import ASHA

SCALAR: Final = bytes(31) + b"\x07"
SEAL: Final = Seal(shipped_layouts(), SigningKey(SCALAR), "SBI-2026", Realm.TEST)
ADDRESS: Final = Address("127.0.0.1", 22, "dop", "", "out")
SBI: Final = Bank(
    BankCode("SBI"),
    BankKind.BANK,
    "State Bank of India",
    "30012345678",
    ADDRESS,
    SEAL.key_id,
    public_point(SCALAR),
    in_use=True,
)
CENTRAL: Final = replace(
    SBI, code=BankCode("EPCS"), kind=BankKind.E_PAYMENT, name="Central", account=""
)
MONDAY: Final = date(2026, 11, 16)
TUESDAY: Final = date(2026, 11, 17)
WEDNESDAY: Final = date(2026, 11, 18)
BHARAT: Final = PaidIn("N123456", "KN0600065", "Bharat Stationers", Paise(200_000))
KAVERI: Final = PaidIn("N123457", "KN0600066", "Kaveri Press", Paise(350_000))


@dataclass
class Noted:
    """Neighbours that note what they are told, in order."""

    paid: list[Paid] = field(default_factory=list)
    back: list[TakenBack] = field(default_factory=list)
    realised: list[Realised] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)
    over_now: list[Named] = field(default_factory=list)

    def receive(
        self, connection: Connection, paid: Sequence[Paid], by: By
    ) -> Sequence[Named]:
        self.paid += paid
        return ()

    def realise(
        self, connection: Connection, realised: Sequence[Realised], by: By
    ) -> None:
        self.realised += realised

    def take_back(
        self, connection: Connection, back: Sequence[TakenBack], by: By
    ) -> Sequence[Named]:
        self.back += back
        return ()

    def name(self, connection: Connection, named: Sequence[Named], by: By) -> None:
        self.named += named

    def over(self, connection: Connection, named: Sequence[Named], by: By) -> None:
        self.over_now += named

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Kind and subject of what was named."""
        return [(one.kind.name, one.subject) for one in self.named]

    @property
    def waits(self) -> set[tuple[str, str]]:
        """What was named and is not over."""
        over = {(one.kind.name, one.subject) for one in self.over_now}
        return {one for one in self.kinds if one not in over}


@dataclass
class BankDesk:
    """A simulated bank and the gateway that takes its files."""

    store: Store
    neighbours: Neighbours
    bank: Bank = SBI
    books: BankBooks = field(
        default_factory=lambda: BankBooks("SBI", SBI.account, balance_paise=5_000_000)
    )

    def day(self, day: date, *paid: PaidIn, faults: Sequence[Fault] = ()) -> MadeDay:
        """Let a day of the bank pass."""
        made = make_day(self.books, day, paid, SEAL, faults=faults)
        self.books = made.books
        return made

    def take(self, files: Sequence[MadeFile], day: date) -> list[BankFile]:
        """Take files at 22:00 of a day."""
        return [self.take_one(one, day) for one in files]

    def take_one(self, file: MadeFile, day: date) -> BankFile:
        """Take a file at 22:00 of a day."""
        with self.store.writing("test") as connection:
            return taking.take(
                self.work(connection, day),
                Delivered(file.name, file.octets, at_ten(day).now),
            )

    def missing(self, day: date) -> list[str]:
        """Look what is missing at 22:00 of a day."""
        with self.store.writing("test") as connection:
            return taking.missing(self.work(connection, day), day)

    def work(self, connection: Connection, day: date) -> Work:
        """Begin a transaction of its files."""
        rules = Rules(SEAL.layouts, SEAL.realm, self.neighbours)
        return Work(connection, self.bank, at_ten(day), rules)

    def register(self) -> "BankDesk":
        """Make the bank known."""
        with self.store.writing("test") as connection:
            banks.put(connection, self.bank, ASHA.now)
        return self


def at_ten(day: date) -> By:
    """Act at 22:00 of a day."""
    now = epoch_seconds(datetime.combine(day, time(22), INDIA))
    return replace(ASHA, now=now)
