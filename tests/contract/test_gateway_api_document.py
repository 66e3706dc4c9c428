"""The description of the API that is committed is that of the routes there are."""

import json

from dop_gateway.web.app import describe_api
from dop_gateway.web.documents import write_document
from tests.house.sources import ROOT

HOW = "write it anew: rmfs dop openapi > docs/openapi.json"


def test_the_committed_description_is_that_of_the_routes() -> None:
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    found = json.loads(write_document(describe_api()))
    routes = [_routes(document) for document in (committed, found)]
    assert routes[0] == routes[1], HOW
    assert committed == found, HOW


def test_every_route_says_what_it_does_and_what_it_needs() -> None:
    document = describe_api()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), (method, path)
            assert "429" in operation["responses"], (method, path)


def test_enumerations_are_names_and_bodies_overlook_nothing() -> None:
    schemas = describe_api()["components"]["schemas"]
    by_value = [name for name, schema in schemas.items() if "enum" in schema]
    assert not by_value, "write them with dop_gateway.web.fields.ByName"
    bodies = [name for name in schemas if name.endswith("Body")]
    assert bodies
    for name in bodies:
        assert schemas[name].get("additionalProperties") is False, name


def _routes(document: dict[str, dict[str, dict[str, object]]]) -> set[str]:
    return {
        f"{method} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
