"""The gateway's chain of versions builds what its tables say, on both engines."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from dop_gateway.store.migrations import check_version, migrate
from dop_gateway.store.schema import metadata
from hw.database import Store, open_store
from protocol.errors import InvariantError, StoreError
from tests.migrated import NOT_OURS

_ROWS = """
INSERT INTO office VALUES (1, NULL, '/1/', 'DIRECTORATE', 'Top', 'top', NULL, NULL,
 NULL, 'F000000018', 0, 0, NULL, NULL, NULL, NULL, 0, NULL, 0, 'asha');
INSERT INTO office_import VALUES (1, '{hash}', 1, 0, 1, 0, 0, 'asha', 'a test', 0);
INSERT INTO parameter VALUES (1, 'licence.years', '5', '2026-01-01', NULL, 'asha',
 'a test', 0);
INSERT INTO calendar_year VALUES ('KN', 2027, 'a circular', 'asha', 'a test', 0);
INSERT INTO calendar_day VALUES (1, 'KN', '2027-11-01', 0, 'Rajyotsava', 1, 0, 'asha',
 'a test', 5, 'asha', 'by mistake');
INSERT INTO failed_dial_in VALUES (1, 'N', 'N123456', 'KN0600065', 0, '2026-01-01',
 'FUNDS_SHORT', 'the funds are short', 'US-N-000001', '1', 0)
"""
_DEPOSIT = """
INSERT INTO deposit VALUES (1, 'BANK', 'UTR1', '', '', '', 100000, 'NETBANKING', '',
 '2026-01-01', NULL, NULL, NULL, 0, 'SUSPENSE', 1, 0, NULL, NULL, NULL, 0, NULL, NULL,
 0, 0, NULL)
"""
_PROPOSAL = """
INSERT INTO deposit_proposal VALUES (1, 1, '{}', NULL, 'a test', 'PROPOSED', 1, 0,
 NULL, NULL, '')
"""
_SETTLEMENT = "INSERT INTO deposit_settlement VALUES (1, 1)"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Open a database of the newest version, with a row in each guarded table."""
    with closing(open_store(store_url)) as store:
        migrate(store)
        with store.writing("test") as connection:
            for row in _ROWS.format(hash="0" * 64).split(";"):
                connection.exec_driver_sql(row)
            for row in (_DEPOSIT, _PROPOSAL.format("SETTLE"), _SETTLEMENT):
                connection.exec_driver_sql(row)
        yield store


def test_the_chain_builds_what_the_tables_say(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts=NOT_OURS)
        assert compare_metadata(context, metadata) == []


def test_the_database_knows_the_names_that_the_tables_know(store: Store) -> None:
    """A CHECK is not compared by Alembic: its quoted names are compared here."""
    compared = 0
    with store.reading() as connection:
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            found = {
                str(one["name"]): _names(str(one["sqltext"]))
                for one in inspector.get_check_constraints(table.name)
            }
            checks = [
                one for one in table.constraints if isinstance(one, CheckConstraint)
            ]
            assert found.keys() == {str(one.name) for one in checks}
            for check in checks:
                wanted = _names(str(check.sqltext))
                assert found[str(check.name)] == wanted, check.name
                compared += bool(wanted)
    assert compared


def test_migrating_twice_changes_nothing(store: Store) -> None:
    migrate(store)
    check_version(store)


def test_a_database_without_a_schema_is_refused(store_url: str) -> None:
    with (
        closing(open_store(store_url)) as store,
        pytest.raises(StoreError, match="rmfs dop migrate"),
    ):
        check_version(store)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE office_import SET lines = 7",
        "DELETE FROM office_import",
        "UPDATE parameter SET value = '6'",
        "DELETE FROM parameter",
        "DELETE FROM office",
        "UPDATE office SET facility = 'F000000026'",
        "DELETE FROM calendar_year",
        "DELETE FROM calendar_day",
        "UPDATE calendar_day SET day = '2027-11-02'",
        "UPDATE calendar_day SET removed_by = 'badri'",
        "UPDATE failed_dial_in SET code = 'LINE'",
        "UPDATE deposit_settlement SET paid_by = 2",
        "DELETE FROM deposit_settlement",
        "DELETE FROM failed_dial_in",
    ],
)
def test_what_was_done_stays_written(store: Store, change: str) -> None:
    with (
        pytest.raises(InvariantError, match=r"only grows|stays what it was|keeps its"),
        store.writing("by hand") as connection,
    ):
        connection.execute(text(change))


def test_deposits_that_are_owed_already_can_be_settled(store_url: str) -> None:
    """Version 0014 widens CHECKs: on SQLite by editing the schema itself."""
    config = Config()
    config.set_main_option("script_location", "dop_gateway.store:migrations")
    config.set_main_option("path_separator", "os")
    with closing(open_store(store_url)) as store:
        with store.writing("the version before") as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0013")
            connection.exec_driver_sql(_DEPOSIT)
        settle = _PROPOSAL.format("SETTLE")
        with pytest.raises(InvariantError), store.writing("settle") as connection:
            connection.exec_driver_sql(settle)
        migrate(store)
        with store.writing("settle") as connection:
            connection.exec_driver_sql(settle)
            connection.exec_driver_sql(_SETTLEMENT)
        with pytest.raises(InvariantError), store.writing("another") as connection:
            connection.exec_driver_sql(_PROPOSAL.format("KEEP"))
        with store.reading() as connection:
            kept = connection.exec_driver_sql("SELECT state FROM deposit").scalars()
            assert list(kept) == ["SUSPENSE"]
            if connection.dialect.name == "sqlite":
                for pragma, said in (
                    ("integrity_check", [("ok",)]),
                    ("foreign_key_check", []),
                    ("writable_schema", [(0,)]),
                ):
                    rows = connection.exec_driver_sql(f"PRAGMA {pragma}").all()
                    assert [tuple(row) for row in rows] == said


def _names(sql: str) -> set[str]:
    return set(re.findall(r"'([A-Z_]+)'", sql))
