"""Postage: from the tariff in force to what an item costs.

Start with `pricing` (the rules), then `factory` (the tariff of a new machine). The form
of a tariff is in `protocol.contents.tariff`, and in docs/tariffs.md for who writes one.
"""

from fm_device.postage.factory import (
    default_tariff,
    factory_tariff,
    factory_tariff_file,
)
from fm_device.postage.pricing import (
    Postage,
    PostageRefusal,
    postage,
    tariff_in_force,
)

__all__ = [
    "Postage",
    "PostageRefusal",
    "default_tariff",
    "factory_tariff",
    "factory_tariff_file",
    "postage",
    "tariff_in_force",
]
