"""Tables of remaining funds: the last snapshot of each licence."""

from sqlalchemy import Column, ForeignKey, Index, Text

from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate
from hw.database.tables import paise

remaining_fund = table(
    "remaining_fund",
    Column("licence", Text, ForeignKey("licence.identifier"), primary_key=True),
    Column("maker", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("day", IsoDate, nullable=False),
    Column("window_of_day", INTEGER, nullable=False),
    Column("made_at", INTEGER, nullable=False),
    Column("applied_at", INTEGER, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("licence_number", Text, nullable=False),
    paise("remaining_paise"),
    paise("reserved_paise"),
    Column("number", INTEGER, nullable=False),
    paise("control_total_paise", nullable=True),
    Index("ix_remaining_fund_maker", "maker", "licence"),
)
"""What a licence has at its maker, as it was told last; older snapshots are in the
files that they came in."""
