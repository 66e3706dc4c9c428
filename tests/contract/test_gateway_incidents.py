"""What is wrong is told once, given to somebody, acted upon, closed; both engines.

Source: RMFS-29 (state, owner, action), GW-02, GW-03.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.identity import store as people
from dop_gateway.identity.model import (
    GATEWAY,
    Actor,
    By,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.incidents import service, store
from dop_gateway.incidents.model import IncidentId, IncidentKind, IncidentState
from dop_gateway.incidents.store import Wanted
from dop_gateway.moves import IllegalMoveError
from hw.database import Store
from protocol.values import EpochSeconds, LicenceIdentifier
from tests.gateway import NOW, gateway_at

PROGRAM = By(GATEWAY, NOW, "job")
N = LicenceIdentifier("N123456")


@pytest.fixture
def opened(store_place: str) -> Iterator[Store]:
    """Open a database in which nothing is wrong."""
    with gateway_at(store_place) as opened:
        yield opened


def person(opened: Store, login: str, role: Role) -> By:
    """Let somebody in for the whole Department."""
    grant = Grant(role, ScopeKind.EVERYTHING)
    with opened.writing("test") as connection:
        number = people.insert_person(
            connection,
            login=login,
            name=login,
            kind=PersonKind.STAFF,
            email="",
            mobile="",
            password_hash=None,
            now=NOW,
        )
        people.insert_grant(connection, number, grant, PROGRAM.actor.person, NOW)
    return By(Actor(number, login, PersonKind.STAFF, (grant,)), NOW, "ask", "a test")


def found(
    opened: Store,
    kind: IncidentKind = IncidentKind.SNAPSHOT_WRONG,
    words: str = "Rs 5.00 are missing",
    *,
    now: EpochSeconds = NOW,
    paise: int = 500,
) -> IncidentId:
    """Report that something is wrong."""
    with opened.writing("test") as connection:
        return service.report(
            connection,
            kind,
            "N123456",
            words,
            replace(PROGRAM, now=now),
            amount_paise=paise,
            maker="N",
            licence=N,
        )


def test_what_is_found_again_is_the_same_incident_until_it_is_closed(
    opened: Store,
) -> None:
    first = found(opened)
    again = found(opened, words="Rs 6.00 are missing", now=EpochSeconds(NOW + 60))
    other = found(opened, IncidentKind.DISCREPANCY)
    assert again == first != other
    with opened.reading() as connection:
        kept = store.get(connection, first)
        moves = [one.move for one in store.history(connection, first)]
    assert kept is not None
    assert (kept.found_at, kept.seen_at) == (NOW, NOW + 60)
    assert (kept.words, kept.state) == ("Rs 6.00 are missing", IncidentState.OPEN)
    assert moves == ["reported", "find_again"]


def test_an_incident_of_money_is_closed_by_somebody_else_than_who_acted(
    opened: Store,
) -> None:
    ravi = person(opened, "ravi", Role.DCR_SUPERVISOR)
    meena = person(opened, "meena", Role.DCR_SUPERVISOR)
    incident = found(opened)
    with opened.writing("test") as connection:
        service.assign(connection, incident, "ravi", meena)
        service.act(connection, incident, "asked the maker for the file", ravi)
        with pytest.raises(SamePersonError):
            service.close(connection, incident, ravi)
        closed = service.close(connection, incident, meena)
        steps = store.history(connection, incident)
    assert closed.state is IncidentState.CLOSED
    assert closed.owner_login == "ravi"
    assert [(one.login, one.move, one.to_state) for one in steps] == [
        ("gateway", "reported", "OPEN"),
        ("meena", "assigned", "ASSIGNED"),
        ("ravi", "acted", "ACTED"),
        ("meena", "approved", "CLOSED"),
    ]
    assert found(opened) != incident


def test_where_no_money_is_who_acted_may_close(opened: Store) -> None:
    ravi = person(opened, "ravi", Role.DCR_OPERATOR)
    incident = found(opened, IncidentKind.FILE_MISSING, paise=0)
    with opened.writing("test") as connection:
        service.assign(connection, incident, "ravi", ravi)
        service.act(connection, incident, "it came by hand", ravi)
        assert service.close(connection, incident, ravi).closed_at == NOW
        again = service.reopen(connection, incident, ravi)
    assert (again.state, again.owner, again.closed_at) == (
        IncidentState.OPEN,
        None,
        None,
    )


def test_an_operator_does_not_approve_what_is_of_money(opened: Store) -> None:
    ravi = person(opened, "ravi", Role.DCR_OPERATOR)
    meena = person(opened, "meena", Role.DCR_OPERATOR)
    incident = found(opened)
    with opened.writing("test") as connection:
        service.assign(connection, incident, "ravi", ravi)
        service.act(connection, incident, "asked", ravi)
        with pytest.raises(NotAllowedError):
            service.close(connection, incident, meena)


def test_what_comes_right_by_itself_waits_for_a_person_to_close_it(
    opened: Store,
) -> None:
    ravi = person(opened, "ravi", Role.DCR_OPERATOR)
    kind = IncidentKind.FILE_MISSING
    incident = found(opened, kind, paise=0)
    with opened.writing("test") as connection:
        told = service.over(connection, kind, "N123456", "it came at 10:20", PROGRAM)
        assert told == incident
        assert service.over(connection, kind, "N123456", "again", PROGRAM) is None
        assert service.over(connection, kind, "P000001", "none", PROGRAM) is None
        closed = service.close(connection, incident, ravi)
    assert (closed.action, closed.acted_by) == ("it came at 10:20", GATEWAY.person)


def test_an_incident_is_given_only_to_who_looks_into_them(opened: Store) -> None:
    ravi = person(opened, "ravi", Role.DCR_OPERATOR)
    person(opened, "post", Role.POSTAL_AUTHORITY)
    incident = found(opened)
    with opened.writing("test") as connection:
        for login in ("post", "nobody"):
            with pytest.raises(InvalidError):
                service.assign(connection, incident, login, ravi)
        with pytest.raises(ConflictError, match="nobody was given"):
            service.act(connection, incident, "too early", ravi)
        with pytest.raises(IllegalMoveError):
            service.close(connection, incident, ravi)
        service.assign(connection, incident, "ravi", ravi)
        with pytest.raises(InvalidError):
            service.act(connection, incident, " ", ravi)
        with pytest.raises(NotFoundError):
            service.act(connection, IncidentId(99), "what", ravi)


def test_what_was_found_again_since_is_not_opened_a_second_time(opened: Store) -> None:
    ravi = person(opened, "ravi", Role.DCR_OPERATOR)
    kind = IncidentKind.FILE_MISSING
    incident = found(opened, kind, paise=0)
    with opened.writing("test") as connection:
        service.assign(connection, incident, "ravi", ravi)
        service.act(connection, incident, "asked", ravi)
        service.close(connection, incident, ravi)
    newer = found(opened, kind, paise=0)
    with (
        opened.writing("test") as connection,
        pytest.raises(ConflictError, match=f"incident {newer}"),
    ):
        service.reopen(connection, incident, ravi)


def test_a_list_has_what_is_asked_for_the_newest_first(opened: Store) -> None:
    first = found(opened)
    second = found(opened, IncidentKind.FILE_MISSING)
    with opened.reading() as connection:

        def ids(wanted: Wanted) -> list[IncidentId]:
            return [one.id for one in store.list_incidents(connection, wanted)]

        assert ids(Wanted()) == [second, first]
        assert ids(Wanted(kinds=[IncidentKind.FILE_MISSING])) == [second]
        assert ids(Wanted(states=[IncidentState.CLOSED])) == []
        assert ids(Wanted(makers=["P"])) == []
        assert ids(Wanted(makers=["P"], licences=[N])) == [second, first]
        assert store.count(connection, Wanted(makers=["N"])) == 2
