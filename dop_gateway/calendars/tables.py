"""Tables of the holiday calendars: what a deployment says beside the shipped list."""

from sqlalchemy import CheckConstraint, Column, Index, Text, text

from dop_gateway.store.building import table
from hw.database.columns import INTEGER, Flag, IsoDate, flag
from hw.database.tables import key

calendar_year = table(
    "calendar_year",
    Column("calendar", Text, primary_key=True),
    Column("year", INTEGER, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", INTEGER, nullable=False),
)
"""A year whose list was brought in; for the common calendar it replaces the shipped."""

calendar_day = table(
    "calendar_day",
    key(),
    Column("calendar", Text, nullable=False),
    Column("day", IsoDate, nullable=False),
    Column("works", Flag, nullable=False),
    Column("name", Text, nullable=False),
    Column("listed", Flag, nullable=False),
    Column("added_at", INTEGER, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_for", Text, nullable=False),
    Column("removed_at", INTEGER),
    Column("removed_by", Text),
    Column("removed_for", Text),
    flag("works"),
    flag("listed"),
    CheckConstraint(
        "(removed_at IS NULL) = (removed_by IS NULL) "
        "AND (removed_at IS NULL) = (removed_for IS NULL)",
        name="removed_whole",
    ),
    Index(
        "uq_calendar_day_in_force",
        "calendar",
        "day",
        unique=True,
        sqlite_where=text("removed_at IS NULL"),
        postgresql_where=text("removed_at IS NULL"),
    ),
)
"""A holiday, or a day that is worked all the same; taken out of force, never removed.

`listed` says that the list of its year brought it.
"""
