"""Presets of fuzz cases are reached: the unit tells so, and the product bears them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fm_device.psd.states import Fault
from hw.lab.bench import MachineBench, ServerBench
from hw.lab.fuzz.fuzz_case import NO_PRESET, fuzz_case
from hw.lab.fuzz.playing import FuzzResult, play_fuzz
from hw.lab.fuzz.presets import (
    UnknownPresetError,
    fuzz_preset,
    fuzz_presets,
    preset_ids,
)
from hw.lab.fuzz.wire import Passed, wire
from hw.lines.exchange import VirtualExchange, every_call
from protocol.link import Role
from protocol.messages import MessageType, RefusalCode
from protocol.registers import MachineState, RequestKind
from rmfs_tools.lab.reference import LINE, reference_machine
from rmfs_tools.lab.reference_machine import ReferenceMachine
from rmfs_tools.lab.universe import Universe, universe
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.lab.zoo.stands import Stand, stand_in
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock

END = 2**53 - 1
U32 = 2**32 - 1
IN_SERVICE, FAULT = MachineState.IN_SERVICE, MachineState.FAULT
STATEMENT, VOUCHER = MessageType.STATEMENT, MessageType.VOUCHER
REFUSAL = MessageType.REFUSAL
NUMBERS = ("ascending_paise", "descending_paise", "control_total_paise")
COUNTERS = ("items", "items_with_zero", "recharge_number", "order_serial", "dial_in")

# AR, DR, CT; items, with zero, recharge number, order serial, number of the dial-in.
STATED = {
    "descending-zero": ((500_000, 0, 500_000), (0, 0, 1, 0, 1)),
    "descending-highest": ((0, END, END), (0, 0, 1, 0, 1)),
    "ascending-near-limit": ((END - 200_000, 0, END - 200_000), (0, 0, 1, 0, 1)),
    "control-total-near-overflow": ((END - 501, 500, END - 1), (0, 0, 1, 0, 1)),
    "control-total-one-more": ((0, 80_000, 80_001), (0, 0, 0, 0, 1)),
    "control-total-one-less": ((0, 80_000, 79_999), (0, 0, 0, 0, 1)),
    "items-highest": (
        (2_147_483_647_500, 100_000, 2_147_483_747_500),
        (U32, U32, 0, 0, 1),
    ),
    "recharge-number-near-limit": (
        (400_000, 100_000, 500_000),
        (0, 0, U32 - 95, 0, 1),
    ),
    "order-serial-near-limit": ((0, 0, 0), (0, 0, 0, U32 - 295, 1)),
    "dial-ins-near-limit": ((0, 0, 0), (0, 0, 0, 0, U32 - 294)),
    "recharge-pending": ((0, 100_000, 100_000), (0, 0, 0, 0, 1)),
    "frank-open": ((500, 99_500, 100_000), (1, 1, 0, 0, 1)),
    "torn-journal": ((0, 100_000, 100_000), (0, 0, 0, 0, 1)),
    "torn-twice": ((0, 100_000, 100_000), (0, 0, 0, 0, 1)),
    "torn-out": ((0, 100_000, 100_000), (0, 0, 0, 0, 1)),
}
FAULTS = {
    "control-total-one-more": Fault.REGISTERS_DO_NOT_BALANCE,
    "control-total-one-less": Fault.REGISTERS_DO_NOT_BALANCE,
    "torn-out": Fault.MEMORY_WORN_OUT,
}
REFUSED = {
    "descending-highest": RefusalCode.AMOUNT_LIMIT,
    "control-total-near-overflow": RefusalCode.AMOUNT_LIMIT,
    "control-total-one-more": RefusalCode.CONTROL_TOTAL_SUM,
    "control-total-one-less": RefusalCode.CONTROL_TOTAL_SUM,
}
REPAIRED = {"torn-journal": 1, "torn-twice": 4, "torn-out": 1}
OF_MACHINES = [one for one in preset_ids(Role.MACHINE) if one != NO_PRESET]
OF_SERVERS = [one for one in preset_ids(Role.SERVER) if one != NO_PRESET]


@pytest.fixture(scope="module", name="there")
def the_product() -> Iterator[Universe]:
    with universe("the product", ()) as made:
        yield made


@contextmanager
def a_stand(there: Universe, role: Role, name: str) -> Iterator[Stand]:
    with stand_in(there, role, fuzz_preset(name, role)) as stand:
        yield stand


def played(stand: Stand, name: str, *steps: str) -> FuzzResult:
    case = fuzz_case(stand.bench.unit, name, steps)
    return run(stand.clock, play_fuzz(stand.bench, case))


def switched_on(name: str) -> ReferenceMachine:
    preset = fuzz_preset(name, Role.MACHINE)
    assert preset is not None
    clock = SimulatedClock()
    exchange = VirtualExchange(clock, every_call(LINE))
    wall = WorldClock(clock)
    return reference_machine(exchange, reactor=clock, clock=wall, preset=preset.machine)


def test_what_is_expected_is_written_down_for_each() -> None:
    assert list(STATED) == OF_MACHINES
    assert {"descending-zero", "control-total-one-more"} <= set(OF_SERVERS)
    assert all(one.title for one in fuzz_presets().values())


@pytest.mark.parametrize("name", OF_MACHINES)
def test_a_machine_states_what_its_preset_says(there: Universe, name: str) -> None:
    with a_stand(there, Role.MACHINE, name) as stand:
        assert isinstance(stand.bench, ServerBench)
        result = played(stand, name)
        stated = stand.bench.side.statement
    assert result.findings == ()
    money, counters = STATED[name]
    assert tuple(stated[one] for one in NUMBERS) == money
    assert tuple(stated[one] for one in COUNTERS) == counters
    assert stated["state"] == (FAULT if name in FAULTS else IN_SERVICE)
    asks = (
        RequestKind.RECHARGE if name == "recharge-pending" else RequestKind.INSPECTION
    )
    assert stated["request"] == asks


@pytest.mark.parametrize("name", OF_MACHINES)
def test_a_machine_finds_the_memory_as_its_preset_says(name: str) -> None:
    machine = switched_on(name).machine
    assert machine is not None
    assert machine.record.fault == FAULTS.get(name, 0)
    assert machine.psd.repaired == REPAIRED.get(name, 0)
    assert (machine.psd.found_open is not None) is (name == "frank-open")


@pytest.mark.parametrize("name", OF_SERVERS)
def test_a_server_hears_what_the_preset_says(there: Universe, name: str) -> None:
    steps = ("dial RECHARGE 200000", "send STATEMENT", "take VOUCHER/REFUSAL", "finish")
    with a_stand(there, Role.SERVER, name) as stand:
        assert isinstance(stand.bench, MachineBench)
        result = played(stand, name, *steps)
    assert result.findings == ()
    passed = [one for one in wire(result.trace) if isinstance(one, Passed)]
    said = [one.packet.fields for one in passed if one.message is STATEMENT]
    money, counters = STATED[name]
    assert tuple(said[0][one] for one in NUMBERS) == money
    number = counters[2] if name != "items-highest" else 1
    assert tuple(said[0][one] for one in COUNTERS[:3]) == (*counters[:2], number)
    answer = next(one for one in passed if one.message in {VOUCHER, REFUSAL})
    assert answer.packet.fields.get("code") == REFUSED.get(name)


def test_a_machine_can_be_recharged_up_to_the_end_and_no_further(
    there: Universe,
) -> None:
    name = "ascending-near-limit"
    with a_stand(there, Role.MACHINE, name) as stand:
        assert isinstance(stand.bench, ServerBench)
        assert played(stand, name, "recharge 200000").findings == ()
        assert stand.bench.side.statement["control_total_paise"] == END
        assert played(stand, name, "recharge 100000").findings == ()
        assert stand.bench.side.statement["control_total_paise"] == END


def test_a_preset_that_is_none_is_named() -> None:
    with pytest.raises(UnknownPresetError, match="called nothing: none, descending"):
        fuzz_preset("nothing", Role.MACHINE)
    with pytest.raises(UnknownPresetError, match="for a server is called torn-journal"):
        fuzz_preset("torn-journal", Role.SERVER)
    assert fuzz_preset(NO_PRESET, Role.SERVER) is None
