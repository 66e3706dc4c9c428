"""What happens to a licence that was issued: it is renewed, held, released, ended.

Each act makes its move, writes the line that tells the maker, and is told to the audit
trail, in the one transaction of its caller.
"""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.licences import changes, history, machines, store
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.lifecycle import LICENCE, LicenceMove, Standing
from dop_gateway.licences.model import CancelReason, Credential, Licence
from dop_gateway.licences.periods import months_after, renewed_until
from dop_gateway.licences.reach import mover_over
from dop_gateway.parameters import store as parameters
from protocol.errors import InvariantError
from protocol.messages import LicenceState
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier

REVOKED_FOR: Final = frozenset({CancelReason.MISUSE, CancelReason.NOT_RENEWED})
"""Why the authority ends a licence without being asked."""
_NOT_RENEWED: Final = "its last day is over, and it was not renewed"


def block(connection: Connection, identifier: str, by: By) -> Licence:
    """Block a licence: no recharge, until the authority releases it.

    Raises:
        NotFoundError: There is none within reach.
        InvalidError: No reason is given.
        ConflictError: Its state has no such move.
        NotAllowedError: Whoever asks is not its licensing authority.
    """
    return _hold(connection, identifier, LicenceMove.BLOCK, by)


def withhold(connection: Connection, identifier: str, by: By) -> Licence:
    """Withhold a licence; as `block`."""
    return _hold(connection, identifier, LicenceMove.WITHHOLD, by)


def release(connection: Connection, identifier: str, by: By) -> Licence:
    """Give a blocked or withheld licence back; it expires at once if it had to.

    Raises:
        NotFoundError: There is none within reach.
        InvalidError: No reason is given.
        ConflictError: It is neither blocked nor withheld.
        NotAllowedError: Whoever asks is not its licensing authority.
    """
    _check_reason(by)
    found = store.get(connection, identifier, lock=True)
    renewed = found.periods > 1
    event = LicenceMove.RELEASE_RENEWED if renewed else LicenceMove.RELEASE
    released = _move(connection, found, event, by)
    if released.is_expired(business_date(by.now)):
        return _expire(connection, released, by)
    return released


def revoke(
    connection: Connection,
    identifier: str,
    why: CancelReason,
    by: By,
    *,
    refund_allowed: bool,
) -> Licence:
    """End a licence without being asked; somebody else than who held it does so.

    Args:
        connection: To the database, writing.
        identifier: The licence.
        why: One of `REVOKED_FOR`.
        by: Who ends it; a reason is needed.
        refund_allowed: The machine may give back what it holds.

    Raises:
        NotFoundError: There is none within reach.
        InvalidError: No reason is given, or another one than there is.
        ConflictError: It is in service, cancelled, or expired for too short a time.
        NotAllowedError: Whoever asks is not its licensing authority, or has held it.
    """
    _check_reason(by)
    if why not in REVOKED_FOR:
        words = f"one of {', '.join(sorted(one.name for one in REVOKED_FOR))}"
        raise InvalidError([FieldFinding("/why", "other_reason", words)])
    found = store.get(connection, identifier, lock=True)
    return _end(
        connection, found, LicenceMove.REVOKE, why, by, refund_allowed=refund_allowed
    )


def cancel(
    connection: Connection,
    found: Licence,
    why: CancelReason,
    by: By,
    *,
    refund_allowed: bool,
) -> Licence:
    """End a licence whose cancellation was approved; it is locked."""
    return _end(
        connection, found, LicenceMove.CANCEL, why, by, refund_allowed=refund_allowed
    )


def renew(connection: Connection, found: Licence, by: By) -> Licence:
    """Renew a licence whose renewal was approved, from the day after its last one."""
    until = renewed_until(found.expires_on, parameters.table(connection))
    return _move(
        connection,
        found,
        LicenceMove.RENEW,
        by,
        expires_on=until,
        periods=found.periods + 1,
    )


def expire_due(connection: Connection, on: date, by: By, rows_max: int) -> int:
    """Expire licences whose last day is before a day.

    Returns:
        How many; as many as `rows_max` if there may be more.
    """
    due = store.expired(connection, on, rows_max)
    for identifier in due:
        found = store.get(connection, identifier, lock=True)
        if LicenceMove.EXPIRE in LICENCE.possible(found.state):
            _expire(connection, found, by)
    return len(due)


