"""Every route asked by every role, in its scope and out of it, and by nobody (GW-01).

What is expected is made of the table of access: nobody signed in is answered 401, who
has no role or owes something first 403, who may is never answered so. How a route is
asked, `tests.gateway_samples` says. There is a role for everybody of RMFS-38.
"""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from dop_gateway.access import EVERYBODY, Access
from dop_gateway.exports.writing import Format
from dop_gateway.identity.signing_in import Owed
from dop_gateway.web.app import PREFIX, access_table, describe_api
from tests.gateway_samples import SAMPLES
from tests.gateway_world import Asker, World, ask, new_world
from tests.system import OPENED

ROUTES = tuple(access_table().values())
NOT_FOR_THEM = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
NOT_NOW = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
ENDS_SESSIONS = {"/me/sign-out"}


def _name(access: Access) -> str:
    return f"{access.method} {access.path}"


WITH_SAMPLE = tuple(one for one in ROUTES if _name(one) in SAMPLES)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("access")
    world = new_world(f"sqlite:///{folder / 'gateway.sqlite'}")
    # It outlives each test, at whose end what is open is closed.
    OPENED.remove(world.gateway.store)
    yield world
    world.gateway.store.close()


def test_every_route_has_a_sample_and_every_sample_a_route() -> None:
    routes = {_name(one) for one in ROUTES}
    missing = sorted(routes - SAMPLES.keys())
    assert not missing, f"add samples of these to tests/gateway_samples: {missing}"
    assert not sorted(SAMPLES.keys() - routes)


@pytest.mark.parametrize("access", WITH_SAMPLE, ids=_name)
def test_a_route_is_open_to_the_roles_of_its_entry_and_to_no_other(
    world: World, access: Access
) -> None:
    answered = [_ask_as(world, access, one) for one in world.askers]
    if SAMPLES[_name(access)].works:
        assert any(one < HTTPStatus.BAD_REQUEST for one in answered), answered


def _ask_as(world: World, access: Access, asker: Asker) -> int:
    """Ask as somebody; what is not as the table says fails."""
    sample = SAMPLES[_name(access)]
    desk = asker.desk
    if access.path in ENDS_SESSIONS:
        world.gateway.clock.advance(30)
        desk = world.again(desk)
    answer = ask(world, access, sample, desk.token)
    status = answer.status_code
    told = (asker.grant, asker.inside, answer.text)
    assert status < HTTPStatus.INTERNAL_SERVER_ERROR, told
    if access.is_public:
        return status
    if access.roles != EVERYBODY and asker.grant.role not in access.roles:
        assert status == HTTPStatus.FORBIDDEN, told
    elif asker.inside or access.scope is None:
        assert status < HTTPStatus.BAD_REQUEST or status in NOT_NOW, told
    elif access.method == "GET" and "{" not in access.path:
        assert status == HTTPStatus.OK, told
        assert answer.json().get("count", 0) == 0, told
    else:
        # Out of scope, things are as if they were not there.
        assert status in NOT_NOW, told
    return status


@pytest.mark.parametrize("access", WITH_SAMPLE, ids=_name)
def test_a_route_that_is_not_public_is_closed_to_nobody_and_to_wrong_tokens(
    world: World, access: Access
) -> None:
    for token in ("", "wrong"):
        answer = ask(world, access, SAMPLES[_name(access)], token)
        refused = answer.status_code == HTTPStatus.UNAUTHORIZED
        assert refused != access.is_public or access.path == "/sessions"


@pytest.mark.parametrize(
    "access", [one for one in WITH_SAMPLE if not one.is_public], ids=_name
)
def test_who_owes_something_does_that_first(world: World, access: Access) -> None:
    if access.path in ENDS_SESSIONS:
        return
    answer = ask(world, access, SAMPLES[_name(access)], world.owing.token)
    if access.owed >= set(Owed):
        assert answer.status_code not in NOT_FOR_THEM, answer.text
    else:
        assert answer.status_code == HTTPStatus.FORBIDDEN, answer.text
        assert "first of all" in answer.json()["detail"]


@pytest.mark.parametrize(
    "access",
    [one for one in WITH_SAMPLE if one.roles not in (frozenset(), EVERYBODY)],
    ids=_name,
)
def test_who_has_no_role_gets_nowhere(world: World, access: Access) -> None:
    answer = ask(world, access, SAMPLES[_name(access)], world.idle.token)
    assert answer.status_code == HTTPStatus.FORBIDDEN, answer.text


def _lists() -> list[Access]:
    described = describe_api()["paths"]
    return [
        access
        for access in WITH_SAMPLE
        if access.method == "GET"
        and "format"
        in {
            one["name"]
            for one in described[PREFIX + access.path]["get"].get("parameters", ())
        }
    ]


@pytest.mark.parametrize("access", _lists(), ids=_name)
def test_every_list_can_be_had_as_a_file(world: World, access: Access) -> None:
    asker = next(
        one for one in world.askers if one.inside and one.grant.role in access.roles
    )
    sample = SAMPLES[_name(access)]
    for wanted in Format:
        query = "&".join(filter(None, (sample.query, f"format={wanted.value}")))
        answer = ask(world, access, replace(sample, query=query), asker.desk.token)
        if answer.status_code in NOT_NOW and not sample.works:
            continue
        assert answer.status_code == HTTPStatus.OK, answer.text
        assert answer.headers["Content-Type"] == wanted.media_type


def test_both_engines_answer_every_route(store_place: str) -> None:
    """PostgreSQL refuses a lock in a transaction that only reads; SQLite does not."""
    world = new_world(store_place)
    for access in WITH_SAMPLE:
        if access.path in ENDS_SESSIONS:
            continue
        asker = next(
            one
            for one in world.askers
            if access.is_public or (one.inside and one.grant.role in access.roles)
        )
        answer = ask(world, access, SAMPLES[_name(access)], asker.desk.token)
        told = (_name(access), answer.text)
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, told
