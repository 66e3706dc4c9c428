"""Tables of accounting: heads, receipts of post offices, monthly schedules."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
)

from dop_gateway.accounting.model import AccountSide, Outcome, ScheduleState
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate, one_of
from hw.database.tables import key, paise

head_of_account = table(
    "head_of_account",
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("changed_at", INTEGER, nullable=False),
    Column("changed_by", Text, nullable=False),
    one_of("side", AccountSide),
)
"""A head that a deployment says more of than what is shipped: its code, its name."""

e_payment_receipt = table(
    "e_payment_receipt",
    key(),
    Column("bank", Text, ForeignKey("bank.code"), nullable=False),
    Column("file", INTEGER, ForeignKey("bank_file.id"), nullable=False),
    Column("line", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("office", INTEGER, ForeignKey("office.id")),
    Column("office_name", Text, nullable=False),
    Column("office_pin", Text, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("licence", Text, nullable=False),
    Column("licence_number", Text, nullable=False),
    Column("licensee", Text, nullable=False),
    paise("amount_paise"),
    Column("mode", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("instrument_bank", Text, nullable=False),
    Column("outcome", Text),
    Column("outcome_on", IsoDate),
    Column("outcome_words", Text, nullable=False),
    Column("accounted_on", IsoDate),
    UniqueConstraint("bank", "reference"),
    Index("ix_e_payment_receipt_day", "office", "accounted_on"),
    one_of("outcome", Outcome),
    CheckConstraint("amount_paise > 0", name="amount_positive"),
    CheckConstraint("(outcome IS NULL) = (outcome_on IS NULL)", name="outcome_whole"),
)
"""A payment at a counter, as the e-Payment Central Server tells it."""

monthly_schedule = table(
    "monthly_schedule",
    key(),
    Column("office", INTEGER, ForeignKey("office.id"), nullable=False),
    Column("month", IsoDate, nullable=False),
    Column("state", Text, nullable=False),
    paise("total_paise"),
    Column("made_at", INTEGER, nullable=False),
    Column("made_by", Text, nullable=False),
    UniqueConstraint("office", "month"),
    one_of("state", ScheduleState),
)
"""The schedule of a head office that goes to the PAO with its cash account."""

schedule_day = table(
    "schedule_day",
    Column("schedule", INTEGER, ForeignKey("monthly_schedule.id"), primary_key=True),
    Column("day", IsoDate, primary_key=True),
    paise("listed_paise"),
    paise("booked_paise"),
)
"""A day of a schedule."""
