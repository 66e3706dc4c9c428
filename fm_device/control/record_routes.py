"""Routes of what is written down: registers, log, reports, presets, images."""

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from fm_device.control.answers import (
    LogEntryAnswer,
    PresetsAnswer,
    RegistersAnswer,
    ReportsAnswer,
)
from fm_device.control.bodies import PresetBody, RegistersBody
from fm_device.control.port import PortHere
from fm_device.control.problems import ControlRefusal, ProblemError
from fm_device.control.stand import Stand
from fm_device.firmware.event_words import event_facts
from fm_device.firmware.reporting import MAILING, report
from fm_device.flash.layout import EVENTS_MAX
from fm_device.presets import (
    Image,
    Preset,
    encode_image,
    library_names,
    read_library,
    read_preset,
)
from fm_device.reports.document import Report
from fm_device.reports.pdf import encode_pdf
from fm_device.reports.text import show_document
from protocol.errors import LocalProtocolError

ReportName = Literal[
    "funds",
    "recharge",
    "recharges",
    "mailing",
    "classes",
    "departments",
    "configuration",
    "errors",
]


ROUTES: Final = APIRouter(tags=["records"])


@ROUTES.get("/registers")
async def get_registers(port: PortHere) -> RegistersAnswer:
    """Read the registers of a machine that is on."""
    return await port.look(_registers)


@ROUTES.put("/registers", status_code=204)
async def put_registers(port: PortHere, body: RegistersBody) -> None:
    """Write registers behind the machine's back: realm TEST alone, and while off.

    What was never franked or recharged is so for the server too: the next dial-in
    finds it.
    """
    preset = Preset(tables={"registers": body.given()})
    await port.change(lambda stand: _apply(stand, preset))


@ROUTES.get("/presets")
async def get_presets() -> PresetsAnswer:
    """Name the situations that come with the product."""
    return PresetsAnswer(names=list(library_names()))


@ROUTES.post("/preset", status_code=204)
async def post_preset(port: PortHere, body: PresetBody) -> None:
    """Bring the machine into a situation: realm TEST alone, and while off."""
    if (body.toml is None) == (body.name is None):
        raise LocalProtocolError("give either toml or name")
    if body.toml is not None:
        preset = read_preset(body.toml.encode())
    else:
        preset = read_library(body.name or "")
    await port.change(lambda stand: _apply(stand, preset))


@ROUTES.get(
    "/image",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_image(port: PortHere) -> Response:
    """Copy both memories, keys included, for `rmfs machine restore`: TEST alone."""
    nvram, flash = await port.change(lambda stand: stand.image())
    octets = encode_image(Image(port.papers, nvram, flash))
    return Response(octets, media_type="application/octet-stream")


@ROUTES.get("/log")
async def get_log(
    port: PortHere,
    at_most: Annotated[int, Query(ge=1, le=EVENTS_MAX)] = 100,
) -> list[LogEntryAnswer]:
    """Read the machine's event log, newest first."""
    return await port.look(lambda stand: _log(stand, at_most))


@ROUTES.post(
    "/reports/{name}",
    response_model=ReportsAnswer,
    responses={
        200: {
            "content": {
                "text/plain": {"schema": {"type": "string"}},
                "application/pdf": {},
            }
        }
    },
)
async def post_report(
    port: PortHere,
    name: ReportName,
    form: Annotated[Literal["json", "text", "pdf"], Query()] = "json",
    again: Annotated[
        bool, Query(description="The last statement of mailing once more.")
    ] = False,
    by_total: Annotated[
        bool,
        Query(
            description="A statement of mailing in one row, where the rows before it "
            "are lost (FMW-12-011); the supervisor does. Else it changes nothing."
        ),
    ] = False,
) -> Response:
    """Print a report: it takes ink, and a statement of mailing closes a period."""
    if name != MAILING and (again or by_total):
        raise LocalProtocolError("only a statement of mailing is again, or by_total")
    if again and by_total:
        raise LocalProtocolError("give either again or by_total: that one is new")

    def print_it(stand: Stand) -> tuple[Report, ...]:
        made = report(stand.machine, name, again=again, by_total=by_total)
        if not isinstance(made, tuple):
            raise ProblemError(made)
        return made

    made = await port.change(print_it)
    if form == "pdf":
        pdf = encode_pdf(*(one.document for one in made))
        return Response(pdf, media_type="application/pdf")
    if form == "text":
        text = "\n\n".join(show_document(one.document) for one in made)
        return Response(text, media_type="text/plain")
    shown: list[dict[str, Any]] = [one.as_json() for one in made]
    return JSONResponse({"reports": shown})


def _apply(stand: Stand, preset: Preset) -> None:
    if stand.is_on:
        raise ProblemError(ControlRefusal.ON)
    stand.check_test_realm()
    stand.apply(preset)


def _registers(stand: Stand) -> RegistersAnswer:
    registers = stand.machine.record.registers
    return RegistersAnswer(
        ascending_paise=registers.ascending_paise,
        descending_paise=registers.descending_paise,
        control_total_paise=registers.control_total_paise,
        items=registers.items,
        items_with_zero=registers.items_with_zero,
    )


def _log(stand: Stand, at_most: int) -> list[LogEntryAnswer]:
    return [
        LogEntryAnswer.model_validate(asdict(event_facts(event)))
        for event in stand.machine.log.entries(at_most)
    ]
