"""The telephone side of an emulated modem: carries out what `call_table` says.

The times are those of the S-registers where there is one; the others are ours, close to
what such modems take: a second for the dial tone, five until it is missed, and for the
training a time by speed.
"""

import math
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.pacing import BITS_PER_OCTET
from hw.lines.port import Line, LineLoss, LossCause
from hw.modem.call_table import (
    CALL_TABLE,
    CallRefused,
    CallState,
    DialEnded,
    DialPaused,
    HangUpOrdered,
    LineCameUp,
    LineEnded,
    TimeRanOut,
    ToneHeard,
    ToneMissed,
    ToneUnheard,
    TrainingEnded,
)
from hw.modem.dial_string import DIAL_TONE_S, DialString
from hw.modem.profile import Profile
from hw.modem.registers import SPEED_BY_S37
from hw.modem.results import MODEM_SPEEDS, ResultCode
from hw.modem.telephone import IncomingCall, PhoneCall, PhoneLine
from protocol.errors import NoTransitionError

DIAL_TONE_MISSED_S: Final = 5.0
TRAINING_S: Final = {300: 1.5, 1200: 2.5, 2400: 4.0, 9600: 7.0, 14_400: 9.0}
"""From answering to CONNECT, up to that speed; ours, typical of V.21 to V.32bis."""

TRAINING_V34_S: Final = 11.0
EARLY_OCTETS_MAX: Final = 65_536
"""What the other modem sends while this one still trains waits up to here."""

NEVER: Final = 255
"""S10: the modem never believes that the carrier is lost."""

_TENTHS_PER_S: Final = 10
_HEARS_DIAL_TONE: Final = frozenset({2, 4})
_HEARS_BUSY: Final = frozenset({3, 4})
_S30_UNIT_S: Final = 10


class CallHost(Protocol):
    """The modem around a call."""

    profile: Profile

    @property
    def bit_s_max(self) -> int:
        """The fastest speed that the modem can do."""
        ...

    def call_result(self, code: ResultCode, bit_s: int | None = None) -> None:
        """Tell the terminal how a command or a call ended."""
        ...

    def call_paused(self) -> None:
        """Go on with the command line, off-hook."""
        ...

    def call_changed(self, state: CallState) -> None:
        """See what the telephone side does now."""
        ...

    def data_received(self, octets: bytes) -> None:
        """Take what the other modem sent."""
        ...


