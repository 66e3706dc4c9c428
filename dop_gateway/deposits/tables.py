"""Tables of deposits, what makers are told of them, and what is proposed about them."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)

from dop_gateway.counter import tables as _counter
from dop_gateway.deposits.model import (
    MAYBE_OF_NO_LICENCE,
    Action,
    DepositEvent,
    DepositState,
    LineKind,
    LineState,
    ProposalState,
)
from dop_gateway.ledger import Source
from dop_gateway.ledger import tables as _ledger
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate, names, one_of
from hw.database.tables import key, paise
from protocol.exchange import PaymentMode

PARTS: Final = (_ledger, _counter)
"""Named so that whoever imports this has those tables too."""

deposit = table(
    "deposit",
    key(),
    Column("source", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("licence_text", Text, nullable=False),
    Column("number_text", Text, nullable=False),
    Column("licensee_text", Text, nullable=False),
    paise("amount_paise"),
    Column("mode", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("value_date", IsoDate, nullable=False),
    Column("realised_on", IsoDate),
    Column("file_id", Text),
    Column("line_id", Text),
    Column("received_at", INTEGER, nullable=False),
    Column("state", Text, nullable=False),
    Column("steps", INTEGER, nullable=False),
    Column("changed_at", INTEGER, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier")),
    Column("available_from", IsoDate),
    Column("confirmed_at", INTEGER),
    Column("suspended_at", INTEGER),
    Column("fault_code", Text),
    Column("fault_words", Text),
    paise("downloaded_paise"),
    paise("refunded_paise"),
    Column("recalled_for", Text),
    UniqueConstraint("source", "reference"),
    Index("ix_deposit_state", "state", "id"),
    Index("ix_deposit_licence", "licence", "id"),
    Index("ix_deposit_licence_day", "licence", "value_date"),
    Index("ix_deposit_value_date", "value_date", "id"),
    one_of("source", Source),
    one_of("mode", PaymentMode),
    one_of("state", DepositState),
    one_of("recalled_for", (DepositState.BOUNCED, DepositState.REVERSED)),
    CheckConstraint("amount_paise > 0", name="amount_positive"),
    CheckConstraint(
        "downloaded_paise >= 0 AND refunded_paise >= 0 "
        "AND downloaded_paise + refunded_paise <= amount_paise",
        name="parts_within",
    ),
    CheckConstraint("(fault_code IS NULL) = (fault_words IS NULL)", name="fault_whole"),
    CheckConstraint(
        f"licence IS NOT NULL OR state IN ({names(MAYBE_OF_NO_LICENCE)})",
        name="licence_known",
    ),
)
"""One payment on its way. What was captured never changes, but for the realisation."""

deposit_move = table(
    "deposit_move",
    key(),
    Column("deposit", INTEGER, ForeignKey("deposit.id"), nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("move", Text, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("person", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    UniqueConstraint("deposit", "number"),
    one_of("move", DepositEvent),
)
"""Every move of every deposit (GW-02); it only grows.

A file moves 100,000 deposits at once: the audit trail has one row for them, with how
many, how much, and a hash over these rows.
"""

fund_line = table(
    "fund_line",
    key(),
    Column("deposit", INTEGER, ForeignKey("deposit.id"), nullable=False, index=True),
    Column("maker", Text, ForeignKey("maker.letter"), nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("kind", Text, nullable=False),
    paise("told_paise"),
    paise("amount_paise"),
    Column("corrects", INTEGER, ForeignKey("fund_line.id")),
    Column("state", Text, nullable=False),
    Column("file_id", Text),
    Column("made_at", INTEGER, nullable=False),
    Column("answered_at", INTEGER),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
    Index("ix_fund_line_maker", "maker", "state", "id"),
    Index("ix_fund_line_file_id", "file_id"),
    one_of("kind", LineKind),
    one_of("state", LineState),
    CheckConstraint("(corrects IS NULL) = (kind = 'DEPOSIT')", name="corrects_one"),
    CheckConstraint(
        "(file_id IS NULL) = (state IN ('WAITING', 'DROPPED'))", name="in_a_file"
    ),
    CheckConstraint(
        "(answered_at IS NULL) = (state IN ('WAITING', 'DROPPED', 'SENT'))",
        name="answered_whole",
    ),
)
"""A line of a fund file: its id in the file is its key here.

`told_paise` stands in the file. `amount_paise` is what the maker's funds change by when
it takes the line: one that is told again corrects by nothing and brings all of it, and
one that only clears what waits in the maker's suspense changes nothing.
"""

proposal = table(
    "deposit_proposal",
    key(),
    Column("deposit", INTEGER, ForeignKey("deposit.id"), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier")),
    Column("words", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("proposed_at", INTEGER, nullable=False),
    Column("decided_by", INTEGER, ForeignKey("person.id")),
    Column("decided_at", INTEGER),
    Column("decision", Text, nullable=False),
    one_of("action", Action),
    one_of("state", ProposalState),
    CheckConstraint("(licence IS NOT NULL) = (action = 'RELEASE')", name="to_licence"),
    CheckConstraint(
        "(decided_at IS NULL) = (state = 'PROPOSED') "
        "AND (decided_at IS NULL) = (decided_by IS NULL)",
        name="decided_whole",
    ),
    CheckConstraint(
        "state NOT IN ('APPROVED', 'REJECTED') OR decided_by <> proposed_by",
        name="two_people",
    ),
    Index(
        "uq_deposit_proposal_open",
        "deposit",
        unique=True,
        sqlite_where=text("state = 'PROPOSED'"),
        postgresql_where=text("state = 'PROPOSED'"),
    ),
)
"""What one person proposes and another decides; one at a time for a deposit."""

settlement = table(
    "deposit_settlement",
    Column(
        "proposal",
        INTEGER,
        ForeignKey("deposit_proposal.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("paid_by", INTEGER, ForeignKey("deposit.id"), nullable=False, index=True),
)
"""By which other payment a proposal settles what is owed for a deposit; only grows."""
