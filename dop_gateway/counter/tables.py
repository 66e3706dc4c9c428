"""Tables of counters: receipts, and the days of offices."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
)

from dop_gateway.counter.model import DayState, ReceiptState
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate, one_of
from hw.database.tables import key, paise
from protocol.exchange import PaymentMode

counter_day = table(
    "counter_day",
    Column(
        "office",
        INTEGER,
        ForeignKey("office.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("day", IsoDate, primary_key=True),
    Column("state", Text, nullable=False),
    Column("serial", INTEGER, nullable=False),
    Column("receipts", INTEGER, nullable=False),
    paise("total_paise"),
    Column("closed_by", INTEGER, ForeignKey("person.id")),
    Column("closed_at", INTEGER),
    Index("ix_counter_day_day", "day", "office"),
    one_of("state", DayState),
    CheckConstraint(
        "(closed_at IS NULL) = (state = 'OPEN') "
        "AND (closed_by IS NULL) = (state = 'OPEN')",
        name="closed_whole",
    ),
)
"""A day of an office. Whoever takes a receipt locks the row of its day."""

counter_receipt = table(
    "counter_receipt",
    key(),
    Column("number", Text, nullable=False, unique=True),
    Column("office", INTEGER, ForeignKey("office.id"), nullable=False),
    Column("day", IsoDate, nullable=False),
    Column("serial", INTEGER, nullable=False),
    Column("state", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("licence_number", Text, nullable=False),
    Column("licensee", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("depositor", Text, nullable=False),
    Column("mobile", Text, nullable=False),
    paise("amount_paise"),
    Column("mode", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("instrument_bank", Text, nullable=False),
    Column("instrument_dated", IsoDate),
    Column("payee", INTEGER, ForeignKey("office.id")),
    Column("taken_at", INTEGER, nullable=False),
    Column("taken_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("outcome_on", IsoDate),
    Column("outcome", Text, nullable=False),
    UniqueConstraint("office", "day", "serial"),
    Index("ix_counter_receipt_licence", "licence", "id"),
    Index("ix_counter_receipt_state", "state", "office"),
    one_of("state", ReceiptState),
    one_of("mode", PaymentMode),
    CheckConstraint("amount_paise > 0", name="amount_positive"),
    CheckConstraint(
        "(mode = 'PO_CASH') = (payee IS NULL) "
        "AND (payee IS NULL) = (instrument_dated IS NULL)",
        name="instrument_whole",
    ),
    CheckConstraint(
        "mode <> 'PO_CASH' OR state IN ('TAKEN', 'CANCELLED')", name="cash_stays"
    ),
    CheckConstraint(
        "(outcome_on IS NULL) = (state NOT IN ('REALISED', 'BOUNCED'))",
        name="outcome_whole",
    ),
)
"""A receipt: what was paid at a counter, by whom, for which licence."""
