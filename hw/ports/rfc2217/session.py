"""One end of a telnet connection that carries a serial port; no I/O.

Both ends ask at once for what they need: BINARY and SUPPRESS-GO-AHEAD in both
directions, COM-PORT-OPTION for the client's side. An end that is not willing says so,
and `com_port` and `binary` tell; whatever else the peer proposes is refused. Whoever
asks for the signature is answered.

Source: RFC 2217 section 1: a client says WILL, an access server DO.
"""

from enum import Enum
from typing import Final

from hw.lines.port import Line
from hw.ports.rfc2217.messages import (
    Command,
    ComPortError,
    ComPortMessage,
    decode_message,
    encode_message,
)
from hw.ports.rfc2217.negotiation import (
    BINARY,
    COM_PORT,
    SUPPRESS_GO_AHEAD,
    Options,
    OptionState,
    Side,
)
from hw.ports.rfc2217.telnet import (
    IAC,
    DataReceived,
    NegotiationReceived,
    Order,
    OrderReceived,
    TelnetReader,
    encode_data,
    encode_subnegotiation,
)

SIGNATURE: Final = b"RMFS"
PIECE_OCTETS: Final = 4096
WILLING: Final = frozenset({BINARY, SUPPRESS_GO_AHEAD, COM_PORT})


class Role(Enum):
    """Which end this is."""

    CLIENT = "client"
    SERVER = "access server"


class Agreement(Enum):
    """Whether the peer carries a serial port over this connection."""

    OPEN = "it has not answered yet"
    YES = "it does"
    NO = "it refuses"


SessionEvent = DataReceived | ComPortMessage | Order


class Session:
    """Telnet with COM-PORT-OPTION; octets in, events out, octets to send.

    Attributes:
        ignored: Messages of the peer that could not be read.
        has_spoken: Whether the peer has sent any telnet command.
    """

    def __init__(self, role: Role) -> None:
        """Begin; the first octets to send ask for the options."""
        self.ignored = 0
        self.has_spoken = False
        self._has_spoken_com_port = False
        self._is_server = role is Role.SERVER
        self._reader = TelnetReader()
        self._options = Options(WILLING)
        self._com_port_side = Side.THEIRS if self._is_server else Side.OURS
        self._out = bytearray()
        for side, option in (
            (self._com_port_side, COM_PORT),
            *((side, BINARY) for side in Side),
            *((side, SUPPRESS_GO_AHEAD) for side in Side),
        ):
            self._out += self._options.want(side, option)

    @property
    def com_port(self) -> Agreement:
        """Whether RFC 2217 is spoken.

        A peer that sends its messages speaks it: pyserial 3.5 takes our asking for its
        answer when that comes before it has asked itself, and then says no more.
        """
        if self._has_spoken_com_port:
            return Agreement.YES
        return self._agreement((self._com_port_side, COM_PORT))

    @property
    def binary(self) -> Agreement:
        """Whether eight bits pass in both directions."""
        return self._agreement(*((side, BINARY) for side in Side))

    def receive(self, octets: bytes) -> list[SessionEvent]:
        """Take octets of the peer; what is left for the user, in order."""
        events: list[SessionEvent] = []
        for event in self._reader.receive(octets):
            if isinstance(event, DataReceived):
                events.append(event)
                continue
            self.has_spoken = True
            if isinstance(event, NegotiationReceived):
                self._out += self._options.receive(event)
                # What follows in the same octets is read by this agreement.
                self._reader.is_binary = self._options.is_on(Side.THEIRS, BINARY)
            elif isinstance(event, OrderReceived):
                events.append(event.order)
            elif event.option == COM_PORT:
                self._read_message(event.payload, events)
        return events

    def send_data(self, octets: bytes) -> None:
        """Send octets of the user."""
        is_binary = self._options.is_on(Side.OURS, BINARY)
        self._out += encode_data(octets, is_binary=is_binary)

    def send_message(self, message: ComPortMessage) -> None:
        """Send a message of this end."""
        payload = encode_message(message, by_server=self._is_server)
        self._out += encode_subnegotiation(COM_PORT, payload)

    def send_nothing(self) -> None:
        """Send a command that says nothing: TCP finds out whether the peer is there."""
        self._out += bytes((IAC, Order.NO_OPERATION))

    def octets_to_send(self) -> bytes:
        """Take what is to go to the peer."""
        octets = bytes(self._out)
        self._out.clear()
        return octets

    def send_through(self, line: Line | None) -> None:
        """Hand what is to go to the peer to a line, if it is there.

        It goes in pieces: a line may refuse more at once than it lets wait.
        """
        octets = self.octets_to_send()
        if line is not None:
            for start in range(0, len(octets), PIECE_OCTETS):
                line.send(octets[start : start + PIECE_OCTETS])

    def _read_message(self, payload: bytes, events: list[SessionEvent]) -> None:
        try:
            message = decode_message(payload, by_server=not self._is_server)
        except ComPortError:
            self.ignored += 1
            return
        self._has_spoken_com_port = True
        if message.command is not Command.SIGNATURE:
            events.append(message)
        elif not message.text:
            self.send_message(ComPortMessage(Command.SIGNATURE, text=SIGNATURE))

    def _agreement(self, *which: tuple[Side, int]) -> Agreement:
        states = {self._options.state(side, option) for side, option in which}
        if OptionState.DENIED in states:
            return Agreement.NO
        return Agreement.YES if states == {OptionState.ON} else Agreement.OPEN
