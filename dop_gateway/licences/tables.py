"""Tables: makers, applications, licences and their changes.

An application and a licence each keep the holder whole, so that what somebody asked for
stays written when the licence changes later.
"""

from typing import Any, Final

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

from dop_gateway.licences.application import (
    ENDED,
    IN_VAIN,
    ApplicationKind,
    ApplicationState,
    CheckItem,
    CheckResult,
    Scenario,
)
from dop_gateway.licences.changes_model import Axis, ChangeLayout, ChangeOutcome
from dop_gateway.licences.model import (
    Body,
    CancelReason,
    CommercialAs,
    LicenceKind,
    MachineState,
)
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, Flag, IsoDate, flag, names, octets, one_of
from hw.database.tables import key, paise
from protocol.keys import Realm
from protocol.messages import LicenceState

_ENDED: Final = f"state IN ({names(ENDED)})"
_IN_VAIN: Final = f"state IN ({names(IN_VAIN)})"


def _holder() -> tuple[Column[Any] | CheckConstraint, ...]:
    return (
        Column("licensee", Text, nullable=False),
        Column("licensee_hi", Text),
        Column("body", Text, nullable=False),
        Column("address_1", Text, nullable=False),
        Column("address_2", Text),
        Column("address_3", Text),
        Column("address_pin", Text, nullable=False),
        Column("contact", Text, nullable=False),
        Column("telephone", Text, nullable=False),
        Column("email", Text, nullable=False),
        one_of("body", Body),
    )


