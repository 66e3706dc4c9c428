"""Telnet octets: IAC and what follows it, taken out of the data and put in.

Pure: octets in, events out. Whatever arrives is some sequence of events; nothing is
refused here and nothing raises. A subnegotiation is kept up to a bound, and one that
is longer, or is broken off, is left out and counted.

While the peer's BINARY is off its data is that of a network virtual terminal, in which
CR NUL stands for CR alone; with BINARY on every octet stands for itself.

Source: RFC 854 (IAC, commands, CR NUL), RFC 855 (subnegotiation), RFC 856 (BINARY).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

IAC: Final = 255
SUBNEGOTIATION_OCTETS_MAX: Final = 1024
"""Longest subnegotiation that is kept; RFC 2217 has 5 octets, signatures aside."""

_NUL: Final = 0x00


class Order(IntEnum):
    """Commands without an option."""

    SUBNEGOTIATION_END = 240
    NO_OPERATION = 241
    DATA_MARK = 242
    BREAK = 243
    INTERRUPT_PROCESS = 244
    ABORT_OUTPUT = 245
    ARE_YOU_THERE = 246
    ERASE_CHARACTER = 247
    ERASE_LINE = 248
    GO_AHEAD = 249
    SUBNEGOTIATION = 250


class Verb(IntEnum):
    """Commands about an option: two of the speaker's side, two of the hearer's."""

    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254


@dataclass(frozen=True, slots=True)
class DataReceived:
    """Octets of the user, at least one."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class OrderReceived:
    """A command without an option."""

    order: Order


@dataclass(frozen=True, slots=True)
class NegotiationReceived:
    """A command about an option."""

    verb: Verb
    option: int


@dataclass(frozen=True, slots=True)
class SubnegotiationReceived:
    """What stood between ``IAC SB option`` and ``IAC SE``."""

    option: int
    payload: bytes


TelnetEvent = (
    DataReceived | OrderReceived | NegotiationReceived | SubnegotiationReceived
)


class _Place(Enum):
    """Where in the stream the next octet is."""

    DATA = "data"
    COMMAND = "behind IAC"
    OPTION = "behind IAC and a verb"
    PAYLOAD = "in a subnegotiation"
    PAYLOAD_COMMAND = "behind IAC in a subnegotiation"


class TelnetReader:
    """Takes a telnet stream apart.

    Attributes:
        is_binary: Whether the peer's BINARY is on; set by whoever negotiates.
        left_out: Subnegotiations that were too long, empty or broken off.
    """

    def __init__(self) -> None:
        """Begin with data."""
        self.is_binary = False
        self.left_out = 0
        self._place = _Place.DATA
        self._verb = Verb.WILL
        self._after_cr = False
        self._payload = bytearray()

    def receive(self, octets: bytes) -> Iterator[TelnetEvent]:
        """Take octets cut anywhere; the events stand in the order of the stream.

        Each event may be acted upon, and `is_binary` be set, before the next is read.
        """
        data = bytearray()
        at = 0
        while at < len(octets):
            if self._place is _Place.DATA:
                at = self._read_data(octets, at, data)
            elif self._place is _Place.PAYLOAD:
                at = self._read_payload(octets, at)
            else:
                event = self._read_command(octets[at], data)
                at += 1
                if event is None:
                    continue
                if data:
                    yield DataReceived(bytes(data))
                    data.clear()
                yield event
        if data:
            yield DataReceived(bytes(data))

    def _read_data(self, octets: bytes, at: int, data: bytearray) -> int:
        end = octets.find(IAC, at)
        if end < 0:
            data += self._plain(octets[at:])
            return len(octets)
        data += self._plain(octets[at:end])
        self._place = _Place.COMMAND
        return end + 1

    def _read_payload(self, octets: bytes, at: int) -> int:
        end = octets.find(IAC, at)
        if end < 0:
            self._keep(octets[at:])
            return len(octets)
        self._keep(octets[at:end])
        self._place = _Place.PAYLOAD_COMMAND
        return end + 1

    def _read_command(self, octet: int, data: bytearray) -> TelnetEvent | None:
        place, self._place = self._place, _Place.DATA
        if place is _Place.OPTION:
            return NegotiationReceived(self._verb, octet)
        if place is _Place.PAYLOAD_COMMAND:
            if octet == IAC:
                self._keep(b"\xff")
                self._place = _Place.PAYLOAD
                return None
            if octet == Order.SUBNEGOTIATION_END:
                return self._payload_ended()
            # The subnegotiation is broken off by another command.
            self.left_out += 1
        if octet == IAC:
            data += self._plain(b"\xff")
        elif octet == Order.SUBNEGOTIATION:
            self._payload.clear()
            self._place = _Place.PAYLOAD
        elif octet >= Verb.WILL:
            self._verb = Verb(octet)
            self._place = _Place.OPTION
        elif octet in _ORDERS:
            return OrderReceived(Order(octet))
        return None

    def _keep(self, octets: bytes) -> None:
        # One octet beyond the bound marks what is too long.
        room = SUBNEGOTIATION_OCTETS_MAX + 1 - len(self._payload)
        self._payload += octets[:room]

    def _payload_ended(self) -> SubnegotiationReceived | None:
        payload = bytes(self._payload)
        self._payload.clear()
        if not 1 <= len(payload) <= SUBNEGOTIATION_OCTETS_MAX:
            self.left_out += 1
            return None
        return SubnegotiationReceived(payload[0], payload[1:])

    def _plain(self, octets: bytes) -> bytes:
        if not octets:
            return octets
        if self.is_binary:
            self._after_cr = False
            return octets
        if self._after_cr and octets[0] == _NUL:
            octets = octets[1:]
        self._after_cr = octets.endswith(b"\r")
        return octets.replace(b"\r\0", b"\r")


def encode_data(octets: bytes, *, is_binary: bool) -> bytes:
    """Write data: IAC is doubled, and without BINARY CR becomes CR NUL."""
    octets = octets.replace(b"\xff", b"\xff\xff")
    return octets if is_binary else octets.replace(b"\r", b"\r\0")


def encode_negotiation(verb: Verb, option: int) -> bytes:
    """Write a command about an option."""
    return bytes((IAC, verb, option))


def encode_subnegotiation(option: int, payload: bytes) -> bytes:
    """Write a subnegotiation."""
    inside = (bytes((option,)) + payload).replace(b"\xff", b"\xff\xff")
    start = bytes((IAC, Order.SUBNEGOTIATION))
    return start + inside + bytes((IAC, Order.SUBNEGOTIATION_END))


_ORDERS: Final = frozenset(Order)
