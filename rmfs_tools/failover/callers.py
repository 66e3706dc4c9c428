"""The process that calls: machines in memory that recharge again and again.

It is started by `world` and told what to do by lines on its stdin: ``go`` lets every
machine dial, ``rest`` lets running dial-ins end, has every machine dial until nothing
of it is pending, and prints what each has then. Each dial-in is a line of a file.

A machine in service dials again after minutes; here it waits a second, so that it is
seen when the books are back.
"""

import json
import sys
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Final, TextIO

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.task import deferLater

from fm_device.dial_in import DialInReport
from fm_device.program import dial
from hw.lines.tcp import TcpDialler
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.bench.recharge_office import Seat, seat_machines
from rmfs_tools.failover.judging import Dialled, Rested

AMOUNT_PAISE: Final = Paise(10_000)
GO: Final = "go"
REST: Final = "rest"
READY: Final = "ready"
_WANTED: Final = Request(RequestKind.RECHARGE, AMOUNT_PAISE)
_PAUSE_S: Final = 0.2
"""Between two recharges of a machine: its funds have to last for all events."""
_REDIAL_S: Final = 1.0
_REST_ATTEMPTS: Final = 90
_HOST: Final = "127.0.0.1"
_SEATS_PER_HOST: Final = 40


@dataclass(frozen=True, slots=True)
class Errand:
    """What the process has to do.

    Attributes:
        folder: Of the server, whose books machines are enrolled in.
        port: Where it answers, on this computer.
        machines: How many.
        journal: File that gets a line of JSON for each dial-in.
    """

    folder: str
    port: int
    machines: int
    journal: str


def main(errand: Errand) -> None:
    """Be the process; see the module."""
    seats = seat_machines(Path(errand.folder), errand.machines)
    reactor = MonotonicReactor()
    with Path(errand.journal).open("w", encoding="utf-8", buffering=1) as journal:
        callers = _Callers(reactor, journal, errand.port)
        reactor.callWhenRunning(callers.begin, seats)
        Thread(target=_hear, args=(reactor, callers), daemon=True).start()
        reactor.run()


def _hear(reactor: MonotonicReactor, callers: "_Callers") -> None:
    for line in sys.stdin:
        reactor.callFromThread(callers.told, line.strip())
    reactor.callFromThread(reactor.stop)


class _Callers:
    def __init__(self, reactor: MonotonicReactor, journal: TextIO, port: int) -> None:
        self._reactor = reactor
        self._journal = journal
        self._port = port
        self._seats: list[tuple[Seat, TcpDialler]] = []
        self._running: list[Deferred[None]] = []
        self._goes_on = False

    @inlineCallbacks
    def begin(self, seats: list[Seat]) -> Generator[Deferred[Any], Any, None]:
        """Put every machine into service by a first dial-in."""
        for number, seat in enumerate(seats):
            from_host = f"127.1.0.{number // _SEATS_PER_HOST + 1}"
            dialler = TcpDialler(self._reactor, _HOST, self._port, from_host=from_host)
            self._seats.append((seat, dialler))
            yield self._dial(seat, dialler, INSPECTION)
        _say(READY)

    def told(self, word: str) -> None:
        """Do what a line on stdin says."""
        if word == GO:
            self._goes_on = True
            self._running = [self._recharge(*seat) for seat in self._seats]
        elif word == REST:
            self._goes_on = False
            self._rest().addErrback(self._fail)

    @inlineCallbacks
    def _recharge(
        self, seat: Seat, dialler: TcpDialler
    ) -> Generator[Deferred[Any], Any, None]:
        while self._goes_on:
            report: DialInReport = yield self._dial(seat, dialler, _WANTED)
            good = report.outcome is Outcome.CONFIRMED
            yield deferLater(self._reactor, _PAUSE_S if good else _REDIAL_S)

    @inlineCallbacks
    def _rest(self) -> Generator[Deferred[Any], Any, None]:
        yield gatherResults(self._running)
        rested = yield gatherResults([self._come_to_rest(*one) for one in self._seats])
        _say(json.dumps([asdict(one) for one in rested]))

    @inlineCallbacks
    def _come_to_rest(
        self, seat: Seat, dialler: TcpDialler
    ) -> Generator[Deferred[Any], Any, Rested]:
        refused = "nothing was answered"
        for _ in range(_REST_ATTEMPTS):
            report: DialInReport = yield self._dial(seat, dialler, INSPECTION)
            if report.outcome is Outcome.REFUSED and report.refusal is not None:
                refused = report.refusal.code.name
                break
            if report.outcome is not Outcome.IN_DOUBT and report.pending is None:
                refused = ""
                break
            yield deferLater(self._reactor, _REDIAL_S)
        record = seat.psd.record
        return Rested(
            licence=str(seat.licence),
            number=int(record.recharge_number),
            control_total_paise=int(record.registers.control_total_paise),
            refused=refused,
        )

    @inlineCallbacks
    def _dial(
        self, seat: Seat, dialler: TcpDialler, request: Request
    ) -> Generator[Deferred[Any], Any, DialInReport]:
        report: DialInReport = yield dial(seat.psd, request, dialler, self._reactor)
        voucher = report.voucher
        why = "" if report.failure is None else str(report.failure.code.name)
        dialled = Dialled(
            at_s=float(self._reactor.seconds()),
            took_s=report.duration_s,
            licence=str(seat.licence),
            dial_in=seat.psd.record.dial_in,
            outcome=report.outcome.name,
            number=None if voucher is None else int(voucher.recharge_number),
            paise=0 if voucher is None else int(voucher.amount_paise),
            why=why or report.lost,
        )
        self._journal.write(json.dumps(asdict(dialled)) + "\n")
        return report

    def _fail(self, failure: Any) -> None:
        sys.stderr.write(failure.getTraceback())
        self._reactor.stop()


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
