"""A process of a load: its share of the machines, and a line of JSON for every part.

It is started by `rmfs_tools.load.driving`, and each step waits for a line on its stdin:
it says ``made``, is told to enrol and says ``ready``, is told to go and says what was
``heard`` in each part of the time, and when all of that is ``over``. In the end, when
every machine has settled, it says how its machines were ``judged``.
"""

import json
import resource
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import LoopingCall

from fm_device.folder import open_machine
from hw.clock import SystemWallClock
from hw.lines.build import build_dialler
from hw.lines.strings import LineAddress, TcpAddress, parse_line_string
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_server.folder import open_books
from rmfs_tools.bench.recharge_office import Seat, enrol_machines, make_machines
from rmfs_tools.fleet_folder import read_fleet
from rmfs_tools.load.arrivals import Arrivals, drawn_moments, even_moments
from rmfs_tools.load.calling import OpenLoop, Place
from rmfs_tools.load.judging import judge_machines
from rmfs_tools.load.places import own_places
from rmfs_tools.load.plan import Load
from rmfs_tools.parties import run_on_a_reactor

_SETTLE_ATTEMPTS: Final = 4
"""A few times so many are tried, for more than a minute if need be."""
_HERE: Final = "127."
_BLOCK: Final = 3


@dataclass(frozen=True, slots=True)
class Share:
    """What one process has to do.

    Attributes:
        load: What all do together.
        number: Of the process, from 0.
        first: Number of its first machine; of a fleet: its place, from 0.
        machines: How many it has.
    """

    load: Load
    number: int
    first: int
    machines: int


def main(share: Share) -> None:
    """Be the process; see the module."""
    _allow_many_files()
    with ExitStack() as stack:
        _work(share, stack)


def _work(share: Share, stack: ExitStack) -> None:
    load, folder = share.load, Path(share.load.server)
    if load.fleet:
        seats = _seats_of_fleet(share, stack)
    else:
        seats = make_machines(folder, share.machines, share.first)
    _say("made")
    sys.stdin.readline()
    if not load.fleet:
        enrol_machines(folder, seats)
    _say("ready")
    sys.stdin.readline()
    told_paise = {
        str(seat.licence): _told_before_paise(seat, load.amount_paise) for seat in seats
    }
    reactor = MonotonicReactor()
    dial = _Dialling(reactor, share, seats)
    if not run_on_a_reactor(reactor, dial.run):
        return
    for licence, times in dial.loop.told.items():
        told_paise[licence] += times * load.amount_paise
    with open_books(folder) as store, store.reading() as connection:
        judged = judge_machines(connection, seats, told_paise)
    _say("judged", asdict(judged))


def _seats_of_fleet(share: Share, stack: ExitStack) -> list[Seat]:
    """Switch machines of a fleet on, until the stack is closed."""
    folder, clock = Path(share.load.fleet), SystemWallClock()
    members = islice(
        read_fleet(folder).members(), share.first, share.first + share.machines
    )
    return [
        Seat(
            member.licence,
            stack.enter_context(
                open_machine(folder / member.licence, clock, "fleet load")
            ).psd,
        )
        for member in members
    ]


def _told_before_paise(seat: Seat, amount_paise: Paise) -> int:
    """Say what a machine was told before it begins.

    What is pending then is settled by its first dial-in, which is counted as one of
    ours whatever its amount is: so one of ours is taken off.
    """
    record = seat.psd.record
    held_paise = record.registers.control_total_paise
    return held_paise - amount_paise if record.pending else held_paise


class _Dialling:
    """What the process does on its reactor."""

    def __init__(
        self, reactor: MonotonicReactor, share: Share, seats: list[Seat]
    ) -> None:
        load = share.load
        self._share = share
        self._reactor = reactor
        self.loop = OpenLoop(
            reactor,
            _places(reactor, parse_line_string(load.line), seats, share.first),
            Request(RequestKind.RECHARGE, load.amount_paise),
            attempts=load.attempts,
        )

    @inlineCallbacks
    def run(self) -> "Generator[Deferred[Any], Any, None]":
        """Dial as long as is wanted, then until every machine has settled."""
        load, share = self._share.load, self._share
        rate = load.rate / load.processes
        moments = (
            even_moments(rate)
            if load.even
            else drawn_moments(rate, f"{load.seed} {share.number}")
        )
        telling = LoopingCall.withCount(self._tell)
        telling.clock = self._reactor
        telling.start(load.every_s, now=False)
        yield self.loop.dial(Arrivals(moments, load.seconds))
        telling.stop()
        self._tell(1)
        _say("over")
        if self.loop.was_answered:
            yield self.loop.settle(_SETTLE_ATTEMPTS)

    def _tell(self, parts: int) -> None:
        """Tell of the part that is over; of several when this process was held up."""
        for _ in range(parts):
            _say("heard", self.loop.cut().as_json())


def _places(
    reactor: MonotonicReactor, line: LineAddress, seats: Sequence[Seat], first: int
) -> list[Place]:
    """Give machines their ways to the server, wherever it is."""
    if isinstance(line, TcpAddress) and line.host.startswith(_HERE):
        return own_places(
            reactor, seats, line.host, line.port, first=first, first_block=_BLOCK
        )
    dialler = build_dialler(reactor, line)
    return [(seat, dialler) for seat in seats]


def _allow_many_files() -> None:
    """Let this process have as many open files and lines as the system grants it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say(what: str, told: dict[str, Any] | None = None) -> None:
    sys.stdout.write(json.dumps([what, told]) + "\n")
    sys.stdout.flush()
