"""Two transactions of a test at once: going on when one waits for the other."""

from sqlalchemy import text

from hw.database import Store

_ASKED_MAX = 100_000


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
