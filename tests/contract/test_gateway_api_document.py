"""The description of the API that is committed is that of the routes there are."""

import inspect
import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi.routing import APIRoute

from dop_gateway.web.app import _FEATURES, describe_api
from dop_gateway.web.documents import write_document
from tests.house.sources import ROOT

BOUNDS: Final = {
    "string": {"maxLength", "enum", "const", "format", "pattern", "contentMediaType"},
    "integer": {"maximum", "exclusiveMaximum", "enum", "const"},
    "number": {"maximum", "exclusiveMaximum", "enum", "const"},
    "array": {"maxItems"},
}
"""What bounds each type; a pattern does so where it is anchored, as ours are."""
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


def test_whatever_is_asked_is_bounded() -> None:
    document = describe_api()
    schemas = document["components"]["schemas"]
    unbounded = {
        f"{method} {path}: {one}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for where, schema in _asked(operation)
        for one in _unbounded(schema, where, schemas, set())
    }
    assert not unbounded


def _asked(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in operation.get("parameters", ()):
        yield one["name"], one["schema"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield "body", content["schema"]


def _unbounded(
    schema: dict[str, Any], where: str, schemas: dict[str, Any], seen: set[str]
) -> Iterator[str]:
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        seen.add(name)
        yield from _unbounded(schemas[name], name, schemas, seen)
    kind = schema.get("type", "")
    if kind in BOUNDS and not BOUNDS[kind] & schema.keys():
        yield where
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _unbounded(one, where, schemas, seen)
    for one in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(one, dict):
            yield from _unbounded(one, f"{where}[]", schemas, seen)
    for name, one in schema.get("properties", {}).items():
        yield from _unbounded(one, f"{where}.{name}", schemas, seen)


def _routes(document: dict[str, dict[str, dict[str, object]]]) -> set[str]:
    return {
        f"{method} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }


def test_a_route_that_reads_changes_nothing() -> None:
    changing = []
    for routes, _ in _FEATURES:
        for route in routes.routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                text = inspect.getsource(route.endpoint)
                if ".writing(" in text or ".once(" in text:
                    changing.append(route.path)
    # Who had a file is kept in the audit trail: that is all that these write.
    assert changing == [
        "/bank-files/{number}/octets",
        "/exchange/files/{number}/octets",
    ]
