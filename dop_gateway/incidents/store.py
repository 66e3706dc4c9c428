"""All SQL about incidents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dop_gateway.audit.tables import audit
from dop_gateway.identity.model import PersonId
from dop_gateway.identity.tables import person
from dop_gateway.incidents.model import (
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Step,
)
from dop_gateway.incidents.tables import incident
from dop_gateway.store.matching import Matching
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

_of = incident.c
_SUBJECT = "incident"
_AT_A_TIME = 500
_UNMENDED = (IncidentState.OPEN.name, IncidentState.ASSIGNED.name)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is reported.

    Attributes:
        As those of `Incident`.
    """

    kind: IncidentKind
    subject: str
    words: str
    amount_paise: Paise
    maker: str
    licence: LicenceIdentifier | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents a list has; what is left out narrows nothing.

    Attributes:
        states: In one of these.
        kinds: Of one of these.
        makers: Concerning one of these makers; None: of whatever maker.
        licences: Concerning one of these; None: of whatever licence.
        subject: About exactly this.
        number: This one.
    """

    states: Sequence[IncidentState] = ()
    kinds: Sequence[IncidentKind] = ()
    makers: Sequence[str] | None = None
    licences: Select[Any] | Sequence[str] | None = None
    subject: str = ""
    number: IncidentId | None = None


def find_open(
    connection: Connection, kind: IncidentKind, subject: str
) -> Incident | None:
    """Find the incident of a kind and subject that is not closed, and lock it."""
    row = connection.execute(
        _select()
        .where(
            _of.kind == kind.name,
            _of.subject == subject,
            _of.state != IncidentState.CLOSED.name,
        )
        .with_for_update(of=incident)
    ).one_or_none()
    return None if row is None else _incident(row)


def add(
    connection: Connection, found: Finding, by: PersonId, now: EpochSeconds
) -> IncidentId | None:
    """Keep a new incident; None if somebody has done so at the same moment."""
    postgres = connection.dialect.name == "postgresql"
    begun = postgresql.insert(incident) if postgres else sqlite.insert(incident)
    new = connection.execute(
        begun.values(
            kind=found.kind.name,
            subject=found.subject,
            words=found.words,
            amount_paise=found.amount_paise,
            maker=found.maker,
            licence=found.licence,
            state=IncidentState.OPEN.name,
            found_at=now,
            found_by=by,
            seen_at=now,
            owner=None,
            action="",
            acted_by=None,
            closed_at=None,
        )
        .on_conflict_do_nothing()
        .returning(_of.id)
    ).scalar_one_or_none()
    return None if new is None else IncidentId(new)


def see_again(
    connection: Connection, of: IncidentId, found: Finding, now: EpochSeconds
) -> None:
    """Keep what was found the last time, and when."""
    connection.execute(
        update(incident)
        .where(_of.id == of)
        .values(words=found.words, amount_paise=found.amount_paise, seen_at=now)
    )


def get(
    connection: Connection, of: IncidentId, *, lock: bool = False
) -> Incident | None:
    """Read an incident."""
    asked = _select().where(_of.id == of)
    if lock:
        asked = asked.with_for_update(of=incident)
    row = connection.execute(asked).one_or_none()
    return None if row is None else _incident(row)


def change(connection: Connection, of: IncidentId, **columns: object) -> None:
    """Change columns of an incident whose row is locked."""
    connection.execute(update(incident).where(_of.id == of).values(**columns))


def list_incidents(
    connection: Connection, wanted: Wanted, *, skip: int = 0, rows_max: int = 10
) -> list[Incident]:
    """List incidents, the newest first."""
    asked = _narrowed(_select(), wanted).order_by(_of.id.desc())
    rows = connection.execute(asked.offset(skip).limit(rows_max))
    return [_incident(row) for row in rows]


def incidents_matching(wanted: Wanted) -> Matching[Incident]:
    """Give the incidents that a filter lets through."""
    orders = {
        "number": (_of.id,),
        "kind": (_of.kind, _of.id),
        "amount": (_of.amount_paise, _of.id),
        "found_at": (_of.found_at, _of.id),
        "seen_at": (_of.seen_at, _of.id),
    }
    return Matching(_narrowed(_select(), wanted), orders, _incident)


def count(connection: Connection, wanted: Wanted) -> int:
    """Count the incidents of a list."""
    asked = _narrowed(select(func.count()).select_from(incident), wanted)
    return int(connection.execute(asked).scalar_one())


def unmended(
    connection: Connection,
    kinds: Sequence[IncidentKind],
    licences: Sequence[LicenceIdentifier],
) -> set[tuple[IncidentKind, str]]:
    """Give kinds and subjects of incidents of licences that nobody has acted upon."""
    found: set[tuple[IncidentKind, str]] = set()
    for start in range(0, len(licences), _AT_A_TIME):
        rows = connection.execute(
            select(_of.kind, _of.subject).where(
                _of.licence.in_(licences[start : start + _AT_A_TIME]),
                _of.kind.in_([kind.name for kind in kinds]),
                _of.state.in_(_UNMENDED),
            )
        )
        found.update((IncidentKind[row.kind], row.subject) for row in rows)
    return found


def history(connection: Connection, of: IncidentId) -> list[Step]:
    """Give what was done about an incident, from its first day."""
    rows = connection.execute(
        select(audit, person.c.login)
        .join(person, person.c.id == audit.c.person)
        .where(audit.c.subject_kind == _SUBJECT, audit.c.subject == str(of))
        .order_by(audit.c.number)
    )
    return [
        Step(
            EpochSeconds(row.at),
            row.login,
            row.move,
            row.from_state,
            row.to_state,
            row.reason,
            row.detail,
        )
        for row in rows
    ]


def _select() -> Select[Any]:
    return select(incident, person.c.login.label("owner_login")).outerjoin(
        person, person.c.id == _of.owner
    )


def _narrowed(asked: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.states:
        asked = asked.where(_of.state.in_([one.name for one in wanted.states]))
    if wanted.kinds:
        asked = asked.where(_of.kind.in_([one.name for one in wanted.kinds]))
    if wanted.subject:
        asked = asked.where(_of.subject == wanted.subject)
    if wanted.number is not None:
        asked = asked.where(_of.id == wanted.number)
    reach = []
    if wanted.makers is not None:
        reach.append(_of.maker.in_(wanted.makers))
    if wanted.licences is not None:
        reach.append(_of.licence.in_(wanted.licences))
    return asked.where(or_(*reach)) if reach else asked


def _incident(row: Any) -> Incident:
    return Incident(
        id=IncidentId(row.id),
        kind=IncidentKind[row.kind],
        subject=row.subject,
        words=row.words,
        amount_paise=Paise(row.amount_paise),
        maker=row.maker,
        licence=None if row.licence is None else LicenceIdentifier(row.licence),
        state=IncidentState[row.state],
        found_at=EpochSeconds(row.found_at),
        seen_at=EpochSeconds(row.seen_at),
        owner=None if row.owner is None else PersonId(row.owner),
        owner_login=row.owner_login,
        action=row.action,
        acted_by=None if row.acted_by is None else PersonId(row.acted_by),
        closed_at=None if row.closed_at is None else EpochSeconds(row.closed_at),
    )
