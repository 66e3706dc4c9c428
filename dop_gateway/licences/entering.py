"""An application comes in: from paper, or raised by the maker or the licensee.

It is kept whole or refused whole, with everything that is wrong with it (`judging`).
What cannot be asked for of this licence at all is a conflict.

Source: domain notes, section 6.2 (scenarios NEW and OPEN) and 23, no. 2 (the clock).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from dop_gateway.calendars import store as calendars
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotFoundError,
)
from dop_gateway.identity.model import By, Role
from dop_gateway.licences import applications, history, store
from dop_gateway.licences.application import (
    NEW_LICENCE,
    Application,
    ApplicationId,
    ApplicationKind,
    ApplicationState,
    Form,
    Scenario,
)
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.forms import findings_of_fields
from dop_gateway.licences.judging import division_of, findings_of
from dop_gateway.licences.lifecycle import ApplicationMove
from dop_gateway.licences.model import Licence
from dop_gateway.licences.reach import mover_over
from dop_gateway.licences.standing import may_renew
from dop_gateway.offices.model import OfficeId
from dop_gateway.parameters import store as parameters
from protocol.messages import LicenceState
from protocol.parameters import ParameterTable, business_date
from protocol.values import LicenceIdentifier

_UNNUMBERED: Final = ApplicationId(0)
_FROM_PAPER: Final = frozenset({Role.LICENSING_OPERATOR})
_BY_THE_MAKER: Final = frozenset({Role.MAKER_OFFICER})
_BY_WHO_HAS_IT: Final = frozenset({Role.MAKER_OFFICER, Role.LICENSEE})


def enter(connection: Connection, form: Form, by: By) -> Application:
    """Take an application in.

    Args:
        connection: To the database, writing.
        form: What somebody hands in.
        by: A licensing operator (NEW), or an officer of the maker or, for a licence
            that they hold, a licensee (OPEN).

    Raises:
        InvalidError: Fields are missing or wrong, or it is not for them to bring;
            each is told.
        NotFoundError: There is no such licence, or none within reach.
        ConflictError: Its licence is not in a state for it, or one of its kind waits.
    """
    findings = list(findings_of_fields(form))
    if findings:
        raise InvalidError(findings)
    before = None
    if form.licence is not None:
        before = store.get(connection, form.licence, lock=True)
        mover_over(connection, by, before)
    known = parameters.table(connection)
    new = _draft(connection, form, before, by, known)
    _check_bringer(connection, new, by)
    if before is not None:
        _check_licence(new, before)
    findings = list(_findings_of_identifier(new, before))
    findings += findings_of(connection, new, before, form.clients, known)
    if findings:
        raise InvalidError(findings)
    waits = applications.waiting_for(connection, new.identifier, new.kind)
    if waits is not None:
        message = f"application {waits} for {new.kind.value} waits already"
        raise ConflictError(f"{message} for {new.identifier}")
    kept = applications.add(connection, new, form.clients)
    history.add(
        connection,
        Axis.APPLICATION,
        str(kept.id),
        ApplicationMove.ENTER,
        by,
        from_state=None,
        to_state=kept.state,
        kind=kept.kind.name,
        scenario=kept.scenario.name,
        machine=kept.identifier,
    )
    return kept


def _draft(
    connection: Connection,
    form: Form,
    before: Licence | None,
    by: By,
    known: ParameterTable,
) -> Application:
    """Make what would be kept; what the form does not say, the licence does."""
    office = form.office if before is None or form.office else before.office
    holder = form.holder if before is None or form.holder else before.holder
    kind = form.licence_kind if before is None else before.kind
    if office is None or holder is None or kind is None:
        # The table of fields has let it through: it is our own mistake.
        raise InvalidError([FieldFinding("", "missing", "something is missing")])
    today = business_date(by.now)
    return Application(
        id=_UNNUMBERED,
        kind=form.kind,
        scenario=form.scenario,
        state=ApplicationState.ENTERED,
        maker=form.identifier[:1] if before is None else before.maker,
        identifier=LicenceIdentifier(form.identifier),
        licence=None if before is None else before.identifier,
        holder=holder,
        licence_kind=kind,
        commercial_as=form.commercial_as if before is None else before.commercial_as,
        office=office,
        division=_division(connection, office),
        receipt=form.receipt,
        provisioning=form.provisioning,
        cancel=form.cancel,
        applied_on=today,
        due_on=_due_on(connection, form.kind, office, today, known),
        entered_by=by.actor.person,
        entered_at=by.now,
        delay="",
        warned_on=None,
        ended_on=None,
    )


def _division(connection: Connection, office: OfficeId) -> OfficeId:
    try:
        return division_of(connection, office).office_id
    except NotFoundError as error:
        raise InvalidError([FieldFinding("/office", "unknown", str(error))]) from error


def _due_on(
    connection: Connection,
    kind: ApplicationKind,
    office: OfficeId,
    today: date,
    known: ParameterTable,
) -> date:
    if kind is ApplicationKind.RENEWAL:
        calendar = calendars.calendar_of(connection, office)
        days = known.working_days("renewal.work_days", today)
        return calendar.add_working_days(today, days)
    return today + timedelta(days=known.days("licence.issue_days", today))


def _check_bringer(connection: Connection, new: Application, by: By) -> None:
    if new.scenario is Scenario.NEW:
        wanted = _FROM_PAPER
    else:
        wanted = _BY_THE_MAKER if new.kind in NEW_LICENCE else _BY_WHO_HAS_IT
    if not mover_over(connection, by, new).roles & wanted:
        names = ", ".join(sorted(role.name for role in wanted))
        words = f"{new.kind.name} is brought so by {names}"
        raise InvalidError([FieldFinding("/scenario", "not_for_them", words)])


def _check_licence(new: Application, before: Licence) -> None:
    message = f"{before.identifier} is {before.state.name}"
    if before.state is LicenceState.CANCELLED:
        raise ConflictError(f"{message}: nothing can be asked for any more")
    if new.kind is ApplicationKind.RENEWAL and not may_renew(before.state):
        raise ConflictError(f"{message}: it is released before it is renewed")
    if new.kind is ApplicationKind.MACHINE and (
        before.state is LicenceState.EXPIRED or before.is_expired(new.applied_on)
    ):
        raise ConflictError(f"{message}: it is renewed before its machine is changed")


def _findings_of_identifier(
    new: Application, before: Licence | None
) -> Iterator[FieldFinding]:
    if before is None:
        return
    if new.kind not in NEW_LICENCE and new.identifier != before.identifier:
        words = f"it is asked for {before.identifier}: no other machine comes into it"
        yield FieldFinding("/identifier", "other_machine", words)
    if new.kind in NEW_LICENCE and new.identifier[:1] != before.maker:
        words = "a machine of another maker needs a new licence"
        yield FieldFinding("/identifier", "other_maker", words)
