"""The gateway's log: who signed in, and each request that was refused, a line each.

Lines go to stderr: whoever starts the gateway (systemd, a container) keeps and rotates
them. A line has the moment with its offset, who asked from where, what was answered,
and the id that stands in the answer and in the audit trail too. What somebody typed
(login, password, token, body, query) stands in none: people type passwords into other
fields.

Source: ASVS 5.0.0, V16.2 and V16.3 (docs/asvs.md).
"""

import logging
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

LINE: Final = logging.Formatter(
    "%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z"
)
"""How a line is written."""
_log: Final = logging.getLogger(__name__)
_PATH_CHARACTERS_MAX: Final = 200
_AT_THE_DOOR: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Refusals that a person may want to look at: they are warnings."""


def log_to_stderr() -> None:
    """Have the gateway's lines written; of libraries, only what is wrong."""
    handler = logging.StreamHandler()
    handler.setFormatter(LINE)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("dop_gateway").setLevel(logging.INFO)


def note_who_asks(request: Request, login: str) -> None:
    """Remember who asks, for the line of a refusal."""
    request.state.login = login


def log_sign_in(request: Request, login: str) -> None:
    """Say that somebody signed in."""
    _log.info("%s signed in from %s %s", login, _address(request), _id(request))


def log_refusal(request: Request, status: HTTPStatus, kind: str) -> None:
    """Say that a request was refused.

    Args:
        request: The request.
        status: What was answered.
        kind: The name of the problem.
    """
    level = logging.INFO
    if status in _AT_THE_DOOR or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        level = logging.WARNING
    _log.log(
        level,
        # A path is what somebody else wrote: `%r` makes no line of its own of it.
        "%s %r of %s from %s: %d %s %s",
        request.method,
        request.scope["path"][:_PATH_CHARACTERS_MAX],
        getattr(request.state, "login", "nobody"),
        _address(request),
        status,
        kind,
        _id(request),
    )


def _address(request: Request) -> str:
    return "nowhere" if request.client is None else request.client.host


def _id(request: Request) -> str:
    return f"[{getattr(request.state, 'request_id', '')}]"
