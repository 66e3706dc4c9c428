"""Our own counters hand over their day as the e-Payment Central Server would.

Where the counters of post offices are this gateway's, the file of a day is made here,
from all office days that have ended and of which no file has told. It is signed by us,
kept and taken like one that was fetched; so the accounts of post offices are made from
one kind of record. What a postmaster ends after the nightly run is in the next file.
"""

from typing import Final

from sqlalchemy import Connection

from dop_gateway.bank import counter_store, store
from dop_gateway.bank.e_payment_file import write_day
from dop_gateway.bank.model import (
    E_PAYMENT_DAY,
    RECEIVER,
    Address,
    Bank,
    BankCode,
    BankFile,
    BankKind,
)
from dop_gateway.bank.taking import Delivered, take
from dop_gateway.bank.work import Rules, Work
from dop_gateway.exchange.ours import OurSide
from dop_gateway.identity.model import By
from protocol.exchange import BY_HAND, FileHeader
from protocol.keys import public_point
from protocol.parameters import business_date
from protocol.values import EpochSeconds

CODE: Final = BankCode("COUNTERS")
LINES_MAX: Final = 40_000
"""Of receipts, and as many of cheques; the rest is in the next file."""
_NOWHERE: Final = Address("localhost", 1, "nobody", "", "/")


def hand_over(
    connection: Connection,
    moment: EpochSeconds,
    by: By,
    *,
    rules: Rules,
    ours: OurSide,
) -> BankFile | None:
    """Make and take the file of a day, once.

    Args:
        connection: A writing transaction.
        moment: On whose day it is made.
        by: Who makes it.
        rules: What files are read by.
        ours: What it is signed with.

    Returns:
        None if there is nothing to tell, or the day has its file.
    """
    day = business_date(moment)
    known = store.find(connection, CODE)
    if known is not None and store.taken_of_day(connection, CODE, E_PAYMENT_DAY, day):
        return None
    receipts = counter_store.new_receipts(connection, CODE, LINES_MAX)
    outcomes = counter_store.new_outcomes(connection, CODE, LINES_MAX)
    if not receipts and not outcomes:
        return None
    bank = _ourselves(ours)
    store.put(connection, bank, by.now)
    highest = store.highest_number(connection, CODE, E_PAYMENT_DAY) or 0
    header = FileHeader(
        file_id=f"{CODE}-{day:%Y%m%d}-{highest + 1}",
        sender=CODE,
        receiver=RECEIVER,
        sequence=highest + 1,
        business_date=day,
        window=BY_HAND,
        made_at=by.now,
    )
    layout = ours.layouts[E_PAYMENT_DAY]
    octets = ours.signed(layout, write_day(layout, header, receipts, outcomes))
    name = layout.name_file(header.values())
    work = Work(connection, bank, by, rules)
    return take(work, Delivered(name, octets, by.now))


def _ourselves(ours: OurSide) -> Bank:
    return Bank(
        code=CODE,
        kind=BankKind.E_PAYMENT,
        name="Our own counters",
        account="",
        address=_NOWHERE,
        key_id=ours.key_id,
        key=public_point(ours.key.scalar),
        in_use=False,
    )
