"""The reference machine obeys its operator, and refuses as a machine does."""

import pytest

from hw.lab.catalogue import Case, read_catalogue
from hw.lab.machine_memory import Asked
from hw.lab.operator import OperatorError, UnitRefusedError
from hw.lab.player import Player
from hw.lab.verdicts import Verdict
from protocol.registers import RequestKind
from rmfs_tools.lab.reference import MachineStand, machine_stand
from rmfs_tools.lab.virtual_time import run


def case(name: str) -> Case:
    return next(one for one in read_catalogue() if one.id == name)


def played(stand: MachineStand, name: str) -> Verdict:
    stand.bench.begin_case()
    return run(
        stand.clock, Player(stand.bench, stand.bench.side, case(name)).play()
    ).verdict


def test_a_machine_without_funds_refuses_to_frank() -> None:
    stand = machine_stand()
    with pytest.raises(UnitRefusedError):
        run(stand.clock, stand.unit.frank(500, 3))


def test_a_machine_in_service_refuses_a_new_life() -> None:
    stand = machine_stand()
    with pytest.raises(UnitRefusedError):
        run(stand.clock, stand.unit.new_life())


def test_a_machine_without_power_can_be_asked_for_nothing() -> None:
    stand = machine_stand()
    run(stand.clock, stand.unit.power("cut"))
    assert stand.unit.machine is None
    with pytest.raises(OperatorError):
        run(stand.clock, stand.unit.dial(Asked()))
    run(stand.clock, stand.unit.power("on"))
    assert stand.unit.machine is not None


def test_what_is_pending_outlives_a_power_cut_in_the_middle_of_a_dial_in() -> None:
    assert played(machine_stand(), "DLG-04-03-M-P") is Verdict.PASS


def test_a_machine_that_dials_repeatedly_stops_when_the_operator_dials() -> None:
    stand = machine_stand()
    assert played(stand, "DLG-14-01-M-P") is Verdict.PASS
    assert played(stand, "DLG-14-04-M-P") is Verdict.PASS
    assert played(stand, "DLG-14-05-M-P") is Verdict.PASS


def test_a_dial_in_that_the_machine_refuses_is_told() -> None:
    stand = machine_stand()
    refund = Asked(RequestKind.REFUND, 100)
    with pytest.raises(UnitRefusedError):
        run(stand.clock, stand.unit.dial(refund))


def test_a_case_that_stops_leaves_a_machine_with_which_the_next_one_passes() -> None:
    stand = machine_stand()
    stopped = Case(
        id="DLG-04-99-M-P",
        clause="DLG-4.8",
        role=case("DLG-04-12-M-B").role,
        level=case("DLG-04-12-M-B").level,
        text="",
        title="",
        needs=(),
        steps=(*case("DLG-04-12-M-B").steps[:5], *case("DLG-10-06-M-P").steps[2:6]),
        ends=case("DLG-04-12-M-B").ends,
    )
    stand.bench.begin_case()
    player = Player(stand.bench, stand.bench.side, stopped)
    assert run(stand.clock, player.play()).verdict is not Verdict.PASS
    assert played(stand, "DLG-04-12-M-B") is Verdict.PASS
    assert played(stand, "DLG-10-06-M-P") is Verdict.PASS
