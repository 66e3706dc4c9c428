"""What docs/growing.md lists: all that hinders distributing the books by licence.

Citus, and PostgreSQL's own partitions, want the licence in every key and in every
reference between distributed tables; other databases refuse references that are
checked at COMMIT, or triggers. The list of the page is the schema's, walked anew.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from hw.database import Store, open_store
from hw.database.columns import INTEGER
from hw.database.tables import key, table, tables
from rmfs_server.store import schema
from rmfs_server.store.migrations import migrate

PAGE: Final = Path(__file__).parents[2] / "docs" / "growing.md"
HEAD: Final = "| table | licence | keys without it | references without it | triggers |"
NONE: Final = "-"
ALONE: Final = "These belong to no licence: "

_ALL_TRIGGERS: Final = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger'",
    "postgresql": "SELECT tgname, relname FROM pg_trigger "
    "JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal",
}
_OF_A_TABLE: Final = "_not_truncated"
"""What PostgreSQL has besides: SQLite knows no TRUNCATE."""


def licence_column(table: Table) -> Column[str] | None:
    """Find the column of a table that holds the licence."""
    name = "identifier" if table.name == "licence" else "licence"
    return table.columns.get(name)


def through(table: Table) -> str:
    """Name the table through which a row belongs to a licence; empty: to none."""
    if table.name == "journal":
        return "entry"
    parents = [one.referred_table for one in table.foreign_key_constraints]
    found = sorted(one.name for one in parents if licence_column(one) is not None)
    return found[0] if found else ""


def is_apart(table: Table) -> bool:
    """Say whether each row of a table belongs to one licence, or mostly does."""
    return licence_column(table) is not None or through(table) != ""


def keys_without(table: Table) -> Iterator[str]:
    """Name the keys of a table that may not stand twice, whatever the licence is."""
    unique = [list(table.primary_key.columns)]
    unique += [
        list(one.columns)
        for one in table.constraints
        if isinstance(one, UniqueConstraint)
        and not isinstance(one, PrimaryKeyConstraint)
    ]
    unique += [list(one.columns) for one in table.indexes if one.unique]
    own = licence_column(table)
    for columns in unique:
        if own is None or own.name not in [one.name for one in columns]:
            counted = any(one is table.autoincrement_column for one in columns)
            yield "+".join(one.name for one in columns) + " (counted)" * counted


def references_without(table: Table) -> Iterator[str]:
    """Name the references to other tables of licences that do not hold the licence."""
    for one in table.foreign_key_constraints:
        own = licence_column(table)
        if is_apart(one.referred_table) and (
            own is None or own.name not in one.columns
        ):
            columns = "+".join(column.name for column in one.columns)
            late = " (at COMMIT)" * bool(one.deferrable)
            yield f"{columns} → {one.referred_table.name}{late}"


def rows(metadata: MetaData, triggers: Counter[str]) -> list[str]:
    """Give the rows of the page."""
    found = []
    for one in sorted(metadata.tables.values(), key=lambda one: one.name):
        if not is_apart(one):
            continue
        own = licence_column(one)
        where = f"through `{through(one)}`"
        if own is not None:
            where = "or none" if own.nullable else "yes"
        keys = ", ".join(sorted(keys_without(one))) or NONE
        references = ", ".join(sorted(references_without(one))) or NONE
        count = triggers[one.name] or NONE
        found.append(f"| `{one.name}` | {where} | {keys} | {references} | {count} |")
    return found


def listed(page: str) -> list[str]:
    """Read the rows of the page."""
    _, _, below = page.partition(f"{HEAD}\n")
    table, _, _ = below.partition("\n\n")
    return table.splitlines()[1:]


def triggers_of(store: Store) -> Counter[tuple[str, bool]]:
    """Count the triggers of each table, and apart from them those against TRUNCATE."""
    query = _ALL_TRIGGERS[store.engine.dialect.name]
    with store.reading() as connection:
        found = connection.execute(text(query)).all()
    return Counter((table, name.endswith(_OF_A_TABLE)) for name, table in found)


def test_the_page_lists_what_stands_in_the_way(store_url: str) -> None:
    store = open_store(store_url)
    migrate(store)
    triggers = triggers_of(store)
    store.close()
    of_rows = Counter({one: n for (one, whole), n in triggers.items() if not whole})
    expected = rows(schema.metadata, of_rows)
    assert listed(PAGE.read_text("utf-8")) == expected, "\n".join(expected)


def test_the_page_lists_what_belongs_to_no_licence() -> None:
    found = (one for one in schema.metadata.tables.values() if not is_apart(one))
    names = ", ".join(f"`{name}`" for name in sorted(one.name for one in found))
    words = " ".join(PAGE.read_text("utf-8").split())
    assert f"{ALONE}{names}." in words, names


def test_the_page_says_how_many_triggers_stand_against_truncate(
    postgres_url: str,
) -> None:
    store = open_store(postgres_url)
    migrate(store)
    against = sum(n for (_, whole), n in triggers_of(store).items() if whole)
    store.close()
    assert f"{against} more against TRUNCATE" in PAGE.read_text("utf-8")


def test_a_key_and_a_reference_that_are_not_of_one_licence_are_found() -> None:
    bad = tables()
    table(bad, "licence", Column("identifier", INTEGER, primary_key=True))
    table(bad, "good", Column("licence", INTEGER, primary_key=True))
    table(bad, "other", key(), Column("licence", INTEGER, nullable=False))
    table(
        bad,
        "worse",
        Column("licence", INTEGER, primary_key=True),
        Column("other", INTEGER, unique=True),
        ForeignKeyConstraint(
            ["other"], ["other.id"], deferrable=True, initially="DEFERRED"
        ),
    )
    assert rows(bad, Counter({"worse": 2})) == [
        "| `good` | yes | - | - | - |",
        "| `licence` | yes | - | - | - |",
        "| `other` | yes | id (counted) | - | - |",
        "| `worse` | yes | other | other → other (at COMMIT) | 2 |",
    ]
