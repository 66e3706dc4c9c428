"""The control port as an ASGI application; who serves it is `program`.

Requests are served by the loop's thread. Whatever they do with the machine is a task
of the machine's thread, where tasks follow one another (`thread`). What changes
something is refused while a dial-in runs, what only looks is not.
"""

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from fm_device.control import (
    dial_routes,
    frank_routes,
    machine_routes,
    record_routes,
    world_routes,
)
from fm_device.control.answers import ProblemAnswer
from fm_device.control.guard import Guard
from fm_device.control.port import Port
from fm_device.control.problems import (
    MEDIA_TYPE,
    ControlRefusal,
    ProblemError,
    answer_error,
    problem_response,
)
from protocol.errors import RmfsError

DESCRIPTION: Final = """
A franking machine of this computer, for test rigs. Every request carries
`Authorization: Bearer TOKEN`, with the token of the token file. Money is in paise,
times are seconds since 1970, bodies are JSON of at most 65,536 octets.

Whatever goes wrong is answered with a problem of RFC 9457 that has a stable `code`:
409 for what the machine refuses in the state that it is in, with the machine's own code
and words; other statuses for what is wrong with the request.

One thing is done at a time. While a dial-in runs, what only looks is answered, what
changes something is refused with FMW-36-006, and the power may be cut.
"""
_PROBLEMS: Final = {
    401: "The token is missing or wrong.",
    403: "Not in the realm PRODUCTION, or not for a page of a browser.",
    404: "There is no such thing, or it is forgotten.",
    409: "The machine refuses, or is off, or its power has failed.",
    422: "The request is not as described, or not possible.",
    500: "The memory or the program has failed.",
    503: "Too many requests wait.",
    504: "The machine takes long, and goes on.",
}


def build_service(port: Port, token: str, number: int) -> ASGIApp:
    """Put the application together, with its guard.

    Args:
        port: The machine behind it.
        token: What whoever asks has to know.
        number: The TCP port at which it is served.
    """
    return Guard(build_routes(port), token, number)


def build_routes(port: Port) -> FastAPI:
    """Put the application together, without its guard."""
    app = _Application(
        title="rmfs machine control",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses={
            status: {"description": words, "model": ProblemAnswer}
            for status, words in _PROBLEMS.items()
        },
    )
    app.state.port = port
    for routes in (
        machine_routes.ROUTES,
        world_routes.ROUTES,
        frank_routes.ROUTES,
        dial_routes.ROUTES,
        record_routes.ROUTES,
    ):
        app.include_router(routes, prefix="/v1")
    app.add_exception_handler(RequestValidationError, _answer_form)
    app.add_exception_handler(HTTPException, _answer_path)
    app.add_exception_handler(RmfsError, answer_error)
    app.add_exception_handler(Exception, answer_error)
    return app


class _Application(FastAPI):
    """An application that describes its problems as the media type that they have."""

    def openapi(self) -> dict[str, Any]:
        """Describe the routes."""
        schema = get_openapi(
            title=self.title,
            version=self.version,
            description=self.description,
            routes=self.routes,
        )
        schema["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"}
        }
        schema["security"] = [{"token": []}]
        for path in schema["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if int(status) in _PROBLEMS:
                        described = answer["content"].pop("application/json")
                        answer["content"][MEDIA_TYPE] = described
        return schema


async def _answer_form(_request: Request, error: Exception) -> Response:
    """Say which members are wrong and why; never what they held: it may be a PIN."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    errors = [
        {"place": ".".join(map(str, one["loc"])), "words": one["msg"]} for one in found
    ]
    first = f": {errors[0]['place']}: {errors[0]['words']}" if errors else ""
    refusal = ControlRefusal.FORM
    problem = ProblemError(refusal, refusal.words + first, errors=errors)
    return problem_response(problem)


async def _answer_path(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 0
    wrong_method = status == ControlRefusal.NO_METHOD.status
    refusal = ControlRefusal.NO_METHOD if wrong_method else ControlRefusal.NO_PATH
    return problem_response(ProblemError(refusal))
