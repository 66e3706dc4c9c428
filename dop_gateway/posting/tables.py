"""Tables: usage, statements of mailing, rebates, refunds, franks seen."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, text

from dop_gateway.franks import tables as _franks
from dop_gateway.posting.model import ClaimKind, ClaimState, MailingState, PaidBy
from dop_gateway.store.building import table
from dop_gateway.usage import tables as _usage
from hw.database.columns import INTEGER, Flag, IsoDate, flag, one_of
from hw.database.tables import key, paise

PARTS = (_franks, _usage)

_COUNTS = text("state = 'CAPTURED'")

mailing = table(
    "mailing",
    key(),
    Column("number", Text, nullable=False),
    Column("running", INTEGER, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("office", INTEGER, ForeignKey("office.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("presented_on", IsoDate, nullable=False),
    Column("mail_dated", IsoDate, nullable=False),
    Column("closed_at", INTEGER),
    paise("opening_ascending_paise"),
    paise("opening_descending_paise"),
    paise("closing_ascending_paise"),
    paise("closing_descending_paise"),
    Column("items", INTEGER, nullable=False),
    paise("amount_paise"),
    Column("customer", Text, nullable=False),
    Column("is_sorted", Flag, nullable=False),
    Column("copies", INTEGER, nullable=False),
    paise("shortage_due_paise"),
    paise("shortage_collected_paise"),
    Column("captured_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("captured_at", INTEGER, nullable=False),
    Column("voided_by", INTEGER, ForeignKey("person.id")),
    Column("voided_at", INTEGER),
    one_of("state", MailingState),
    flag("is_sorted"),
    CheckConstraint(
        "closing_ascending_paise >= opening_ascending_paise", name="never_less"
    ),
    CheckConstraint(
        "(state = 'VOIDED') = (voided_by IS NOT NULL) "
        "AND (voided_by IS NULL) = (voided_at IS NULL) "
        "AND (voided_by IS NULL OR voided_by <> captured_by)",
        name="voided_whole",
    ),
    Index(
        "uq_mailing_running",
        "licence",
        "running",
        unique=True,
        sqlite_where=_COUNTS,
        postgresql_where=_COUNTS,
    ),
    Index("ix_mailing_office", "office", "presented_on"),
)
"""Statements of mailing; a number counts once."""

mailing_line = table(
    "mailing_line",
    Column("mailing", INTEGER, ForeignKey("mailing.id"), primary_key=True),
    Column("product_class", INTEGER, primary_key=True, autoincrement=False),
    Column("is_registered", Flag, primary_key=True),
    Column("items", INTEGER, nullable=False),
    paise("amount_paise"),
    flag("is_registered"),
    CheckConstraint("product_class BETWEEN 1 AND 255", name="class_known"),
    CheckConstraint("items > 0 AND amount_paise > 0", name="some"),
)
"""What a statement tells, class by class."""

claim = table(
    "claim",
    key(),
    Column("kind", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("office", INTEGER, ForeignKey("office.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("claimed_on", IsoDate, nullable=False),
    paise("gross_paise"),
    paise("deduction_paise"),
    Column("proposed_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("proposed_at", INTEGER, nullable=False),
    Column("confirmed_by", INTEGER, ForeignKey("person.id")),
    Column("sanctioned_by", INTEGER, ForeignKey("person.id")),
    Column("refused_by", INTEGER, ForeignKey("person.id")),
    Column("paid_out_by", INTEGER, ForeignKey("person.id")),
    Column("paid_by", Text),
    Column("schedule_on", IsoDate),
    one_of("kind", ClaimKind),
    one_of("state", ClaimState),
    one_of("paid_by", PaidBy),
    CheckConstraint(
        "gross_paise > 0 AND deduction_paise >= 0 AND deduction_paise < gross_paise",
        name="something_payable",
    ),
    CheckConstraint(
        "sanctioned_by IS NULL OR sanctioned_by <> proposed_by", name="two_people"
    ),
    CheckConstraint(
        "(state = 'PAID') = (paid_by IS NOT NULL) "
        "AND (paid_by IS NULL) = (schedule_on IS NULL) "
        "AND (paid_by IS NULL) = (paid_out_by IS NULL)",
        name="paid_whole",
    ),
    Index("ix_claim_licence", "licence", "kind", "state"),
    Index("ix_claim_schedule", "schedule_on", "office"),
)
"""Claims on money, each with who made each of its moves."""

rebate = table(
    "rebate",
    Column("claim", INTEGER, ForeignKey("claim.id"), primary_key=True),
    Column("from_mailing", INTEGER, ForeignKey("mailing.id")),
    Column("to_mailing", INTEGER, ForeignKey("mailing.id"), nullable=False),
    paise("from_ascending_paise"),
    paise("to_ascending_paise"),
    Column("rate_basis_points", INTEGER, nullable=False),
    paise("rebate_paise"),
    paise("sorted_paise"),
    Column("sorted_basis_points", INTEGER, nullable=False),
    paise("sorted_rebate_paise"),
    CheckConstraint("to_ascending_paise > from_ascending_paise", name="consumed"),
)
"""What a claim of a rebate is made of; no statement before: AR of the first one."""

spoiled_frank = table(
    "spoiled_frank",
    Column("frank", INTEGER, ForeignKey("seen_frank.id"), primary_key=True),
    Column("claim", INTEGER, ForeignKey("claim.id"), nullable=False, index=True),
    paise("value_paise"),
)
"""Franks whose value is claimed back, each once; a refused claim lets them go."""

unused_credit = table(
    "unused_credit",
    Column("claim", INTEGER, ForeignKey("claim.id"), primary_key=True),
    Column("last_mailing", INTEGER, ForeignKey("mailing.id")),
    paise("descending_paise"),
    paise("remaining_paise"),
    Column("cancelled_on", IsoDate, nullable=False),
    CheckConstraint(
        "descending_paise >= 0 AND remaining_paise >= 0", name="amounts_counted"
    ),
)
"""What is left of a cancelled licence: in the machine, and with its maker."""
