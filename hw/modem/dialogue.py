"""The dialogue with a real modem, sans I/O: octets, circuits and time in, effects out.

Every row of `dialogue_table` is a sentence: in this state, upon that, do this, go
there. `ModemDialogue` turns what comes into events, and is what the actions act on. An
event that has no row is not heeded and counted: a modem says many things.

Source: ITU-T V.250 clauses 5 and 6; what to do with a modem that says nothing, or that
a crash left in a call, is ours.
"""

from collections import deque
from typing import Final

from hw.lines.port import LineLoss, LossCause
from hw.modem.carrier_text import CarrierText
from hw.modem.dialogue_states import (
    CallFailed,
    CarrierFell,
    CarrierTextBelieved,
    Connected,
    ConnectReceived,
    DialogueState,
    Effect,
    ErrorReceived,
    HangUpOrdered,
    OkReceived,
    Over,
    PortEnded,
    PortOpened,
    Received,
    RingReceived,
    Send,
    SetCircuits,
    TimedOut,
)
from hw.modem.dialogue_table import DIALOGUE_TABLE
from hw.modem.results import Result, ResultCode, ResultLines, parse_caller, parse_result
from hw.modem.settings import CarrierWatch, ModemSettings
from hw.ports.port import ModemCircuits, TerminalCircuits
from protocol.errors import NoTransitionError

SILENCE_S: Final = 1.0
"""How long after DCD fell the port has to be silent until the call is over."""


_DATA_STATES: Final = frozenset({DialogueState.CONNECTED, DialogueState.FADING})
_CAUSES: Final = {
    ResultCode.NO_CARRIER: LossCause.NO_CARRIER,
    ResultCode.NO_DIALTONE: LossCause.NO_DIALTONE,
    ResultCode.BUSY: LossCause.BUSY,
    ResultCode.NO_ANSWER: LossCause.NO_ANSWER,
    ResultCode.DELAYED: LossCause.MODEM_REFUSED,
    ResultCode.BLACKLISTED: LossCause.MODEM_REFUSED,
}


