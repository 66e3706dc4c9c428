"""Generated cases find nothing at the reference, and each defect of some faulty units.

The second half is the proof of the first: oracles that never fail say nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.fuzz.coverage import Coverage
from hw.lab.fuzz.fuzz_case import FuzzCase
from hw.lab.fuzz.grammar import fuzz_cases
from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.playing import FuzzResult, play_fuzz
from protocol.link import Role
from rmfs_tools.lab.fuzz.drawing import draw_round
from rmfs_tools.lab.reference import ServerStand, machine_stand, server_stand
from rmfs_tools.lab.universe import Universe, universe
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.lab.zoo.stands import stand_in
from rmfs_tools.lab.zoo.units import FaultyUnit, faulty_units
from rmfs_tools.simulation.clock import SimulatedClock

ROUND = 50
UNITS = {unit.id: unit for unit in faulty_units()}
Play = Callable[[FuzzCase], FuzzResult]


def rounds(role: Role, play: Play, cases: int) -> Iterator[tuple[FuzzCase, Finding]]:
    """Play cases in steered rounds, and give what is found."""
    coverage = Coverage(role)
    for number in range(1, -(-cases // ROUND) + 1):
        found: list[tuple[FuzzCase, Finding]] = []

        def is_wrong(case: FuzzCase) -> bool:
            result = play(case)
            coverage.add(result.cells)
            found.extend((case, one) for one in result.findings)  # noqa: B023
            return bool(found)  # noqa: B023  called in this turn alone

        drawn = fuzz_cases(role, coverage.steering())
        is_enough = partial(bool, found)
        draw_round(drawn, number, min(ROUND, cases), is_wrong, is_enough)
        yield from found


def played(
    clock: SimulatedClock, bench: MachineBench | ServerBench, case: FuzzCase
) -> FuzzResult:
    return run(clock, play_fuzz(bench, case))


def told(found: Iterator[tuple[FuzzCase, Finding]]) -> list[str]:
    return [f"{finding} {list(case.texts)}" for case, finding in found]


def play_machine(case: FuzzCase) -> FuzzResult:
    stand = machine_stand()
    return played(stand.clock, stand.bench, case)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerStand]:
    folder: Path = tmp_path_factory.mktemp("server")
    stand = server_stand(folder)
    yield stand
    stand.unit.close()


def test_nothing_is_found_at_the_reference_machine() -> None:
    assert told(rounds(Role.MACHINE, play_machine, 100)) == []


def test_nothing_is_found_at_the_reference_server(server: ServerStand) -> None:
    def play(case: FuzzCase) -> FuzzResult:
        return played(server.clock, server.bench, case)

    assert told(rounds(Role.SERVER, play, 40)) == []


@pytest.mark.long
def test_nothing_is_found_at_the_reference_machine_in_many_cases() -> None:
    assert told(rounds(Role.MACHINE, play_machine, 3_000)) == []


@pytest.mark.long
def test_nothing_is_found_at_the_reference_server_in_many_cases(
    server: ServerStand,
) -> None:
    def play(case: FuzzCase) -> FuzzResult:
        return played(server.clock, server.bench, case)

    assert told(rounds(Role.SERVER, play, 1_000)) == []


def hunt(unit: FaultyUnit, cases: int) -> Finding | None:
    """Play cases against a faulty unit until something is found."""
    with universe(unit.id, unit.edits) as there, ExitStack() as stack:
        play = _players(there, unit.role, stack)
        return next((finding for _, finding in rounds(unit.role, play, cases)), None)


def _players(there: Universe, role: Role, stack: ExitStack) -> Play:
    """Play against a machine that is new for each case, or one server."""
    shared = stack.enter_context(stand_in(there, role)) if role is Role.SERVER else None

    def play(case: FuzzCase) -> FuzzResult:
        stand = shared or stack.enter_context(stand_in(there, role))
        return played(stand.clock, stand.bench, case)

    return play


BY_ANY = frozenset(Oracle)
CAUGHT = {
    "voucher-signature-not-checked": {Oracle.MONEY},
    "amount-from-the-request": {Oracle.MONEY},
    "voucher-replay-accepted": {Oracle.MONEY},
    "dial-in-not-stored": {Oracle.CLAUSE},
    "waits-two-minutes": {Oracle.TIME},
    # Which frame is lost for a 7D in it is chance: the keys are the system's.
    "escape-not-escaped": BY_ANY,
    "elective-type-answered": {Oracle.IGNORED},
    "funds-not-reserved": {Oracle.MONEY},
    "voucher-rebuilt": {Oracle.MONEY},
    "freeze-forgotten": {Oracle.MONEY},
}
"""Faulty units that few cases are enough for, and which oracles may find them.

The clause is that of the first wrong thing that a drawn case comes upon.
"""


@pytest.mark.parametrize("name", CAUGHT)
def test_a_faulty_unit_is_found_out(name: str) -> None:
    found = hunt(UNITS[name], cases=150)
    assert found is not None
    assert found.oracle in CAUGHT[name]


SLOWER = (
    *("any-later-number", "control-total-before-not-checked", "length-not-checked"),
    *("fcs-ignored", "digest-of-new-rows", "does-not-hang-up", "step-not-checked"),
)


@pytest.mark.long
@pytest.mark.parametrize("name", SLOWER)
def test_more_cases_find_more_faulty_units_out(name: str) -> None:
    assert hunt(UNITS[name], cases=1_500) is not None
