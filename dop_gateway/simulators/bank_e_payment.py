"""A simulated e-Payment Central Server: the file of one day of counters elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from dop_gateway.bank.e_payment_file import ChequeOutcome, CounterReceipt, write_day
from dop_gateway.bank.model import E_PAYMENT_DAY, RECEIVER
from dop_gateway.simulators.bank import CLOSES_AT, MadeFile, Seal
from hw.clock import epoch_seconds
from protocol.exchange import BY_HAND, FileHeader, sign_file
from protocol.parameters import INDIA


@dataclass(frozen=True, slots=True)
class CentralBooks:
    """What the Central Server knows from day to day.

    Attributes:
        sequence: Of its last file.
    """

    code: str
    sequence: int = 0


def make_central_day(
    books: CentralBooks,
    day: date,
    receipts: Iterable[CounterReceipt],
    seal: Seal,
    outcomes: Iterable[ChequeOutcome] = (),
    *,
    again: bool = False,
) -> tuple[MadeFile, CentralBooks]:
    """Make the file of a day.

    Args:
        books: Of the Central Server, before the day.
        day: Business date of the file.
        receipts: Of the counters.
        seal: How files are made.
        outcomes: Of cheques and drafts.
        again: It comes in place of one that was no good: under another file id.

    Raises:
        LocalProtocolError: A value cannot be written.
    """
    layout, sequence = seal.layouts[E_PAYMENT_DAY], books.sequence + 1
    header = FileHeader(
        file_id=f"{books.code}-{day:%Y%m%d}-{sequence}{'-2' if again else ''}",
        sender=books.code,
        receiver=RECEIVER,
        sequence=sequence,
        business_date=day,
        window=BY_HAND,
        made_at=epoch_seconds(datetime.combine(day, CLOSES_AT, INDIA)),
    )
    octets = write_day(layout, header, receipts, outcomes)
    signed = sign_file(octets, seal.key, seal.key_id, seal.realm)
    name = layout.name_file(header.values())
    return MadeFile(name, signed), replace(books, sequence=sequence)
