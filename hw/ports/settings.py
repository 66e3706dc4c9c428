"""How a serial port is set: speed and the form of a character."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from protocol.errors import RmfsError

BAUD_RATES: Final = (
    *(300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 28800, 33600, 38400, 57600),
    *(115200, 230400, 460800, 921600),
)
"""Speeds that are offered; a port may refuse one that it cannot do."""


class PortSettingsError(RmfsError):
    """No port can be set so."""


class Parity(Enum):
    """What the bit behind the data bits of a character says."""

    NONE = "none"
    EVEN = "even"
    ODD = "odd"
    MARK = "mark"
    SPACE = "space"


class FlowControl(Enum):
    """How the two ends of a port stop each other."""

    NONE = "none"
    RTS_CTS = "rtscts"
    XON_XOFF = "xonxoff"
    """Octets 0x11 and 0x13 belong to the port: FMP/1 needs an ACCM over it."""


@dataclass(frozen=True, slots=True)
class PortSettings:
    """Speed and the form of a character; as usual it is 9,600 bit/s, 8N1.

    Attributes:
        baud: One of `BAUD_RATES`.
        data_bits: 7 or 8; FMP/1 needs 8.
        parity: See `Parity`.
        stop_bits: 1 or 2.
        flow: See `FlowControl`.
    """

    baud: int = 9600
    data_bits: int = 8
    parity: Parity = Parity.NONE
    stop_bits: int = 1
    flow: FlowControl = FlowControl.NONE

    def __post_init__(self) -> None:
        """Refuse what no port can be.

        Raises:
            PortSettingsError: A value is none of those above.
        """
        for what, value, known in (
            ("baud", self.baud, BAUD_RATES),
            ("data bits", self.data_bits, (7, 8)),
            ("stop bits", self.stop_bits, (1, 2)),
        ):
            if value not in known:
                choices = ", ".join(map(str, known))
                message = f"{what} cannot be {value}, only {choices}"
                raise PortSettingsError(message)

    @property
    def bits_per_character(self) -> int:
        """Start bit, data bits, parity bit if any, stop bits."""
        parity_bits = 0 if self.parity is Parity.NONE else 1
        return 1 + self.data_bits + parity_bits + self.stop_bits
