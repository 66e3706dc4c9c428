"""A target is opened by its name, worked with, and closed; Ctrl-C ends the work.

What ends a program ends no case in the middle of a unit in virtual time, and at once
with a real one: what was found is kept by whoever works.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from hw.lab.declaration import read_declaration
from protocol.errors import LinkDownError, RmfsError
from rmfs_tools.lab.declared_files import check_files
from rmfs_tools.lab.fuzz.processor_time import CASE_CPU_S
from rmfs_tools.lab.fuzz.targets import RealTarget, Target, TargetError
from rmfs_tools.lab.fuzz.virtual_targets import is_virtual, virtual_target
from rmfs_tools.lab.real_unit import RealUnit, at_its_line
from rmfs_tools.lab.screen import Screen

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)
_Result = TypeVar("_Result")


class BenchTroubleError(LinkDownError):
    """The bench could not go on: nothing is known of the unit."""


class EndedEarlyError(Exception):
    """Somebody ended the program before there was anything to work with."""


def on_target(
    name: str,
    screen: Screen,
    work: Callable[[Target], _Result],
    *,
    case_cpu_s: float = CASE_CPU_S,
) -> _Result:
    """Work with a target.

    Args:
        name: ``machine``, ``server``, ``zoo:`` and the id of a faulty unit, or the file
            of a declaration.
        screen: Where a person at a real unit is asked.
        work: Done with it; for a real unit in a thread beside its line.
        case_cpu_s: How much processor time a case of a unit in virtual time may take.

    Raises:
        RmfsError: There is no such target; a declaration or a file that it names is
            wrong; the line cannot be had.
        BenchTroubleError: The bench could not go on.
        EndedEarlyError: Somebody ended the program before the work began.
    """
    if is_virtual(name):
        with virtual_target(name, case_cpu_s) as target, _stopped_by_signals(target):
            return work(target)
    return _at_line(name, screen, work)


@contextmanager
def _stopped_by_signals(target: Target) -> Iterator[None]:
    def stop(*_: object) -> None:
        target.stop()

    before = {number: signal.signal(number, stop) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _at_line(name: str, screen: Screen, work: Callable[[Target], _Result]) -> _Result:
    path = Path(name)
    if not path.exists():
        raise TargetError(
            f"there is no target {name}: it is machine, server, zoo:ID of a faulty "
            f"unit, or the file of a declaration (rmfs certify template)"
        )
    declaration = read_declaration(path)
    check_files(declaration)
    targets: list[RealTarget] = []
    results: list[_Result] = []
    errors: list[RmfsError] = []

    def begin(unit: RealUnit) -> "Deferred[None]":
        target = RealTarget(name, unit, declaration.options)
        targets.append(target)
        reactor = unit.reactor
        return deferToThreadPool(reactor, reactor.getThreadPool(), run, target)

    def run(target: Target) -> None:
        # What the work itself refuses is no trouble of the bench.
        try:
            results.append(work(target))
        except RmfsError as error:
            errors.append(error)

    def end() -> None:
        for target in targets:
            target.stop()

    ended = at_its_line(
        declaration,
        path.parent,
        screen,
        lambda line: screen.tell(f"the bench listens at {line}"),
        begin,
        end=end,
    )
    if results:
        return results[0]
    if errors:
        raise errors[0]
    if ended.trouble:
        raise BenchTroubleError(ended.trouble)
    raise EndedEarlyError
