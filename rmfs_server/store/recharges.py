"""Recharges: granted once, their octets kept, settled once, and their postings.

A recharge holds funds from the grant on (`reserved:`); a withdrawal or refund holds
nothing and credits the funds only when it is posted. A recharge leaves the open states
by a CONFIRMATION, by a STATEMENT, or by a person: nothing else, and no timer.

Source: SPEC.md REG-5 to REG-8; reliability notes, rules L9, L11 and L12.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Text,
    bindparam,
    insert,
    literal_column,
    select,
    update,
)

from hw.database.gathering import Pen, write_row
from hw.database.prepared import Parameters, Prepared, PreparedIn
from protocol.errors import InvariantError
from protocol.registers import VoucherKind, effect_paise
from protocol.settling import Grant, Outstanding
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, RechargeNumber
from rmfs_server.store import ledger, schema
from rmfs_server.store.ledger import funds_of, machine_of, reserved_of
from rmfs_server.store.schema import JournalKind, RechargeState, SettledBy

OPEN: Final = (RechargeState.RESERVED, RechargeState.FROZEN)

# Built once: the recharge path runs these.
COLUMNS: Final = tuple(schema.recharge.c)[1:]
"""What `recharge_of` reads: all but the key."""
IS_OPEN: Final = schema.recharge.c.state.in_(
    # Spelled out as in the index of the open ones: SQLite uses it then.
    [literal_column(f"'{state.name}'", Text) for state in OPEN]
)
_FIND_OPEN: Final = Prepared(
    select(*COLUMNS).where(
        schema.recharge.c.licence == bindparam("of_licence"), IS_OPEN
    )
)
_ALL_OF: Final = Prepared(
    select(*COLUMNS)
    .where(schema.recharge.c.licence == bindparam("of_licence"))
    .order_by(schema.recharge.c.number)
)
_ADD: Final = Prepared(insert(schema.recharge))
_STORED: Final = PreparedIn(
    select(schema.recharge.c.licence, schema.recharge.c.voucher).where(IS_OPEN),
    schema.recharge.c.licence,
)
_SET_OPEN_STATE: Final = update(schema.recharge).where(
    schema.recharge.c.licence == bindparam("of_licence"), IS_OPEN
)
SETTLE: Final = Prepared(
    update(schema.recharge).where(
        schema.recharge.c.licence == bindparam("of_licence"),
        schema.recharge.c.number == bindparam("of_number"),
    )
)
"""Ends open recharges that were gathered."""


class _Reserving:
    """Stores new vouchers, and reads back that they are stored as they were made."""

    def run_many(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Store vouchers.

        Raises:
            InvariantError: What is stored is not what was to be stored (rule L11).
        """
        _ADD.run_many(connection, rows)
        named = [row["licence"] for row in rows]
        stored = {row.licence: row.voucher for row in _STORED.all(connection, named)}
        for row in rows:
            if stored.get(row["licence"]) != row["voucher"]:
                message = f"{row['licence']}: the voucher is not stored as it was made"
                raise InvariantError(message)


RESERVE: Final = _Reserving()
"""Stores vouchers that were gathered."""


@dataclass(frozen=True, slots=True)
class Recharge:
    """A voucher in the books.

    Attributes:
        requested_in: Digest of the STATEMENT that asked for it, if the books know it.
        settled_in: Digest of the message that settled it, if one did.
    """

    licence: LicenceIdentifier
    number: RechargeNumber
    kind: VoucherKind
    amount_paise: Paise
    state: RechargeState
    control_total_before_paise: Paise
    control_total_after_paise: Paise
    voucher: bytes
    void: bytes | None
    requested_in: bytes | None
    settled_in: bytes | None
    settled_by: SettledBy | None
    reserved_at: EpochSeconds
    voided_at: EpochSeconds | None
    settled_at: EpochSeconds | None

    @property
    def outstanding(self) -> Outstanding:
        """The recharge as the rules of settling see it."""
        return Outstanding(
            self.number, self.kind, self.amount_paise, self.voucher, self.void
        )

    @property
    def effect_paise(self) -> int:
        """What it does to CT once it is posted."""
        return effect_paise(self.kind, self.amount_paise)


