"""What programs and people do about incidents.

Programs `report` what is wrong as often as they see it, and say with `over` that it is
not any more; people are given it, say what they did, close it and open it again. Each
of these is a row of the audit trail in the same transaction.
"""

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotFoundError,
)
from dop_gateway.identity import store as people
from dop_gateway.identity.model import (
    GATEWAY,
    By,
    PersonId,
    PersonKind,
    PersonState,
    ScopeKind,
)
from dop_gateway.incidents import store
from dop_gateway.incidents.lifecycle import INCIDENT, RESOURCE
from dop_gateway.incidents.model import (
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentKind,
    IncidentState,
)
from dop_gateway.incidents.store import Finding
from dop_gateway.moves import Mover, mover
from protocol.errors import InvariantError
from protocol.values import LicenceIdentifier, Paise

WORDS_MAX: Final = 1_000
"""Characters that are kept of what was found."""


def report(
    connection: Connection,
    kind: IncidentKind,
    subject: str,
    words: str,
    by: By,
    *,
    amount_paise: int = 0,
    maker: str = "",
    licence: LicenceIdentifier | None = None,
) -> IncidentId:
    """Tell of something that is wrong.

    While an incident of this kind and subject is not closed, it is found again: nothing
    is changed but what was found last, and when.

    Args:
        connection: A writing transaction.
        kind: What is wrong.
        subject: With which thing: a file, a line, a licence.
        words: What was found, and what to do next.
        by: Who has found it.
        amount_paise: How much money it is about; 0 where none.
        maker: Letter of the maker that it concerns.
        licence: The licence that it concerns.
    """
    found = Finding(
        kind, subject, words[:WORDS_MAX], Paise(amount_paise), maker, licence
    )
    known = store.find_open(connection, kind, subject)
    if known is None:
        new = store.add(connection, found, by.actor.person, by.now)
        if new is not None:
            trail.add(
                connection,
                by,
                IncidentEvent.REPORTED.name.lower(),
                Subject("incident", str(new)),
                to_state=IncidentState.OPEN.name,
                kind=kind.name,
                about=subject,
                words=found.words,
                amount_paise=amount_paise,
            )
            return new
        known = store.find_open(connection, kind, subject)
        if known is None:
            raise InvariantError(f"{kind.name} of {subject} is neither new nor open")
    if (known.words, known.amount_paise) != (found.words, found.amount_paise):
        trail.add(
            connection,
            by,
            "find_again",
            Subject("incident", str(known.id)),
            from_state=known.state.name,
            to_state=known.state.name,
            words=found.words,
            amount_paise=amount_paise,
        )
    store.see_again(connection, known.id, found, by.now)
    return known.id


def over(
    connection: Connection, kind: IncidentKind, subject: str, words: str, by: By
) -> IncidentId | None:
    """Say that something is not wrong any more; a person closes it all the same.

    Args:
        connection: A writing transaction.
        kind: What was wrong.
        subject: With which thing.
        words: How it came right.
        by: A program of the gateway.

    Returns:
        The incident; None if there is none that waits for an action.
    """
    known = store.find_open(connection, kind, subject)
    if known is None or known.state is IncidentState.ACTED:
        return None
    _act(connection, known, words, replace(by, actor=GATEWAY))
    return known.id


def assign(connection: Connection, of: IncidentId, owner: str, by: By) -> Incident:
    """Give an incident to somebody of the central resource.

    Raises:
        NotFoundError: There is no such incident.
        InvalidError: There is no such person, or they do not look into incidents.
        ConflictError: It is closed.
    """
    known = _must_get(connection, of)
    person = _owner(connection, owner)
    to = INCIDENT.move(
        known.state, IncidentEvent.ASSIGNED, _mover(by), known, _made_by(known)
    )
    store.change(connection, of, state=to.name, owner=person, action="", acted_by=None)
    _tell(connection, by, IncidentEvent.ASSIGNED, known, to, owner=owner)
    return _must_get(connection, of)


