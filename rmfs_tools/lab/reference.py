"""Benches with the reference machine or server on them, in virtual time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fm_device.presets.applying import apply_preset
from fm_device.presets.reading import read_preset
from hw.clock import WallClock
from hw.entropy import SeededEntropy
from hw.lab.bench import MachineBench, ServerBench
from hw.lab.machine_side import MachineSide
from hw.lab.operator import Operator
from hw.lab.server_side import ServerSide
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import Dialler
from hw.lines.virtual import VirtualLineParameters
from hw.nvram import MemoryNvram
from protocol.keys import MachineProvisioning
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


def reference_machine(
    dialler: Dialler, *, reactor: SimulatedClock, clock: WallClock, preset: str = ""
) -> ReferenceMachine:
    """Make a machine that was installed and has not dialled.

    Args:
        dialler: Where it dials.
        reactor: Virtual time.
        clock: The true time of day.
        preset: A situation that it is brought into before it is switched on, in the
            form of docs/presets.md.

    Raises:
        PresetError: It cannot be brought there.
    """
    memory, flash = setting(1).memories[0]
    if preset:
        nvram = MemoryNvram(memory)
        apply_preset(nvram, read_preset(preset.encode()), clock.now())
        memory = nvram.image()
    return ReferenceMachine(
        (memory, flash),
        dialler,
        reactor=reactor,
        clock=clock,
        entropy=SeededEntropy(b"later lives of the reference machine"),
    )


def server_stand(folder: Path) -> ServerStand:
    """Put a server with empty books on a bench.

    Args:
        folder: An empty one, for its database.
    """
    clock = SimulatedClock()
    wall = WorldClock(clock)
    exchange = VirtualExchange(clock, every_call(LINE))
    unit = ReferenceServer(folder, exchange, reactor=clock, clock=wall)
    return ServerStand(
        clock, unit, server_bench(unit.new_machine, unit, exchange, clock)
    )


def server_bench(
    make_side: Callable[[], MachineSide],
    operator: Operator,
    exchange: VirtualExchange,
    clock: SimulatedClock,
) -> MachineBench:
    """Make the bench that dials a server.

    Args:
        make_side: Makes a machine that has never dialled, for each case.
        operator: Somebody at the server.
        exchange: Where the server listens.
        clock: Virtual time.
    """
    return MachineBench(
        make_side,
        SERVER,
        exchange,
        operator,
        reactor=clock,
        clock=WorldClock(clock),
        patience_s=PATIENCE_S,
    )


def machine_stand() -> MachineStand:
    """Put a machine that was installed and has not dialled on a bench."""
    clock = SimulatedClock()
    exchange = VirtualExchange(clock, every_call(LINE))
    unit = reference_machine(exchange, reactor=clock, clock=WorldClock(clock))
    return MachineStand(
        clock, unit, machine_bench(unit.provisioning, unit, exchange, clock)
    )


def machine_bench(
    provisioning: MachineProvisioning,
    operator: Operator,
    exchange: VirtualExchange,
    clock: SimulatedClock,
) -> ServerBench:
    """Make the bench that a machine dials.

    Args:
        provisioning: Papers of the machine.
        operator: Somebody at the machine.
        exchange: Where the machine dials.
        clock: Virtual time.
    """
    wall = WorldClock(clock)
    side = ServerSide(
        IDENTITY,
        CREDIT_KEY,
        provisioning,
        clock=wall,
        entropy=SeededEntropy(b"marks of the bench"),
        maker=MAKER_KEY,
    )
    return ServerBench(
        side, exchange, operator, reactor=clock, clock=wall, patience_s=PATIENCE_S
    )
