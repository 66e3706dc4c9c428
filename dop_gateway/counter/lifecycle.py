"""The life of what is tendered at a counter: taken, with the treasurer, paid or not.

Cash stays where it was taken. A receipt is cancelled by the postmaster, not by who gave
it (GW-03), and before the day ends: after that its money is with the DCR.

Source: RMFS-19; domain notes, section 7.3 ("Counter Cheques" to the Treasurer).
"""

from typing import Final

from dop_gateway.counter.model import (
    INSTRUMENTS,
    Receipt,
    ReceiptEvent,
    ReceiptState,
)
from dop_gateway.identity.model import Role
from dop_gateway.moves import Lifecycle, Objection, move

_S = ReceiptState
_E = ReceiptEvent


def _is_instrument(receipt: Receipt) -> Objection | None:
    if receipt.tender.mode not in INSTRUMENTS:
        return Objection("CTR-01-001", "cash does not go to the treasurer as a cheque")
    return None


RECEIPT: Final = Lifecycle[ReceiptState, ReceiptEvent, Receipt](
    _S.TAKEN,
    begun_by=_E.TAKEN,
    moves=[
        move(
            _S.TAKEN,
            _E.TAKEN_IN,
            _S.WITH_TREASURER,
            by=[Role.TREASURER],
            when=_is_instrument,
        ),
        move(
            _S.TAKEN,
            _E.CANCELLED,
            _S.CANCELLED,
            by=[Role.POSTMASTER],
            not_by=[_E.TAKEN],
        ),
        move(_S.WITH_TREASURER, _E.REALISED, _S.REALISED, by=[Role.TREASURER]),
        move(_S.WITH_TREASURER, _E.BOUNCED, _S.BOUNCED, by=[Role.TREASURER]),
    ],
)
"""The table of receipts; their history is in the audit trail."""
