"""`rmfs dop person`: let people in from the gateway's own computer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dop_gateway.options_cli import (
    by_command,
    gateway_option,
    json_option,
    opened,
    reason_option,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dop_gateway.identity.model import Grant


@click.group(
    "person",
    epilog="\b\nExample:\n  rmfs dop person add asha --name 'Asha Rao' --email "
    "asha@example.org --role ADMINISTRATOR --reason 'first administrator'",
)
def person_group() -> None:
    """Let people in, and give them what gets them in again."""


@person_group.command(
    epilog="\b\nExamples:\n  rmfs dop person add asha --name 'Asha Rao' --email "
    "asha@example.org --role ADMINISTRATOR --reason 'first administrator'\n"
    "  rmfs dop person add ravi --name 'Ravi Menon' --mobile 9845012345 "
    "--role LICENSING_OPERATOR:OFFICE:KN06 --reason 'new in the Division'"
)
@click.argument("login")
@gateway_option
@click.option("--name", required=True, help="The whole name.")
@click.option(
    "--kind",
    type=click.Choice(["STAFF", "MAKER", "LICENSEE"]),
    default="STAFF",
    show_default=True,
    help="On whose side somebody stands.",
)
@click.option("--email", default="", help="Where messages go; or --mobile.")
@click.option("--mobile", default="", help="Ten digits, the first 6 to 9.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    help="ROLE for the whole Department, or ROLE:OFFICE:ITS-FACILITY-ID-OR-CODE, "
    "ROLE:MAKER:LETTER, ROLE:LICENCE:IDENTIFIER. Again for more.",
)
@reason_option
@json_option
def add(
    *,
    login: str,
    gateway: Path,
    name: str,
    kind: str,
    email: str,
    mobile: str,
    roles: tuple[str, ...],
    reason: str,
    as_json: bool,
) -> None:
    """Let somebody in; prints the password that they have to change."""
    from dop_gateway.identity import people
    from dop_gateway.identity.model import PersonKind
    from dop_gateway.identity.people import NewPerson

    grants = [_grant(one) for one in roles]
    new = NewPerson(login, name, PersonKind[kind], email, mobile)
    with opened(gateway) as parts, parts.store.writing("add a person") as connection:
        by = by_command(parts, reason)
        password = people.add_person(connection, new, parts.passwords, by)
        for grant in grants:
            given = _numbered(connection, grant)
            people.give_role(connection, login, given, parts.scope_exists, by)
    _tell(login, password, as_json=as_json)


@person_group.command(
    epilog="\b\nExample:\n  rmfs dop person reset asha --reason 'lost the phone'"
)
@click.argument("login")
@gateway_option
@reason_option
@json_option
def reset(*, login: str, gateway: Path, reason: str, as_json: bool) -> None:
    """Give somebody a new password, and take their second factor away."""
    from dop_gateway.identity import people

    with opened(gateway) as parts, parts.store.writing("reset a person") as connection:
        by = by_command(parts, reason)
        password = people.reset(connection, login, parts.passwords, by)
    _tell(login, password, as_json=as_json)


@person_group.command(
    "list",
    epilog="\b\nExamples:\n  rmfs dop person list\n"
    "  rmfs dop person list --search rao --json",
)
@gateway_option
@click.option("--search", default="", help="Part of the login or the name.")
@json_option
def list_people(*, gateway: Path, search: str, as_json: bool) -> None:
    """List who may come in, with their roles, by login."""
    from dop_gateway.identity import store
    from dop_gateway.identity.schemas import PersonShown
    from dop_gateway.identity.signing_in import owed_by

    with opened(gateway) as parts, parts.store.reading() as connection:
        matching = store.people_matching(words=search, kind=None, state=None)
        found = [
            (one, store.grants_of(connection, one.id))
            for one in list(matching.all(connection, "login"))
        ]
        if as_json:
            shown = [PersonShown.of(one, has, owed_by(one)) for one, has in found]
            click.echo(json.dumps([one.model_dump(mode="json") for one in shown]))
            return
        for one, has in found:
            roles = ", ".join(_told(connection, grant) for grant in has)
            named = f"{one.login:16} {one.name:24} {one.kind.name:8}"
            click.echo(f"{named} {one.state.name:8} {roles or 'no role'}")


def _told(connection: "Connection", grant: "Grant") -> str:
    """Say a role as `person add` takes it."""
    from dop_gateway.identity.model import ScopeKind
    from dop_gateway.offices import store as offices
    from dop_gateway.offices.model import OfficeId

    if grant.kind is ScopeKind.EVERYTHING:
        return grant.role.name
    scope = grant.scope
    if grant.kind is ScopeKind.OFFICE:
        scope = offices.get(connection, OfficeId(int(scope))).facility
    return f"{grant.role.name}:{grant.kind.name}:{scope}"


def _grant(text: str) -> "Grant":
    from dop_gateway.identity.model import Grant, Role, ScopeKind

    role, _, rest = text.partition(":")
    kind, _, scope = rest.partition(":")
    try:
        return Grant(Role[role], ScopeKind[kind or "EVERYTHING"], scope)
    except KeyError as error:
        names = ", ".join(member.name for member in Role)
        message = f"{text}: there is no {error.args[0]}; roles are {names}"
        raise click.BadParameter(message, param_hint="--role") from error


def _numbered(connection: "Connection", grant: "Grant") -> "Grant":
    """Put the number of an office where people type its facility id or code."""
    from dop_gateway.identity.model import ScopeKind
    from dop_gateway.offices import store as offices

    if grant.kind is not ScopeKind.OFFICE or grant.scope.isdecimal():
        return grant
    typed = grant.scope
    found = offices.by_facility(connection, typed) or offices.by_code(connection, typed)
    if found is None:
        message = (
            f"{grant.role.name}:OFFICE:{typed}: there is no office {typed!r}: its "
            "facility id, or its code, as `rmfs dop office find` prints them"
        )
        raise click.BadParameter(message, param_hint="--role")
    return replace(grant, scope=str(found.office_id))


def _tell(login: str, password: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"login": login, "password": password}))
        return
    click.echo(f"{login} signs in with the password {password} and has to change it")
