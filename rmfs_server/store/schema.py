"""The tables of the recharge server: money, machines, recharges, and what was signed.

- Money is in `journal` and `entry` and nowhere else; both only grow. A per-licence
  account has a cached `balance`, which can never be negative and is recomputed by
  `verify`; a pooled account has none, so that no row is common to all recharges.
- Entries come first and the journal row seals them: its trigger counts and sums them,
  and no entry can follow (the triggers are in the migration, for both engines).
- A recharge is unique by licence and number, keeps its voucher's bytes, and at most one
  of a machine is open.
- What a machine signed is kept as it came, with the answer that it got: the same octets
  again get the same answer.
- An order keeps what was ordered under its serial; one that was taken back is sent as
  NOTHING. The contents that orders name are kept as they were signed, once each.

Source: reliability notes, rules L1 to L16; docs/decisions/ledger.md.
"""

from enum import Enum
from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from protocol.messages import (
    CONTENT_OCTETS_MAX,
    CONTENT_ORDERS,
    LicenceState,
    OrderKind,
    RefusalCode,
)
from protocol.registers import MachineState, VoucherKind
from protocol.values import AMOUNT_PAISE_MAX
from rmfs_server.store.columns import (
    INTEGER,
    Flag,
    IsoDate,
    flag,
    names,
    octets,
    one_of,
)


class AccountKind(Enum):
    """What an account holds."""

    DEPARTMENT = "value that came from, or went back to, the Department; pooled"
    SUSPENSE = "value that belongs to no account yet; pooled"
    FUNDS = "funds of a licence remaining at this server"
    RESERVED = "funds that a voucher under way holds"
    MACHINE = "value put into the machine: its control total"


POOLED: Final = frozenset({AccountKind.DEPARTMENT, AccountKind.SUSPENSE})


class JournalKind(Enum):
    """Why value moved."""

    ENROL = "control total of a machine at its enrolment"
    DEPOSIT = "a line of a fund file"
    CORRECTION = "the difference that a correcting line of a fund file makes"
    RESERVE = "funds reserved for a voucher"
    POST = "a voucher was applied"
    VOID = "a voucher was taken back"
    RESTORE = "a voucher that these books had lost was posted again"
    ADOPT = "the registers of a machine were adopted by a person"
    REVERSAL = "a journal was reversed"


class CredentialState(Enum):
    """Whether a machine may still prove itself with a credential."""

    ACTIVE = "in use"
    REVOKED = "never again"


class RechargeState(Enum):
    """Where a recharge stands; RESERVED and FROZEN are open."""

    RESERVED = "voucher stored, not settled"
    FROZEN = "registers do not fit: a person decides"
    POSTED = "applied by the machine"
    VOIDED = "taken back before it was applied"
    REVERSED = "taken back by a person"


class SettledBy(Enum):
    """What showed how a recharge ended."""

    CONFIRMATION = "the CONFIRMATION of the same call"
    STATEMENT = "the next STATEMENT"
    PERSON = "a person's decision"


class SignedKind(Enum):
    """Which message a machine signed."""

    STATEMENT = "STATEMENT"
    CONFIRMATION = "CONFIRMATION"


metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _table(name: str, *parts: Column[object] | CheckConstraint | object) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)  # type: ignore[arg-type]


def _key() -> Column[int]:
    return Column("id", INTEGER, primary_key=True)


def _paise(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, INTEGER, nullable=nullable)


def _registers(prefix: str) -> tuple[Column[int], ...]:
    return tuple(
        Column(f"{prefix}_{name}", INTEGER, nullable=False) for name in REGISTER_NAMES
    )


REGISTER_NAMES: Final = (
    "ascending_paise",
    "descending_paise",
    "control_total_paise",
    "items",
    "items_with_zero",
)

