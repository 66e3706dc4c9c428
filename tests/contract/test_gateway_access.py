"""Every route asked by every role: the answer is what the table of access says."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from dop_gateway.access import Access
from dop_gateway.identity.model import (
    SCOPES_OF_ROLES,
    SIDES_OF_ROLES,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.web.app import access_table
from tests.gateway_desk import PASSWORD, Desk, Gateway, new_gateway
from tests.system import OPENED

ROUTES = tuple(access_table().values())
SCOPES = {
    ScopeKind.EVERYTHING: "",
    ScopeKind.OFFICE: "1",
    ScopeKind.MAKER: "N",
    ScopeKind.LICENCE: "N123456",
}
NOT_FOR_THEM = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("access")
    gateway = new_gateway(f"sqlite:///{folder / 'gateway.sqlite'}")
    # It outlives each test, at whose end what is open is closed.
    OPENED.remove(gateway.store)
    yield gateway
    gateway.store.close()


@pytest.fixture(scope="module")
def desks(gateway: Gateway) -> dict[Role, Desk]:
    """Sign somebody in for each role, and for nothing else."""
    return {role: _somebody(gateway, role) for role in Role}


def _somebody(gateway: Gateway, role: Role) -> Desk:
    kind = min(SCOPES_OF_ROLES[role], key=lambda kind: kind.name)
    grant = Grant(role, kind, SCOPES[kind])
    side = SIDES_OF_ROLES.get(role, PersonKind.STAFF)
    return gateway.somebody(role.name.lower(), grant, kind=side)


def _path(access: Access) -> str:
    return access.path.replace("{login}", "nobody")


@pytest.mark.parametrize("access", ROUTES, ids=lambda one: f"{one.method} {one.path}")
def test_a_route_is_open_to_the_roles_of_its_entry_and_to_no_other(
    gateway: Gateway, desks: dict[Role, Desk], access: Access
) -> None:
    if access.path == "/me/sign-out":
        gateway.clock.advance(30)
        desks = {role: _again(gateway, desk) for role, desk in desks.items()}
    path = _path(access)
    alone = gateway.ask(access.method, path, {})
    assert (alone.status_code == HTTPStatus.UNAUTHORIZED) != access.is_public
    for role, desk in desks.items():
        answer = desk.ask(access.method, path, {})
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
        allowed = access.is_public or role in access.roles
        refused = answer.status_code in NOT_FOR_THEM
        assert refused != allowed, (role, answer.text)


def _again(gateway: Gateway, desk: Desk) -> Desk:
    """Begin a session that may be ended: the others go on."""
    code = gateway.code(desk.secret) if desk.secret else ""
    return gateway.sign_in(desk.login, PASSWORD, code)
