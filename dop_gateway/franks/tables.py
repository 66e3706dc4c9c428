"""The table of franks that were seen."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint

from dop_gateway.franks.model import Purpose
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate, octets, one_of
from hw.database.tables import key
from protocol.indicium import UNSIGNED_OCTETS
from protocol.keys import Realm

seen_frank = table(
    "seen_frank",
    key(),
    Column("realm", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("item", INTEGER, nullable=False),
    Column("unsigned", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("office", INTEGER, ForeignKey("office.id"), nullable=False),
    Column("seen_on", IsoDate, nullable=False),
    Column("seen_at", INTEGER, nullable=False),
    Column("seen_by", INTEGER, ForeignKey("person.id"), nullable=False),
    one_of("realm", Realm),
    one_of("purpose", Purpose),
    octets("unsigned", UNSIGNED_OCTETS),
    UniqueConstraint("licence", "realm", "item", "unsigned"),
    Index("ix_seen_frank_office", "office", "seen_on"),
)
"""Franks whose signature verified, where and when each was seen first.

Two rows of one licence and item are two machines with one identity, or one whose memory
was put back: both are kept, since neither is known to be the right one.
"""
