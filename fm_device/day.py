"""A simulated working day: a seeded mix of mail, franked until something forbids it."""

from dataclasses import dataclass
from typing import Final

from fm_device.psd.device import Psd
from fm_device.psd.franking import FrankRefusal
from hw.entropy import SeededEntropy
from protocol.values import Paise

MAIL: Final = (
    (3, Paise(500)),
    (3, Paise(500)),
    (3, Paise(500)),
    (3, Paise(1000)),
    (4, Paise(400)),
    (1, Paise(50)),
    (2, Paise(250)),
    (5, Paise(2200)),
    (6, Paise(4130)),
)
"""What an office sends: class and postage, letters the most; examples, no tariff."""


@dataclass(frozen=True, slots=True)
class Day:
    """How a day went: what was franked, and what stopped it."""

    items: int
    amount_paise: Paise
    refusal: FrankRefusal | None


def frank_day(psd: Psd, letters: int, seed: int) -> Day:
    """Frank `letters` items; the same seed chooses the same ones."""
    entropy = SeededEntropy(b"day %d" % seed)
    amount = 0
    for number in range(letters):
        product_class, value = MAIL[entropy.octets(1)[0] % len(MAIL)]
        done = psd.frank(value, product_class)
        if isinstance(done, FrankRefusal):
            return Day(number, Paise(amount), done)
        amount += value
    return Day(letters, Paise(amount), None)
