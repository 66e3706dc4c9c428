"""Routes: deposits, suspense, notional credit, balances; and those of counters."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.access import Access
from dop_gateway.counter import api as counter
from dop_gateway.deposits import desk, fund_lines, list_store, notional, store
from dop_gateway.deposits import proposals_store as proposals
from dop_gateway.deposits.lists import (
    DEPOSITS,
    PROPOSALS,
    DepositsQuery,
    OwedQuery,
    ProposalsQuery,
    SuspenseQuery,
    owed,
    suspense,
)
from dop_gateway.deposits.model import DepositId
from dop_gateway.deposits.proposals_store import ProposalId
from dop_gateway.deposits.schemas import (
    NUMBER_MAX,
    BalancesShown,
    DecisionBody,
    DepositShown,
    DepositWhole,
    FundLineShown,
    MoveShown,
    NotionalBody,
    OwedShown,
    ProposalBody,
    ProposalShown,
    SuspendedShown,
)
from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.licences import store as licences
from dop_gateway.licences.reach import reaches
from dop_gateway.web.asking import Asked, AskedOnce, Asking
from dop_gateway.web.lists import answer_list, listed

ROUTES: Final = APIRouter(tags=["deposits"])
ROUTES.routes.extend(counter.ROUTES.routes)

_ENTRIES_MAX: Final = 100
Number = Annotated[int, Path(ge=1, le=NUMBER_MAX)]
Licence = Annotated[str, Path(pattern=r"^[A-Z][0-9]{6}$")]

_RESOURCE: Final = frozenset({Role.DCR_OPERATOR, Role.DCR_SUPERVISOR})
_OPERATORS: Final = frozenset({Role.DCR_OPERATOR})
_SUPERVISORS: Final = frozenset({Role.DCR_SUPERVISOR})
_SEE_SUSPENSE: Final = _RESOURCE | {Role.AUDITOR}
_SEE: Final = _SEE_SUSPENSE | {
    Role.POSTAL_AUTHORITY,
    Role.LICENSING_AUTHORITY,
    Role.POSTMASTER,
    Role.ACCOUNTS_OFFICER,
    Role.MAKER_OFFICER,
    Role.LICENSEE,
}

ACCESS: Final = (
    Access("GET", "/deposits", _SEE, ScopeKind.LICENCE),
    Access("GET", "/deposits/{deposit_id}", _SEE, ScopeKind.LICENCE),
    Access("POST", "/deposits/{deposit_id}/proposals", _OPERATORS),
    Access("GET", "/suspense", _SEE_SUSPENSE, ScopeKind.OFFICE),
    Access("GET", "/owed", _SEE_SUSPENSE | {Role.POSTAL_AUTHORITY}, ScopeKind.OFFICE),
    Access("GET", "/deposit-proposals", _RESOURCE),
    Access("POST", "/deposit-proposals/{proposal_id}/approve", _SUPERVISORS),
    Access("POST", "/deposit-proposals/{proposal_id}/reject", _SUPERVISORS),
    Access("POST", "/deposit-proposals/{proposal_id}/withdraw", _OPERATORS),
    Access("POST", "/notional-credits", _OPERATORS),
    Access("POST", "/notional-credits/{deposit_id}/confirm", _SUPERVISORS),
    Access("GET", "/licences/{identifier}/balances", _SEE, ScopeKind.LICENCE),
    *counter.ACCESS,
)


@ROUTES.get("/deposits", **listed(DepositShown))
def list_deposits(asking: Asked, query: Annotated[DepositsQuery, Query()]) -> Any:
    """List deposits, the newest first."""
    return answer_list(asking, DEPOSITS, query)


@ROUTES.get("/deposits/{deposit_id}")
def show_deposit(asking: Asked, deposit_id: Number) -> DepositWhole:
    """Show a deposit with its moves, what makers were told, and what was proposed."""
    number = DepositId(deposit_id)
    with asking.reading() as connection:
        found = list_store.find(connection, asking.permit, number)
        if found is None:
            raise NotFoundError(f"there is no deposit {deposit_id}")
        moves = store.history(connection, number)
        lines = fund_lines.of_deposit(connection, number)
        proposed = proposals.of_deposit(connection, number)
    return DepositWhole(
        **dict(DepositShown.of(found)),
        moves=[MoveShown.of(one) for one in moves],
        lines=[FundLineShown.of(one) for one in lines],
        proposals=[ProposalShown.of(one) for one in proposed],
    )


@ROUTES.get("/suspense", **listed(SuspendedShown))
def list_suspense(asking: Asked, query: Annotated[SuspenseQuery, Query()]) -> Any:
    """List what waits in suspense, the oldest first."""
    return answer_list(asking, suspense(asking.now), query)


@ROUTES.get("/owed", **listed(OwedShown))
def list_owed(asking: Asked, query: Annotated[OwedQuery, Query()]) -> Any:
    """List what licensees owe for payments that were taken back, the oldest first."""
    return answer_list(asking, owed(asking.now), query)


@ROUTES.post("/deposits/{deposit_id}/proposals", status_code=HTTPStatus.CREATED)
def propose(asking: AskedOnce, deposit_id: Number, body: ProposalBody) -> ProposalShown:
    """Propose what becomes of a deposit; somebody else decides."""

    def task(connection: Connection) -> ProposalShown:
        number, by = DepositId(deposit_id), asking.by(body.reason)
        made = desk.propose(
            connection,
            number,
            body.action,
            by,
            licence=body.licence or "",
            payment=None if body.payment is None else DepositId(body.payment),
        )
        return ProposalShown.of(made)

    return asking.once("propose about a deposit", body, ProposalShown, task)


@ROUTES.get("/deposit-proposals", **listed(ProposalShown))
def list_proposals(asking: Asked, query: Annotated[ProposalsQuery, Query()]) -> Any:
    """List what was proposed about deposits, the newest first."""
    return answer_list(asking, PROPOSALS, query)


@ROUTES.post("/deposit-proposals/{proposal_id}/approve")
def approve(asking: AskedOnce, proposal_id: Number, body: DecisionBody) -> DepositShown:
    """Agree to what somebody else proposed; it is carried out."""

    def task(connection: Connection) -> DepositShown:
        number, by = ProposalId(proposal_id), asking.by(body.reason)
        return DepositShown.of(desk.approve(connection, number, by))

    return asking.once("approve a proposal", body, DepositShown, task)


@ROUTES.post("/deposit-proposals/{proposal_id}/reject")
def reject(asking: Asked, proposal_id: Number, body: DecisionBody) -> ProposalShown:
    """Do not agree to what somebody else proposed."""
    return _decide(asking, "reject a proposal", desk.reject, proposal_id, body)


@ROUTES.post("/deposit-proposals/{proposal_id}/withdraw")
def withdraw(asking: Asked, proposal_id: Number, body: DecisionBody) -> ProposalShown:
    """Take back what oneself proposed."""
    return _decide(asking, "withdraw a proposal", desk.withdraw, proposal_id, body)


@ROUTES.post("/notional-credits", status_code=HTTPStatus.CREATED)
def enter_notional(asking: AskedOnce, body: NotionalBody) -> DepositShown:
    """Enter credit for a departmental licence; somebody else confirms it."""

    def task(connection: Connection) -> DepositShown:
        by = asking.by(body.reason)
        made = notional.enter(connection, body.licence, body.amount, body.reference, by)
        return DepositShown.of(made)

    made = asking.once("enter notional credit", body, DepositShown, task)
    asking.made(f"/deposits/{made.id}")
    return made


@ROUTES.post("/notional-credits/{deposit_id}/confirm")
def confirm_notional(
    asking: AskedOnce, deposit_id: Number, body: DecisionBody
) -> DepositShown:
    """Confirm credit that somebody else entered."""

    def task(connection: Connection) -> DepositShown:
        number, by = DepositId(deposit_id), asking.by(body.reason)
        return DepositShown.of(notional.confirm(connection, number, by))

    return asking.once("confirm notional credit", body, DepositShown, task)


@ROUTES.get("/licences/{identifier}/balances")
def show_balances(asking: Asked, identifier: Licence) -> BalancesShown:
    """Show the three balances of a licence, and the newest entries of its accounts."""
    with asking.reading() as connection:
        found = licences.get(connection, identifier)
        grants = asking.permit.grants
        if not any(reaches(connection, grant, found) for grant in grants):
            raise NotFoundError(f"there is no licence {identifier}")
        held = ledger.balances(connection, found.identifier)
        entries = ledger.statement_of_account(
            connection, found.identifier, _ENTRIES_MAX
        )
    return BalancesShown.of(found.identifier, held, entries)


def _decide(
    asking: Asking, name: str, act: Any, proposal_id: int, body: DecisionBody
) -> ProposalShown:
    with asking.writing(name) as connection:
        decided = act(connection, ProposalId(proposal_id), asking.by(body.reason))
        return ProposalShown.of(decided)
