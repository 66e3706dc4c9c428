"""The wire between a machine and a serial scale: the part of MT-SICS that is used.

MT-SICS is Mettler-Toledo's Standard Interface Command Set; scales of other makers speak
its level 0 too. Commands and answers are lines of ASCII that end with CR LF. Of level 0
this is used (``_`` is a space):

    S                stable weight     S_S______18.40_g    at rest
    SI               weight at once    S_D______18.39_g    not at rest
                                       S_I                 busy, or no rest in its time
                                       S_+  S_-            over- and underload
                                       S_S_Error_10b       a defect of the scale
    Z                zero              Z_A  Z_I  Z_+  Z_-
    @                cancel all        I4_A_"B021002593"   the serial number
    I4               serial number     I4_A_"B021002593"

The weight is right-aligned in ten characters, with a minus sign directly before its
first digit; the unit follows. A command that the scale does not know is answered with
``ES``, one that arrived damaged with ``ET``, one that it cannot carry out with ``EL``.

Source:
    Mettler-Toledo, Reference Manual MT-SICS, 11780711 (Excellence) and 30014405
    (Standard and Advanced): response formats, error messages, S, SI, Z, @, I4.
"""

import re
from collections import deque
from decimal import Decimal
from enum import Enum
from typing import Final

from hw.scales.port import Reading, ScaleFault, reading_of
from protocol.errors import LocalProtocolError

LINE_END: Final = b"\r\n"
LINE_OCTETS_MAX: Final = 64
"""Ours: an answer with a weight has 18 characters, one with a serial number some 20."""
WEIGHT_CHARACTERS: Final = 10

_GRAMS_IN: Final = {
    b"g": Decimal(1),
    b"kg": Decimal(1000),
    b"mg": Decimal("0.001"),
}
_WEIGHT: Final = re.compile(rb"S ([SD]) +(-?[0-9]+(?:\.[0-9]+)?) +([!-~]{1,5})")
_SERIAL_NUMBER: Final = re.compile(rb'I4 A "([ !#-~]{1,40})"')
_DEFECT: Final = b"S S Error "
_SAID_ALWAYS: Final = {
    b"ES": ScaleFault.REFUSED,
    b"EL": ScaleFault.REFUSED,
    b"ET": ScaleFault.GARBLED,
}
_SAID_INSTEAD_OF_A_WEIGHT: Final = {
    **_SAID_ALWAYS,
    b"S I": ScaleFault.UNSTABLE,
    b"S +": ScaleFault.OVERLOAD,
    b"S -": ScaleFault.UNDERLOAD,
}
_SAID_TO_ZERO: Final = {
    **_SAID_ALWAYS,
    b"Z A": None,
    b"Z I": ScaleFault.UNSTABLE,
    b"Z +": ScaleFault.NOT_ZERO,
    b"Z -": ScaleFault.NOT_ZERO,
}


class Command(Enum):
    """What a scale is asked; the value is what is sent."""

    STABLE_WEIGHT = b"S"
    WEIGHT_AT_ONCE = b"SI"
    ZERO = b"Z"
    CANCEL = b"@"
    SERIAL_NUMBER = b"I4"


def encode_line(line: bytes) -> bytes:
    r"""End a line: ``b"SI"`` becomes ``b"SI\r\n"``."""
    return line + LINE_END


def decode_reading(line: bytes) -> Reading:
    """Read the answer to `STABLE_WEIGHT` or `WEIGHT_AT_ONCE`, whatever it is."""
    if line in _SAID_INSTEAD_OF_A_WEIGHT:
        return _SAID_INSTEAD_OF_A_WEIGHT[line]
    if line.startswith(_DEFECT):
        return ScaleFault.DEFECTIVE
    found = _WEIGHT.fullmatch(line)
    if found is None or len(found[2]) > WEIGHT_CHARACTERS:
        return ScaleFault.GARBLED
    if found[3] not in _GRAMS_IN:
        return ScaleFault.WRONG_UNIT
    grams = Decimal(found[2].decode("ascii")) * _GRAMS_IN[found[3]]
    return reading_of(grams, stable=found[1] == b"S")


def decode_zeroing(line: bytes) -> ScaleFault | None:
    """Read the answer to `ZERO`, whatever it is; None when the scale is zeroed."""
    return _SAID_TO_ZERO.get(line, ScaleFault.GARBLED)


def decode_serial_number(line: bytes) -> str | None:
    """Read the answer to `CANCEL` or `SERIAL_NUMBER`; None when it is another."""
    found = _SERIAL_NUMBER.fullmatch(line)
    return None if found is None else found[1].decode("ascii")


def encode_serial_number(serial_number: str) -> bytes:
    """Write the answer with a serial number.

    Raises:
        LocalProtocolError: A scale cannot be called so.
    """
    line = f'I4 A "{serial_number}"'.encode("ascii", "replace")
    if decode_serial_number(line) != serial_number:
        message = (
            f"{serial_number!r} is no serial number: it has 1 to 40 characters of "
            "ASCII and no quotation mark"
        )
        raise LocalProtocolError(message)
    return line


def encode_weight(grams: Decimal, *, stable: bool) -> bytes:
    """Write the answer with a weight, in grams with two decimals.

    Raises:
        LocalProtocolError: It does not fit into ten characters.
    """
    shown = f"{grams:.2f}"
    if len(shown) > WEIGHT_CHARACTERS:
        message = f"{shown} g does not fit into {WEIGHT_CHARACTERS} characters"
        raise LocalProtocolError(message)
    status = "S" if stable else "D"
    return f"S {status} {shown:>{WEIGHT_CHARACTERS}} g".encode("ascii")


class Lines:
    """Cuts what arrives into lines; of a line without end it holds the beginning."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._ended: deque[bytes] = deque()
        self._begun = bytearray()

    @property
    def is_inside_one(self) -> bool:
        """Something has arrived that is not ended yet."""
        return bool(self._begun)

    @property
    def is_empty(self) -> bool:
        """Nothing has arrived that was not given out."""
        return not (self._ended or self._begun)

    def take(self, octets: bytes) -> None:
        """Take what arrived.

        A line that is too long is cut at one octet more than `LINE_OCTETS_MAX`: no
        answer and no command has that form.
        """
        *ended, last = octets.split(b"\n")
        for part in ended:
            self._extend(part)
            self._ended.append(bytes(self._begun).removesuffix(b"\r"))
            self._begun.clear()
        self._extend(last)

    def next_line(self) -> bytes | None:
        """Give the next line that ended, without its end; None when there is none."""
        return self._ended.popleft() if self._ended else None

    def _extend(self, part: bytes) -> None:
        room = LINE_OCTETS_MAX + 1 - len(self._begun)
        self._begun += part[:room]
