"""Makers, applications, licences and their changes.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, only_grow

revision: Final = "0006"
down_revision: Final = "0005"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

KEPT: Final = (
    "maker",
    "maker_key",
    "machine_model",
    "licence_application",
    "application_client",
    "licence",
    "licence_serial",
    "licence_credential",
    "licence_history",
    "licence_change",
)
"""Tables that lose no row."""

GUARDS: Final = (
    *only_grow(("application_client", "licence_history")),
    Guard(
        "licence_keeps_its_name",
        "licence",
        "BEFORE UPDATE",
        "NEW.identifier <> OLD.identifier OR NEW.number <> OLD.number "
        "OR NEW.maker <> OLD.maker OR NEW.kind <> OLD.kind "
        "OR NEW.issued_on <> OLD.issued_on OR NEW.application <> OLD.application "
        "OR NEW.expires_on < OLD.expires_on OR NEW.periods < OLD.periods",
        "a licence keeps identifier, number, maker and kind, and gets longer only",
    ),
    Guard(
        "licence_cancelled_for_good",
        "licence",
        "BEFORE UPDATE",
        "OLD.state = 'CANCELLED' AND NEW.state <> 'CANCELLED'",
        "a licence that is cancelled stays cancelled",
    ),
    Guard(
        "licence_application_as_entered",
        "licence_application",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.scenario <> OLD.scenario "
        "OR NEW.identifier <> OLD.identifier OR NEW.licensee <> OLD.licensee "
        "OR NEW.office <> OLD.office OR NEW.applied_on <> OLD.applied_on "
        "OR NEW.entered_by <> OLD.entered_by "
        "OR OLD.state IN ('APPROVED', 'REJECTED', 'WITHDRAWN')",
        "an application stays as it was entered, and is decided once",
    ),
    Guard(
        "licence_serial_goes_forward",
        "licence_serial",
        "BEFORE UPDATE",
        "NEW.division_code <> OLD.division_code OR NEW.last <> OLD.last + 1",
        "licence numbers are given one after the other",
    ),
    Guard(
        "licence_credential_as_registered",
        "licence_credential",
        "BEFORE UPDATE",
        "NEW.licence <> OLD.licence OR NEW.psd_serial <> OLD.psd_serial "
        "OR NEW.signing_x <> OLD.signing_x OR NEW.signing_y <> OLD.signing_y "
        "OR NEW.provisioning <> OLD.provisioning OR OLD.retired_at IS NOT NULL",
        "keys of a machine stay as they were registered",
    ),
    Guard(
        "licence_change_as_made",
        "licence_change",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.maker <> OLD.maker OR NEW.layout <> OLD.layout "
        "OR NEW.licence <> OLD.licence OR NEW.content <> OLD.content "
        "OR OLD.outcome IS NOT NULL",
        "what a maker is told stays as it was made, and is answered once",
    ),
)

MAKERS: Final = (
    ("F", "Forbes"),
    ("N", "Neopost / Quadient"),
    ("P", "Pitney Bowes"),
)
"""The makers whose letters are public; a deployment adds others."""


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "maker",
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("added_at", INTEGER, nullable=False),
        sa.CheckConstraint("length(letter) = 1", name=op.f("ck_maker_letter_octets")),
        sa.PrimaryKeyConstraint("letter", name=op.f("pk_maker")),
        sqlite_strict=True,
    )
    op.create_table(
        "maker_key",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("x", sa.LargeBinary(), nullable=False),
        sa.Column("y", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", INTEGER, nullable=False),
        sa.Column("ended_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "realm IN ('PRODUCTION', 'TEST')", name=op.f("ck_maker_key_realm_known")
        ),
        sa.CheckConstraint("length(x) = 32", name=op.f("ck_maker_key_x_octets")),
        sa.CheckConstraint("length(y) = 32", name=op.f("ck_maker_key_y_octets")),
        sa.ForeignKeyConstraint(
            ["maker"], ["maker.letter"], name=op.f("fk_maker_key_maker")
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_maker_key")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_maker_key_maker"), "maker_key", ["maker"], unique=False)
    op.create_table(
        "machine_model",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("approved_on", sa.Text(), nullable=False),
        sa.Column("withdrawn_on", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "withdrawn_on >= approved_on",
            name=op.f("ck_machine_model_approved_some_day"),
        ),
        sa.ForeignKeyConstraint(
            ["maker"], ["maker.letter"], name=op.f("fk_machine_model_maker")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_model")),
        sa.UniqueConstraint("maker", "name", name=op.f("uq_machine_model_maker_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "licence_application",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("licensee_hi", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("address_1", sa.Text(), nullable=False),
        sa.Column("address_2", sa.Text(), nullable=True),
        sa.Column("address_3", sa.Text(), nullable=True),
        sa.Column("address_pin", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("telephone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("licence_kind", sa.Text(), nullable=False),
        sa.Column("commercial_as", sa.Text(), nullable=True),
        sa.Column("office", INTEGER, nullable=False),
        sa.Column("division", INTEGER, nullable=False),
        sa.Column("receipt_number", sa.Text(), nullable=True),
        sa.Column("receipt_paise", INTEGER, nullable=True),
        sa.Column("receipt_on", sa.Text(), nullable=True),
        sa.Column("provisioning", sa.LargeBinary(), nullable=True),
        sa.Column("cancel", sa.Text(), nullable=True),
        sa.Column("applied_on", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Text(), nullable=False),
        sa.Column("entered_by", INTEGER, nullable=False),
        sa.Column("entered_at", INTEGER, nullable=False),
        sa.Column("delay", sa.Text(), nullable=False),
        sa.Column("warned_on", sa.Text(), nullable=True),
        sa.Column("ended_on", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(ended_on IS NOT NULL) = (state IN ('APPROVED', 'REJECTED', 'WITHDRAWN'))",
            name=op.f("ck_licence_application_ended_whole"),
        ),
        sa.CheckConstraint(
            "(licence IS NULL) = (kind = 'ISSUE')",
            name=op.f("ck_licence_application_licence_named"),
        ),
        sa.CheckConstraint(
            "body IN ('COOPERATIVE_BANK', 'CORPORATION', 'GOVERNMENT', "
            "'LOCAL_AUTHORITY', 'NATIONALISED_BANK', 'POSTS', 'PRIVATE', "
            "'PUBLIC_SECTOR', 'QUASI_GOVERNMENT')",
            name=op.f("ck_licence_application_body_known"),
        ),
        sa.CheckConstraint(
            "cancel IN ('FM_CANCELLATION', 'MISUSE', 'NOT_RENEWED', 'PSD_FAULTY')",
            name=op.f("ck_licence_application_cancel_known"),
        ),
        sa.CheckConstraint(
            "commercial_as IN ('MAILING_AGENT', 'REGISTRAR')",
            name=op.f("ck_licence_application_commercial_as_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('ADDRESS', 'CANCELLATION', 'ISSUE', 'MACHINE', 'OFFICE', "
            "'RENEWAL')",
            name=op.f("ck_licence_application_kind_known"),
        ),
        sa.CheckConstraint(
            "licence_kind IN ('CLICK_CHARGE', 'COMMERCIAL', 'DEPARTMENTAL', "
            "'INDIVIDUAL')",
            name=op.f("ck_licence_application_licence_kind_known"),
        ),
        sa.CheckConstraint(
            "scenario IN ('NEW', 'OPEN')",
            name=op.f("ck_licence_application_scenario_known"),
        ),
        sa.CheckConstraint(
            "state IN ('APPROVED', 'CHECKED', 'ENTERED', 'IN_THE_FIELD', "
            "'OBJECTED', 'REJECTED', 'VERIFIED', 'WITHDRAWN')",
            name=op.f("ck_licence_application_state_known"),
        ),
        sa.CheckConstraint(
            "(receipt_number IS NULL) = (receipt_paise IS NULL) AND (receipt_number "
            "IS NULL) = (receipt_on IS NULL)",
            name=op.f("ck_licence_application_receipt_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["division"], ["office.id"], name=op.f("fk_licence_application_division")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"],
            ["person.id"],
            name=op.f("fk_licence_application_entered_by"),
        ),
        sa.ForeignKeyConstraint(
            ["maker"], ["maker.letter"], name=op.f("fk_licence_application_maker")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_licence_application_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_application")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_licence_application_due",
        "licence_application",
        ["state", "due_on"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licence_application_licence"),
        "licence_application",
        ["licence"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licence_application_office"),
        "licence_application",
        ["office"],
        unique=False,
    )
    op.create_index(
        "uq_licence_application_receipt",
        "licence_application",
        ["receipt_number"],
        unique=True,
        sqlite_where=sa.text("NOT (state IN ('REJECTED', 'WITHDRAWN'))"),
        postgresql_where=sa.text("NOT (state IN ('REJECTED', 'WITHDRAWN'))"),
    )
    op.create_index(
        "uq_licence_application_waiting",
        "licence_application",
        ["identifier", "kind"],
        unique=True,
        sqlite_where=sa.text("NOT (state IN ('APPROVED', 'REJECTED', 'WITHDRAWN'))"),
        postgresql_where=sa.text(
            "NOT (state IN ('APPROVED', 'REJECTED', 'WITHDRAWN'))"
        ),
    )
    op.create_table(
        "application_client",
        sa.Column("application", INTEGER, nullable=False),
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("consented_on", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application"],
            ["licence_application.id"],
            name=op.f("fk_application_client_application"),
        ),
        sa.PrimaryKeyConstraint(
            "application", "number", name=op.f("pk_application_client")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "application_check",
        sa.Column("application", INTEGER, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("person", INTEGER, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "item IN ('CLIENTS', 'FEE', 'GENUINENESS', 'LAST_STATEMENT', 'MODEL', "
            "'OFFICE', 'ORIGINALS', 'OUT_OF_USE', 'PREMISES')",
            name=op.f("ck_application_check_item_known"),
        ),
        sa.CheckConstraint(
            "result IN ('NOT_APPLICABLE', 'SATISFIED')",
            name=op.f("ck_application_check_result_known"),
        ),
        sa.ForeignKeyConstraint(
            ["application"],
            ["licence_application.id"],
            name=op.f("fk_application_check_application"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_application_check_person")
        ),
        sa.PrimaryKeyConstraint(
            "application", "item", name=op.f("pk_application_check")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "licence",
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("commercial_as", sa.Text(), nullable=True),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("licensee_hi", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("address_1", sa.Text(), nullable=False),
        sa.Column("address_2", sa.Text(), nullable=True),
        sa.Column("address_3", sa.Text(), nullable=True),
        sa.Column("address_pin", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("telephone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("office", INTEGER, nullable=False),
        sa.Column("division", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("machine_state", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Text(), nullable=False),
        sa.Column("expires_on", sa.Text(), nullable=False),
        sa.Column("periods", INTEGER, nullable=False),
        sa.Column("reminded_of", sa.Text(), nullable=True),
        sa.Column("refund_allowed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Text(), nullable=True),
        sa.Column("cancelled_on", sa.Text(), nullable=True),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("application", INTEGER, nullable=False),
        sa.CheckConstraint(
            "(cancelled IS NOT NULL) = (state = 'CANCELLED') AND (cancelled IS "
            "NULL) = (cancelled_on IS NULL) AND (machine_state = 'CANCELLED') = "
            "(state = 'CANCELLED')",
            name=op.f("ck_licence_cancelled_whole"),
        ),
        sa.CheckConstraint(
            "(commercial_as IS NOT NULL) = (kind = 'COMMERCIAL')",
            name=op.f("ck_licence_commercial_whole"),
        ),
        sa.CheckConstraint(
            "body IN ('COOPERATIVE_BANK', 'CORPORATION', 'GOVERNMENT', "
            "'LOCAL_AUTHORITY', 'NATIONALISED_BANK', 'POSTS', 'PRIVATE', "
            "'PUBLIC_SECTOR', 'QUASI_GOVERNMENT')",
            name=op.f("ck_licence_body_known"),
        ),
        sa.CheckConstraint(
            "cancelled IN ('FM_CANCELLATION', 'MISUSE', 'NOT_RENEWED', 'PSD_FAULTY')",
            name=op.f("ck_licence_cancelled_known"),
        ),
        sa.CheckConstraint(
            "commercial_as IN ('MAILING_AGENT', 'REGISTRAR')",
            name=op.f("ck_licence_commercial_as_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('CLICK_CHARGE', 'COMMERCIAL', 'DEPARTMENTAL', 'INDIVIDUAL')",
            name=op.f("ck_licence_kind_known"),
        ),
        sa.CheckConstraint(
            "machine_state IN ('BLOCKED', 'CANCELLED', 'FAULT', 'INSTALLED', "
            "'IN_SERVICE', 'LOCKED_OUT', 'UNINSTALLED', 'WITHDRAWN')",
            name=op.f("ck_licence_machine_state_known"),
        ),
        sa.CheckConstraint(
            "state IN ('BLOCKED', 'CANCELLED', 'EXPIRED', 'REGISTERED', 'RENEWED', "
            "'WITHHELD')",
            name=op.f("ck_licence_state_known"),
        ),
        sa.CheckConstraint(
            "expires_on > issued_on", name=op.f("ck_licence_valid_some_day")
        ),
        sa.CheckConstraint(
            "length(identifier) = 7", name=op.f("ck_licence_identifier_octets")
        ),
        sa.CheckConstraint("length(number) = 9", name=op.f("ck_licence_number_octets")),
        sa.CheckConstraint("periods >= 1", name=op.f("ck_licence_periods_counted")),
        sa.CheckConstraint(
            "refund_allowed IN (0, 1)", name=op.f("ck_licence_refund_allowed_flag")
        ),
        sa.CheckConstraint(
            "substr(identifier, 1, 1) = maker", name=op.f("ck_licence_maker_letter")
        ),
        sa.ForeignKeyConstraint(
            ["application"],
            ["licence_application.id"],
            name=op.f("fk_licence_application"),
        ),
        sa.ForeignKeyConstraint(
            ["division"], ["office.id"], name=op.f("fk_licence_division")
        ),
        sa.ForeignKeyConstraint(
            ["maker"], ["maker.letter"], name=op.f("fk_licence_maker")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_licence_office")
        ),
        sa.ForeignKeyConstraint(
            ["replaces"], ["licence.identifier"], name=op.f("fk_licence_replaces")
        ),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_licence")),
        sa.UniqueConstraint("application", name=op.f("uq_licence_application")),
        sa.UniqueConstraint("number", name=op.f("uq_licence_number")),
        sa.UniqueConstraint("replaces", name=op.f("uq_licence_replaces")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_licence_expires", "licence", ["state", "expires_on"], unique=False
    )
    op.create_index(op.f("ix_licence_maker"), "licence", ["maker"], unique=False)
    op.create_index(op.f("ix_licence_office"), "licence", ["office"], unique=False)
    op.create_table(
        "licence_serial",
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("last", INTEGER, nullable=False),
        sa.CheckConstraint(
            "last BETWEEN 0 AND 99999", name=op.f("ck_licence_serial_five_digits")
        ),
        sa.CheckConstraint(
            "length(division_code) = 4",
            name=op.f("ck_licence_serial_division_code_octets"),
        ),
        sa.PrimaryKeyConstraint("division_code", name=op.f("pk_licence_serial")),
        sqlite_strict=True,
    )
    op.create_table(
        "licence_credential",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("psd_serial", sa.Text(), nullable=False),
        sa.Column("signing_x", sa.LargeBinary(), nullable=False),
        sa.Column("signing_y", sa.LargeBinary(), nullable=False),
        sa.Column("dh_x", sa.LargeBinary(), nullable=False),
        sa.Column("provisioning", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", INTEGER, nullable=False),
        sa.Column("retired_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "length(dh_x) = 32", name=op.f("ck_licence_credential_dh_x_octets")
        ),
        sa.CheckConstraint(
            "length(provisioning) = 220",
            name=op.f("ck_licence_credential_provisioning_octets"),
        ),
        sa.CheckConstraint(
            "length(signing_x) = 32",
            name=op.f("ck_licence_credential_signing_x_octets"),
        ),
        sa.CheckConstraint(
            "length(signing_y) = 32",
            name=op.f("ck_licence_credential_signing_y_octets"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"],
            ["licence.identifier"],
            name=op.f("fk_licence_credential_licence"),
        ),
        sa.PrimaryKeyConstraint("licence", name=op.f("pk_licence_credential")),
        sa.UniqueConstraint("dh_x", name=op.f("uq_licence_credential_dh_x")),
        sa.UniqueConstraint(
            "signing_x",
            "signing_y",
            name=op.f("uq_licence_credential_signing_x_signing_y"),
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_licence_credential_psd",
        "licence_credential",
        ["psd_serial"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    # ### end Alembic commands ###
    op.create_table(
        "licence_history",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("axis", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("person", INTEGER, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "axis IN ('APPLICATION', 'LICENCE', 'MACHINE')",
            name=op.f("ck_licence_history_axis_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_licence_history_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_history")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_licence_history_subject",
        "licence_history",
        ["axis", "subject", "id"],
        unique=False,
    )
    op.create_table(
        "licence_change",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "layout IN ('ISSUE', 'MODIFICATION')",
            name=op.f("ck_licence_change_layout_known"),
        ),
        sa.CheckConstraint(
            "outcome IN ('REFUSED', 'TAKEN')",
            name=op.f("ck_licence_change_outcome_known"),
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR file_id IS NOT NULL",
            name=op.f("ck_licence_change_answered_sent"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_licence_change_licence")
        ),
        sa.ForeignKeyConstraint(
            ["maker"], ["maker.letter"], name=op.f("fk_licence_change_maker")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_change")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_licence_change_file_id"), "licence_change", ["file_id"], unique=False
    )
    op.create_index(
        "ix_licence_change_licence", "licence_change", ["licence", "id"], unique=False
    )
    op.create_index(
        "ix_licence_change_waiting",
        "licence_change",
        ["maker", "layout", "id"],
        unique=False,
        sqlite_where=sa.text("file_id IS NULL"),
        postgresql_where=sa.text("file_id IS NULL"),
    )
    guard(GUARDS, KEPT)
    maker = sa.table(
        "maker", sa.column("letter"), sa.column("name"), sa.column("added_at")
    )
    op.bulk_insert(
        maker,
        [{"letter": letter, "name": name, "added_at": 0} for letter, name in MAKERS],
    )
