"""The description of the API: as a document for programs, as a page for people.

The page is made from the document here, with a style sheet of its own: nothing of it
comes from elsewhere, and nothing in it runs.
"""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dop_gateway.web.headers import page_policy

DOCS: Final = "/api/docs"
_STYLE: Final = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem; color: #1b1b1b; background: #fff }
h2 { border-bottom: 1px solid #999; margin-top: 2.5rem }
code, pre { font: 14px/1.5 ui-monospace, monospace }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .5rem; text-align: left;
  vertical-align: top }
details { border-bottom: 1px solid #ddd; padding: .4rem 0 }
summary { cursor: pointer }
.method { display: inline-block; font-weight: bold; min-width: 4rem }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #1b1b1b } }
"""
_HEADERS: Final = {
    "Content-Security-Policy": page_policy(_STYLE),
    "Cache-Control": "public, max-age=300",
}


def write_document(document: Mapping[str, Any]) -> str:
    """Write the document as it is committed: sorted, so that a change is small."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def add_documents(app: FastAPI) -> None:
    """Serve the page; the document has a path of its own."""

    def show(_request: Request) -> Response:
        return HTMLResponse(make_page(app.openapi()), headers=_HEADERS)

    app.add_route(DOCS, show, include_in_schema=False)


def make_page(document: Mapping[str, Any]) -> str:
    """Make a page of a description."""
    return "\n".join(_page(document))


def _page(document: Mapping[str, Any]) -> Iterator[str]:
    title = escape(document["info"]["title"])
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head>"
    yield f"<body><main><h1>{title}</h1>"
    for paragraph in document["info"]["description"].strip().split("\n\n"):
        yield f"<p>{escape(paragraph)}</p>"
    yield '<p>For programs: <a href="/api/v1/openapi.json">OpenAPI 3.1</a></p>'
    for tag, routes in _by_tag(document).items():
        yield f'<h2 id="{escape(tag)}">{escape(tag)}</h2>'
        for method, path, operation in routes:
            yield from _route(method, path, operation)
    yield "<h2>Bodies and answers</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<details id="{escape(name)}"><summary>{escape(name)}</summary>'
        yield f"<pre>{escape(json.dumps(schema, indent=1, ensure_ascii=False))}</pre>"
        yield "</details>"
    yield "</main></body></html>"


def _by_tag(
    document: Mapping[str, Any],
) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
    found: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["others"])[0]
            found.setdefault(tag, []).append((method.upper(), path, operation))
    return found


def _route(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    words = escape(operation.get("description", operation.get("summary", "")))
    where = f'<span class="method">{method}</span> <code>{escape(path)}</code>'
    yield f"<details><summary>{where}</summary><p>{words}</p>"
    signed_in = "somebody signed in" if operation.get("security") else "nobody"
    yield f"<p>Needs {signed_in}.</p>"
    named = operation.get("parameters", [])
    if named:
        yield "<table><thead><tr><th>Name</th><th>In</th><th>Needed</th><th>What</th>"
        yield "</tr></thead><tbody>"
        for one in named:
            needed = "yes" if one.get("required") else "no"
            what = one.get("description") or json.dumps(one["schema"])
            cells = (one["name"], one["in"], needed, what)
            yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        yield "</tbody></table>"
    body = operation.get("requestBody", {}).get("content", {})
    for media_type, content in body.items():
        yield f"<p>Body {escape(media_type)}: {_reference(content['schema'])}</p>"
    for status, answer in operation["responses"].items():
        if int(status) < 300:  # noqa: PLR2004 - what is done; refusals are the same everywhere
            for media_type, content in answer.get("content", {}).items():
                shown = _reference(content.get("schema", {}))
                yield f"<p>{status} {escape(media_type)}: {shown}</p>"
    yield "</details>"


def _reference(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_reference, schema["anyOf"]))
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_reference(schema['items'])}"
    return escape(str(schema.get("type", "anything")))
