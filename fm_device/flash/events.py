"""The event log: what happened to the machine, for service people.

A ring of 1,024 entries, each written in one piece under a checksum of its own: a power
cut inside a write costs the entry that was being written and the oldest one, whose
place it took, and no other. What counts for money is in the PSD; nothing is decided by
this log.

An entry is: magic 2, code 2, number 4, time 4, two details of 4, zero 4, and the first
8 octets of SHA-256 over those.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from fm_device.flash.layout import EVENT_OCTETS, EVENTS_AT, EVENTS_MAX
from hw.nvram import ERASED_OCTET, Nvram
from protocol.errors import LocalProtocolError, StoreError
from protocol.values import U32_MAX, EpochSeconds

_ENTRY: Final = struct.Struct(">2sHIIII4s")
_MAGIC: Final = b"EV"
_ZERO: Final = bytes(4)
_ERASED: Final = bytes([ERASED_OCTET])
_DIGEST_OCTETS: Final = EVENT_OCTETS - _ENTRY.size
_MODULE: Final = "LOG"


class EventCode(IntEnum):
    """What happened; the number is what the log holds, and never changes."""

    POWER_ON = 1
    POWER_OFF = 2
    BOOT = 3
    SELF_TEST_FAILED = 4
    MEMORY_REPAIRED = 5
    SETTINGS_LOST = 6
    SETTINGS_LEFT_OUT = 7
    FRANK_UNPRINTED = 16
    PIN_WRONG = 17
    PIN_BLOCKED = 18
    PIN_CHANGED = 19
    ORDER_APPLIED = 32
    ORDER_HELD = 33
    DIAL_DONE = 34
    DIAL_FAILED = 35
    FAULT_SET = 48
    FAULT_CLEARED = 49
    CLOCK_SET = 50
    CLOCK_LOST = 51
    SETTINGS_CHANGED = 64
    SERVICE = 65
    STATEMENT_CLOSED = 66
    FIRMWARE_STAGED = 80
    FIRMWARE_TRIED = 81
    FIRMWARE_CONFIRMED = 82
    FIRMWARE_ROLLED_BACK = 83
    FIRMWARE_NOT_NEWER = 84
    TAMPER = 96

    @property
    def words(self) -> str:
        """What a report says; the details are told behind it."""
        return _WORDS[self][0]

    @property
    def details(self) -> tuple[str, ...]:
        """Names of the details that this event has."""
        return _WORDS[self][1]


_WORDS: Final[dict[EventCode, tuple[str, tuple[str, ...]]]] = {
    EventCode.POWER_ON: ("switched on", ()),
    EventCode.POWER_OFF: ("switched off", ()),
    EventCode.BOOT: ("started", ("firmware", "state")),
    EventCode.SELF_TEST_FAILED: ("self-test not passed", ("part",)),
    EventCode.MEMORY_REPAIRED: ("memory repaired", ("copies", "copies in its life")),
    EventCode.SETTINGS_LOST: ("settings lost, defaults taken", ()),
    EventCode.SETTINGS_LEFT_OUT: (
        "settings of another firmware left out",
        ("how many",),
    ),
    EventCode.FRANK_UNPRINTED: (
        "power failed in a frank: accounted, perhaps not printed",
        ("item", "paise"),
    ),
    EventCode.PIN_WRONG: ("wrong PIN", ("role", "attempts in a row")),
    EventCode.PIN_BLOCKED: ("PIN entry blocked after wrong PINs", ("role",)),
    EventCode.PIN_CHANGED: ("PIN set or taken away", ("role", "set")),
    EventCode.ORDER_APPLIED: ("order applied", ("kind", "serial")),
    EventCode.ORDER_HELD: ("order held back by the server", ("serial",)),
    EventCode.DIAL_DONE: ("dial-in complete", ("dial-in", "recharge number")),
    EventCode.DIAL_FAILED: ("dial-in failed", ("dial-in", "reason")),
    EventCode.FAULT_SET: ("fault", ("fault",)),
    EventCode.FAULT_CLEARED: ("fault cleared", ("fault",)),
    EventCode.CLOCK_SET: ("clock set", ("time before", "time after")),
    EventCode.CLOCK_LOST: ("clock lost", ()),
    EventCode.SETTINGS_CHANGED: ("settings changed", ("by role",)),
    EventCode.SERVICE: ("service", ("what", "who")),
    EventCode.STATEMENT_CLOSED: ("statement of mailing closed", ("number", "items")),
    EventCode.FIRMWARE_STAGED: ("firmware staged", ("version",)),
    EventCode.FIRMWARE_TRIED: ("firmware on trial", ("version", "start")),
    EventCode.FIRMWARE_CONFIRMED: ("firmware confirmed", ("version",)),
    EventCode.FIRMWARE_NOT_NEWER: ("firmware not newer, nothing to do", ("version",)),
    EventCode.FIRMWARE_ROLLED_BACK: (
        "firmware rolled back",
        ("given up", "running again"),
    ),
    EventCode.TAMPER: ("tampering found, keys erased", ("sensor",)),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One entry.

    Attributes:
        number: Counts all events of the machine, from 1.
        time: By the PSD's clock; 0 when that was not set.
        code: An `EventCode`, or what another firmware wrote.
        detail: Two numbers; what they are depends on the code.
    """

    number: int
    time: EpochSeconds
    code: int
    detail: tuple[int, int]

    @property
    def show_code(self) -> str:
        """The code as service people sort it: ``LOG-00-005``."""
        return f"{_MODULE}-00-{self.code:03d}"

    @property
    def words(self) -> str:
        """What happened, with its details: ``memory repaired: copies 1, ...``."""
        try:
            known = EventCode(self.code)
        except ValueError:
            return f"written by another firmware: {self.detail[0]}, {self.detail[1]}"
        told = ", ".join(
            f"{name} {value}"
            for name, value in zip(known.details, self.detail, strict=False)
        )
        return f"{known.words}: {told}" if told else known.words


