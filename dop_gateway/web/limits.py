"""How much is taken of a request, before anything of it is looked at."""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dop_gateway.web.problems import TOO_LARGE, problem_response

BODY_OCTETS_MAX: Final = 1_048_576
LARGER: Final = {
    "/api/v1/office-directories": 67_108_864,
    "/api/v1/office-directories/plan": 67_108_864,
}
"""Paths that take more: a PIN directory has 165,000 lines and 20 MB."""


class BodyLimit:
    """Stands before the application and takes no body that is too large."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer with why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = LARGER.get(scope["path"], BODY_OCTETS_MAX)
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > most:
            await self._refuse(scope, receive, send, most)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                # Whoever announces nothing and sends on is not answered any more.
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, bounded, send)

    @staticmethod
    async def _refuse(
        scope: Scope, receive: Receive, send: Send, octets_max: int
    ) -> None:
        detail = f"at most {octets_max} octets are taken"
        answer = problem_response(Request(scope), TOO_LARGE, detail)
        await answer(scope, receive, send)
