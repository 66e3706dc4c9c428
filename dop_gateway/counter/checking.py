"""What an assistant checks at the counter before anything is taken.

The card is scanned, the form is compared with the card and with what lies on the
counter, and a cheque or draft must be in favour of the right Postmaster: all that is
wrong is told at once, and nothing is taken.

Source: RMFS-19 to RMFS-21; domain notes, section 7.3.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from dop_gateway.counter.model import INSTRUMENTS, Form, Instrument, Tender
from dop_gateway.errors import FieldFinding
from dop_gateway.licences.card import Card
from dop_gateway.licences.model import Licence
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeKind
from protocol.exchange import PaymentMode, same_licensee
from protocol.values import show_rupees

CHEQUE_DAYS_MAX: Final = 92
"""A cheque or draft is good for three months (Reserve Bank of India, 2011)."""

_MODES: Final = frozenset({PaymentMode.PO_CASH, *INSTRUMENTS})
_INSTRUMENT: Final = re.compile(r"[0-9]{6}", re.ASCII)


def findings_of_form(
    card: Card, licence: Licence, form: Form
) -> Iterator[FieldFinding]:
    """Compare the form with the card and with the licence (RMFS-20)."""
    for name, told in (
        ("address", form.address),
        ("depositor", form.depositor),
    ):
        if not told.strip():
            yield FieldFinding(f"/form/{name}", "missing", "it has to be filled in")
    if form.licence != card.identifier:
        words = f"the card says {card.identifier}"
        yield FieldFinding("/form/licence", "not_the_card's", words)
    if form.licence_number != card.number or licence.number != card.number:
        words = f"the card says {card.number}, the licence {licence.number}"
        yield FieldFinding("/form/licence_number", "not_the_card's", words)
    if not same_licensee(form.licensee, licence.licensee):
        words = "it is not the licensee's name as on the licence"
        yield FieldFinding("/form/licensee", "other_name", words)


def findings_of_tender(
    form: Form, tender: Tender, payee: Office | None, today: date
) -> Iterator[FieldFinding]:
    """Compare what lies on the counter with the form (RMFS-19, RMFS-20)."""
    if form.amount_paise != tender.amount_paise:
        words = (
            f"the form says {show_rupees(form.amount_paise)}, tendered are "
            f"{show_rupees(tender.amount_paise)}"
        )
        yield FieldFinding("/tender/amount", "not_the_form's", words)
    if tender.mode not in _MODES:
        words = "cash, a cheque or a draft is taken at a counter"
        yield FieldFinding("/tender/mode", "not_at_counters", words)
    if (tender.instrument is not None) != (tender.mode in INSTRUMENTS):
        words = "a cheque or draft is needed, and none with cash"
        yield FieldFinding("/tender/instrument", "not_for_mode", words)
    if tender.instrument is not None:
        yield from _findings_of_instrument(tender.instrument, payee, today)


def payee_of(connection: Connection, office: Office) -> Office | None:
    """Find the office of the Postmaster in whose favour a cheque must be.

    It is the office itself where that is a head office, else its accounts office: the
    head office that it stands under, or the only one of its Division.

    Source:
        RMFS-19.
    """
    if office.kind is OfficeKind.HO:
        return office
    above = offices.of_kind(connection, office.office_id, OfficeKind.HO)
    if above is not None:
        return above
    division = offices.of_kind(connection, office.office_id, OfficeKind.DIVISION)
    if division is None:
        return None
    heads = offices.subtree_of(connection, division.office_id, [OfficeKind.HO])
    return heads[0] if len(heads) == 1 else None


def _findings_of_instrument(
    instrument: Instrument, payee: Office | None, today: date
) -> Iterator[FieldFinding]:
    where = "/tender/instrument"
    if payee is None:
        words = "no accounts office is known for this office: cash only"
        yield FieldFinding(f"{where}/payee", "no_accounts_office", words)
    elif instrument.payee != payee.office_id:
        words = f"it must be in favour of the Postmaster, {payee.name}, account payee"
        yield FieldFinding(f"{where}/payee", "wrong_payee", words)
    if _INSTRUMENT.fullmatch(instrument.number) is None:
        words = "six digits are needed"
        yield FieldFinding(f"{where}/number", "form", words)
    if not instrument.bank.strip():
        words = "the bank on which it is drawn is needed"
        yield FieldFinding(f"{where}/bank", "missing", words)
    if instrument.dated > today:
        words = "it is dated after today: it is not taken before that day"
        yield FieldFinding(f"{where}/dated", "post_dated", words)
    if instrument.dated < today - timedelta(days=CHEQUE_DAYS_MAX):
        words = "it is older than three months: the bank will not pay it"
        yield FieldFinding(f"{where}/dated", "stale", words)