class EventLog:
    """The log in a flash; every entry is durable when `append` returns."""

    def __init__(self, flash: Nvram) -> None:
        """Read the ring; torn and damaged entries are none.

        Raises:
            StoreError: The flash cannot be read.
        """
        self._flash = flash
        ring = flash.read(EVENTS_AT, EVENTS_MAX * EVENT_OCTETS)
        # A young machine has written few of the places: what is erased is no entry.
        places = -(-len(ring.rstrip(_ERASED)) // EVENT_OCTETS)
        found = (
            _decode(ring[place * EVENT_OCTETS : (place + 1) * EVENT_OCTETS], place)
            for place in range(places)
        )
        self._events = {event.number: event for event in found if event is not None}
        self._last = max(self._events, default=0)

    @property
    def last_number(self) -> int:
        """Number of the newest entry; 0 before the first."""
        return self._last

    def append(self, code: int, detail: tuple[int, int], now: EpochSeconds) -> Event:
        """Write an entry over the oldest one.

        Args:
            code: An `EventCode`.
            detail: What the code says they are; 0 where it has none.
            now: By the PSD's clock; 0 when that is not set.

        Raises:
            LocalProtocolError: A number does not fit its field.
            StoreError: The write has failed, or no number is left.
        """
        number = self._last + 1
        if number > U32_MAX:
            raise StoreError("the event log has no number left: have it serviced")
        event = Event(number, now, code, detail)
        place = number % EVENTS_MAX
        self._flash.write(EVENTS_AT + place * EVENT_OCTETS, _encode(event))
        self._last = number
        self._events.pop(number - EVENTS_MAX, None)
        self._events[number] = event
        return event

    def entries(self, at_most: int = EVENTS_MAX) -> tuple[Event, ...]:
        """Give the entries, newest first."""
        newest = sorted(self._events, reverse=True)[:at_most]
        return tuple(self._events[number] for number in newest)


def capped(number: int) -> int:
    """Bring a number into the range of a detail: what is too large is the largest."""
    return max(0, min(number, U32_MAX))


def _encode(event: Event) -> bytes:
    try:
        body = _ENTRY.pack(
            _MAGIC, event.code, event.number, event.time, *event.detail, _ZERO
        )
    except struct.error as error:
        raise LocalProtocolError(f"{event} does not fit the event log") from error
    return body + _digest(body)


def _decode(octets: bytes, place: int) -> Event | None:
    body, digest = octets[: _ENTRY.size], octets[_ENTRY.size :]
    magic, code, number, time, first, second, _zero = _ENTRY.unpack(body)
    if magic != _MAGIC or number % EVENTS_MAX != place or _digest(body) != digest:
        return None
    return Event(number, EpochSeconds(time), code, (first, second))


def _digest(body: bytes) -> bytes:
    return sha256(body).digest()[:_DIGEST_OCTETS]
