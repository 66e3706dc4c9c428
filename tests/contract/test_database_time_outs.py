"""What a database is set to must not cancel a COMMIT (reliability notes, 4.4)."""

from sqlalchemy import text

from hw.database import open_store

SET = """DO $$ BEGIN EXECUTE format(
'ALTER DATABASE %I SET statement_timeout = ''7s''', current_database()); END $$"""


def test_a_time_out_of_the_database_does_not_hold_for_the_books(
    postgres_url: str,
) -> None:
    store = open_store(postgres_url)
    with store.writing("set a time-out") as connection:
        connection.execute(text(SET))
    store.close()
    store = open_store(postgres_url)
    with store.reading() as connection:
        default = connection.execute(
            text("SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout'")
        )
        assert default.scalar_one() == "0"
        kept = connection.execute(
            text("SELECT setconfig FROM pg_db_role_setting WHERE setdatabase > 0")
        )
        assert ["statement_timeout=7s"] in kept.scalars().all()
    store.close()
