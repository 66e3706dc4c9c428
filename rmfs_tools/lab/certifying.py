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
from hw.lab.hooks import HookedOperator
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
from rmfs_tools.lab.person import PersonAtTerminal
from rmfs_tools.lab.screen import Screen

_FILE_OCTETS_MAX: Final = 64 * 1024
_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told while a certification runs.

    Attributes:
        ready: The bench listens at this line.
        begins: A case that applies is about to be played.
        result: A case has come out.
        screen: Where the person at the unit is asked.
    """

    ready: Callable[[str], None]
    begins: Callable[[Case], None]
    result: Callable[[Result], None]
    screen: Screen


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run, to its end or not.

    Attributes:
        results: Of the cases that came out.
        interrupted: Somebody ended it before all were played.
        trouble: Why the bench could not go on, or empty.
    """

    results: tuple[Result, ...]
    interrupted: bool = False
    trouble: str = ""


def certify(
    declaration: Declaration, folder: Path, cases: Sequence[Case], watching: Watching
) -> Played:
    """Play cases against a unit, on its line, in real time.

    Ctrl-C and SIGTERM end it with the results so far, at a question to the person too.

    Args:
        declaration: Of the unit.
        folder: From which its hooks run.
        cases: Those of its role.
        watching: Told on the way.

    Raises:
        LineError: The line cannot be had.
        RmfsError: Keys cannot be read.
    """
    reactor = MonotonicReactor()
    person = PersonAtTerminal(reactor, watching.screen)
    operator = _operator(declaration, reactor, folder, person)
    bench = (
        _server_bench(declaration, reactor, operator, watching.ready, person.called)
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
            run_suite(
                bench,
                cases,
                declaration,
                tell,
                begins=watching.begins,
                stop=lambda: stopped,
            )
        )
        done.addErrback(failures.append)
        done.addCallback(lambda _: None if stopped else reactor.stop())

    reactor.callWhenRunning(begin)
    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        reactor.run(installSignalHandlers=False)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        with suppress(RmfsError):
            reactor.close()
    trouble = ""
    for failure in failures:
        if not isinstance(failure.value, RmfsError):
            failure.raiseException()
        trouble = str(failure.value)
    return Played(tuple(results), stopped, trouble)


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
        maker=_bench_maker(declaration),
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


def check_files(declaration: Declaration) -> None:
    """See whether everything that a declaration names can be read.

    Raises:
        RmfsError: It cannot, or is not what is declared.
    """
    if declaration.role is Role.MACHINE:
        read_machine(declaration)
        read_server(declaration.bench_keys)
        _bench_maker(declaration)
    else:
        read_server_file(declaration)
        BenchMachines(declaration.bench_keys)


def read_machine(declaration: Declaration) -> MachineProvisioning:
    """Read the provisioning file of a machine under test.

    Raises:
        RmfsError: It cannot be read, its maker has not signed it, or it is that of
            another unit than is declared.
    """
    found = read_machine_provisioning(
        _read(declaration.provisioning), [_maker(declaration)]
    )
    for name, declared, provisioned in (
        ("model", declaration.model, found.model),
        ("firmware", declaration.firmware, found.firmware),
        ("serial", declaration.serial, found.credential.psd_serial),
    ):
        _check_same(declaration, name, declared, provisioned)
    return found


def read_server_file(declaration: Declaration) -> ServerProvisioning:
    """Read the provisioning file of a server under test.

    Raises:
        RmfsError: It cannot be read, its maker has not signed it, or it is that of
            another unit than is declared.
    """
    found = read_server_provisioning(
        _read(declaration.provisioning), [_maker(declaration)]
    )
    _check_same(declaration, "serial", declaration.serial, found.credential.name)
    return found


def _check_same(
    declaration: Declaration, name: str, declared: str, provisioned: str
) -> None:
    if declared != provisioned:
        raise DeclarationError(
            f'[unit] {name} is "{declared}"; {declaration.provisioning} says '
            f'"{provisioned}"'
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
