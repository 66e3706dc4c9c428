"""Orders that bring contents, that need a capability, and that can be taken back.

A migration is never edited after it has been released, and so imports nothing of ours;
a contract test compares what it builds with `rmfs_server.store.schema`, and another one
migrates books that the first schema held.

SQLite cannot change a CHECK, and to rebuild a table that others refer to, it would have
to be told outside of any transaction to forget its foreign keys. It documents the other
way that is gone here: the text of the table is edited in the schema itself. That is
safe for a CHECK that only allows more, because no row has to be looked at.

Source: https://www.sqlite.org/lang_altertable.html, section 7.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

CONTENT_KINDS: Final = "'CREDIT_KEY', 'FIRMWARE', 'SLOGAN', 'TARIFF'"
CONTENT_NAMED: Final = f"(content IS NOT NULL) = (kind IN ({CONTENT_KINDS}))"

# Table, name of the constraint, what it said, what it says now.
WIDENED: Final = (
    (
        "machine_order",
        "ck_machine_order_kind_known",
        (
            "kind IN ('CLOCK', 'LOCK', 'UNLOCK', 'NEXT_CALL', 'TARIFF', 'SLOGAN', "
            "'FIRMWARE', 'KEY_ROTATION')"
        ),
        (
            "kind IN ('CLOCK', 'CREDIT_KEY', 'FIRMWARE', 'FRANK_LIMIT', "
            "'FUNDS_LIMIT', 'LOCK', 'NEXT_CALL', 'NOTHING', 'RETIRE_CREDIT_KEY', "
            "'SLOGAN', 'SLOGAN_OFF', 'TARIFF', 'UNLOCK')"
        ),
    ),
    (
        "machine",
        "ck_machine_state_known",
        (
            "state IN ('UNINSTALLED', 'INSTALLED', 'IN_SERVICE', 'BLOCKED', 'LOCKED', "
            "'FAULT', 'WITHDRAWN')"
        ),
        (
            "state IN ('BLOCKED', 'FAULT', 'INSTALLED', 'IN_SERVICE', 'LOCKED', "
            "'LOCKED_OUT', 'UNINSTALLED', 'WITHDRAWN', 'WITHHELD')"
        ),
    ),
)
"""No books hold a KEY_ROTATION: it had a number and was never offered."""

ENROLLED_CREDIT_KEY: Final = (
    "UPDATE machine SET enrolled_credit_key = coalesce("
    "(SELECT key_id FROM credit_key WHERE first_used_at <= "
    "(SELECT enrolled_at FROM credential WHERE credential.licence = machine.licence) "
    "ORDER BY first_used_at DESC, key_id DESC LIMIT 1), 1)"
)
"""The first schema noted a key when a machine was enrolled with it, if it was new."""

# Name, table, event, condition upon which the change is refused, and the words.
RULES: Final = (
    (
        "machine_order_as_given",
        "machine_order",
        "BEFORE UPDATE",
        (
            "NEW.licence <> OLD.licence OR NEW.serial <> OLD.serial "
            "OR NEW.kind <> OLD.kind OR NEW.value <> OLD.value "
            "OR (NEW.content IS NULL) <> (OLD.content IS NULL) "
            "OR NEW.content <> OLD.content OR OLD.acknowledged_at IS NOT NULL "
            "OR (OLD.taken_back_at IS NOT NULL AND (NEW.taken_back_at IS NULL "
            "OR NEW.taken_back_at <> OLD.taken_back_at))"
        ),
        "an order stays as it was given, and as it was acknowledged or taken back",
    ),
    ("content_not_changed", "content", "BEFORE UPDATE", "", "content only grows"),
    ("content_not_removed", "content", "BEFORE DELETE", "", "content only grows"),
)


def upgrade() -> None:
    """Make the table of contents, widen what is there, and guard both."""
    op.create_table(
        "content",
        sa.Column("content_id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", INTEGER, nullable=False),
        sa.Column("added_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            f"kind IN ({CONTENT_KINDS})", name=op.f("ck_content_kind_known")
        ),
        sa.CheckConstraint(
            "length(content_id) = 8", name=op.f("ck_content_content_id_octets")
        ),
        sa.CheckConstraint(
            "length(octets) BETWEEN 1 AND 65536", name=op.f("ck_content_octets_range")
        ),
        sa.PrimaryKeyConstraint("content_id", name=op.f("pk_content")),
        sqlite_strict=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        _change_postgresql()
    else:
        _change_sqlite()
    op.execute(ENROLLED_CREDIT_KEY)


def _change_postgresql() -> None:
    for table, name, _, says in WIDENED:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({says})")
    for statement in (
        "ALTER TABLE machine ADD COLUMN capabilities BIGINT",
        "ALTER TABLE machine ADD COLUMN enrolled_credit_key BIGINT NOT NULL DEFAULT 1",
        "ALTER TABLE machine ALTER COLUMN enrolled_credit_key DROP DEFAULT",
        (
            "ALTER TABLE machine_order ADD COLUMN content BYTEA "
            "CONSTRAINT fk_machine_order_content REFERENCES content (content_id)"
        ),
        "ALTER TABLE machine_order ADD COLUMN sent_at BIGINT",
        "ALTER TABLE machine_order ADD COLUMN taken_back_at BIGINT",
        (
            "ALTER TABLE machine_order ADD CONSTRAINT ck_machine_order_content_named "
            f"CHECK ({CONTENT_NAMED})"
        ),
    ):
        op.execute(statement)
    for name, table, event, condition, words in RULES:
        row = "OLD" if event.endswith("DELETE") else "NEW"
        refuse = f"RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = '{words}';"
        body = f"IF {condition} THEN {refuse} END IF;" if condition else refuse
        _trigger(name, table, event, "ROW", f"{body} RETURN {row};")
    refuse = "RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'content only grows';"
    body = f"{refuse} RETURN NULL;"
    _trigger("content_not_truncated", "content", "BEFORE TRUNCATE", "STATEMENT", body)


def _trigger(name: str, table: str, event: str, each: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {body} END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} {event} ON {table} FOR EACH {each} "
        f"EXECUTE FUNCTION {name}()"
    )


def _change_sqlite() -> None:
    _widen_sqlite()
    for statement in (
        "ALTER TABLE machine ADD COLUMN capabilities INTEGER",
        # SQLite wants a default where a column is added that is never NULL; whoever
        # enrols a machine gives its own value.
        "ALTER TABLE machine ADD COLUMN enrolled_credit_key INTEGER NOT NULL DEFAULT 1",
        (
            "ALTER TABLE machine_order ADD COLUMN content BLOB "
            "CONSTRAINT fk_machine_order_content REFERENCES content (content_id)"
        ),
        "ALTER TABLE machine_order ADD COLUMN sent_at INTEGER",
        (
            "ALTER TABLE machine_order ADD COLUMN taken_back_at INTEGER "
            f"CONSTRAINT ck_machine_order_content_named CHECK ({CONTENT_NAMED})"
        ),
    ):
        op.execute(statement)
    for name, table, event, condition, words in RULES:
        when = f"WHEN {condition} " if condition else ""
        op.execute(
            f"CREATE TRIGGER {name} {event} ON {table} {when}"
            f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
        )


def _widen_sqlite() -> None:
    """Edit the CHECKs in the schema itself, and see that they were found there."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for table, name, said, says in WIDENED:
        changed = connection.execute(
            sa.text(
                "UPDATE sqlite_schema SET sql = replace(sql, :said, :says) "
                "WHERE type = 'table' AND name = :table AND instr(sql, :said) > 0"
            ),
            {
                "said": f"CONSTRAINT {name} CHECK ({said})",
                "says": f"CONSTRAINT {name} CHECK ({says})",
                "table": table,
            },
        )
        if changed.rowcount != 1:
            raise sa.exc.InvalidRequestError(f"{table} does not have {name} as it was")
    # Other connections read the schema again, and this one at once.
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
