"""What an item costs: the tariff in force on a day, then class, weight and zone.

Pure. A machine may have several tariffs in hand: the one that holds, and one that an
order brought ahead of its day. The day is that of the business in India, so a tariff
changes at midnight without anybody doing anything.

Codes are ``module-function-number``: module FMW, function 05 postage.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from protocol.coded import Coded
from protocol.contents import ProductClass, Tariff
from protocol.values import Paise


class PostageRefusal(Coded):
    """Why there is no postage: a code for service, words for the operator."""

    NO_TARIFF = (
        "FMW-05-001",
        "NO TARIFF IN FORCE: dial in to be given one",
    )
    CLASS_UNKNOWN = (
        "FMW-05-002",
        "PRODUCT CLASS NOT IN THE TARIFF: choose another",
    )
    NO_WEIGHT = ("FMW-05-003", "NO WEIGHT: put the item on the scale")
    TOO_HEAVY = ("FMW-05-004", "TOO HEAVY for this class: choose another class")
    ZONE_NEEDED = ("FMW-05-005", "ZONE: choose how far the item goes")
    ZONE_UNKNOWN = ("FMW-05-006", "ZONE NOT IN THE TARIFF: choose one of this class")


@dataclass(frozen=True, slots=True)
class Postage:
    """What an item costs, and by which tariff.

    Attributes:
        value_paise: The postage with all that the class includes.
        product_class: The class, with its letters and name.
        weight_g: What was weighed; 0 where the class costs the same at any weight.
        zone: Its zone; empty when the class has none.
        tariff_number: The tariff that says so.
        day: The day for which it says so: that of the frank.
    """

    value_paise: Paise
    product_class: ProductClass
    weight_g: int
    zone: str
    tariff_number: int
    day: date


def tariff_in_force(tariffs: Iterable[Tariff], on: date) -> Tariff | None:
    """Find the tariff that holds on a day: the one that began last.

    Of two that begin on the same day the one that came later holds (CONT-8.1).

    Args:
        tariffs: In the order in which they came.
        on: The day.
    """
    found = None
    for tariff in tariffs:
        if tariff.valid_from > on:
            continue
        if found is None or tariff.valid_from >= found.valid_from:
            found = tariff
    return found


def postage(
    tariffs: Iterable[Tariff],
    on: date,
    product_class: int,
    weight_g: int = 0,
    zone: str = "",
) -> Postage | PostageRefusal:
    """Say what an item costs.

    Args:
        tariffs: All that are in hand, in the order in which they came.
        on: The date of the frank: it is then that the item is posted.
        product_class: Number of the class.
        weight_g: Whole grams, a started gram as one; 0 for not weighed.
        zone: Code of the zone; passed over where the class has no zones.

    Returns:
        The postage, or the first thing that is missing or wrong.
    """
    tariff = tariff_in_force(tariffs, on)
    if tariff is None:
        return PostageRefusal.NO_TARIFF
    found = tariff.find(product_class)
    if found is None:
        return PostageRefusal.CLASS_UNKNOWN
    if found.zones and zone not in found.zones:
        return PostageRefusal.ZONE_UNKNOWN if zone else PostageRefusal.ZONE_NEEDED
    if weight_g <= 0 and not found.is_flat:
        return PostageRefusal.NO_WEIGHT
    if weight_g > found.weight_max_g:
        return PostageRefusal.TOO_HEAVY
    zone_used = zone if found.zones else ""
    value_paise = found.postage_paise(max(weight_g, 1), zone_used)
    return Postage(value_paise, found, max(weight_g, 0), zone_used, tariff.number, on)
