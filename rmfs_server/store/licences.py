"""Licences: who may recharge, until when, in which state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from hw.database.prepared import Prepared
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber
from rmfs_server.store import ledger, schema

_IN_FORCE: Final = frozenset({LicenceState.REGISTERED, LicenceState.RENEWED})

# Built once: the recharge path runs these.
_OF_IDENTIFIER: Final = schema.licence.c.identifier == bindparam("of_licence")
COLUMNS: Final = tuple(schema.licence.c)[:-1]
"""What `licence_of` reads: all but the time at which it was registered."""
_FIND: Final = Prepared(select(*COLUMNS).where(_OF_IDENTIFIER))
# Its key is never changed: whoever only refers to the licence need not wait.
_LOCK: Final = Prepared(
    select(*COLUMNS).where(_OF_IDENTIFIER).with_for_update(key_share=True)
)
_CHANGE: Final = Prepared(update(schema.licence).where(_OF_IDENTIFIER))


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as the Department's files and its authority's acts left it.

    Attributes:
        state: As it was set; `state_on` adds what the calendar does.
        expires_on: The last day on which it is in force.
        refund_allowed: The authority has allowed one refund.
    """

    identifier: LicenceIdentifier
    number: LicenceNumber
    licensee: str
    kind: str
    state: LicenceState
    expires_on: date
    refund_allowed: bool

    def state_on(self, day: date) -> LicenceState:
        """Say in which state it is on a business date."""
        if self.state in _IN_FORCE and day > self.expires_on:
            return LicenceState.EXPIRED
        return self.state


def find(
    connection: Connection, identifier: LicenceIdentifier, *, lock: bool = False
) -> Licence | None:
    """Read a licence, for this transaction alone when it is locked."""
    query = _LOCK if lock else _FIND
    row = query.one_or_none(connection, {"of_licence": identifier})
    return None if row is None else licence_of(row)


def all_identifiers(connection: Connection) -> list[LicenceIdentifier]:
    """Name every licence, in order."""
    column = schema.licence.c.identifier
    rows = connection.execute(select(column).order_by(column)).scalars()
    return [LicenceIdentifier(row) for row in rows]


def add(connection: Connection, licence: Licence, now: EpochSeconds) -> None:
    """Register a licence and open its accounts."""
    connection.execute(
        insert(schema.licence).values(
            identifier=licence.identifier,
            number=licence.number,
            licensee=licence.licensee,
            kind=licence.kind,
            state=licence.state.name,
            expires_on=licence.expires_on,
            refund_allowed=licence.refund_allowed,
            created_at=now,
        )
    )
    ledger.open_accounts(connection, licence.identifier)


def change(connection: Connection, licence: Licence) -> None:
    """Store a licence that a move has changed."""
    _CHANGE.run(
        connection,
        {
            "of_licence": licence.identifier,
            "number": licence.number,
            "licensee": licence.licensee,
            "kind": licence.kind,
            "state": licence.state.name,
            "expires_on": licence.expires_on,
            "refund_allowed": licence.refund_allowed,
        },
    )


def licence_of(row: Sequence[Any]) -> Licence:
    """Read a row that has the columns of `COLUMNS`."""
    identifier, number, licensee, kind, state, expires_on, refund_allowed = row
    return Licence(
        LicenceIdentifier(identifier),
        LicenceNumber(number),
        licensee,
        kind,
        LicenceState[state],
        expires_on,
        refund_allowed,
    )
