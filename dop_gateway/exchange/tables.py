"""Tables of parties, their keys and accounts, and of the files that went and came."""

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

from dop_gateway.exchange.model import Direction, FileState, PartyKind, PartyState
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, Flag, IsoDate, flag, octets, one_of
from hw.database.tables import key

party = table(
    "party",
    Column("code", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", INTEGER, nullable=False),
    one_of("kind", PartyKind),
    one_of("state", PartyState),
)
"""Whoever exchanges a file with somebody locks its row: files of a party follow one
another."""

party_key = table(
    "party_key",
    Column("party", Text, ForeignKey("party.code"), primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("x", LargeBinary, nullable=False),
    Column("y", LargeBinary, nullable=False),
    Column("valid_from", IsoDate, nullable=False),
    Column("valid_to", IsoDate),
    octets("x", 32),
    octets("y", 32),
    CheckConstraint("valid_to >= valid_from", name="valid_some_day"),
)
"""Public keys that sign files; one that signs no more keeps its row, with an end."""

party_account = table(
    "party_account",
    Column("party", Text, ForeignKey("party.code"), primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("key", Text, nullable=False),
    Column("changed_at", INTEGER, nullable=False),
)
"""One account of the drop for each party; the key is its own public one."""

exchange_sequence = table(
    "exchange_sequence",
    Column("party", Text, ForeignKey("party.code"), primary_key=True),
    Column("direction", Text, primary_key=True),
    Column("layout", Text, primary_key=True),
    Column("last", INTEGER, nullable=False),
    one_of("direction", Direction),
    CheckConstraint("last >= 0", name="last_counts"),
)
"""The number of the last file of a kind that went, or that came in its turn."""

_OURS = "direction = 'OUT'"
_STANDS = "direction = 'IN' AND state <> 'REFUSED'"
_NUMBERED = f"{_STANDS} AND sequence > 0"


def _unique(name: str, where: str, *columns: str) -> Index:
    condition = text(where)
    return Index(
        name,
        *columns,
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


exchange_file = table(
    "exchange_file",
    key(),
    Column("direction", Text, nullable=False),
    Column("party", Text, ForeignKey("party.code"), nullable=False),
    Column("layout", Text, nullable=False),
    Column("file_id", Text),
    Column("name", Text, nullable=False),
    Column("sequence", INTEGER),
    Column("business_date", IsoDate),
    Column("window_of_day", INTEGER),
    Column("made_for", INTEGER),
    Column("at", INTEGER, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", INTEGER, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", INTEGER, nullable=False),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("lines", INTEGER, nullable=False),
    Column("refused", INTEGER, nullable=False),
    Column("offers", INTEGER, nullable=False),
    Column("answer_by", INTEGER),
    Column("owed", Flag, nullable=False),
    one_of("direction", Direction),
    one_of("state", FileState),
    octets("sha256", 32),
    flag("owed"),
    CheckConstraint(
        "(direction = 'OUT') = (state IN "
        "('ACKNOWLEDGED', 'ACKNOWLEDGED_IN_PART', 'OFFERED', 'TAKEN'))",
        name="state_of_direction",
    ),
    CheckConstraint(
        "state = 'REFUSED' OR (file_id IS NOT NULL AND sequence IS NOT NULL "
        "AND business_date IS NOT NULL AND window_of_day IS NOT NULL)",
        name="header_known",
    ),
    CheckConstraint("state <> 'REFUSED' OR code <> ''", name="refusal_told"),
    _unique("uq_exchange_file_given", _OURS, "file_id"),
    _unique("uq_exchange_file_given_turn", _OURS, "party", "layout", "sequence"),
    UniqueConstraint("party", "layout", "made_for"),
    _unique("uq_exchange_file_came", _STANDS, "party", "file_id"),
    _unique("uq_exchange_file_came_turn", _NUMBERED, "party", "layout", "sequence"),
    Index("ix_exchange_file_octets", "party", "sha256"),
    Index("ix_exchange_file_name", "party", "direction", "name"),
    Index("ix_exchange_file_state", "party", "direction", "state"),
)
"""A file that went or came; what could not be read has a row too, and is refused."""

exchange_octets = table(
    "exchange_octets",
    Column(
        "file",
        INTEGER,
        ForeignKey("exchange_file.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("octets", LargeBinary, nullable=False),
)
"""The octets of each file as they went or came; apart, so that a list reads none."""

exchange_refused_line = table(
    "exchange_refused_line",
    key(),
    Column("file", INTEGER, ForeignKey("exchange_file.id"), nullable=False, index=True),
    Column("line_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
)
"""Lines that the receiver of a file did not take, be it we or the other party."""

exchange_window = table(
    "exchange_window",
    Column("party", Text, ForeignKey("party.code"), primary_key=True),
    Column("business_date", IsoDate, primary_key=True),
    Column("window_of_day", INTEGER, primary_key=True, autoincrement=False),
    Column("layout", Text, primary_key=True),
    Column("ended_at", INTEGER, nullable=False),
    Column("met", Flag, nullable=False),
    flag("met"),
)
"""Whether a file that is due in every window was there when the window ended."""