def act(connection: Connection, of: IncidentId, action: str, by: By) -> Incident:
    """Say what was done about an incident.

    Raises:
        NotFoundError: There is no such incident.
        ConflictError: Nobody was given it, or it was acted upon already.
    """
    known = _must_get(connection, of)
    if not action.strip():
        raise InvalidError([FieldFinding("/action", "missing", "say what was done")])
    if known.state is IncidentState.OPEN:
        raise ConflictError(f"nobody was given incident {of}: give it to somebody")
    _act(connection, known, action, by)
    return _must_get(connection, of)


def close(connection: Connection, of: IncidentId, by: By) -> Incident:
    """Close an incident that was acted upon.

    Raises:
        NotFoundError: There is no such incident.
        ConflictError: Nothing was done about it yet.
        SamePersonError: Money is involved, and who acted closes it.
    """
    known = _must_get(connection, of)
    event = IncidentEvent.APPROVED if known.is_money else IncidentEvent.CLOSED
    to = INCIDENT.move(known.state, event, _mover(by), known, _made_by(known))
    store.change(connection, of, state=to.name, closed_at=by.now)
    _tell(connection, by, event, known, to)
    return _must_get(connection, of)


def reopen(connection: Connection, of: IncidentId, by: By) -> Incident:
    """Open an incident again.

    Raises:
        NotFoundError: There is no such incident.
        ConflictError: It is not closed, or the same was found again since.
    """
    known = _must_get(connection, of)
    to = INCIDENT.move(
        known.state, IncidentEvent.REOPENED, _mover(by), known, _made_by(known)
    )
    newer = store.find_open(connection, known.kind, known.subject)
    if newer is not None:
        raise ConflictError(f"it was found again: look into incident {newer.id}")
    store.change(
        connection,
        of,
        state=to.name,
        owner=None,
        action="",
        acted_by=None,
        closed_at=None,
    )
    _tell(connection, by, IncidentEvent.REOPENED, known, to)
    return _must_get(connection, of)


def _act(connection: Connection, known: Incident, action: str, by: By) -> None:
    to = INCIDENT.move(
        known.state, IncidentEvent.ACTED, _mover(by), known, _made_by(known)
    )
    store.change(
        connection,
        known.id,
        state=to.name,
        action=action[:WORDS_MAX],
        acted_by=by.actor.person,
    )
    _tell(connection, by, IncidentEvent.ACTED, known, to, action=action[:WORDS_MAX])


def _must_get(connection: Connection, of: IncidentId) -> Incident:
    known = store.get(connection, of, lock=True)
    if known is None:
        raise NotFoundError(f"there is no incident {of}")
    return known


def _owner(connection: Connection, login: str) -> PersonId:
    found = people.find_person(connection, login)
    if found is not None and found[0].state is PersonState.ACTIVE:
        grants = people.grants_of(connection, found[0].id)
        if any(grant.role in RESOURCE for grant in grants):
            return found[0].id
    names = " or ".join(role.name for role in RESOURCE)
    words = f"nobody with the login {login} is {names}"
    raise InvalidError([FieldFinding("/owner", "unknown", words)])


def _mover(by: By) -> Mover:
    """Say with which roles somebody acts: an incident concerns the whole Department."""
    if by.actor.kind is PersonKind.PROGRAM:
        return mover(by.actor, ())
    everything = (
        grant for grant in by.actor.grants if grant.kind is ScopeKind.EVERYTHING
    )
    return mover(by.actor, everything)


def _made_by(known: Incident) -> dict[IncidentEvent, PersonId]:
    return {} if known.acted_by is None else {IncidentEvent.ACTED: known.acted_by}


def _tell(
    connection: Connection,
    by: By,
    event: IncidentEvent,
    known: Incident,
    to: IncidentState,
    **detail: object,
) -> None:
    trail.add(
        connection,
        by,
        event.name.lower(),
        Subject("incident", str(known.id)),
        from_state=known.state.name,
        to_state=to.name,
        **detail,
    )
