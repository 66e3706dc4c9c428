"""The table of messages to people."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, text

from dop_gateway.outbox.model import Channel, Language, MessageState
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, one_of
from hw.database.tables import key

message = table(
    "message",
    key(),
    Column("channel", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("variables", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", INTEGER, nullable=False),
    Column("next_attempt_at", INTEGER, nullable=False),
    Column("leased_until", INTEGER, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("created_at", INTEGER, nullable=False),
    Column("created_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("sent_at", INTEGER),
    Column("provider_id", Text, nullable=False),
    one_of("channel", Channel),
    one_of("language", Language),
    one_of("state", MessageState),
    CheckConstraint("attempts >= 0", name="attempts_counted"),
    CheckConstraint("(sent_at IS NOT NULL) = (state = 'SENT')", name="sent_whole"),
    Index(
        "ix_message_due",
        "next_attempt_at",
        "id",
        sqlite_where=text("state = 'WAITING'"),
        postgresql_where=text("state = 'WAITING'"),
    ),
)
"""Messages; `leased_until` is the end of the attempt that runs, or 0.

A row may be deleted, because it says where a person is reached: that it was put in, and
whether it was given up, stays in the audit trail.
"""
