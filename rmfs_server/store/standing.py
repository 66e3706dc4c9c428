"""Where a machine stands: all that is judged by, read in one statement.

It is read after the machine and its accounts are locked. What it says of the machine's
recharge, messages, orders and funds stays true until the transaction ends; its licence
and credential are as they were committed last.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from hw.database.prepared import Prepared
from protocol.values import LicenceIdentifier
from rmfs_server.store import licences, machines, recharges, schema
from rmfs_server.store.funds import FUNDS, Funds, funds_split, funds_wanted
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Enrolled
from rmfs_server.store.recharges import Recharge


@dataclass(frozen=True, slots=True)
class Answered:
    """What a message that comes again was answered with, and in which call."""

    answer: bytes
    call_generation: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What judging reads beside the machine itself.

    Attributes:
        opened: The recharge that is not settled.
        answered: What became of the message when it came before, if it did.
        last_order: The highest serial of any order to the machine; 0 is none.
    """

    licence: Licence
    enrolled: Enrolled
    opened: Recharge | None
    answered: Answered | None
    funds: Funds
    last_order: int


_LAST_ORDER: Final = (
    select(func.max(schema.machine_order.c.serial))
    .where(schema.machine_order.c.licence == bindparam("of_licence"))
    .scalar_subquery()
)
_LICENCE: Final = slice(0, len(licences.COLUMNS))
_ENROLLED: Final = slice(_LICENCE.stop, _LICENCE.stop + len(machines.CREDENTIAL))
_OPENED: Final = slice(_ENROLLED.stop, _ENROLLED.stop + len(recharges.COLUMNS))
# Built once: the recharge path runs it.
_FIND: Final = Prepared(
    select(
        *licences.COLUMNS,
        *machines.CREDENTIAL,
        *recharges.COLUMNS,
        schema.signed_message.c.answer,
        schema.signed_message.c.call_generation,
        *FUNDS,
        _LAST_ORDER.label("last_order"),
    )
    .select_from(
        schema.licence.join(schema.credential)
        .outerjoin(
            schema.recharge,
            (schema.recharge.c.licence == schema.credential.c.licence)
            & recharges.IS_OPEN,
        )
        .outerjoin(
            schema.signed_message,
            schema.signed_message.c.digest == bindparam("of_digest"),
        )
    )
    .where(schema.licence.c.identifier == bindparam("of_licence"))
)


def find(
    connection: Connection,
    licence: LicenceIdentifier,
    on: date,
    digest: bytes | None = None,
) -> Standing | None:
    """Read all that judging needs of a machine that is locked with its accounts.

    Args:
        connection: A writing transaction.
        licence: Of the machine.
        on: The business date on which funds may be used.
        digest: Of the message that is judged, if one is.

    Returns:
        Where it stands, or None when no machine has the licence.

    Raises:
        LocalProtocolError: The licence has no accounts.
    """
    row = _FIND.one_or_none(
        connection,
        {
            **funds_wanted(licence, on),
            "of_digest": digest,
        },
    )
    if row is None:
        return None
    opened = row[_OPENED]
    answer, call_generation, balance, waiting, last_order = row[_OPENED.stop :]
    return Standing(
        licences.licence_of(row[_LICENCE]),
        machines.enrolled_of(row[_ENROLLED]),
        None if opened[0] is None else recharges.recharge_of(opened),
        None if answer is None else Answered(answer, call_generation),
        funds_split(licence, balance, waiting),
        last_order or 0,
    )
