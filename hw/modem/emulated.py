"""An emulated modem: a terminal on one side, a telephone line on the other.

`EmulatedModem` is the user of a `hw.ports.port.ModemPort` and the bell of a
`hw.modem.telephone.PhoneLine`. Command lines are read by `command_reader`, executed by
`commands`; what the modem does on the telephone line is the table of `call_table`; how
it speaks on the port is in `terminal_side`.

Octets that come while it dials, answers or trains end the attempt (ITU-T V.250 clause
5.6.1), except in the first `ABORT_AFTER_S`: some terminals end a line with CR LF.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.modem.call_table import (
    AnswerOrdered,
    CallState,
    DialOrdered,
    HangUpOrdered,
    KeyTyped,
    OffHookOrdered,
)
from hw.modem.command_reader import CommandReader
from hw.modem.commands import Answer, Dial, Ending, execute
from hw.modem.escape import EscapeMethod, EscapeWatch
from hw.modem.modem_call import ModemCall
from hw.modem.news import ModemNews, no_news
from hw.modem.profile import MemoryProfiles, Profile, ProfileStore
from hw.modem.results import BIT_S_MAX, ResultCode
from hw.modem.ringer import Ringer
from hw.modem.telephone import IncomingCall, PhoneLine
from hw.modem.terminal_side import HELD_OCTETS_MAX, TerminalSide
from hw.ports.port import (
    ModemCircuits,
    ModemPort,
    PortFault,
    PortLoss,
    TerminalCircuits,
)
from hw.ports.settings import PortSettings

ABORT_AFTER_S: Final = 0.125
_BUSY_STATES: Final = frozenset(
    {
        CallState.LISTENING,
        CallState.DIALLING,
        CallState.CALLING,
        CallState.ANSWERING,
        CallState.TRAINING,
    }
)
_CALL_STATES: Final = frozenset({CallState.CONNECTED, CallState.FADING})
_S25_UNITS_PER_S: Final = 100


class EmulatedModem:
    """One modem."""

    def __init__(
        self,
        reactor: IReactorTime,
        phone: PhoneLine,
        profiles: ProfileStore | None = None,
        *,
        bit_s_max: int = BIT_S_MAX,
        escape: EscapeMethod = EscapeMethod.GUARD_TIME,
        on_news: Callable[[ModemNews], None] = no_news,
    ) -> None:
        """Make a modem; it has power as soon as it has a port.

        Args:
            reactor: The time, real or virtual.
            phone: Its telephone line.
            profiles: Where ``&W`` writes to; as usual it is lost with the program.
            bit_s_max: The fastest speed that it can do.
            escape: How it recognises ``+++``.
            on_news: Told what happens.
        """
        self.profiles = profiles if profiles is not None else MemoryProfiles()
        self.pulse = False
        self.tells_caller = False
        self.last_dialled = ""
        self._bit_s_max = bit_s_max
        self._reactor = reactor
        self._phone = phone
        self._on_news = on_news
        self._profile = self.profiles.profile(0)
        self._reader = CommandReader(self._profile.registers)
        self._escape = EscapeWatch(escape)
        self._escape_timer: IDelayedCall | None = None
        self._dtr_timer: IDelayedCall | None = None
        self._takes_data = False
        self._rest = ""
        self._ordered_at_s = 0.0
        self._call = ModemCall(reactor, phone, self)
        self._side = TerminalSide(
            reactor,
            lambda: self._profile,
            lambda: (self._call.waiting_octets, self._call.bit_s),
            self._show_circuits,
        )
        self._ringer = Ringer(reactor, self._tell_ring, self._show_circuits)

    @property
    def profile(self) -> Profile:
        """How it is set."""
        return self._profile

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self._profile = profile
        self._reader.registers = profile.registers

    @property
    def bit_s_max(self) -> int:
        """The fastest speed that it can do."""
        return self._bit_s_max

    @property
    def state(self) -> CallState:
        """What it does on the telephone line."""
        return self._call.state

    @property
    def octets_lost(self) -> int:
        """Octets that it had no room for."""
        return self._side.octets_lost

    # What the port tells.

    def port_up(self, port: ModemPort) -> None:
        """Have power."""
        self._side.port = port
        self._phone.connect(self)
        self._show_circuits()

    def octets_received(self, octets: bytes) -> None:
        """Take commands or data."""
        while octets:
            if self._takes_data:
                octets = self._take_data(octets)
            else:
                octets = self._take_commands(octets)

    def terminal_changed(self, circuits: TerminalCircuits) -> None:
        """Look at DTR and RTS."""
        _cancel(self._dtr_timer)
        if not circuits.terminal_ready:
            delay_s = self._profile.registers.get(25) / _S25_UNITS_PER_S
            self._dtr_timer = self._reactor.callLater(delay_s, self._obey_dtr)
        self._side.release()

    def fault_received(self, fault: PortFault) -> None:
        """Nothing of it can go by telephone."""
        self._tell(f"port {fault.name.lower()}", f"the terminal: {fault.value}")

    def settings_changed(self, settings: PortSettings) -> None:
        """Any speed of the port will do."""
        words = f"the terminal's port is set to {settings.baud} bit/s"
        self._tell("terminal", words)

    def port_lost(self, loss: PortLoss) -> None:
        """Lose power."""
        self._side.port = None
        self._phone.connect(None)
        self._call.close()
        self._leave_data()
        self._ringer.close()
        _cancel(self._dtr_timer)
        self._tell("port lost", str(loss))

    # What the telephone line tells.

    @property
    def is_busy(self) -> bool:
        """Whether a caller hears the engaged tone."""
        called = self._call.incoming is not None
        return called or self._call.state is not CallState.ON_HOOK

    def ring(self, call: IncomingCall) -> None:
        """Ring."""
        self._call.incoming = call
        self._tell("ringing", f"called by {call.caller or 'an unknown number'}")
        self._ringer.start()

    def stop_ringing(self) -> None:
        """The caller has given up."""
        self._call.incoming = None
        self._ringer.stop()
        self._tell("ringing ended", "the caller has given up")

    # What commands do.

    @property
    def is_connected(self) -> bool:
        """Whether there is a call to go back to."""
        return self._call.state in _CALL_STATES

    def inform(self, lines: list[str]) -> None:
        """Say lines that are no result."""
        self._side.inform(lines)

    def hang_up(self) -> None:
        """Go on hook."""
        if self._call.state is not CallState.ON_HOOK:
            self._tell("hung up", "the terminal has ended the call")
        self._call.feed(HangUpOrdered())
        self._leave_data()

    def go_off_hook(self) -> None:
        """Take the line without dialling."""
        self._call.feed(OffHookOrdered())

    # What the call tells.

    def call_result(self, code: ResultCode, bit_s: int | None = None) -> None:
        """Tell the terminal how a command or a call ended."""
        connected = code is ResultCode.CONNECT
        if not connected:
            self._leave_data()
        # The circuits change before the terminal reads why.
        self._show_circuits()
        self._side.result(code, bit_s)
        words = f"{code.words} {bit_s}" if connected else code.words
        self._tell(code.words.lower(), words)
        if connected:
            self._enter_data()

    def call_paused(self) -> None:
        """Go on behind a semicolon."""
        self._execute(self._rest)

    def call_changed(self, state: CallState) -> None:
        """Show it by the circuits; a bell rings on-hook only."""
        if state is not CallState.ON_HOOK and self._ringer.is_on:
            self._ringer.stop()
        self._show_circuits()

    def data_received(self, octets: bytes) -> None:
        """Give the terminal what the other modem sent."""
        self._side.deliver(octets)

    def _take_commands(self, octets: bytes) -> bytes:
        """Take octets as typed; give what is left once they are data."""
        for index, octet in enumerate(octets, start=1):
            if self._call.state in _BUSY_STATES:
                if self._now() - self._ordered_at_s >= ABORT_AFTER_S:
                    self._call.feed(KeyTyped())
                continue
            if self._profile.echo:
                self._side.echo(self._reader.echo(octet))
            typed = self._reader.type(octet)
            if typed is not None:
                if typed.body is None:
                    self._side.result(ResultCode.ERROR)
                else:
                    self._execute(typed.body)
                if self._takes_data:
                    return octets[index:]
        return b""

    def _execute(self, body: str) -> None:
        self._ordered_at_s = self._now()
        self._end_line(execute(body, self))
        self._show_circuits()

    def _end_line(self, ending: Ending) -> None:
        if isinstance(ending, ResultCode):
            self._side.result(ending)
        elif isinstance(ending, Dial):
            self._rest = ending.rest
            self._tell("dialling", f"dials {ending.what.number or 'nothing'}")
            self._call.feed(DialOrdered(ending.what))
        elif isinstance(ending, Answer):
            self._answer()
        else:
            self._side.result(ResultCode.CONNECT, self._call.bit_s)
            self._enter_data()

    def _answer(self) -> None:
        self._ringer.stop()
        self._call.feed(AnswerOrdered())

    def _take_data(self, octets: bytes) -> bytes:
        """Take octets as data; give what is left once they are commands."""
        found = self._escape.take(octets, self._now(), self._profile.registers)
        data, rest = octets, b""
        if found is not None:
            data, rest = octets[: found.data_octets], octets[found.data_octets :]
        self._send(self._side.take(data))
        self._arm_escape()
        if found is not None:
            self._leave_data(hold=True)
            self._reader.remember(found.body)
            self._execute(found.body)
        return rest

    def _send(self, octets: bytes) -> None:
        room = HELD_OCTETS_MAX - self._call.waiting_octets
        self._side.octets_lost += max(0, len(octets) - max(0, room))
        self._call.send(octets[: max(0, room)])
        self._side.regulate()

    def _enter_data(self) -> None:
        self._takes_data = True
        self._escape.begin(self._now())
        self._side.holds = False
        self._side.release()

    def _leave_data(self, *, hold: bool = False) -> None:
        """Take commands; with `hold` the call goes on, and its data wait."""
        self._takes_data = False
        _cancel(self._escape_timer)
        self._reader.clear()
        if hold:
            self._side.holds = True
        else:
            self._side.end_call()

    def _arm_escape(self) -> None:
        _cancel(self._escape_timer)
        due_s = self._escape.deadline
        if due_s is not None:
            wait_s = max(0.0, due_s - self._now())
            self._escape_timer = self._reactor.callLater(wait_s, self._escaped)

    def _escaped(self) -> None:
        self._leave_data(hold=True)
        self._tell("escaped", "takes commands; the call goes on")
        self._side.result(ResultCode.OK)

    def _obey_dtr(self) -> None:
        """DTR has been off for S25."""
        in_call = self._call.state is not CallState.ON_HOOK
        match self._profile.dtr:
            case 1 if self._takes_data:
                self._escaped()
            case 2 | 3 as digit:
                if in_call:
                    self.hang_up()
                    self.call_result(ResultCode.NO_CARRIER)
                if digit == 3:  # noqa: PLR2004  # the digit of &D3
                    self.profile = self.profiles.profile(0)
                    self._show_circuits()

    def _tell_ring(self) -> None:
        registers = self._profile.registers
        # A result within a line that is being typed would tear it apart.
        if not self._reader.in_line:
            self._side.result(ResultCode.RING)
            caller = self._call.incoming.caller if self._call.incoming else ""
            if self._ringer.rings == 1 and self.tells_caller and caller:
                self._side.inform([f"NMBR = {caller}"])
        answers_after = registers.get(0)
        if 0 < answers_after <= self._ringer.rings and self._terminal_is_ready():
            self._answer()

    def _terminal_is_ready(self) -> bool:
        """DTR, where it is heeded."""
        seen = None if self._side.port is None else self._side.port.terminal
        return self._profile.dtr < 2 or seen is None or seen.terminal_ready  # noqa: PLR2004  # the digit of &D2

    def _show_circuits(self) -> None:
        self._profile.registers.count_rings(self._ringer.rings)
        port = self._side.port
        if port is None:
            return
        state = self._call.state
        settings = self._profile.settings
        in_call = state in _CALL_STATES or state is CallState.TRAINING
        port.set_circuits(
            ModemCircuits(
                clear_to_send=self._side.clear_to_send,
                data_set_ready=settings["&S"] == 0 or in_call,
                carrier=settings["&C"] == 0 or state is CallState.CONNECTED,
                ringing=self._ringer.bell,
            )
        )

    def _tell(self, event: str, words: str) -> None:
        self._on_news(ModemNews(event, words))

    def _now(self) -> float:
        return float(self._reactor.seconds())


def _cancel(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()
