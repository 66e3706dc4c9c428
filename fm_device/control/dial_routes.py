"""Routes of dial-ins, which last, and of the stream that tells what happens."""

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import JSONResponse, Response

from fm_device.control.answers import DialInAnswer
from fm_device.control.bodies import DialInBody
from fm_device.control.dialling import DialTask, DialWish
from fm_device.control.port import IdempotencyKey, PortHere
from fm_device.control.problems import ControlRefusal, ProblemError
from fm_device.control.stand import Stand
from fm_device.control.stream import EventStream
from hw.lines.strings import parse_line_string
from protocol.registers import RequestKind
from protocol.values import U32_MAX, Paise

_Id = Annotated[int, Path(ge=1, le=U32_MAX, description="The id of a dial-in.")]
_Number = Annotated[
    int | None,
    Query(ge=0, le=U32_MAX, description="Tell what came after this event, too."),
]
_LastId = Annotated[
    int | None,
    Header(
        alias="Last-Event-ID",
        ge=0,
        le=U32_MAX,
        description="The same, as clients of the standard send it.",
    ),
]


ROUTES: Final = APIRouter(tags=["dial-ins and events"])


@ROUTES.post("/dial-ins", status_code=202, response_model=DialInAnswer)
async def dial(
    port: PortHere, body: DialInBody, key: IdempotencyKey = None
) -> Response:
    """Begin to dial in; ask at the Location for how it goes, or listen to events.

    The same request with the same key begins one dial-in. What is pending at the
    machine stands before what is asked for here.
    """
    line = None if body.line is None else parse_line_string(body.line)
    wish = DialWish(
        RequestKind[body.kind], Paise(body.amount_paise), line, body.attempts
    )

    def begin(stand: Stand) -> dict[str, Any]:
        return _shown(stand.dial_ins.plan(wish))

    answer, before = await port.change(
        lambda stand: stand.answers.once(key, f"dial {body}", lambda: begin(stand))
    )
    if before:
        answer = await port.look(
            lambda stand: _shown(stand.dial_ins.find(int(answer["id"])))
        )
    return JSONResponse(
        answer, 202, headers={"Location": f"/v1/dial-ins/{answer['id']}"}
    )


@ROUTES.get("/dial-ins")
async def list_dial_ins(port: PortHere) -> list[DialInAnswer]:
    """List the last 64 dial-ins since the port was opened, oldest first."""
    found = await port.look(lambda stand: [_shown(one) for one in stand.dial_ins.kept])
    return [DialInAnswer.model_validate(one) for one in found]


@ROUTES.get("/dial-ins/{number}")
async def get_dial_in(port: PortHere, number: _Id) -> DialInAnswer:
    """Say how a dial-in goes, or how it went."""
    found = await port.look(lambda stand: _shown(stand.dial_ins.find(number)))
    return DialInAnswer.model_validate(found)


@ROUTES.post("/dial-ins/{number}/hang-up", status_code=202)
async def hang_up(port: PortHere, number: _Id) -> DialInAnswer:
    """Pull the line out, as a carrier that is lost: what is pending stays so."""

    def check_running(stand: Stand) -> dict[str, Any]:
        found = _shown(stand.dial_ins.find(number))
        if stand.dial_ins.running != number:
            raise ProblemError(ControlRefusal.NOT_DIALLING)
        return found

    found = await port.look(check_running)
    port.thread.stop_reactor()
    return DialInAnswer.model_validate(found)


@ROUTES.get(
    "/events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    port: PortHere, after: _Number = None, last_id: _LastId = None
) -> EventStream:
    """Stream what happens, as server-sent events with JSON in their data.

    Events: `log` (an entry of the machine's event log), `state` (as /v1/state,
    without the machine's details), `frank`, `power` (a cut that struck), `dial-in`
    (begun, ended), `progress` and `frame` of a dial-in: a frame in hexadecimal
    without its FCS, and whether the machine or the server has sent it. `end` says
    why the stream ends: a listener that does not keep up is dropped. The last 1,000
    events are kept for those who come back.
    """
    first = port.hub.last_number
    listener = port.hub.listen(after if last_id is None else last_id)
    return EventStream(port.hub, listener, first)


def _shown(task: DialTask) -> dict[str, Any]:
    found = asdict(task)
    return {
        "id": str(found.pop("number")),
        **found,
        "state": task.state.value,
        "progress": list(task.progress),
    }
