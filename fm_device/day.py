"""A simulated working day: a seeded mix of mail, franked until something forbids it."""

from dataclasses import dataclass
from typing import Final

from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine
from fm_device.firmware.refusals import Refusal
from hw.entropy import SeededEntropy
from hw.scales.simulated import SimulatedScale
from protocol.values import Paise

MAIL: Final = (
    (3, 12, ""),
    (3, 18, ""),
    (3, 20, ""),
    (3, 35, ""),
    (4, 40, ""),
    (1, 3, ""),
    (2, 4, ""),
    (5, 30, ""),
    (6, 45, "LOCAL"),
)
"""What an office sends: class, grams and zone, letters the most."""


@dataclass(frozen=True, slots=True)
class Day:
    """How a day went: what was franked, and what stopped it."""

    items: int
    amount_paise: Paise
    refusal: Refusal | None


def frank_day(machine: Machine, scale: SimulatedScale, letters: int, seed: int) -> Day:
    """Frank `letters` items; the same seed chooses the same ones.

    Args:
        machine: Franks; nobody confirms a high value.
        scale: The scale of the machine, on which the items are laid.
        letters: How many items.
        seed: Chooses them.
    """
    entropy = SeededEntropy(b"day %d" % seed)
    amount = 0
    for number in range(letters):
        product_class, grams, zone = MAIL[entropy.octets(1)[0] % len(MAIL)]
        refusal = machine.franking.choose_class(product_class)
        if refusal is None and zone:
            refusal = machine.franking.choose_zone(zone)
        if refusal is not None:
            return Day(number, Paise(amount), refusal)
        scale.put(grams)
        done = machine.franking.frank()
        if not isinstance(done, Printed):
            return Day(number, Paise(amount), done)
        amount += done.face.value_paise
    return Day(letters, Paise(amount), None)
