"""SQL about what is proposed about deposits."""

from dataclasses import dataclass
from typing import Any, NewType

from sqlalchemy import Connection, Row, insert, select, update

from dop_gateway.deposits.model import Action, DepositId, ProposalState
from dop_gateway.deposits.tables import proposal
from dop_gateway.identity.model import By, PersonId
from protocol.values import EpochSeconds, LicenceIdentifier

ProposalId = NewType("ProposalId", int)

_of = proposal.c


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody proposes about a deposit.

    Attributes:
        licence: To which it is to be released; None of other actions.
        words: Why.
        decision: Why it was decided so.
    """

    id: ProposalId
    deposit: DepositId
    action: Action
    licence: LicenceIdentifier | None
    words: str
    state: ProposalState
    proposed_by: PersonId
    proposed_at: EpochSeconds
    decided_by: PersonId | None
    decided_at: EpochSeconds | None
    decision: str


def add(
    connection: Connection,
    deposit_id: DepositId,
    action: Action,
    licence: LicenceIdentifier | None,
    by: By,
) -> Proposal:
    """Keep a proposal."""
    number = connection.execute(
        insert(proposal)
        .values(
            deposit=deposit_id,
            action=action.name,
            licence=licence,
            words=by.reason,
            state=ProposalState.PROPOSED.name,
            proposed_by=by.actor.person,
            proposed_at=by.now,
            decision="",
        )
        .returning(_of.id)
    ).scalar_one()
    return Proposal(
        ProposalId(number),
        deposit_id,
        action,
        licence,
        by.reason,
        ProposalState.PROPOSED,
        by.actor.person,
        by.now,
        None,
        None,
        "",
    )


def lock(connection: Connection, number: ProposalId) -> Proposal | None:
    """Find a proposal, and let nobody else decide it in this transaction."""
    query = select(proposal).where(_of.id == number).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _read(row)


def open_of(connection: Connection, deposit_id: DepositId) -> Proposal | None:
    """Find the proposal about a deposit that waits; None if none does."""
    state = ProposalState.PROPOSED.name
    query = select(proposal).where(_of.deposit == deposit_id, _of.state == state)
    row = connection.execute(query).one_or_none()
    return None if row is None else _read(row)


def of_deposit(connection: Connection, deposit_id: DepositId) -> list[Proposal]:
    """List what was ever proposed about a deposit, the newest first."""
    query = select(proposal).where(_of.deposit == deposit_id).order_by(_of.id.desc())
    return [_read(row) for row in connection.execute(query)]


def waiting(connection: Connection, limit: int) -> list[Proposal]:
    """List proposals that wait for a decision, the oldest first."""
    state = ProposalState.PROPOSED.name
    query = select(proposal).where(_of.state == state).order_by(_of.id).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def decide(
    connection: Connection, number: ProposalId, state: ProposalState, by: By
) -> None:
    """Write how a proposal was decided."""
    connection.execute(
        update(proposal)
        .where(_of.id == number)
        .values(
            state=state.name,
            decided_by=by.actor.person,
            decided_at=by.now,
            decision=by.reason,
        )
    )


def overtake(connection: Connection, deposit_id: DepositId, by: By) -> None:
    """Withdraw what waits about a deposit that has moved by itself."""
    found = open_of(connection, deposit_id)
    if found is not None:
        decide(connection, found.id, ProposalState.WITHDRAWN, by)


def _read(row: Row[Any]) -> Proposal:
    return Proposal(
        ProposalId(row.id),
        DepositId(row.deposit),
        Action[row.action],
        None if row.licence is None else LicenceIdentifier(row.licence),
        row.words,
        ProposalState[row.state],
        PersonId(row.proposed_by),
        EpochSeconds(row.proposed_at),
        None if row.decided_by is None else PersonId(row.decided_by),
        row.decided_at,
        row.decision,
    )
