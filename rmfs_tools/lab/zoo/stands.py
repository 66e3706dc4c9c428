"""A unit of another universe on a healthy bench, in virtual time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.catalogue import Case
from hw.lab.fuzz.presets import FuzzPreset, Held
from hw.lab.machine_side import MachineSide
from hw.lab.player import Player, Result
from hw.lines.exchange import VirtualExchange, every_call
from protocol.keys import MachineIdentity
from protocol.link import Role
from rmfs_tools.lab.bench_papers import NEW, EnrolledWith
from rmfs_tools.lab.crossing import Crossing, CrossingOperator
from rmfs_tools.lab.reference import LINE, machine_bench, server_bench
from rmfs_tools.lab.reference_server import SERVER
from rmfs_tools.lab.universe import Universe
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock

_REFERENCE = "rmfs_tools.lab.reference"
_SETTING = "rmfs_tools.simulation.setting"
_MACHINES = {Role.MACHINE: 1, Role.SERVER: 0}


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


def import_units(there: Universe) -> None:
    """Import what units are made of; afterwards nothing more is imported for a stand.

    Args:
        there: Where they live.
    """
    for name in (_REFERENCE, _SETTING):
        there.module(name)


def make_beginnings(there: Universe, role: Role) -> None:
    """Make what all units begin with, once in their universe.

    Args:
        there: Where they live.
        role: What they are.
    """
    there.module(_SETTING).setting(_MACHINES[role])


@contextmanager
def stand_in(
    there: Universe, role: Role, preset: FuzzPreset | None = None
) -> Iterator[Stand]:
    """Put a new machine or server of a universe on a bench.

    Args:
        there: Where it lives.
        role: What it is.
        preset: What its registers are, or those of the bench's machine at a server.
    """
    clock = SimulatedClock()
    exchange = VirtualExchange(clock, every_call(LINE))
    with stand_at(exchange, clock, there, role, preset) as made:
        yield made


@contextmanager
def stand_at(
    exchange: VirtualExchange,
    clock: SimulatedClock,
    there: Universe,
    role: Role,
    preset: FuzzPreset | None = None,
) -> Iterator[Stand]:
    """Put a new machine or server of a universe on a bench, with lines of an exchange.

    Args:
        exchange: Where the lines between them are made.
        clock: Virtual time.
        there: Where the unit lives.
        role: What it is.
        preset: What its registers are, or those of the bench's machine at a server.
    """
    held = None if preset is None else preset.held
    crossing = Crossing(there, clock)
    with ExitStack() as stack:
        if role is Role.MACHINE:
            unit = there.module(_REFERENCE).reference_machine(
                crossing.dialler(exchange),
                reactor=crossing.reactor(),
                clock=WorldClock(clock),
                preset="" if preset is None else preset.machine,
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
            operator = CrossingOperator(unit, crossing)
            yield _with_server(operator, exchange, clock, held)


def _with_machine(
    operator: CrossingOperator, exchange: VirtualExchange, clock: SimulatedClock
) -> Stand:
    return Stand(clock, machine_bench(operator.provisioning, operator, exchange, clock))


def _with_server(
    operator: CrossingOperator,
    exchange: VirtualExchange,
    clock: SimulatedClock,
    held: Held | None,
) -> Stand:
    def make_side() -> MachineSide:
        theirs = operator.unit.new_machine(_papers(held))
        identity = MachineIdentity.decode(theirs.identity.encode())
        side = MachineSide(identity, SERVER, clock=WorldClock(clock))
        if held is not None:
            held.give(side)
        return side

    return Stand(clock, server_bench(make_side, operator, exchange, clock))


def _papers(held: Held | None) -> EnrolledWith:
    """Say what a machine of the bench is enrolled with."""
    if held is None or held.claims:
        return NEW
    registers = held.registers
    return (
        registers.ascending_paise,
        registers.descending_paise,
        registers.control_total_paise,
        registers.items,
        registers.items_with_zero - registers.items,
        held.recharge_number,
    )
