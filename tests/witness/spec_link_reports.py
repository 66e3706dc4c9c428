"""LINK-10 and LINK-17 of `protocol/SPEC.md` for a machine's end, from its text alone.

A witness as `spec_link` is, which it extends: it asks by XID for long frames, a wide
window, modulo 128 and arrival reports, and falls back to the defaults where they are
not granted. With reports it measures the line, lets go what LINK-17.7 allows, and cuts
its frames by LINK-7.8.
"""

from collections import deque
from dataclasses import dataclass, field
from math import sqrt
from typing import Final

from tests.witness.spec_link import (
    ADDRESS_A,
    ADDRESS_B,
    FIRST,
    LAST,
    N1,
    Deframer,
    Frame,
    Kind,
    MachineLink,
    Settings,
    State,
    segments,
)

WISH: Final = Settings(n1=1024, k=64, modulus=128, reports=True)

FORMAT: Final = 0x82
GROUP_STANDARD: Final = 0x80
GROUP_OURS: Final = 0xF0
WHOSE: Final = b"FM1"
REPORT_OCTETS_MAX: Final = 9

SET_UP_OCTETS: Final = 12
OCTETS_AROUND: Final = 7
PIECE_OCTETS_MIN: Final = 32
FLIGHT_OCTETS_MIN: Final = 512
LOSS_TO_POLL: Final = 0.01
SLOWEST_OCTET_S: Final = 10 / 300


# LINK-10: XID.


def encode_settings(wish: Settings) -> bytes:
    """The information of an XID (LINK-10.3)."""
    functions = 1 << 1 | wish.srej << 2 | 1 << 15 | 1 << 18 | 1 << 20
    functions |= 1 << (11 if wish.modulus == 128 else 10)
    standard = (
        _parameter(3, functions.to_bytes(3, "little"))
        + _number(6, 8 * wish.n1, 2)
        + _number(8, wish.k, 1)
        + _number(9, round(1000 * wish.t1_s), 2)
        + _number(10, wish.n2, 1)
    )
    ours = (
        _parameter(0, WHOSE)
        + _number(1, wish.accm, 4)
        + _number(2, round(1000 * wish.t2_s), 2)
        + _number(3, wish.reports, 1)
    )
    return bytes([FORMAT]) + _group(GROUP_STANDARD, standard) + _group(GROUP_OURS, ours)


def _parameter(identifier: int, value: bytes) -> bytes:
    return bytes([identifier, len(value)]) + value


def _number(identifier: int, value: int, octets: int) -> bytes:
    return _parameter(identifier, value.to_bytes(octets, "big"))


def _group(identifier: int, parameters: bytes) -> bytes:
    return bytes([identifier]) + len(parameters).to_bytes(2, "big") + parameters


