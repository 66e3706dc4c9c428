"""The suspense desk: an operator proposes, a supervisor decides (GW-03, RMFS-17).

A deposit leaves suspense for the licence that it was meant for, when it fits that, or
goes back to who paid. One that is with its licence can be taken back in the same way,
and what a licensee owes for one that was taken back is settled by another payment.
An amount that no rule allows can only be given back: there is no exception to a rule
but another dated parameter.
"""

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.deposits import proposals_store as proposals
from dop_gateway.deposits import settling, store
from dop_gateway.deposits.authenticating import bring, open_desk
from dop_gateway.deposits.bouncing import first_told, take_back
from dop_gateway.deposits.fund_lines import NewLine
from dop_gateway.deposits.lifecycle import DEPOSIT, PROPOSAL
from dop_gateway.deposits.model import (
    Action,
    Deposit,
    DepositEvent,
    DepositId,
    LineKind,
    ProposalEvent,
)
from dop_gateway.deposits.proposals_store import Proposal, ProposalId
from dop_gateway.deposits.steps import Steps
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.identity.model import By
from dop_gateway.ledger import movements
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence
from dop_gateway.moves import Mover, ObjectionError, mover

_EVENT_OF: Final = {
    Action.RELEASE: DepositEvent.RELEASED,
    Action.RETURN: DepositEvent.RETURNED,
    Action.REVERSE: DepositEvent.REVERSED,
    Action.SETTLE: DepositEvent.PAID_AGAIN,
}


def propose(
    connection: Connection,
    deposit_id: DepositId,
    action: Action,
    by: By,
    *,
    licence: str = "",
    payment: DepositId | None = None,
) -> Proposal:
    """Propose what becomes of a deposit.

    Args:
        connection: A writing transaction.
        deposit_id: Which.
        action: What is to be done.
        by: Who proposes; a reason is needed.
        licence: To which it is to be released; empty for other actions.
        payment: The deposit that settles what is owed; None for other actions.

    Raises:
        NotFoundError: There is no such deposit.
        InvalidError: A licence, a payment or a reason is missing or wrong.
        ConflictError: Its state does not allow it, something is proposed already, or
            that payment cannot settle it.
        ObjectionError: It would not fit that licence either.
    """
    deposit = _must_find(connection, deposit_id)
    _check_words(action, licence, payment, by)
    event = _EVENT_OF[action]
    if event not in DEPOSIT.possible(deposit.state):
        words = f"{action.name} is not possible in {deposit.state.name}"
        raise ConflictError(words)
    _check_undecided(connection, deposit_id)
    found = None
    if action is Action.RELEASE:
        found = _fitting(connection, deposit, licence, by)
    if payment is not None:
        settling.check(connection, deposit, payment)
        _check_undecided(connection, payment)
    identifier = None if found is None else found.identifier
    made = proposals.add(
        connection, deposit_id, action, identifier, by, paid_by=payment
    )
    _tell(connection, by, "propose", made, was="", now=made.state.name)
    return made


def approve(connection: Connection, number: ProposalId, by: By) -> Deposit:
    """Agree, and carry it out.

    Raises:
        NotFoundError: There is no such proposal.
        SamePersonError: Whoever proposed it decides.
        IllegalMoveError: It is decided already.
        ObjectionError: It does not fit the licence any more.
        ConflictError: The payment that settles it cannot do so any more.
    """
    proposal = _move(connection, number, ProposalEvent.APPROVED, by)
    deposit = _must_find(connection, proposal.deposit)
    why = f"proposed: {proposal.words}; approved: {by.reason or 'agreed'}"
    if proposal.action is Action.RETURN:
        return _give_back(connection, deposit, why, by)
    if proposal.action is Action.REVERSE:
        return take_back(connection, deposit, DepositEvent.REVERSED, why, by)
    if proposal.paid_by is not None:
        return settling.settle(connection, deposit, proposal.paid_by, why, by)
    licence = _fitting(connection, deposit, proposal.licence or "", by)
    return _release(connection, deposit, licence, by)


def reject(connection: Connection, number: ProposalId, by: By) -> Proposal:
    """Do not agree; the deposit stays where it is.

    Raises:
        NotFoundError: There is no such proposal.
        SamePersonError: Whoever proposed it decides.
        IllegalMoveError: It is decided already.
    """
    return _move(connection, number, ProposalEvent.REJECTED, by)


