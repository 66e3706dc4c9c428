"""What the books have, read behind the server's back, through the balancer."""

from pathlib import Path

from sqlalchemy import select

from protocol.messages import Statement
from rmfs_server.folder import open_books
from rmfs_server.store import schema
from rmfs_server.store.schema import RechargeState
from rmfs_server.store.verify import verify_books
from rmfs_tools.failover.judging import Booked


def read_recharges(server: Path) -> list[Booked]:
    """Read all recharges.

    Args:
        server: The server's folder.

    Raises:
        StoreError: The database failed.
    """
    asked = schema.signed_message
    rows = select(schema.recharge, asked.c.octets).select_from(
        schema.recharge.outerjoin(
            asked, asked.c.digest == schema.recharge.c.requested_in
        )
    )
    with open_books(server) as store, store.reading() as connection:
        return [
            Booked(
                licence=row.licence,
                number=row.number,
                paise=row.amount_paise,
                is_posted=row.state == RechargeState.POSTED.name,
                dial_in=None if row.octets is None else _dial_in(row.octets),
            )
            for row in connection.execute(rows)
        ]


def verify(server: Path) -> list[str]:
    """Recompute the books; what does not add up, in words.

    Raises:
        StoreError: The database failed.
    """
    with open_books(server) as store, store.reading() as connection:
        findings = verify_books(connection)
    return [f"{one.subject}: {one.rule}: {one.detail}" for one in findings]


def _dial_in(statement: bytes) -> int:
    return Statement.decode(statement).dial_in