def put(connection: Connection, changed: Licence, by: By) -> Licence:
    """Write a licence of which something else than its state changed, and tell it."""
    store.put(connection, changed)
    changes.tell_change(connection, changed, credential(connection, changed), by)
    return changed


def credential(connection: Connection, of: Licence) -> Credential:
    """Give what is registered of the machine of a licence.

    Raises:
        InvariantError: There is nothing: a licence is never issued without.
    """
    found = store.credential_of(connection, of.identifier)
    if found is None:
        raise InvariantError(f"{of.identifier} has no credential")
    return found


def may_renew(state: LicenceState) -> bool:
    """Whether a licence in this state can be renewed."""
    return LicenceMove.RENEW in LICENCE.possible(state)


def _hold(
    connection: Connection, identifier: str, event: LicenceMove, by: By
) -> Licence:
    _check_reason(by)
    found = store.get(connection, identifier, lock=True)
    return _move(connection, found, event, by)


def _expire(connection: Connection, found: Licence, by: By) -> Licence:
    program = By(GATEWAY, by.now, by.request_id, _NOT_RENEWED)
    return _move(connection, found, LicenceMove.EXPIRE, program)


def _end(
    connection: Connection,
    found: Licence,
    event: LicenceMove,
    why: CancelReason,
    by: By,
    *,
    refund_allowed: bool,
) -> Licence:
    to = _judge(connection, found, event, by)
    ended = replace(
        found,
        state=to,
        refund_allowed=refund_allowed,
        cancelled=why,
        cancelled_on=business_date(by.now),
    )
    # Both axes end in one statement: the table allows neither without the other.
    program = By(GATEWAY, by.now, by.request_id, "its licence was cancelled")
    ended = machines.cancel(connection, found, ended, program)
    _tell(connection, found, ended, event, by, cancelled=why.name)
    store.retire(connection, found.identifier, by.now)
    return ended


def _move(
    connection: Connection, found: Licence, event: LicenceMove, by: By, **columns: Any
) -> Licence:
    to = _judge(connection, found, event, by)
    changed = replace(found, state=to, **columns)
    store.put(connection, changed)
    _tell(connection, found, changed, event, by)
    return changed


def open_to(connection: Connection, found: Licence, by: By) -> tuple[LicenceMove, ...]:
    """List the moves that somebody who sees a licence can make with it now."""
    earlier = history.made_by(connection, Axis.LICENCE, found.identifier, LicenceMove)
    standing = _standing(connection, found, by)
    who = mover_over(connection, by, found)
    return LICENCE.open_to(found.state, who, standing, earlier)


def _standing(connection: Connection, found: Licence, by: By) -> Standing:
    months = parameters.table(connection).months(
        "licence.cancel_after_expiry_months", found.expires_on
    )
    revocable_from = months_after(found.expires_on, months)
    return Standing(found, business_date(by.now), revocable_from)


def _judge(
    connection: Connection, found: Licence, event: LicenceMove, by: By
) -> LicenceState:
    standing = _standing(connection, found, by)
    who = mover_over(connection, by, found)
    earlier = history.made_by(connection, Axis.LICENCE, found.identifier, LicenceMove)
    return LICENCE.move(found.state, event, who, standing, earlier)


def _tell(
    connection: Connection,
    before: Licence,
    after: Licence,
    event: LicenceMove,
    by: By,
    **detail: object,
) -> None:
    history.add(
        connection,
        Axis.LICENCE,
        after.identifier,
        event,
        by,
        from_state=before.state,
        to_state=after.state,
        expires_on=after.expires_on.isoformat(),
        **detail,
    )
    changes.tell_change(connection, after, credential(connection, after), by)


def again(
    connection: Connection, identifier: LicenceIdentifier, of: int, by: By
) -> None:
    """Have a line that the maker refused told again, as the licence is now.

    Raises:
        NotFoundError: There is none within reach, or it has no such line.
        ConflictError: The line was not refused, or a later one tells more.
    """
    found = store.get(connection, identifier, lock=True)
    mover_over(connection, by, found)
    line = changes.refused_line(connection, identifier, of)
    changes.tell_again(connection, line, found, credential(connection, found), by)


def _check_reason(by: By) -> None:
    if not by.reason.strip():
        words = "say why: the licensee will ask"
        raise InvalidError([FieldFinding("/reason", "missing", words)])
