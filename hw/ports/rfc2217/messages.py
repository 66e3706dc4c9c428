"""The commands of RFC 2217 as tables, and their codec.

Every command is an octet with a value behind it: text, an octet, four octets or
nothing. What a server says has the client's code and 100 more.

Where servers differ from the text, what they send is read all the same: octets behind a
value are left out (sredird answers SET-BAUDRATE with eight), and a poll of a state may
come without its octet.

Source: RFC 2217 sections 2 to 5, the facts only.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from hw.ports.settings import FlowControl, Parity
from protocol.errors import RmfsError

SERVER_CODES_FROM: Final = 100
SIGNATURE_OCTETS_MAX: Final = 255


class ComPortError(RmfsError):
    """The payload of a COM-PORT-OPTION subnegotiation that says nothing known."""


class Command(IntEnum):
    """What a message is about; the client's codes."""

    SIGNATURE = 0
    SET_BAUDRATE = 1
    SET_DATASIZE = 2
    SET_PARITY = 3
    SET_STOPSIZE = 4
    SET_CONTROL = 5
    NOTIFY_LINESTATE = 6
    NOTIFY_MODEMSTATE = 7
    FLOWCONTROL_SUSPEND = 8
    FLOWCONTROL_RESUME = 9
    SET_LINESTATE_MASK = 10
    SET_MODEMSTATE_MASK = 11
    PURGE_DATA = 12


class Control(IntEnum):
    """Values of SET-CONTROL: three kinds of questions, and what is set."""

    ASK_FLOW = 0
    FLOW_NONE = 1
    FLOW_XON_XOFF = 2
    FLOW_HARDWARE = 3
    ASK_BREAK = 4
    BREAK_ON = 5
    BREAK_OFF = 6
    ASK_DTR = 7
    DTR_ON = 8
    DTR_OFF = 9
    ASK_RTS = 10
    RTS_ON = 11
    RTS_OFF = 12
    ASK_INBOUND_FLOW = 13
    INBOUND_FLOW_NONE = 14
    INBOUND_FLOW_XON_XOFF = 15
    INBOUND_FLOW_HARDWARE = 16
    FLOW_DCD = 17
    INBOUND_FLOW_DTR = 18
    FLOW_DSR = 19


class LineState(IntFlag):
    """The octet of NOTIFY-LINESTATE and of its mask."""

    DATA_READY = 1
    OVERRUN_ERROR = 2
    PARITY_ERROR = 4
    FRAMING_ERROR = 8
    BREAK_DETECTED = 16
    HOLDING_REGISTER_EMPTY = 32
    SHIFT_REGISTER_EMPTY = 64
    TIMEOUT_ERROR = 128


class ModemState(IntFlag):
    """The octet of NOTIFY-MODEMSTATE and of its mask."""

    CTS_CHANGED = 1
    DSR_CHANGED = 2
    RI_ENDED = 4
    DCD_CHANGED = 8
    CTS = 16
    DSR = 32
    RI = 64
    DCD = 128


class Purge(IntEnum):
    """Values of PURGE-DATA; receiving and transmitting are the server's."""

    RECEIVED = 1
    TO_TRANSMIT = 2
    BOTH = 3


PARITIES: Final = {
    Parity.NONE: 1,
    Parity.ODD: 2,
    Parity.EVEN: 3,
    Parity.MARK: 4,
    Parity.SPACE: 5,
}
"""Values of SET-PARITY."""

FLOWS: Final = {
    FlowControl.NONE: Control.FLOW_NONE,
    FlowControl.XON_XOFF: Control.FLOW_XON_XOFF,
    FlowControl.RTS_CTS: Control.FLOW_HARDWARE,
}
"""Values of SET-CONTROL for both directions."""

VALUE_OCTETS: Final[dict[Command, int]] = {
    Command.SET_BAUDRATE: 4,
    Command.SET_DATASIZE: 1,
    Command.SET_PARITY: 1,
    Command.SET_STOPSIZE: 1,
    Command.SET_CONTROL: 1,
    Command.NOTIFY_LINESTATE: 1,
    Command.NOTIFY_MODEMSTATE: 1,
    Command.FLOWCONTROL_SUSPEND: 0,
    Command.FLOWCONTROL_RESUME: 0,
    Command.SET_LINESTATE_MASK: 1,
    Command.SET_MODEMSTATE_MASK: 1,
    Command.PURGE_DATA: 1,
}
"""Length of each value, big-endian; SIGNATURE has text instead."""

_MAY_BE_BARE: Final = {Command.NOTIFY_LINESTATE, Command.NOTIFY_MODEMSTATE}
_COMMANDS: Final = frozenset(Command)


@dataclass(frozen=True, slots=True)
class ComPortMessage:
    """One message of either end.

    Attributes:
        command: What it is about.
        value: Its number; 0 asks for the present one, or where there is none.
        text: Of a SIGNATURE; none asks for the peer's.
    """

    command: Command
    value: int = 0
    text: bytes = b""


def encode_message(message: ComPortMessage, *, by_server: bool) -> bytes:
    """Write the payload behind the option's octet.

    Raises:
        ComPortError: The value does not fit its octets.
    """
    code = bytes((message.command + (SERVER_CODES_FROM if by_server else 0),))
    if message.command is Command.SIGNATURE:
        return code + message.text[:SIGNATURE_OCTETS_MAX]
    octets = VALUE_OCTETS[message.command]
    try:
        return code + message.value.to_bytes(octets, "big")
    except OverflowError as error:
        words = f"{message.command.name} {message.value} has more than {octets} octets"
        raise ComPortError(words) from error


def decode_message(payload: bytes, *, by_server: bool) -> ComPortMessage:
    """Read the payload behind the option's octet.

    Args:
        payload: Without IAC doubled.
        by_server: Whether the server has said it.

    Raises:
        ComPortError: The command is none of that end, or its value is cut short.
    """
    if not payload:
        raise ComPortError("a com port message without a command")
    code = payload[0] - (SERVER_CODES_FROM if by_server else 0)
    if code not in _COMMANDS:
        raise ComPortError(f"there is no com port command {payload[0]} of that end")
    command = Command(code)
    if command is Command.SIGNATURE:
        return ComPortMessage(command, text=payload[1 : 1 + SIGNATURE_OCTETS_MAX])
    octets = VALUE_OCTETS[command]
    value = payload[1 : 1 + octets]
    if len(value) < octets and not (command in _MAY_BE_BARE and not value):
        raise ComPortError(f"{command.name} has {len(value)} of {octets} octets")
    return ComPortMessage(command, int.from_bytes(value, "big"))
