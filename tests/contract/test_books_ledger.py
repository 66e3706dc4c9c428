"""The ledger keeps its rules on both engines, whoever writes to it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Executable, delete, insert, text, update
from sqlalchemy.exc import IntegrityError

from hw.database import Store, open_store
from protocol.errors import InvariantError, LocalProtocolError, StoreError
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from rmfs_server.store import ledger, schema
from rmfs_server.store.funds import Funds, read_funds
from rmfs_server.store.migrations import check_version, migrate
from rmfs_server.store.schema import JournalKind
from tests.migrated import NOT_OURS, open_migrated

NOW = EpochSeconds(1_790_000_000)
TODAY = date(2026, 9, 21)
LICENCE = LicenceIdentifier("N123456")
FUNDS = ledger.funds_of(LICENCE)
RESERVED = ledger.reserved_of(LICENCE)
HASH = bytes(32)


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    store = open_migrated(store_place, migrate)
    with store.writing("test") as connection:
        connection.execute(
            insert(schema.licence).values(
                identifier=LICENCE,
                number="KN0600065",
                licensee="Asha Traders",
                kind="COMMERCIAL",
                state="REGISTERED",
                expires_on=date(2030, 12, 31),
                refund_allowed=False,
                created_at=NOW,
            )
        )
        ledger.open_accounts(connection, LICENCE)
    yield store
    store.close()


def deposit(
    store: Store, amount: int, *, idem: str = "fund:1:1", request: bytes = HASH
) -> ledger.Posted:
    with store.writing("deposit") as connection:
        return ledger.post(
            connection,
            idem=idem,
            request_hash=request,
            kind=JournalKind.DEPOSIT,
            entries=[(ledger.DEPARTMENT, -amount), (FUNDS, amount)],
            now=NOW,
            reason="a test",
        )


def balance(store: Store, name: ledger.AccountName) -> int:
    with store.reading() as connection:
        return ledger.balance_paise(connection, name)


def seal(store: Store, journal: int, idem: str, amounts: list[int]) -> None:
    """Write a journal by hand, past the checks of `ledger.post`."""
    with store.writing("by hand") as connection:
        for account, amount in enumerate(amounts, start=1):
            connection.execute(
                insert(schema.entry).values(
                    journal=journal, account=account, amount_paise=amount
                )
            )
        connection.execute(
            insert(schema.journal).values(
                id=journal,
                idem=idem,
                request_hash=HASH,
                kind="DEPOSIT",
                business_date=TODAY,
                posted_at=NOW,
                reason="a test",
            )
        )


def test_the_migration_builds_what_the_schema_says(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts=NOT_OURS)
        assert compare_metadata(context, schema.metadata) == []


def test_migrating_twice_changes_nothing(store: Store) -> None:
    migrate(store)
    check_version(store)


def test_a_database_without_a_schema_is_refused(store_url: str) -> None:
    with (
        closing(open_store(store_url)) as store,
        pytest.raises(StoreError, match="rmfs server migrate"),
    ):
        check_version(store)


def test_a_url_of_another_database_is_refused() -> None:
    with pytest.raises(StoreError):
        open_store("mysql://nowhere/books")


def test_a_posting_moves_value_between_accounts(store: Store) -> None:
    deposit(store, 200_000)
    assert balance(store, FUNDS) == 200_000
    assert balance(store, ledger.DEPARTMENT) == -200_000


def test_the_same_key_with_the_same_request_posts_once(store: Store) -> None:
    first = deposit(store, 200_000)
    again = deposit(store, 200_000)
    assert not first.repeated
    assert again == ledger.Posted(first.journal, repeated=True)
    assert balance(store, FUNDS) == 200_000


def test_the_same_key_with_another_request_is_an_error(store: Store) -> None:
    deposit(store, 200_000)
    with pytest.raises(InvariantError, match="another request"):
        deposit(store, 300_000, request=bytes(31) + b"\x01")
    assert balance(store, FUNDS) == 200_000


def test_an_account_never_falls_below_zero(store: Store) -> None:
    deposit(store, 200_000)
    with pytest.raises(InvariantError, match="does not hold"):
        deposit(store, -200_001, idem="fund:1:2")
    assert balance(store, FUNDS) == 200_000


def test_the_database_itself_refuses_a_balance_below_zero(store: Store) -> None:
    with (
        pytest.raises(InvariantError),
        store.writing("by hand") as connection,
    ):
        connection.execute(text("UPDATE balance SET balance_paise = -1"))


@pytest.mark.parametrize("amounts", [[-100, 99], [100], [], [100, 0]])
def test_a_journal_that_does_not_add_up_is_refused_by_post(
    store: Store, amounts: list[int]
) -> None:
    names = [ledger.DEPARTMENT, ledger.SUSPENSE]
    with pytest.raises(InvariantError), store.writing("test") as connection:
        ledger.post(
            connection,
            idem="x",
            request_hash=HASH,
            kind=JournalKind.ADOPT,
            entries=list(zip(names, amounts, strict=False)),
            now=NOW,
            reason="a test",
        )


@pytest.mark.parametrize("amounts", [[-100, 99], [100], [], [100, 0]])
def test_a_journal_that_does_not_add_up_is_refused_by_the_database(
    store: Store, amounts: list[int]
) -> None:
    with pytest.raises(InvariantError):
        seal(store, 77, "x", amounts)
    seal(store, 77, "x", [-100, 100])


def test_entries_without_a_journal_are_refused_at_commit(store: Store) -> None:
    with pytest.raises(InvariantError), store.writing("by hand") as connection:
        connection.execute(
            insert(schema.entry).values(journal=99, account=1, amount_paise=5)
        )


def test_a_sealed_journal_takes_no_entry(store: Store) -> None:
    journal = deposit(store, 200_000).journal
    with pytest.raises(InvariantError), store.writing("by hand") as connection:
        connection.execute(
            insert(schema.entry).values(journal=journal, account=2, amount_paise=5)
        )


@pytest.mark.parametrize("name", ["journal", "entry"])
def test_what_is_posted_is_never_changed_and_never_removed(
    store: Store, name: str
) -> None:
    deposit(store, 200_000)
    table = schema.metadata.tables[name]
    by_hand: list[Executable] = [update(table).values(id=table.c.id), delete(table)]
    if store.engine.dialect.name == "postgresql":
        by_hand.append(text("TRUNCATE entry, journal CASCADE"))
    for statement in by_hand:
        with pytest.raises(InvariantError), store.writing("by hand") as connection:
            connection.execute(statement)


def test_every_table_that_only_grows_has_its_triggers(store: Store) -> None:
    postgresql = store.engine.dialect.name == "postgresql"
    listed = (
        "SELECT tgname FROM pg_trigger"
        if postgresql
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    kinds = ["changed", "removed", *(["truncated"] if postgresql else [])]
    with store.reading() as connection:
        found = set(connection.execute(text(listed)).scalars())
    wanted = {f"{table}_not_{kind}" for table in schema.APPEND_ONLY for kind in kinds}
    assert wanted <= found


def test_insert_or_replace_does_not_pass_by_the_triggers(sqlite_url: str) -> None:
    with closing(open_store(sqlite_url)) as store:
        migrate(store)
        seal(store, 5, "five", [-100, 100])
        with pytest.raises(InvariantError), store.writing("by hand") as connection:
            connection.execute(
                text(
                    "INSERT OR REPLACE INTO journal (id, idem, request_hash, kind,"
                    " business_date, posted_at, reason)"
                    " SELECT id, 'six', request_hash, kind, business_date, posted_at,"
                    " reason FROM journal"
                )
            )


def test_a_reversal_is_the_exact_opposite_and_happens_once(store: Store) -> None:
    journal = deposit(store, 200_000).journal
    for repeated in (False, True):
        with store.writing("reverse") as connection:
            posted = ledger.reverse(
                connection, journal, now=NOW, reason="wrong line", person="asha"
            )
        assert posted.repeated is repeated
    assert balance(store, FUNDS) == 0
    with pytest.raises(InvariantError), store.writing("by hand") as connection:
        ledger.post(
            connection,
            idem="second reversal",
            request_hash=HASH,
            kind=JournalKind.REVERSAL,
            entries=[(ledger.DEPARTMENT, 1), (ledger.SUSPENSE, -1)],
            now=NOW,
            reason="a test",
            reverses=journal,
        )


def test_a_closed_business_date_takes_no_posting(store: Store) -> None:
    with store.writing("close") as connection:
        ledger.close_period(
            connection,
            TODAY,
            now=EpochSeconds(NOW + 86_400),
            person="asha",
        )
    with pytest.raises(InvariantError, match="closed"):
        deposit(store, 200_000)


def test_a_business_date_that_is_not_over_cannot_be_closed(store: Store) -> None:
    with pytest.raises(LocalProtocolError), store.writing("close") as connection:
        ledger.close_period(connection, TODAY, now=NOW, person="asha")


def test_funds_of_a_later_day_are_set_aside(store: Store) -> None:
    journal = deposit(store, 300_000).journal
    tomorrow = TODAY + timedelta(days=1)
    with store.writing("lot") as connection:
        connection.execute(
            text(
                "INSERT INTO fund_file VALUES ('F1', :sha, :octets, '2026-09-21', 1,"
                " 300000, 0, NULL)"
            ),
            {"sha": HASH, "octets": b""},
        )
        connection.execute(
            insert(schema.fund_line).values(
                file_id="F1",
                line_id="1",
                line_number=1,
                record="D",
                licence=LICENCE,
                licence_number="KN0600065",
                licensee="Asha Traders",
                amount_paise=300_000,
                value_date=TODAY,
                available_from=tomorrow,
            )
        )
        connection.execute(
            insert(schema.fund_credit).values(
                file_id="F1",
                line_id="1",
                licence=LICENCE,
                amount_paise=300_000,
                available_from=tomorrow,
                deposit_file_id="F1",
                deposit_line_id="1",
                first_deposit=True,
                journal=journal,
            )
        )
    deposit(store, 50_000, idem="fund:0:1")
    with store.reading() as connection:
        assert read_funds(connection, LICENCE, TODAY) == Funds(
            Paise(50_000), Paise(300_000)
        )
        assert read_funds(connection, LICENCE, tomorrow).later_paise == 0
    deposit(store, -70_000, idem="fund:2:1")
    with store.reading() as connection:
        assert read_funds(connection, LICENCE, TODAY) == Funds(Paise(0), Paise(280_000))


def test_balances_carry_a_sequence_without_gaps(store: Store) -> None:
    for number in range(3):
        deposit(store, 100_000, idem=f"fund:1:{number}")
    with store.reading() as connection:
        rows = connection.execute(
            text("SELECT seq FROM entry WHERE seq IS NOT NULL ORDER BY seq")
        )
        assert [row.seq for row in rows] == [1, 2, 3]


def test_a_connection_that_is_not_safe_is_refused() -> None:
    with (
        closing(open_store("sqlite:///:memory:")) as store,
        pytest.raises(StoreError, match="journal_mode"),
        store.reading(),
    ):
        pass


def test_sqlite_runs_as_it_must_on_every_connection(sqlite_url: str) -> None:
    with (
        closing(open_store(sqlite_url)) as store,
        store.reading() as one,
        store.reading() as two,
    ):
        for connection in (one, two):
            assert [
                connection.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in (
                    "journal_mode",
                    "synchronous",
                    "foreign_keys",
                    "recursive_triggers",
                )
            ] == ["wal", 2, 1, 1]


def test_a_warning_of_postgresql_at_commit_means_unknown(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.writing("prepare") as connection:
        connection.execute(
            text(
                "CREATE TABLE t (id int);"
                "CREATE FUNCTION warns() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE WARNING 'canceling wait'; RETURN NULL; END $$;"
                "CREATE CONSTRAINT TRIGGER w AFTER INSERT ON t DEFERRABLE"
                " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warns()"
            )
        )
    with pytest.raises(StoreError, match="unknown"), store.writing("x") as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
    store.close()


def test_integrity_errors_do_not_leave_the_store_raw(store: Store) -> None:
    with (
        pytest.raises(InvariantError) as caught,
        store.writing("by hand") as connection,
    ):
        connection.execute(text("UPDATE balance SET balance_paise = -1"))
    assert isinstance(caught.value.__cause__, IntegrityError)
