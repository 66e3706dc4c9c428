"""The process that calls: machines in memory, each dialling again when it is done.

It is started by `rmfs_tools.bench.recharge`, says ``ready`` when its machines are
enrolled and have been in service once, waits for a line, calls, and prints what came of
it as one line of JSON.
"""

import json
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks

from fm_device.dial_in import ATTEMPTS_MAX, DialInReport
from fm_device.program import dial, dial_repeatedly
from hw.lines.tcp import TcpDialler
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.bench.recharge_office import Seat, seat_machines
from rmfs_tools.parties import run_on_a_reactor

AMOUNT_PAISE: Final = Paise(10_000)
_WANTED: Final = Request(RequestKind.RECHARGE, AMOUNT_PAISE)
_SEATS_PER_HOST: Final = 40
"""Fewer than the handshakes that a server lets one address have at once."""
_HOST_NUMBERS: Final = 250
_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Errand:
    """What the process has to do.

    Attributes:
        folder: Of the server, whose books machines are enrolled in.
        host: Where it answers.
        port: Likewise.
        calls: Machines, each with one call at a time.
        each: Recharges of each.
        first: Number of the first machine.
    """

    folder: str
    host: str
    port: int
    calls: int
    each: int
    first: int


@dataclass(frozen=True, slots=True)
class Called:
    """What came of the calls.

    Attributes:
        recharges: Complete ones: the machine has its RECEIPT.
        other: How calls ended otherwise, by outcome.
        wall_s: From the first dial to the last hang-up.
        durations_ms: Of each, from dialling to the end of its line, with the waits of
            who was turned away and dialled again; ascending.
    """

    recharges: int
    other: dict[str, int]
    wall_s: float
    durations_ms: list[float]


def main(errand: Errand) -> None:
    """Be the process; see the module."""
    seats = seat_machines(Path(errand.folder), errand.calls, errand.first)
    reactor = MonotonicReactor()
    callers = _Callers(reactor, errand.each)
    for number, seat in enumerate(seats):
        host = _host(number // _SEATS_PER_HOST)
        dialler = TcpDialler(reactor, errand.host, errand.port, from_host=host)
        callers.seats.append((seat, dialler))
    run_on_a_reactor(reactor, callers.run)
    sys.stdout.write(json.dumps(asdict(callers.called())) + "\n")


@dataclass
class _Callers:
    reactor: MonotonicReactor
    each: int
    seats: list[tuple[Seat, TcpDialler]] = field(default_factory=list)
    durations_ms: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    _ended: "Counter[str]" = field(default_factory=Counter)

    @inlineCallbacks
    def run(self) -> Generator[Deferred[Any], Any, None]:
        # The first dial-in of a machine puts it into service: one after the other, so
        # that whoever serves has nothing else to do.
        for seat, dialler in self.seats:
            yield dial(seat.psd, INSPECTION, dialler, self.reactor)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began = float(self.reactor.seconds())
        yield gatherResults([self._call(*seat) for seat in self.seats])
        self.wall_s = float(self.reactor.seconds()) - began

    def called(self) -> Called:
        other = dict(self._ended)
        good = other.pop(Outcome.CONFIRMED.name, 0)
        return Called(good, other, self.wall_s, sorted(self.durations_ms))

    @inlineCallbacks
    def _call(
        self, seat: Seat, dialler: TcpDialler
    ) -> Generator[Deferred[Any], Any, None]:
        for _ in range(self.each):
            began = float(self.reactor.seconds())
            report: DialInReport = yield dial_repeatedly(
                seat.psd, _WANTED, dialler, self.reactor, attempts=ATTEMPTS_MAX
            )
            self._ended[report.outcome.name] += 1
            self.durations_ms.append((float(self.reactor.seconds()) - began) * _MS)


def _host(number: int) -> str:
    """Give an address of this computer that nobody else calls from."""
    return f"127.1.{number // _HOST_NUMBERS}.{number % _HOST_NUMBERS + 1}"
