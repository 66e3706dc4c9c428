"""The table of answered requests."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text

from dop_gateway.store.building import table
from hw.database.columns import INTEGER, octets

answered = table(
    "answered",
    Column("person", INTEGER, ForeignKey("person.id"), primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", Text),
    Column("at", INTEGER, nullable=False),
    octets("fingerprint", 32),
    Index("ix_answered_at", "at"),
)
"""Requests that were done, by who asked, the route and the key that they came with.

The answer is NULL only within the transaction that does what was asked. Rows are
deleted when they are old: what was done stays where it was done.
"""