class ModemCall:
    """What a modem does on its telephone line."""

    def __init__(self, reactor: IReactorTime, phone: PhoneLine, host: CallHost) -> None:
        """Be on-hook."""
        self.state = CALL_TABLE.initial
        self.incoming: IncomingCall | None = None
        """The call that rings here."""
        self._reactor = reactor
        self._phone = phone
        self._host = host
        self._what: DialString | None = None
        self._ear: _Ear | None = None
        self._call: PhoneCall | None = None
        self._early = bytearray()
        self._free_at_s = -math.inf
        self._limit: IDelayedCall | None = None
        self._step: IDelayedCall | None = None

    @property
    def bit_s(self) -> int:
        """The speed of the call."""
        return MODEM_SPEEDS[0] if self._call is None else self._call.bit_s

    @property
    def waiting_octets(self) -> int:
        """How many octets the modem holds that have not left by telephone."""
        left_s = max(0.0, self._free_at_s - self._now())
        return math.ceil(left_s * self.bit_s / BITS_PER_OCTET)

    def feed(self, event: object) -> bool:
        """Let something happen; False for what has no meaning now."""
        try:
            row = CALL_TABLE.row(self.state, event)
        except NoTransitionError:
            return False
        self.state = row.to
        row.do(self, event)
        self._host.call_changed(self.state)
        return True

    def send(self, octets: bytes) -> None:
        """Send data to the other modem; a carrier that fades carries none."""
        if self.state is CallState.CONNECTED and self._ear is not None:
            begins_s = max(self._free_at_s, self._now())
            self._free_at_s = begins_s + len(octets) * BITS_PER_OCTET / self.bit_s
            self._ear.send(octets)
            self._watch_silence()

    def listen(self, what: DialString) -> None:
        """Go off-hook and wait for the dial tone, unless X says to dial blind."""
        self._what = what
        registers = self._host.profile.registers
        if self._host.profile.settings["X"] not in _HEARS_DIAL_TONE:
            self._after(float(registers.get(6)), ToneHeard())
        elif self._has_dial_tone():
            self._after(DIAL_TONE_S, ToneHeard())
        else:
            self._after(DIAL_TONE_MISSED_S, ToneMissed())

    def dial_digits(self) -> None:
        """Dial."""
        if self._what is not None:
            event = DialPaused() if self._what.stays else DialEnded()
            self._after(self._what.dial_s, event)

    def call_number(self) -> None:
        """Have the network call the number; without a dial tone nobody is called."""
        self._begin_limit()
        if self._what is not None and self._has_dial_tone():
            self._ear = _Ear(self)
            self._call = self._phone.dial(
                self._what.number, self._bit_s_max(), self._ear
            )

    def pause_dialling(self) -> None:
        """Take commands again."""
        self._host.call_paused()

    def answer(self) -> None:
        """Take the call that rings, or wait for a carrier that will not come."""
        self._begin_limit()
        if self.incoming is not None:
            self._ear = _Ear(self)
            self._call = self.incoming.answer(self._ear, self._bit_s_max())
            self.incoming = None

    def train(self) -> None:
        """Agree with the other modem."""
        self._after(training_s(self.bit_s), TrainingEnded())

    def carry(self) -> None:
        """Carry octets from now on; first those that came early."""
        self._disarm()
        self._host.call_result(ResultCode.CONNECT, self.bit_s)
        early = bytes(self._early)
        self._early.clear()
        self._watch_silence()
        if early:
            self._host.data_received(early)

    def fade(self) -> None:
        """Wait as long as S10 says."""
        self._disarm()
        tenths = self._host.profile.registers.get(10)
        if tenths < NEVER:
            self._after(tenths / _TENTHS_PER_S, TimeRanOut())

    def release(self) -> None:
        """Go on hook; the line hangs up after what was sent has left."""
        self._disarm()
        self._early.clear()
        self._free_at_s = -math.inf
        ear, self._ear = self._ear, None
        call, self._call = self._call, None
        if ear is not None and call is not None:
            ear.is_old = True
            call.drop()

    def tell_no_dialtone(self) -> None:
        """Tell the result."""
        self._host.call_result(ResultCode.NO_DIALTONE)

    def tell_no_carrier(self) -> None:
        """Tell the result."""
        self._host.call_result(ResultCode.NO_CARRIER)

    def tell_time_out(self) -> None:
        """Tell NO ANSWER where the bell was heard and the modem listened for it."""
        heard = self._call is not None and self._call.rings_there
        quiet = self._what is not None and self._what.waits_for_quiet
        listens = self._host.profile.settings["X"] in _HEARS_BUSY
        self.release()
        unanswered = heard and (quiet or listens)
        self._host.call_result(
            ResultCode.NO_ANSWER if unanswered else ResultCode.NO_CARRIER
        )

    def tell_refusal(self, loss: LineLoss) -> None:
        """Tell what the network said."""
        self._host.call_result(_REFUSALS.get(loss.cause, ResultCode.NO_CARRIER))

    def line_is_up(self) -> None:
        """Hear that the other end has answered."""
        self.feed(LineCameUp())

    def octets_came(self, octets: bytes) -> None:
        """Take octets of the other modem."""
        if self.state is CallState.CONNECTED:
            self._watch_silence()
            self._host.data_received(octets)
        elif len(self._early) + len(octets) <= EARLY_OCTETS_MAX:
            self._early += octets

    def line_is_lost(self, loss: LineLoss) -> None:
        """Hear that there will be no line, or none any more."""
        if self.state not in (CallState.CALLING, CallState.ANSWERING):
            self.feed(LineEnded())
        elif (
            loss.cause is LossCause.BUSY
            and self._host.profile.settings["X"] not in _HEARS_BUSY
        ):
            self.feed(ToneUnheard())
        else:
            self.feed(CallRefused(loss))

    def close(self) -> None:
        """Go on hook whatever the state is."""
        self.feed(HangUpOrdered())

    def _has_dial_tone(self) -> bool:
        # Whoever goes off-hook while it rings has the caller on the line.
        return self._phone.has_dial_tone and self.incoming is None

    def _bit_s_max(self) -> int:
        wanted = SPEED_BY_S37[self._host.profile.registers.get(37)]
        return min(self._host.bit_s_max, wanted or self._host.bit_s_max)

    def _begin_limit(self) -> None:
        limit_s = float(self._host.profile.registers.get(7))
        self._limit = self._reactor.callLater(limit_s, self.feed, TimeRanOut())

    def _watch_silence(self) -> None:
        """Begin S30 anew."""
        if self._limit is not None and self._limit.active():
            self._limit.cancel()
        self._limit = None
        silence_s = self._host.profile.registers.get(30) * _S30_UNIT_S
        if silence_s:
            self._limit = self._reactor.callLater(silence_s, self.feed, TimeRanOut())

    def _after(self, seconds: float, event: object) -> None:
        self._step = self._reactor.callLater(seconds, self.feed, event)

    def _disarm(self) -> None:
        for timer in (self._limit, self._step):
            if timer is not None and timer.active():
                timer.cancel()
        self._limit = self._step = None

    def _now(self) -> float:
        return float(self._reactor.seconds())


class _Ear:
    """The user of one line; what an old line still brings is not heard."""

    def __init__(self, call: ModemCall) -> None:
        self.is_old = False
        self._call = call
        self._line: Line | None = None

    def send(self, octets: bytes) -> None:
        if self._line is not None:
            self._line.send(octets)

    def line_up(self, line: Line) -> None:
        self._line = line
        if not self.is_old:
            self._call.line_is_up()

    def octets_received(self, octets: bytes) -> None:
        if not self.is_old:
            self._call.octets_came(octets)

    def line_lost(self, loss: LineLoss) -> None:
        if not self.is_old:
            self._call.line_is_lost(loss)


_REFUSALS: Final = {
    LossCause.BUSY: ResultCode.BUSY,
    LossCause.NO_ANSWER: ResultCode.NO_ANSWER,
    LossCause.NO_DIALTONE: ResultCode.NO_DIALTONE,
}


def training_s(bit_s: int) -> float:
    """Say how long two modems take to agree on a speed."""
    return next(
        (time for speed, time in TRAINING_S.items() if bit_s <= speed), TRAINING_V34_S
    )
