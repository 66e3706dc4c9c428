"""The reference machine and server pass every case that applies to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hw.lab.catalogue import Case, read_catalogue
from hw.lab.player import Player, Result
from hw.lab.verdicts import Verdict
from protocol.link import Role
from rmfs_tools.lab.reference import (
    MachineStand,
    ServerStand,
    machine_stand,
    server_stand,
)
from rmfs_tools.lab.virtual_time import run

CASES = read_catalogue()


def play(stand: MachineStand | ServerStand, case: Case) -> Result:
    stand.bench.begin_case()
    return run(stand.clock, Player(stand.bench, stand.bench.side, case).play())


@pytest.fixture(scope="module")
def machine() -> MachineStand:
    return machine_stand()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerStand]:
    folder: Path = tmp_path_factory.mktemp("server")
    stand = server_stand(folder)
    yield stand
    stand.unit.close()


@pytest.mark.xdist_group("the reference machine")
def test_the_reference_machine_passes_every_case(machine: MachineStand) -> None:
    cases = [case for case in CASES if case.role is Role.MACHINE]
    results = [play(machine, case) for case in cases]
    assert [told(one) for one in results if one.verdict is not Verdict.PASS] == []


@pytest.mark.xdist_group("the reference server")
def test_the_reference_server_passes_every_case(server: ServerStand) -> None:
    cases = [case for case in CASES if case.role is Role.SERVER]
    results = [play(server, case) for case in cases]
    assert [told(one) for one in results if one.verdict is not Verdict.PASS] == []


def told(result: Result) -> str:
    return f"{result.case.id} {result.verdict.value}: {result.reason}"
