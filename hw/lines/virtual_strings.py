"""The settings of a virtual line in a line string: ``speed=9600:delay=0.02:ber=1e-5``.

Every setting is a name and a number. What is as usual is left out when a line string is
written.
"""

import dataclasses
from collections.abc import Iterable
from typing import Final

from hw.lines.port import LineError
from hw.lines.virtual import VirtualLineParameters

VIRTUAL_FORM: Final = "virtual:speed=9600:delay=0.02:ber=1e-5:tcp:HOST:PORT"

_SETTINGS: Final[dict[str, tuple[str, type[int] | type[float]]]] = {
    "speed": ("bit_s", int),
    "delay": ("delay_s", float),
    "ber": ("bit_error_rate", float),
    "seed": ("seed", int),
    "cut_up": ("cut_after_octets_up", int),
    "cut_down": ("cut_after_octets_down", int),
    "cut": ("cut_after_octets", int),
    "cut_at": ("cut_at_s", float),
}


def parse_virtual_settings(
    settings: Iterable[tuple[str, str]],
) -> VirtualLineParameters:
    """Read the settings of a virtual line.

    Args:
        settings: Name and value of each, in their order.

    Raises:
        LineError: A name is not known or comes twice, or no line has such a value.
    """
    values: dict[str, int | float] = {}
    for name, value in settings:
        if name not in _SETTINGS:
            known = ", ".join(_SETTINGS)
            message = f"a line has no {name!r}, only {known}"
            raise LineError(message)
        target, read = _SETTINGS[name]
        if target in values:
            message = f"{name} is set twice"
            raise LineError(message)
        try:
            values[target] = read(value)
        except ValueError:
            message = f"{name}={value} is no number"
            raise LineError(message) from None
    return dataclasses.replace(VirtualLineParameters(), **values)  # type: ignore[arg-type]  # read above


def show_virtual_settings(parameters: VirtualLineParameters) -> list[str]:
    """Write each setting that is not as usual as ``NAME=VALUE``."""
    usual = VirtualLineParameters()
    return [
        f"{name}={getattr(parameters, field)}"
        for name, (field, _) in _SETTINGS.items()
        if getattr(parameters, field) != getattr(usual, field)
    ]
