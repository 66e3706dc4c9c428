"""Contents that a scenario has ordered: they are made for it, and for nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from fm_device.postage.factory import factory_tariff
from protocol.contents import (
    Body,
    CreditKeyUpdate,
    FirmwareImage,
    ProductClass,
    Slogan,
    Tariff,
)
from protocol.contents import Step as TariffStep
from rmfs_tools.maker import fill_payload
from rmfs_tools.scenario_world import World

_FIRST_MORE: Final = 100


def made_content(world: World, kind: str, **given: Any) -> Body:
    """Make what an order brings.

    Args:
        world: For which it is made.
        kind: As steps name it.
        given: What the step says of it.
    """
    if kind == "tariff":
        return _tariff(**given)
    if kind == "slogan":
        number, lines = given["number"], given["lines"]
        approval = f"scenario {world.scenario.name}"[:40]
        return Slogan(number, lines[0], lines, given["customer"], approval)
    if kind == "firmware":
        version = given["version"]
        payload = fill_payload(version, given["payload_octets"])
        return FirmwareImage(version, "a scenario's", given["boots"], payload)
    return CreditKeyUpdate(world.server.provisioning(given["number"]))


def _tariff(
    number: int,
    valid_from: Any,
    dearer_paise: int,
    without: Sequence[str],
    more_classes: int,
) -> Tariff:
    """Make a tariff from the factory's."""
    factory = factory_tariff()
    classes = tuple(
        _dearer(one, dearer_paise)
        for one in factory.classes
        if one.letters not in without
    )
    more = tuple(
        ProductClass(
            _FIRST_MORE + one,
            f"X{one}",
            f"another class {one}",
            "own: for a scenario",
            (),
            (TariffStep(500, (100,)),),
            None,
            500,
        )
        for one in range(1, more_classes + 1)
    )
    return replace(
        factory,
        number=number,
        valid_from=valid_from,
        name=f"Postage of tariff {number}",
        source="own: made for a scenario from the factory's",
        classes=(*classes, *more),
    )


def _dearer(one: ProductClass, paise: int) -> ProductClass:
    steps = tuple(
        replace(step, paise=tuple(price + paise for price in step.paise))
        for step in one.steps
    )
    return replace(one, steps=steps)
