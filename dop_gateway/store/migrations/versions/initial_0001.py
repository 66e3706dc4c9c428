"""The first schema: offices, calendars, parameters.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, only_grow

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
PATH: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

APPEND_ONLY: Final = ("office_import", "parameter")

KEPT: Final = (*APPEND_ONLY, "office", "calendar_year", "calendar_day")
"""Tables that lose no row."""

GUARDS: Final = (
    *only_grow(APPEND_ONLY),
    Guard(
        "calendar_day_as_added",
        "calendar_day",
        "BEFORE UPDATE",
        "NEW.calendar <> OLD.calendar OR NEW.day <> OLD.day "
        "OR NEW.works <> OLD.works OR NEW.name <> OLD.name "
        "OR NEW.added_at <> OLD.added_at OR NEW.added_by <> OLD.added_by "
        "OR OLD.removed_at IS NOT NULL",
        "a day of a calendar stays what it was, and is taken out of force once",
    ),
    Guard(
        "office_as_opened",
        "office",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.facility <> OLD.facility",
        "an office keeps its number and its facility id",
    ),
)


def upgrade() -> None:
    """Build everything."""
    _make_offices()
    _make_calendars()
    _make_parameters()
    guard(GUARDS, KEPT)


def _make_offices() -> None:
    op.create_table(
        "office",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("parent", INTEGER, nullable=True),
        sa.Column("path", PATH, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("name_hi", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("pin", sa.Text(), nullable=True),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("delivers", sa.Integer(), nullable=False),
        sa.Column("serves_pin", sa.Integer(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("latitude_microdegrees", INTEGER, nullable=True),
        sa.Column("longitude_microdegrees", INTEGER, nullable=True),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("closed_at", INTEGER, nullable=True),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(parent IS NULL) = (kind = 'DIRECTORATE')", name=op.f("ck_office_one_top")
        ),
        sa.CheckConstraint(
            "(pin IS NOT NULL) = (kind IN ('BO', 'HO', 'SO'))",
            name=op.f("ck_office_pin_named"),
        ),
        sa.CheckConstraint(
            "kind IN ('BO', 'CIRCLE', 'DIRECTORATE', 'DIVISION', 'HO', 'REGION', "
            "'SO', 'SUB_DIVISION')",
            name=op.f("ck_office_kind_known"),
        ),
        sa.CheckConstraint(
            "(latitude_microdegrees IS NULL) = (longitude_microdegrees IS NULL)",
            name=op.f("ck_office_place_whole"),
        ),
        sa.CheckConstraint("delivers IN (0, 1)", name=op.f("ck_office_delivers_flag")),
        sa.CheckConstraint("length(pin) = 6", name=op.f("ck_office_pin_digits")),
        sa.CheckConstraint("listed IN (0, 1)", name=op.f("ck_office_listed_flag")),
        sa.CheckConstraint(
            "serves_pin = 0 OR (delivers = 1 AND closed_at IS NULL)",
            name=op.f("ck_office_serves_open"),
        ),
        sa.CheckConstraint(
            "serves_pin IN (0, 1)", name=op.f("ck_office_serves_pin_flag")
        ),
        sa.ForeignKeyConstraint(
            ["parent"], ["office.id"], name=op.f("fk_office_parent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office")),
        sa.UniqueConstraint("code", name=op.f("uq_office_code")),
        sa.UniqueConstraint("facility", name=op.f("uq_office_facility")),
        sa.UniqueConstraint("path", name=op.f("uq_office_path")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_office_parent"), "office", ["parent"], unique=False)
    op.create_index(
        "uq_office_directorate",
        "office",
        ["kind"],
        unique=True,
        sqlite_where=sa.text("kind = 'DIRECTORATE'"),
        postgresql_where=sa.text("kind = 'DIRECTORATE'"),
    )
    op.create_index(
        "uq_office_post_office",
        "office",
        ["pin", "name_key"],
        unique=True,
        sqlite_where=sa.text("pin IS NOT NULL"),
        postgresql_where=sa.text("pin IS NOT NULL"),
    )
    op.create_index(
        "uq_office_serving",
        "office",
        ["pin"],
        unique=True,
        sqlite_where=sa.text("serves_pin = 1"),
        postgresql_where=sa.text("serves_pin = 1"),
    )
    op.create_table(
        "office_import",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("lines", INTEGER, nullable=False),
        sa.Column("left_out", INTEGER, nullable=False),
        sa.Column("added", INTEGER, nullable=False),
        sa.Column("changed", INTEGER, nullable=False),
        sa.Column("closed", INTEGER, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "length(sha256) = 64", name=op.f("ck_office_import_sha256_octets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_import")),
        sqlite_strict=True,
    )


def _make_calendars() -> None:
    op.create_table(
        "calendar_year",
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("year", INTEGER, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("calendar", "year", name=op.f("pk_calendar_year")),
        sqlite_strict=True,
    )
    op.create_table(
        "calendar_day",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("works", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("added_at", INTEGER, nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_for", sa.Text(), nullable=False),
        sa.Column("removed_at", INTEGER, nullable=True),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_for", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by IS NULL) "
            "AND (removed_at IS NULL) = (removed_for IS NULL)",
            name=op.f("ck_calendar_day_removed_whole"),
        ),
        sa.CheckConstraint(
            "listed IN (0, 1)", name=op.f("ck_calendar_day_listed_flag")
        ),
        sa.CheckConstraint("works IN (0, 1)", name=op.f("ck_calendar_day_works_flag")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_calendar_day_in_force",
        "calendar_day",
        ["calendar", "day"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )


def _make_parameters() -> None:
    op.create_table(
        "parameter",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "valid_to >= valid_from", name=op.f("ck_parameter_valid_some_day")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameter")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_parameter_key"), "parameter", ["key"], unique=False)
