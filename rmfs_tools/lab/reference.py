"""Benches with the reference machine or server on them, in virtual time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hw.entropy import SeededEntropy
from hw.lab.bench import MachineBench, ServerBench
from hw.lab.server_side import ServerSide
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from rmfs_tools.lab.reference_machine import ReferenceMachine
from rmfs_tools.lab.reference_server import SERVER, ReferenceServer
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock
from rmfs_tools.simulation.setting import CREDIT_KEY, IDENTITY, MAKER_KEY, setting

LINE: Final = VirtualLineParameters(bit_s=33_600, delay_s=0.02, delivery_octets=1_024)
PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class MachineStand:
    """The reference machine on the bench.

    Attributes:
        clock: Virtual time.
        unit: The machine, and whoever stands before it.
        bench: The bench.
    """

    clock: SimulatedClock
    unit: ReferenceMachine
    bench: ServerBench


@dataclass(frozen=True, slots=True)
class ServerStand:
    """The reference server on the bench.

    Attributes:
        clock: Virtual time.
        unit: The server, and whoever sits at it.
        bench: The bench.
    """

    clock: SimulatedClock
    unit: ReferenceServer
    bench: MachineBench


def server_stand(folder: Path) -> ServerStand:
    """Put a server with empty books on a bench.

    Args:
        folder: An empty one, for its database.
    """
    clock = SimulatedClock()
    wall = WorldClock(clock)
    exchange = VirtualExchange(clock, every_call(LINE))
    unit = ReferenceServer(folder, exchange, reactor=clock, clock=wall)
    bench = MachineBench(
        unit.new_machine,
        SERVER,
        exchange,
        unit,
        reactor=clock,
        clock=wall,
        patience_s=PATIENCE_S,
    )
    return ServerStand(clock, unit, bench)


def machine_stand() -> MachineStand:
    """Put a machine that was installed and has not dialled on a bench."""
    clock = SimulatedClock()
    wall = WorldClock(clock)
    exchange = VirtualExchange(clock, every_call(LINE))
    unit = ReferenceMachine(
        setting(1).memories[0],
        exchange,
        reactor=clock,
        clock=wall,
        entropy=SeededEntropy(b"later lives of the reference machine"),
    )
    side = ServerSide(
        IDENTITY,
        CREDIT_KEY,
        unit.provisioning,
        clock=wall,
        entropy=SeededEntropy(b"marks of the bench"),
        maker=MAKER_KEY,
    )
    bench = ServerBench(
        side, exchange, unit, reactor=clock, clock=wall, patience_s=PATIENCE_S
    )
    return MachineStand(clock, unit, bench)
