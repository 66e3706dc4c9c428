"""Books with as many machines as are wanted, filled by statements on whole sets.

One machine that was enrolled, funded and recharged by the programs themselves is the
pattern: each row about it is copied for each new machine, with names, numbers and
digests of its own. So the rows are those that a server writes, whatever its schema is.
Triggers and references are set aside meanwhile. Keys and signatures of a copy are none:
it is a row that is passed by, and never dials.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Select,
    Table,
    Text,
    case,
    cast,
    create_engine,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.pool import NullPool

from protocol.values import LicenceIdentifier
from rmfs_server.store import schema

MACHINES_MAX: Final = 1_000_000
"""Identifiers of one letter."""
LETTER: Final = "M"
"""Of the identifiers of machines that are filled in."""
_SCATTER: Final = 2_654_435_761
_SCATTER_RANGE: Final = 1 << 32
"""Odd times a power of two: each number goes somewhere else, as digests do."""
_DIGEST_OCTETS: Final = 12
_AT_A_TIME: Final = 100_000
"""In one transaction: SQLite's log grows as long as one is open."""

Expression = ColumnElement[Any]


def fill(url: str, pattern: LicenceIdentifier, first: int, end: int) -> None:
    """Fill in the machines of these numbers.

    Args:
        url: Of books that nobody has open.
        pattern: A machine there, without an open recharge.
        first: Number of the first new machine.
        end: Behind the last one; at most `MACHINES_MAX`.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        fill_some = _fill_postgresql if _is_postgresql(engine) else _fill_sqlite
        for begun in range(first, end, _AT_A_TIME):
            behind = min(end, begun + _AT_A_TIME)
            fill_some(connection, _Copying(connection, pattern, begun, behind).copy)
        if _is_postgresql(engine):
            # In service autovacuum does it, and checkpoints come by themselves.
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()


def _is_postgresql(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


def _fill_postgresql(connection: Connection, copy: Callable[[], None]) -> None:
    execute = connection.exec_driver_sql
    execute("SET session_replication_role = replica")
    execute("BEGIN")
    copy()
    for table in _COUNTED:
        largest = select(func.max(table.c.id)).scalar_subquery()
        number = (
            literal("journal_number")
            if table is schema.journal
            else func.pg_get_serial_sequence(table.name, "id")
        )
        connection.execute(select(func.setval(number, largest)))
    execute("COMMIT")


def _fill_sqlite(connection: Connection, copy: Callable[[], None]) -> None:
    execute = connection.exec_driver_sql
    execute("PRAGMA foreign_keys = OFF")
    execute("PRAGMA synchronous = OFF")
    execute("PRAGMA cache_size = -1000000")
    execute("BEGIN IMMEDIATE")
    triggers = execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
    ).all()
    for name, _ in triggers:
        execute(f"DROP TRIGGER {name}")
    copy()
    for _, words in triggers:
        execute(words)
    execute("COMMIT")
    execute("PRAGMA wal_checkpoint(TRUNCATE)")


_COUNTED: Final = (
    schema.account,
    schema.journal,
    schema.entry,
    schema.recharge,
    schema.told_item,
    schema.act,
)
"""Tables whose rows are numbered."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """How the ids of the pattern's rows of a table become those of a copy."""

    low: int
    span: int
    base: int

    def of(self, column: Expression, copy: Expression) -> Expression:
        return self.base + copy * self.span + column - self.low


