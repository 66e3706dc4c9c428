"""Books of the first schema are brought to the newest on both engines, with their rows.

What an old server held is told here in its own words: no table of today is used.
"""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    CheckConstraint,
    Connection,
    insert,
    inspect,
    select,
    text,
    update,
)

from hw.database import Store, open_store
from protocol.errors import InvariantError, StoreError
from protocol.messages import OrderKind
from protocol.registers import MachineState
from protocol.values import EpochSeconds, LicenceIdentifier, OrderSerial
from rmfs_server.store import machines, orders, schema
from rmfs_server.store.migrations import check_version, migrate

LICENCE = LicenceIdentifier("N123456")
REVOKED = LicenceIdentifier("N000002")
NOW = EpochSeconds(1_790_000_000)

_ROWS = """
INSERT INTO licence VALUES ('{licence}', 'KN0600065', 'Asha Traders', 'COMMERCIAL',
 'REGISTERED', '2030-12-31', 0, 1700000000);
INSERT INTO credential VALUES ('{licence}', 1, '{state}', 'PSD0000{number}', 84,
 'PAPER-1', '1.0.0', {x1}, {x1}, {x2}, {x2}, {hash}, 0, 0, 0, 0, 0, 0,
 1700000{number}00, NULL);
INSERT INTO machine VALUES ('{licence}', 'LOCKED', 0, 0, 0, 0, 0, 0, 0, 0, {hash}, NULL,
 4, 5, 0, 1, 0, 0, 1700000000, 1700000001, NULL, NULL);
INSERT INTO usage VALUES ('{licence}', 1, 0, 0);
INSERT INTO discrepancy (licence, code, detail, found_at)
 VALUES ('{licence}', 'MARK_WRONG', '{{}}', 1700000000);
INSERT INTO machine_order VALUES ('{licence}', 1, 'LOCK', 7, 1700000000, 1700000001);
INSERT INTO machine_order VALUES ('{licence}', 2, 'UNLOCK', 0, 1700000002, NULL)
"""


@pytest.fixture
def old(store_url: str) -> Iterator[Store]:
    """Open books that the first schema holds, with rows in them."""
    store = open_store(store_url)
    config = Config()
    config.set_main_option("script_location", "rmfs_server.store:migrations")
    config.set_main_option("path_separator", "os")
    with store.writing("the first schema") as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        _fill(connection)
    yield store
    store.close()


def _fill(connection: Connection) -> None:
    postgresql = connection.dialect.name == "postgresql"
    for number, (licence, state) in enumerate(
        ((LICENCE, "ACTIVE"), (REVOKED, "REVOKED")), start=1
    ):
        octets = {
            name: f"'\\x{digits}'" if postgresql else f"x'{digits}'"
            for name, digits in (
                ("x1", f"0{number}" * 32),
                ("x2", f"1{number}" * 32),
                ("hash", f"2{number}" * 8),
            )
        }
        rows = _ROWS.format(licence=licence, state=state, number=number, **octets)
        for row in rows.split(";"):
            connection.exec_driver_sql(row)
    for key_id, used in ((3, 1_700_000_100), (4, 1_700_000_150), (5, 1_800_000_000)):
        octet = "'\\x01'" if postgresql else "x'01'"
        connection.exec_driver_sql(
            f"INSERT INTO credit_key VALUES ({key_id}, 84, {octet}, {octet}, {used})"  # noqa: S608
        )


def test_rows_of_the_first_schema_are_all_there_afterwards(old: Store) -> None:
    before = {}
    with old.reading() as connection:
        known = inspect(connection).get_table_names()
        for table in schema.metadata.sorted_tables:
            if table.name in known:
                names = ", ".join(
                    column["name"]
                    for column in inspect(connection).get_columns(table.name)
                )
                query = f"SELECT {names} FROM {table.name} ORDER BY 1, 2"  # noqa: S608
                before[query] = connection.exec_driver_sql(query).all()
    migrate(old)
    check_version(old)
    with old.reading() as connection:
        for query, rows in before.items():
            if "FROM account" not in query:
                assert connection.exec_driver_sql(query).all() == rows


class Dies:
    """A hook with which the server dies before anything is committed."""

    def before_commit(self, name: str) -> None:
        raise DiedError(name)

    def after_commit(self, name: str) -> None:
        raise AssertionError(name)


class DiedError(Exception):
    """The process ended here."""


def test_a_migration_that_is_cut_off_changes_nothing(
    old: Store, store_url: str
) -> None:
    with closing(open_store(store_url, Dies())) as dying, pytest.raises(DiedError):
        migrate(dying)
    with pytest.raises(StoreError, match="schema 0001, 0004 is needed"):
        check_version(old)
    migrate(old)
    check_version(old)
    with closing(open_store(store_url)) as other:
        check_version(other)


