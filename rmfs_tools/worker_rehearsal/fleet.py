"""Machines that dial in at a steady rate, whether they are answered or not."""

from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.task import LoopingCall, deferLater
from twisted.python.failure import Failure

from fm_device.dial_in import ATTEMPTS_MAX, DialInReport, Progress, Redialling
from fm_device.program import dial_repeatedly
from hw.lines.tcp import TcpDialler
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.bench.recharge_office import Seat
from rmfs_tools.worker_rehearsal.plan import Heard, Plan

AMOUNT_PAISE: Final = Paise(10_000)
_WANTED: Final = Request(RequestKind.RECHARGE, AMOUNT_PAISE)
_SEATS_PER_HOST: Final = 10
"""Far fewer than the handshakes that a server lets one address have at once."""
_HOST_NUMBERS: Final = 250
_TICK_S: Final = 0.02
_TOGETHER: Final = 16
_ROUNDS: Final = 5


class Fleet:
    """The machines, and what they have heard."""

    def __init__(
        self, reactor: MonotonicReactor, seats: Sequence[Seat], host: str, port: int
    ) -> None:
        """Seat them; each dials from an address that few others have."""
        self.heard = Heard()
        self._reactor = reactor
        self._seats = [
            (
                seat,
                TcpDialler(reactor, host, port, from_host=_host(n // _SEATS_PER_HOST)),
            )
            for n, seat in enumerate(seats)
        ]
        self._free = deque(self._seats)
        self._calling: set[Deferred[Any]] = set()
        self._last_told = 0.0

    @inlineCallbacks
    def settle(self) -> "Generator[Deferred[Any], Any, None]":
        """Let every machine dial until nothing is open, some at a time."""
        waiting = deque(self._seats)

        @inlineCallbacks
        def one_after_the_other() -> "Generator[Deferred[Any], Any, None]":
            while waiting:
                yield self._settle_one(*waiting.popleft())

        yield gatherResults([one_after_the_other() for _ in range(_TOGETHER)])

    @inlineCallbacks
    def dial(self, plan: Plan) -> "Generator[Deferred[Any], Any, None]":
        """Dial as the plan says, and wait until the last call has ended."""
        before = self.heard.begun + self.heard.left_out
        began = self._last_told = float(self._reactor.seconds())

        def tick() -> None:
            passed_s = float(self._reactor.seconds()) - began
            due = int(min(passed_s, plan.seconds) * plan.rate)
            while self.heard.begun + self.heard.left_out < before + due:
                self._begin()

        ticking = LoopingCall(tick)
        ticking.clock = self._reactor
        ticking.start(_TICK_S)
        yield deferLater(self._reactor, plan.seconds + _TICK_S)
        ticking.stop()
        while self._calling:
            yield gatherResults(list(self._calling))

    def _begin(self) -> None:
        if not self._free:
            self.heard.left_out += 1
            return
        self.heard.begun += 1
        place = self._free.popleft()
        calling = self._call(*place)
        self._calling.add(calling)
        calling.addBoth(self._over, calling, place)

    def _over(
        self, found: object, calling: Deferred[Any], place: tuple[Seat, TcpDialler]
    ) -> None:
        self._calling.discard(calling)
        self._free.append(place)
        if isinstance(found, Failure):
            self.heard.ended[found.getErrorMessage()] += 1

    @inlineCallbacks
    def _call(
        self, seat: Seat, dialler: TcpDialler
    ) -> "Generator[Deferred[Any], Any, None]":
        began = float(self._reactor.seconds())
        redials: list[Progress] = []

        def on_progress(event: Progress) -> None:
            if isinstance(event, Redialling):
                redials.append(event)

        report: DialInReport = yield dial_repeatedly(
            seat.psd,
            _WANTED,
            dialler,
            self._reactor,
            attempts=ATTEMPTS_MAX,
            on_progress=on_progress,
        )
        now = float(self._reactor.seconds())
        self.heard.ended[report.outcome.value] += 1
        self.heard.redialled += bool(redials)
        if report.outcome is Outcome.CONFIRMED:
            self.heard.told[str(seat.licence)] += 1
            self.heard.waits_s.append(now - began)
            self.heard.silent_s = max(self.heard.silent_s, now - self._last_told)
            self._last_told = now

    @inlineCallbacks
    def _settle_one(
        self, seat: Seat, dialler: TcpDialler
    ) -> "Generator[Deferred[Any], Any, None]":
        for _ in range(_ROUNDS):
            report: DialInReport = yield dial_repeatedly(
                seat.psd, INSPECTION, dialler, self._reactor, attempts=ATTEMPTS_MAX
            )
            if report.receipt is not None and report.pending is None:
                return


def _host(number: int) -> str:
    """Give an address of this computer that nobody else calls from."""
    return f"127.2.{number // _HOST_NUMBERS}.{number % _HOST_NUMBERS + 1}"
