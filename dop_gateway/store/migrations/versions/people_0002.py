"""People, their roles and sessions; the audit trail.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, only_grow

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

KEPT: Final = ("person", "granted_role", "audit", "audit_head")
"""Tables that lose no row."""

GUARDS: Final = (
    *only_grow(("audit",)),
    Guard(
        "person_stays",
        "person",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.login <> OLD.login OR NEW.kind <> OLD.kind",
        "somebody keeps number, login and kind",
    ),
    Guard(
        "granted_role_as_given",
        "granted_role",
        "BEFORE UPDATE",
        "NEW.person <> OLD.person OR NEW.role <> OLD.role "
        "OR NEW.scope_kind <> OLD.scope_kind OR NEW.scope <> OLD.scope "
        "OR NEW.given_at <> OLD.given_at OR NEW.given_by <> OLD.given_by "
        "OR OLD.ended_at IS NOT NULL",
        "a role stays as it was given, and ends once",
    ),
    Guard(
        "audit_head_rises",
        "audit_head",
        "BEFORE UPDATE",
        "NEW.number <> OLD.number + 1",
        "the audit trail grows row by row",
    ),
)

GATEWAY: Final = {
    "login": "gateway",
    "name": "The gateway itself",
    "kind": "PROGRAM",
    "state": "DISABLED",
    "email": "",
    "mobile": "",
    "must_change": 0,
    "second_factor_step": -1,
    "wrong_attempts": 0,
    "locked_until": 0,
    "created_at": 0,
}
"""Who acts where no person does: jobs, and who lets the first person in.

It gets the number 1 because the database counts it first: PostgreSQL would give a
number that was written here to the next person once more.
"""


def upgrade() -> None:
    """Build everything."""
    _make_tables()
    guard(GUARDS, KEPT)
    person = sa.table("person", *(sa.column(name) for name in GATEWAY))
    op.execute(sa.insert(person).values(GATEWAY))
    head = sa.table(
        "audit_head", *(sa.column(name) for name in ("id", "number", "hash"))
    )
    op.execute(sa.insert(head).values(id=1, number=0, hash=bytes(32)))


def _make_tables() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
        sqlite_strict=True,
    )
    op.create_table(
        "person",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("must_change", sa.Integer(), nullable=False),
        sa.Column("second_factor", sa.LargeBinary(), nullable=True),
        sa.Column("second_factor_step", INTEGER, nullable=False),
        sa.Column("wrong_attempts", INTEGER, nullable=False),
        sa.Column("locked_until", INTEGER, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "kind IN ('LICENSEE', 'MAKER', 'PROGRAM', 'STAFF')",
            name=op.f("ck_person_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('ACTIVE', 'DISABLED')", name=op.f("ck_person_state_known")
        ),
        sa.CheckConstraint(
            "must_change IN (0, 1)", name=op.f("ck_person_must_change_flag")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("login", name=op.f("uq_person_login")),
        sqlite_strict=True,
    )
    op.create_table(
        "audit",
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("person", INTEGER, nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_audit_hash_octets")),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_audit_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
        sqlite_strict=True,
    )
    op.create_table(
        "granted_role",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("person", INTEGER, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scope_kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("given_at", INTEGER, nullable=False),
        sa.Column("given_by", INTEGER, nullable=False),
        sa.Column("ended_at", INTEGER, nullable=True),
        sa.Column("ended_by", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(scope = '') = (scope_kind = 'EVERYTHING')",
            name=op.f("ck_granted_role_scope_named"),
        ),
        sa.CheckConstraint(
            "role IN ('ACCOUNTS_OFFICER', 'ADMINISTRATOR', 'AUDITOR', "
            "'COUNTER_ASSISTANT', "
            "'DCR_OPERATOR', 'DCR_SUPERVISOR', 'LICENSEE', 'LICENSING_AUTHORITY', "
            "'LICENSING_OPERATOR', 'MAKER_OFFICER', 'POSTAL_AUTHORITY', "
            "'POSTMASTER', 'TREASURER', 'VERIFIER')",
            name=op.f("ck_granted_role_role_known"),
        ),
        sa.CheckConstraint(
            "scope_kind IN ('EVERYTHING', 'LICENCE', 'MAKER', 'OFFICE')",
            name=op.f("ck_granted_role_scope_kind_known"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)",
            name=op.f("ck_granted_role_ended_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["person.id"], name=op.f("fk_granted_role_ended_by")
        ),
        sa.ForeignKeyConstraint(
            ["given_by"], ["person.id"], name=op.f("fk_granted_role_given_by")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_granted_role_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_granted_role")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_granted_role_held",
        "granted_role",
        ["person", "role", "scope_kind", "scope"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("began_at", INTEGER, nullable=False),
        sa.Column("seen_at", INTEGER, nullable=False),
        sa.Column("expires_at", INTEGER, nullable=False),
        sa.Column("ended_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "length(token_hash) = 32", name=op.f("ck_session_token_hash_octets")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_session_person")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_session_person"), "session", ["person"], unique=False)
