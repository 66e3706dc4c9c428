"""How a modem that hangs on a port is to be worked."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from hw.lines.port import LineError
from hw.modem.book import plain_number

INIT: Final = "AT&FE0V1Q0X4&C1&D2"
"""The maker's settings; no echo, words, everything told, DCD and DTR heeded."""

RINGS_MAX: Final = 255
_DIALLED: Final = frozenset("0123456789*#+ABCDTPW,!@")
_DIALLED_MAX: Final = 64
_INIT_MAX: Final = 202


class CarrierWatch(Enum):
    """How the end of a call is noticed."""

    AUTOMATIC = "auto"
    """By DCD where the port has it and the modem uses it, or else by text."""
    CIRCUIT = "dcd"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """How a modem is worked.

    Attributes:
        number: What to dial, as after ATD; empty for a modem that answers.
        init: The command line that sets the modem up.
        wait_s: From dialling or answering to CONNECT.
        rings: How many rings are waited for before answering.
        answers_itself: Whether the modem is told to answer by itself (S0).
        carrier: How the end of a call is noticed.
        command_s: How long the modem may take to answer a command.
        guard_s: The pause before and after ``+++``; longer than S12, which is 1 s.
    """

    number: str = ""
    init: str = INIT
    wait_s: float = 60.0
    rings: int = 1
    answers_itself: bool = False
    carrier: CarrierWatch = CarrierWatch.AUTOMATIC
    command_s: float = 2.0
    guard_s: float = 1.1

    def __post_init__(self) -> None:
        """Refuse what no modem understands.

        Raises:
            LineError: A value is not possible; the message shows one that is.
        """
        dialled = plain_number(self.number)
        if not set(dialled) <= _DIALLED or len(dialled) > _DIALLED_MAX:
            message = (
                f"{self.number!r} cannot be dialled; write digits, and a comma for "
                "a pause: 0,08025550199"
            )
            raise LineError(message)
        init = self.init.upper()
        if not (init.startswith("AT") and init.isascii() and init.isprintable()):
            message = f"{self.init!r} is no command line of a modem; write {INIT}"
            raise LineError(message)
        if len(init) > _INIT_MAX:
            message = f"the modem's command line is longer than {_INIT_MAX} characters"
            raise LineError(message)
        if not 1 <= self.rings <= RINGS_MAX:
            message = f"a modem answers after 1 to {RINGS_MAX} rings, not {self.rings}"
            raise LineError(message)
        for name in ("wait_s", "command_s", "guard_s"):
            if not getattr(self, name) > 0:
                message = f"{name} is {getattr(self, name)}, but has to be above 0"
                raise LineError(message)

    @property
    def dialled(self) -> str:
        """The number as it is sent to the modem."""
        return plain_number(self.number)
