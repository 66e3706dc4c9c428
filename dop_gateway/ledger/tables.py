"""Tables of the Department's ledger; the rules they hold are `hw.database.guards`'."""

from typing import Final

from sqlalchemy import Index

from dop_gateway.ledger.model import POOLED, AccountKind, JournalKind
from dop_gateway.store.building import metadata
from hw.database.ledger_tables import ledger_tables

ledger: Final = ledger_tables(metadata, AccountKind, POOLED, JournalKind)

# A report of a day that is over asks what moved since.
Index("ix_journal_business_date", ledger.journal.c.business_date)
