"""The table of credits that makers told of."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Text
from sqlalchemy import text as sql

from dop_gateway.downloads.model import DownloadState
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, IsoDate, one_of
from hw.database.tables import key, paise
from protocol.registers import VoucherKind

download_line = table(
    "download_line",
    key(),
    Column("maker", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("day", IsoDate, nullable=False),
    Column("window_of_day", INTEGER, nullable=False),
    Column("made_at", INTEGER, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("licence_number", Text, nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("kind", Text, nullable=False),
    paise("amount_paise"),
    Column("at", INTEGER, nullable=False),
    paise("control_total_before_paise"),
    paise("control_total_after_paise"),
    paise("ascending_paise"),
    paise("descending_paise"),
    Column("items", INTEGER, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("binding", LargeBinary, nullable=False),
    Column("voucher", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("came_at", INTEGER, nullable=False),
    Column("taken_at", INTEGER),
    Column("journal", INTEGER, ForeignKey("journal.id")),
    one_of("kind", VoucherKind),
    one_of("state", DownloadState),
    CheckConstraint("(taken_at IS NOT NULL) = (state = 'TAKEN')", name="taken_whole"),
    CheckConstraint("(state = 'REFUSED') <= (code <> '')", name="refusal_told"),
    Index(
        "uq_download_line_number",
        "licence",
        "number",
        unique=True,
        sqlite_where=sql("state <> 'REFUSED'"),
        postgresql_where=sql("state <> 'REFUSED'"),
    ),
    Index(
        "ix_download_line_held",
        "licence",
        "number",
        sqlite_where=sql("state NOT IN ('TAKEN', 'REFUSED')"),
        postgresql_where=sql("state NOT IN ('TAKEN', 'REFUSED')"),
    ),
    Index("ix_download_line_file", "maker", "file_id"),
    Index("ix_download_line_came", "came_at", "id"),
    Index("ix_download_line_at", "licence", "at"),
    Index("ix_download_line_day", "at", "licence"),
)
"""Every line that came, with what the machine signed; also one that was refused. Its
licence and number may be ones that there are not, and so refer to none. A voucher moves
money once: a licence has a number once among lines that were not refused."""
