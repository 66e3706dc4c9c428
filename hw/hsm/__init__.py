"""HSMs, reached by PKCS#11: keys that sign and cannot be read (`device.py`)."""

from hw.hsm.device import Hsm, HsmFacts, KeyFacts
from hw.hsm.errors import HsmError, HsmPinError, HsmWrongKeyError
from hw.hsm.place import HsmPlace, parse_place, show_place
from hw.hsm.signer import HsmSigner

__all__ = [
    "Hsm",
    "HsmError",
    "HsmFacts",
    "HsmPinError",
    "HsmPlace",
    "HsmSigner",
    "HsmWrongKeyError",
    "KeyFacts",
    "parse_place",
    "show_place",
]
