"""Tables: dial-ins that were taken or failed, and what was franked by class."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from dop_gateway.store.building import table
from hw.database.columns import INTEGER, Flag, IsoDate, flag, octets
from hw.database.tables import key, paise

usage_dial_in = table(
    "usage_dial_in",
    key(),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("on_day", IsoDate, nullable=False),
    paise("ascending_paise"),
    paise("descending_paise"),
    Column("items", INTEGER, nullable=False),
    Column("machine_state", Text, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("binding", LargeBinary, nullable=False),
    Column("has_products", Flag, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("taken_at", INTEGER, nullable=False),
    UniqueConstraint("licence", "number"),
    flag("has_products"),
    octets("binding", 32),
    CheckConstraint(
        "ascending_paise >= 0 AND descending_paise >= 0", name="registers_counted"
    ),
    Index("ix_usage_dial_in_on_day", "on_day", "licence"),
    Index("ix_usage_dial_in_licence_day", "licence", "on_day", "number"),
)
"""Dial-ins with what the machine signed; only those that nothing was objected to."""

usage_product = table(
    "usage_product",
    Column("dial_in", INTEGER, ForeignKey("usage_dial_in.id"), primary_key=True),
    Column("product_class", INTEGER, primary_key=True, autoincrement=False),
    Column("items", INTEGER, nullable=False),
    paise("amount_paise"),
    Column("new_items", INTEGER, nullable=False),
    paise("new_paise"),
    CheckConstraint("product_class BETWEEN 1 AND 255", name="class_known"),
    CheckConstraint(
        "new_items >= 0 AND new_paise >= 0 AND items >= new_items "
        "AND amount_paise >= new_paise",
        name="never_less",
    ),
)
"""Totals since the life of the PSD began, and what of them is new since the dial-in
before; that part falls when a dial-in in between comes late."""

usage_posted = table(
    "usage_posted",
    Column("licence", Text, ForeignKey("licence.identifier"), primary_key=True),
    paise("ascending_paise"),
    paise("posted_paise"),
    CheckConstraint("posted_paise >= 0", name="posted_counted"),
)
"""The highest AR that was taken of a machine, and how much of the rise since the life
of its PSD began has gone from machine to postage in the ledger."""

failed_dial_in = table(
    "failed_dial_in",
    key(),
    Column("maker", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("licence_number", Text, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("on_day", IsoDate, nullable=False),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("came_at", INTEGER, nullable=False),
    UniqueConstraint("maker", "file_id", "line_id"),
    Index("ix_failed_dial_in_on_day", "on_day", "licence"),
    Index("ix_failed_dial_in_licence", "licence", "at"),
)
"""Dial-ins that a maker's server refused, or that ended before it had settled anything.

This is the maker's word: no machine has signed that it was refused. They move no money,
and refer to nothing: what is told of a licence here stands whatever becomes of it.
"""
