"""Tables of the Department's ledger; the rules they hold are `hw.database.guards`'."""

from typing import Final

from dop_gateway.ledger.model import POOLED, AccountKind, JournalKind
from dop_gateway.store.building import metadata
from hw.database.ledger_tables import ledger_tables

ledger: Final = ledger_tables(metadata, AccountKind, POOLED, JournalKind)
