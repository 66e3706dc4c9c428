"""A franking machine on paper: registers, number, mark and keys, without NVRAM or line.

It signs what a PSD signs and applies what a PSD applies, so that the books can be tried
without a dialogue. What it says may be bent by the test before it is signed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from hw.database import CommitHook, Store
from hw.database.ledger_checks import Finding
from hw.entropy import SeededEntropy
from protocol.dialogue.server import Closed, Delivered, SignedOctets
from protocol.keys import CreditKey, MachineIdentity, MachineProvisioning, Realm
from protocol.messages import (
    SIGNATURE_OCTETS,
    Confirmation,
    Goodbye,
    Statement,
    UsageRow,
    Voucher,
)
from protocol.registers import (
    MachineState,
    Registers,
    RequestKind,
    after_frank,
    after_voucher,
)
from protocol.usage import usage_digest
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    OrderSerial,
    Paise,
    RechargeNumber,
)
from rmfs_server.administration import Administration
from rmfs_server.books import Books, Turn
from rmfs_server.enrolling import NewLicence
from rmfs_server.keyring import FindKey, no_later_key
from rmfs_server.resolving import Resolving
from rmfs_server.store import ledger
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_server.store.schema import JournalKind
from rmfs_server.store.verify import verify_books
from tests.migrated import open_migrated

NOW = EpochSeconds(1_790_000_000)
LICENCE = LicenceIdentifier("N123456")
NEW = NewLicence(LicenceNumber("KN0600065"), "Asha Traders", date(2030, 12, 31))
BY = By("asha", "a test", NOW)


class PaperMachine:
    """One machine; its attributes are what its NVRAM would hold."""

    def __init__(
        self,
        licence: LicenceIdentifier = LICENCE,
        serial: str = "PSD00001",
        *,
        seed: bytes = b"machine",
        registers: Registers | None = None,
        number: int = 0,
    ) -> None:
        zero = Registers(Paise(0), Paise(0), Paise(0), 0, 0)
        self.identity = MachineIdentity.generate(
            licence, serial, Realm.TEST, SeededEntropy(seed)
        )
        self.registers = zero if registers is None else registers
        self.state = MachineState.IN_SERVICE
        self.number = RechargeNumber(number)
        self.mark = bytes(8)
        self.dial_in = 0
        self.order_serial = OrderSerial(0)
        self.capabilities = 0
        self.usage: dict[int, UsageRow] = {}

    @property
    def licence(self) -> LicenceIdentifier:
        return self.identity.licence_identifier

    @property
    def provisioning(self) -> MachineProvisioning:
        registers = self.registers
        return MachineProvisioning(
            credential=self.identity.credential,
            model="PAPER-1",
            firmware="1.0.0",
            ascending_paise=registers.ascending_paise,
            descending_paise=registers.descending_paise,
            control_total_paise=registers.control_total_paise,
            items=registers.items,
            zero_items=registers.items_with_zero - registers.items,
            recharge_number=self.number,
            issued=NOW,
        )

    def frank(self, value: int, product_class: int = 1) -> None:
        after = after_frank(self.registers, Paise(value))
        assert after is not None
        self.registers = after
        row = self.usage.get(product_class, UsageRow(product_class, 0, Paise(0)))
        self.usage[product_class] = UsageRow(
            product_class, row.items + 1, Paise(row.amount_paise + value)
        )

    def state_registers(
        self,
        request: RequestKind = RequestKind.INSPECTION,
        amount: int = 0,
        **bent: Any,
    ) -> tuple[Statement, SignedOctets]:
        """Dial: sign a STATEMENT of a new channel, bent as the test says."""
        self.dial_in += 1
        statement = Statement(
            version=1,
            capabilities=self.capabilities,
            licence=self.licence,
            psd_serial=self.identity.psd_serial.encode("ascii"),
            firmware_major=1,
            firmware_minor=0,
            firmware_patch=0,
            state=self.state,
            registers=self.registers,
            recharge_number=self.number,
            order_serial=self.order_serial,
            mark=self.mark,
            usage_digest=usage_digest(tuple(self.usage.values())),
            time=NOW,
            dial_in=self.dial_in,
            request=request,
            amount_paise=Paise(amount),
            signature=bytes(SIGNATURE_OCTETS),
        )
        statement = replace(statement, **bent)
        signed = self._sign("STATEMENT", statement.encode())
        return Statement.decode(signed.octets), signed

    def apply(self, octets: bytes) -> None:
        """Do what a PSD does with a voucher that is the next one."""
        voucher = Voucher.decode(octets)
        after = after_voucher(self.registers, voucher.kind, voucher.amount_paise)
        assert after is not None
        assert voucher.recharge_number == self.number + 1
        before = self.registers.control_total_paise
        assert voucher.control_total_before_paise == before
        assert after.control_total_paise == voucher.control_total_after_paise
        self.registers = after
        self.number = voucher.recharge_number

    def confirm(self) -> tuple[Confirmation, SignedOctets]:
        confirmation = Confirmation(
            licence=self.licence,
            recharge_number=self.number,
            registers=self.registers,
            state=self.state,
            signature=bytes(SIGNATURE_OCTETS),
        )
        signed = self._sign("CONFIRMATION", confirmation.encode())
        return Confirmation.decode(signed.octets), signed

    def take(self, closed: Closed) -> Goodbye:
        """Store the mark and the orders of a RECEIPT."""
        self.mark = closed.receipt.mark
        for order in closed.orders:
            self.order_serial = order.order_serial
        return Goodbye(self.mark, self.order_serial)

    def _sign(self, context: str, octets: bytes) -> SignedOctets:
        binding = SeededEntropy(b"channel%d" % self.dial_in).octets(32)
        covered = octets[:-SIGNATURE_OCTETS]
        signature = self.identity.sign(context, binding + covered)
        return SignedOctets(covered + signature, binding)


@dataclass
class Office:
    """Books with everything that acts on them."""

    store: Store
    books: Books
    administration: Administration
    resolving: Resolving
    credit_key: CreditKey

    def enrolled(self, deposited: int, recharged: int = 0) -> PaperMachine:
        """Give a machine with funds, of which voucher 1 has brought it a part."""
        machine = PaperMachine()
        self.administration.enrol(machine.provisioning, NEW, BY)
        self.deposit(deposited)
        if recharged:
            self.recharge(machine, recharged)
        return machine

    def deposit(
        self,
        amount: int,
        licence: LicenceIdentifier = LICENCE,
        now: EpochSeconds = NOW,
    ) -> None:
        with self.store.writing("deposit") as connection:
            funds = ledger.funds_of(licence)
            before = ledger.balance_paise(connection, funds)
            ledger.post(
                connection,
                idem=f"deposit:{licence}:{before}:{amount}",
                request_hash=bytes(32),
                kind=JournalKind.DEPOSIT,
                entries=[(ledger.DEPARTMENT, -amount), (funds, amount)],
                now=now,
                reason="a test",
            )

    def balances(self, licence: LicenceIdentifier = LICENCE) -> tuple[int, int, int]:
        """Give funds, reserved and machine."""
        names = (ledger.funds_of, ledger.reserved_of, ledger.machine_of)
        with self.store.reading() as connection:
            funds, reserved, machine = (
                ledger.balance_paise(connection, name(licence)) for name in names
            )
        return funds, reserved, machine

    def findings(self) -> list[Finding]:
        with self.store.reading() as connection:
            return verify_books(connection)

    def state(self, machine: PaperMachine, *request: Any, **bent: Any) -> Any:
        """Let the machine dial and its STATEMENT be judged."""
        return self.books.judge_statement(
            *machine.state_registers(*request, **bent), NOW
        )

    def recharge(self, machine: PaperMachine, amount: int) -> Turn:
        """Do a whole dial-in with a recharge."""
        turn, delivered = self.state(machine, RequestKind.RECHARGE, amount)
        assert isinstance(delivered, Delivered)
        machine.apply(delivered.voucher)
        closed = self.books.judge_confirmation(turn, *machine.confirm(), NOW)
        assert isinstance(closed, Closed)
        self.books.store_goodbye(turn, machine.take(closed), NOW)
        assert isinstance(turn, Turn)
        return turn

    def inspect(self, machine: PaperMachine) -> Closed:
        """Do a whole dial-in with nothing asked."""
        turn, closed = self.state(machine)
        assert isinstance(closed, Closed)
        self.books.store_goodbye(turn, machine.take(closed), NOW)
        return closed


def build_office(
    store: Store,
    *,
    two_persons: bool = False,
    seed: bytes = b"marks",
    later_keys: FindKey = no_later_key,
) -> Office:
    """Put books on a store; the same seed draws the same marks."""
    credit_key = CreditKey.generate(1, Realm.TEST, SeededEntropy(b"credit"))
    return Office(
        store,
        Books(store, credit_key, SeededEntropy(seed), later_keys),
        Administration(store, credit_key, later_keys),
        Resolving(store, two_persons=two_persons),
        credit_key,
    )


@contextmanager
def office_at(
    url: str, hook: CommitHook | None = None, later_keys: FindKey = no_later_key
) -> Iterator[Office]:
    """Open an office on an empty database; money must add up when it closes."""
    store = open_migrated(url, migrate, hook)
    try:
        office = build_office(store, later_keys=later_keys)
        yield office
        assert office.findings() == []
    finally:
        store.close()
