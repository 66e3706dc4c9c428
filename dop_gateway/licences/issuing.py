"""A licence is issued: it gets its number, its keys are registered, its maker is told.

A change of machine issues a licence too (domain notes, section 23, no. 7): a new
identifier, a new number, and the rest of the period that was paid for.
"""

from datetime import date

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.errors import ConflictError
from dop_gateway.identity.model import By
from dop_gateway.licences import changes, history, makers, store
from dop_gateway.licences.application import Application
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.judging import (
    division_of,
    findings_of_machine,
    read_machine,
)
from dop_gateway.licences.lifecycle import (
    LICENCE,
    MACHINE,
    LicenceMove,
    MachineMove,
)
from dop_gateway.licences.model import Credential, Licence
from dop_gateway.licences.periods import last_day
from dop_gateway.parameters import store as parameters
from protocol.keys import MachineProvisioning, ProvisioningError
from protocol.parameters import ParameterTable, business_date


def issue(
    connection: Connection,
    one: Application,
    by: By,
    *,
    instead_of: Licence | None = None,
) -> Licence:
    """Issue the licence of an application that was approved.

    Args:
        connection: To the database, writing.
        one: The application.
        by: The licensing authority.
        instead_of: The licence that ended because of it, upon a change of machine.

    Raises:
        ConflictError: The machine cannot be licensed any more, or the Division has no
            number left.
    """
    today = business_date(by.now)
    known = parameters.table(connection)
    machine = _machine(connection, one, by, today)
    if instead_of is None:
        expires_on = last_day(today, known.years("licence.years", today))
    else:
        expires_on = instead_of.expires_on
        if expires_on <= today:
            message = f"{instead_of.identifier} ends on {expires_on}"
            raise ConflictError(f"{message}: no machine comes in its place")
    _check_still_open(one, known)
    # The code is read now: the Division may have got another one since.
    code = division_of(connection, one.office).code or ""
    new = Licence(
        identifier=one.identifier,
        number=store.take_number(connection, code),
        maker=one.maker,
        kind=one.licence_kind,
        commercial_as=one.commercial_as,
        holder=one.holder,
        office=one.office,
        division=one.division,
        state=LICENCE.initial,
        machine_state=MACHINE.initial,
        issued_on=today,
        expires_on=expires_on,
        periods=1,
        refund_allowed=False,
        cancelled=None,
        cancelled_on=None,
        replaces=None if instead_of is None else instead_of.identifier,
        application=one.id,
    )
    store.add(connection, new)
    store.register(connection, machine, by.now)
    ledger.open_licence(connection, new.identifier)
    _tell(connection, new, by)
    changes.tell_issue(connection, new, Credential(machine, retired=False), by)
    return new


def _machine(
    connection: Connection, one: Application, by: By, today: date
) -> MachineProvisioning:
    """Read the machine's file once more: weeks may have passed since it came in."""
    if store.find(connection, one.identifier) is not None:
        raise ConflictError(f"{one.identifier} was given in the meantime")
    try:
        machine = read_machine(connection, one.maker, one.provisioning or b"", by.now)
    except ProvisioningError as error:
        raise ConflictError(f"the file of the machine: {error}") from error
    wrong = next(findings_of_machine(connection, one, machine, today), None)
    if wrong is not None:
        raise ConflictError(wrong.words)
    return machine


def _check_still_open(one: Application, known: ParameterTable) -> None:
    # Who applied in time is not turned away because the office took long.
    if not makers.is_open(known, one.maker, one.applied_on):
        raise ConflictError(f"{one.maker} gets no new licences")


def _tell(connection: Connection, new: Licence, by: By) -> None:
    history.add(
        connection,
        Axis.LICENCE,
        new.identifier,
        LicenceMove.ISSUE,
        by,
        from_state=None,
        to_state=new.state,
        number=new.number,
        application=new.application,
        expires_on=new.expires_on.isoformat(),
    )
    history.add(
        connection,
        Axis.MACHINE,
        new.identifier,
        MachineMove.REGISTER,
        by,
        from_state=None,
        to_state=new.machine_state,
    )
