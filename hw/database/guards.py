"""Rules that the database itself holds, for migrations: triggers on both engines.

A migration that has been released calls these; so they are added to, never changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic import op


@dataclass(frozen=True, slots=True)
class Guard:
    """One change that the database refuses.

    Attributes:
        name: Of the trigger.
        table: That it stands at.
        event: As ``BEFORE UPDATE`` or ``AFTER INSERT``.
        refused_when: A condition over ``NEW`` and ``OLD``; empty: always.
        words: What the error says, without quotation marks.
    """

    name: str
    table: str
    event: str
    refused_when: str
    words: str


def ledger_guards() -> tuple[Guard, ...]:
    """Give the rules of `hw.database.ledger_tables`: sealed, balanced, not in the past.

    Source: reliability notes, rules L3 and L15.
    """
    return (
        Guard(
            "journal_seals",
            "journal",
            "AFTER INSERT",
            "(SELECT count(*) FROM entry WHERE journal = NEW.id) < 2 OR "
            "(SELECT sum(amount_paise) FROM entry WHERE journal = NEW.id) <> 0",
            "a journal needs two entries at least that sum to 0",
        ),
        Guard(
            "journal_period_open",
            "journal",
            "BEFORE INSERT",
            "EXISTS (SELECT 1 FROM closed_period WHERE through >= NEW.business_date)",
            "the business date is closed",
        ),
        Guard(
            "entry_not_late",
            "entry",
            "BEFORE INSERT",
            "EXISTS (SELECT 1 FROM journal WHERE id = NEW.journal)",
            "a sealed journal takes no entry",
        ),
    )


def only_grow(tables: Iterable[str]) -> tuple[Guard, ...]:
    """Refuse every change of a row of these tables."""
    return tuple(
        Guard(f"{table}_not_changed", table, "BEFORE UPDATE", "", f"{table} only grows")
        for table in tables
    )


def guard(guards: Iterable[Guard], kept: Iterable[str]) -> None:
    """Let the database hold these rules from now on, within a migration.

    Args:
        guards: Changes that it refuses.
        kept: Tables that lose no row: neither by DELETE nor by TRUNCATE.
    """
    kept = tuple(kept)
    stay = (
        Guard(f"{table}_not_removed", table, "BEFORE DELETE", "", f"{table} only grows")
        for table in kept
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    for one in (*guards, *stay):
        if postgresql:
            _guard_postgresql(one)
        else:
            when = f"WHEN {one.refused_when} " if one.refused_when else ""
            op.execute(
                f"CREATE TRIGGER {one.name} {one.event} ON {one.table} {when}"
                f"BEGIN SELECT RAISE(ABORT, '{one.words}'); END"
            )
    if postgresql:
        for table in kept:
            refuse = _refusal(f"{table} only grows")
            name = f"{table}_not_truncated"
            body = f"{refuse} RETURN NULL;"
            _trigger(name, table, "BEFORE TRUNCATE", "STATEMENT", body)


def _guard_postgresql(one: Guard) -> None:
    row = "OLD" if one.event.endswith("DELETE") else "NEW"
    refuse = _refusal(one.words)
    body = (
        f"IF {one.refused_when} THEN {refuse} END IF;" if one.refused_when else refuse
    )
    _trigger(one.name, one.table, one.event, "ROW", f"{body} RETURN {row};")


def _refusal(words: str) -> str:
    return f"RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = '{words}';"


def _trigger(name: str, table: str, event: str, each: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {body} END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} {event} ON {table} FOR EACH {each} "
        f"EXECUTE FUNCTION {name}()"
    )