maker = table(
    "maker",
    Column("letter", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("added_at", INTEGER, nullable=False),
    octets("letter", 1),
)
"""A maker of machines; whether it gets new licences says ``oem.letters_open``."""

maker_key = table(
    "maker_key",
    Column("fingerprint", Text, primary_key=True),
    Column("maker", Text, ForeignKey("maker.letter"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("realm", Text, nullable=False),
    Column("x", LargeBinary, nullable=False),
    Column("y", LargeBinary, nullable=False),
    Column("added_at", INTEGER, nullable=False),
    Column("ended_at", INTEGER),
    one_of("realm", Realm),
    octets("x", 32),
    octets("y", 32),
)
"""Public keys that a maker signs the files of its machines with."""

machine_model = table(
    "machine_model",
    key(),
    Column("maker", Text, ForeignKey("maker.letter"), nullable=False),
    Column("name", Text, nullable=False),
    Column("approved_on", IsoDate, nullable=False),
    Column("withdrawn_on", IsoDate),
    UniqueConstraint("maker", "name"),
    CheckConstraint("withdrawn_on >= approved_on", name="approved_some_day"),
)
"""Approved models; `withdrawn_on` is the first day on which one is approved no more."""

licence_application = table(
    "licence_application",
    key(),
    Column("kind", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("maker", Text, ForeignKey("maker.letter"), nullable=False),
    Column("identifier", Text, nullable=False),
    Column("licence", Text, index=True),
    *_holder(),
    Column("licence_kind", Text, nullable=False),
    Column("commercial_as", Text),
    Column("office", INTEGER, ForeignKey("office.id"), nullable=False, index=True),
    Column("division", INTEGER, ForeignKey("office.id"), nullable=False),
    Column("receipt_number", Text),
    paise("receipt_paise", nullable=True),
    Column("receipt_on", IsoDate),
    Column("provisioning", LargeBinary),
    Column("cancel", Text),
    Column("applied_on", IsoDate, nullable=False),
    Column("due_on", IsoDate, nullable=False),
    Column("entered_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("entered_at", INTEGER, nullable=False),
    Column("delay", Text, nullable=False),
    Column("warned_on", IsoDate),
    Column("ended_on", IsoDate),
    one_of("kind", ApplicationKind),
    one_of("scenario", Scenario),
    one_of("state", ApplicationState),
    one_of("licence_kind", LicenceKind),
    one_of("commercial_as", CommercialAs),
    one_of("cancel", CancelReason),
    CheckConstraint(f"(ended_on IS NOT NULL) = ({_ENDED})", name="ended_whole"),
    CheckConstraint("(licence IS NULL) = (kind = 'ISSUE')", name="licence_named"),
    CheckConstraint(
        "(receipt_number IS NULL) = (receipt_paise IS NULL) "
        "AND (receipt_number IS NULL) = (receipt_on IS NULL)",
        name="receipt_whole",
    ),
    Index(
        "uq_licence_application_waiting",
        "identifier",
        "kind",
        unique=True,
        sqlite_where=text(f"NOT ({_ENDED})"),
        postgresql_where=text(f"NOT ({_ENDED})"),
    ),
    Index(
        "uq_licence_application_receipt",
        "receipt_number",
        unique=True,
        sqlite_where=text(f"NOT ({_IN_VAIN})"),
        postgresql_where=text(f"NOT ({_IN_VAIN})"),
    ),
    Index("ix_licence_application_due", "state", "due_on"),
)
"""One of a kind waits for a machine; a receipt pays for one thing."""

application_client = table(
    "application_client",
    Column(
        "application", INTEGER, ForeignKey("licence_application.id"), primary_key=True
    ),
    Column("number", INTEGER, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("consented_on", IsoDate, nullable=False),
)
"""The client list of a commercial licensee, as it came with an application."""

application_check = table(
    "application_check",
    Column(
        "application", INTEGER, ForeignKey("licence_application.id"), primary_key=True
    ),
    Column("item", Text, primary_key=True),
    Column("result", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("person", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("at", INTEGER, nullable=False),
    one_of("item", CheckItem),
    one_of("result", CheckResult),
)
"""The check-list, line by line."""

licence = table(
    "licence",
    Column("identifier", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("maker", Text, ForeignKey("maker.letter"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("commercial_as", Text),
    *_holder(),
    Column("office", INTEGER, ForeignKey("office.id"), nullable=False, index=True),
    Column("division", INTEGER, ForeignKey("office.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("machine_state", Text, nullable=False),
    Column("issued_on", IsoDate, nullable=False),
    Column("expires_on", IsoDate, nullable=False),
    Column("periods", INTEGER, nullable=False),
    Column("reminded_of", IsoDate),
    Column("refund_allowed", Flag, nullable=False),
    Column("cancelled", Text),
    Column("cancelled_on", IsoDate),
    Column("replaces", Text, ForeignKey("licence.identifier"), unique=True),
    Column(
        "application",
        INTEGER,
        ForeignKey("licence_application.id"),
        nullable=False,
        unique=True,
    ),
    one_of("kind", LicenceKind),
    one_of("commercial_as", CommercialAs),
    one_of("state", LicenceState),
    one_of("machine_state", MachineState),
    one_of("cancelled", CancelReason),
    flag("refund_allowed"),
    octets("identifier", 7),
    octets("number", 9),
    CheckConstraint("substr(identifier, 1, 1) = maker", name="maker_letter"),
    CheckConstraint("expires_on > issued_on", name="valid_some_day"),
    CheckConstraint("periods >= 1", name="periods_counted"),
    CheckConstraint(
        "(commercial_as IS NOT NULL) = (kind = 'COMMERCIAL')", name="commercial_whole"
    ),
    CheckConstraint(
        "(cancelled IS NOT NULL) = (state = 'CANCELLED') "
        "AND (cancelled IS NULL) = (cancelled_on IS NULL) "
        "AND (machine_state = 'CANCELLED') = (state = 'CANCELLED')",
        name="cancelled_whole",
    ),
    Index("ix_licence_expires", "state", "expires_on"),
)
"""One licence. It is cancelled, never removed, and its identifier never used again.

`reminded_of` is the last day of which its licensee was told that it comes.
"""

licence_serial = table(
    "licence_serial",
    Column("division_code", Text, primary_key=True),
    Column("last", INTEGER, nullable=False),
    octets("division_code", 4),
    CheckConstraint("last BETWEEN 0 AND 99999", name="five_digits"),
)
"""The last serial that a Division has given; who takes the next locks the row."""

licence_credential = table(
    "licence_credential",
    Column("licence", Text, ForeignKey("licence.identifier"), primary_key=True),
    Column("psd_serial", Text, nullable=False),
    Column("signing_x", LargeBinary, nullable=False),
    Column("signing_y", LargeBinary, nullable=False),
    Column("dh_x", LargeBinary, nullable=False, unique=True),
    Column("provisioning", LargeBinary, nullable=False),
    Column("registered_at", INTEGER, nullable=False),
    Column("retired_at", INTEGER),
    octets("signing_x", 32),
    octets("signing_y", 32),
    octets("dh_x", 32),
    octets("provisioning", 220),
    UniqueConstraint("signing_x", "signing_y"),
    Index(
        "uq_licence_credential_psd",
        "psd_serial",
        unique=True,
        sqlite_where=text("retired_at IS NULL"),
        postgresql_where=text("retired_at IS NULL"),
    ),
)
"""The PSD of each licence. It may have another life, with keys that it never had."""

licence_history = table(
    "licence_history",
    key(),
    Column("axis", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("move", Text, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("person", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("reason", Text, nullable=False),
    one_of("axis", Axis),
    Index("ix_licence_history_subject", "axis", "subject", "id"),
)
"""Every move of an application, a licence or a machine; it only grows."""

licence_change = table(
    "licence_change",
    key(),
    Column("maker", Text, ForeignKey("maker.letter"), nullable=False),
    Column("layout", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    Column("content", Text, nullable=False),
    Column("made_at", INTEGER, nullable=False),
    Column("file_id", Text, index=True),
    Column("outcome", Text),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
    one_of("layout", ChangeLayout),
    one_of("outcome", ChangeOutcome),
    CheckConstraint("outcome IS NULL OR file_id IS NOT NULL", name="answered_sent"),
    Index("ix_licence_change_licence", "licence", "id"),
    Index(
        "ix_licence_change_waiting",
        "maker",
        "layout",
        "id",
        sqlite_where=text("file_id IS NULL"),
        postgresql_where=text("file_id IS NULL"),
    ),
)
"""What makers are told of licences: a line of a License Issue or Modification file."""
