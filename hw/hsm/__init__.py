"""HSMs, reached by PKCS#11: keys that sign and cannot be read.

`device.py` has the HSM itself. It is imported by who needs it: the library behind it
takes 40 ms to load, and most servers have no HSM.
"""

from hw.hsm.errors import HsmError, HsmPinError, HsmWrongKeyError
from hw.hsm.place import HsmPlace, parse_place, show_place
from hw.hsm.signer import HsmSigner

__all__ = [
    "HsmError",
    "HsmPinError",
    "HsmPlace",
    "HsmSigner",
    "HsmWrongKeyError",
    "parse_place",
    "show_place",
]
