"""Tables of the audit trail."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Text

from dop_gateway.store.building import table
from hw.database.columns import INTEGER, octets

audit = table(
    "audit",
    Column("number", INTEGER, primary_key=True, autoincrement=False),
    Column("at", INTEGER, nullable=False),
    Column("person", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("move", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    octets("hash", 32),
    Index("ix_audit_subject", "subject_kind", "subject", "number"),
)
"""What was done; only grows. Each hash covers its row and the hash before."""

audit_head = table(
    "audit_head",
    Column("id", INTEGER, primary_key=True, autoincrement=False),
    Column("number", INTEGER, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""The end of the chain; who adds a row locks it, so that rows follow one another."""
