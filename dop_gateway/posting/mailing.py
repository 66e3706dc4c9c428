"""Capture statements of mailing at the office where the mail is handed in."""

from datetime import date

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import FieldFinding, InvalidError, NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence
from dop_gateway.licences.reach import mover_over
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId
from dop_gateway.posting import mailing_store as store
from dop_gateway.posting.lifecycle import CAPTURING, MAILING
from dop_gateway.posting.mailing_rules import Around, findings
from dop_gateway.posting.model import (
    Mailing,
    MailingEvent,
    NewMailing,
    parse_som_number,
)
from dop_gateway.posting.reach import check_at_office
from dop_gateway.usage import store as usage
from protocol.errors import LocalProtocolError
from protocol.values import Paise


def capture(
    connection: Connection, new: NewMailing, office: OfficeId, on: date, by: By
) -> Mailing:
    """Capture a statement that is handed in with its mail.

    Args:
        connection: A writing transaction.
        new: As somebody typed it.
        office: Where it is handed in.
        on: The day.
        by: Who captures it, for a role at that office.

    Raises:
        NotAllowedError: They have no such role.
        InvalidError: Something is wrong with it; all of it is told.
    """
    check_at_office(connection, by, office, CAPTURING)
    licence = _licence(connection, new)
    wrong = list(findings(new, _around(connection, new, licence, office, on)))
    if wrong:
        raise InvalidError(wrong)
    kept = store.add(connection, new, licence.identifier, office=office, on=on, by=by)
    trail.add(
        connection,
        by,
        "capture",
        Subject("mailing", kept.number),
        to_state=kept.state.name,
        office=office,
        items=kept.items,
        amount_paise=kept.amount_paise,
        ascending_paise=kept.closing_ascending_paise,
        descending_paise=kept.closing_descending_paise,
        shortage_paise=kept.shortage_collected_paise,
    )
    return kept


def void(connection: Connection, number: str, by: By) -> Mailing:
    """Let a statement count no more that was typed wrong; somebody else does it.

    Raises:
        NotFoundError: There is none within reach.
        ConflictError: It was voided, or something rests on it.
        NotAllowedError: They have no role for it, or captured it.
    """
    found = store.get(connection, number)
    licence = licences.get(connection, found.licence, lock=True)
    found = store.get(connection, number)
    state = MAILING.move(
        found.state,
        MailingEvent.VOIDED,
        mover_over(connection, by, licence),
        store.resting_on(connection, found),
        {MailingEvent.CAPTURED: found.captured_by},
    )
    store.void(connection, found.id, by)
    trail.add(
        connection,
        by,
        "void",
        Subject("mailing", number),
        from_state=found.state.name,
        to_state=state.name,
    )
    return store.by_id(connection, found.id)


def _licence(connection: Connection, new: NewMailing) -> Licence:
    try:
        identifier, _ = parse_som_number(new.number)
        return licences.get(connection, identifier, lock=True)
    except (LocalProtocolError, NotFoundError) as error:
        finding = FieldFinding("/number", "unknown", str(error))
        raise InvalidError([finding]) from error


def _around(
    connection: Connection,
    new: NewMailing,
    licence: Licence,
    office: OfficeId,
    on: date,
) -> Around:
    credential = licences.credential_of(connection, licence.identifier)
    began = (Paise(0), Paise(0))
    if credential is not None:
        machine = credential.provisioning
        began = (machine.ascending_paise, machine.descending_paise)
    before = after = None
    if new.closed_at is not None:
        identifier, moment = licence.identifier, new.closed_at
        before = usage.before_moment(connection, identifier, moment)
        after = usage.after_moment(connection, identifier, moment)
    return Around(
        licence,
        offices.get(connection, licence.office),
        office,
        on,
        began,
        store.last_group(connection, licence.identifier),
        before,
        after,
    )
