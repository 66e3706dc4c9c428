"""The life of a deposit (RMFS-39), and of what is proposed about one.

What follows from a file, an answer or the calendar is a move of the gateway itself,
whoever handed the file in; what is decided has its people. Out of suspense a deposit
comes by a proposal only, which somebody else than its maker approves (GW-03).
"""

from typing import Final

from dop_gateway.deposits.model import (
    Deposit,
    DepositEvent,
    DepositState,
    ProposalEvent,
    ProposalState,
)
from dop_gateway.identity.model import GATEWAY, Role
from dop_gateway.moves import Lifecycle, Move, Mover, move

_S = DepositState
_E = DepositEvent

PROGRAM: Final = Mover(GATEWAY.person, frozenset(), is_program=True)
"""Who makes the moves of deposits."""

_IN_HAND: Final = (_S.ACKNOWLEDGED, _S.AVAILABLE, _S.PARTLY_DOWNLOADED, _S.DOWNLOADED)
"""In the funds at the maker's server."""

_Row = Move[DepositState, DepositEvent, Deposit]


def _row(state: DepositState, event: DepositEvent, to: DepositState) -> _Row:
    return move(state, event, to, by_program=True)


def _way_there() -> list[_Row]:
    return [
        _row(_S.RECEIVED, _E.REALISED, _S.REALISED),
        _row(_S.RECEIVED, _E.VERIFIED, _S.VERIFIED),
        _row(_S.REALISED, _E.VERIFIED, _S.VERIFIED),
        _row(_S.VERIFIED, _E.AUTHENTICATED, _S.AUTHENTICATED),
        _row(_S.VERIFIED, _E.SUSPENDED, _S.SUSPENSE),
        _row(_S.SUSPENSE, _E.RELEASED, _S.AUTHENTICATED),
        _row(_S.SUSPENSE, _E.RETURNED, _S.RETURNED),
        _row(_S.AUTHENTICATED, _E.SENT, _S.SENT_TO_OEM),
        _row(_S.SENT_TO_OEM, _E.ACKNOWLEDGED, _S.ACKNOWLEDGED),
        _row(_S.SENT_TO_OEM, _E.REFUSED, _S.SUSPENSE),
        _row(_S.ACKNOWLEDGED, _E.CAME_DUE, _S.AVAILABLE),
    ]


def _use() -> list[_Row]:
    rows = []
    # A machine may take it before the job of its day has run, and give it back.
    for state in _IN_HAND:
        if state is not _S.DOWNLOADED:
            rows.append(_row(state, _E.DOWNLOADED_PARTLY, _S.PARTLY_DOWNLOADED))
            rows.append(_row(state, _E.DOWNLOADED_WHOLLY, _S.DOWNLOADED))
            rows.append(_row(state, _E.REFUNDED, _S.REFUNDED))
    for state in (_S.DOWNLOADED, _S.PARTLY_DOWNLOADED):
        rows.append(_row(state, _E.GIVEN_BACK_PARTLY, _S.PARTLY_DOWNLOADED))
        rows.append(_row(state, _E.GIVEN_BACK_WHOLLY, _S.AVAILABLE))
    return rows


def _way_back() -> list[_Row]:
    rows = [
        _row(state, _E.BOUNCED, _S.BOUNCED)
        for state in (_S.RECEIVED, _S.REALISED, _S.SUSPENSE)
    ]
    for event, to in ((_E.BOUNCED, _S.BOUNCED), (_E.REVERSED, _S.REVERSED)):
        rows.append(_row(_S.AUTHENTICATED, event, to))
        rows.append(_row(_S.SENT_TO_OEM, event, _S.RECALLED_UNANSWERED))
        rows += [_row(state, event, _S.RECALLED) for state in _IN_HAND]
    rows.append(_row(_S.REFUNDED, _E.BOUNCED, _S.OWED))
    rows += [
        _row(_S.RECALLED_UNANSWERED, _E.ACKNOWLEDGED, _S.RECALLED),
        # The maker never had it, or gave it back before it answered.
        _row(_S.RECALLED_UNANSWERED, _E.RECALL_BOUNCED, _S.BOUNCED),
        _row(_S.RECALLED_UNANSWERED, _E.RECALL_REVERSED, _S.REVERSED),
        _row(_S.RECALLED, _E.RECALL_BOUNCED, _S.BOUNCED),
        _row(_S.RECALLED, _E.RECALL_REVERSED, _S.REVERSED),
        _row(_S.RECALLED, _E.RECALL_REFUSED, _S.OWED),
        _row(_S.RECALLED, _E.KEPT, _S.AVAILABLE),
    ]
    return rows


def _debts() -> list[_Row]:
    return [
        _row(_S.OWED, _E.PAID_AGAIN, _S.PAID_AGAIN),
        _row(_S.AUTHENTICATED, _E.PAID_OWED, _S.PAID_OWED),
        _row(_S.PAID_OWED, _E.BOUNCED, _S.BOUNCED),
        _row(_S.PAID_AGAIN, _E.OWED_AGAIN, _S.OWED),
    ]


DEPOSIT: Final = Lifecycle[DepositState, DepositEvent, Deposit](
    _S.RECEIVED,
    begun_by=_E.RECEIVED,
    moves=[*_way_there(), *_use(), *_way_back(), *_debts()],
)
"""The table of deposits."""

PROPOSAL: Final = Lifecycle[ProposalState, ProposalEvent, object](
    ProposalState.PROPOSED,
    begun_by=ProposalEvent.PROPOSED,
    moves=[
        move(
            ProposalState.PROPOSED,
            ProposalEvent.APPROVED,
            ProposalState.APPROVED,
            by=[Role.DCR_SUPERVISOR],
            not_by=[ProposalEvent.PROPOSED],
        ),
        move(
            ProposalState.PROPOSED,
            ProposalEvent.REJECTED,
            ProposalState.REJECTED,
            by=[Role.DCR_SUPERVISOR],
            not_by=[ProposalEvent.PROPOSED],
        ),
        move(
            ProposalState.PROPOSED,
            ProposalEvent.WITHDRAWN,
            ProposalState.WITHDRAWN,
            by=[Role.DCR_OPERATOR],
            by_program=True,
        ),
    ],
)
"""The table of proposals: whoever proposes does not decide."""
