"""The receipt that is given at the counter, as PDF.

Its form is OURS: India Post's is not public.
"""

from contextlib import closing
from typing import Final

from dop_gateway.counter.model import Receipt, ReceiptState
from dop_gateway.exports.page import Sheets
from dop_gateway.exports.showing import india
from protocol.exchange import PaymentMode
from protocol.values import show_rupees

_TITLE: Final = "Receipt: deposit for a franking machine"
_BILLER: Final = "DOP DIGIFRANK"
_EDGE_MM: Final = 20.0
_VALUE_MM: Final = 75.0
_FIRST_MM: Final = 42.0
_LINE_MM: Final = 8.0
_WRAP_MM: Final = 110.0
_SIZE_PT: Final = 11.0
_TITLE_PT: Final = 16.0
_WRAPPED_MAX: Final = 3

_MODES: Final = {
    PaymentMode.PO_CASH: "cash",
    PaymentMode.PO_CHEQUE: "account payee cheque, subject to realisation",
    PaymentMode.PO_DRAFT: "bank draft",
}


def draw(receipt: Receipt) -> bytes:
    """Draw a receipt on one sheet."""
    with closing(Sheets(_TITLE, india(receipt.taken_at), landscape=False)) as sheets:
        sheets.add()
        sheets.draw(_EDGE_MM, _EDGE_MM + 8.0, _TITLE, _TITLE_PT, bold=True)
        at_mm = _FIRST_MM
        for name, value in _rows(receipt):
            sheets.draw(_EDGE_MM, at_mm, name, _SIZE_PT, bold=True)
            lines = sheets.wrap(value, _WRAP_MM, _SIZE_PT, _WRAPPED_MAX)
            for line in lines:
                sheets.draw(_VALUE_MM, at_mm, line, _SIZE_PT)
                at_mm += _LINE_MM
        return sheets.octets()


def _rows(receipt: Receipt) -> list[tuple[str, str]]:
    form, tender = receipt.form, receipt.tender
    rows = [
        ("Receipt number", receipt.number),
        ("Office", receipt.office_name),
        ("Taken at", f"{india(receipt.taken_at):%d-%m-%Y %H:%M}"),
        ("Biller", _BILLER),
        ("Licensee", form.licensee),
        ("Address", form.address),
        ("License Identifier", receipt.licence),
        ("Licence number (CRN)", receipt.licence_number),
        ("Amount", show_rupees(tender.amount_paise)),
        ("Paid by", _MODES[tender.mode]),
    ]
    if tender.instrument is not None:
        one = tender.instrument
        told = f"{one.number} of {one.dated:%d-%m-%Y}, {one.bank}"
        rows.append(("Cheque or draft", told))
        rows.append(("In favour of", f"the Postmaster, {receipt.payee_name}"))
    rows.append(("Deposited by", form.depositor))
    if receipt.state is ReceiptState.CANCELLED:
        rows.append(("Cancelled", "what was tendered was given back"))
    return rows
