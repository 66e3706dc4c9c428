"""Chapter LINK of `protocol/SPEC.md` for a machine's end, written from its text alone.

A witness: it shares no code with the product and was written by somebody who had read
none of it. It takes the simplest reading that the text allows (T1 is never measured,
frames are never shortened, XID is never asked for), so that a server which needs more
than the text promises is found out. `spec_link_reports` is the machine that asks.
Nothing here reads a clock: time is an argument.
"""

import re
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

FLAG: Final = 0x7E
ESCAPE: Final = 0x7D
ADDRESS_A: Final = 0x03
ADDRESS_B: Final = 0x01
FIRST: Final = 0x01
LAST: Final = 0x02

N1: Final = 256
K: Final = 4
N2: Final = 8
T1_S: Final = 3.0
T1_OCTET_S: Final = 10 / 1200
T2_S: Final = 0.5
T3_S: Final = 30.0
MODULUS: Final = 8
MESSAGE_OCTETS_MAX: Final = 4096


class LinkEndedError(Exception):
    """The link is down, or the line under it is lost."""


class LineLostError(Exception):
    """The line is gone: carrier, TCP (LINK-15.2)."""


# LINK-2, LINK-3: octets on the line.


def fcs16(octets: bytes) -> int:
    """CRC-16/X-25, bit by bit (LINK-3.1)."""
    value = 0xFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = (value >> 1) ^ (0x8408 if value & 1 else 0)
    return value ^ 0xFFFF


def stuff(frame: bytes, accm: int = 0) -> bytes:
    """A frame with its FCS as it stands between two flags (LINK-2.1, 2.2)."""
    stuffed = bytearray()
    for octet in frame + struct.pack("<H", fcs16(frame)):
        named = octet < 0x20 and accm >> octet & 1
        if octet in {FLAG, ESCAPE} or named:
            stuffed += bytes([ESCAPE, octet ^ 0x20])
        else:
            stuffed.append(octet)
    return bytes(stuffed)


def unstuff(between: bytes) -> bytes | None:
    """Undo `stuff`; None for an abort (LINK-1.4) and for damage (LINK-2.3)."""
    if re.search(rb"\x7d(?:[\x7d\x7e]|\Z)", between):
        return None
    return re.sub(
        rb"\x7d(.)",
        lambda found: bytes([found[1][0] ^ 0x20]),
        between,
        flags=re.DOTALL,
    )


class Deframer:
    """Finds the good frames in octets from the line (LINK-1.3, 1.5, 2.4)."""

    def __init__(self, accm: int = 0, n1: int = N1) -> None:
        self.accm = accm
        self._held: bytearray | None = None
        self._room = 4 * (n1 + 5)

    def take(self, octets: bytes) -> list[bytes]:
        """Address to information of every good frame that ends in these octets."""
        frames: list[bytes] = []
        for octet in octets:
            if octet == FLAG:
                frame = self._judge(bytes(self._held or b""))
                if frame is not None:
                    frames.append(frame)
                self._held = bytearray()
            elif self._held is not None:
                self._held.append(octet)
                if len(self._held) > self._room:
                    self._held = None
        return frames

    def _judge(self, between: bytes) -> bytes | None:
        put_in = bytes(n for n in range(0x20) if self.accm >> n & 1)
        for candidate in (between, between.translate(None, put_in)):
            frame = unstuff(candidate)
            if frame is not None and len(frame) >= 4:
                body, fcs = frame[:-2], frame[-2:]
                if struct.pack("<H", fcs16(body)) == fcs:
                    return body
        return None


# LINK-4, LINK-6: frames.


class Kind(Enum):
    """What a frame is; the value is its control octet without numbers and P/F."""

    I = 0x00  # noqa: E741 - the name that the standard gives it
    RR = 0x01
    RNR = 0x05
    REJ = 0x09
    SREJ = 0x0D
    SABM = 0x2F
    SABME = 0x6F
    UA = 0x63
    DISC = 0x43
    DM = 0x0F
    FRMR = 0x87
    XID = 0xAF


