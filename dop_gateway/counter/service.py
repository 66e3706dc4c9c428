"""What people do at counters: take, hand to the treasurer, realise, end the day.

At the end of the day its receipts become payments of the source POST_OFFICE: that is
the transfer to the e-Payment Central Server, and from there to the DCR, of a deployment
in which the counters are this gateway's own. Receipts that others bring by file come in
through `dop_gateway.bank`; each receipt number counts once, however it comes.

Source: RMFS-18 to RMFS-24; domain notes, section 7.3.
"""

from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.counter import store
from dop_gateway.counter.checking import (
    findings_of_form,
    findings_of_tender,
    payee_of,
)
from dop_gateway.counter.lifecycle import RECEIPT
from dop_gateway.counter.model import (
    INSTRUMENTS,
    DayState,
    Form,
    OfficeDay,
    Receipt,
    ReceiptEvent,
    ReceiptState,
    Tender,
)
from dop_gateway.deposits import bouncing, receiving, verifying
from dop_gateway.deposits import store as deposits
from dop_gateway.deposits.authenticating import open_desk
from dop_gateway.deposits.model import Payment
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotAllowedError,
    NotFoundError,
)
from dop_gateway.identity.model import By, Role, ScopeKind
from dop_gateway.ledger import Source
from dop_gateway.licences import store as licences
from dop_gateway.licences.card import read_card
from dop_gateway.licences.model import Licence
from dop_gateway.moves import Mover
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId
from protocol.errors import LocalProtocolError
from protocol.exchange import PaymentMode
from protocol.parameters import business_date

_SOURCE: Final = Source.POST_OFFICE


def scan(connection: Connection, payload: str) -> Licence:
    """Read a licence card, for the screen of the assistant (RMFS-21).

    Raises:
        InvalidError: It was misread, or there is no such licence.
    """
    try:
        card = read_card(payload)
    except LocalProtocolError as error:
        raise InvalidError([FieldFinding("/card", "misread", str(error))]) from error
    licence = licences.find(connection, card.identifier)
    if licence is None or licence.number != card.number:
        words = f"there is no licence {card.identifier} with the number {card.number}"
        raise InvalidError([FieldFinding("/card", "unknown", words)])
    return licence


def take(
    connection: Connection,
    office_id: OfficeId,
    by: By,
    *,
    card: str,
    form: Form,
    tender: Tender,
) -> Receipt:
    """Take a deposit, and give a receipt.

    Args:
        connection: A writing transaction.
        office_id: Where.
        by: The assistant.
        card: What the scanner gives.
        form: As filled in.
        tender: What lies on the counter.

    Raises:
        NotFoundError: There is no such office within the reach of who asks.
        InvalidError: Card, form or tender is not as it must be; every reason is told.
        ConflictError: The office has ended its day.
    """
    office = reached(connection, office_id, by, Role.COUNTER_ASSISTANT)
    today = business_date(by.now)
    licence = scan(connection, card)
    payee = payee_of(connection, office)
    findings = [
        *findings_of_form(read_card(card), licence, form),
        *findings_of_tender(form, tender, payee, today),
    ]
    if not findings:
        findings += _judge(connection, licence, tender, today, by)
    if findings:
        raise InvalidError(findings)
    day = store.lock_day(connection, office_id, today)
    if day.state is DayState.CLOSED:
        words = f"{office.name} has ended its day: come again tomorrow"
        raise ConflictError(words)
    serial = store.next_serial(connection, office_id, today)
    cheque = tender.mode in INSTRUMENTS and payee is not None
    receipt = Receipt(
        number=f"{office.facility}-{today:%y%m%d}-{serial:04d}",
        office=office_id,
        office_name=office.name,
        day=today,
        serial=serial,
        state=ReceiptState.TAKEN,
        form=form,
        licence=licence.identifier,
        licence_number=licence.number,
        tender=tender,
        payee_name=payee.name if cheque and payee is not None else "",
        taken_at=by.now,
        taken_by=by.actor.person,
        outcome_on=None,
        outcome="",
    )
    store.add(connection, receipt)
    store.count_day(connection, office_id, today)
    _tell(connection, by, ReceiptEvent.TAKEN, receipt, now=receipt.state)
    return receipt


