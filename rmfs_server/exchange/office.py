"""Everything that a session of the exchange acts on."""

from dataclasses import dataclass
from typing import Final

from hw.database import Store
from protocol.keys import SigningKey
from rmfs_server.department import Department
from rmfs_server.keyring import CreditKeys

INCOMING: Final = (
    "license-issue",
    "license-modification",
    "fund",
    "acknowledgement",
)
"""What the Department sends in every window, in the order in which it is carried out.

A licence is there before its funds; what we sent is answered last (RMFS-34).
"""
ACKNOWLEDGEMENT: Final = "acknowledgement"
OUTGOING: Final = (
    "credit-download",
    "usage",
    "remaining-fund",
    "discrepancy",
)
"""What goes in every window beside the acknowledgement, empty or not (RMFS-33)."""


@dataclass(frozen=True, slots=True)
class OurSide:
    """Who we are to the Department.

    Attributes:
        letter: Of this maker, first of the identifiers of its machines.
        key_id: By which the Department knows our key.
        key: Signs our files.
    """

    letter: str
    key_id: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class ExchangeOffice:
    """The books, and who exchanges files about them."""

    store: Store
    department: Department
    ours: OurSide
    credit_keys: CreditKeys
