"""The order in which what dial-ins have written together goes into the books."""

from typing import Final

from sqlalchemy import Connection

from hw.database.gathering import Gathering
from rmfs_server.store import ledger, machines, messages, recharges

# A recharge ends before its machine gets the next one: one at most is open.
_ORDER: Final = (
    recharges.SETTLE,
    ledger.BATCH,
    recharges.RESERVE,
    messages.ADD,
    machines.CHANGE,
)


def gathering(connection: Connection) -> Gathering:
    """Begin to gather what a transaction writes of machines that it has locked."""
    return Gathering(connection, _ORDER)