def take_in(connection: Connection, number: str, by: By) -> Receipt:
    """Take a cheque or draft in from the counter: the treasurer does.

    Raises:
        NotFoundError: There is no such receipt within the reach of who asks.
        IllegalMoveError: It is not at the counter any more.
        ObjectionError: It was paid in cash.
    """
    return _move(connection, number, ReceiptEvent.TAKEN_IN, by)


def cancel(connection: Connection, number: str, by: By) -> Receipt:
    """Cancel a receipt, and give back what was tendered, before the day ends.

    Raises:
        NotFoundError: There is no such receipt within the reach of who asks.
        SamePersonError: Whoever gave the receipt cancels it.
        ConflictError: The day has ended.
        IllegalMoveError: The treasurer has its cheque already.
    """
    receipt = get(connection, number, by)
    day = store.lock_day(connection, receipt.office, receipt.day)
    if day.state is DayState.CLOSED:
        raise ConflictError("its day has ended: DCR gives it back now")
    moved = _move(connection, number, ReceiptEvent.CANCELLED, by)
    store.count_day(connection, receipt.office, receipt.day)
    return moved


def realise(connection: Connection, number: str, on: date, by: By) -> Receipt:
    """Say that the bank has paid a cheque or draft.

    Raises:
        NotFoundError: There is no such receipt within the reach of who asks.
        IllegalMoveError: It is not with the treasurer.
        InvalidError: The day cannot be.
    """
    moved = _settle(connection, number, ReceiptEvent.REALISED, by, on=on, words="")
    if deposits.find(connection, _SOURCE, number) is not None:
        verifying.realise(connection, _SOURCE, number, on, by)
    return moved


def bounce(
    connection: Connection, number: str, on: date, words: str, by: By
) -> Receipt:
    """Say that the bank has not paid a cheque or draft.

    Raises:
        NotFoundError: There is no such receipt within the reach of who asks.
        IllegalMoveError: It is not with the treasurer.
        InvalidError: The day cannot be.
    """
    moved = _settle(connection, number, ReceiptEvent.BOUNCED, by, on=on, words=words)
    if deposits.find(connection, _SOURCE, number) is not None:
        bouncing.bounce(connection, _SOURCE, number, on, words, by)
    return moved


def end_day(
    connection: Connection, office_id: OfficeId, day: date, by: By
) -> OfficeDay:
    """End the day of an office: its receipts go to the DCR (RMFS-24).

    Raises:
        NotFoundError: There is no such office within the reach of who asks.
        ConflictError: It is ended already, has not begun, or cheques are still at the
            counter.
    """
    office = reached(connection, office_id, by, Role.POSTMASTER)
    if day > business_date(by.now):
        raise ConflictError(f"{day.isoformat()} has not begun")
    known = store.lock_day(connection, office_id, day)
    if known.state is DayState.CLOSED:
        raise ConflictError(f"{office.name} has ended {day.isoformat()} already")
    waiting = store.not_taken_in(connection, office_id, day)
    if waiting:
        words = f"the treasurer has not taken in {', '.join(waiting[:5])}"
        raise ConflictError(f"{words}: hand them over first")
    store.count_day(connection, office_id, day)
    payments = [_payment(one) for one in store.of_day(connection, office_id, day)]
    receiving.receive(connection, payments, by)
    references = [one.reference for one in payments]
    verifying.verified(connection, _SOURCE, references, by)
    for one in store.of_day(connection, office_id, day):
        # A cheque may have come back from the bank before its day was ended.
        if one.state is ReceiptState.BOUNCED and one.outcome_on is not None:
            words = one.outcome
            bouncing.bounce(connection, _SOURCE, one.number, one.outcome_on, words, by)
    closed = store.close_day(connection, office_id, day, by)
    trail.add(
        connection,
        by,
        "end day",
        Subject("counter day", f"{office.facility} {day.isoformat()}"),
        from_state=DayState.OPEN.name,
        to_state=DayState.CLOSED.name,
        receipts=closed.receipts,
        total_paise=closed.total_paise,
    )
    return closed


