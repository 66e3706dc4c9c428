"""Prepared statements do what SQLAlchemy would have done, on both databases."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Select, bindparam, insert, select, text, update
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from hw.database import Store, open_store
from hw.database.prepared import Prepared
from protocol.errors import InvariantError, LocalProtocolError, StoreError
from rmfs_server.store import schema
from rmfs_server.store.migrations import migrate

LICENCE = {
    "identifier": "N123456",
    "number": "KN0600065",
    "licensee": "Bharat Stationers",
    "kind": "COMMERCIAL",
    "state": "REGISTERED",
    "expires_on": date(2031, 8, 15),
    "refund_allowed": True,
    "created_at": 1_795_000_000,
}
KEY = {
    "key_id": 7,
    "realm": 1,
    "x": bytes(range(32)),
    "y": bytes(32),
    "first_used_at": 1_795_000_000,
}
EVERY_LICENCE: Select[tuple[object, ...]] = select(schema.licence).order_by(
    schema.licence.c.identifier
)
OF_IDENTIFIER = schema.licence.c.identifier == bindparam("of_licence")

ADD_LICENCE = Prepared(insert(schema.licence))
ADD_KEY = Prepared(insert(schema.credit_key))
READ_KEY = Prepared(select(schema.credit_key))
READ_LICENCES = Prepared(EVERY_LICENCE)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = open_store(store_url)
    migrate(store)
    yield store
    store.close()


def test_values_are_converted_as_their_columns_say(store: Store) -> None:
    with store.writing("add") as connection:
        ADD_LICENCE.run(connection, LICENCE)
        ADD_KEY.run(connection, KEY)
    with store.reading() as connection:
        (row,) = READ_LICENCES.all(connection, {})
        by_core = connection.execute(EVERY_LICENCE).one()
        key = READ_KEY.one(connection, {})
    assert tuple(row) == tuple(by_core) == tuple(LICENCE.values())
    assert row.expires_on == date(2031, 8, 15)
    assert row.refund_allowed is True
    assert key._asdict() == KEY
    assert isinstance(key.x, bytes)


def test_many_rows_are_stored_in_their_order(store: Store) -> None:
    rows = [{**LICENCE, "identifier": f"N12345{n}"} for n in range(3)]
    with store.writing("add") as connection:
        ADD_LICENCE.run_many(connection, rows)
        found = READ_LICENCES.all(connection, {})
    assert [row.identifier for row in found] == ["N123450", "N123451", "N123452"]


def test_the_names_that_are_given_choose_the_columns_that_are_changed(
    store: Store,
) -> None:
    change = Prepared(update(schema.licence).where(OF_IDENTIFIER))
    of_licence = {"of_licence": "N123456"}
    with store.writing("change") as connection:
        ADD_LICENCE.run(connection, LICENCE)
        change.run(connection, {**of_licence, "state": "BLOCKED"})
        change.run(connection, {**of_licence, "refund_allowed": False})
        row = READ_LICENCES.one(connection, {})
    assert (row.state, row.refund_allowed) == ("BLOCKED", False)


def test_an_update_that_fits_no_row_returns_none(store: Store) -> None:
    change = Prepared(
        update(schema.licence).where(OF_IDENTIFIER).returning(schema.licence.c.state)
    )
    values = {"of_licence": "N123456", "state": "BLOCKED"}
    with store.writing("change") as connection:
        assert change.one_or_none(connection, values) is None
        ADD_LICENCE.run(connection, LICENCE)
        assert change.one(connection, values).state == "BLOCKED"


def test_one_row_is_one_row(store: Store) -> None:
    rows = [{**LICENCE, "identifier": f"N12345{n}"} for n in range(2)]
    with store.writing("add") as connection:
        with pytest.raises(NoResultFound):
            READ_LICENCES.one(connection, {})
        ADD_LICENCE.run_many(connection, rows)
        with pytest.raises(MultipleResultsFound):
            READ_LICENCES.one_or_none(connection, {})


def test_what_a_rule_of_the_schema_refuses_is_no_failure_of_the_database(
    store: Store,
) -> None:
    with store.writing("add") as connection:
        ADD_KEY.run(connection, KEY)
    with (
        pytest.raises(InvariantError, match="add again: the books refuse it"),
        store.writing("add again") as connection,
    ):
        ADD_KEY.run(connection, KEY)
    with (
        pytest.raises(InvariantError, match="add: the books refuse it"),
        store.writing("add") as connection,
    ):
        ADD_KEY.run_many(connection, [{**KEY, "key_id": 8}, KEY])
    with store.reading() as connection:
        assert READ_KEY.one(connection, {}).key_id == 7


def test_a_parameter_that_is_missing_or_that_no_column_has_is_refused(
    store: Store,
) -> None:
    find = Prepared(select(schema.licence).where(OF_IDENTIFIER))
    with pytest.raises(StoreError), store.writing("find") as connection:
        find.all(connection, {})
    with (
        pytest.raises(LocalProtocolError, match="is called colour"),
        store.writing("add") as connection,
    ):
        ADD_KEY.run(connection, {**KEY, "colour": "red"})


def add_on_a_lost_connection(store: Store, other: Store) -> None:
    with store.writing("add") as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with other.writing("end it") as killer:
            killer.execute(text(f"SELECT pg_terminate_backend({pid}, 5000)"))
        ADD_KEY.run(connection, KEY)


def test_a_connection_that_is_lost_is_a_failure_and_the_next_is_another(
    postgres_url: str,
) -> None:
    store, other = open_store(postgres_url), open_store(postgres_url)
    migrate(store)
    with pytest.raises(StoreError, match="add: the database failed"):
        add_on_a_lost_connection(store, other)
    with store.writing("add") as connection:
        ADD_KEY.run(connection, KEY)
    with store.reading() as connection:
        assert READ_KEY.one(connection, {}).key_id == 7
    store.close()
    other.close()
