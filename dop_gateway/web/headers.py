"""Headers of every answer: nothing of it is guessed at, framed, kept or run.

Source: requirements, section 11 no. 12; OWASP REST Security Cheat Sheet; ASVS 5.0.0,
V3.4 (docs/asvs.md).
"""

import base64
from hashlib import sha256
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dop_gateway.web.problems import REQUEST_ID

_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
HTTPS_ONLY_S: Final = 31_536_000
"""A year: so long a browser that came by TLS comes back by TLS alone. One that came
without it does not listen to this."""
_HEADERS: Final = {
    "Strict-Transport-Security": f"max-age={HTTPS_ONLY_S}; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page_policy(style: str) -> str:
    """Give the policy of a page of ours: it has this style sheet, and nothing else."""
    fingerprint = base64.b64encode(sha256(style.encode()).digest()).decode("ascii")
    return f"{_POLICY}; style-src 'sha256-{fingerprint}'"


class SafeHeaders:
    """Stands before the application and adds what an answer does not say itself."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and add headers to its answer."""

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                request_id = scope.get("state", {}).get("request_id")
                if request_id:
                    headers[REQUEST_ID] = request_id
            await send(message)

        await self._app(scope, receive, adding)
