"""What a recharge costs on the wire, and TLS 1.3 beside it.

A machine is recharged at each speed, in real time and with everything that a recharge
really does: key agreement, signatures, NVRAM and database made durable. `s` runs from
the first flag of SABM to the machine's holding the RECEIPT; octets are counted to the
last flag of the UA on DISC. TLS exchanges four messages of the same sizes and no money,
so its `s` flatters it.
"""

import json
import tempfile
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks

from fm_device.dial_in import Progress
from hw.clock import SystemWallClock
from hw.lines.exchange import VirtualExchange
from hw.lines.virtual import VirtualLineParameters
from hw.link_driver import LinkDriver
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import Outcome, Receipted, Request
from protocol.errors import InvariantError, LinkDownError
from protocol.link import Direction, Link, Role
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.bench.tls import TlsContexts, TlsEnd
from rmfs_tools.parties import Parties, create_parties, open_parties, run_on_a_reactor

SPEEDS_BIT_S: Final = (1200, 2400, 9600, 33_600)
DELAY_S: Final = 0.020
OCTET_BITS: Final = 10
SET_UP_AND_ROUND_TRIPS: Final = 4
"""Link set-up, greeting, statement and voucher, confirmation and receipt."""
OCTETS_MAX: Final = 800
TIME_RATIO_MAX: Final = 1.25
RECHARGE: Final = Request(RequestKind.RECHARGE, Paise(100_000))
_INFORMATION: Final = 0x01


@dataclass
class LineResult:
    """What one speed gave."""

    bit_s: int
    octets: int
    s: float
    limit_s: float
    tls13_s: float


@dataclass
class WireResult:
    """What the run gave; octets are those of the worst speed."""

    octets: int
    round_trips: int
    tls13_octets: int
    delay_s: float
    lines: list[LineResult]


class Turns:
    """Counts how often the machine waited for the server before the RECEIPT."""

    def __init__(self) -> None:
        """Begin with none."""
        self.round_trips = 0
        self._waiting = False
        self._done = False

    def frame(self, direction: Direction, octets: bytes) -> None:
        """Take an I frame: an answer after a question is a round trip."""
        if self._done or octets[1] & _INFORMATION:
            return
        if direction is Direction.SENT:
            self._waiting = True
        elif self._waiting:
            self._waiting = False
            self.round_trips += 1

    def stop(self) -> None:
        """Count no more."""
        self._done = True


class WireBench:
    """Runs one speed after the other."""

    def __init__(
        self, parties: Parties, contexts: TlsContexts, say: Callable[[str], None]
    ) -> None:
        """Join what it needs."""
        self.lines: list[LineResult] = []
        self.round_trips = 0
        self.tls13_octets = 0
        self._parties = parties
        self._contexts = contexts
        self._say = say

    @inlineCallbacks
    def play(self) -> Generator[Deferred[Any], Any, None]:
        """Measure all speeds."""
        self._say(
            f"{'bit/s':>8} {'octets':>8} {'s':>8} {'limit s':>8} {'TLS 1.3 s':>10}"
        )
        for bit_s in SPEEDS_BIT_S:
            line = VirtualLineParameters(bit_s=bit_s, delay_s=DELAY_S)
            octets, seconds = yield self._recharge(line)
            tls_octets, tls_s = yield self._tls(line)
            self.tls13_octets = max(self.tls13_octets, tls_octets)
            limit_s = octets * OCTET_BITS / bit_s + SET_UP_AND_ROUND_TRIPS * 2 * DELAY_S
            self.lines.append(
                LineResult(
                    bit_s, octets, round(seconds, 3), round(limit_s, 3), round(tls_s, 3)
                )
            )
            self._say(
                f"{bit_s:>8} {octets:>8} {seconds:>8.3f} {limit_s:>8.3f} {tls_s:>10.3f}"
            )

    @inlineCallbacks
    def _recharge(
        self, line: VirtualLineParameters
    ) -> Generator[Deferred[Any], Any, tuple[int, float]]:
        reactor = self._parties.reactor
        turns = Turns()
        began = reactor.seconds()
        receipted: list[float] = []
        started: list[float] = []

        def progress(event: Progress) -> None:
            if isinstance(event, Receipted):
                receipted.append(reactor.seconds())
                turns.stop()

        def frame(direction: Direction, octets: bytes) -> None:
            started.append(reactor.seconds())
            turns.frame(direction, octets)

        report = yield self._parties.dial(
            RECHARGE, line, on_progress=progress, on_frame=frame
        )
        if report.outcome is not Outcome.CONFIRMED or not receipted:
            raise InvariantError(f"a recharge on a quiet line ended {report.outcome}")
        self.round_trips = max(self.round_trips, turns.round_trips)
        began = started[0]
        return report.octets_up + report.octets_down, receipted[0] - began

    def _tls(self, line: VirtualLineParameters) -> "Deferred[tuple[int, float]]":
        reactor = self._parties.reactor
        ended: Deferred[tuple[int, float]] = Deferred()
        began: list[float] = []

        def over() -> None:
            if client.finished_at is None:
                ended.errback(LinkDownError("TLS did not come to its end"))
                return
            octets = calling.octets_out + calling.octets_in
            ended.callback((octets, client.finished_at - began[0]))

        client = TlsEnd(self._contexts.client, is_server=False, on_end=over)
        server = TlsEnd(self._contexts.server, is_server=True)
        calling = LinkDriver(
            Link(Role.MACHINE, on_frame=lambda *_: began.append(reactor.seconds())),
            reactor,
            client,
            connect=True,
        )
        answering = LinkDriver(Link(Role.SERVER), reactor, server, connect=False)
        between = VirtualExchange(reactor, lambda _call: line)
        between.listen(lambda _caller: answering)
        between.dial(calling)
        return ended


def run(say: Callable[[str], None], *, as_json: bool) -> int:
    """Measure, tell, and judge.

    Returns:
        0, or 1 when a limit is passed.

    Raises:
        LinkDownError: It was interrupted.
    """
    reactor = MonotonicReactor()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        create_parties(folder)
        contexts = TlsContexts(folder, SystemWallClock().utc())
        with open_parties(folder, reactor) as parties:
            bench = WireBench(parties, contexts, say)
            if not run_on_a_reactor(reactor, bench.play):
                raise LinkDownError("interrupted")
    result = WireResult(
        octets=max(line.octets for line in bench.lines),
        round_trips=bench.round_trips,
        tls13_octets=bench.tls13_octets,
        delay_s=DELAY_S,
        lines=bench.lines,
    )
    worst = max(line.s / line.limit_s for line in bench.lines)
    say(
        f"{result.octets} octets of {OCTETS_MAX} at most, {result.round_trips} round "
        f"trips after set-up, at most {worst:.2f} of the limit "
        f"({TIME_RATIO_MAX} allowed); TLS 1.3: {result.tls13_octets} octets"
    )
    if as_json:
        say(json.dumps(asdict(result)))
    good = result.octets <= OCTETS_MAX and worst <= TIME_RATIO_MAX
    return 0 if good else 1