def test_sqlite_finds_its_edited_schema_in_order(old: Store) -> None:
    migrate(old)
    with old.reading() as connection:
        if connection.dialect.name == "sqlite":
            for pragma, said in (
                ("integrity_check", [("ok",)]),
                ("foreign_key_check", []),
                ("writable_schema", [(0,)]),
            ):
                rows = connection.exec_driver_sql(f"PRAGMA {pragma}").all()
                assert [tuple(row) for row in rows] == said


def test_a_machine_knows_the_credit_key_that_it_was_enrolled_with(old: Store) -> None:
    migrate(old)
    with old.reading() as connection:
        for licence, key_id in ((LICENCE, 3), (REVOKED, 4)):
            machine = machines.find(connection, licence)
            assert machine is not None
            assert machine.enrolled_credit_key == key_id
            assert machine.capabilities is None
            assert machine.state is MachineState.LOCKED


def test_nobody_vouched_for_files_that_came_before_that_was_asked(old: Store) -> None:
    with old.writing("a fund file of then") as connection:
        connection.execute(
            text(
                "INSERT INTO fund_file VALUES "
                "('F1', :sha, :octets, '2026-09-21', 0, 0, 1700000000)"
            ),
            {"sha": bytes(32), "octets": b""},
        )
    migrate(old)
    with old.reading() as connection:
        (row,) = connection.execute(select(schema.fund_file))
    assert (row.file_id, row.vouched_by) == ("F1", None)


def test_old_orders_go_on_and_new_ones_follow(old: Store) -> None:
    migrate(old)
    with old.writing("test") as connection:
        serial = orders.add(
            connection, LICENCE, OrderKind.FRANK_LIMIT, 500, NOW, applied=1
        )
        assert serial == 3
        sent = orders.send(connection, LICENCE, 1, NOW, 63)
        assert [one.order for one in sent] == [OrderKind.UNLOCK, OrderKind.FRANK_LIMIT]
        orders.take_back(connection, LICENCE, OrderSerial(2), NOW)
        sent = orders.send(connection, LICENCE, 1, NOW, 0)
        assert [one.order for one in sent] == [OrderKind.NOTHING]


@pytest.mark.parametrize("state", list(MachineState))
def test_every_state_of_a_machine_can_be_kept(old: Store, state: MachineState) -> None:
    migrate(old)
    with old.writing("test") as connection:
        connection.execute(update(schema.machine).values(state=state.name))
    with old.reading() as connection:
        kept = connection.execute(select(schema.machine.c.state)).scalars()
        assert set(kept) == {state.name}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE machine SET state = 'ASLEEP'",
        "UPDATE machine SET number = -1",
        "DELETE FROM machine",
        "DELETE FROM machine_order",
        "UPDATE machine_order SET kind = 'LOCK' WHERE serial = 2",
        "UPDATE machine_order SET acknowledged_at = NULL",
        (
            "INSERT INTO machine_order (licence, serial, kind, value, created_at) "
            "VALUES ('N999999', 1, 'LOCK', 0, 0)"
        ),
        (
            "INSERT INTO machine_order (licence, serial, kind, value, created_at) "
            "VALUES ('N123456', 9, 'TARIFF', 0, 0)"
        ),
        (
            "INSERT INTO machine_order (licence, serial, kind, value, created_at) "
            "VALUES ('N123456', 9, 'KEY_ROTATION', 0, 0)"
        ),
    ],
)
def test_the_rules_of_both_schemas_hold_afterwards(old: Store, change: str) -> None:
    migrate(old)
    with (
        pytest.raises(InvariantError, match="refuse"),
        old.writing("by hand") as connection,
    ):
        connection.execute(text(change))


@pytest.mark.parametrize(
    "change", ["UPDATE content SET name = 'other'", "DELETE FROM content"]
)
def test_contents_only_grow(old: Store, change: str) -> None:
    migrate(old)
    with old.writing("by hand") as connection:
        connection.execute(
            insert(schema.content).values(
                content_id=bytes(8),
                kind="TARIFF",
                model="",
                number=1,
                name="TARIFF 1",
                octets=b"octets",
                valid_from=0,
                added_at=NOW,
            )
        )
    with (
        pytest.raises(InvariantError, match="only grows"),
        old.writing("by hand") as connection,
    ):
        connection.execute(text(change))


def test_the_database_knows_the_names_that_the_schema_knows(old: Store) -> None:
    """A CHECK is not compared by Alembic: its quoted names are compared here."""
    migrate(old)
    compared = 0
    with old.reading() as connection:
        inspector = inspect(connection)
        for table in schema.metadata.sorted_tables:
            found = {
                str(one["name"]): _names(str(one["sqltext"]))
                for one in inspector.get_check_constraints(table.name)
            }
            for constraint in table.constraints:
                if isinstance(constraint, CheckConstraint):
                    wanted = _names(str(constraint.sqltext))
                    assert found[str(constraint.name)] == wanted, constraint.name
                    compared += bool(wanted)
    assert compared > 10


def _names(sql: str) -> set[str]:
    return set(re.findall(r"'([A-Z_]+)'", sql))
