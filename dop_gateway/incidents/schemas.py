"""What is said about incidents over HTTP."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from dop_gateway.incidents.model import Incident, IncidentKind, IncidentState, Step
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from protocol.exchange import show_amount

KindName = Annotated[IncidentKind, ByName(IncidentKind)]
StateName = Annotated[IncidentState, ByName(IncidentState)]
Login = Annotated[str, Field(min_length=1, max_length=64)]
Action = Annotated[str, Field(min_length=1, max_length=1_000)]


class AssignBody(Body):
    """To whom an incident is given."""

    owner: Login
    reason: Reason


class ActBody(Body):
    """What was done about an incident."""

    action: Action
    reason: Reason


class ReasonBody(Body):
    """Why."""

    reason: Reason


class IncidentShown(BaseModel):
    """Something that is wrong; `meaning` says in words what its kind is."""

    number: int
    kind: KindName
    meaning: str
    subject: str
    words: str
    amount: str
    maker: str
    licence: str | None
    state: StateName
    found_at: str
    seen_at: str
    owner: str | None
    action: str
    closed_at: str | None
    needs_two: bool

    @classmethod
    def of(cls, one: Incident) -> Self:
        """Tell of an incident."""
        return cls(
            number=one.id,
            kind=one.kind,
            meaning=one.kind.value,
            subject=one.subject,
            words=one.words,
            amount=show_amount(one.amount_paise),
            maker=one.maker,
            licence=one.licence,
            state=one.state,
            found_at=show_moment(one.found_at),
            seen_at=show_moment(one.seen_at),
            owner=one.owner_login,
            action=one.action,
            closed_at=None if one.closed_at is None else show_moment(one.closed_at),
            needs_two=one.is_money,
        )


class StepShown(BaseModel):
    """A step in the history of an incident."""

    at: str
    person: str
    move: str
    from_state: str
    to_state: str
    reason: str

    @classmethod
    def of(cls, step: Step) -> Self:
        """Tell of a step."""
        return cls(
            at=show_moment(step.at),
            person=step.login,
            move=step.move,
            from_state=step.from_state,
            to_state=step.to_state,
            reason=step.reason,
        )


class IncidentWhole(IncidentShown):
    """An incident with its history, and what can be done about it now."""

    possible: list[str]
    history: list[StepShown]