licence = _table(
    "licence",
    Column("identifier", Text, primary_key=True),
    Column("number", Text, nullable=False, index=True),
    Column("licensee", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_on", IsoDate, nullable=False),
    Column("refund_allowed", Flag, nullable=False),
    Column("created_at", INTEGER, nullable=False),
    one_of("state", LicenceState),
    flag("refund_allowed"),
)

credential = _table(
    "credential",
    Column("licence", Text, ForeignKey("licence.identifier"), primary_key=True),
    Column("generation", INTEGER, nullable=False),
    Column("state", Text, nullable=False),
    Column("psd_serial", Text, nullable=False, index=True),
    Column("realm", INTEGER, nullable=False),
    Column("model", Text, nullable=False),
    Column("firmware", Text, nullable=False),
    Column("dh_x", LargeBinary, nullable=False, unique=True),
    Column("dh_y", LargeBinary, nullable=False),
    Column("signing_x", LargeBinary, nullable=False, unique=True),
    Column("signing_y", LargeBinary, nullable=False),
    Column("credential_hash", LargeBinary, nullable=False, unique=True),
    *_registers("base"),
    Column("base_number", INTEGER, nullable=False),
    Column("enrolled_at", INTEGER, nullable=False),
    Column("revoked_at", INTEGER),
    one_of("state", CredentialState),
    octets("credential_hash", 8),
)
"""The one credential of a licence identifier; a revoked one stays and never comes back.

A PSD gets a new life under a new identifier with new keys (SPEC.md REG-10).
"""

machine = _table(
    "machine",
    Column("licence", Text, ForeignKey("credential.licence"), primary_key=True),
    Column("state", Text, nullable=False),
    *_registers("last"),
    Column("base_paise", INTEGER, nullable=False),
    Column("settled_paise", INTEGER, nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("mark_acknowledged", LargeBinary, nullable=False),
    Column("mark_issued", LargeBinary),
    Column("call_generation", INTEGER, nullable=False),
    Column("dial_in", INTEGER, nullable=False),
    Column("frozen", Flag, nullable=False),
    Column("order_serial", INTEGER, nullable=False),
    Column("usage_base_paise", INTEGER, nullable=False),
    Column("usage_ascending_paise", INTEGER, nullable=False),
    Column("stated_at", INTEGER),
    Column("completed_at", INTEGER),
    Column("presented_voucher", LargeBinary),
    Column("presented_at", INTEGER),
    Column("capabilities", INTEGER),
    Column("enrolled_credit_key", INTEGER, nullable=False),
    one_of("state", MachineState),
    flag("frozen"),
    octets("mark_acknowledged", 8),
    octets("mark_issued", 8),
    CheckConstraint(
        "last_ascending_paise + last_descending_paise = last_control_total_paise",
        name="registers_balanced",
    ),
    CheckConstraint("base_paise + settled_paise >= 0", name="control_total"),
)
"""What the books say of a machine; `completed_at` is the time of its last RECEIPT.

`capabilities` are those of its last STATEMENT, `enrolled_credit_key` the id of the one
credit key that it knew when it was enrolled.
"""

signed_message = _table(
    "signed_message",
    Column("digest", LargeBinary, primary_key=True),
    Column("licence", Text, ForeignKey("credential.licence"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("binding", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("call_generation", INTEGER, nullable=False),
    Column("received_at", INTEGER, nullable=False),
    one_of("kind", SignedKind),
    octets("digest", 32),
    octets("binding", 32),
    Index("ix_signed_message_licence", "licence", "call_generation"),
)
"""What a machine signed, as it came, with the answer that was stored for it."""

recharge = _table(
    "recharge",
    _key(),
    Column("licence", Text, ForeignKey("machine.licence"), nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("kind", Text, nullable=False),
    _paise("amount_paise"),
    Column("state", Text, nullable=False),
    _paise("control_total_before_paise"),
    _paise("control_total_after_paise"),
    Column("voucher", LargeBinary, nullable=False),
    Column("void", LargeBinary),
    Column(
        "requested_in",
        LargeBinary,
        ForeignKey("signed_message.digest", deferrable=True, initially="DEFERRED"),
    ),
    Column(
        "settled_in",
        LargeBinary,
        ForeignKey("signed_message.digest", deferrable=True, initially="DEFERRED"),
    ),
    Column("settled_by", Text),
    Column("reserved_at", INTEGER, nullable=False),
    Column("voided_at", INTEGER),
    Column("settled_at", INTEGER),
    UniqueConstraint("licence", "number"),
    one_of("kind", VoucherKind),
    one_of("state", RechargeState),
    one_of("settled_by", SettledBy),
    CheckConstraint(
        f"amount_paise BETWEEN 0 AND {AMOUNT_PAISE_MAX}", name="amount_range"
    ),
    CheckConstraint(
        "(state IN ('RESERVED', 'FROZEN')) = (settled_at IS NULL)", name="settled_once"
    ),
    Index(
        "uq_recharge_open",
        "licence",
        unique=True,
        sqlite_where=text("state IN ('RESERVED', 'FROZEN')"),
        postgresql_where=text("state IN ('RESERVED', 'FROZEN')"),
    ),
)
"""A voucher of a machine; `requested_in` is empty where the books had lost it."""

usage = _table(
    "usage",
    Column("licence", Text, ForeignKey("machine.licence"), primary_key=True),
    Column("product_class", INTEGER, primary_key=True, autoincrement=False),
    Column("items", INTEGER, nullable=False),
    _paise("amount_paise"),
    CheckConstraint("items >= 0 AND amount_paise >= 0", name="not_negative"),
)
"""Items and postage by product class since the life of the PSD began."""

content = _table(
    "content",
    Column("content_id", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("name", Text, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("valid_from", INTEGER, nullable=False),
    Column("added_at", INTEGER, nullable=False),
    one_of("kind", CONTENT_ORDERS),
    octets("content_id", 8),
    CheckConstraint(
        f"length(octets) BETWEEN 1 AND {CONTENT_OCTETS_MAX}", name="octets_range"
    ),
)
"""What orders bring: signed by the maker, kept once however many machines get it.

The id is an unsigned number of 64 bits, which no database keeps: it is its octets here.
"""

machine_order = _table(
    "machine_order",
    Column("licence", Text, ForeignKey("machine.licence"), primary_key=True),
    Column("serial", INTEGER, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("value", INTEGER, nullable=False),
    Column("created_at", INTEGER, nullable=False),
    Column("acknowledged_at", INTEGER),
    Column("content", LargeBinary, ForeignKey("content.content_id")),
    Column("sent_at", INTEGER),
    Column("taken_back_at", INTEGER),
    one_of("kind", OrderKind),
    CheckConstraint(
        f"(content IS NOT NULL) = (kind IN ({names(CONTENT_ORDERS)}))",
        name="content_named",
    ),
)
"""Orders to a machine, as they were given; `sent_at` is when one was
first sent so.

A CLOCK of value 0 means the time of sending. What names a content has the value 0 here.
"""

discrepancy = _table(
    "discrepancy",
    _key(),
    Column("licence", Text, ForeignKey("machine.licence"), nullable=False),
    Column("code", Text, nullable=False),
    Column("found_in", LargeBinary, ForeignKey("signed_message.digest")),
    Column("detail", Text, nullable=False),
    Column("found_at", INTEGER, nullable=False),
    Column("resolved_at", INTEGER),
    Column("resolution", Text),
    Column("resolved_by", Text),
    Column("second_person", Text),
    Column("reason", Text),
    one_of("code", RefusalCode),
    CheckConstraint(
        "(resolved_at IS NULL) = (resolution IS NULL)", name="resolved_whole"
    ),
    Index("ix_discrepancy_licence", "licence", "resolved_at"),
)
"""What did not fit; open until a person resolves it."""

act = _table(
    "act",
    _key(),
    Column("licence", Text),
    Column("move", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("second_person", Text),
    Column("reason", Text, nullable=False),
    Column("at", INTEGER, nullable=False),
    Index("ix_act_licence", "licence"),
)
"""What people did, who and why."""

credit_key = _table(
    "credit_key",
    Column("key_id", INTEGER, primary_key=True, autoincrement=False),
    Column("realm", INTEGER, nullable=False),
    Column("x", LargeBinary, nullable=False),
    Column("y", LargeBinary, nullable=False),
    Column("first_used_at", INTEGER, nullable=False),
)
"""Public halves of the credit keys, for evidence; an id never changes its key."""

account = _table(
    "account",
    _key(),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier")),
    one_of("kind", AccountKind),
    CheckConstraint(
        "(licence IS NULL) = (kind IN ('DEPARTMENT', 'SUSPENSE'))", name="pooled"
    ),
    UniqueConstraint("licence", "kind"),
)

balance = _table(
    "balance",
    Column(
        "account",
        INTEGER,
        ForeignKey("account.id"),
        primary_key=True,
        autoincrement=False,
    ),
    _paise("balance_paise"),
    Column("seq", INTEGER, nullable=False),
    CheckConstraint("balance_paise >= 0", name="not_negative"),
)
"""Cache of the sum of an account's entries; pooled accounts have no row."""

journal = _table(
    "journal",
    Column("id", INTEGER, primary_key=True, autoincrement=False),
    Column("idem", Text, nullable=False, unique=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reverses", INTEGER, ForeignKey("journal.id"), unique=True),
    Column("refers_to", INTEGER, ForeignKey("journal.id")),
    Column("business_date", IsoDate, nullable=False),
    Column("posted_at", INTEGER, nullable=False),
    Column("reason", Text, nullable=False),
    Column("person", Text),
    one_of("kind", JournalKind),
    octets("request_hash", 32),
)

entry = _table(
    "entry",
    _key(),
    Column(
        "journal",
        INTEGER,
        ForeignKey("journal.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
    Column("account", INTEGER, ForeignKey("account.id"), nullable=False),
    _paise("amount_paise"),
    Column("seq", INTEGER),
    CheckConstraint("amount_paise <> 0", name="amount_not_zero"),
    CheckConstraint(
        f"amount_paise BETWEEN -{AMOUNT_PAISE_MAX} AND {AMOUNT_PAISE_MAX}",
        name="amount_range",
    ),
    UniqueConstraint("account", "seq"),
    UniqueConstraint("journal", "account"),
)

closed_period = _table(
    "closed_period",
    Column("through", IsoDate, primary_key=True),
    Column("closed_at", INTEGER, nullable=False),
    Column("person", Text, nullable=False),
)
"""Business dates up to this one take no more postings."""

fund_file = _table(
    "fund_file",
    Column("file_id", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("octets", LargeBinary, nullable=False),
    Column("made_on", IsoDate, nullable=False),
    Column("lines", INTEGER, nullable=False),
    _paise("total_paise"),
    Column("imported_at", INTEGER, nullable=False),
    octets("sha256", 32),
)
"""A fund file of the Department, as it came."""

fund_line = _table(
    "fund_line",
    Column("file_id", Text, ForeignKey("fund_file.file_id"), primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("line_number", INTEGER, nullable=False),
    Column("record", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("licence_number", Text, nullable=False),
    Column("licensee", Text, nullable=False),
    _paise("amount_paise"),
    Column("mode", Text),
    Column("value_date", IsoDate, nullable=False),
    Column("available_from", IsoDate, nullable=False),
    Column("corrects_file_id", Text),
    Column("corrects_line_id", Text),
    CheckConstraint("record IN ('D', 'C')", name="record_known"),
)
"""Every line of every fund file, whatever became of it; its licence may be unknown."""

suspense = _table(
    "suspense",
    Column("file_id", Text, primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("opened_at", INTEGER, nullable=False),
    Column("closed_at", INTEGER),
    Column("outcome", Text),
    Column("closed_by_file_id", Text),
    Column("closed_by_line_id", Text),
    ForeignKeyConstraint(
        ["file_id", "line_id"], ["fund_line.file_id", "fund_line.line_id"]
    ),
    CheckConstraint("outcome IN ('APPLIED', 'CLOSED')", name="outcome_known"),
    CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed_whole"),
)
"""Lines that could not be applied; opened, and closed once."""

fund_credit = _table(
    "fund_credit",
    Column("file_id", Text, primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    _paise("amount_paise"),
    Column("available_from", IsoDate, nullable=False),
    Column("deposit_file_id", Text, nullable=False),
    Column("deposit_line_id", Text, nullable=False),
    Column("first_deposit", Flag, nullable=False),
    Column("journal", INTEGER, ForeignKey("journal.id"), nullable=False, unique=True),
    ForeignKeyConstraint(
        ["file_id", "line_id"], ["fund_line.file_id", "fund_line.line_id"]
    ),
    ForeignKeyConstraint(
        ["deposit_file_id", "deposit_line_id"],
        ["fund_line.file_id", "fund_line.line_id"],
    ),
    CheckConstraint("amount_paise <> 0", name="amount_not_zero"),
    flag("first_deposit"),
    Index("ix_fund_credit_licence", "licence", "available_from"),
)
"""What a line did to the funds of a licence, and from which day it may be used."""

APPEND_ONLY: Final = (
    "journal",
    "entry",
    "signed_message",
    "act",
    "credit_key",
    "closed_period",
    "fund_file",
    "fund_line",
    "fund_credit",
    "content",
)
"""Tables whose rows are never changed and never removed (triggers hold it)."""
