"""Where a machine stands: all that is judged by, read in one statement.

It is read after the machine and its accounts are locked. What it says of the machine's
recharge, messages, orders and funds stays true until the transaction ends; its licence
and credential are as they were committed last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, func, select

from hw.database.prepared import PreparedIn
from protocol.values import LicenceIdentifier
from rmfs_server.store import licences, machines, recharges, schema
from rmfs_server.store.funds import FUNDS_OF_LICENCE, Funds, funds_split
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Enrolled
from rmfs_server.store.recharges import Recharge


@dataclass(frozen=True, slots=True)
class Standing:
    """What judging reads beside the machine itself.

    Attributes:
        opened: The recharge that is not settled.
        last_order: The highest serial of any order to the machine; 0 is none.
    """

    licence: Licence
    enrolled: Enrolled
    opened: Recharge | None
    funds: Funds
    last_order: int


_LAST_ORDER: Final = (
    select(func.max(schema.machine_order.c.serial))
    .where(schema.machine_order.c.licence == schema.licence.c.identifier)
    .correlate(schema.licence)
    .scalar_subquery()
)
_LICENCE: Final = slice(0, len(licences.COLUMNS))
_ENROLLED: Final = slice(_LICENCE.stop, _LICENCE.stop + len(machines.CREDENTIAL))
_OPENED: Final = slice(_ENROLLED.stop, _ENROLLED.stop + len(recharges.COLUMNS))
# Built once: the recharge path runs it.
_FIND: Final = PreparedIn(
    select(
        *licences.COLUMNS,
        *machines.CREDENTIAL,
        *recharges.COLUMNS,
        *FUNDS_OF_LICENCE,
        _LAST_ORDER.label("last_order"),
    ).select_from(
        schema.licence.join(schema.credential).outerjoin(
            schema.recharge,
            (schema.recharge.c.licence == schema.credential.c.licence)
            & recharges.IS_OPEN,
        )
    ),
    schema.licence.c.identifier,
)


def find_all(
    connection: Connection, named: Sequence[LicenceIdentifier], on: date
) -> dict[LicenceIdentifier, Standing]:
    """Read all that judging needs of machines that are locked with their accounts.

    Args:
        connection: A writing transaction.
        named: The licences of the machines.
        on: The business date on which funds may be used.

    Returns:
        Where each stands; a licence that no machine has is left out.

    Raises:
        LocalProtocolError: A licence has no accounts.
    """
    rows = _FIND.all(connection, named, {"of_day": on})
    found = map(_standing, rows)
    return {standing.licence.identifier: standing for standing in found}


def _standing(row: Sequence[Any]) -> Standing:
    opened = row[_OPENED]
    balance, waiting, last_order = row[_OPENED.stop :]
    licence = licences.licence_of(row[_LICENCE])
    return Standing(
        licence,
        machines.enrolled_of(row[_ENROLLED]),
        None if opened[0] is None else recharges.recharge_of(opened),
        funds_split(licence.identifier, balance, waiting),
        last_order or 0,
    )
