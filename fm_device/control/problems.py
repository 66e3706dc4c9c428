"""Errors as RFC 9457 problems: one table from what went wrong to what is answered.

What the machine refuses keeps its own code and words; it is answered with 409, because
the same request may be right in another state of the machine. What is wrong with the
request itself, or with the port, has a code of the module CTL.
"""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fm_device.firmware.memories import MachineOffError
from fm_device.firmware.refusals import Refusal
from fm_device.presets import PresetError
from hw.nvram import PowerCutError
from protocol.coded import Coded
from protocol.errors import (
    InvariantError,
    LocalProtocolError,
    RmfsError,
    StoreError,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:rmfs:code:"
"""What a problem's type begins with; the code follows. It is no address."""


class ControlRefusal(Coded):
    """What the control port itself refuses: code, words, HTTP status."""

    TOKEN = ("CTL-01-001", "TOKEN missing or wrong: read it from the token file", 401)
    HOST = ("CTL-01-002", "HOST: ask for 127.0.0.1 or localhost, with the port", 421)
    ORIGIN = ("CTL-01-003", "ORIGIN: pages of a browser have no business here", 403)
    TOO_LARGE = ("CTL-02-001", "BODY TOO LARGE: at most 65,536 octets", 413)
    SLOW_BODY = ("CTL-02-002", "BODY TOO SLOW: send it within 10 seconds", 408)
    FORM = ("CTL-02-003", "REQUEST not as described at /openapi.json", 422)
    NOT_JSON = ("CTL-02-004", "BODY: send JSON, as application/json", 415)
    BUSY = ("CTL-02-005", "TOO MANY REQUESTS wait: ask again in a second", 503)
    TIME_OUT = (
        "CTL-02-006",
        "THE MACHINE TAKES LONG and goes on: repeat a frank with the same key only",
        504,
    )
    NO_PATH = ("CTL-02-007", "NO SUCH PATH: they are described at /openapi.json", 404)
    NO_METHOD = ("CTL-02-008", "NOT POSSIBLE on this path: see /openapi.json", 405)
    KEY_USED = (
        "CTL-02-009",
        "KEY USED for another request: draw a new Idempotency-Key",
        422,
    )
    STREAMS = ("CTL-02-010", "TOO MANY STREAMS: close one", 503)
    OFF = ("CTL-03-001", "THE MACHINE IS OFF, or its memory is beyond repair", 409)
    POWER_FAILED = (
        "CTL-03-002",
        "THE POWER FAILED: switch on, and see what is accounted",
        409,
    )
    MEMORY = ("CTL-03-003", "THE MEMORY FAILED: switch off and on", 500)
    NOT_BALANCED = ("CTL-03-004", "THE FIGURES DO NOT ADD UP: nothing was done", 500)
    BUG = (
        "CTL-03-005",
        "THE PROGRAM FAILED: what it did is uncertain; see its log",
        500,
    )
    NOT_POSSIBLE = ("CTL-03-006", "NOT POSSIBLE: see the detail", 422)
    ON = ("CTL-03-007", "THE MACHINE IS ON: switch it off first", 409)
    NO_DIAL_IN = ("CTL-04-001", "NO SUCH DIAL-IN, or it is forgotten", 404)
    NO_LINE = ("CTL-04-002", "NO LINE: name one, or start with --line", 422)
    NOT_DIALLING = ("CTL-04-003", "THIS DIAL-IN IS OVER", 409)
    REAL_SCALE = ("CTL-05-001", "A REAL SCALE: only its pan can be used by hand", 409)
    NO_FRANK = ("CTL-06-001", "NO FRANK was printed since the port was opened", 404)
    PRODUCTION = (
        "CTL-07-001",
        "REALM PRODUCTION: presets and images are for the realm TEST",
        403,
    )

    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
        status: int = self.value[2]
        return status


class ProblemError(RmfsError):
    """A request is answered with a problem.

    Attributes:
        code: The stable code.
        status: The HTTP status.
        more: Members of the problem beside the usual ones.
    """

    def __init__(
        self, refusal: ControlRefusal | Refusal, detail: str = "", **more: Any
    ) -> None:
        """Answer with what refuses, a detail in place of its words, and more."""
        super().__init__(detail or refusal.words)
        self.code = refusal.code
        self.status = refusal.status if isinstance(refusal, ControlRefusal) else 409
        self.more = {"name": refusal.name, **more}
        self.title = refusal.words

    def as_json(self) -> dict[str, Any]:
        """Write the problem (RFC 9457)."""
        return {
            "type": TYPE + self.code,
            "title": self.title,
            "status": self.status,
            "detail": str(self),
            "code": self.code,
            **self.more,
        }


_OF_ERRORS: Final[tuple[tuple[type[RmfsError], ControlRefusal], ...]] = (
    (PowerCutError, ControlRefusal.POWER_FAILED),
    (MachineOffError, ControlRefusal.OFF),
    (StoreError, ControlRefusal.MEMORY),
    (InvariantError, ControlRefusal.NOT_BALANCED),
    (PresetError, ControlRefusal.NOT_POSSIBLE),
    (LocalProtocolError, ControlRefusal.NOT_POSSIBLE),
    (RmfsError, ControlRefusal.NOT_POSSIBLE),
)
"""The first row whose type fits decides."""


def problem_of(error: RmfsError) -> ProblemError:
    """Turn an error of ours into the problem that is answered."""
    if isinstance(error, ProblemError):
        return error
    return next(
        ProblemError(refusal, str(error))
        for kind, refusal in _OF_ERRORS
        if isinstance(error, kind)
    )


def problem_response(problem: ProblemError) -> Response:
    """Answer with a problem; it is kept by nobody on the way."""
    headers = {"Cache-Control": "no-store"}
    if problem.status == ControlRefusal.BUSY.status:
        headers["Retry-After"] = "1"
    if problem.status == ControlRefusal.TOKEN.status:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        json.dumps(problem.as_json()),
        problem.status,
        headers,
        MEDIA_TYPE,
    )


async def answer_error(_request: Request, error: Exception) -> Response:
    """Answer an error of ours, or one that is a bug, with a problem."""
    if isinstance(error, RmfsError):
        return problem_response(problem_of(error))
    return problem_response(ProblemError(ControlRefusal.BUG))


def check(refusal: Refusal | None) -> None:
    """Go on only where nothing refuses.

    Raises:
        ProblemError: Something does.
    """
    if refusal is not None:
        raise ProblemError(refusal)