class _Copying:
    """Copies of one machine."""

    def __init__(
        self,
        connection: Connection,
        pattern: LicenceIdentifier,
        first: int,
        end: int,
    ) -> None:
        self._connection = connection
        self._pattern = pattern
        self._series = _series(first, end)
        self._n: Expression = self._series.c.n
        self._copy: Expression = self._series.c.n - first
        self._postgresql = _is_postgresql(connection.engine)
        account, entry = schema.account, schema.entry
        self._accounts = select(account.c.id).where(account.c.licence == pattern)
        self._journals = select(entry.c.journal).where(
            entry.c.account.in_(self._accounts)
        )
        self._rows = self._rows_of_pattern()
        self._numbers = {table: self._numbers_of(table) for table in _COUNTED}

    def copy(self) -> None:
        """Copy all rows of the pattern."""
        for table, which in self._rows.items():
            changed = self._changed(table)
            values = [changed.get(column.name, column) for column in table.columns]
            rows: Select[Any] = (
                select(*values)
                .select_from(table.join(self._series, literal(value=True)))
                .where(which)
            )
            names = [column.name for column in table.columns]
            self._connection.execute(insert(table).from_select(names, rows))

    def _rows_of_pattern(self) -> dict[Table, ColumnElement[bool]]:
        pattern = self._pattern
        found = {schema.licence: schema.licence.c.identifier == pattern}
        for table in (
            schema.credential,
            schema.machine,
            schema.account,
            schema.fund_line,
            schema.signed_message,
            schema.recharge,
            schema.told_item,
            schema.act,
            schema.fund_credit,
        ):
            found[table] = table.c.licence == pattern
        found[schema.ledger.balance] = schema.ledger.balance.c.account.in_(
            self._accounts
        )
        found[schema.journal] = schema.journal.c.id.in_(self._journals)
        found[schema.entry] = schema.entry.c.journal.in_(self._journals)
        return found

    def _numbers_of(self, table: Table) -> _Numbers:
        of_pattern = select(func.min(table.c.id), func.max(table.c.id)).where(
            self._rows[table]
        )
        low, high = self._connection.execute(of_pattern).one()
        most = select(func.coalesce(func.max(table.c.id), 0))
        largest = self._connection.execute(most).scalar_one()
        if low is None:
            return _Numbers(0, 0, 0)
        return _Numbers(low, high - low + 1, largest + 1)

    def _changed(self, table: Table) -> dict[str, Expression]:
        """Say what is different in a copy."""
        changed: dict[str, Expression] = {}
        c = table.c
        if table in self._numbers:
            changed["id"] = self._numbers[table].of(c.id, self._copy)
        if "licence" in c:
            changed["licence"] = self._licence
        if table is schema.licence:
            changed["identifier"] = self._licence
            changed["number"] = literal("KN") + self._padded(7)
        elif table is schema.credential:
            changed["psd_serial"] = literal(LETTER) + self._padded(7)
            changed["dh_x"] = self._digest(c.dh_x)
            changed["signing_x"] = self._digest(c.signing_x)
            changed["credential_hash"] = self._octets(self._scattered)
        elif table is schema.account:
            changed["name"] = func.replace(c.name, self._pattern, self._licence)
        elif table is schema.signed_message:
            changed["digest"] = self._digest(c.digest)
        elif table is schema.recharge:
            changed["requested_in"] = self._digest(c.requested_in)
            changed["settled_in"] = self._digest(c.settled_in)
        elif table is schema.told_item:
            number = self._numbers[schema.recharge].of(c.recharge, self._copy)
            changed["recharge"] = number
            changed["message"] = self._digest(c.message)
        return changed | self._changed_money(table)

    def _changed_money(self, table: Table) -> dict[str, Expression]:
        c = table.c
        accounts = self._numbers[schema.account]
        journals = self._numbers[schema.journal]
        if table is schema.ledger.balance:
            return {"account": accounts.of(c.account, self._copy)}
        if table is schema.journal:
            of_machine = func.replace(c.idem, self._pattern, self._licence)
            mine = c.idem.contains(self._pattern)
            return {"idem": case((mine, of_machine), else_=self._line(c.idem))}
        if table is schema.entry:
            own = accounts.of(c.account, self._copy)
            mine = c.account.in_(self._accounts)
            return {
                "journal": journals.of(c.journal, self._copy),
                "account": case((mine, own), else_=c.account),
            }
        if table is schema.fund_line:
            return {
                "line_id": self._line(c.line_id),
                "licence_number": literal("KN") + self._padded(7),
            }
        if table is schema.fund_credit:
            return {
                "line_id": self._line(c.line_id),
                "deposit_line_id": self._line(c.deposit_line_id),
                "journal": journals.of(c.journal, self._copy),
            }
        return {}

    @property
    def _licence(self) -> Expression:
        return literal(LETTER) + self._padded(6)

    @property
    def _scattered(self) -> Expression:
        number = self._n * literal(_SCATTER, BigInteger) % _SCATTER_RANGE
        if self._postgresql:
            return func.lpad(func.to_hex(cast(number, BigInteger)), 8, "0")
        return func.printf("%08x", number)

    def _line(self, column: Expression) -> Expression:
        return column + literal(".") + self._padded(6)

    def _padded(self, digits: int) -> ColumnElement[str]:
        if self._postgresql:
            return func.lpad(cast(self._n, Text), digits, "0", type_=Text())
        return func.printf(f"%0{digits}d", self._n, type_=Text())

    def _digest(self, column: Expression) -> Expression:
        part = func.substr(column, 1, _DIGEST_OCTETS)
        shown = func.encode(part, "hex") if self._postgresql else func.hex(part)
        digest = self._octets(self._scattered.concat(func.lower(shown)))
        # SQLite shows NULL as no octets.
        return case((column.isnot(None), digest))

    def _octets(self, words: Expression) -> Expression:
        if self._postgresql:
            return func.convert_to(words, "UTF8")
        return cast(words, LargeBinary)


def _series(first: int, end: int) -> CTE:
    begun = select(cast(literal(first), BigInteger).label("n")).cte(
        "series", recursive=True
    )
    return begun.union_all(select(begun.c.n + 1).where(begun.c.n < end - 1))
