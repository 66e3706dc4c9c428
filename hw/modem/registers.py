"""S-registers: what each means, what it can be, and what it is when nobody set it.

A register that is not in the table does not exist: asking for it is an ERROR.

Source: ITU-T V.250 clauses 6.2.1 to 6.2.3 (S3, S4, S5) and 6.3.8 to 6.3.12 (S0, S6, S7,
S8, S10); the others by the custom of Hayes and Rockwell modems. Where V.250 leaves a
value to the maker, it is ours.
"""

from dataclasses import dataclass
from typing import Final

from protocol.errors import RmfsError

_OCTET_MAX: Final = 255


class RegisterError(RmfsError):
    """There is no such register, or it cannot have that value."""


@dataclass(frozen=True, slots=True)
class RegisterKind:
    """One S-register.

    Attributes:
        meaning: For people.
        usual: Its value after ``&F``.
        least: Its least value.
        most: Its greatest value.
        values: All values, where not every one between these is possible.
        settable: Whether commands may set it.
    """

    meaning: str
    usual: int
    least: int = 0
    most: int = _OCTET_MAX
    values: frozenset[int] | None = None
    settable: bool = True

    def allows(self, value: int) -> bool:
        """Whether it can be set to `value`."""
        if self.values is not None:
            return value in self.values
        return self.least <= value <= self.most


SPEED_BY_S37: Final = {
    0: None,
    1: 300,
    2: 300,
    3: 300,
    5: 1200,
    6: 2400,
    8: 4800,
    9: 9600,
    10: 12_000,
    11: 14_400,
    12: 7200,
}
"""The fastest speed that S37 asks for in bit/s; None for the fastest there is."""

REGISTERS: Final[dict[int, RegisterKind]] = {
    0: RegisterKind("rings until it answers by itself; 0: it never does", 0),
    1: RegisterKind("rings so far; 0 again 8 s after the last", 0, settable=False),
    2: RegisterKind("the character of the escape; above 127: none", 43),
    3: RegisterKind("the character that ends a command line", 13, most=127),
    4: RegisterKind("the second character of a line end", 10, most=127),
    5: RegisterKind("the character that deletes the one before", 8, most=127),
    6: RegisterKind("seconds before dialling blind", 2, least=2, most=10),
    7: RegisterKind("seconds until the carrier must be there", 50, least=1),
    8: RegisterKind("seconds of a comma", 2),
    9: RegisterKind("tenths of a second until carrier is believed", 6, least=1),
    10: RegisterKind("tenths of a second until its loss is; 255: never", 14, least=1),
    11: RegisterKind("milliseconds of a tone", 95, least=50),
    12: RegisterKind("guard time of the escape, in 1/50 s", 50),
    25: RegisterKind("hundredths of a second that DTR must be off", 5),
    30: RegisterKind("tens of seconds without an octet until it hangs up", 0),
    37: RegisterKind("the fastest speed", 0, values=frozenset(SPEED_BY_S37)),
}


class Registers:
    """The S-registers of one modem."""

    def __init__(self, values: dict[int, int] | None = None) -> None:
        """Begin with the usual values, or some others.

        Raises:
            RegisterError: One of them is impossible.
        """
        self._values = {number: kind.usual for number, kind in REGISTERS.items()}
        for number, value in (values or {}).items():
            if REGISTERS[self._known(number)].settable:
                self.set(number, value)

    def get(self, number: int) -> int:
        """Read a register.

        Raises:
            RegisterError: There is no such register.
        """
        return self._values[self._known(number)]

    def set(self, number: int, value: int) -> None:
        """Set a register, as a command does.

        Raises:
            RegisterError: There is no such register, or it cannot be set so.
        """
        kind = REGISTERS[self._known(number)]
        if not (kind.settable and kind.allows(value)):
            message = f"S{number} ({kind.meaning}) cannot be set to {value}"
            raise RegisterError(message)
        self._values[number] = value

    def count_rings(self, rings: int) -> None:
        """Have S1 show so many rings."""
        self._values[1] = min(rings, _OCTET_MAX)

    def values(self) -> dict[int, int]:
        """Give those that a profile keeps."""
        return {
            number: value
            for number, value in self._values.items()
            if REGISTERS[number].settable
        }

    @staticmethod
    def _known(number: int) -> int:
        if number not in REGISTERS:
            message = f"there is no register S{number}"
            raise RegisterError(message)
        return number