SUPERVISORY = frozenset({Kind.RR, Kind.RNR, Kind.REJ, Kind.SREJ})
ONLY_COMMANDS = frozenset({Kind.I, Kind.SABM, Kind.SABME, Kind.DISC})
ONLY_RESPONSES = frozenset({Kind.UA, Kind.DM, Kind.FRMR})
WITH_INFORMATION = frozenset({Kind.I, Kind.FRMR, Kind.XID})


@dataclass(frozen=True)
class Frame:
    """One frame, without flags and FCS."""

    address: int
    kind: Kind
    pf: bool = False
    ns: int = 0
    nr: int = 0
    information: bytes = b""

    def encode(self, modulus: int = MODULUS) -> bytes:
        """Address, control, information."""
        numbered = self.kind is Kind.I or self.kind in SUPERVISORY
        if not numbered:
            control = bytes([self.kind.value | self.pf << 4])
        elif modulus == 128:
            first = self.ns << 1 if self.kind is Kind.I else self.kind.value
            control = bytes([first, self.nr << 1 | self.pf])
        else:
            control = bytes(
                [self.kind.value | self.ns << 1 | self.pf << 4 | self.nr << 5]
            )
        return bytes([self.address]) + control + self.information


def decode(octets: bytes, modulus: int = MODULUS) -> Frame | None:
    """The frame, or None where the control field is unknown."""
    address, first = octets[0], octets[1]
    extended = modulus == 128
    if first & 1 == 0 or first & 3 == 1:
        if extended and len(octets) < 3:
            return None
        if extended:
            kind = Kind.I if first & 1 == 0 else _supervisory(first)
            ns, nr, pf, head = first >> 1, octets[2] >> 1, octets[2] & 1, 3
        else:
            kind = Kind.I if first & 1 == 0 else _supervisory(first & 0x0F)
            ns, nr, pf, head = first >> 1 & 7, first >> 5, first >> 4 & 1, 2
        if kind is None:
            return None
        ns = ns if kind is Kind.I else 0
        return Frame(address, kind, bool(pf), ns, nr, octets[head:])
    try:
        kind = Kind(first & ~0x10)
    except ValueError:
        return None
    return Frame(address, kind, bool(first & 0x10), information=octets[2:])


def _supervisory(value: int) -> Kind | None:
    return Kind(value) if value in {0x01, 0x05, 0x09, 0x0D} else None


def segments(message: bytes, room: int = N1 - 1) -> list[bytes]:
    """The information fields that carry a message (LINK-9.1)."""
    if not 1 <= len(message) <= MESSAGE_OCTETS_MAX:
        raise ValueError("a message has 1 to 4,096 octets")
    pieces = [message[at : at + room] for at in range(0, len(message), room)]
    final = len(pieces) - 1
    return [
        bytes([FIRST * (n == 0) | LAST * (n == final)]) + piece
        for n, piece in enumerate(pieces)
    ]


