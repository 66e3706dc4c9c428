"""A certification in real time: a declaration, a line, a bench, and the cases."""

import json
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from hw.lab.bench import MachineBench, ServerBench
from hw.lab.catalogue import Case
from hw.lab.control_port import ControlPortOperator
from hw.lab.declaration import Declaration, DeclarationError
from hw.lab.hooks import AskPerson, HookedOperator
from hw.lab.operator import Operator
from hw.lab.player import Result
from hw.lab.server_side import ServerSide
from hw.lab.suite import run_suite
from hw.lines.build import build_dialler, build_listener
from hw.reactor import MonotonicReactor
from protocol.errors import RmfsError
from protocol.keys import (
    MachineProvisioning,
    MakerKey,
    MakerPublicKey,
    ServerProvisioning,
    SigningKey,
    VerifyingKey,
    read_machine_provisioning,
    read_private_key,
    read_public_key,
    read_server_provisioning,
)
from protocol.keys.realms import Realm
from protocol.link import Role
from rmfs_server.folder import read_server
from rmfs_tools.lab.bench_machines import BenchMachines

_FILE_OCTETS_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told while a certification runs.

    Attributes:
        ready: The bench listens at this line.
        result: A case has come out.
        ask: Asks the person at the unit.
    """

    ready: Callable[[str], None]
    result: Callable[[Result], None]
    ask: AskPerson


def certify(
    declaration: Declaration, folder: Path, cases: Sequence[Case], watching: Watching
) -> tuple[Result, ...]:
    """Play cases against a unit, on its line, in real time.

    Args:
        declaration: Of the unit.
        folder: From which its hooks run.
        cases: Those of its role.
        watching: Told on the way.

    Returns:
        The results so far, when it was interrupted.

    Raises:
        RmfsError: Keys cannot be read, or the line cannot be had.
    """
    reactor = MonotonicReactor()
    operator = _operator(declaration, reactor, folder, watching.ask)
    bench = (
        _server_bench(declaration, reactor, operator, watching.ready)
        if declaration.role is Role.MACHINE
        else _machine_bench(declaration, reactor, operator)
    )
    stopped = False
    results: list[Result] = []
    failures: list[Failure] = []

    def interrupt(*_: object) -> None:
        nonlocal stopped
        stopped = True
        reactor.callFromThread(reactor.stop)

    def tell(result: Result) -> None:
        results.append(result)
        watching.result(result)

    def begin() -> None:
        done = Deferred.fromCoroutine(
            run_suite(bench, cases, declaration, tell, stop=lambda: stopped)
        )
        done.addErrback(failures.append)
        done.addCallback(lambda _: None if stopped else reactor.stop())

    reactor.callWhenRunning(begin)
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        reactor.run(installSignalHandlers=False)
    finally:
        signal.signal(signal.SIGINT, before)
        with suppress(RmfsError):
            reactor.close()
    if failures:
        failures[0].raiseException()
    return tuple(results)


def _operator(
    declaration: Declaration, reactor: MonotonicReactor, folder: Path, ask: AskPerson
) -> Operator:
    if declaration.control is not None:
        return ControlPortOperator(declaration.control, reactor)
    return HookedOperator(
        declaration.hooks,
        ask,
        reactor,
        folder=folder,
        papers=lambda: read_machine(declaration),
    )


def _server_bench(
    declaration: Declaration,
    reactor: MonotonicReactor,
    operator: Operator,
    ready: Callable[[str], None],
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
        maker=_bench_maker(declaration),
    )
    bench = ServerBench(
        side,
        listener,
        operator,
        reactor=reactor,
        clock=clock,
        patience_s=declaration.patience_s,
    )
    ready(str(listener.address))
    return bench


def _bench_maker(declaration: Declaration) -> MakerKey | None:
    """The maker's private key on the bench, to sign contents; None without one."""
    path = declaration.bench_keys / "maker.pem"
    if not path.exists():
        return None
    scalar = read_private_key(_read(path))
    return MakerKey("maker", Realm.TEST, SigningKey(scalar))


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


def read_machine(declaration: Declaration) -> MachineProvisioning:
    """Read the provisioning file of a machine under test.

    Raises:
        RmfsError: It cannot be read, or its maker has not signed it.
    """
    return read_machine_provisioning(
        _read(declaration.provisioning), [_maker(declaration)]
    )


def read_server_file(declaration: Declaration) -> ServerProvisioning:
    """Read the provisioning file of a server under test.

    Raises:
        RmfsError: It cannot be read, or its maker has not signed it.
    """
    return read_server_provisioning(
        _read(declaration.provisioning), [_maker(declaration)]
    )


def _maker(declaration: Declaration) -> MakerPublicKey:
    """The maker by its key; its name is the one that the file bears."""
    point = read_public_key(_read(declaration.maker_key))
    try:
        name = json.loads(_read(declaration.provisioning))["maker"]["name"]
    except (ValueError, KeyError, TypeError) as error:
        raise DeclarationError(
            f"{declaration.provisioning} is no provisioning file: {error}"
        ) from error
    return MakerPublicKey(str(name), Realm.TEST, VerifyingKey(point))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_OCTETS_MAX)
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}") from error
