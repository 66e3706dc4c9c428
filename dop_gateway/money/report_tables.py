"""Tables of reconciliations: one for each day, and what was explained in it."""

from sqlalchemy import Column, ForeignKey, Index, Text

from dop_gateway.money.model import Balance
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate, one_of
from hw.database.tables import key, paise

reconciliation = table(
    "reconciliation",
    Column("day", IsoDate, primary_key=True),
    Column("ran_at", INTEGER, nullable=False),
    Column("licences", INTEGER, nullable=False),
    paise("unexplained_paise"),
    Column("whole", Text, nullable=False),
)
"""The last reconciliation of each day; `whole` is where all money is, as JSON."""

reconciliation_part = table(
    "reconciliation_part",
    key(),
    Column("day", IsoDate, ForeignKey("reconciliation.day"), nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("maker", Text, nullable=False),
    Column("balance", Text, nullable=False),
    Column("cause", Text),
    Column("words", Text, nullable=False),
    paise("amount_paise"),
    Column("since", INTEGER, nullable=False),
    Column("entries", Text, nullable=False),
    one_of("balance", Balance),
    Index("ix_reconciliation_part_day", "day", "licence"),
    Index("ix_reconciliation_part_licence", "licence", "day"),
)
"""What explains a difference, with the entries that cause it as JSON; without a cause:
what nothing explains. Causes grow, and are not named here. A reconciliation that is
done again replaces its parts."""
