"""Tables of the office tree.

An office keeps its path: the ids from the top down to itself, as ``/1/7/31/``. What
stands under an office are the paths that begin with its own, which is one range of an
index; so a path is compared octet by octet on both engines.
"""

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, text

from dop_gateway.offices.model import OfficeKind
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, Flag, flag, names, octets, one_of
from hw.database.tables import key

PATH: Final = Text().with_variant(Text(collation="C"), "postgresql")

POST_OFFICES: Final = (OfficeKind.HO, OfficeKind.SO, OfficeKind.BO)

office = table(
    "office",
    Column("id", INTEGER, primary_key=True, autoincrement=False),
    Column("parent", INTEGER, ForeignKey("office.id"), index=True),
    Column("path", PATH, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("name_hi", Text),
    Column("code", Text, unique=True),
    Column("pin", Text),
    Column("facility", Text, nullable=False, unique=True),
    Column("delivers", Flag, nullable=False),
    Column("serves_pin", Flag, nullable=False),
    Column("district", Text),
    Column("state", Text),
    Column("latitude_microdegrees", INTEGER),
    Column("longitude_microdegrees", INTEGER),
    Column("listed", Flag, nullable=False),
    Column("closed_at", INTEGER),
    Column("changed_at", INTEGER, nullable=False),
    Column("changed_by", Text, nullable=False),
    one_of("kind", OfficeKind),
    flag("delivers"),
    flag("serves_pin"),
    flag("listed"),
    CheckConstraint("(parent IS NULL) = (kind = 'DIRECTORATE')", name="one_top"),
    CheckConstraint(
        f"(pin IS NOT NULL) = (kind IN ({names(POST_OFFICES)}))", name="pin_named"
    ),
    CheckConstraint("length(pin) = 6", name="pin_digits"),
    CheckConstraint(
        "(latitude_microdegrees IS NULL) = (longitude_microdegrees IS NULL)",
        name="place_whole",
    ),
    CheckConstraint(
        "serves_pin = 0 OR (delivers = 1 AND closed_at IS NULL)", name="serves_open"
    ),
    Index(
        "uq_office_directorate",
        "kind",
        unique=True,
        sqlite_where=text("kind = 'DIRECTORATE'"),
        postgresql_where=text("kind = 'DIRECTORATE'"),
    ),
    Index(
        "uq_office_post_office",
        "pin",
        "name_key",
        unique=True,
        sqlite_where=text("pin IS NOT NULL"),
        postgresql_where=text("pin IS NOT NULL"),
    ),
    Index(
        "uq_office_serving",
        "pin",
        unique=True,
        sqlite_where=text("serves_pin = 1"),
        postgresql_where=text("serves_pin = 1"),
    ),
)
"""One office. It is closed, never removed: what was done there stays done there.

`name_key` is what names are found and compared by. `delivers` is what the directory
says; `serves_pin` marks the one office that mail for a PIN is routed by. `listed` says
that the directory brought it: one that a person added does not close for being missing
there.
"""

office_import = table(
    "office_import",
    key(),
    Column("sha256", Text, nullable=False),
    Column("lines", INTEGER, nullable=False),
    Column("left_out", INTEGER, nullable=False),
    Column("added", INTEGER, nullable=False),
    Column("changed", INTEGER, nullable=False),
    Column("closed", INTEGER, nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", INTEGER, nullable=False),
    octets("sha256", 64),
)
"""Each time that somebody brought a directory in; it only grows."""
