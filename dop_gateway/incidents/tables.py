"""The table of incidents; their history is in the audit trail."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    text,
)

from dop_gateway.incidents.model import IncidentState
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, one_of
from hw.database.tables import key, paise

incident = table(
    "incident",
    key(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("words", Text, nullable=False),
    paise("amount_paise"),
    Column("maker", Text, nullable=False),
    Column("licence", Text),
    Column("state", Text, nullable=False),
    Column("found_at", INTEGER, nullable=False),
    Column("found_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("seen_at", INTEGER, nullable=False),
    Column("owner", INTEGER, ForeignKey("person.id")),
    Column("action", Text, nullable=False),
    Column("acted_by", INTEGER, ForeignKey("person.id")),
    Column("closed_at", INTEGER),
    one_of("state", IncidentState),
    CheckConstraint("(closed_at IS NULL) = (state <> 'CLOSED')", name="closed_whole"),
    CheckConstraint("state <> 'ASSIGNED' OR owner IS NOT NULL", name="owner_named"),
    Index(
        "ix_incident_one_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("state <> 'CLOSED'"),
        postgresql_where=text("state <> 'CLOSED'"),
    ),
    Index("ix_incident_state", "state", "id"),
    Index("ix_incident_licence", "licence", "id"),
)
"""Kinds are not named here: a new one is no new version of the database. The licence
may be one that the Department does not know, and so refers to none."""

discrepancy = table(
    "maker_discrepancy",
    Column("maker", Text, primary_key=True),
    Column("number", INTEGER, primary_key=True, autoincrement=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("code", Text, nullable=False),
    Column("found_at", INTEGER, nullable=False),
    Column("recharge_number", INTEGER),
    paise("control_total_paise", nullable=True),
    Column("message", LargeBinary),
    Column("binding", LargeBinary),
    Column("file_id", Text, nullable=False),
    Column("told_at", INTEGER, nullable=False),
    Column("resolved_at", INTEGER),
    Column("resolution", Text, nullable=False),
    Column("words", Text, nullable=False),
    CheckConstraint("(resolved_at IS NULL) = (resolution = '')", name="resolved_whole"),
    Index("ix_maker_discrepancy_licence", "licence", "resolved_at"),
)
"""What a maker's server found wrong with a machine, with what the machine signed."""