def withdraw(connection: Connection, number: ProposalId, by: By) -> Proposal:
    """Take a proposal back.

    Raises:
        NotFoundError: There is no such proposal.
        SamePersonError: Somebody else proposed it.
        IllegalMoveError: It is decided already.
    """
    found = proposals.lock(connection, number)
    if found is not None and found.proposed_by != by.actor.person:
        raise SamePersonError("only who proposed it takes it back: reject it")
    return _move(connection, number, ProposalEvent.WITHDRAWN, by)


def _release(
    connection: Connection, deposit: Deposit, licence: Licence, by: By
) -> Deposit:
    desk = open_desk(connection, [], by.now)
    first = first_told(connection, deposit)
    same = first is not None and deposit.licence == licence.identifier
    steps = Steps(by)
    line = None
    if first is not None and same:
        line = NewLine(
            deposit.id,
            licence.identifier,
            LineKind.AGAIN,
            deposit.amount_paise,
            0,
            first.id,
        )
    elif first is not None:
        settling.clear_at_maker(connection, steps, deposit)
    released = bring(
        desk, steps, deposit, licence, event=DepositEvent.RELEASED, line=line
    )
    steps.write(connection, "release")
    return released


def _give_back(connection: Connection, deposit: Deposit, why: str, by: By) -> Deposit:
    source, amount = deposit.payment.source, deposit.amount_paise
    steps = Steps(by)
    returned = steps.move(
        deposit,
        DepositEvent.RETURNED,
        lambda key: movements.returned(source, amount, key, why),
    )
    settling.clear_at_maker(connection, steps, deposit)
    steps.write(connection, "return")
    return returned


def _fitting(
    connection: Connection, deposit: Deposit, identifier: str, by: By
) -> Licence:
    """Find a licence that a deposit fits.

    Raises:
        ObjectionError: It does not fit it.
    """
    licence = licences.find(connection, identifier)
    if licence is None:
        words = f"there is no licence {identifier!r}"
        raise InvalidError([FieldFinding("/licence", "unknown", words)])
    # A person found out whose it is: its names are those of the licence from now on.
    meant = replace(
        deposit.payment,
        licence=licence.identifier,
        licence_number=licence.number,
        licensee=licence.licensee,
    )
    against = open_desk(connection, [meant], by.now).judge(meant, licence)
    if against is not None:
        raise ObjectionError(against)
    return licence


def _move(
    connection: Connection, number: ProposalId, event: ProposalEvent, by: By
) -> Proposal:
    found = proposals.lock(connection, number)
    if found is None:
        raise NotFoundError(f"there is no proposal {number}")
    made_by = {ProposalEvent.PROPOSED: found.proposed_by}
    who: Mover = mover(by.actor, by.actor.grants)
    state = PROPOSAL.move(found.state, event, who, None, made_by)
    proposals.decide(connection, number, state, by)
    act = event.name.lower()
    _tell(connection, by, act, found, was=found.state.name, now=state.name)
    return proposals.lock(connection, number) or found


def _tell(
    connection: Connection, by: By, act: str, proposal: Proposal, *, was: str, now: str
) -> None:
    trail.add(
        connection,
        by,
        f"{act} {proposal.action.name.lower()}",
        Subject("proposal", str(proposal.id)),
        from_state=was,
        to_state=now,
        deposit=proposal.deposit,
        licence=proposal.licence or "",
    )


def _check_undecided(connection: Connection, deposit_id: DepositId) -> None:
    before = proposals.open_of(connection, deposit_id)
    if before is not None:
        words = f"{before.action.name} of deposit {deposit_id} is proposed already"
        raise ConflictError(f"{words}: decide that first")


def _check_words(
    action: Action, licence: str, payment: DepositId | None, by: By
) -> None:
    findings = []
    if not by.reason.strip():
        words = "say what was found out: who decides reads it"
        findings.append(FieldFinding("/reason", "missing", words))
    if (action is Action.RELEASE) != bool(licence):
        words = "a licence is needed to release, and for nothing else"
        findings.append(FieldFinding("/licence", "not_for_action", words))
    if (action is Action.SETTLE) != (payment is not None):
        words = "the number of a payment is needed to settle, and for nothing else"
        findings.append(FieldFinding("/payment", "not_for_action", words))
    if findings:
        raise InvalidError(findings)


def _must_find(connection: Connection, deposit_id: DepositId) -> Deposit:
    found = store.lock(connection, deposit_id)
    if found is None:
        raise NotFoundError(f"there is no deposit {deposit_id}")
    return found
