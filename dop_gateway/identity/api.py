"""Routes of people and sessions."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request

from dop_gateway.access import EVERYBODY, Access
from dop_gateway.errors import NotFoundError, NotSignedInError
from dop_gateway.identity import people, store
from dop_gateway.identity.lists import PEOPLE, PeopleQuery
from dop_gateway.identity.model import Role
from dop_gateway.identity.people import NewPerson
from dop_gateway.identity.schemas import (
    Code,
    GivenPassword,
    GrantBody,
    NewPassword,
    OwnPassword,
    PersonBody,
    PersonShown,
    ReasonBody,
    SecondFactorAddress,
    SessionBegun,
    SessionShown,
    SignIn,
    StateBody,
)
from dop_gateway.identity.signing_in import Owed, Typed, owed_by
from dop_gateway.web.asking import Asked, gates_of, parts_of
from dop_gateway.web.lists import answer_list, listed
from dop_gateway.web.log import log_sign_in

ROUTES: Final = APIRouter(tags=["people"])
Login = Annotated[str, Path(max_length=40)]
_EVERYTHING_OWED: Final = frozenset(Owed)
_ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
_SEE_PEOPLE: Final = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})

ACCESS: Final = (
    Access("POST", "/sessions", frozenset()),
    Access("GET", "/me", EVERYBODY, owed=_EVERYTHING_OWED),
    Access("POST", "/me/sign-out", EVERYBODY, owed=_EVERYTHING_OWED),
    Access("GET", "/me/sessions", EVERYBODY, owed=_EVERYTHING_OWED),
    Access("POST", "/me/sessions/end", EVERYBODY, owed=_EVERYTHING_OWED),
    Access("POST", "/me/password", EVERYBODY, owed=_EVERYTHING_OWED),
    Access("POST", "/me/second-factor", EVERYBODY, owed=_EVERYTHING_OWED),
    Access("POST", "/me/second-factor/confirm", EVERYBODY, owed=_EVERYTHING_OWED),
    Access("GET", "/people", _SEE_PEOPLE),
    Access("POST", "/people", _ADMINISTRATORS),
    Access("GET", "/people/{login}", _SEE_PEOPLE),
    Access("POST", "/people/{login}/state", _ADMINISTRATORS),
    Access("POST", "/people/{login}/reset", _ADMINISTRATORS),
    Access("POST", "/people/{login}/roles", _ADMINISTRATORS),
    Access("POST", "/people/{login}/roles/end", _ADMINISTRATORS),
)


@ROUTES.post("/sessions", status_code=HTTPStatus.CREATED)
def sign_in(request: Request, body: SignIn) -> SessionBegun:
    """Sign in: the token goes into `Authorization: Bearer` from then on."""
    parts = parts_of(request)
    address = "" if request.client is None else request.client.host
    gates_of(request).sign_ins.pass_through(address, parts.clock.now())
    typed = Typed(body.login, body.password, body.code)
    # A wrong attempt is committed like a right one: it has been counted.
    with parts.store.writing("sign in") as connection:
        begun = parts.door.sign_in(
            connection, typed, parts.clock.now(), request.state.request_id
        )
    if begun is None:
        raise NotSignedInError("login, password or code is wrong")
    log_sign_in(request, body.login)
    return SessionBegun.of(begun)


@ROUTES.get("/me")
def show_me(asking: Asked) -> PersonShown:
    """Show who is signed in, with which roles, and what they owe."""
    known = asking.known
    return PersonShown.of(known.person, known.actor.grants, known.owed)


@ROUTES.post("/me/sign-out", status_code=HTTPStatus.NO_CONTENT)
def sign_out(asking: Asked) -> None:
    """End this session."""
    known = asking.known
    with asking.writing("sign out") as connection:
        store.end_sessions(connection, known.person.id, asking.now, [known.token_hash])


@ROUTES.get("/me/sessions")
def list_sessions(asking: Asked) -> list[SessionShown]:
    """List the own sessions, the newest first."""
    known = asking.known
    with asking.reading() as connection:
        found = store.list_sessions(connection, known.person.id)
    return [
        SessionShown.of(one, this=token_hash == known.token_hash)
        for token_hash, one in found
        if not one.is_over(asking.now)
    ]


@ROUTES.post("/me/sessions/end", status_code=HTTPStatus.NO_CONTENT)
def end_other_sessions(asking: Asked, body: OwnPassword) -> None:
    """End every session but this one."""
    with asking.writing("end sessions") as connection:
        asking.parts.door.end_other_sessions(
            connection, asking.known, body.password, asking.by()
        )


@ROUTES.post("/me/password", status_code=HTTPStatus.NO_CONTENT)
def change_password(asking: Asked, body: NewPassword) -> None:
    """Change the own password; all sessions end, this one too."""
    with asking.writing("change a password") as connection:
        asking.parts.door.change_password(
            connection, asking.known, body.old, body.new, asking.by()
        )


@ROUTES.post("/me/second-factor", status_code=HTTPStatus.CREATED)
def set_up_second_factor(asking: Asked, body: OwnPassword) -> SecondFactorAddress:
    """Draw a second factor; it counts once a code of it is confirmed."""
    with asking.writing("set up a second factor") as connection:
        new = asking.parts.door.set_up_second_factor(
            connection, asking.known, body.password
        )
    return SecondFactorAddress(address=new.address)


@ROUTES.post("/me/second-factor/confirm", status_code=HTTPStatus.NO_CONTENT)
def confirm_second_factor(asking: Asked, body: Code) -> None:
    """Confirm the second factor with its first code."""
    with asking.writing("confirm a second factor") as connection:
        asking.parts.door.confirm_second_factor(
            connection, asking.known, body.code, asking.by()
        )


@ROUTES.get("/people", **listed(PersonShown))
def list_people(asking: Asked, query: Annotated[PeopleQuery, Query()]) -> Any:
    """List people, or have the list as a file."""
    return answer_list(asking, PEOPLE, query)


@ROUTES.post("/people", status_code=HTTPStatus.CREATED)
def add_person(asking: Asked, body: PersonBody) -> GivenPassword:
    """Let somebody in, with a password that they have to change."""
    new = NewPerson(body.login, body.name, body.kind, body.email, body.mobile)
    with asking.writing("add a person") as connection:
        password = people.add_person(
            connection, new, asking.parts.passwords, asking.by(body.reason)
        )
    asking.made(f"/people/{body.login}")
    return GivenPassword(login=body.login, password=password)


@ROUTES.get("/people/{login}")
def show_person(asking: Asked, login: Login) -> PersonShown:
    """Show somebody."""
    with asking.reading() as connection:
        found = store.read_person(connection, login)
        if found is None:
            raise NotFoundError(f"there is nobody with the login {login}")
        grants = store.grants_of(connection, found.id)
    return PersonShown.of(found, grants, owed_by(found))


@ROUTES.post("/people/{login}/state", status_code=HTTPStatus.NO_CONTENT)
def set_state(asking: Asked, login: Login, body: StateBody) -> None:
    """Disable somebody, or let them in again."""
    with asking.writing("set a person's state") as connection:
        people.set_state(connection, login, body.state, asking.by(body.reason))


@ROUTES.post("/people/{login}/reset")
def reset(asking: Asked, login: Login, body: ReasonBody) -> GivenPassword:
    """Give somebody a new password, and take their second factor away."""
    with asking.writing("reset a person") as connection:
        password = people.reset(
            connection, login, asking.parts.passwords, asking.by(body.reason)
        )
    return GivenPassword(login=login, password=password)


@ROUTES.post("/people/{login}/roles", status_code=HTTPStatus.NO_CONTENT)
def give_role(asking: Asked, login: Login, body: GrantBody) -> None:
    """Give somebody a role."""
    with asking.writing("give a role") as connection:
        people.give_role(
            connection,
            login,
            body.grant(),
            asking.parts.scope_exists,
            asking.by(body.reason),
        )


@ROUTES.post("/people/{login}/roles/end", status_code=HTTPStatus.NO_CONTENT)
def end_role(asking: Asked, login: Login, body: GrantBody) -> None:
    """End a role of somebody."""
    with asking.writing("end a role") as connection:
        people.end_role(connection, login, body.grant(), asking.by(body.reason))
