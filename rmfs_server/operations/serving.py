"""A few paths over HTTP, on the reactor that answers machines.

A request has no body: one that has is cut off before it is read.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.http import OK, SERVICE_UNAVAILABLE
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from hw.reactor import MonotonicReactor

__all__ = [
    "OK",
    "SERVICE_UNAVAILABLE",
    "Answer",
    "Answering",
    "HttpSite",
    "json_answer",
    "make_site",
]

_log = logging.getLogger(__name__)

HttpSite = Any
"""What Twisted gives a place to answer at; it has no type that says so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a request."""

    octets: bytes
    content_type: str = "application/json"
    code: int = OK


def json_answer(value: Any, code: int = OK) -> Answer:
    """Answer with a value as JSON."""
    return Answer(json.dumps(value).encode() + b"\n", code=code)


Answering = Callable[[str], "Answer | Deferred[Answer] | None"]
"""Answers now, later, or never; it is told what the asker accepts."""


def make_site(
    answers: Mapping[str, Answering], reactor: MonotonicReactor, request_s: float
) -> HttpSite:
    """Make what answers at a place.

    Args:
        answers: By method and path, such as ``GET /metrics``.
        reactor: The time.
        request_s: Longest wait for a request.
    """
    root = Resource()  # type: ignore[no-untyped-call]
    for what, answer in answers.items():
        method, path = what.split(" /")
        root.putChild(path.encode("ascii"), _Leaf(answer, method))
    return Site(  # type: ignore[no-untyped-call]
        root, requestFactory=_NoBody, timeout=request_s, reactor=reactor
    )


# Twisted has no types for what follows, and its methods have its names.
class _Leaf(Resource):
    """One path, which takes one method."""

    isLeaf = True  # noqa: N815

    def __init__(self, answer: Answering, method: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answer = answer
        setattr(self, f"render_{method}", self._render)

    def _render(self, request: Request) -> int:
        answer = self._answer(request.getHeader("accept") or "")
        if isinstance(answer, Answer):
            _send(request, answer)
        elif answer is not None:
            gone: list[Failure] = []
            request.notifyFinish().addErrback(gone.append)

            def failed(failure: Failure) -> Answer:
                _log.error("operators are not answered", exc_info=failure.value)
                return Answer(b"", code=SERVICE_UNAVAILABLE)

            def send(answer: Answer) -> None:
                if not gone:
                    _send(request, answer)

            answer.addErrback(failed).addCallback(send)
        return NOT_DONE_YET


class _NoBody(Request):
    """A request that may have no body."""

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """Cut off whoever sends one."""
        super().gotLength(0)  # type: ignore[no-untyped-call]
        if length != 0 and self.channel is not None:
            self.channel.forceAbortClient()  # type: ignore[no-untyped-call]


def _send(request: Request, answer: Answer) -> None:
    request.setResponseCode(answer.code)
    request.setHeader("server", "rmfs")  # type: ignore[no-untyped-call]
    request.setHeader("content-type", answer.content_type)  # type: ignore[no-untyped-call]
    request.setHeader("content-length", str(len(answer.octets)))  # type: ignore[no-untyped-call]
    request.write(answer.octets)  # type: ignore[no-untyped-call]
    request.finish()  # type: ignore[no-untyped-call]