class Assembler:
    """Puts messages together from segments (LINK-9); False is a violation."""

    def __init__(self) -> None:
        self.messages: deque[bytes] = deque()
        self.too_long = False
        self._part: bytearray | None = None

    @property
    def midst(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._part is not None

    def take(self, information: bytes) -> bool:
        if len(information) < 2:
            return False
        segment, piece = information[0], information[1:]
        begins = bool(segment & FIRST)
        if segment & ~(FIRST | LAST) or begins == self.midst:
            return False
        self._part = bytearray() if self._part is None else self._part
        self._part += piece
        self.too_long = len(self._part) > MESSAGE_OCTETS_MAX
        if self.too_long:
            return False
        if segment & LAST:
            self.messages.append(bytes(self._part))
            self._part = None
        return True


# LINK-5 to LINK-16: the machine's procedures.


class State(Enum):
    """The states of LINK-16."""

    DISCONNECTED = "disconnected"
    NEGOTIATING = "negotiating"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DRAINING = "draining"
    DISCONNECTING = "disconnecting"


@dataclass(frozen=True)
class Settings:
    """What is in force on a link (LINK-11), or what an end would like (LINK-10)."""

    n1: int = N1
    k: int = K
    modulus: int = MODULUS
    srej: bool = True
    t1_s: float = T1_S
    t2_s: float = T2_S
    n2: int = N2
    accm: int = 0
    reports: bool = False


@dataclass
class Sent:
    """An I frame that waits for its acknowledgement."""

    information: bytes
    times: int = 0


class MachineLink:
    """The machine's end of one link; octets in, octets and messages out."""

    def __init__(self, segment_octets: int = N1 - 1) -> None:
        self._segment_octets = segment_octets
        self._in_force = Settings()
        self.state = State.DISCONNECTED
        self.why_down = "never up"
        self.repeated = 0
        self._out = bytearray()
        self._deframer = Deframer()
        self._start()

    def _start(self) -> None:
        """All numbers 0, nothing queued, nothing half received (LINK-5.2)."""
        self._vs = self._va = self._vr = 0
        self._queue: deque[bytes] = deque()
        self._sent: dict[int, Sent] = {}
        self._held: dict[int, bytes] = {}
        self._asked: set[int] = set()
        self._assembler = Assembler()
        self._peer_busy = False
        self._polled = False
        self._judged: set[int] = set()
        self._owed = 0
        self._final = False
        self._attempts = 0
        self._grace = 0
        self._heard_information = False
        self._t1: float | None = None
        self._t2: float | None = None
        self._t3: float | None = None

    @property
    def _modulus(self) -> int:
        return self._in_force.modulus

    @property
    def messages(self) -> deque[bytes]:
        return self._assembler.messages

    @property
    def deadline(self) -> float | None:
        running = [t for t in (self._t1, self._t2, self._t3) if t is not None]
        return min(running, default=None)

    @property
    def up(self) -> bool:
        return self.state in {State.CONNECTED, State.DRAINING}

    def octets_to_send(self) -> bytes:
        octets = bytes(self._out)
        self._out.clear()
        return octets

    # What the machine above orders.

    def dial(self, now: float) -> None:
        self._start()
        self._in_force = Settings()
        self._set_up(now)

    def _set_up(self, now: float) -> None:
        self.state = State.CONNECTING
        self._write(Frame(ADDRESS_B, self._set_up_kind, pf=True))
        self._t1 = now + self._in_force.t1_s

    @property
    def _set_up_kind(self) -> Kind:
        return Kind.SABME if self._in_force.modulus == 128 else Kind.SABM

    def send(self, message: bytes, now: float, *, final: bool = False) -> None:
        """Queue a message; `final` polls with its last frame (LINK-5.6)."""
        if self.state is not State.CONNECTED:
            raise LinkEndedError(self.why_down)
        self._queue.extend(self._cut(message))
        self._final = final
        self._transmit(now)

    def _cut(self, message: bytes) -> list[bytes]:
        return segments(message, self._segment_octets)

    def close(self, now: float) -> None:
        if self.state is State.CONNECTED:
            self.state = State.DRAINING
            self._transmit(now)
        elif self.state is State.CONNECTING:
            self._disconnect(now)

    # What comes from the line and the clock.

    def line_lost(self) -> None:
        """It ends the link without any frame (LINK-15.2)."""
        self._down("the line is lost")
        self._out.clear()

    def receive(self, octets: bytes, now: float) -> None:
        for raw in self._deframer.take(octets):
            self._t3 = now + T3_S if self.up else None
            self._frame(raw, now)
        if self.up:
            self._settle(now)
            self._transmit(now)

    def _settle(self, now: float) -> None:
        """What is said once about all the frames of one delivery: nothing here."""

    def tick(self, now: float) -> None:
        if self._t1 is not None and now >= self._t1:
            self._t1_ran_out(now)
        if self._t2 is not None and now >= self._t2:
            self._acknowledge()
        if self._t3 is not None and now >= self._t3:
            self._t3 = now + T3_S
            if not self._polled:
                self._poll(now)

    def _frame(self, raw: bytes, now: float) -> None:
        if raw[0] not in {ADDRESS_A, ADDRESS_B}:
            return
        frame = decode(raw, self._in_force.modulus)
        command = raw[0] == ADDRESS_A
        if frame is None:
            if self.up:
                self._violated(raw, 1)
            return
        if frame.kind in (ONLY_RESPONSES if command else ONLY_COMMANDS):
            return
        if frame.information and not self._may_inform(frame, command=command):
            if self.up:
                self._violated(raw, 3)
            return
        if self.state is State.CONNECTING:
            self._while_connecting(frame, now)
        elif self.up:
            self._while_up(frame, raw, now, command=command)
        else:
            self._without_link(frame, command=command)

    def _may_inform(self, frame: Frame, *, command: bool) -> bool:
        return frame.kind in WITH_INFORMATION

    def _while_connecting(self, frame: Frame, now: float) -> None:
        if frame.kind is Kind.UA and frame.pf:
            self._start()
            self.state = State.CONNECTED
            self._t2 = now + self._in_force.t2_s
            self._t3 = now + T3_S
        elif frame.kind is Kind.DM and frame.pf:
            self._down("refused by the peer")
        elif frame.kind is Kind.FRMR:
            self._down("rejected by the peer")
        elif frame.kind in {self._set_up_kind, Kind.DISC}:
            self._respond(Kind.UA, frame.pf)
        elif frame.kind in {Kind.SABM, Kind.SABME}:
            self._respond(Kind.DM, frame.pf)

    def _without_link(self, frame: Frame, *, command: bool) -> None:
        closing = self.state is State.DISCONNECTING
        if closing and frame.kind is Kind.DISC:
            self._respond(Kind.UA, frame.pf)
            self._down("closed")
        elif closing and (
            frame.kind is Kind.DM or (frame.kind is Kind.UA and not frame.pf)
        ):
            self._down("closed")
        elif frame.kind in {Kind.SABM, Kind.SABME, Kind.DISC}:
            self._respond(Kind.DM, frame.pf)
        elif not closing and command and frame.pf and frame.kind is not Kind.XID:
            self._respond(Kind.DM, pf=True)

    def _while_up(self, frame: Frame, raw: bytes, now: float, *, command: bool) -> None:
        if frame.kind is Kind.DISC:
            self._respond(Kind.UA, frame.pf)
            self._down("closed by the peer")
        elif frame.kind is Kind.DM:
            self._down("the peer has no link")
        elif frame.kind is Kind.FRMR:
            self._down("rejected by the peer")
        elif frame.kind is self._set_up_kind:
            self._respond(Kind.UA, frame.pf)
            self._down("reset by the peer")
        elif frame.kind in {Kind.SABM, Kind.SABME}:
            self._respond(Kind.DM, frame.pf)
            self._down("set-up of a kind that was not agreed")
        elif frame.kind is Kind.I:
            self._information(frame, raw, now)
        elif frame.kind in SUPERVISORY:
            self._supervision(frame, raw, now, command=command)

    def _information(self, frame: Frame, raw: bytes, now: float) -> None:
        if len(frame.information) > self._in_force.n1:
            self._violated(raw, 4)
        elif not self._nr_is_possible(frame.nr):
            self._violated(raw, 8)
        else:
            self._acknowledged(frame.nr, now)
            self._heard_information = True
            ahead = (frame.ns - self._vr) % self._modulus
            if 0 < ahead < self._in_force.k:
                self._held[frame.ns] = frame.information
                self._ask_for_missing()
            elif ahead == 0:
                self._held[frame.ns] = frame.information
                if not self._deliver():
                    self._violated(raw, 4 if self._assembler.too_long else 0)
                    return
                self._owe(now)
            if frame.pf:
                self._answer_poll()

    def _deliver(self) -> bool:
        while self._vr in self._held:
            information = self._held.pop(self._vr)
            self._asked.discard(self._vr)
            self._vr = (self._vr + 1) % self._modulus
            self._owed += 1
            if not self._assembler.take(information):
                return False
        return True

    def _owe(self, now: float) -> None:
        if self._t2 is None:
            self._t2 = now + self._in_force.t2_s
        k = self._in_force.k
        if self._owed >= (k // 2 if self._assembler.midst else k - 1):
            self._acknowledge()

    def _ask_for_missing(self) -> None:
        for number in self._missing():
            if number not in self._asked:
                self._asked.add(number)
                self._write(Frame(ADDRESS_A, Kind.SREJ, nr=number))

    def _missing(self) -> list[int]:
        """Numbers from V(R) that are missing before the last that is held."""
        if not self._held:
            return []
        furthest = max((n - self._vr) % self._modulus for n in self._held)
        numbers = [(self._vr + n) % self._modulus for n in range(furthest)]
        return [n for n in numbers if n not in self._held]

    def _answer_poll(self) -> None:
        missing = self._missing()
        for number in missing[1:]:
            self._asked.add(number)
            self._write(Frame(ADDRESS_A, Kind.SREJ, nr=number))
        kind = Kind.SREJ if missing else Kind.RR
        self._asked.update(missing[:1])
        self._respond(kind, pf=True)

    def _supervision(
        self, frame: Frame, raw: bytes, now: float, *, command: bool
    ) -> None:
        single = frame.kind is Kind.SREJ and not frame.pf
        if not single and not self._nr_is_possible(frame.nr):
            self._violated(raw, 8)
            return
        if not single:
            self._acknowledged(frame.nr, now)
        if frame.kind is Kind.RNR:
            self._peer_busy = True
        was_busy = self._peer_busy and frame.kind is not Kind.RNR
        if was_busy:
            self._peer_busy = False
        if not command and frame.pf and self._polled:
            self._answered(frame, now)
        elif was_busy:
            self._repeat(self._in_order(), now)
        elif frame.kind in {Kind.REJ, Kind.SREJ}:
            named = [frame.nr] if frame.kind is Kind.SREJ else self._in_order()
            # A poll that is unanswered vouches for what went after it (LINK-7.3).
            self._repeat(
                [n for n in named if not self._polled or n in self._judged], now
            )
        if command and frame.pf:
            self._answer_poll()

    def _answered(self, frame: Frame, now: float) -> None:
        """The answer to our poll judges what went before it (LINK-7.6)."""
        judged = self._judged
        self._polled, self._judged = False, set()
        self._attempts = self._grace = 0
        self._restart_t1(now)
        if frame.kind is not Kind.RNR:
            single = frame.kind is Kind.SREJ
            named = [frame.nr] if single else self._in_order()
            self._repeat([n for n in named if n in judged], now)

    def _in_order(self) -> list[int]:
        return sorted(self._sent, key=lambda n: (n - self._va) % self._modulus)

    def _nr_is_possible(self, nr: int) -> bool:
        return (nr - self._va) % self._modulus <= (self._vs - self._va) % self._modulus

    def _acknowledged(self, nr: int, now: float) -> None:
        if nr == self._va:
            return
        while self._va != nr:
            self._sent.pop(self._va, None)
            self._judged.discard(self._va)
            self._va = (self._va + 1) % self._modulus
        self._attempts = self._grace = 0
        self._restart_t1(now)

    # What goes out.

    def _transmit(self, now: float) -> None:
        while self._queue and not self._peer_busy and self._may_let_go():
            number = self._vs
            self._vs = (self._vs + 1) % self._modulus
            self._sent[number] = Sent(self._next_information())
            poll = self._final and not self._queue and not self._polled
            self._write_information(number, pf=poll)
            if poll:
                self._polled, self._judged = True, set(self._sent)
            if self._t1 is None:
                self._restart_t1(now)
        if self._peer_busy and self._t1 is None:
            self._restart_t1(now)
        if self.state is State.DRAINING and not self._queue and not self._sent:
            if self._owed:
                self._acknowledge()
            self._disconnect(now)

    def _may_let_go(self) -> bool:
        return len(self._sent) < self._in_force.k

    def _next_information(self) -> bytes:
        return self._queue.popleft()

    def _repeat(self, numbers: list[int], now: float) -> None:
        waiting = [n for n in numbers if n in self._sent]
        for number in waiting:
            if not self.up:
                return
            self.repeated += 1
            self._judged.discard(number)
            self._write_information(number)
        if waiting and not self._polled:
            self._poll(now)

    def _write_information(self, number: int, *, pf: bool = False) -> None:
        sent = self._sent[number]
        sent.times += 1
        if sent.times > 4 * self._in_force.n2:
            self._give_up()
            return
        self._write(Frame(ADDRESS_B, Kind.I, pf, number, self._vr, sent.information))
        self._acknowledgement_went()

    def _poll(self, now: float) -> None:
        if not self.up:
            return
        self._polled, self._judged = True, set(self._sent)
        self._write(Frame(ADDRESS_B, Kind.RR, pf=True, nr=self._vr))
        self._acknowledgement_went()
        self._restart_t1(now)

    def _acknowledge(self) -> None:
        self._respond(Kind.RR, pf=False)

    def _respond(self, kind: Kind, pf: bool) -> None:
        self._write(Frame(ADDRESS_A, kind, pf, nr=self._vr))
        if kind in SUPERVISORY:
            self._acknowledgement_went()

    def _acknowledgement_went(self) -> None:
        self._owed = 0
        self._t2 = None

    def _restart_t1(self, now: float) -> None:
        held_back = self._peer_busy and self._queue
        if not self._sent and not self._polled and not held_back:
            self._t1 = None
            return
        waiting = sum(len(sent.information) + 6 for sent in self._sent.values())
        once = self._in_force.t1_s + (waiting + self._in_force.n1 + 6) * T1_OCTET_S
        self._t1 = now + once * (2 if self._attempts else 1)
        self._heard_information = False

    def _t1_ran_out(self, now: float) -> None:
        if self.up and self._heard_information and self._grace <= self._in_force.k:
            self._grace += 1
            self._restart_t1(now)
            return
        self._attempts += 1
        if self._attempts > self._in_force.n2:
            self._give_up()
        elif self.state is State.CONNECTING:
            self._set_up(now)
        elif self.state is State.DISCONNECTING:
            self._write(Frame(ADDRESS_B, Kind.DISC))
            self._t1 = now + self._in_force.t1_s
        else:
            oldest = [] if self._peer_busy else self._in_order()[:1]
            self._polled = True
            self._repeat(oldest, now)
            self._poll(now)

    def _give_up(self) -> None:
        if self.up:
            self._respond(Kind.DM, pf=False)
        closed = self.state is State.DISCONNECTING
        self._down("closed" if closed else "no answer")

    def _violated(self, raw: bytes, reason: int) -> None:
        response = raw[0] == ADDRESS_B
        if self._modulus == 128:
            second = raw[2] if raw[1] & 3 != 3 and len(raw) > 2 else 0
            numbers = [raw[1], second, self._vs << 1, self._vr << 1 | response]
        else:
            numbers = [raw[1], self._vr << 5 | response << 4 | self._vs << 1]
        information = bytes([*numbers, reason])
        self._write(Frame(ADDRESS_A, Kind.FRMR, information=information))
        self._down("the peer broke a rule of the link")

    def _disconnect(self, now: float) -> None:
        self._start()
        self.state = State.DISCONNECTING
        self._write(Frame(ADDRESS_B, Kind.DISC))
        self._t1 = now + self._in_force.t1_s

    def _down(self, why: str) -> None:
        self.state = State.DISCONNECTED
        self.why_down = why
        received = self._assembler.messages
        self._start()
        self._in_force = Settings()
        self._assembler.messages.extend(received)

    def _write(self, frame: Frame) -> None:
        if not self._out:
            self._out.append(FLAG)
        self._out += stuff(frame.encode(self._modulus), self._in_force.accm) + bytes(
            [FLAG]
        )


# A link over a real line, one thread, waiting where it must.


class Line(Protocol):
    """What carries octets: a socket, or a line in virtual time."""

    def send(self, octets: bytes) -> None:
        """Send all; raise LineLostError."""

    def receive(self, timeout_s: float) -> bytes:
        """What came, b"" after `timeout_s` without any; raise LineLostError."""

    def close(self) -> None:
        """Hang up."""


class TcpLine:
    """A line over TCP: the octets of the link and nothing else."""

    def __init__(self, host: str, port: int, connect_timeout_s: float = 10.0) -> None:
        try:
            self._socket = socket.create_connection((host, port), connect_timeout_s)
        except OSError as error:
            raise LineLostError(str(error)) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets: bytes) -> None:
        try:
            self._socket.sendall(octets)
        except OSError as error:
            raise LineLostError(str(error)) from error

    def receive(self, timeout_s: float) -> bytes:
        try:
            self._socket.settimeout(max(timeout_s, 0.001))
            octets = self._socket.recv(4096)
        except TimeoutError:
            return b""
        except OSError as error:
            raise LineLostError(str(error)) from error
        if not octets:
            raise LineLostError("the other end hung up")
        return octets

    def close(self) -> None:
        self._socket.close()


class Call:
    """One link from SABM to DISC over a line."""

    def __init__(
        self,
        line: Line,
        clock: Callable[[], float],
        segment_octets: int = N1 - 1,
    ) -> None:
        self.link = MachineLink(segment_octets)
        self._line = line
        self._clock = clock

    def open(self) -> None:
        self.link.dial(self._clock())
        while self.link.state is State.CONNECTING:
            self._turn(None)
        if not self.link.up:
            raise LinkEndedError(self.link.why_down)

    def send(self, message: bytes, *, final: bool = False) -> None:
        self.link.send(message, self._clock(), final=final)
        self._flush()

    def receive(self, timeout_s: float) -> bytes:
        """The next message; raise TimeoutError or LinkEndedError."""
        end = self._clock() + timeout_s
        while not self.link.messages:
            if not self.link.up:
                raise LinkEndedError(self.link.why_down)
            if self._clock() >= end:
                raise TimeoutError
            self._turn(end)
        return self.link.messages.popleft()

    def close(self) -> None:
        """Close in order, then hang up; a lost line is no error here."""
        try:
            self.link.close(self._clock())
            while self.link.state is not State.DISCONNECTED:
                self._turn(None)
            self._flush()
        except LinkEndedError:
            pass
        finally:
            self._line.close()

    def _turn(self, end: float | None) -> None:
        self._flush()
        now = self._clock()
        due = [t for t in (self.link.deadline, end) if t is not None]
        wait_s = max(0.0, min(due, default=now + T3_S) - now)
        try:
            octets = self._line.receive(wait_s)
        except LineLostError as error:
            self.link.line_lost()
            raise LinkEndedError(str(error)) from error
        self.link.receive(octets, self._clock())
        self.link.tick(self._clock())
        self._flush()

    def _flush(self) -> None:
        octets = self.link.octets_to_send()
        if octets:
            try:
                self._line.send(octets)
            except LineLostError as error:
                self.link.line_lost()
                raise LinkEndedError(str(error)) from error
