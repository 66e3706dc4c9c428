"""A gateway with offices, and somebody signed in for each role within each scope."""

from dataclasses import dataclass
from importlib.resources import files

from httpx2 import Response
from sqlalchemy import Connection

from dop_gateway.access import Access
from dop_gateway.identity.model import (
    GATEWAY,
    SCOPES_OF_ROLES,
    SIDES_OF_ROLES,
    By,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.offices import service as offices
from dop_gateway.offices import store as office_store
from dop_gateway.offices.codes import shipped_codes
from dop_gateway.offices.reading import read_octets
from dop_gateway.web.app import PREFIX
from protocol.errors import InvariantError
from tests.gateway_desk import PASSWORD, Desk, Gateway, new_gateway
from tests.gateway_samples.sample import Sample
from tests.licence_desk import licence_desk_in

INSIDE_DIVISION = "KN06"
INSIDE_MAKER = "N"
INSIDE_LICENCE = "N123456"
OUTSIDE_CIRCLE = "TN"
OUTSIDE_MAKER = "F"
OUTSIDE_LICENCE = "F654321"


@dataclass(frozen=True)
class Asker:
    """Somebody with one role, for one scope.

    Attributes:
        inside: The samples are within the scope.
    """

    grant: Grant
    inside: bool
    desk: Desk


@dataclass(frozen=True)
class World:
    """A gateway, and everybody who asks it.

    Attributes:
        owing: An administrator and auditor who has to change the password first.
        idle: Somebody of the staff who has no role.
    """

    gateway: Gateway
    askers: tuple[Asker, ...]
    owing: Desk
    idle: Desk

    def again(self, desk: Desk) -> Desk:
        """Begin another session of somebody, which may be ended."""
        code = self.gateway.code(desk.secret) if desk.secret else ""
        return self.gateway.sign_in(desk.login, PASSWORD, code)


def new_world(url: str) -> World:
    """Put offices and people into an empty database."""
    gateway = new_gateway(url)
    with gateway.store.writing("test") as connection:
        bring_in_offices(connection, gateway)
        inside = office_store.by_code(connection, INSIDE_DIVISION)
        outside = office_store.by_code(connection, OUTSIDE_CIRCLE)
    if inside is None or outside is None:
        raise InvariantError("the shipped offices are others than they were")
    put_in_licence(gateway)
    scopes = {
        (ScopeKind.EVERYTHING, True): "",
        (ScopeKind.OFFICE, True): str(inside.office_id),
        (ScopeKind.OFFICE, False): str(outside.office_id),
        (ScopeKind.MAKER, True): INSIDE_MAKER,
        (ScopeKind.MAKER, False): OUTSIDE_MAKER,
        (ScopeKind.LICENCE, True): INSIDE_LICENCE,
        (ScopeKind.LICENCE, False): OUTSIDE_LICENCE,
    }
    askers = tuple(
        _asker(gateway, Grant(role, kind, scope), inside=within)
        for role in Role
        for (kind, within), scope in scopes.items()
        if kind in SCOPES_OF_ROLES[role]
    )
    gateway.add("free", PersonKind.STAFF)
    everything = [Grant(role, ScopeKind.EVERYTHING) for role in _OF_EVERYTHING]
    given = gateway.add("owing", PersonKind.STAFF, *everything)
    owing = gateway.sign_in("owing", given)
    return World(gateway, askers, owing, gateway.somebody("idle"))


def bring_in_offices(connection: Connection, gateway: Gateway) -> None:
    """Bring the shipped offices in."""
    by = By(GATEWAY, gateway.clock.now(), "test", "a test")
    text = files("dop_gateway.offices").joinpath("sample.csv").read_bytes()
    directory = read_octets(text.splitlines(keepends=True))
    offices.bring_in(connection, directory, shipped_codes(), by)


def put_in_licence(gateway: Gateway) -> None:
    """Have the licence of the samples issued, and let an application wait."""
    desk = licence_desk_in(gateway.store)
    desk.issue(INSIDE_LICENCE)
    desk.enter(desk.form("N000002"))


_OF_EVERYTHING = (Role.ADMINISTRATOR, Role.AUDITOR, Role.DCR_SUPERVISOR)


def _asker(gateway: Gateway, grant: Grant, *, inside: bool) -> Asker:
    where = "in" if inside else "out"
    login = f"{grant.role.name}-{grant.kind.name}-{where}".lower().replace("_", "-")
    kind = SIDES_OF_ROLES.get(grant.role, PersonKind.STAFF)
    return Asker(grant, inside, gateway.somebody(login, grant, kind=kind))


def ask(world: World, access: Access, sample: Sample, token: str = "") -> Response:
    """Ask for a route as its sample says, each time with a key of its own."""
    path = PREFIX + access.path.format(**sample.path)
    count = world.gateway.parts.entropy.octets(8).hex()
    headers = {"Idempotency-Key": f"test-{count}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if sample.query:
        path = f"{path}?{sample.query}"
    client = world.gateway.client
    if sample.octets is not None:
        headers["Content-Type"] = sample.media_type
        return client.request(
            access.method, path, content=sample.octets, headers=headers
        )
    return client.request(access.method, path, json=sample.body, headers=headers)
