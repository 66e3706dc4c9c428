"""What was seen and done in a case, in order: for pages, packages and captures."""

from collections.abc import Callable
from dataclasses import dataclass

from hw.clock import WallClock
from hw.seen.keylog import RecordKeys
from hw.seen.reading import SeenRecord
from hw.seen.tap import Tap
from hw.seen.telling import TellingSink
from protocol.channel.schedule import ChannelKeys
from protocol.registers import Registers


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is no traffic.

    Attributes:
        at_s: Seconds since the case began.
        words: What it is: a step, what an operator was asked, why a verdict.
        is_step: Whether it is a step that begins.
    """

    at_s: float
    words: str
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """Something that passed on the line, or befell it.

    Attributes:
        at_s: Seconds since the case began.
        seen: As a capture holds it.
        line: Number of the line, from 1; a case may use several.
    """

    at_s: float
    seen: SeenRecord
    line: int


@dataclass(frozen=True, slots=True)
class RegistersSeen:
    """Registers that the unit has stated.

    Attributes:
        at_s: Seconds since the case began.
        registers: They.
        recharge_number: Number of the voucher applied last.
    """

    at_s: float
    registers: Registers
    recharge_number: int


Entry = Remark | Traffic | RegistersSeen


class Trace:
    """The entries of one case.

    Attributes:
        entries: In order.
        keys: Of the channels, so that records can be read (test realm alone).
        bindings: Of the channels by G_X, so that signatures can be verified.
    """

    def __init__(self, seconds: Callable[[], float], clock: WallClock) -> None:
        """Begin now.

        Args:
            seconds: Tells the time of the reactor.
            clock: Tells the time of day.
        """
        self.entries: list[Entry] = []
        self.keys: RecordKeys = {}
        self.bindings: dict[bytes, bytes] = {}
        self._seconds = seconds
        self._clock = clock
        self._began_s = seconds()
        self._lines = 0

    @property
    def lasted_s(self) -> float:
        """Seconds since it began."""
        return self._seconds() - self._began_s

    def remark(self, words: str) -> None:
        """Note something for people."""
        self.entries.append(Remark(self.lasted_s, words))

    def step(self, text: str) -> None:
        """Note that a step begins."""
        self.entries.append(Remark(self.lasted_s, text, is_step=True))

    def registers(self, registers: Registers, recharge_number: int) -> None:
        """Note what the unit has stated."""
        self.entries.append(RegistersSeen(self.lasted_s, registers, recharge_number))

    def new_tap(self) -> Tap:
        """Listen to one more line."""
        self._lines += 1
        line = self._lines

        def tell(seen: SeenRecord) -> None:
            self.entries.append(Traffic(self.lasted_s, seen, line))

        return Tap(TellingSink(tell, self._clock))

    def learn_keys(self, g_x: bytes, keys: ChannelKeys) -> None:
        """Keep the keys of a channel, to show what its records held."""
        self.keys[g_x] = (keys.machine, keys.server)
        self.bindings[g_x] = keys.binding
