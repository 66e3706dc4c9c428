"""Requests that its own description allows: the gateway answers as it says it does.

Requests are drawn from the OpenAPI document, some as it wants them and some not; every
answer has a status, a media type and a form that the document names, and none is the
gateway's fault (5xx).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dop_gateway.access import Access
from dop_gateway.web.app import PREFIX, access_table
from tests.gateway_samples import SAMPLES
from tests.gateway_world import World, new_world
from tests.system import OPENED

CHECKS: Final = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
PATIENCE_S: Final = 120.0
"""Schemathesis gives a request ten seconds, which a busy computer may take."""
ROUTES: Final = tuple(access_table().values())
ENDS_SESSIONS: Final = {"/me/sign-out"}
FUZZED: Final = tuple(one for one in ROUTES if one.path not in ENDS_SESSIONS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    world = new_world(f"sqlite:///{folder / 'gateway.sqlite'}")
    OPENED.remove(world.gateway.store)
    yield world
    world.gateway.store.close()


@pytest.fixture(scope="module")
def schema(world: World) -> Any:
    app = world.gateway.client.app
    return schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", app)


def _name(access: Access) -> str:
    return f"{access.method} {access.path}"


@pytest.mark.parametrize("access", FUZZED, ids=_name)
def test_a_route_answers_as_it_is_described(
    world: World, schema: Any, access: Access
) -> None:
    _fuzz(world, schema, access, examples=3)


@pytest.mark.long
@pytest.mark.parametrize("access", FUZZED, ids=_name)
def test_a_route_answers_as_it_is_described_for_long(
    world: World, schema: Any, access: Access
) -> None:
    _fuzz(world, schema, access, examples=300)


def _fuzz(world: World, schema: Any, access: Access, examples: int) -> None:
    operation = schema[PREFIX + access.path][access.method]
    tokens = _tokens(world, access)
    known = SAMPLES[_name(access)].path if _name(access) in SAMPLES else {}

    def ask(case: Any, token: str, *, named: bool) -> None:
        if named and known:
            case.path_parameters = dict(known)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = case.call(headers=headers, timeout=PATIENCE_S)
        case.validate_response(response, checks=CHECKS)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        cases = operation.as_strategy(generation_mode=mode)
        run = given(
            case=cases,
            token=st.sampled_from(tokens),
            named=st.sampled_from((True, False)),
        )(ask)
        limits = settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        seed(1)(limits(run))()


def _tokens(world: World, access: Access) -> list[str]:
    """Give people who may, within the scope of the samples."""
    allowed = [
        one.desk.token
        for one in world.askers
        if one.grant.role in access.roles and one.inside
    ]
    return allowed[:3] or [""]
