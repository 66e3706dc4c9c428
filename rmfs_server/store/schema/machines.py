"""Tables of licences and machines: what was signed, granted, ordered and found."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)

from hw.database.columns import (
    INTEGER,
    Flag,
    IsoDate,
    flag,
    names,
    octets,
    one_of,
)
from hw.database.tables import key, paise
from protocol.messages import (
    CONTENT_OCTETS_MAX,
    CONTENT_ORDERS,
    LicenceState,
    OrderKind,
    RefusalCode,
)
from protocol.registers import MachineState, VoucherKind
from protocol.values import AMOUNT_PAISE_MAX
from rmfs_server.store.schema.building import registers, table
from rmfs_server.store.schema.kinds import (
    CredentialState,
    RechargeState,
    SettledBy,
    SignedKind,
)

licence = table(
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

credential = table(
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
    *registers("base"),
    Column("base_number", INTEGER, nullable=False),
    Column("enrolled_at", INTEGER, nullable=False),
    Column("revoked_at", INTEGER),
    one_of("state", CredentialState),
    octets("credential_hash", 8),
)
"""The one credential of a licence identifier; a revoked one stays and never comes back.

A PSD gets a new life under a new identifier with new keys (SPEC.md REG-10).
"""

machine = table(
    "machine",
    Column("licence", Text, ForeignKey("credential.licence"), primary_key=True),
    Column("state", Text, nullable=False),
    *registers("last"),
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

signed_message = table(
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

recharge = table(
    "recharge",
    key(),
    Column("licence", Text, ForeignKey("machine.licence"), nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("kind", Text, nullable=False),
    paise("amount_paise"),
    Column("state", Text, nullable=False),
    paise("control_total_before_paise"),
    paise("control_total_after_paise"),
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

usage = table(
    "usage",
    Column("licence", Text, ForeignKey("machine.licence"), primary_key=True),
    Column("product_class", INTEGER, primary_key=True, autoincrement=False),
    Column("items", INTEGER, nullable=False),
    paise("amount_paise"),
    CheckConstraint("items >= 0 AND amount_paise >= 0", name="not_negative"),
)
"""Items and postage by product class since the life of the PSD began."""

content = table(
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

machine_order = table(
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

discrepancy = table(
    "discrepancy",
    key(),
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

act = table(
    "act",
    key(),
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

credit_key = table(
    "credit_key",
    Column("key_id", INTEGER, primary_key=True, autoincrement=False),
    Column("realm", INTEGER, nullable=False),
    Column("x", LargeBinary, nullable=False),
    Column("y", LargeBinary, nullable=False),
    Column("first_used_at", INTEGER, nullable=False),
)
"""Public halves of the credit keys, for evidence; an id never changes its key."""