@dataclass(frozen=True, slots=True)
class Ending:
    """How, by what, when and why a recharge ends."""

    state: RechargeState
    by: SettledBy
    now: EpochSeconds
    reason: str
    message: bytes | None = None
    person: str | None = None


def find_open(connection: Connection, licence: LicenceIdentifier) -> Recharge | None:
    """Find the one recharge of a machine that is not settled."""
    row = _FIND_OPEN.one_or_none(connection, {"of_licence": licence})
    return None if row is None else recharge_of(row)


def find(
    connection: Connection, licence: LicenceIdentifier, number: int
) -> Recharge | None:
    """Find a recharge by its number."""
    table = schema.recharge
    row = connection.execute(
        select(*COLUMNS).where(table.c.licence == licence, table.c.number == number)
    ).one_or_none()
    return None if row is None else recharge_of(row)


def all_of(connection: Connection, licence: LicenceIdentifier) -> list[Recharge]:
    """List the recharges of a machine by number."""
    rows = _ALL_OF.all(connection, {"of_licence": licence})
    return [recharge_of(row) for row in rows]


def reserve(
    pen: Pen,
    licence: LicenceIdentifier,
    grant: Grant,
    voucher: bytes,
    *,
    requested_in: bytes,
    now: EpochSeconds,
) -> bytes:
    """Store a new voucher and reserve what it needs, in the caller's transaction.

    Returns:
        The octets of the voucher as they are stored.

    Raises:
        InvariantError: The funds are not there, or a recharge is open; of what waits
            this is raised when it is written.
    """
    write_row(
        pen,
        RESERVE,
        {
            "licence": licence,
            "number": grant.number,
            "kind": grant.kind.name,
            "amount_paise": grant.amount_paise,
            "state": RechargeState.RESERVED.name,
            "control_total_before_paise": grant.control_total_before_paise,
            "control_total_after_paise": grant.control_total_after_paise,
            "voucher": voucher,
            "requested_in": requested_in,
            "reserved_at": now,
        },
    )
    if grant.kind is VoucherKind.RECHARGE:
        amount = grant.amount_paise
        ledger.enter(
            pen,
            idem=f"reserve:{licence}:{grant.number}",
            request_hash=ledger.request_hash(grant.kind.name, amount),
            kind=JournalKind.RESERVE,
            entries=[(funds_of(licence), -amount), (reserved_of(licence), amount)],
            now=now,
            reason=f"reserved for recharge {grant.number}",
        )
    return voucher


def settle(pen: Pen, recharge: Recharge, ending: Ending) -> None:
    """End an open recharge and post what follows from it.

    Raises:
        InvariantError: The accounts do not hold what is to be moved; of what waits this
            is raised when it is written.
    """
    licence, number = recharge.licence, recharge.number
    entries = _entries(recharge, ending.state)
    if entries:
        kind = (
            JournalKind.POST
            if ending.state is RechargeState.POSTED
            else JournalKind.VOID
        )
        ledger.enter(
            pen,
            idem=f"settle:{licence}:{number}",
            request_hash=ledger.request_hash(
                ending.state.name, recharge.kind.name, recharge.amount_paise
            ),
            kind=kind,
            entries=entries,
            now=ending.now,
            reason=ending.reason,
            person=ending.person,
        )
    write_row(
        pen,
        SETTLE,
        {
            "of_licence": licence,
            "of_number": number,
            "state": ending.state.name,
            "settled_in": ending.message,
            "settled_by": ending.by.name,
            "settled_at": ending.now,
        },
    )


