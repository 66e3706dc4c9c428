"""A unit at its own line, in real time: a declaration becomes a bench.

Ctrl-C and SIGTERM end whatever is done with it, at a question to the person too.
"""

import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from hw.lab.bench import MachineBench, ServerBench
from hw.lab.control_port import ControlPortOperator
from hw.lab.declaration import Declaration
from hw.lab.hooks import HookedOperator
from hw.lab.operator import Operator
from hw.lab.server_side import ServerSide
from hw.lines.build import build_dialler, build_listener
from hw.reactor import MonotonicReactor
from protocol.errors import RmfsError
from protocol.link import Role
from rmfs_server.folder import read_server
from rmfs_tools.lab.bench_machines import BenchMachines
from rmfs_tools.lab.declared_files import bench_maker, read_machine, read_server_file
from rmfs_tools.lab.person import PersonAtTerminal
from rmfs_tools.lab.screen import Screen

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class RealUnit:
    """A unit on a bench, in real time.

    Attributes:
        reactor: It runs as long as the unit is worked with.
        bench: The bench.
    """

    reactor: MonotonicReactor
    bench: ServerBench | MachineBench


@dataclass(frozen=True, slots=True)
class Ended:
    """How work with a unit ended.

    Attributes:
        interrupted: Somebody ended it before it was done.
        trouble: Why the bench could not go on, or empty.
    """

    interrupted: bool = False
    trouble: str = ""


Work = Callable[[RealUnit], "Deferred[None]"]
"""What is done with a unit; it is cancelled when somebody ends it."""


def at_its_line(
    declaration: Declaration,
    folder: Path,
    screen: Screen,
    ready: Callable[[str], None],
    work: Work,
    *,
    end: Callable[[], None] | None = None,
) -> Ended:
    """Put a unit on the bench and work with it until that is done.

    Args:
        declaration: Of the unit.
        folder: From which its hooks run.
        screen: Where the person at the unit is asked.
        ready: Told at which line the bench listens.
        work: Begun as soon as the reactor runs.
        end: Has the work end by itself when somebody ends it; None cancels it.

    Raises:
        LineError: The line cannot be had.
        RmfsError: Keys cannot be read.
    """
    reactor = MonotonicReactor()
    person = PersonAtTerminal(reactor, screen)
    operator = _operator(declaration, reactor, folder, person)
    bench = (
        _server_bench(declaration, reactor, operator, ready, person.called)
        if declaration.role is Role.MACHINE
        else _machine_bench(declaration, reactor, operator)
    )
    interrupted = False
    failures: list[Failure] = []
    working: list[Deferred[None]] = []

    def end_work() -> None:
        if end is not None:
            end()
            return
        for one in working:
            one.cancel()

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        reactor.callFromThread(end_work)

    def begin() -> None:
        if interrupted:
            reactor.stop()
            return
        done = work(RealUnit(reactor, bench))
        working.append(done)
        done.addErrback(failures.append)
        done.addCallback(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        reactor.run(installSignalHandlers=False)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        with suppress(RmfsError):
            reactor.close()
    return Ended(interrupted, _trouble(failures, interrupted=interrupted))


def _trouble(failures: list[Failure], *, interrupted: bool) -> str:
    """Say why work did not come to its end; what is no error of ours is raised."""
    for failure in failures:
        if interrupted and isinstance(failure.value, CancelledError):
            continue
        if not isinstance(failure.value, RmfsError):
            failure.raiseException()
        return str(failure.value)
    return ""


def _operator(
    declaration: Declaration,
    reactor: MonotonicReactor,
    folder: Path,
    person: PersonAtTerminal,
) -> Operator:
    if declaration.control is not None:
        return ControlPortOperator(declaration.control, reactor)
    return HookedOperator(
        declaration.hooks,
        person,
        reactor,
        folder=folder,
        papers=lambda: read_machine(declaration),
    )


def _server_bench(
    declaration: Declaration,
    reactor: MonotonicReactor,
    operator: Operator,
    ready: Callable[[str], None],
    answered: Callable[[], None],
) -> ServerBench:
    server = read_server(declaration.bench_keys)
    machine = read_machine(declaration)
    listener = build_listener(reactor, declaration.line)
    clock = SystemWallClock()
    side = ServerSide(
        server.identity,
        server.credit_key,
        machine,
        clock=clock,
        entropy=SystemEntropy(),
        maker=bench_maker(declaration),
    )
    bench = ServerBench(
        side,
        listener,
        operator,
        reactor=reactor,
        clock=clock,
        patience_s=declaration.patience_s,
        answered=answered,
    )
    ready(str(listener.address))
    return bench


def _machine_bench(
    declaration: Declaration, reactor: MonotonicReactor, operator: Operator
) -> MachineBench:
    machines = BenchMachines(declaration.bench_keys)
    server = read_server_file(declaration).credential
    clock = SystemWallClock()
    return MachineBench(
        lambda: machines.next(server, clock),
        server,
        build_dialler(reactor, declaration.line),
        operator,
        reactor=reactor,
        clock=clock,
        patience_s=declaration.patience_s,
    )
