"""The signed octets of a frank as a Data Matrix symbol.

Always 40 by 40 modules (ECC 200: 114 data codewords, 48 for error correction in one
block, four data regions of 18 by 18), so that every frank has the same shape. The
octets stand there as they are, in base 256 without an extended channel: the channel for
binary data would take three octets of room, and a reader that does not know it (libdmtx
0.7.6) puts three octets of its own before the payload.

Source: ISO/IEC 16022:2006, table 7; the choice of symbol is ours.
"""

from typing import Any, Final

import zxingcpp

from protocol.errors import LocalProtocolError

Modules = tuple[tuple[bool, ...], ...]
"""Rows of modules from the top; True is dark."""

SYMBOL_MODULES: Final = 40
"""Modules in a row, finder included."""
SYMBOL_OCTETS_MAX: Final = 112
"""114 data codewords less one for base 256 and one for its length."""

_VERSION_40_BY_40: Final = 12
"""Number of the size among the square ones, from 1 for 10 by 10."""
_NO_CHANNEL: Final = "0"
"""Without this zxing-cpp writes channel 899 (binary) in three codewords of its own."""


def make_symbol(octets: bytes) -> Modules:
    """Put octets into a symbol.

    Args:
        octets: 1 to `SYMBOL_OCTETS_MAX` of them, of any value.

    Returns:
        40 rows of 40 modules, without quiet zone.

    Raises:
        LocalProtocolError: There are none, or more than the symbol holds.
    """
    if not 1 <= len(octets) <= SYMBOL_OCTETS_MAX:
        raise LocalProtocolError(
            f"a symbol holds 1 to {SYMBOL_OCTETS_MAX} octets, not {len(octets)}"
        )
    symbol = zxingcpp.create_barcode(
        octets,
        zxingcpp.BarcodeFormat.DataMatrix,
        version=_VERSION_40_BY_40,
        eci=_NO_CHANNEL,
    )
    # An image of zxing-cpp is a buffer, which its type information does not say.
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False)
    dark = [octet == 0 for octet in memoryview(image).tobytes()]
    return tuple(
        tuple(dark[start : start + SYMBOL_MODULES])
        for start in range(0, len(dark), SYMBOL_MODULES)
    )
