"""Routes of what is around the machine: sensors, faults, the scale."""

from dataclasses import asdict
from decimal import Decimal
from typing import Final

from fastapi import APIRouter

from fm_device.control.answers import FaultAnswer, SensorsAnswer, WeightAnswer
from fm_device.control.bodies import (
    LoadBody,
    ScaleFaultBody,
    SensorsBody,
    ShakeBody,
)
from fm_device.control.port import PortHere
from fm_device.control.problems import ControlRefusal, ProblemError
from fm_device.control.stand import Stand
from hw.scales.port import Reading, ScaleFault
from hw.scales.simulated import SimulatedScale

ROUTES: Final = APIRouter(tags=["around the machine"])


@ROUTES.get("/sensors")
async def get_sensors(port: PortHere) -> SensorsAnswer:
    """Say what the sensors tell."""
    return await port.look(_sensors)


@ROUTES.patch("/sensors")
async def patch_sensors(port: PortHere, body: SensorsBody) -> SensorsAnswer:
    """Let sensors tell something else; faults follow from it."""

    def sense(stand: Stand) -> SensorsAnswer:
        stand.machine.sense(**body.given())
        return _sensors(stand)

    return await port.change(sense)


@ROUTES.get("/faults")
async def get_faults(port: PortHere) -> list[FaultAnswer]:
    """List the faults that stand, stops first; none while the machine is off."""
    return await port.look(_faults)


@ROUTES.get("/scale")
async def get_scale(port: PortHere) -> WeightAnswer:
    """Weigh once, at rest or not; a simulated fault counts this as a reading."""
    return await port.look(lambda stand: _weight(stand.scale.weigh()))


@ROUTES.put("/scale/load")
async def put_load(port: PortHere, body: LoadBody) -> WeightAnswer:
    """Put something on the simulated scale, in place of what lay there."""

    def put(stand: Stand) -> WeightAnswer:
        _simulated(stand).put(Decimal(body.grams))
        return _weight(stand.scale.weigh())

    return await port.change(put)


@ROUTES.delete("/scale/load")
async def delete_load(port: PortHere) -> WeightAnswer:
    """Take everything off the simulated scale."""

    def remove(stand: Stand) -> WeightAnswer:
        _simulated(stand).remove()
        return _weight(stand.scale.weigh())

    return await port.change(remove)


@ROUTES.put("/scale/fault", status_code=204)
async def put_fault(port: PortHere, body: ScaleFaultBody) -> None:
    """Let the simulated scale fail."""

    def fail(stand: Stand) -> None:
        _simulated(stand).fail(ScaleFault[body.fault], body.readings)

    await port.change(fail)


@ROUTES.delete("/scale/fault", status_code=204)
async def delete_fault(port: PortHere) -> None:
    """Mend the simulated scale."""
    await port.change(lambda stand: _simulated(stand).mend())


@ROUTES.post("/scale/shake", status_code=204)
async def shake(port: PortHere, body: ShakeBody) -> None:
    """Keep the simulated scale from resting for some readings."""
    await port.change(lambda stand: _simulated(stand).shake(body.readings))


@ROUTES.post("/scale/zero")
async def zero(port: PortHere) -> WeightAnswer:
    """Take what lies on the scale, simulated or real, for nothing."""

    def take(stand: Stand) -> WeightAnswer:
        fault = stand.scale.zero()
        return _weight(stand.scale.weigh() if fault is None else fault)

    return await port.change(take)


def _simulated(stand: Stand) -> SimulatedScale:
    if not isinstance(stand.scale, SimulatedScale):
        raise ProblemError(ControlRefusal.REAL_SCALE)
    return stand.scale


def _sensors(stand: Stand) -> SensorsAnswer:
    sensors = stand.machine.sensors
    return SensorsAnswer.model_validate(
        {**asdict(sensors), "scale": sensors.scale.value}
    )


def _weight(reading: Reading) -> WeightAnswer:
    if isinstance(reading, ScaleFault):
        return WeightAnswer(grams=None, stable=False, fault=reading.name)
    return WeightAnswer(grams=reading.grams, stable=reading.stable, fault=None)


def _faults(stand: Stand) -> list[FaultAnswer]:
    if not stand.machine.is_on:
        return []
    return [
        FaultAnswer.model_validate(
            {
                "code": fault.code,
                "name": fault.name,
                "kind": fault.kind.value,
                "words": fault.words,
                "cleared_by": fault.cleared_by,
            }
        )
        for fault in stand.machine.faults
    ]
