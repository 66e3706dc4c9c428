"""Two transactions of a test at once: going on when one waits for the other."""

from typing import Any

from sqlalchemy import event, text

from hw.database import Store

_ASKED_MAX = 100_000
_PATIENCE = "SET lock_timeout = '2min'"


def with_patience(store: Store) -> Store:
    """Let transactions of a store wait for each other for longer than the product does.

    Whoever holds the lock is a thread of this process, which may be stopped for a
    while; PostgreSQL, which counts the seconds, goes on. SQLite counts its own tries.
    """
    if store.engine.dialect.name == "postgresql":
        # Connections that are open already are not told of it.
        store.engine.dispose()
        event.listen(store.engine, "connect", _be_patient)
    return store


def _be_patient(connection: Any, _record: object) -> None:
    connection.execute(_PATIENCE)
    connection.commit()


def until_somebody_waits(store: Store) -> None:
    """Go on when another transaction waits for one of ours.

    On SQLite nothing is to be seen of that, and nothing has to be: there, whoever
    writes second has not begun.
    """
    if store.engine.dialect.name == "sqlite":
        return
    # Locks are those of the whole server: other tests wait for theirs meanwhile.
    waits = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE NOT granted AND datname = current_database()"
    )
    for _ in range(_ASKED_MAX):
        with store.reading() as connection:
            if connection.execute(waits).scalar_one():
                return
    raise AssertionError("nobody waits")
