"""Routes of franks: choose, price, frank, and the picture of the last one."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from fm_device.classes import parse_class
from fm_device.control.answers import (
    FrankAnswer,
    PriceAnswer,
    RunAnswer,
    SelectionAnswer,
)
from fm_device.control.bodies import FrankBody, RunBody, SelectionBody
from fm_device.control.port import IdempotencyKey, Port, PortHere
from fm_device.control.problems import ControlRefusal, ProblemError, check
from fm_device.control.stand import Stand
from fm_device.firmware.dates import NextWorkingDay
from fm_device.firmware.franking import Printed
from fm_device.firmware.refusals import Refusal
from fm_device.firmware.runs import Run
from fm_device.frank import draw_frank, render_png, render_svg
from fm_device.postage.pricing import Postage
from fm_device.show import printed_as_json
from protocol.errors import LocalProtocolError

REPLAYED = "Idempotency-Replayed"
"""A header of an answer that was given before."""


ROUTES: Final = APIRouter(tags=["franks"])


@ROUTES.get("/selection")
async def get_selection(port: PortHere) -> SelectionAnswer:
    """Say what is chosen for the next franks."""
    return await port.look(_selection)


@ROUTES.patch("/selection")
async def patch_selection(port: PortHere, body: SelectionBody) -> SelectionAnswer:
    """Choose class, zone, department, day and slogan, in this order.

    What was chosen before a refusal stays chosen. A new class forgets the zone, a
    new department the day.
    """
    return await port.change(lambda stand: _choose(stand, body))


@ROUTES.get("/price")
async def get_price(port: PortHere) -> PriceAnswer:
    """Weigh what lies on the scale, and say what it costs."""

    def price(stand: Stand) -> PriceAnswer:
        found = stand.machine.franking.price()
        if not isinstance(found, Postage):
            raise ProblemError(found)
        return PriceAnswer(
            value_paise=found.value_paise,
            class_letters=found.product_class.letters,
            weight_g=found.weight_g,
        )

    return await port.change(price)


@ROUTES.post("/franks", response_model=FrankAnswer)
async def frank(
    port: PortHere, body: FrankBody, key: IdempotencyKey = None
) -> Response:
    """Frank what lies on the scale: weigh, price, debit, print.

    After CTL-03-002 (the power failed) or CTL-02-006 (time-out) repeat the request
    with the same key: it is never franked a second time.
    """

    def print_one(stand: Stand) -> Printed | Refusal:
        return stand.machine.franking.frank(confirmed=body.confirmed)

    return await _print(port, key, f"frank {body.confirmed}", print_one)


@ROUTES.post("/trials", response_model=FrankAnswer)
async def try_out(port: PortHere, key: IdempotencyKey = None) -> Response:
    """Print to try the machine: of no value, in service counted as a zero imprint.

    In other states it is a specimen or a void imprint, which is not counted.
    """
    return await _print(
        port, key, "trial", lambda stand: stand.machine.franking.try_out()
    )


@ROUTES.post("/runs", response_model=RunAnswer)
async def run(port: PortHere, body: RunBody, key: IdempotencyKey = None) -> Response:
    """Frank one item after the other until all are done, or one is refused.

    Whatever was franked is answered with 200, and why no more was. Each item is an
    event `frank`. A run that takes more than 30 s is answered with 504 and goes on:
    ask again with the same key, or stop it.
    """

    def once(stand: Stand) -> dict[str, Any]:
        franking = stand.machine.franking

        def print_one() -> Printed | Refusal:
            if body.zero:
                return franking.try_out()
            return franking.frank(confirmed=body.confirmed)

        return _run(body.count, stand.print_run(body.count, print_one))

    return await _once(port, key, f"run {body}", once)


@ROUTES.post("/runs/stop", status_code=204)
async def stop_run(port: PortHere) -> None:
    """End the run that goes on, of the panel too, before its next item."""
    port.stand.stop_run()


@ROUTES.get("/franks/last")
async def last(port: PortHere) -> FrankAnswer:
    """Show what came out of the printer last, since the port was opened."""
    shown = await port.look(lambda stand: printed_as_json(_last(stand)))
    return FrankAnswer.model_validate(shown)


@ROUTES.get(
    "/franks/last.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}},
)
async def last_svg(port: PortHere) -> Response:
    """Draw the last frank as SVG."""
    svg = await port.look(lambda stand: render_svg(draw_frank(_last(stand).face)))
    return Response(svg, media_type="image/svg+xml")


@ROUTES.get(
    "/franks/last.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
async def last_png(port: PortHere) -> Response:
    """Draw the last frank as PNG, 300 dots an inch."""
    png = await port.look(lambda stand: render_png(draw_frank(_last(stand).face)))
    return Response(png, media_type="image/png")


async def _print(
    port: Port,
    key: str | None,
    asked: str,
    print_one: Callable[[Stand], Printed | Refusal],
) -> Response:
    def once(stand: Stand) -> dict[str, Any]:
        done = print_one(stand)
        if not isinstance(done, Printed):
            raise ProblemError(done)
        return printed_as_json(done)

    return await _once(port, key, asked, once)


async def _once(
    port: Port, key: str | None, asked: str, do: Callable[[Stand], dict[str, Any]]
) -> Response:
    """Do something once for its key, and answer it as often as it is asked for."""
    answer, before = await port.change(
        lambda stand: stand.answers.once(key, asked, lambda: do(stand))
    )
    headers = {REPLAYED: "true"} if before else {}
    return JSONResponse(answer, headers=headers)


def _run(count: int, done: Run) -> dict[str, Any]:
    refusal = done.refusal
    return {
        "count": count,
        "done": done.done,
        "value_paise": done.value_paise,
        "last": None if done.last is None else printed_as_json(done.last),
        "refused": None
        if refusal is None
        else {"code": refusal.code, "name": refusal.name, "words": refusal.words},
    }


def _last(stand: Stand) -> Printed:
    if stand.printed is None:
        raise ProblemError(ControlRefusal.NO_FRANK)
    return stand.printed


def _selection(stand: Stand) -> SelectionAnswer:
    franking = stand.machine.franking
    found, day = franking.product_class, franking.day
    return SelectionAnswer(
        product_class=franking.selection.product_class,
        class_letters=None if found is None else found.letters,
        zone=franking.selection.zone,
        department=franking.selection.department,
        day=None if day is None else day.isoformat(),
        slogan=stand.machine.settings.slogan,
    )


def _choose(stand: Stand, body: SelectionBody) -> SelectionAnswer:
    machine, given = stand.machine, body.given()
    franking = machine.franking
    if "product_class" in given:
        number = parse_class(str(body.product_class), machine.tariff)
        check(franking.choose_class(number))
    if "zone" in given:
        check(franking.choose_zone(body.zone))
    if "department" in given:
        check(franking.choose_department(body.department))
    if "day" in given:
        check(franking.choose_day(_day(body.day)))
    if "slogan" in given:
        check(franking.choose_slogan(body.slogan))
    return _selection(stand)


def _day(typed: int | str) -> int | date | NextWorkingDay:
    if isinstance(typed, int):
        return typed
    if typed == "next":
        return NextWorkingDay.WANTED
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        shown = json.dumps(typed[:20])
        raise LocalProtocolError(
            f"{shown} is no day: give 3 for in three days, 2026-12-01, or next"
        ) from error
