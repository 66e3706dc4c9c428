"""What `rmfs machine frank` and `price` share: an item, and what is chosen for it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fm_device.typed_cli import CLASS, DAY, SCALE

if TYPE_CHECKING:
    from fm_device.firmware.franking import Franking
    from fm_device.firmware.refusals import Refusal
    from hw.scales.port import Scale
    from hw.scales.strings import ScaleAddress

_Command = TypeVar("_Command", bound=Callable[..., Any])
_OPTIONS: Final = (
    click.option(
        "--class",
        "product_class",
        type=CLASS,
        default="L",
        show_default=True,
        help="A class of the tariff: P, ILC, L, BP, RL, SP, ...",
    ),
    click.option("--zone", default="", help="How far it goes, for classes that ask."),
    click.option(
        "--on-scale",
        type=click.IntRange(0, 65_535),
        default=0,
        help="Grams that lie on the simulated scale. The machine weighs; no weight and "
        "no postage can be keyed in.",
    ),
    click.option(
        "--scale", type=SCALE, help="Weigh on this scale, as serial:/dev/ttyS0."
    ),
    click.option(
        "--date", "day", type=DAY, help="+DAYS, a date, or next: ahead of today."
    ),
)


def item_options(command: _Command) -> _Command:
    """Give a command the options of an item: class, zone, scale and day."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def scale_of(address: "ScaleAddress | None", on_scale: int) -> "Scale":
    """Give the scale at an address, or a simulated one with something on it."""
    from hw.clock import SystemMonotonicClock
    from hw.scales.build import build_scale
    from hw.scales.simulated import SimulatedScale

    if address is not None:
        return build_scale(address, SystemMonotonicClock())
    scale = SimulatedScale()
    scale.put(on_scale)
    return scale


def choose_item(
    franking: "Franking",
    product_class: int,
    zone: str,
    day: Any,
    *,
    department: int = 0,
) -> "Refusal | None":
    """Choose what an item is; a department comes before the day, which it takes back.

    Args:
        franking: Of the machine.
        product_class: Number of the class.
        zone: Empty where the class does not ask for one.
        day: What `typed_cli.DAY` reads, or None for today.
        department: 0 for none.
    """
    refusal = franking.choose_class(product_class)
    if refusal is None and zone:
        refusal = franking.choose_zone(zone)
    if refusal is None and department:
        refusal = franking.choose_department(department)
    if refusal is None and day is not None:
        refusal = franking.choose_day(day)
    return refusal
