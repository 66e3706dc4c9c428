"""An application is checked, looked at in the field, approved or refused.

What was asked for is done by the same transaction that approves it.

Source: domain notes, sections 6.2 to 6.4, 13 and 23 (no. 7).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, FieldFinding, InvalidError
from dop_gateway.identity.model import By
from dop_gateway.licences import applications, history, issuing, standing, store
from dop_gateway.licences.application import (
    ENDED,
    Application,
    ApplicationId,
    ApplicationKind,
    Check,
    CheckResult,
)
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.lifecycle import APPLICATION, ApplicationMove, Examined
from dop_gateway.licences.model import CancelReason, Licence
from dop_gateway.licences.reach import mover_over
from protocol.errors import InvariantError
from protocol.parameters import business_date


def check(
    connection: Connection, of: ApplicationId, checks: Sequence[Check], by: By
) -> Application:
    """Mark the check-list: each line is satisfied or not applicable.

    What is neither is no result: the application is rejected, or waits.

    Raises:
        InvalidError: A line is not of this check-list, stands twice, or applies.
        NotFoundError: There is no such application within reach.
        ConflictError: A line is not marked, or it is not to be checked any more.
    """
    found = applications.get(connection, of, lock=True)
    mover_over(connection, by, found)
    findings = []
    for number, one in enumerate(checks):
        pointer = f"/checks/{number}"
        if one.item not in found.items:
            words = f"{one.item.name} is no line of {found.kind.name}"
            findings.append(FieldFinding(f"{pointer}/item", "unknown", words))
        elif (
            one.result is CheckResult.NOT_APPLICABLE
            and one.item not in found.may_be_left_out
        ):
            words = f"{one.item.name} applies here"
            findings.append(FieldFinding(f"{pointer}/result", "applies", words))
        if one.item in {earlier.item for earlier in checks[:number]}:
            words = f"{one.item.name} is marked twice"
            findings.append(FieldFinding(f"{pointer}/item", "twice", words))
    if findings:
        raise InvalidError(findings)
    return _move(connection, found, ApplicationMove.CHECK, by, checks=tuple(checks))


def send_out(connection: Connection, of: ApplicationId, by: By) -> Application:
    """Have somebody look in the field.

    Raises:
        NotFoundError: There is no such application within reach.
        ConflictError: Its state has no such move.
        NotAllowedError: It is not for whoever asks.
    """
    found = applications.get(connection, of, lock=True)
    return _move(connection, found, ApplicationMove.SEND_OUT, by)


def confirm(connection: Connection, of: ApplicationId, by: By) -> Application:
    """Say that it is right in the field; as `send_out`, with a report as the reason."""
    _check_reason(by)
    found = applications.get(connection, of, lock=True)
    return _move(connection, found, ApplicationMove.CONFIRM, by)


def object_to(connection: Connection, of: ApplicationId, by: By) -> Application:
    """Say that it is wanting in the field; as `confirm`."""
    _check_reason(by)
    found = applications.get(connection, of, lock=True)
    return _move(connection, found, ApplicationMove.OBJECT, by)


def reject(connection: Connection, of: ApplicationId, by: By) -> Application:
    """Refuse an application, with the reason; its receipt can be used once more.

    Raises:
        InvalidError: No reason is given.
        NotFoundError: There is no such application within reach.
        ConflictError: It is decided.
        NotAllowedError: Whoever asks is not the licensing authority, or entered it.
    """
    _check_reason(by)
    found = applications.get(connection, of, lock=True)
    return _move(connection, found, ApplicationMove.REJECT, by)


def withdraw(connection: Connection, of: ApplicationId, by: By) -> Application:
    """Take an application back; its receipt can be used once more."""
    found = applications.get(connection, of, lock=True)
    return _move(connection, found, ApplicationMove.WITHDRAW, by)


def explain(connection: Connection, of: ApplicationId, by: By) -> Application:
    """Tell the applicant why it takes longer than it should (domain notes, 23, no. 2).

    Raises:
        InvalidError: No reason is given.
        NotFoundError: There is no such application within reach.
        ConflictError: It is decided.
    """
    _check_reason(by)
    found = applications.get(connection, of, lock=True)
    mover_over(connection, by, found)
    if found.state in ENDED:
        raise ConflictError(f"application {of} is decided: {found.state.name}")
    applications.change(connection, of, delay=by.reason)
    trail.add(
        connection,
        by,
        "explain delay",
        Subject("licence application", str(of)),
        due_on=found.due_on.isoformat(),
    )
    return replace(found, delay=by.reason)


def warn_late(connection: Connection, on: date, by: By, rows_max: int) -> int:
    """Mark applications whose time is over, once each.

    Returns:
        How many; as many as `rows_max` if there may be more.
    """
    late = applications.late(connection, on, rows_max)
    for one in late:
        applications.change(connection, one.id, warned_on=on)
        trail.add(
            connection,
            by,
            "warn",
            Subject("licence application", str(one.id)),
            due_on=one.due_on.isoformat(),
            explained=bool(one.delay),
        )
    return len(late)


def approve(
    connection: Connection, of: ApplicationId, by: By, *, refund_allowed: bool = False
) -> tuple[Application, Licence]:
    """Approve an application, and do what it asks for.

    Args:
        connection: To the database, writing.
        of: The application.
        by: The licensing authority; not who entered it.
        refund_allowed: The machine whose licence ends may give back what it holds.

    Returns:
        The application, and the licence as it is now; the new one upon ISSUE and
        MACHINE.

    Raises:
        NotFoundError: There is no such application within reach.
        ConflictError: It is not to be approved, or its licence or machine has changed
            since it was entered.
        NotAllowedError: Whoever asks is not the licensing authority, or entered it.
    """
    found = applications.get(connection, of, lock=True)
    # The licence is locked before the audit trail: everybody does it in this order.
    before = None
    if found.licence is not None:
        before = store.get(connection, found.licence, lock=True)
    approved = _move(connection, found, ApplicationMove.APPROVE, by)
    return approved, _do(connection, approved, before, by, refund_allowed)


def open_to(
    connection: Connection, one: Application, by: By
) -> tuple[ApplicationMove, ...]:
    """List the moves that somebody who sees an application can make with it now."""
    earlier = history.made_by(
        connection, Axis.APPLICATION, str(one.id), ApplicationMove
    )
    # The check-list comes with the move: it is not looked for before.
    marked = tuple(Check(item, CheckResult.SATISFIED) for item in one.items)
    who = mover_over(connection, by, one)
    return APPLICATION.open_to(one.state, who, Examined(one, marked), earlier)


def _do(
    connection: Connection,
    one: Application,
    before: Licence | None,
    by: By,
    refund_allowed: bool,
) -> Licence:
    if before is None:
        return issuing.issue(connection, one, by)
    if one.kind is ApplicationKind.RENEWAL:
        return standing.renew(connection, before, by)
    if one.kind is ApplicationKind.ADDRESS:
        moved = replace(before, holder=one.holder)
        return standing.put(connection, moved, by)
    if one.kind is ApplicationKind.OFFICE:
        moved = replace(before, office=one.office)
        return standing.put(connection, moved, by)
    why = one.cancel or CancelReason.FM_CANCELLATION
    ended = standing.cancel(connection, before, why, by, refund_allowed=refund_allowed)
    if one.kind is ApplicationKind.CANCELLATION:
        return ended
    if one.kind is ApplicationKind.MACHINE:
        return issuing.issue(connection, one, by, instead_of=ended)
    raise InvariantError(f"nothing is done upon {one.kind.name}")


def _move(
    connection: Connection,
    found: Application,
    event: ApplicationMove,
    by: By,
    *,
    checks: tuple[Check, ...] | None = None,
) -> Application:
    marked = applications.checks_of(connection, found.id) if checks is None else checks
    who = mover_over(connection, by, found)
    earlier = history.made_by(
        connection, Axis.APPLICATION, str(found.id), ApplicationMove
    )
    subject = Examined(found, marked)
    to = APPLICATION.move(found.state, event, who, subject, earlier)
    ended_on = business_date(by.now) if to in ENDED else None
    if checks is not None:
        applications.mark(connection, found.id, checks, by)
    applications.change(connection, found.id, state=to.name, ended_on=ended_on)
    history.add(
        connection,
        Axis.APPLICATION,
        str(found.id),
        event,
        by,
        from_state=found.state,
        to_state=to,
        machine=found.identifier,
    )
    return replace(found, state=to, ended_on=ended_on)


def _check_reason(by: By) -> None:
    if not by.reason.strip():
        words = "say what was found, or why: the applicant will ask"
        raise InvalidError([FieldFinding("/reason", "missing", words)])
