"""Locks of many machines at once, in the one global order.

A transaction that serves several machines locks all of them first, by identifier, then
all their accounts, by id, as whoever moves money of many licences does: two of them
never wait for each other.

Source: reliability notes, rule L13.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from protocol.values import LicenceIdentifier
from rmfs_server.store import ledger, schema


def lock_machines(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> None:
    """Lock machines and their accounts for this transaction."""
    # SQLite has one writer at a time: whoever writes has locked everything.
    if connection.dialect.name != "postgresql":
        return
    named = sorted(set(licences))
    machine = schema.machine.c
    connection.execute(
        select(machine.licence)
        .where(machine.licence.in_(named))
        .order_by(machine.licence)
        .with_for_update()
    ).all()
    of = ledger.funds_of, ledger.reserved_of, ledger.machine_of
    ledger.lock_accounts(
        connection, [name(licence) for licence in named for name in of]
    )
