"""SQL about deposits: find them, keep new ones, move them, tell their history."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    func,
    insert,
    select,
    update,
)

from dop_gateway.deposits.model import (
    COUNTS_AS_FIRST,
    Deposit,
    DepositEvent,
    DepositId,
    DepositState,
    Payment,
)
from dop_gateway.deposits.tables import deposit, deposit_move
from dop_gateway.identity.model import By
from dop_gateway.ledger import Source
from dop_gateway.moves import Objection
from hw.database.prepared import Prepared
from protocol.exchange import PaymentMode
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

ROWS_AT_A_TIME: Final = 1_000

_T = TypeVar("_T")
_of = deposit.c
_CHANGING: Final = (
    "realised_on",
    "state",
    "steps",
    "changed_at",
    "licence",
    "available_from",
    "confirmed_at",
    "suspended_at",
    "fault_code",
    "fault_words",
    "downloaded_paise",
    "refunded_paise",
    "recalled_for",
)
_MOVE: Final = Prepared(
    update(deposit)
    .where(_of.id == bindparam("of_deposit"))
    .values({name: bindparam(name, type_=_of[name].type) for name in _CHANGING})
)
_TELL: Final = Prepared(insert(deposit_move))


def chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    """Give items in lists that a statement takes."""
    rest = iter(items)
    while some := list(islice(rest, ROWS_AT_A_TIME)):
        yield some


def insert_payments(
    connection: Connection,
    payments: Sequence[tuple[Payment, Objection | None]],
    by: By,
) -> list[Deposit]:
    """Keep payments that are new, in their order."""
    rows = [
        _payment_row(payment)
        | {
            "received_at": by.now,
            "changed_at": by.now,
            "state": DepositState.RECEIVED.name,
            "steps": 1,
            "fault_code": None if against is None else against.code,
            "fault_words": None if against is None else against.words,
            "downloaded_paise": 0,
            "refunded_paise": 0,
        }
        for payment, against in payments
    ]
    if not rows:
        return []
    inserted = connection.execute(
        insert(deposit).returning(_of.id, sort_by_parameter_order=True), rows
    ).scalars()
    return [
        Deposit(
            id=DepositId(number),
            payment=payment,
            state=DepositState.RECEIVED,
            steps=1,
            received_at=by.now,
            changed_at=by.now,
            objection=against,
        )
        for number, (payment, against) in zip(inserted, payments, strict=True)
    ]


def change(connection: Connection, deposits: Iterable[Deposit]) -> None:
    """Write what of deposits can change."""
    rows = [_changed_row(one) for one in deposits]
    if rows:
        _MOVE.run_many(connection, rows)


def tell(
    connection: Connection,
    moves: Iterable[tuple[Deposit, DepositEvent, DepositState | None]],
    by: By,
) -> str:
    """Write the history of deposits.

    Args:
        connection: A writing transaction.
        moves: The deposit after the move, the move, the state before; None of the
            first.
        by: Who.

    Returns:
        SHA-256 over the rows, for the row of the audit trail that covers them.
    """
    covered = sha256()
    rows = []
    for moved, event, before in moves:
        row = {
            "deposit": moved.id,
            "number": moved.steps,
            "move": event.name,
            "from_state": "" if before is None else before.name,
            "to_state": moved.state.name,
            "at": by.now,
            "person": by.actor.person,
            "reason": by.reason,
            "request_id": by.request_id,
        }
        covered.update("\x1f".join(map(str, row.values())).encode() + b"\n")
        rows.append(row)
    if rows:
        _TELL.run_many(connection, rows)
    return covered.hexdigest()


def get(connection: Connection, deposit_id: DepositId) -> Deposit | None:
    """Find a deposit by its number."""
    row = connection.execute(select(deposit).where(_of.id == deposit_id)).one_or_none()
    return None if row is None else read(row)


def lock(connection: Connection, deposit_id: DepositId) -> Deposit | None:
    """Find a deposit, and let nobody else change it in this transaction."""
    query = select(deposit).where(_of.id == deposit_id).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else read(row)


def find(connection: Connection, source: Source, reference: str) -> Deposit | None:
    """Find a deposit by what its source calls it."""
    where = (_of.source == source.name) & (_of.reference == reference)
    row = connection.execute(select(deposit).where(where)).one_or_none()
    return None if row is None else read(row)


def lock_reference(
    connection: Connection, source: Source, reference: str
) -> Deposit | None:
    """Find a deposit by what its source calls it; nobody else changes it meanwhile."""
    found = lock_references(connection, source, [reference])
    return found[0] if found else None


def lock_references(
    connection: Connection, source: Source, references: Iterable[str]
) -> list[Deposit]:
    """Find deposits by their references, in the order in which they came."""
    found: list[Deposit] = []
    for some in chunks(dict.fromkeys(references)):
        where = (_of.source == source.name) & _of.reference.in_(some)
        found += lock_where(connection, where)
    return sorted(found, key=lambda one: one.id)


def lock_ids(connection: Connection, ids: Iterable[DepositId]) -> list[Deposit]:
    """Find deposits by their numbers, in their order."""
    found: list[Deposit] = []
    for some in chunks(sorted(set(ids))):
        found += lock_where(connection, _of.id.in_(some))
    return found


def lock_where(connection: Connection, where: ColumnElement[bool]) -> list[Deposit]:
    """Find deposits, in the order in which they came."""
    query = select(deposit).where(where).order_by(_of.id)
    rows = connection.execute(query.with_for_update(of=deposit))
    return [read(row) for row in rows]


def with_deposits(
    connection: Connection, licences: Iterable[LicenceIdentifier]
) -> set[LicenceIdentifier]:
    """Give those licences that have a deposit that counts (RMFS-02)."""
    counting = [state.name for state in COUNTS_AS_FIRST]
    found: set[LicenceIdentifier] = set()
    for some in chunks(dict.fromkeys(licences)):
        rows = connection.execute(
            select(_of.licence)
            .distinct()
            .where(_of.licence.in_(some), _of.state.in_(counting))
        )
        found.update(LicenceIdentifier(one) for one in rows.scalars())
    return found


def owed_amounts(
    connection: Connection, licences: Iterable[LicenceIdentifier]
) -> set[tuple[LicenceIdentifier, int]]:
    """Give what licensees owe for payments that were taken back: licence and paise."""
    found: set[tuple[LicenceIdentifier, int]] = set()
    for some in chunks(dict.fromkeys(licences)):
        rows = connection.execute(
            select(_of.licence, _of.amount_paise).where(
                _of.licence.in_(some), _of.state == DepositState.OWED.name
            )
        )
        found.update((LicenceIdentifier(row[0]), int(row[1])) for row in rows)
    return found


def owed_since(
    connection: Connection, deposits: Iterable[DepositId]
) -> dict[DepositId, EpochSeconds]:
    """Say since when licensees owe what they owe for deposits."""
    of = deposit_move.c
    rows = connection.execute(
        select(of.deposit, func.max(of.at))
        .where(of.deposit.in_(list(deposits)), of.to_state == DepositState.OWED.name)
        .group_by(of.deposit)
    )
    return {DepositId(number): EpochSeconds(at) for number, at in rows}


def history(connection: Connection, deposit_id: DepositId) -> list[Row[Any]]:
    """List the moves of a deposit, the first one first."""
    rows = connection.execute(
        select(deposit_move)
        .where(deposit_move.c.deposit == deposit_id)
        .order_by(deposit_move.c.number)
    )
    return list(rows)


def read(row: Row[Any]) -> Deposit:
    """Read a deposit out of a row that has all its columns."""
    payment = Payment(
        source=Source[row.source],
        reference=row.reference,
        licence=row.licence_text,
        licence_number=row.number_text,
        licensee=row.licensee_text,
        amount_paise=Paise(row.amount_paise),
        mode=PaymentMode[row.mode],
        value_date=row.value_date,
        instrument=row.instrument,
        realised_on=row.realised_on,
        file_id=row.file_id,
        line_id=row.line_id,
    )
    against = None
    if row.fault_code is not None:
        against = Objection(row.fault_code, row.fault_words)
    return Deposit(
        id=DepositId(row.id),
        payment=payment,
        state=DepositState[row.state],
        steps=row.steps,
        received_at=EpochSeconds(row.received_at),
        changed_at=EpochSeconds(row.changed_at),
        licence=None if row.licence is None else LicenceIdentifier(row.licence),
        available_from=row.available_from,
        confirmed_at=row.confirmed_at,
        suspended_at=row.suspended_at,
        objection=against,
        downloaded_paise=Paise(row.downloaded_paise),
        refunded_paise=Paise(row.refunded_paise),
        recalled_for=(
            None if row.recalled_for is None else DepositState[row.recalled_for]
        ),
    )


def _payment_row(payment: Payment) -> dict[str, Any]:
    return {
        "source": payment.source.name,
        "reference": payment.reference,
        "licence_text": payment.licence,
        "number_text": payment.licence_number,
        "licensee_text": payment.licensee,
        "amount_paise": payment.amount_paise,
        "mode": payment.mode.name,
        "instrument": payment.instrument,
        "value_date": payment.value_date,
        "realised_on": payment.realised_on,
        "file_id": payment.file_id,
        "line_id": payment.line_id,
    }


def _changed_row(one: Deposit) -> dict[str, Any]:
    against, recalled = one.objection, one.recalled_for
    return {
        "of_deposit": one.id,
        "realised_on": one.payment.realised_on,
        "state": one.state.name,
        "steps": one.steps,
        "changed_at": one.changed_at,
        "licence": one.licence,
        "available_from": one.available_from,
        "confirmed_at": one.confirmed_at,
        "suspended_at": one.suspended_at,
        "fault_code": None if against is None else against.code,
        "fault_words": None if against is None else against.words,
        "downloaded_paise": one.downloaded_paise,
        "refunded_paise": one.refunded_paise,
        "recalled_for": None if recalled is None else recalled.name,
    }
