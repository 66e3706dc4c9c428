"""From a scale string to the scale: the one place that knows every kind."""

from functools import partial

from hw.clock import MonotonicClock
from hw.scales.port import Scale
from hw.scales.serial import DEFAULT, ScaleTimeouts, SerialScale
from hw.scales.serial_port import SystemPort
from hw.scales.simulated import SimulatedScale
from hw.scales.strings import ScaleAddress, SimulatedAddress


def build_scale(
    address: ScaleAddress, clock: MonotonicClock, timeouts: ScaleTimeouts = DEFAULT
) -> Scale:
    """Make the scale; a port is opened when it is first asked."""
    if isinstance(address, SimulatedAddress):
        scale = SimulatedScale()
        scale.put(address.grams)
        return scale
    return SerialScale(partial(SystemPort, address.settings), clock, timeouts)
