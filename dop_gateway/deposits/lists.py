"""The lists of deposits, and of what waits in suspense by its age."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.deposits import list_store, store
from dop_gateway.deposits import proposals_store as proposals
from dop_gateway.deposits.list_store import Wanted
from dop_gateway.deposits.model import Deposit, DepositState
from dop_gateway.deposits.proposals_store import Proposal
from dop_gateway.deposits.schemas import (
    ActionName,
    DepositShown,
    ModeName,
    OwedShown,
    ProposalShown,
    ProposalStateName,
    SourceName,
    StateName,
    SuspendedShown,
)
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.store.matching import Matching
from dop_gateway.web.fields import show_moment
from dop_gateway.web.lists import ListQuery, WebList
from protocol.parameters import business_date
from protocol.values import EpochSeconds

_DAY_S: Final = 86_400
LicenceWanted = Annotated[str, Field(pattern=r"^([A-Z][0-9]{6})?$")]
MakerWanted = Annotated[str, Field(pattern=r"^[A-Z]?$")]


class DepositsQuery(ListQuery):
    """Which deposits; both days are days of the payment, and included."""

    state: StateName | None = None
    source: SourceName | None = None
    mode: ModeName | None = None
    licence: LicenceWanted = ""
    maker: MakerWanted = ""
    reference: Annotated[str, Field(max_length=64)] = ""
    dated_from: date | None = None
    dated_to: date | None = None
    sort: Literal[
        "id", "-id", "value_date", "-value_date", "amount", "-amount", "state", "-state"
    ] = "-id"


class SuspenseQuery(ListQuery):
    """Which deposits in suspense; the oldest come first."""

    source: SourceName | None = None
    licence: LicenceWanted = ""
    sort: Literal["suspended_at", "-suspended_at", "amount", "-amount"] = "suspended_at"


class ProposalsQuery(ListQuery):
    """Which proposals; ``PROPOSED`` are those that wait for a decision."""

    state: ProposalStateName | None = None
    action: ActionName | None = None
    sort: Literal["id", "-id"] = "-id"


class OwedQuery(ListQuery):
    """Which deposits that licensees owe; the oldest come first."""

    licence: LicenceWanted = ""
    maker: MakerWanted = ""
    sort: Literal["id", "-id", "amount", "-amount"] = "id"


def _deposits(
    connection: Connection, permit: Permit, query: DepositsQuery
) -> Matching[Deposit]:
    wanted = Wanted(
        query.state,
        query.source,
        query.mode,
        query.licence,
        query.maker,
        query.reference,
        query.dated_from,
        query.dated_to,
    )
    return list_store.matching(connection, permit, wanted)


def _suspended(
    connection: Connection, permit: Permit, query: SuspenseQuery
) -> Matching[Deposit]:
    wanted = Wanted(
        state=DepositState.SUSPENSE, source=query.source, licence=query.licence
    )
    return list_store.matching(connection, permit, wanted)


def _owed(
    connection: Connection, permit: Permit, query: OwedQuery
) -> Matching[Deposit]:
    wanted = Wanted(state=DepositState.OWED, licence=query.licence, maker=query.maker)
    return list_store.matching(connection, permit, wanted)


def _show(_connection: Connection, found: Sequence[Deposit]) -> list[DepositShown]:
    return [DepositShown.of(one) for one in found]


def age_days(one: Deposit, now: EpochSeconds) -> int:
    """Say for how many days a deposit has been in suspense."""
    since = one.changed_at if one.suspended_at is None else one.suspended_at
    return (business_date(now) - business_date(since)).days


def _cells(one: Deposit) -> Row:
    told, against = one.payment, one.objection
    return (
        one.id,
        told.source.name,
        told.reference,
        told.value_date,
        one.licence or told.licence,
        told.licensee,
        told.mode.name,
        told.amount_paise,
        one.state.name,
        one.available_from,
        one.downloaded_paise,
        one.suspended_at,
        "" if against is None else f"{against.code}: {against.words}",
    )


_COLUMNS: Final = (
    Column("id", "Number", Kind.COUNT),
    Column("source", "Source"),
    Column("reference", "Reference"),
    Column("value_date", "Paid on", Kind.DAY),
    Column("licence", "Licence"),
    Column("licensee", "Licensee as captured"),
    Column("mode", "Mode"),
    Column("amount", "Amount", Kind.MONEY, summed=True),
    Column("state", "State"),
    Column("available_from", "Available from", Kind.DAY),
    Column("downloaded", "Downloaded", Kind.MONEY, summed=True),
    Column("suspended_at", "In suspense since", Kind.MOMENT),
    Column("fault", "Why"),
)

DEPOSITS: Final = WebList("deposits", "Deposits", _COLUMNS, _deposits, _show, _cells)


def suspense(now: EpochSeconds) -> WebList[SuspenseQuery, Deposit, SuspendedShown]:
    """Make the list of what is in suspense, with its age at a moment."""

    def show(connection: Connection, found: Sequence[Deposit]) -> list[SuspendedShown]:
        return [_suspended_shown(connection, one, now) for one in found]

    return WebList(
        "suspense", "Deposits in suspense", _COLUMNS, _suspended, show, _cells
    )


def owed(now: EpochSeconds) -> WebList[OwedQuery, Deposit, OwedShown]:
    """Make the list of what licensees owe, with its age at a moment."""

    def show(connection: Connection, found: Sequence[Deposit]) -> list[OwedShown]:
        since = store.owed_since(connection, (one.id for one in found))
        return [_owed_shown(connection, one, since[one.id], now) for one in found]

    return WebList("owed", "Deposits that are owed", _COLUMNS, _owed, show, _cells)


def _owed_shown(
    connection: Connection, one: Deposit, since: EpochSeconds, now: EpochSeconds
) -> OwedShown:
    proposed = proposals.open_of(connection, one.id)
    return OwedShown(
        **dict(DepositShown.of(one)),
        owed_since=show_moment(since),
        age_days=(business_date(now) - business_date(since)).days,
        proposed=None if proposed is None else ProposalShown.of(proposed),
    )


def _suspended_shown(
    connection: Connection, one: Deposit, now: EpochSeconds
) -> SuspendedShown:
    proposed = proposals.open_of(connection, one.id)
    return SuspendedShown(
        **dict(DepositShown.of(one)),
        age_days=age_days(one, now),
        proposed=None if proposed is None else ProposalShown.of(proposed),
    )


def _proposals(
    _connection: Connection, _permit: Permit, query: ProposalsQuery
) -> Matching[Proposal]:
    return proposals.matching(query.state, query.action)


def _proposals_shown(
    _connection: Connection, found: Sequence[Proposal]
) -> list[ProposalShown]:
    return [ProposalShown.of(one) for one in found]


def _proposal_cells(one: Proposal) -> Row:
    return (
        one.id,
        one.deposit,
        one.action.name,
        one.licence,
        one.paid_by,
        one.words,
        one.state.name,
        one.proposed_at,
        one.decided_at,
        one.decision,
    )


PROPOSALS: Final = WebList(
    "deposit-proposals",
    "Proposals about deposits",
    (
        Column("id", "Number", Kind.COUNT),
        Column("deposit", "Deposit", Kind.COUNT),
        Column("action", "Proposed"),
        Column("licence", "To licence"),
        Column("payment", "Settled by deposit", Kind.COUNT),
        Column("words", "Why"),
        Column("state", "State"),
        Column("proposed_at", "Proposed at", Kind.MOMENT),
        Column("decided_at", "Decided at", Kind.MOMENT),
        Column("decision", "Decided because"),
    ),
    _proposals,
    _proposals_shown,
    _proposal_cells,
)
