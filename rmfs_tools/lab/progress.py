"""How far a run is, and how long it will still take: said before each case.

The estimate begins with what a case has to do: its dial-ins at the speed of the line,
and the seconds that it waits by its own words. From then on it follows what the cases
so far have really taken.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from hw.clock import MonotonicClock
from hw.lab.catalogue import Case, Ends
from hw.lab.sharing import plays
from hw.lab.steps import Step
from hw.lab.verbs import BY_ITSELF, WITHIN
from hw.lines.port_strings import ModemAddress, Rfc2217Address, SerialAddress
from hw.lines.strings import LineAddress, SimulatedUsbAddress, VirtualAddress

_CALL_S: Final = 0.05
"""A dial-in over TCP with what machine and bench compute (2-core x86-64 VM)."""
_CALL_BITS: Final = 6_000
"""On a line: the octets of a dial-in of the catalogue, ten bits each (measured: the
whole catalogue for machines at 9,600 bit/s)."""
_MODEM_CALL_S: Final = 17.0
"""Two modems dial, answer and agree, and are escaped from and hung up (measured with
two emulated modems at pseudo-terminals, where there is no DTR: docs/modem.md)."""
_MODEM_BIT_S_MAX: Final = 33_600
_SLOW_S: Final = 5.0
"""What a case that says that it takes long waits, where it does not tell."""
_REDIAL_S: Final = 2.0
"""Before a machine dials again by itself (DLG-14.3)."""
_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?) s\b")
_TAKE: Final = "take"
_AFTER: Final = "after"
_TRUST_S: Final = 10.0
"""Until so much was played, the estimate counts more than what it took."""
_SAID_EVERY_S: Final = 20.0
_MINUTE_S: Final = 60
_SHOWN_TO_S: Final = 5


class Progress:
    """Says on the way where a run is."""

    def __init__(
        self,
        cases: Sequence[Case],
        line: LineAddress,
        clock: MonotonicClock,
        say: Callable[[str], None],
        *,
        every_case: bool,
    ) -> None:
        """Estimate.

        Args:
            cases: Those that apply, in the order in which they are played.
            line: Over which.
            clock: The time.
            say: Takes a line of words.
            every_case: Say something before each case, as on a terminal; otherwise
                now and then, and before each that takes long.
        """
        self._clock = clock
        self._say = say
        self._every_case = every_case
        self._estimates_s = {case.id: 0.0 for case in cases}
        self._estimates_s |= {case.id: case_s(case, line) for case in _played(cases)}
        self._numbers = {case.id: n for n, case in enumerate(cases, 1)}
        self._ahead_s = sum(self._estimates_s.values())
        self._passed_s = 0.0
        self._began_s = clock.now()
        self._said_s = -_SAID_EVERY_S
        self._last: Case | None = None

    @property
    def left_s(self) -> float:
        """How long the run will still take, seconds."""
        taken_s = self._clock.now() - self._began_s
        pace = (taken_s + _TRUST_S) / (self._passed_s + _TRUST_S)
        return self._ahead_s * (pace if self._passed_s else 1.0)

    def begins(self, case: Case) -> None:
        """Note that a case begins: all before it are over."""
        if self._last is not None:
            estimate_s = self._estimates_s[self._last.id]
            self._ahead_s -= estimate_s
            self._passed_s += estimate_s
        else:
            self._began_s = self._clock.now()
        self._last = case
        now_s = self._clock.now()
        is_due = now_s - self._said_s >= _SAID_EVERY_S
        if not (self._every_case or is_due or case.slow):
            return
        self._said_s = now_s
        slow = f" takes long: {case.slow}" if case.slow else ""
        self._say(
            f"case {self._numbers[case.id]} of {len(self._numbers)}, "
            f"{show_duration(self.left_s)} left: {case.id}{slow}"
        )


def run_s(cases: Sequence[Case], line: LineAddress) -> float:
    """Estimate how long cases take over a line, seconds."""
    return sum(case_s(case, line) for case in _played(cases))


def _played(cases: Sequence[Case]) -> list[Case]:
    """Leave out what is judged in the play of another case."""
    return [together[0] for together in plays(cases).values()]


def case_s(case: Case, line: LineAddress) -> float:
    """Estimate how long a case takes over a line, seconds."""
    calls = sum(step.verb in {"dial", "recharge", "again"} for step in case.steps)
    calls += case.ends is not Ends.NOTHING
    waited_s = sum(waits_s(step) for step in case.steps)
    return calls * _call_s(line) + max(waited_s, _slow_s(case))


def _slow_s(case: Case) -> float:
    """Give the longest time that a case names as the reason why it takes long."""
    named = [float(found) for found in _SECONDS.findall(case.slow)]
    return max(named, default=_SLOW_S if case.slow else 0.0)


def show_duration(seconds: float) -> str:
    """Say how long something takes, in words."""
    if seconds < _MINUTE_S:
        rounded = max(_SHOWN_TO_S, round(seconds / _SHOWN_TO_S) * _SHOWN_TO_S)
        return f"about {rounded} s"
    return f"about {round(seconds / _MINUTE_S)} min"


def line_bit_s(line: LineAddress) -> int | None:
    """Give the speed of a line, as far as its name tells; None if it does not."""
    match line:
        case SerialAddress(_, settings) | Rfc2217Address(_, settings):
            return settings.baud
        case ModemAddress(_, _, settings):
            return min(settings.baud, _MODEM_BIT_S_MAX)
        case VirtualAddress(parameters, through):
            return min(parameters.bit_s, line_bit_s(through) or parameters.bit_s)
        case SimulatedUsbAddress(through):
            return line_bit_s(through)
        case _:
            return None


def _call_s(line: LineAddress) -> float:
    bit_s = line_bit_s(line)
    on_line_s = 0.0 if bit_s is None else _CALL_BITS / bit_s
    return _CALL_S + on_line_s + _MODEM_CALL_S * isinstance(line, ModemAddress)


def waits_s(step: Step) -> float:
    """Give the seconds that a step waits at least: silence is waited out."""
    if step.verb == "wait":
        return float(step.words[0])
    if "nothing" in step.words:
        return float(step.fields.get(WITHIN, 0))
    if BY_ITSELF in step.words:
        return _REDIAL_S
    return float(step.fields.get(_AFTER, 0)) if _TAKE in step.words else 0.0
