"""Confirm, sanction, pay or refuse claims: whoever proposed one never sanctions it."""

from datetime import date

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, FieldFinding, InvalidError
from dop_gateway.identity.model import By
from dop_gateway.ledger import movements
from dop_gateway.licences import store as licences
from dop_gateway.licences.reach import mover_over
from dop_gateway.posting import claims_store as store
from dop_gateway.posting.lifecycle import CLAIM
from dop_gateway.posting.model import Claim, ClaimEvent, ClaimKind, ClaimState, PaidBy
from protocol.values import Paise, show_rupees


def confirm(
    connection: Connection, number: str, remaining_paise: Paise, by: By
) -> Claim:
    """Let the maker confirm what remains with it of a cancelled licence.

    Raises:
        NotFoundError: There is no such claim within reach.
        ConflictError: It has nothing to be confirmed.
        NotAllowedError: They have no role for it.
        InvalidError: Another sum remains: the claim is refused, or reconciled first.
    """
    found, state = _moved(connection, number, ClaimEvent.CONFIRMED, by)
    left = store.unused_of(connection, found.id)
    if remaining_paise != left.remaining_paise:
        words = (
            f"the Department knows of {show_rupees(left.remaining_paise)}: "
            "reconcile first"
        )
        raise InvalidError([FieldFinding("/remaining", "differs", words)])
    made = store.put_move(connection, found, ClaimEvent.CONFIRMED, state, by)
    _tell(connection, found, made, by, remaining_paise=remaining_paise)
    return made


def sanction(connection: Connection, number: str, by: By) -> Claim:
    """Sanction a claim that somebody else has proposed.

    Raises:
        NotFoundError: There is no such claim within reach.
        ConflictError: It cannot be sanctioned now.
        NotAllowedError: They have no role for it, or proposed it.
    """
    found, state = _moved(connection, number, ClaimEvent.SANCTIONED, by)
    made = store.put_move(connection, found, ClaimEvent.SANCTIONED, state, by)
    _tell(connection, found, made, by)
    return made


def pay(
    connection: Connection, number: str, paid_by: PaidBy, on: date, by: By
) -> Claim:
    """Pay a claim that was sanctioned; it stands on the schedule of that day.

    Unused credit leaves the ledger: what is in the machine goes to what remains with
    the maker, and all of that to refunds.

    Raises:
        NotFoundError: There is no such claim within reach.
        ConflictError: It is not sanctioned, or its money has moved since.
        NotAllowedError: They have no role for it.
    """
    found, _ = _moved(connection, number, ClaimEvent.PAID, by)
    if found.kind is ClaimKind.UNUSED:
        _refund(connection, found, by)
    made = store.pay(connection, found, paid_by, on, by)
    _tell(
        connection,
        found,
        made,
        by,
        paid_by=paid_by.name,
        payable_paise=made.payable_paise,
    )
    return made


def refuse(connection: Connection, number: str, by: By) -> Claim:
    """Refuse a claim; why is said by `by`.

    Raises:
        NotFoundError: There is no such claim within reach.
        ConflictError: It is paid, or was refused.
        NotAllowedError: They have no role for it.
    """
    found, state = _moved(connection, number, ClaimEvent.REFUSED, by)
    made = store.put_move(connection, found, ClaimEvent.REFUSED, state, by)
    gone = store.let_franks_go(connection, found)
    _tell(connection, found, made, by, franks_let_go=gone)
    return made


def _moved(
    connection: Connection, number: str, event: ClaimEvent, by: By
) -> tuple[Claim, ClaimState]:
    found = store.get(connection, number)
    licence = licences.get(connection, found.licence, lock=True)
    found = store.get(connection, number)
    state = CLAIM.move(
        found.state,
        event,
        mover_over(connection, by, licence),
        found.kind,
        found.made_by,
    )
    return found, state


def _refund(connection: Connection, found: Claim, by: By) -> None:
    left = store.unused_of(connection, found.id)
    # Nothing of it moves between the look and the payment.
    ledger.lock_accounts_of(connection, found.licence)
    held = ledger.balances(connection, found.licence)
    if (held.machine, held.remaining) != (left.descending_paise, left.remaining_paise):
        message = (
            f"{found.licence} has {show_rupees(held.machine)} in the machine and "
            f"{show_rupees(held.remaining)} with its maker now: refuse the claim, "
            "and propose it anew"
        )
        raise ConflictError(message)
    licence, number = found.licence, found.number
    if left.descending_paise:
        given_up = movements.withdrawn(
            licence,
            left.descending_paise,
            f"claim:{number}:machine",
            "the machine is cancelled, and its credit given up",
        )
        ledger.post(connection, given_up, by)
    refund = movements.refunded(
        licence, found.gross_paise, f"claim:{number}", "paid back after cancellation"
    )
    ledger.post(connection, refund, by)


def _tell(
    connection: Connection, before: Claim, after: Claim, by: By, **detail: object
) -> None:
    trail.add(
        connection,
        by,
        {
            ClaimState.CONFIRMED: "confirm",
            ClaimState.SANCTIONED: "sanction",
            ClaimState.PAID: "pay",
            ClaimState.REFUSED: "refuse",
        }[after.state],
        Subject("claim", after.number),
        from_state=before.state.name,
        to_state=after.state.name,
        **detail,
    )
