"""Table of the dated parameters that a deployment sets itself."""

from sqlalchemy import CheckConstraint, Column, Text

from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate
from hw.database.tables import key

parameter = table(
    "parameter",
    key(),
    Column("key", Text, nullable=False, index=True),
    Column("value", Text),
    Column("valid_from", IsoDate, nullable=False),
    Column("valid_to", IsoDate),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", INTEGER, nullable=False),
    CheckConstraint("valid_to >= valid_from", name="valid_some_day"),
)
"""A value from one day to another, both included; it only grows.

The newest row that holds on a day wins, before whatever is shipped. A row without a
value says that what is shipped holds again.
"""
