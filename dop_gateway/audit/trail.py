"""Add to the audit trail, read it, and recompute its chain.

A row is written in the transaction of what it tells: there is no act without its row
and no row without its act. Each row's hash covers all of it and the hash before, so
that a row that was changed, added or taken out in between breaks the chain. Rows that
were cut off at its end show when the head is compared with one that was noted
elsewhere: `rmfs dop audit head` prints it, and every file to a maker carries it.

Source: GW-02; requirements, section 11 no. 12.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from dop_gateway.audit.tables import audit, audit_head
from dop_gateway.identity.model import By
from hw.database.ledger_checks import Finding
from protocol.errors import StoreError

NOTHING: Final = bytes(32)
"""The hash before the first row."""
_COVERED: Final = (
    "number",
    "at",
    "person",
    "move",
    "subject_kind",
    "subject",
    "from_state",
    "to_state",
    "reason",
    "request_id",
    "detail",
)
_ROWS_AT_A_TIME: Final = 1_000


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain.

    Attributes:
        number: Of the last row; 0 while there is none.
        hash: 32 octets.
    """

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Subject:
    """What something was done to.

    Attributes:
        kind: As in ``licence``.
        id: Which one.
    """

    kind: str
    id: str


def add(
    connection: Connection,
    by: By,
    move: str,
    subject: Subject,
    *,
    from_state: str = "",
    to_state: str = "",
    **detail: object,
) -> None:
    """Tell what is done by this transaction.

    Args:
        connection: A writing transaction.
        by: Who, why, when.
        move: What, as in ``issue``.
        subject: To what.
        from_state: Where its life-cycle stood; empty where it has none.
        to_state: Where it stands now.
        detail: What else belongs to it, without secrets and personal data.
    """
    head = _lock_head(connection)
    row = {
        "number": head.number + 1,
        "at": by.now,
        "person": by.actor.person,
        "move": move,
        "subject_kind": subject.kind,
        "subject": subject.id,
        "from_state": from_state,
        "to_state": to_state,
        "reason": by.reason,
        "request_id": by.request_id,
        "detail": json.dumps(detail, sort_keys=True, ensure_ascii=False),
    }
    chained = _chained(row, head.hash)
    connection.execute(insert(audit).values(**row, hash=chained))
    connection.execute(update(audit_head).values(number=head.number + 1, hash=chained))


def head(connection: Connection) -> Head:
    """Give the end of the chain."""
    row = connection.execute(select(audit_head)).one_or_none()
    return Head(0, NOTHING) if row is None else Head(row.number, row.hash)


def verify(connection: Connection) -> Iterator[Finding]:
    """Recompute the chain from its first row to its head; findings are mistakes."""
    before, number = NOTHING, 0
    rows = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(
        select(audit).order_by(audit.c.number)
    )
    for row in rows:
        number += 1
        if row.number != number:
            detail = f"row {row.number} stands where {number} should"
            yield Finding("audit rows are numbered without gaps", "audit", detail)
            number = row.number
        if row.hash != _chained(row._mapping, before):  # noqa: SLF001
            detail = "it was changed, or a row before it was"
            yield Finding("audit rows are as written", f"audit {row.number}", detail)
        before = row.hash
    end = head(connection)
    if (end.number, end.hash) != (number, before):
        detail = f"the head says {end.number} rows, there are {number}"
        yield Finding("the audit trail ends at its head", "audit", detail)


def _lock_head(connection: Connection) -> Head:
    row = connection.execute(select(audit_head).with_for_update()).one_or_none()
    if row is None:
        raise StoreError("the audit trail has no head: run `rmfs dop migrate`")
    return Head(row.number, row.hash)


def _chained(row: Any, before: bytes) -> bytes:
    covered = [row[name] for name in _COVERED]
    text = json.dumps(covered, ensure_ascii=False, separators=(",", ":"))
    return sha256(before + text.encode()).digest()
