"""Refusals as RFC 9457 problems: one table from what went wrong to what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    GatewayError,
    InvalidError,
    KeyUsedError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    SamePersonError,
    TooManyError,
)
from dop_gateway.web.log import log_refusal
from hw.database import TakenError
from protocol.errors import InvariantError, RmfsError, StoreError

MEDIA_TYPE: Final = "application/problem+json"
REQUEST_ID: Final = "X-Request-ID"
TYPES: Final = "urn:rmfs:problem:"
"""What a problem's type begins with; the name follows. It is no address."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes:
        name: Stable, for programs.
        status: The HTTP status.
        title: For people.
    """

    name: str
    status: HTTPStatus
    title: str


NO_PATH: Final = Kind("no-such-path", HTTPStatus.NOT_FOUND, "There is no such path")
NO_METHOD: Final = Kind(
    "no-such-method", HTTPStatus.METHOD_NOT_ALLOWED, "This cannot be done with it"
)
INVALID: Final = Kind(
    "invalid", HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not as it must be"
)
CONFLICT: Final = Kind(
    "conflict", HTTPStatus.CONFLICT, "Not in the state that it is in"
)
BAD: Final = Kind("bad-request", HTTPStatus.BAD_REQUEST, "The request is malformed")
TOO_LARGE: Final = Kind(
    "too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large"
)
BUG: Final = Kind(
    "failed", HTTPStatus.INTERNAL_SERVER_ERROR, "The gateway failed; see its log"
)
_KINDS: Final[tuple[tuple[type[RmfsError], Kind], ...]] = (
    (
        NotSignedInError,
        Kind("not-signed-in", HTTPStatus.UNAUTHORIZED, "Nobody is signed in"),
    ),
    (
        SamePersonError,
        Kind("same-person", HTTPStatus.FORBIDDEN, "Somebody else has to do this"),
    ),
    (
        NotAllowedError,
        Kind("not-allowed", HTTPStatus.FORBIDDEN, "This is not for you to do"),
    ),
    (NotFoundError, Kind("not-found", HTTPStatus.NOT_FOUND, "There is no such thing")),
    (ConflictError, CONFLICT),
    (TakenError, CONFLICT),
    (InvalidError, INVALID),
    (
        KeyUsedError,
        Kind(
            "key-used",
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The key belongs to another request",
        ),
    ),
    (
        TooManyError,
        Kind("too-many", HTTPStatus.TOO_MANY_REQUESTS, "Asked too often"),
    ),
    (
        StoreError,
        Kind(
            "unavailable",
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database does not answer",
        ),
    ),
    (
        InvariantError,
        Kind("does-not-add-up", HTTPStatus.INTERNAL_SERVER_ERROR, "Nothing was done"),
    ),
    (GatewayError, BAD),
)
"""The first row whose type fits decides; what fits none is a bug."""


class ProblemField(BaseModel):
    """What is wrong with one field of a request."""

    pointer: str
    code: str
    message: str


class Problem(BaseModel):
    """A problem, as in RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ProblemField] = []


def problem_response(
    request: Request,
    kind: Kind,
    detail: str,
    findings: tuple[FieldFinding, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a problem, and log it; nobody on the way keeps it."""
    log_refusal(request, kind.status, kind.name)
    request_id = getattr(request.state, "request_id", "")
    problem = Problem(
        type=TYPES + kind.name,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=request.url.path,
        request_id=request_id,
        errors=[
            ProblemField(pointer=one.pointer, code=one.code, message=one.words)
            for one in findings
        ],
    )
    return JSONResponse(
        problem.model_dump(),
        kind.status,
        {"Cache-Control": "no-store", **(headers or {})},
        MEDIA_TYPE,
    )


async def answer_refusal(request: Request, error: Exception) -> Response:
    """Answer what the gateway refuses; anything else is a bug, and told as one."""
    kind = next((kind for of, kind in _KINDS if isinstance(error, of)), BUG)
    headers = {}
    findings: tuple[FieldFinding, ...] = ()
    if isinstance(error, NotSignedInError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyError):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, InvalidError):
        findings = error.findings
    return problem_response(request, kind, _detail(kind, error), findings, headers)


def _detail(kind: Kind, error: Exception) -> str:
    """Say what people may know of an error: nothing of how it is stored."""
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return kind.title
    if isinstance(error, TakenError):
        of = f" of its {error.by}" if error.by else ""
        return f"another {error.thing}{of} came in this moment: look again"
    return str(error)


async def answer_form(request: Request, error: Exception) -> Response:
    """Say which members are wrong and why; never what they held.

    A query parameter that nobody knows is malformed: a filter that is overlooked would
    show what was not asked for.
    """
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    findings = tuple(_finding(one) for one in found)
    first = f"{findings[0].pointer}: {findings[0].words}" if findings else INVALID.title
    unknown = any(
        one["type"] == "extra_forbidden" and one["loc"][0] == "query" for one in found
    )
    return problem_response(request, BAD if unknown else INVALID, first, findings)


async def answer_path(request: Request, error: Exception) -> Response:
    """Say that there is no such path, or not with this method."""
    status = error.status_code if isinstance(error, HTTPException) else 0
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    kind = NO_METHOD if status == NO_METHOD.status else NO_PATH
    if status == BAD.status:
        kind = BAD
    return problem_response(request, kind, kind.title, headers=headers)


def _finding(one: Mapping[str, Any]) -> FieldFinding:
    where = [str(part) for part in one["loc"]]
    if where[:1] == ["body"]:
        where = where[1:]
    return FieldFinding("/" + "/".join(where), str(one["type"]), str(one["msg"]))
