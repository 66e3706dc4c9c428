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
- Files of the Department and files to it are kept as they came and as they went; what
  is to be told to it waits, row by row (`exchange`).
- An order keeps what was ordered under its serial; one that was taken back is sent as
  NOTHING. The contents that orders name are kept as they were signed, once each.

Source: reliability notes, rules L1 to L16; docs/decisions/ledger.md.
"""

from typing import Final

from rmfs_server.store.schema.building import REGISTER_NAMES, metadata
from rmfs_server.store.schema.exchange import (
    file_number,
    issued_licence,
    received_file,
    received_refusal,
    sent_file,
    sent_refusal,
    told_item,
    usage_report,
)
from rmfs_server.store.schema.kinds import (
    POOLED,
    AccountKind,
    CredentialState,
    Direction,
    JournalKind,
    ReceivedState,
    RechargeState,
    SentState,
    SettledBy,
    SignedKind,
    TellingKind,
)
from rmfs_server.store.schema.machines import (
    act,
    content,
    credential,
    credit_key,
    discrepancy,
    licence,
    machine,
    machine_order,
    recharge,
    signed_message,
    usage,
)
from rmfs_server.store.schema.money import (
    account,
    entry,
    fund_credit,
    fund_file,
    fund_line,
    journal,
    ledger,
    suspense,
)

__all__ = [
    "APPEND_ONLY",
    "POOLED",
    "REGISTER_NAMES",
    "AccountKind",
    "CredentialState",
    "Direction",
    "JournalKind",
    "ReceivedState",
    "RechargeState",
    "SentState",
    "SettledBy",
    "SignedKind",
    "TellingKind",
    "account",
    "act",
    "content",
    "credential",
    "credit_key",
    "discrepancy",
    "entry",
    "file_number",
    "fund_credit",
    "fund_file",
    "fund_line",
    "issued_licence",
    "journal",
    "ledger",
    "licence",
    "machine",
    "machine_order",
    "metadata",
    "received_file",
    "received_refusal",
    "recharge",
    "sent_file",
    "sent_refusal",
    "signed_message",
    "suspense",
    "told_item",
    "usage",
    "usage_report",
]

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
    "usage_report",
)
"""Tables whose rows are never changed and never removed (triggers hold it)."""
