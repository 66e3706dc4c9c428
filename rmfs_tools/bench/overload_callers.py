"""The process of the honest machines: they call as fast as is asked, and tell.

It is started by `rmfs_tools.bench.overload`, says ``ready`` when its machines are
enrolled and have been in service once, and then takes one `Shift` a line, as JSON, and
answers each with what was `Served`, likewise. An empty line ends it.
"""

import json
import sys
from collections import Counter, deque
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import deferLater

from fm_device.dial_in import DialInReport, Progress, ServerIsBusy
from fm_device.program import dial, dial_repeatedly
from hw.lines.tcp import TcpDialler
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.bench.recharge_office import Seat, seat_machines
from rmfs_tools.parties import run_on_a_reactor

_WANTED: Final = Request(RequestKind.RECHARGE, Paise(10_000))
_SEATS_PER_HOST: Final = 25
"""Half of the handshakes that a server lets one address have at once."""
_TICK_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Posting:
    """Where the machines are, and whom they call.

    Attributes:
        folder: Of the server, whose books machines are enrolled in.
        host: Where it answers.
        port: Likewise.
        machines: How many there are.
        first: Number of the first one.
    """

    folder: str
    host: str
    port: int
    machines: int
    first: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """How the machines call for a while.

    Attributes:
        seconds: How long new calls are begun.
        per_s: So many in a second, whatever becomes of them; 0: `at_once` machines
            call again and again, each when it is done.
        at_once: See there.
        attempts: How often a machine dials by itself before a call has failed.
    """

    seconds: float
    per_s: float = 0.0
    at_once: int = 0
    attempts: int = 1


@dataclass(slots=True)
class Served:
    """What came of a shift.

    Attributes:
        begun: Calls that machines began.
        recharges: Complete ones: the machine has its RECEIPT.
        in_time: Of them those that were complete within `seconds`.
        busy: Calls that ended because the server said that it is busy.
        told: How often it said so, to calls that were served later as well.
        told_until_s: When it last said so, counted from the beginning; 0: never.
        other: Calls that ended otherwise, by how.
        short: Calls that were due when no machine was free: the load was less.
        seconds: How long calls were begun; until the first one was complete where that
            took longer, as on a computer that is busy with something else.
        wall_s: How long it took until the last call was over.
    """

    begun: int = 0
    recharges: int = 0
    in_time: int = 0
    busy: int = 0
    told: int = 0
    told_until_s: float = 0.0
    other: dict[str, int] = field(default_factory=dict)
    short: int = 0
    seconds: float = 0.0
    wall_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Recharges in a second of those seconds."""
        return self.in_time / self.seconds


def main(posting: Posting) -> None:
    """Be the process; see the module."""
    reactor = MonotonicReactor()
    callers = _Callers(reactor)
    seats = seat_machines(Path(posting.folder), posting.machines, posting.first)
    for number, seat in enumerate(seats):
        host = f"127.1.1.{number // _SEATS_PER_HOST + 1}"
        dialler = TcpDialler(reactor, posting.host, posting.port, from_host=host)
        callers.free.append((seat, dialler))
    run_on_a_reactor(reactor, callers.work)


@dataclass
class _Callers:
    reactor: MonotonicReactor
    free: deque[tuple[Seat, TcpDialler]] = field(default_factory=deque)
    _shift: Shift = Shift(0.0)
    _served: Served = field(default_factory=Served)
    _ended: "Counter[str]" = field(default_factory=Counter)
    _began: float = 0.0
    _up: int = 0
    _in_time: bool = False

    @inlineCallbacks
    def work(self) -> Generator[Deferred[Any], Any, None]:
        # The first dial-in of a machine puts it into service, and makes its line known.
        for seat, dialler in self.free:
            yield dial(seat.psd, INSPECTION, dialler, self.reactor)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while words := sys.stdin.readline().strip():
            yield from self._work_for(Shift(**json.loads(words)))
            sys.stdout.write(json.dumps(asdict(self._served)) + "\n")
            sys.stdout.flush()

    def _work_for(self, shift: Shift) -> Generator[Deferred[Any], Any, None]:
        self._shift, self._served, self._ended = (
            shift,
            Served(),
            Counter(),
        )
        self._began = float(self.reactor.seconds())
        self._in_time = True
        while self._age_s() < shift.seconds:
            self._begin_calls()
            yield deferLater(self.reactor, _TICK_S)
        while self._up and not self._served.recharges:
            yield deferLater(self.reactor, _TICK_S)
        self._in_time = False
        self._served.seconds = self._age_s()
        while self._up:
            yield deferLater(self.reactor, _TICK_S)
        self._served.other = dict(self._ended)
        self._served.wall_s = self._age_s()

    def _begin_calls(self) -> None:
        shift, served = self._shift, self._served
        if not shift.per_s:
            while self._up < shift.at_once and self.free:
                self._begin()
            return
        # The first is due at once.
        due = 1 + int(self._age_s() * shift.per_s) - served.begun - served.short
        for _ in range(due):
            if self.free:
                self._begin()
            else:
                served.short += 1

    def _begin(self) -> None:
        self._served.begun += 1
        self._up += 1
        self._call(*self.free.popleft())

    @inlineCallbacks
    def _call(
        self, seat: Seat, dialler: TcpDialler
    ) -> Generator[Deferred[Any], Any, None]:
        report: DialInReport = yield dial_repeatedly(
            seat.psd,
            _WANTED,
            dialler,
            self.reactor,
            attempts=self._shift.attempts,
            on_progress=self._moved,
        )
        self._up -= 1
        self.free.append((seat, dialler))
        served = self._served
        if report.outcome is Outcome.CONFIRMED:
            served.recharges += 1
            served.in_time += self._in_time
        elif report.server_is_busy:
            served.busy += 1
        else:
            self._ended[report.lost or report.outcome.name] += 1
        if not self._shift.per_s and self._age_s() < self._shift.seconds:
            self._begin_calls()

    def _moved(self, event: Progress) -> None:
        if isinstance(event, ServerIsBusy):
            self._served.told += 1
            self._served.told_until_s = self._age_s()

    def _age_s(self) -> float:
        return float(self.reactor.seconds()) - self._began
