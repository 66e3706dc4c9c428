"""What is said about reconciliations over HTTP: money in rupees, moments in India's."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel

from dop_gateway.money.model import (
    Balance,
    Cause,
    Difference,
    Entry,
    Explanation,
    LicenceReport,
    age,
)
from dop_gateway.money.report_store import Done, Part
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from protocol.exchange import show_amount
from protocol.values import EpochSeconds

BalanceName = Annotated[Balance, ByName(Balance)]
CauseName = Annotated[Cause, ByName(Cause)]


class ReconcileBody(Body):
    """For which day, and why."""

    day: date
    reason: Reason


class EntryShown(BaseModel):
    """Something that causes a difference."""

    kind: str
    id: str
    amount: str

    @classmethod
    def of(cls, one: Entry) -> Self:
        """Tell of an entry."""
        return cls(kind=one.kind, id=one.id, amount=show_amount(one.amount_paise))


class ExplanationShown(BaseModel):
    """A part of a difference, in a sentence, with what causes it."""

    cause: CauseName
    meaning: str
    words: str
    amount: str
    since: str
    age_days: str
    entries: list[EntryShown]

    @classmethod
    def of(cls, one: Explanation, now: EpochSeconds) -> Self:
        """Tell of an explanation."""
        return cls(
            cause=one.cause,
            meaning=one.cause.value,
            words=one.words,
            amount=show_amount(one.amount_paise),
            since=show_moment(one.since),
            age_days=age(one.since, now).label,
            entries=[EntryShown.of(entry) for entry in one.entries],
        )


class DifferenceShown(BaseModel):
    """One balance against what is told of it; `unexplained` is a fault of our own."""

    balance: BalanceName
    meaning: str
    ours: str
    told: str | None
    difference: str
    unexplained: str
    explanations: list[ExplanationShown]

    @classmethod
    def of(cls, found: Difference, now: EpochSeconds) -> Self:
        """Tell of a difference."""
        told = found.told_paise
        return cls(
            balance=found.balance,
            meaning=found.balance.value,
            ours=show_amount(found.ours_paise),
            told=None if told is None else show_amount(told),
            difference=show_amount(found.amount_paise),
            unexplained=show_amount(found.unexplained_paise),
            explanations=[ExplanationShown.of(one, now) for one in found.explanations],
        )


class LicenceReportShown(BaseModel):
    """The money of one licence, explained as it is now."""

    licence: str
    maker: str
    deposited: str
    remaining: str
    machine: str
    unexplained: str
    differences: list[DifferenceShown]

    @classmethod
    def of(cls, report: LicenceReport, now: EpochSeconds) -> Self:
        """Tell of a licence."""
        held = report.balances
        return cls(
            licence=report.licence,
            maker=report.maker,
            deposited=show_amount(held.deposited),
            remaining=show_amount(held.remaining),
            machine=show_amount(held.machine),
            unexplained=show_amount(report.unexplained_paise),
            differences=[DifferenceShown.of(one, now) for one in report.differences],
        )


class WholePart(BaseModel):
    """What is told by sources and not in the ledger."""

    cause: CauseName
    words: str
    amount: str
    since: str


class DoneShown(BaseModel):
    """A reconciliation that was done."""

    day: date
    ran_at: str
    licences: int
    unexplained: str

    @classmethod
    def of(cls, done: Done) -> Self:
        """Tell of a reconciliation."""
        return cls(
            day=done.day,
            ran_at=show_moment(done.ran_at),
            licences=done.licences,
            unexplained=show_amount(done.unexplained_paise),
        )


class WholeShown(DoneShown):
    """Where all money was, and how old what was explained was, in days."""

    received: dict[str, str]
    returned: dict[str, str]
    places: dict[str, str]
    counted: str
    told: str
    explanations: list[WholePart]
    ageing: dict[str, dict[str, str]]

    @classmethod
    def of(cls, done: Done) -> Self:
        """Tell of a reconciliation with all that it found."""
        found: Any = done.whole
        return cls(
            **dict(DoneShown.of(done)),
            received=_amounts(found["received"]),
            returned=_amounts(found["returned"]),
            places=_amounts(found["places"]),
            counted=show_amount(found["counted_paise"]),
            told=show_amount(found["told_paise"]),
            explanations=[
                WholePart(
                    cause=Cause[one["cause"]],
                    words=one["words"],
                    amount=show_amount(one["amount_paise"]),
                    since=show_moment(EpochSeconds(one["since"])),
                )
                for one in found["explanations"]
            ],
            ageing={cause: _amounts(of) for cause, of in found["ageing"].items()},
        )


class PartShown(BaseModel):
    """What explained a difference of a licence; without a cause: nothing did."""

    day: date
    licence: str
    maker: str
    balance: BalanceName
    cause: CauseName | None
    words: str
    amount: str
    since: str
    entries: list[EntryShown]

    @classmethod
    def of(cls, part: Part) -> Self:
        """Tell of a part."""
        return cls(
            day=part.day,
            licence=part.licence,
            maker=part.maker,
            balance=part.balance,
            cause=part.cause,
            words=part.words,
            amount=show_amount(part.amount_paise),
            since=show_moment(part.since),
            entries=[EntryShown.of(one) for one in part.entries],
        )


def _amounts(found: Mapping[str, int]) -> dict[str, str]:
    return {name: show_amount(paise) for name, paise in found.items()}
