"""What a client asks of a terminal server before its port is up, and what it was told.

The circuits and the masks are asked for first, so that their answers have come when the
last setting is confirmed; they need no confirmation, because servers differ (of ser2net
4.3.11: a mask is answered with the state itself, DTR of a pseudo-terminal not at all,
and the question for its DTR with the question). Speed and the form of a character have
to be confirmed as they were asked for, in the order of RFC 2217 section 2, and so has
flow control, unless it is to be off: sredird answers every SET-CONTROL with 1.
"""

from typing import Final

from hw.ports.rfc2217.messages import (
    FLOWS,
    Command,
    ComPortMessage,
    Control,
    LineState,
    Purge,
)
from hw.ports.rfc2217.wire_settings import COMMANDS, setting_value
from hw.ports.settings import FlowControl, PortSettings

FAULTS_MASK: Final = (
    LineState.BREAK_DETECTED
    | LineState.FRAMING_ERROR
    | LineState.PARITY_ERROR
    | LineState.OVERRUN_ERROR
)
_ALL: Final = 255
_BAUD_PARTS: Final = 50
"""A speed is as asked for within a fiftieth: a divisor's rounding."""

_FLOW_VALUES: Final = frozenset(FLOWS.values())


class Asking:
    """The questions about one port, and their answers.

    Attributes:
        has_circuits: Whether the server knows the state of its port's DTR.
    """

    def __init__(self, settings: PortSettings) -> None:
        """Ask for `settings`, with DTR and RTS off."""
        self.has_circuits = False
        self._settings = settings
        self._wanted = {
            command: setting_value(settings, command) for command in COMMANDS
        }
        if settings.flow is not FlowControl.NONE:
            self._wanted[Command.SET_CONTROL] = FLOWS[settings.flow]
        self._unconfirmed = set(self._wanted)

    @property
    def is_confirmed(self) -> bool:
        """Whether the port is set as was asked for."""
        return not self._unconfirmed

    @property
    def unconfirmed(self) -> str:
        """What has no answer yet, for people."""
        return ", ".join(command.name for command in sorted(self._unconfirmed))

    def questions(self) -> list[ComPortMessage]:
        """List all that is to be sent, in order."""
        control = Command.SET_CONTROL
        by_hardware = self._settings.flow is FlowControl.RTS_CTS
        rts_off = [] if by_hardware else [ComPortMessage(control, Control.RTS_OFF)]
        return [
            ComPortMessage(control, Control.DTR_OFF),
            *rts_off,
            ComPortMessage(control, Control.ASK_DTR),
            ComPortMessage(Command.SET_LINESTATE_MASK, FAULTS_MASK),
            ComPortMessage(Command.SET_MODEMSTATE_MASK, _ALL),
            *(ComPortMessage(one, self._wanted[one]) for one in COMMANDS),
            ComPortMessage(control, FLOWS[self._settings.flow]),
            ComPortMessage(Command.PURGE_DATA, Purge.BOTH),
        ]

    def receive(self, answer: ComPortMessage) -> str:
        """Take an answer; words when the server has set something else."""
        if answer.command is Command.SET_CONTROL:
            if answer.value in {Control.DTR_ON, Control.DTR_OFF}:
                self.has_circuits = True
            if answer.value not in _FLOW_VALUES:
                return ""
        wanted = self._wanted.get(answer.command)
        if wanted is None or answer.command not in self._unconfirmed:
            return ""
        rounding = wanted if answer.command is Command.SET_BAUDRATE else 0
        if abs(answer.value - wanted) * _BAUD_PARTS <= rounding:
            self._unconfirmed.discard(answer.command)
            return ""
        return f"{answer.command.name} {wanted} was answered with {answer.value}"