def restore(
    connection: Connection,
    recharge: Recharge,
    *,
    now: EpochSeconds,
    reason: str,
    person: str,
) -> None:
    """Enter a recharge that these books had lost; its machine has applied it.

    What the funds no longer hold is taken from suspense, where a person finds it.

    Raises:
        InvariantError: The accounts do not hold what is to be moved.
    """
    licence, amount = recharge.licence, recharge.amount_paise
    funds = ledger.lock_accounts(
        connection,
        [funds_of(licence), reserved_of(licence), machine_of(licence)],
    )[funds_of(licence)]
    connection.execute(
        insert(schema.recharge).values(
            licence=licence,
            number=recharge.number,
            kind=recharge.kind.name,
            amount_paise=amount,
            state=recharge.state.name,
            control_total_before_paise=recharge.control_total_before_paise,
            control_total_after_paise=recharge.control_total_after_paise,
            voucher=recharge.voucher,
            settled_by=SettledBy.PERSON.name,
            reserved_at=recharge.reserved_at,
            settled_at=now,
        )
    )
    effect = recharge.effect_paise
    if effect:
        other = funds_of(licence) if funds >= effect else ledger.SUSPENSE
        ledger.post(
            connection,
            idem=f"restore:{licence}:{recharge.number}",
            request_hash=ledger.request_hash(recharge.kind.name, amount),
            kind=JournalKind.RESTORE,
            entries=[(other, -effect), (machine_of(licence), effect)],
            now=now,
            reason=reason,
            person=person,
        )


def restore_lost(
    connection: Connection,
    licence: LicenceIdentifier,
    numbers: tuple[RechargeNumber, RechargeNumber],
    effect_paise: int,
    *,
    now: EpochSeconds,
    reason: str,
    person: str,
) -> None:
    """Post what vouchers came to that these books had lost, and of which no octets are.

    What the funds no longer hold is taken from suspense, where a person finds it.

    Args:
        connection: A writing transaction.
        licence: Of the machine.
        numbers: Of the first and the last of them.
        effect_paise: What all of them did to CT; of 0 nothing is posted.
        now: When.
        reason: Why, for people.
        person: Who decided it.

    Raises:
        InvariantError: The accounts do not hold what is to be moved.
    """
    if not effect_paise:
        return
    first, last = numbers
    names = [funds_of(licence), reserved_of(licence), machine_of(licence)]
    funds = ledger.lock_accounts(connection, names)[funds_of(licence)]
    other = funds_of(licence) if funds >= effect_paise else ledger.SUSPENSE
    ledger.post(
        connection,
        idem=f"restore:{licence}:{first}-{last}",
        request_hash=ledger.request_hash("lost", effect_paise),
        kind=JournalKind.RESTORE,
        entries=[(other, -effect_paise), (machine_of(licence), effect_paise)],
        now=now,
        reason=reason,
        person=person,
    )


def set_open_state(
    connection: Connection, licence: LicenceIdentifier, state: RechargeState
) -> None:
    """Freeze the open recharge of a machine, or let it go on."""
    connection.execute(_SET_OPEN_STATE, {"of_licence": licence, "state": state.name})


def store_void(
    connection: Connection, recharge: Recharge, void: bytes, now: EpochSeconds
) -> None:
    """Store the VOID of an open recharge; from now on it is what is sent."""
    table = schema.recharge
    connection.execute(
        update(table)
        .where(table.c.licence == recharge.licence, table.c.number == recharge.number)
        .values(void=void, voided_at=now)
    )


def _entries(
    recharge: Recharge, state: RechargeState
) -> list[tuple[ledger.AccountName, int]]:
    licence, amount = recharge.licence, recharge.amount_paise
    funds, machine = funds_of(licence), machine_of(licence)
    posted = state is RechargeState.POSTED
    if recharge.kind is VoucherKind.RECHARGE:
        return [(reserved_of(licence), -amount), (machine if posted else funds, amount)]
    # Nothing was reserved for a withdrawal or refund, and one of 0 moves nothing.
    return [(machine, -amount), (funds, amount)] if posted and amount else []


def recharge_of(row: Sequence[Any]) -> Recharge:
    """Read a row that has the columns of `COLUMNS`."""
    licence, number, kind, amount_paise, state, before_paise, after_paise = row[:7]
    voucher, void, requested_in, settled_in, settled_by = row[7:12]
    reserved_at, voided_at, settled_at = row[12:]
    return Recharge(
        LicenceIdentifier(licence),
        RechargeNumber(number),
        VoucherKind[kind],
        Paise(amount_paise),
        RechargeState[state],
        Paise(before_paise),
        Paise(after_paise),
        voucher,
        void,
        requested_in,
        settled_in,
        None if settled_by is None else SettledBy[settled_by],
        EpochSeconds(reserved_at),
        voided_at,
        settled_at,
    )
