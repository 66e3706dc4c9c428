"""Tables of the files that are exchanged with the Department, whichever they are.

- A file that came is kept with its octets before anybody looks into it; what was judged
  about it is in its row, and its refused lines beside it.
- What is to be told to the Department waits in `told_item`, one row for each thing:
  triggers put it there in the transaction in which it happened. A file takes rows by
  writing itself into them; so no row is left out, and none is told twice.
- A file that goes is kept with its octets until the Department has answered it, and
  for ever after: sent again, it is the same.

Source: RMFS-31 to RMFS-35; docs/exchange-session.md.
"""

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

from hw.database.columns import INTEGER, IsoDate, octets, one_of
from rmfs_server.store.schema.building import table
from rmfs_server.store.schema.kinds import (
    Direction,
    ReceivedState,
    SentState,
    TellingKind,
)

file_number = table(
    "file_number",
    Column("direction", Text, primary_key=True),
    Column("layout", Text, primary_key=True),
    Column("next", INTEGER, nullable=False),
    one_of("direction", Direction),
    CheckConstraint("next >= 1", name="next_counts"),
)
"""The sequence that the next file of a kind has; whoever exchanges files locks them."""

sent_file = table(
    "sent_file",
    Column("id", INTEGER, primary_key=True),
    Column("file_id", Text, nullable=False, unique=True),
    Column("layout", Text, nullable=False),
    Column("sequence", INTEGER, nullable=False),
    Column("business_date", IsoDate, nullable=False),
    Column("window_of_day", INTEGER, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("octets", LargeBinary, nullable=False),
    Column("lines", INTEGER, nullable=False),
    Column("made_at", INTEGER, nullable=False),
    Column("handed_at", INTEGER),
    Column("state", Text, nullable=False),
    Column("code", Text),
    Column("words", Text),
    Column("answered_at", INTEGER),
    one_of("state", SentState),
    octets("sha256", 32),
    CheckConstraint("(state = 'OFFERED') = (answered_at IS NULL)", name="answered"),
    Index(
        "ix_sent_file_offered",
        "id",
        sqlite_where=text("state = 'OFFERED'"),
        postgresql_where=text("state = 'OFFERED'"),
    ),
    Index("ix_sent_file_window", "business_date", "window_of_day"),
    Index(
        "uq_sent_file_sequence",
        "layout",
        "sequence",
        unique=True,
        sqlite_where=text("state <> 'REFUSED'"),
        postgresql_where=text("state <> 'REFUSED'"),
    ),
)
"""A file to the Department; it goes again until the Department has answered it.

One that was refused has taken no number: another one goes under the same.
"""

sent_refusal = table(
    "sent_refusal",
    Column("file", INTEGER, ForeignKey("sent_file.id"), primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
)
"""Lines of ours that the Department did not take."""

received_file = table(
    "received_file",
    Column("id", INTEGER, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("octets", LargeBinary, nullable=False),
    Column("received_at", INTEGER, nullable=False),
    Column("layout", Text, nullable=False),
    Column("file_id", Text),
    Column("sequence", INTEGER),
    Column("business_date", IsoDate),
    Column("window_of_day", INTEGER),
    Column("state", Text, nullable=False),
    Column("code", Text),
    Column("words", Text),
    Column("judged_at", INTEGER),
    Column("answered_in", INTEGER, ForeignKey("sent_file.id")),
    one_of("state", ReceivedState),
    octets("sha256", 32),
    CheckConstraint("(state = 'WAITING') = (judged_at IS NULL)", name="judged"),
    CheckConstraint(
        "(state IN ('TAKEN', 'WAITING')) = (code IS NULL)", name="reason_told"
    ),
    Index("ix_received_file_file_id", "file_id"),
    Index("ix_received_file_sequence", "layout", "sequence"),
    Index(
        "ix_received_file_open",
        "id",
        sqlite_where=text("answered_in IS NULL"),
        postgresql_where=text("answered_in IS NULL"),
    ),
)
"""A file of the Department as it came; what its header says is empty if unreadable."""

received_refusal = table(
    "received_refusal",
    Column("file", INTEGER, ForeignKey("received_file.id"), primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
)
"""Lines of the Department that were not carried out here."""

issued_licence = table(
    "issued_licence",
    Column("licence", Text, ForeignKey("licence.identifier"), primary_key=True),
    Column("file", INTEGER, ForeignKey("received_file.id"), nullable=False),
    Column("credential", LargeBinary),
    Column("psd_serial", LargeBinary),
    Column("detail", Text, nullable=False),
)
"""What the Department last said of a licence: its machine, address and office."""

usage_report = table(
    "usage_report",
    Column("licence", Text, ForeignKey("machine.licence"), primary_key=True),
    Column("usage_digest", LargeBinary, primary_key=True),
    Column("product_class", INTEGER, primary_key=True, autoincrement=False),
    Column("items", INTEGER, nullable=False),
    Column("amount_paise", INTEGER, nullable=False),
    octets("usage_digest", 8),
)
"""Usage tables as machines told them, by the digest that STATEMENTs sign."""

told_item = table(
    "told_item",
    Column("id", INTEGER, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("recharge", INTEGER, ForeignKey("recharge.id")),
    Column("message", LargeBinary, ForeignKey("signed_message.digest")),
    Column("discrepancy", INTEGER, ForeignKey("discrepancy.id")),
    Column("file", INTEGER, ForeignKey("sent_file.id")),
    Column("line_id", Text),
    one_of("kind", TellingKind),
    UniqueConstraint("kind", "recharge"),
    UniqueConstraint("kind", "message"),
    UniqueConstraint("kind", "discrepancy"),
    Index(
        "ix_told_item_waiting",
        "kind",
        "id",
        sqlite_where=text("file IS NULL"),
        postgresql_where=text("file IS NULL"),
    ),
    Index("ix_told_item_file", "file"),
)
"""What the Department is to be told, and the file and line that told it.

A file without a line: it was looked at, and there was nothing to tell.
"""
