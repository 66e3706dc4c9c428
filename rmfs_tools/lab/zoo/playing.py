"""The zoo is played: which case catches which faulty unit.

A case has caught a unit when its verdict is FAIL. One that cannot be played to its end,
INCONCLUSIVE or ERROR, has not: it says nothing of the unit. After each case that did
not pass the unit is made anew, so that no case fails for what another has left behind.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from hw.lab.catalogue import Case, read_catalogue
from hw.lab.player import Result
from hw.lab.verdicts import Verdict
from protocol.link import Role
from rmfs_tools.lab.universe import universe
from rmfs_tools.lab.zoo.stands import stand_in
from rmfs_tools.lab.zoo.units import FaultyUnit, ZooError
from rmfs_tools.planting import Edit


@dataclass(frozen=True, slots=True)
class Played:
    """What the catalogue says of a faulty unit.

    Attributes:
        unit: The unit.
        caught_by: Cases that failed on it, and why.
        cases: How many were played.
    """

    unit: FaultyUnit
    caught_by: dict[str, str]
    cases: int

    @property
    def caught(self) -> bool:
        """Whether a case of the catalogue fails on it."""
        return bool(self.caught_by)

    @property
    def missed(self) -> tuple[str, ...]:
        """Cases that were to catch it and did not."""
        return tuple(one for one in self.unit.caught_by if one not in self.caught_by)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "id": self.unit.id,
            "role": self.unit.role.value,
            "clause": self.unit.clause,
            "title": self.unit.title,
            "cases": self.cases,
            "caught_by": self.caught_by,
            "missed": list(self.missed),
        }


def play_zoo(
    units: Sequence[FaultyUnit], *, whole: bool, processes: int = 1
) -> Iterator[Played]:
    """Play the catalogue against faulty units, and give what it says in their order.

    Args:
        units: Which.
        whole: Play every case, and not only those that are to catch them.
        processes: How many at once, each in a process of its own.

    Raises:
        PlantingError: A defect does not fit the product's text any more.
        ZooError: A case that is to catch one is not in the catalogue.
    """
    if processes == 1:
        yield from map(partial(play_unit, whole=whole), units)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(partial(play_unit, whole=whole), units)


def play_unit(unit: FaultyUnit, *, whole: bool = False) -> Played:
    """Play the cases against a faulty unit that are to catch it.

    Args:
        unit: The unit.
        whole: Play every case.

    Raises:
        PlantingError: Its defect does not fit the product's text any more.
        ZooError: A case that is to catch it is not in the catalogue.
    """
    cases = _catalogue() if whole else cases_that_catch(unit, _catalogue())
    found = list(play(unit.id, unit.edits, unit.role, cases))
    caught = {
        result.case.id: result.reason
        for result in found
        if result.verdict is Verdict.FAIL
    }
    return Played(unit, caught, len(found))


def reference_failures(cases: Iterable[Case]) -> dict[str, str]:
    """Play cases against the product itself, on the same stands.

    Returns:
        Those that do not pass, and why.
    """
    known = tuple(cases)
    return {
        result.case.id: f"{result.verdict.value}: {result.reason}"
        for role in Role
        for result in play("the product", (), role, known)
        if result.verdict is not Verdict.PASS
    }


def play(
    name: str, edits: Sequence[Edit], role: Role, cases: Iterable[Case]
) -> Iterator[Result]:
    """Play cases against a unit of another universe.

    Args:
        name: What is wrong with it, for errors.
        edits: How it differs from the product; nothing, and it is the product.
        role: What it is.
        cases: Those of another role are left out.

    Raises:
        PlantingError: The edits do not fit the product's text any more.
    """
    with universe(name, edits) as there, ExitStack() as stack:
        stand = None
        for case in cases:
            if case.role is not role:
                continue
            if stand is None:
                stand = stack.enter_context(stand_in(there, role))
            result = stand.play(case)
            yield result
            if result.verdict is not Verdict.PASS:
                stack.close()
                stand = None


@cache
def _catalogue() -> tuple[Case, ...]:
    """Read the catalogue once in each process."""
    return read_catalogue()


def cases_that_catch(unit: FaultyUnit, cases: Iterable[Case]) -> tuple[Case, ...]:
    """Give the cases that are to catch a unit.

    Raises:
        ZooError: One of them is not in the catalogue.
    """
    known = {case.id: case for case in cases}
    unknown = [name for name in unit.caught_by if name not in known]
    if unknown:
        raise ZooError(f"{unit.id}: there is no case {unknown[0]}")
    return tuple(known[name] for name in unit.caught_by)
