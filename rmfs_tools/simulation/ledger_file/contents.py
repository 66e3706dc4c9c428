"""What a database says, whatever way its file keeps it: a digest of all its rows."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Final

Query = Callable[[str], Iterable[tuple[Any, ...]]]
"""Runs a SELECT and gives its rows as the driver does."""

_TABLES: Final = (
    "SELECT name FROM sqlite_schema WHERE type = 'table'"
    " AND name NOT LIKE 'sqlite_%' ORDER BY name"
)
SENT: Final = "SELECT voucher, void FROM recharge"


def digest_of_rows(query: Query) -> bytes:
    """Digest every row of every table.

    Returns:
        32 octets: equal where all rows are.
    """
    digest = hashlib.sha256()
    for (table,) in query(_TABLES):
        rows = sorted(repr(tuple(row)) for row in query(f"SELECT * FROM {table}"))  # noqa: S608
        digest.update(repr((table, rows)).encode())
    return digest.digest()
