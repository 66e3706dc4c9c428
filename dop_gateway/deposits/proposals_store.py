"""SQL about what is proposed about deposits."""

from dataclasses import dataclass
from typing import Any, NewType

from sqlalchemy import Connection, Row, Select, insert, select, update

from dop_gateway.deposits.model import Action, DepositId, ProposalState
from dop_gateway.deposits.tables import proposal, settlement
from dop_gateway.identity.model import By, PersonId
from dop_gateway.store.matching import Matching
from protocol.values import EpochSeconds, LicenceIdentifier

ProposalId = NewType("ProposalId", int)

_of = proposal.c


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody proposes about a deposit.

    Attributes:
        licence: To which it is to be released; None of other actions.
        paid_by: The payment that settles what is owed; None of other actions.
        words: Why.
        decision: Why it was decided so.
    """

    id: ProposalId
    deposit: DepositId
    action: Action
    licence: LicenceIdentifier | None
    paid_by: DepositId | None
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
    *,
    paid_by: DepositId | None = None,
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
    if paid_by is not None:
        connection.execute(insert(settlement).values(proposal=number, paid_by=paid_by))
    return Proposal(
        ProposalId(number),
        deposit_id,
        action,
        licence,
        paid_by,
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
    query = _whole().where(_of.id == number).with_for_update(of=proposal)
    row = connection.execute(query).one_or_none()
    return None if row is None else _read(row)


def open_of(connection: Connection, deposit_id: DepositId) -> Proposal | None:
    """Find the proposal about a deposit that waits; None if none does."""
    state = ProposalState.PROPOSED.name
    query = _whole().where(_of.deposit == deposit_id, _of.state == state)
    row = connection.execute(query).one_or_none()
    return None if row is None else _read(row)


def of_deposit(connection: Connection, deposit_id: DepositId) -> list[Proposal]:
    """List what was ever proposed about a deposit, the newest first."""
    query = _whole().where(_of.deposit == deposit_id).order_by(_of.id.desc())
    return [_read(row) for row in connection.execute(query)]


def matching(state: ProposalState | None, action: Action | None) -> Matching[Proposal]:
    """Give the proposals that a filter lets through."""
    rows = _whole()
    if state is not None:
        rows = rows.where(_of.state == state.name)
    if action is not None:
        rows = rows.where(_of.action == action.name)
    return Matching(rows, {"id": (_of.id,)}, _read)


def settled_by(connection: Connection, payment: DepositId) -> DepositId | None:
    """Say for which deposit a payment settled what was owed; None if for none."""
    found = connection.execute(
        select(_of.deposit)
        .join(settlement, settlement.c.proposal == _of.id)
        .where(
            settlement.c.paid_by == payment,
            _of.state == ProposalState.APPROVED.name,
        )
        .order_by(_of.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else DepositId(found)


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


def _whole() -> Select[Any]:
    settled = proposal.outerjoin(settlement, settlement.c.proposal == _of.id)
    return select(proposal, settlement.c.paid_by).select_from(settled)


def _read(row: Row[Any]) -> Proposal:
    return Proposal(
        ProposalId(row.id),
        DepositId(row.deposit),
        Action[row.action],
        None if row.licence is None else LicenceIdentifier(row.licence),
        None if row.paid_by is None else DepositId(row.paid_by),
        row.words,
        ProposalState[row.state],
        PersonId(row.proposed_by),
        EpochSeconds(row.proposed_at),
        None if row.decided_by is None else PersonId(row.decided_by),
        row.decided_at,
        row.decision,
    )
