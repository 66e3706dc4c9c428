"""The gateway as an ASGI application; who serves it is `dop_gateway.program`."""

import json
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from dop_gateway.access import Access
from dop_gateway.audit import api as audit
from dop_gateway.bank import api as bank
from dop_gateway.calendars import api as calendars
from dop_gateway.deposits import api as deposits
from dop_gateway.exchange import api as exchange
from dop_gateway.identity import api as identity
from dop_gateway.jobs import api as jobs
from dop_gateway.licences import api as licences
from dop_gateway.money import api as money
from dop_gateway.offices import api as offices
from dop_gateway.outbox import api as outbox
from dop_gateway.parameters import api as parameters
from dop_gateway.parts import Parts
from dop_gateway.posting import api as posting
from dop_gateway.reports import api as reports
from dop_gateway.usage import api as usage
from dop_gateway.web import asking
from dop_gateway.web.asking import KEY_FORM, KEY_HEADER, name_request
from dop_gateway.web.documents import add_documents
from dop_gateway.web.headers import SafeHeaders
from dop_gateway.web.limits import BodyLimit
from dop_gateway.web.problems import (
    MEDIA_TYPE,
    Problem,
    answer_form,
    answer_path,
    answer_refusal,
)
from dop_gateway.web.rates import Gates
from protocol.errors import LocalProtocolError, RmfsError

PREFIX: Final = asking.PREFIX
_DESCRIPTION: Final = """
The Department's side of remotely managed franking: people and roles, licences,
deposits, files for the makers of machines, money and reports.

Money is rupees as text, `2000.00`; moments are RFC 3339 in India's time. Whatever is
refused is answered with a problem of RFC 9457. Formats and rules that are not public
are this product's own, and say so.
"""
_PROBLEMS: Final = {
    400: "The request is malformed.",
    401: "Nobody is signed in.",
    403: "None of the roles may do this, or something has to be done first.",
    404: "There is no such thing within reach.",
    409: "The thing is not in a state in which this can be done.",
    413: "The request is too large.",
    422: "Fields are wrong; each is named.",
    429: "Asked too often.",
    500: "The gateway failed.",
    503: "The database does not answer.",
}
_FEATURES: Final = (
    (identity.ROUTES, identity.ACCESS),
    (offices.ROUTES, offices.ACCESS),
    (calendars.ROUTES, calendars.ACCESS),
    (parameters.ROUTES, parameters.ACCESS),
    (jobs.ROUTES, jobs.ACCESS),
    (outbox.ROUTES, outbox.ACCESS),
    (audit.ROUTES, audit.ACCESS),
    (licences.ROUTES, licences.ACCESS),
    (deposits.ROUTES, deposits.ACCESS),
    (bank.ROUTES, bank.ACCESS),
    (exchange.ROUTES, exchange.ACCESS),
    (money.ROUTES, money.ACCESS),
    (posting.ROUTES, posting.ACCESS),
    (usage.ROUTES, usage.ACCESS),
    (reports.ROUTES, reports.ACCESS),
)
"""Routes of each feature, with what they need of whoever asks."""


def access_table() -> dict[tuple[str, str], Access]:
    """Give the table of authorisation, by method and path behind `PREFIX`."""
    return {(one.method, one.path): one for _, entries in _FEATURES for one in entries}


def build_app(parts: Parts) -> FastAPI:
    """Put the application together.

    Raises:
        LocalProtocolError: A route has no entry in the table of authorisation, or an
            entry no route.
    """
    app = _routed()
    app.add_middleware(BodyLimit)
    app.add_middleware(SafeHeaders)
    app.state.parts = parts
    app.state.gates = Gates(parts.rates)
    app.add_exception_handler(RequestValidationError, answer_form)
    app.add_exception_handler(HTTPException, answer_path)
    app.add_exception_handler(RmfsError, answer_refusal)
    app.add_exception_handler(Exception, answer_refusal)
    add_documents(app)
    return app


def describe_api() -> dict[str, Any]:
    """Give the OpenAPI document: the same for every gateway of this version."""
    return _routed().openapi()


def _routed() -> FastAPI:
    app = _Application(
        title="RMFS gateway",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_url=f"{PREFIX}/openapi.json",
        dependencies=[Depends(name_request)],
        responses={
            status: {"description": words, "model": Problem}
            for status, words in _PROBLEMS.items()
        },
    )
    app.state.access = access_table()
    for routes, _ in _FEATURES:
        app.include_router(routes, prefix=PREFIX)
    _check_table(app.state.access)
    return app


def _check_table(table: dict[tuple[str, str], Access]) -> None:
    there = {
        (method, route.path)
        for routes, _ in _FEATURES
        for route in routes.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    wrong = there.symmetric_difference(table)
    if wrong:
        method, path = min(wrong)
        message = f"{method} {path} is a route without an entry, or the other way round"
        raise LocalProtocolError(message)


class _Application(FastAPI):
    """An application that describes its problems as the media type that they have."""

    def openapi(self) -> dict[str, Any]:
        """Describe the routes; they are the same as long as this runs."""
        if self.openapi_schema is None:
            self.openapi_schema = self._described()
        return self.openapi_schema

    def _described(self) -> dict[str, Any]:
        schema = get_openapi(
            title=self.title,
            version=self.version,
            description=self.description,
            routes=self.routes,
        )
        _leave_out_unused(schema)
        schema["components"]["securitySchemes"] = {
            "session": {"type": "http", "scheme": "bearer"}
        }
        table: dict[tuple[str, str], Access] = self.state.access
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                if not table[method.upper(), path.removeprefix(PREFIX)].is_public:
                    operation["security"] = [{"session": []}]
                for one in operation.get("parameters", ()):
                    if one["name"] == KEY_HEADER:
                        # We answer with 400 where FastAPI would with 422.
                        one["required"] = True
                        one["schema"] = {"type": "string", "pattern": KEY_FORM}
                for status, answer in operation["responses"].items():
                    if int(status) in _PROBLEMS:
                        described = answer["content"].pop("application/json")
                        answer["content"][MEDIA_TYPE] = described
        return schema


def _leave_out_unused(document: dict[str, Any]) -> None:
    """Leave enumerations out that are told of by name where they are used."""
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    for name in [name for name, one in schemas.items() if "enum" in one]:
        if f'"#/components/schemas/{name}"' not in text:
            del schemas[name]