class ModemDialogue:
    """One call over one modem, from opening its port to closing it.

    Attributes:
        state: Where the table is.
        settings: How the modem is worked.
        answers: Whether it waits for calls instead of dialling.
        retries: How often the same was tried.
        rings: How often it has rung.
        follow_ups: Events that an action found out.
        waiting_octets: How many octets the port still holds.
        has_circuits: Whether DTR and DCD exist.
        unheeded: How many events had no row.
    """

    def __init__(self, settings: ModemSettings, *, answers: bool = False) -> None:
        """Prepare a call; the port is not open yet."""
        self.state = DIALOGUE_TABLE.initial
        self.settings = settings
        self.answers = answers
        self.retries = 0
        self.rings = 0
        self.follow_ups: deque[object] = deque()
        self.waiting_octets = 0
        self.has_circuits = False
        self.unheeded = 0
        self.now = 0.0
        self.drain_until = 0.0
        self._effects: deque[Effect] = deque()
        self._due: float | None = None
        self._lines = ResultLines()
        self._text = CarrierText()
        self._by_text = False
        self._carrier = False
        self._after_words = False
        self._caller = ""

    @property
    def deadline(self) -> float | None:
        """When `handle_timer` is due."""
        due = [at for at in (self._due, self._text.deadline) if at is not None]
        return min(due, default=None)

    @property
    def is_connected(self) -> bool:
        """Whether octets of the user may be sent."""
        return self.state is DialogueState.CONNECTED

    def effects(self) -> list[Effect]:
        """Give what is to be done, once."""
        effects = list(self._effects)
        self._effects.clear()
        return effects

    def port_up(self, circuits: ModemCircuits | None, now: float) -> None:
        """Begin."""
        self.now = now
        self.has_circuits = circuits is not None
        self._carrier = circuits is not None and circuits.carrier
        self._feed(PortOpened())

    def octets_received(self, octets: bytes, now: float) -> None:
        """Take what the modem says, or data."""
        self.now = now
        rest = octets
        while rest:
            if self.state in _DATA_STATES:
                self._take_data(rest)
                return
            rest = self._take_text(rest)

    def circuits_changed(self, circuits: ModemCircuits, now: float) -> None:
        """Look at DCD."""
        self.now = now
        fell = self._carrier and not circuits.carrier
        self._carrier = circuits.carrier
        watches = self.settings.carrier is not CarrierWatch.TEXT
        if circuits.carrier and watches and self._by_text:
            # DCD works: from now on text is data.
            self._by_text = False
            self._pass_on(self._text.give_back())
        if fell and watches:
            self._feed(CarrierFell())

    def handle_timer(self, now: float, waiting_octets: int = 0) -> None:
        """Look at the time.

        Args:
            now: It.
            waiting_octets: What the port has not sent yet.
        """
        self.now = now
        self.waiting_octets = waiting_octets
        data, is_over = self._text.look(now)
        self._pass_on(data)
        if is_over:
            self._feed(CarrierTextBelieved())
        if self._due is not None and now >= self._due:
            self._due = None
            self._feed(TimedOut())

    def hang_up(self, now: float, waiting_octets: int = 0) -> None:
        """Want no more."""
        self.now = now
        self.waiting_octets = waiting_octets
        self._feed(HangUpOrdered())

    def port_ended(self, loss: LineLoss, now: float) -> None:
        """Hear that the port is of no use any more."""
        self.now = now
        self._feed(PortEnded(loss))

    # What the actions of the table do.

    def wait(self, seconds: float) -> None:
        """Have `TimedOut` after so long."""
        self._due = self.now + seconds

    def command(self, text: str) -> None:
        """Send a command line, and give the modem time to answer."""
        self._lines.clear()
        self.send(text.encode("ascii") + b"\r")
        self.wait(self.settings.command_s)

    def send(self, octets: bytes) -> None:
        """Send octets to the modem."""
        self._effects.append(Send(octets))

    def set_ready(self, *, ready: bool) -> None:
        """Set DTR and RTS, or let DTR go."""
        circuits = TerminalCircuits(request_to_send=True, terminal_ready=ready)
        self._effects.append(SetCircuits(circuits))

    def begin_data(self, event: ConnectReceived) -> None:
        """Be connected."""
        self._due = None
        watch = self.settings.carrier
        self._by_text = watch is CarrierWatch.TEXT or (
            watch is CarrierWatch.AUTOMATIC and not self._carrier
        )
        self._effects.append(Connected(event.bit_s, event.more, self._caller))

    def fade(self) -> None:
        """Wait until the port is silent."""
        self.wait(SILENCE_S)

    def forget_caller(self) -> None:
        """The next call is another."""
        self._caller = ""
        self.rings = 0

    def end(self, cause: LossCause, detail: str = "") -> None:
        """Close the port and tell why."""
        self._due = None
        self._pass_on(self._text.give_back())
        self._effects.append(Over(LineLoss(cause, detail)))

    def _take_data(self, octets: bytes) -> None:
        if self._after_words:
            # The LF behind the words of CONNECT is not data.
            self._after_words = False
            octets = octets.removeprefix(b"\n")
        if self._by_text or self.state is DialogueState.FADING:
            octets = self._text.take(octets, self.now)
        if self.state is DialogueState.FADING:
            self.wait(SILENCE_S)
        self._pass_on(octets)

    def _pass_on(self, octets: bytes) -> None:
        if octets and self.state in _DATA_STATES:
            self._effects.append(Received(octets))

    def _take_text(self, octets: bytes) -> bytes:
        """Take octets up to the end of a line; give those behind it."""
        for index, octet in enumerate(octets, start=1):
            line = self._lines.add(octet)
            if line is not None:
                self._take_line(line)
                return octets[index:]
        return b""

    def _take_line(self, line: str) -> None:
        caller = parse_caller(line)
        if caller is not None:
            self._caller = caller
        result = parse_result(line)
        if result is not None:
            self._after_words = result.in_words
            self._feed(_event(result))

    def _feed(self, event: object) -> None:
        self.follow_ups.append(event)
        while self.follow_ups:
            following = self.follow_ups.popleft()
            try:
                row = DIALOGUE_TABLE.row(self.state, following)
            except NoTransitionError:
                self.unheeded += 1
                continue
            # Data that are held back belong to the state before.
            row.do(self, following)
            self.state = row.to


def _event(result: Result) -> object:
    match result.code:
        case ResultCode.OK:
            return OkReceived()
        case ResultCode.ERROR:
            return ErrorReceived()
        case ResultCode.RING:
            return RingReceived()
        case ResultCode.CONNECT:
            return ConnectReceived(result.bit_s, result.more)
        case code:
            return CallFailed(_CAUSES[code], code.words)
