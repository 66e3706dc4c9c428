"""Who may ask at all, and how much: before anything of a request is looked at.

1. The Host header names this computer's own loopback: a name that somebody else's DNS
   lets point here is refused (DNS rebinding).
2. No page of a browser asks: a request with an Origin is refused.
3. The token is right. Nothing is told to whoever has none, not even which paths exist.
4. The body is JSON, is small, and comes soon.
5. So many requests are served at a time, and no more.
"""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fm_device.control.problems import (
    ControlRefusal,
    ProblemError,
    problem_response,
)
from fm_device.control.token import is_token

BODY_OCTETS_MAX: Final = 65_536
BODY_TIMEOUT_S: Final = 10.0
REQUESTS_MAX: Final = 32
"""Served or waiting at a time, streams among them."""
_NAMES: Final = ("127.0.0.1", "localhost")
_SCHEME: Final = "bearer "


class Guard:
    """Stands before the application."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        """Guard an application.

        Args:
            app: What it stands before.
            token: What whoever asks has to know.
            port: Where it listens.
        """
        self._app = app
        self._token = token
        self._hosts = frozenset(f"{name}:{port}" for name in _NAMES)
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer with why not."""
        if scope["type"] != "http":
            return
        if self._requests >= REQUESTS_MAX:
            busy = problem_response(ProblemError(ControlRefusal.BUSY))
            await busy(scope, receive, send)
            return
        self._requests += 1
        try:
            headers = Headers(scope=scope)
            self._check(headers)
            body = await _body(headers, receive)
        except ProblemError as problem:
            await problem_response(problem)(scope, receive, send)
        else:
            await self._app(scope, _replayed(body, receive), send)
        finally:
            self._requests -= 1

    def _check(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise ProblemError(ControlRefusal.HOST)
        if "origin" in headers:
            raise ProblemError(ControlRefusal.ORIGIN)
        given = headers.getlist("authorization")
        if len(given) != 1 or not given[0].lower().startswith(_SCHEME):
            raise ProblemError(ControlRefusal.TOKEN)
        if not is_token(given[0][len(_SCHEME) :].strip(), self._token):
            raise ProblemError(ControlRefusal.TOKEN)


async def _body(headers: Headers, receive: Receive) -> bytes:
    """Read the whole body.

    Raises:
        ProblemError: It is too large, too slow, or no JSON.
    """
    announced = headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > BODY_OCTETS_MAX:
        raise ProblemError(ControlRefusal.TOO_LARGE)
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > BODY_OCTETS_MAX:
                    raise ProblemError(ControlRefusal.TOO_LARGE)
    except TimeoutError as error:
        raise ProblemError(ControlRefusal.SLOW_BODY) from error
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise ProblemError(ControlRefusal.NOT_JSON)
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    left = [body]

    async def replay() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return replay