def get(connection: Connection, number: str, by: By) -> Receipt:
    """Find a receipt.

    Raises:
        NotFoundError: There is none within the reach of who asks.
    """
    receipt = store.find(connection, number)
    roles = (Role.COUNTER_ASSISTANT, Role.TREASURER, Role.POSTMASTER)
    if receipt is None or not any(
        _reaches(connection, receipt.office, by, role) for role in roles
    ):
        raise NotFoundError(f"there is no receipt {number}")
    return receipt


def reached(connection: Connection, office_id: OfficeId, by: By, role: Role) -> Office:
    """Find a post office that somebody's role reaches.

    Raises:
        NotFoundError: There is none.
        ConflictError: It has no counter, or is closed.
    """
    if not by.actor.has(role):
        raise NotAllowedError(f"this is for {role.name}")
    if not _reaches(connection, office_id, by, role):
        raise NotFoundError(f"there is no office {office_id}")
    office = offices.get(connection, office_id)
    if not office.kind.is_post_office or office.closed_at is not None:
        raise ConflictError(f"{office.name} has no counter that is open")
    return office


def _judge(
    connection: Connection, licence: Licence, tender: Tender, today: date, by: By
) -> list[FieldFinding]:
    """Refuse at the counter what would go to suspense later."""
    payment = Payment(
        _SOURCE,
        "at the counter",
        licence.identifier,
        licence.number,
        licence.licensee,
        tender.amount_paise,
        tender.mode,
        today,
    )
    against = open_desk(connection, [payment], by.now).judge(payment, licence)
    if against is None:
        return []
    return [FieldFinding("/tender/amount", against.code, against.words)]


def _payment(receipt: Receipt) -> Payment:
    instrument, tender = receipt.tender.instrument, receipt.tender
    realised = None
    if tender.mode is PaymentMode.PO_CHEQUE and receipt.state is ReceiptState.REALISED:
        realised = receipt.outcome_on
    return Payment(
        _SOURCE,
        receipt.number,
        receipt.licence,
        receipt.licence_number,
        receipt.form.licensee,
        tender.amount_paise,
        tender.mode,
        receipt.day,
        instrument="" if instrument is None else instrument.number,
        realised_on=realised,
    )


def _settle(
    connection: Connection,
    number: str,
    event: ReceiptEvent,
    by: By,
    *,
    on: date,
    words: str,
) -> Receipt:
    receipt = get(connection, number, by)
    if not receipt.day <= on <= business_date(by.now):
        told = "from the day of the receipt to today"
        raise InvalidError([FieldFinding("/on", "out_of_range", told)])
    state = _judge_move(connection, number, event, by)
    store.set_outcome(connection, number, state, on, words)
    return get(connection, number, by)


def _move(connection: Connection, number: str, event: ReceiptEvent, by: By) -> Receipt:
    state = _judge_move(connection, number, event, by)
    store.set_state(connection, number, state)
    return get(connection, number, by)


def _judge_move(
    connection: Connection, number: str, event: ReceiptEvent, by: By
) -> ReceiptState:
    """Say where a move leads, and tell of it."""
    store.lock(connection, number)
    receipt = get(connection, number, by)
    roles = frozenset(
        grant.role
        for grant in by.actor.grants
        if _reaches(connection, receipt.office, by, grant.role)
    )
    who = Mover(by.actor.person, roles)
    made_by = {ReceiptEvent.TAKEN: receipt.taken_by}
    state = RECEIPT.move(receipt.state, event, who, receipt, made_by)
    _tell(connection, by, event, receipt, now=state, was=receipt.state.name)
    return state


def _reaches(connection: Connection, office_id: OfficeId, by: By, role: Role) -> bool:
    return any(
        grant.role is role
        and grant.kind is ScopeKind.OFFICE
        and offices.is_within(connection, office_id, OfficeId(int(grant.scope)))
        for grant in by.actor.grants
    )


def _tell(
    connection: Connection,
    by: By,
    event: ReceiptEvent,
    receipt: Receipt,
    *,
    now: ReceiptState,
    was: str = "",
) -> None:
    trail.add(
        connection,
        by,
        event.name.lower().replace("_", " "),
        Subject("receipt", receipt.number),
        from_state=was,
        to_state=now.name,
        licence=receipt.licence,
        amount_paise=receipt.tender.amount_paise,
        mode=receipt.tender.mode.name,
    )
