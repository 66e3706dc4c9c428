"""A scale on a serial port, asked in MT-SICS (`mt_sics.py`).

Theory. A scale answers each command with one line, in order, sooner or later. An answer
that comes too late would be taken for the answer to the next command, and the letter of
before would be weighed again. So there is a state *in step*: the last command had its
answer, and nothing else came. Out of it, at first and after a time-out or an answer
that cannot be understood, the scale is sent `@` before anything else: it forgets what
it was doing and answers with its serial number, and every line before that answer is an
old one.

After an error of the port, or silence, the port is closed and the next call opens it
again: an adapter that was pulled out and is back has the same name but is another port.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from hw.clock import MonotonicClock
from hw.scales.mt_sics import (
    Command,
    Lines,
    decode_reading,
    decode_serial_number,
    decode_zeroing,
    encode_line,
)
from hw.scales.port import Reading, ScaleFault
from hw.scales.serial_port import OctetPort, PortError

ANSWER_OCTETS_MAX: Final = 4096
"""Ours: what a scale may send in place of one answer before it is given up."""

_OUT_OF_STEP: Final = (ScaleFault.NO_ANSWER, ScaleFault.GARBLED)

T = TypeVar("T")


@dataclass(frozen=True)
class ScaleTimeouts:
    """How long a scale may take for an answer.

    Attributes:
        answer_s: For a weight at once, which a scale sends within some 0.1 s.
        rest_s: For a stable weight and for zeroing. Scales give up by themselves, and
            say so; a little later this end does.
        cancel_s: For `@`, upon which some scales start afresh.
    """

    answer_s: float = 1.0
    rest_s: float = 10.0
    cancel_s: float = 2.0


DEFAULT: Final = ScaleTimeouts()


class SerialScale:
    """A scale that speaks MT-SICS level 0.

    A call lasts at most `cancel_s` and the time-out of its own answer, and twice what a
    port may take for sending.
    """

    def __init__(
        self,
        open_port: Callable[[], OctetPort],
        clock: MonotonicClock,
        timeouts: ScaleTimeouts = DEFAULT,
    ) -> None:
        """Remember how to reach the scale; nothing is opened yet.

        Args:
            open_port: Opens the port, or raises `PortError`.
            clock: For the time-outs.
            timeouts: How long an answer may take.
        """
        self._open_port = open_port
        self._clock = clock
        self._timeouts = timeouts
        self._port: OctetPort | None = None
        self._lines = Lines()
        self._in_step = False
        self._serial_number: str | None = None
        self._trouble = ""

    @property
    def serial_number(self) -> str | None:
        """The scale's own serial number; None before it has answered."""
        return self._serial_number

    @property
    def trouble(self) -> str:
        """What the port said when it failed last, for people; empty when it did not."""
        return self._trouble

    def weigh(self) -> Reading:
        """Read the weight as it is now, at rest or not."""
        timeout_s = self._timeouts.answer_s
        return self._ask(Command.WEIGHT_AT_ONCE, timeout_s, decode_reading)

    def weigh_stable(self) -> Reading:
        """Wait until the scale is at rest, and read a stable weight."""
        timeout_s = self._timeouts.rest_s
        reading = self._ask(Command.STABLE_WEIGHT, timeout_s, decode_reading)
        if isinstance(reading, ScaleFault) or reading.stable:
            return reading
        return ScaleFault.UNSTABLE

    def zero(self) -> ScaleFault | None:
        """Take what lies on the scale for nothing."""
        return self._ask(Command.ZERO, self._timeouts.rest_s, decode_zeroing)

    def close(self) -> None:
        """Let go of the port."""
        self._in_step = False
        if self._port is not None:
            self._port.close()
            self._port = None

    def _ask(
        self, command: Command, timeout_s: float, decode: Callable[[bytes], T]
    ) -> T | ScaleFault:
        answer: T | ScaleFault
        try:
            port = self._port = self._port or self._open_port()
            fault = None if self._in_step else self._get_in_step(port)
            if fault is None:
                self._send(port, command)
                line = self._line(port, self._clock.now() + timeout_s)
                answer = self._silence() if line is None else decode(line)
            else:
                answer = fault
        except PortError as error:
            self._trouble = str(error)
            answer = ScaleFault.NO_ANSWER
        else:
            self._trouble = ""
        # More than one line for one command: which of them is its answer is unknown
        # from the next command on.
        self._in_step = answer not in _OUT_OF_STEP and self._lines.is_empty
        if answer is ScaleFault.NO_ANSWER:
            self.close()
        return answer

    def _get_in_step(self, port: OctetPort) -> ScaleFault | None:
        deadline = self._clock.now() + self._timeouts.cancel_s
        self._send(port, Command.CANCEL)
        read_octets = 0
        while read_octets < ANSWER_OCTETS_MAX:
            line = self._line(port, deadline)
            if line is None:
                break
            serial_number = decode_serial_number(line)
            if serial_number is not None:
                self._serial_number = serial_number
                return None
            read_octets += len(line) + 1
        return self._silence() if read_octets == 0 else ScaleFault.GARBLED

    def _send(self, port: OctetPort, command: Command) -> None:
        # What somebody printed with a key of the scale is no answer.
        port.discard_input()
        self._lines = Lines()
        port.write(encode_line(command.value))

    def _line(self, port: OctetPort, deadline: float) -> bytes | None:
        """Read the next line; None when there is none in time or it has no end."""
        read_octets = 0
        line = self._lines.next_line()
        while line is None and read_octets < ANSWER_OCTETS_MAX:
            octets = port.read(max(0.0, deadline - self._clock.now()))
            if not octets:
                break
            read_octets += len(octets)
            self._lines.take(octets)
            line = self._lines.next_line()
        return line

    def _silence(self) -> ScaleFault:
        begun = self._lines.is_inside_one
        return ScaleFault.GARBLED if begun else ScaleFault.NO_ANSWER
