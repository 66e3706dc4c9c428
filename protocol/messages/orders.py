"""Kinds of order, what each needs of a machine, and the bounds of a content.

An order says what to do in 8 octets. Where that is too little, its value names a
*content*, which the machine fetches with WANT and CONTENT (SPEC.md DLG-10, DLG-16).
"""

from enum import IntEnum, IntFlag
from typing import Final


class OrderKind(IntEnum):
    """What an order asks the machine to do (DLG-10)."""

    CLOCK = 1
    """Set the clock to the value (seconds since 1970)."""
    LOCK = 2
    """Refuse to frank until an UNLOCK; the value is a reason code for the operator."""
    UNLOCK = 3
    NEXT_CALL = 4
    """Dial in by the value (seconds since 1970); 0 takes a date back."""
    NOTHING = 5
    """Take the serial and do nothing: an order that was taken back."""
    FRANK_LIMIT = 6
    """Frank no single value above this (paise); 0 for no limit."""
    FUNDS_LIMIT = 7
    """Recharge to no DR above this (paise); 0 for no limit."""
    RETIRE_CREDIT_KEY = 8
    """Forget the credit key with this id."""
    TARIFF = 16
    """Keep the tariff with this content id, in force from its day on."""
    SLOGAN = 17
    """Keep the slogan with this content id under its number."""
    FIRMWARE = 18
    """Install the firmware with this content id."""
    CREDIT_KEY = 19
    """Trust the credit keys in the SERVER file with this content id."""
    SLOGAN_OFF = 20
    """Remove the slogan with this number."""


class Capability(IntFlag):
    """Capability bits of a STATEMENT: orders that this machine can carry out (DLG-11).

    A server sends no order whose bit the STATEMENT lacks.
    """

    TARIFF = 1
    SLOGAN = 2
    FIRMWARE = 4
    CREDIT_KEY = 8
    EVENT_LOG = 16
    """Reserved (DLG-12)."""
    LIMITS = 32


CAPABILITY_OF: Final[dict[OrderKind, Capability | None]] = {
    OrderKind.CLOCK: None,
    OrderKind.LOCK: None,
    OrderKind.UNLOCK: None,
    OrderKind.NEXT_CALL: None,
    OrderKind.NOTHING: None,
    OrderKind.FRANK_LIMIT: Capability.LIMITS,
    OrderKind.FUNDS_LIMIT: Capability.LIMITS,
    OrderKind.RETIRE_CREDIT_KEY: Capability.CREDIT_KEY,
    OrderKind.TARIFF: Capability.TARIFF,
    OrderKind.SLOGAN: Capability.SLOGAN,
    OrderKind.FIRMWARE: Capability.FIRMWARE,
    OrderKind.CREDIT_KEY: Capability.CREDIT_KEY,
    OrderKind.SLOGAN_OFF: Capability.SLOGAN,
}
"""The bit that a machine must have shown; None for what every machine can do."""

CONTENT_ORDERS: Final = frozenset(
    {
        OrderKind.TARIFF,
        OrderKind.SLOGAN,
        OrderKind.FIRMWARE,
        OrderKind.CREDIT_KEY,
    }
)
"""The value of these is a content id: the first 8 octets of SHA-256 (DLG-16.1)."""

CONTENT_PART_OCTETS: Final = 512
"""Octets in one CONTENT: 6 s at 1,200 bit/s, so that little is lost with a line."""
CONTENT_OCTETS_MAX: Final = 65_536
"""The largest content."""
WANTS_PER_DIAL_IN_MAX: Final = 512
"""WANTs that a server answers in one dialogue: four contents of the largest size."""
