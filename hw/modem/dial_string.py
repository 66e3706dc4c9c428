"""What follows ATD: digits, and what the modem does between them.

Source: ITU-T V.250 clause 6.3.1 and its parts.
"""

from dataclasses import dataclass
from typing import Final

from hw.modem.registers import Registers

DIAL_TONE_S: Final = 1.0
"""From going off-hook until a dial tone is recognised; ours."""

FLASH_S: Final = 0.5
_PULSE_S: Final = 0.1
_BETWEEN_PULSED_S: Final = 0.8
_TONES: Final = frozenset("0123456789*#ABCD")
_PULSED: Final = frozenset("0123456789")
_LEFT_OUT: Final = frozenset(" ()-./+")


class DialStringError(ValueError):
    """A character that no modem dials."""


@dataclass(frozen=True, slots=True)
class DialString:
    """What is to be dialled.

    Attributes:
        number: The digits alone.
        dial_s: How long it takes to dial them, pauses included.
        waits_for_quiet: Whether it has an ``@``: a bell that nobody answers is told.
        stays: Whether it ends with ``;``: the modem goes on taking commands.
        pulse: Whether its last digit was dialled by pulses.
    """

    number: str
    dial_s: float
    waits_for_quiet: bool = False
    stays: bool = False
    pulse: bool = False


def parse_dial_string(text: str, registers: Registers, *, pulse: bool) -> DialString:
    """Read a dial string, in capitals.

    Args:
        text: What follows D, up to the end or with the ``;`` that ends it.
        registers: S8 and S11 say how long pauses and tones are.
        pulse: Whether the modem dials by pulses unless it is told otherwise.

    Raises:
        DialStringError: It has a character that cannot be dialled.
    """
    pause_s = float(registers.get(8))
    tone_s = 2 * registers.get(11) / 1000
    between_s = {",": pause_s, "!": FLASH_S, "W": DIAL_TONE_S, "@": 0.0}
    number = ""
    dial_s = 0.0
    stays = text.endswith(";")
    for character in text.removesuffix(";"):
        if character in "TP":
            pulse = character == "P"
        elif character in between_s:
            dial_s += between_s[character]
        elif character in (_PULSED if pulse else _TONES):
            number += character
            pulses = int(character) or 10 if pulse else 0
            dial_s += pulses * _PULSE_S + _BETWEEN_PULSED_S if pulse else tone_s
        elif character not in _LEFT_OUT:
            message = f"{character!r} cannot be dialled"
            raise DialStringError(message)
    return DialString(number, dial_s, "@" in text, stays, pulse)
