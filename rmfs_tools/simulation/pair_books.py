"""What the books say of one machine, read in one snapshot, and whether money adds up.

A check gives its findings as sentences: none is well. Machine and books are compared
as far as each can know of the other: the machine holds what is posted, or that and the
one recharge that is open, to the paisa.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from fm_device.psd.records import PsdRecord
from hw.database import Store
from protocol.registers import VoucherKind, effect_paise
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.store import schema
from rmfs_server.store.schema import RechargeState
from rmfs_server.store.verify import verify_books

_OPEN = (RechargeState.RESERVED.name, RechargeState.FROZEN.name)


@dataclass(frozen=True, slots=True)
class Opened:
    """A recharge that was granted and is not settled.

    Attributes:
        number: Its recharge number.
        kind: What its voucher does.
        amount_paise: How much.
        taken_back: A VOID for it is stored.
    """

    number: int
    kind: VoucherKind
    amount_paise: int
    taken_back: bool

    @property
    def effect_paise(self) -> int:
        """By how much its voucher changes CT, with its sign."""
        return effect_paise(self.kind, Paise(self.amount_paise))


@dataclass(frozen=True, slots=True)
class BooksSeen:
    """What the books say, whatever their cached balances say.

    Attributes:
        licence: Of the machine.
        balances: Sum of the entries of each account that has any, paise.
        opened: What is not settled; one at most, or money does not add up.
        number: The last recharge settled.
        control_total_paise: CT that the books expect.
        frozen: A discrepancy waits for a person.
        faults: What `rmfs server verify` would report.
    """

    licence: LicenceIdentifier
    balances: Mapping[str, int]
    opened: tuple[Opened, ...]
    number: int
    control_total_paise: int
    frozen: bool
    faults: tuple[str, ...]

    def balance(self, account: str) -> int:
        """Sum the entries of an account: ``funds:N123456``."""
        return self.balances.get(account, 0)

    @property
    def funds_paise(self) -> int:
        """What the licensee may still ask for."""
        return self.balance(f"funds:{self.licence}")

    @property
    def reserved_paise(self) -> int:
        """What is granted and not settled."""
        return self.balance(f"reserved:{self.licence}")

    @property
    def posted_paise(self) -> int:
        """What the machine holds and has used, as far as the books know."""
        return self.balance(f"machine:{self.licence}")

    @property
    def open_effect_paise(self) -> int:
        """By how much what is open changes CT, with its sign."""
        return sum(one.effect_paise for one in self.opened)


def see_books(store: Store, licence: LicenceIdentifier) -> BooksSeen:
    """Read what the books say of a machine, and verify all of them.

    Raises:
        StoreError: The database failed.
    """
    with store.reading() as connection:
        faults = tuple(
            f"{found.rule}: {found.subject}: {found.detail}"
            for found in verify_books(connection)
        )
        machine = schema.machine.c
        row = connection.execute(
            select(
                machine.number,
                machine.base_paise,
                machine.settled_paise,
                machine.frozen,
            ).where(machine.licence == licence)
        ).one_or_none()
        number, base, settled, frozen = (0, 0, 0, False) if row is None else row
        return BooksSeen(
            licence=licence,
            balances=_balances(connection),
            opened=_opened(connection),
            number=number,
            control_total_paise=base + settled,
            frozen=bool(frozen),
            faults=faults,
        )


def money_findings(record: PsdRecord, books: BooksSeen) -> list[str]:
    """Say what is wrong with the money; nothing lost and nothing doubled is []."""
    registers = record.registers
    total = registers.control_total_paise
    posted, effect = books.posted_paise, books.open_effect_paise
    deposited = -books.balance("department")
    held = books.funds_paise + books.reserved_paise + posted
    ledger_sum = sum(books.balances.values())
    found = list(books.faults)
    if registers.ascending_paise + registers.descending_paise != total:
        found.append(f"AR and DR of the machine are not its CT of {total} paise")
    if ledger_sum:
        found.append(f"the ledger sums to {ledger_sum} paise, not to 0")
    if held != deposited:
        found.append(f"{deposited} paise deposited, {held} on the accounts")
    if total not in {posted, posted + effect}:
        found.append(
            f"the machine holds CT {total}, the books have posted {posted} paise, "
            f"and {effect} are open"
        )
    if books.reserved_paise != max(effect, 0):
        found.append(f"{books.reserved_paise} paise reserved, {max(effect, 0)} open")
    if len(books.opened) > 1:
        found.append(f"{len(books.opened)} recharges are open")
    return found


def quiet_findings(
    record: PsdRecord, books: BooksSeen, control_total_paise: int
) -> list[str]:
    """Say what is not at rest: both sides agree on CT and nothing is in doubt is []."""
    found = money_findings(record, books)
    if record.pending is not None:
        found.append(f"{record.pending.kind.name} is pending at the machine")
    if books.opened:
        found.append(f"recharge {books.opened[0].number} is open")
    if books.reserved_paise:
        found.append(f"{books.reserved_paise} paise are reserved")
    if books.frozen:
        found.append("the account is frozen")
    for whose, total in (
        ("posted", books.posted_paise),
        ("CT of the machine", record.registers.control_total_paise),
    ):
        if total != control_total_paise:
            found.append(f"{whose}: {total} paise, {control_total_paise} expected")
    return found


def _balances(connection: Connection) -> dict[str, int]:
    entry, account = schema.entry.c, schema.account.c
    rows = connection.execute(
        select(account.name, func.sum(entry.amount_paise))
        .select_from(schema.entry.outerjoin(schema.account))
        .group_by(account.name)
    )
    return {name or "an account that is missing": total for name, total in rows}


def _opened(connection: Connection) -> tuple[Opened, ...]:
    recharge = schema.recharge.c
    rows = connection.execute(
        select(
            recharge.number,
            recharge.kind,
            recharge.amount_paise,
            recharge.void.is_not(None),
        ).where(recharge.state.in_(_OPEN))
    )
    return tuple(
        Opened(number, VoucherKind[kind], amount, bool(taken_back))
        for number, kind, amount, taken_back in rows
    )
