"""What a transaction of the server has changed, read from the file behind its back.

A connection of its own, read-only, and SQL of its own: what the server believes that it
has written is not asked.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

from rmfs_tools.simulation.observations import (
    BooksCommitted,
    BooksRestored,
    Journal,
    MachineRow,
    Recharge,
)

_JOURNALS: Final = """
    SELECT journal.id, journal.idem, journal.kind, account.name, entry.amount_paise
    FROM journal JOIN entry ON entry.journal = journal.id
    JOIN account ON account.id = entry.account
    WHERE journal.id > ? ORDER BY journal.id, entry.id
"""
_RECHARGES: Final = """
    SELECT id, licence, number, kind, amount_paise, state, voucher, void
    FROM recharge WHERE id >= ? ORDER BY id
"""
_MACHINES: Final = """
    SELECT licence, frozen, number, base_paise + settled_paise, mark_acknowledged,
        mark_issued, dial_in
    FROM machine ORDER BY licence
"""
_DISCREPANCIES: Final = "SELECT id, licence, code FROM discrepancy WHERE id > ?"
_WAITING: Final = """
    SELECT fund_line.licence, sum(fund_line.amount_paise)
    FROM suspense JOIN fund_line USING (file_id, line_id)
    WHERE suspense.closed_at IS NULL GROUP BY fund_line.licence
"""
_OPEN: Final = frozenset({"RESERVED", "FROZEN"})


class BooksView:
    """Reads what is new in the books since it last looked."""

    def __init__(self, path: Path) -> None:
        """Look at the books in this file.

        Args:
            path: The SQLite file.
        """
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._last_journal = 0
        self._last_discrepancy = 0
        self._first_open = 0
        self._recharges: dict[int, Recharge] = {}
        self._machines: dict[str, tuple[Any, ...]] = {}

    def reopen(self) -> None:
        """Let go of the file, which another has put back as it was."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let go of the file; what was seen is forgotten."""
        self.reopen()
        self._forget()

    def committed(self, at_s: float, what: str) -> BooksCommitted:
        """Read what is new after a transaction."""
        connection = self._opened()
        # One snapshot for all: SQLite then looks once at what others have written.
        connection.execute("BEGIN")
        journals = self._new_journals(connection)
        recharges = self._changed_recharges(connection)
        machines = self._changed_machines(connection)
        found = connection.execute(_DISCREPANCIES, (self._last_discrepancy,)).fetchall()
        connection.execute("COMMIT")
        if found:
            self._last_discrepancy = found[-1][0]
        discrepancies = tuple((licence, code) for _, licence, code in found)
        return BooksCommitted(at_s, what, journals, recharges, machines, discrepancies)

    def restored(self, at_s: float) -> BooksRestored:
        """Read everything, after an old copy was put back."""
        self.close()
        all_of_it = self.committed(at_s, "")
        return BooksRestored(
            at_s, all_of_it.journals, all_of_it.recharges, all_of_it.machines
        )

    def _forget(self) -> None:
        self._last_journal = 0
        self._last_discrepancy = 0
        self._first_open = 0
        self._recharges = {}
        self._machines = {}

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode=ro", uri=True, isolation_level=None
            )
        return self._connection

    def waiting(self) -> dict[str, int]:
        """Add up what fund files brought for each licence and no account has yet."""
        return dict(self._opened().execute(_WAITING).fetchall())

    def _new_journals(self, connection: sqlite3.Connection) -> tuple[Journal, ...]:
        found: dict[int, tuple[str, str, list[tuple[str, int]]]] = {}
        rows = connection.execute(_JOURNALS, (self._last_journal,))
        for journal, idem, kind, account, amount_paise in rows:
            entries = found.setdefault(journal, (idem, kind, []))[2]
            entries.append((account, amount_paise))
            self._last_journal = journal
        return tuple(
            Journal(journal, idem, kind, tuple(entries))
            for journal, (idem, kind, entries) in found.items()
        )

    def _changed_recharges(
        self, connection: sqlite3.Connection
    ) -> tuple[Recharge, ...]:
        """Read from the first that was open on: what is settled never changes."""
        changed = []
        held: dict[int, Recharge] = {}
        first_open, last = None, self._first_open - 1
        for row in connection.execute(_RECHARGES, (self._first_open,)):
            number, recharge = row[0], Recharge(*row[1:])
            if self._recharges.get(number) != recharge:
                changed.append(recharge)
            if recharge.state in _OPEN and first_open is None:
                first_open = number
            held[number] = recharge
            last = number
        self._first_open = last + 1 if first_open is None else first_open
        self._recharges = {
            number: one for number, one in held.items() if number >= self._first_open
        }
        return tuple(changed)

    def _changed_machines(
        self, connection: sqlite3.Connection
    ) -> tuple[MachineRow, ...]:
        changed = []
        for row in connection.execute(_MACHINES):
            licence, frozen, *rest = row
            if self._machines.get(licence) != row:
                self._machines[licence] = row
                changed.append(MachineRow(licence, bool(frozen), *rest))
        return tuple(changed)
