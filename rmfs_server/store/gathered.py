"""The order in which what dial-ins have written together goes into the books."""

from typing import Final

from sqlalchemy import Connection

from hw.database.gathering import Gathering
from rmfs_server.store import ledger, machines, messages, recharges

_ORDER: Final = (
    # Before the recharges that refer to them: while a reference waits for its message,
    # SQLite looks for it in all recharges at each message that is added.
    messages.ADD,
    # A recharge ends before its machine gets the next one: one at most is open.
    recharges.SETTLE,
    ledger.BATCH,
    recharges.RESERVE,
    machines.CHANGE,
)


def gathering(connection: Connection) -> Gathering:
    """Begin to gather what a transaction writes of machines that it has locked."""
    return Gathering(connection, _ORDER)
