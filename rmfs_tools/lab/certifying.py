"""A certification in real time: a declaration, a line, a bench, and the cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.defer import Deferred

from hw.lab.catalogue import Case
from hw.lab.declaration import Declaration
from hw.lab.player import Result
from hw.lab.suite import run_suite
from rmfs_tools.lab.real_unit import RealUnit, at_its_line
from rmfs_tools.lab.screen import Screen


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
    results: list[Result] = []

    def tell(result: Result) -> None:
        results.append(result)
        watching.result(result)

    def play(unit: RealUnit) -> Deferred[None]:
        return Deferred.fromCoroutine(_play(unit))

    async def _play(unit: RealUnit) -> None:
        await run_suite(unit.bench, cases, declaration, tell, begins=watching.begins)

    ended = at_its_line(declaration, folder, watching.screen, watching.ready, play)
    return Played(tuple(results), ended.interrupted, ended.trouble)
