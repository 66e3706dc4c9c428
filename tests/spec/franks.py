"""One machine, its server, and franks of it: what the tests of INDICIUM start from."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from hw.entropy import SeededEntropy
from protocol.indicium import FrankKind, Indicium
from protocol.keys import MachineIdentity, Realm, ServerIdentity
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

LICENCE: Final = LicenceIdentifier("N123456")
TODAY: Final = date(2026, 11, 22)
TIME: Final = EpochSeconds(1_795_325_400)
"""2026-11-22 11:00 in India."""

MACHINE: Final = MachineIdentity.generate(
    LICENCE, "PSD00001", Realm.TEST, SeededEntropy(b"machine of the franks")
)
SERVER: Final = ServerIdentity.generate(
    "rmfs.example", Realm.TEST, 1, SeededEntropy(b"server of the franks")
)

FRANK: Final = Indicium(
    kind=FrankKind.VALID,
    realm=Realm.TEST,
    licence=LICENCE,
    generation=1,
    item=42,
    items=40,
    ascending_paise=Paise(126_400),
    descending_paise=Paise(73_600),
    value_paise=Paise(500),
    product_class=3,
    time=TIME,
    printed_on=TODAY,
    pin_code=560_001,
    weight_g=18,
)
"""A frank of Rs 5.00, the 42nd imprint."""

ZERO: Final = replace(FRANK, kind=FrankKind.ZERO, value_paise=Paise(0), weight_g=0)
"""A zero imprint with the same number."""


def frank(**changes: Any) -> Indicium:
    """Make a frank that differs from `FRANK` in some fields."""
    return replace(FRANK, **changes)


def next_frank(earlier: Indicium = FRANK, value: int = 500, skip: int = 0) -> Indicium:
    """Make the frank that the same machine makes next, after `skip` others of Rs 5."""
    paid = value + skip * 500
    return replace(
        earlier,
        item=earlier.item + 1 + skip,
        items=earlier.items + 1 + skip,
        ascending_paise=Paise(earlier.ascending_paise + paid),
        descending_paise=Paise(earlier.descending_paise - paid),
        value_paise=Paise(value),
        time=EpochSeconds(earlier.time + 60 * (1 + skip)),
    )