def agree(own: Settings, information: bytes) -> Settings | None:
    """Own values and the answer under the rules of LINK-10.3; None is no XID.

    What is left out is the own value (LINK-10.4), but for the reports: who says
    nothing of them has not offered them.
    """
    groups = _groups(information)
    if groups is None:
        return None
    said = groups.get(GROUP_STANDARD, {})
    ours = groups.get(GROUP_OURS, {})
    if ours.get(0) != WHOSE:
        ours = {}
    functions = int.from_bytes(said.get(3, b""), "little")
    modulo_128 = own.modulus == 128 and (3 not in said or bool(functions & 1 << 11))
    srej = own.srej and (3 not in said or bool(functions & 1 << 2))
    modulus = 128 if modulo_128 else 8
    k_max = modulus // 2 if srej else modulus - 1
    t2_s = max(own.t2_s, _value(ours, 2, 0) / 1000)
    return Settings(
        n1=max(16, min(own.n1, _value(said, 6, 8 * own.n1) // 8)),
        k=max(1, min(own.k, _value(said, 8, own.k), k_max)),
        modulus=modulus,
        srej=srej,
        t1_s=max(own.t1_s, _value(said, 9, 0) / 1000, 2 * t2_s),
        t2_s=t2_s,
        n2=max(own.n2, _value(said, 10, 0)),
        accm=own.accm | _value(ours, 1, 0),
        reports=own.reports and _value(ours, 3, 0) == 1 and srej and modulo_128,
    )


def _groups(information: bytes) -> dict[int, dict[int, bytes]] | None:
    found = _items(information[1:], 2)
    if information[:1] != bytes([FORMAT]) or found is None:
        return None
    groups: dict[int, dict[int, bytes]] = {}
    for identifier, octets in found:
        if identifier in {GROUP_STANDARD, GROUP_OURS}:
            parameters = _items(octets, 1)
            if parameters is None:
                return None
            groups[identifier] = dict(parameters)
    return groups


def _items(octets: bytes, length_octets: int) -> list[tuple[int, bytes]] | None:
    """Identifiers, lengths, values; None if they do not fill the octets exactly."""
    items: list[tuple[int, bytes]] = []
    while octets:
        begin = 1 + length_octets
        end = begin + int.from_bytes(octets[1:begin], "big")
        if len(octets) < max(begin, end):
            return None
        items.append((octets[0], octets[begin:end]))
        octets = octets[end:]
    return items


def _value(parameters: dict[int, bytes], identifier: int, missing: int) -> int:
    octets = parameters.get(identifier)
    return missing if octets is None else int.from_bytes(octets, "big")


# LINK-17.2: the report.


@dataclass(frozen=True)
class Report:
    """What a receiver has: all before `nr`, what it holds, and what came last."""

    nr: int
    last: int
    held: frozenset[int]

    def encode(self) -> bytes:
        """The information of the SREJ; N(R) stands in its control field."""
        bits = sum(1 << (number - self.nr - 1) % 128 for number in self.held)
        return bytes([self.last]) + bits.to_bytes(
            (bits.bit_length() + 7) // 8, "little"
        )


def decode_report(frame: Frame) -> Report:
    bits = int.from_bytes(frame.information[1:], "little")
    held = {(frame.nr + 1 + n) % 128 for n in range(bits.bit_length()) if bits >> n & 1}
    return Report(frame.nr, frame.information[0], frozenset(held))


# LINK-17.7, 17.8: what the line does.


@dataclass
class Transmission:
    """The last time that a number went out."""

    order: int
    at: float
    octets: int
    judged_octets: int


@dataclass
class LineMeasure:
    """Speed, shortest round trip and bit error rate, from what became of frames."""

    round_trip_s: float | None = None
    octets_per_s: float = 0.0
    judged_octets: int = 0
    _speeds: deque[float] = field(default_factory=lambda: deque(maxlen=32))
    _lost: float = 0.5
    _bits: float = 2000.0

    def set_up_took(self, seconds: float) -> None:
        self.round_trip_s = seconds
        self.octets_per_s = SET_UP_OCTETS / max(seconds, 0.001)

    def arrived(self, sent: Transmission, now: float) -> None:
        """A transmission has arrived; its round trip bounds the line's."""
        self._age(sent.octets)
        self.judged_octets += sent.octets
        took_s = max(now - sent.at, 0.001)
        self.round_trip_s = min(took_s, self.round_trip_s or took_s)
        self._speeds.append((self.judged_octets - sent.judged_octets) / took_s)
        self.octets_per_s = max(self._speeds)

    def was_lost(self, sent: Transmission) -> None:
        self._age(sent.octets)
        self._lost += 1

    def _age(self, octets: int) -> None:
        self._lost *= 31 / 32
        self._bits = self._bits * 31 / 32 + 8 * octets

    def loss_of(self, octets: int) -> float:
        """What share of the frames of this length is lost."""
        return min(1.0, 8 * octets * self._lost / self._bits)

    def piece_octets(self, n1: int) -> int:
        """Octets of a message that bring most in one frame (LINK-7.8)."""
        wanted = OCTETS_AROUND * self._bits / (8 * max(self._lost, 1e-6))
        frame = (OCTETS_AROUND + sqrt(OCTETS_AROUND**2 + 4 * wanted)) / 2
        return max(PIECE_OCTETS_MIN, min(int(frame) - OCTETS_AROUND, n1 - 1))

    def flight_octets(self, frame_octets: int) -> int:
        held_by_line = self.octets_per_s * (self.round_trip_s or 0.0) + frame_octets
        return max(FLIGHT_OCTETS_MIN, int(2 * held_by_line))


class ReportingLink(MachineLink):
    """A machine's end that asks for arrival reports before it dials."""

    def __init__(self, wish: Settings = WISH) -> None:
        self._wish = wish
        self._negotiated = False
        self._now = self._dialled_at = 0.0
        super().__init__()
        self._deframer = Deframer(n1=wish.n1)

    @property
    def in_force(self) -> Settings:
        return self._in_force

    def _start(self) -> None:
        super()._start()
        self._measure = LineMeasure()
        self._order = 0
        self._judged_to = 0
        self._polled_at = self._went_out_at = 0
        self._transmissions: dict[int, Transmission] = {}
        self._taken_by_peer: frozenset[int] = frozenset()
        self._begun = 0
        self._last_arrived = 0
        self._information_came = False
        self._say_at_once = False
        self._peer_spoke = False
        self._resolved = False

    # LINK-10: asking before dialling.

    def dial(self, now: float) -> None:
        self._start()
        self._offer(now)

    def _offer(self, now: float) -> None:
        self.state = State.NEGOTIATING
        self._put_in_force(Settings(), negotiated=False)
        information = encode_settings(self._wish)
        self._write(Frame(ADDRESS_B, Kind.XID, pf=True, information=information))
        self._t1 = now + self._wish.t1_s

    def _put_in_force(self, settings: Settings, *, negotiated: bool) -> None:
        self._in_force = settings
        self._deframer.accm = settings.accm
        self._negotiated = negotiated

    def _frame(self, raw: bytes, now: float) -> None:
        if self.state is State.NEGOTIATING and raw[0] == ADDRESS_B:
            control, information = raw[1], raw[2:]
            if control == Kind.XID.value | 0x10:
                agreed = agree(self._wish, information)
                if agreed is not None:
                    self._put_in_force(agreed, negotiated=True)
                    self._dialled_at = now
                    self._set_up(now)
                return
            refused = control == Kind.DM.value | 0x10 and not information
            if refused or control & ~0x10 == Kind.FRMR.value:
                self._set_up(now)
                return
        super()._frame(raw, now)

    def _while_connecting(self, frame: Frame, now: float) -> None:
        first_try = self._attempts == 0
        super()._while_connecting(frame, now)
        if self.state is State.CONNECTED and first_try and self._negotiated:
            self._measure.set_up_took(now - self._dialled_at)

    def _without_link(self, frame: Frame, *, command: bool) -> None:
        if self.state is not State.NEGOTIATING:
            super()._without_link(frame, command=command)
        elif frame.kind is Kind.DISC:
            self._respond(Kind.UA, frame.pf)
        elif frame.kind in {Kind.SABM, Kind.SABME}:
            self._respond(Kind.DM, frame.pf)

    def close(self, now: float) -> None:
        if self.state is State.NEGOTIATING:
            self._disconnect(now)
        else:
            super().close(now)

    def _t1_ran_out(self, now: float) -> None:
        again = self.state is State.CONNECTING and self._negotiated
        if (again or self.state is State.NEGOTIATING) and (
            self._attempts < self._wish.n2
        ):
            self._attempts += 1
            self._offer(now)
        else:
            super()._t1_ran_out(now)

    # LINK-17.2 to 17.5: telling the peer.

    def _may_inform(self, frame: Frame, *, command: bool) -> bool:
        if frame.kind is Kind.SREJ and self._in_force.reports and not command:
            octets = frame.information
            return len(octets) <= REPORT_OCTETS_MAX and octets[0] < self._modulus
        return super()._may_inform(frame, command=command)

    def _information(self, frame: Frame, raw: bytes, now: float) -> None:
        if not self._in_force.reports:
            super()._information(frame, raw, now)
            return
        too_long = len(frame.information) > self._in_force.n1
        if too_long or not self._nr_is_possible(frame.nr):
            self._violated(raw, 4 if too_long else 8)
            return
        self._peer_spoke = True
        self._acknowledged(frame.nr, now)
        self._heard_information = self._information_came = True
        self._last_arrived = frame.ns
        ahead = (frame.ns - self._vr) % self._modulus
        if ahead == 0:
            self._say_at_once |= bool(self._held)
        elif ahead >= self._in_force.k:
            self._say_at_once = True
        if ahead < self._in_force.k:
            self._held[frame.ns] = frame.information
        if not self._deliver():
            self._violated(raw, 4 if self._assembler.too_long else 0)
        elif frame.pf:
            self._answer_poll()

    def _settle(self, now: float) -> None:
        if not self._in_force.reports or not self._information_came:
            return
        enough = 1 if self._assembler.midst else 2
        if self._held:
            self._report(pf=False)
        elif self._say_at_once or self._owed >= enough:
            self._acknowledge()
        elif self._owed and self._t2 is None:
            self._t2 = now + self._in_force.t2_s
        self._information_came = False

    def _answer_poll(self) -> None:
        if not self._in_force.reports:
            super()._answer_poll()
        elif self._held:
            self._report(pf=True)
        else:
            self._respond(Kind.RR, pf=True)
        self._information_came = False

    def _report(self, *, pf: bool) -> None:
        report = Report(self._vr, self._last_arrived, frozenset(self._held))
        self._write(
            Frame(ADDRESS_A, Kind.SREJ, pf, nr=self._vr, information=report.encode())
        )
        self._acknowledgement_went()

    def _acknowledgement_went(self) -> None:
        super()._acknowledgement_went()
        self._say_at_once = False

    # LINK-17.5 to 17.7: being told.

    def _supervision(
        self, frame: Frame, raw: bytes, now: float, *, command: bool
    ) -> None:
        report = frame.kind is Kind.SREJ and bool(frame.information)
        rejection = frame.kind in {Kind.REJ, Kind.SREJ} and not report
        if rejection or not self._in_force.reports:
            super()._supervision(frame, raw, now, command=command)
            return
        if not self._nr_is_possible(frame.nr):
            self._violated(raw, 8)
            return
        self._peer_spoke = True
        self._resolved = False
        self._acknowledged(frame.nr, now)
        answer = frame.pf and not command and self._polled
        was_busy, self._peer_busy = self._peer_busy, frame.kind is Kind.RNR
        if not command:
            self._note_held(frame, now)
        limit = self._limit_of_loss(frame, answer=answer)
        if was_busy and not self._peer_busy:
            limit = self._order + 1
        if answer:
            self._polled = False
        if answer or self._resolved:
            self._attempts = self._grace = 0
        lost = [
            number
            for number in self._in_order()
            if number not in self._taken_by_peer
            and self._transmissions[number].order < limit
        ]
        self._lose(lost, now)
        if answer or self._resolved:
            self._restart_t1(now)
        if command and frame.pf:
            self._answer_poll()

    def _note_held(self, frame: Frame, now: float) -> None:
        held = decode_report(frame).held if frame.kind is Kind.SREJ else frozenset()
        for number in sorted(held - self._taken_by_peer):
            if number in self._sent:
                self._arrived(number, now)
        self._taken_by_peer = held

    def _limit_of_loss(self, frame: Frame, *, answer: bool) -> int:
        """Transmissions before this one that did not arrive are lost."""
        limit = 0
        if frame.kind is Kind.SREJ:
            last = self._transmissions.get(decode_report(frame).last)
            limit = last.order if last else 0
        if answer and frame.kind is not Kind.RNR:
            limit = max(limit, self._polled_at)
        judged_to = self._polled_at if answer else limit
        self._judged_to = max(self._judged_to, judged_to)
        return limit

    def _acknowledged(self, nr: int, now: float) -> None:
        if self._in_force.reports:
            number = self._va
            while number != nr:
                if number not in self._taken_by_peer:
                    self._arrived(number, now)
                number = (number + 1) % self._modulus
        super()._acknowledged(nr, now)

    def _arrived(self, number: int, now: float) -> None:
        sent = self._transmissions[number]
        self._measure.arrived(sent, now)
        self._judged_to = max(self._judged_to, sent.order)
        self._resolved = True

    def _lose(self, numbers: list[int], now: float) -> None:
        for number in numbers:
            self._measure.was_lost(self._transmissions[number])
            self._resolved = True
            if not self.up or self._peer_busy:
                return
            self.repeated += 1
            self._write_information(number)

    # What goes out.

    def _cut(self, message: bytes) -> list[bytes]:
        if not self._in_force.reports:
            return segments(message, min(N1, self._in_force.n1) - 1)
        segments(message)
        return [message]

    def _next_information(self) -> bytes:
        """The next piece, cut when it goes out: what went out stays as it was."""
        if not self._in_force.reports:
            return super()._next_information()
        rest = self._queue[0][self._begun :]
        piece = rest[: self._measure.piece_octets(self._in_force.n1)]
        whole = len(piece) == len(rest)
        segment = FIRST * (self._begun == 0) | LAST * whole
        self._begun = 0 if whole else self._begun + len(piece)
        if whole:
            self._queue.popleft()
        return bytes([segment]) + piece

    def _may_let_go(self) -> bool:
        """Whether the line has room for a further frame (LINK-17.7)."""
        if not self._in_force.reports or not super()._may_let_go():
            return super()._may_let_go()
        flight = self._flight_octets()
        frame = self._measure.piece_octets(self._in_force.n1) + OCTETS_AROUND
        return not flight or flight + frame <= self._measure.flight_octets(frame)

    def _flight_octets(self) -> int:
        """What went out behind the last transmission that was judged."""
        judged = self._judged_to
        return sum(t.octets for t in self._transmissions.values() if t.order > judged)

    def _transmit(self, now: float) -> None:
        super()._transmit(now)
        if self.up and self._in_force.reports and not self._polled:
            last = self._transmissions.get((self._vs - 1) % self._modulus)
            if self._went_out_at > self._polled_at and last is not None:
                often_lost = self._measure.loss_of(last.octets) > LOSS_TO_POLL
                closed = len(self._sent) >= self._in_force.k
                at_end = closed or not self._queue
                if not self._peer_spoke or (at_end and often_lost):
                    self._poll(now)

    def _write_information(self, number: int, *, pf: bool = False) -> None:
        super()._write_information(number, pf=pf)
        if self.up and self._in_force.reports:
            self._order += 1
            self._went_out_at = self._order
            self._transmissions[number] = Transmission(
                self._order,
                self._now,
                len(self._sent[number].information) + OCTETS_AROUND - 1,
                self._measure.judged_octets,
            )
            if pf:
                self._mark_poll()

    def _poll(self, now: float) -> None:
        self._mark_poll()
        super()._poll(now)

    def _mark_poll(self) -> None:
        self._order += 1
        self._polled_at = self._order

    def _restart_t1(self, now: float) -> None:
        super()._restart_t1(now)
        measure = self._measure
        if self._t1 is None or measure.round_trip_s is None:
            return
        octets = self._flight_octets() + self._in_force.n1 + OCTETS_AROUND
        once = min(
            1.5 * (measure.round_trip_s + octets / measure.octets_per_s)
            + 0.2
            + (0 if self._polled else self._in_force.t2_s),
            self._in_force.t1_s + octets * SLOWEST_OCTET_S,
        )
        self._t1 = now + once * (2 if self._attempts else 1)

    # The time of what is written.

    def send(self, message: bytes, now: float, *, final: bool = False) -> None:
        self._now = now
        super().send(message, now, final=final)

    def receive(self, octets: bytes, now: float) -> None:
        self._now = now
        super().receive(octets, now)

    def tick(self, now: float) -> None:
        self._now = now
        super().tick(now)
