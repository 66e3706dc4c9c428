"""A schema that is only expanded serves older programs; no other newer one does."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from hw.database import Store, open_store
from hw.database.migrating import Versions
from protocol.errors import StoreError

ENVIRONMENT = """
from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""
MIGRATION = """
from alembic import op

revision = "{number:04}"
down_revision = {before}
expands = {expands}


def upgrade() -> None:
    op.execute("CREATE TABLE thing_{number} (id INTEGER PRIMARY KEY)")
"""
EXPANDS = {1: False, 2: True, 3: True, 4: False}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with closing(open_store(store_url)) as opened:
        yield opened


def program(folder: Path, version: int) -> Versions:
    """Make what a program of some version knows of migrations."""
    scripts = folder / f"of-{version}"
    (scripts / "versions").mkdir(parents=True)
    (scripts / "env.py").write_text(ENVIRONMENT)
    for number in range(1, version + 1):
        before = None if number == 1 else f"{number - 1:04}"
        words = MIGRATION.format(
            number=number, before=repr(before), expands=EXPANDS[number]
        )
        (scripts / "versions" / f"of_{number:04}.py").write_text(words)
    return Versions(str(scripts), "the command")


def migrate(store: Store, versions: Versions) -> None:
    with store.writing("migrate") as connection:
        versions.upgrade(connection)


def test_a_schema_that_was_only_expanded_serves_older_programs(
    store: Store, tmp_path: Path
) -> None:
    oldest, newest = program(tmp_path, 1), program(tmp_path, 3)
    migrate(store, oldest)
    oldest.check(store)
    migrate(store, newest)
    newest.check(store)
    oldest.check(store)
    assert newest.find(store) == "0003"


def test_one_that_was_not_only_expanded_does_not(store: Store, tmp_path: Path) -> None:
    older, newest = program(tmp_path, 3), program(tmp_path, 4)
    migrate(store, older)
    migrate(store, newest)
    newest.check(store)
    newer_needed = "schema 0004, 0003 is needed: run a newer version of this program"
    with pytest.raises(StoreError, match=newer_needed):
        older.check(store)


def test_an_older_schema_is_to_be_migrated(store: Store, tmp_path: Path) -> None:
    older, newest = program(tmp_path, 2), program(tmp_path, 3)
    with pytest.raises(StoreError, match="schema none, 0002 is needed: run `the com"):
        older.check(store)
    migrate(store, older)
    with pytest.raises(StoreError, match="schema 0002, 0003 is needed: run `the com"):
        newest.check(store)


def test_a_newer_schema_that_says_nothing_is_refused(
    store: Store, tmp_path: Path
) -> None:
    older, newest = program(tmp_path, 2), program(tmp_path, 3)
    migrate(store, newest)
    with store.writing("forget") as connection:
        connection.execute(text("DROP TABLE schema_served"))
    with pytest.raises(StoreError, match="run a newer version"):
        older.check(store)


def test_an_old_program_migrates_nothing_that_is_newer(
    store: Store, tmp_path: Path
) -> None:
    older, newest = program(tmp_path, 1), program(tmp_path, 3)
    migrate(store, newest)
    with pytest.raises(StoreError, match="schema 0003, which this program is too old"):
        migrate(store, older)
    newest.check(store)
    older.check(store)
