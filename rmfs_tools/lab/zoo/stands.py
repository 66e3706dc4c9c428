"""A unit of another universe on a healthy bench, in virtual time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.catalogue import Case
from hw.lab.machine_side import MachineSide
from hw.lab.player import Player, Result
from hw.lines.exchange import VirtualExchange, every_call
from protocol.keys import MachineIdentity
from protocol.link import Role
from rmfs_tools.lab.crossing import Crossing, CrossingOperator
from rmfs_tools.lab.reference import LINE, machine_bench, server_bench
from rmfs_tools.lab.reference_server import SERVER
from rmfs_tools.lab.universe import Universe
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock

_REFERENCE = "rmfs_tools.lab.reference"


@dataclass(frozen=True, slots=True)
class Stand:
    """A bench with a unit on it.

    Attributes:
        clock: Virtual time.
        bench: The bench.
    """

    clock: SimulatedClock
    bench: MachineBench | ServerBench

    def play(self, case: Case) -> Result:
        """Play a case."""
        self.bench.begin_case()
        return run(self.clock, Player(self.bench, self.bench.side, case).play())


@contextmanager
def stand_in(there: Universe, role: Role) -> Iterator[Stand]:
    """Put a new machine or server of a universe on a bench.

    Args:
        there: Where it lives.
        role: What it is.
    """
    clock = SimulatedClock()
    with stand_at(VirtualExchange(clock, every_call(LINE)), clock, there, role) as made:
        yield made


@contextmanager
def stand_at(
    exchange: VirtualExchange, clock: SimulatedClock, there: Universe, role: Role
) -> Iterator[Stand]:
    """Put a new machine or server of a universe on a bench, with lines of an exchange.

    Args:
        exchange: Where the lines between them are made.
        clock: Virtual time.
        there: Where the unit lives.
        role: What it is.
    """
    crossing = Crossing(there, clock)
    with ExitStack() as stack:
        if role is Role.MACHINE:
            unit = there.module(_REFERENCE).reference_machine(
                crossing.dialler(exchange),
                reactor=crossing.reactor(),
                clock=WorldClock(clock),
            )
            yield _with_machine(CrossingOperator(unit, crossing), exchange, clock)
        else:
            unit = there.module(_REFERENCE).ReferenceServer(
                Path(stack.enter_context(TemporaryDirectory(prefix="server-"))),
                crossing.listener(exchange),
                reactor=crossing.reactor(),
                clock=WorldClock(clock),
            )
            stack.callback(unit.close)
            yield _with_server(CrossingOperator(unit, crossing), exchange, clock)


def _with_machine(
    operator: CrossingOperator, exchange: VirtualExchange, clock: SimulatedClock
) -> Stand:
    return Stand(clock, machine_bench(operator.provisioning, operator, exchange, clock))


def _with_server(
    operator: CrossingOperator, exchange: VirtualExchange, clock: SimulatedClock
) -> Stand:
    def make_side() -> MachineSide:
        theirs = operator.unit.new_machine()
        identity = MachineIdentity.decode(theirs.identity.encode())
        return MachineSide(identity, SERVER, clock=WorldClock(clock))

    return Stand(clock, server_bench(make_side, operator, exchange, clock))
