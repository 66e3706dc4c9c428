"""The usage table's digest and parts (SPEC.md DLG-9)."""

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from protocol.messages import Usage, UsageRow
from protocol.messages.tables import USAGE_ROWS

DIGEST_OCTETS: Final = 8
_ROW: Final = struct.Struct(">BIQ")


def usage_digest(rows: Sequence[UsageRow]) -> bytes:
    """Digest a whole usage table for a STATEMENT.

    Args:
        rows: The classes with at least one item, in any order.

    Returns:
        The first 8 octets of SHA-256 over class (1 octet), items (4) and amount (8) of
        each row, big-endian, sorted by class.
    """
    ordered = sorted(rows, key=lambda row: row.product_class)
    packed = b"".join(
        _ROW.pack(row.product_class, row.items, row.amount_paise)
        for row in ordered
        if row.items
    )
    return sha256(packed).digest()[:DIGEST_OCTETS]


def usage_parts(dial_in: int, rows: Sequence[UsageRow]) -> tuple[Usage, ...]:
    """Cut rows into USAGE messages of four rows; no rows make no message."""
    cut = [
        tuple(rows[first : first + USAGE_ROWS])
        for first in range(0, len(rows), USAGE_ROWS)
    ]
    return tuple(
        Usage(dial_in, number, len(cut), part)
        for number, part in enumerate(cut, start=1)
    )
