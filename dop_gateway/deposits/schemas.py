"""What is said about deposits over HTTP."""

from datetime import date
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field
from sqlalchemy import Row

from dop_gateway.deposits.fund_lines import SentLine
from dop_gateway.deposits.model import (
    Action,
    Deposit,
    DepositState,
    LineKind,
    LineState,
    ProposalState,
)
from dop_gateway.deposits.proposals_store import Proposal
from dop_gateway.ledger import Balances, Line, Source
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.money import Rupees
from protocol.exchange import PaymentMode
from protocol.values import EpochSeconds, Paise

StateName = Annotated[DepositState, ByName(DepositState)]
SourceName = Annotated[Source, ByName(Source)]
ModeName = Annotated[PaymentMode, ByName(PaymentMode)]
ActionName = Annotated[Action, ByName(Action)]
ProposalStateName = Annotated[ProposalState, ByName(ProposalState)]
LineKindName = Annotated[LineKind, ByName(LineKind)]
LineStateName = Annotated[LineState, ByName(LineState)]
NUMBER_MAX: Final = 2**53 - 1
Identifier = Annotated[str, Field(pattern=r"^[A-Z][0-9]{6}$")]


class DepositShown(BaseModel):
    """A deposit; what was captured, and to which licence it belongs."""

    id: int
    source: SourceName
    reference: str
    captured_licence: str
    captured_licence_number: str
    captured_licensee: str
    amount: Rupees
    mode: ModeName
    instrument: str
    value_date: date
    realised_on: date | None
    state: StateName
    licence: str | None
    available_from: date | None
    received_at: str
    suspended_at: str | None
    fault_code: str
    fault: str
    downloaded: Rupees
    refunded: Rupees

    @classmethod
    def of(cls, one: Deposit) -> Self:
        """Tell of a deposit."""
        told, against = one.payment, one.objection
        return cls(
            id=one.id,
            source=told.source,
            reference=told.reference,
            captured_licence=told.licence,
            captured_licence_number=told.licence_number,
            captured_licensee=told.licensee,
            amount=told.amount_paise,
            mode=told.mode,
            instrument=told.instrument,
            value_date=told.value_date,
            realised_on=told.realised_on,
            state=one.state,
            licence=one.licence,
            available_from=one.available_from,
            received_at=show_moment(one.received_at),
            suspended_at=_moment(one.suspended_at),
            fault_code="" if against is None else against.code,
            fault="" if against is None else against.words,
            downloaded=one.downloaded_paise,
            refunded=one.refunded_paise,
        )


class MoveShown(BaseModel):
    """A move of a deposit."""

    number: int
    move: str
    from_state: str
    to_state: str
    at: str
    reason: str

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Tell of a row of its history."""
        return cls(
            number=row.number,
            move=row.move,
            from_state=row.from_state,
            to_state=row.to_state,
            at=show_moment(EpochSeconds(row.at)),
            reason=row.reason,
        )


class FundLineShown(BaseModel):
    """A line of a fund file that tells of a deposit."""

    line_id: str
    licence: str
    kind: LineKindName
    state: LineStateName
    amount: Rupees
    file_id: str | None

    @classmethod
    def of(cls, one: SentLine) -> Self:
        """Tell of a line."""
        return cls(
            line_id=str(one.id),
            licence=one.licence,
            kind=one.kind,
            state=one.state,
            amount=Paise(one.told_paise),
            file_id=one.file_id,
        )


class ProposalShown(BaseModel):
    """What somebody proposes about a deposit."""

    id: int
    deposit: int
    action: ActionName
    licence: str | None
    payment: int | None
    words: str
    state: ProposalStateName
    proposed_by: int
    proposed_at: str
    decided_by: int | None
    decided_at: str | None
    decision: str

    @classmethod
    def of(cls, one: Proposal) -> Self:
        """Tell of a proposal."""
        return cls(
            id=one.id,
            deposit=one.deposit,
            action=one.action,
            licence=one.licence,
            payment=one.paid_by,
            words=one.words,
            state=one.state,
            proposed_by=one.proposed_by,
            proposed_at=show_moment(one.proposed_at),
            decided_by=one.decided_by,
            decided_at=_moment(one.decided_at),
            decision=one.decision,
        )


class DepositWhole(DepositShown):
    """A deposit with all that happened to it."""

    moves: list[MoveShown]
    lines: list[FundLineShown]
    proposals: list[ProposalShown]


class SuspendedShown(DepositShown):
    """A deposit in suspense; `age_days` since it came there."""

    age_days: int
    proposed: ProposalShown | None


class OwedShown(DepositShown):
    """A deposit that was taken back, and that its licensee owes."""

    owed_since: str
    age_days: int
    proposed: ProposalShown | None


class ProposalBody(Body):
    """What is to become of a deposit.

    `licence` is to which it is released, `payment` the number of the deposit that
    settles what is owed.
    """

    action: ActionName
    licence: Identifier | None = None
    payment: Annotated[int, Field(ge=1, le=NUMBER_MAX)] | None = None
    reason: Reason


class DecisionBody(Body):
    """How it is decided, and why."""

    reason: Reason


class NotionalBody(Body):
    """Credit for a departmental licence, by a sanction."""

    licence: Identifier
    amount: Rupees
    reference: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Reason


class EntryShown(BaseModel):
    """An entry of the ledger."""

    journal: int
    at: str
    kind: str
    account: str
    amount: Rupees
    reason: str

    @classmethod
    def of(cls, one: Line) -> Self:
        """Tell of an entry."""
        return cls(
            journal=one.journal,
            at=show_moment(one.posted_at),
            kind=one.kind,
            account=one.account,
            amount=Paise(one.amount_paise),
            reason=one.reason,
        )


class BalancesShown(BaseModel):
    """The three balances of a licence, which are never added, and newest entries."""

    licence: str
    deposited: Rupees
    remaining: Rupees
    machine: Rupees
    entries: list[EntryShown]

    @classmethod
    def of(cls, licence: str, held: Balances, entries: list[Line]) -> Self:
        """Tell of balances."""
        return cls(
            licence=licence,
            deposited=held.deposited,
            remaining=held.remaining,
            machine=held.machine,
            entries=[EntryShown.of(one) for one in entries],
        )


def _moment(moment: EpochSeconds | None) -> str | None:
    return None if moment is None else show_moment(moment)
