"""Any list of steps can be played, and what the unit does behind them is judged."""

from itertools import combinations

import pytest

from hw.lab.control_port import BusyError
from hw.lab.fuzz.fuzz_case import NO_PRESET, fuzz_case
from hw.lab.fuzz.playing import FuzzResult, play_fuzz
from hw.lab.fuzz.wire import Did, Passed, wire
from hw.lab.machine_memory import Asked
from hw.lab.operator import Operator, OperatorError, UnitOffError, UnitRefusedError
from hw.lab.player import Player
from protocol.link import Role
from protocol.messages import MessageType
from rmfs_tools.lab.fuzz.virtual_targets import faulty_unit
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.lab.universe import universe
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.lab.zoo.stands import stand_in

RECHARGE = (
    "dial RECHARGE 20000",
    "take STATEMENT",
    "send VOUCHER",
    "take CONFIRMATION",
    "send RECEIPT",
    "finish",
)


def played(*texts: str, waits: bool = True) -> FuzzResult:
    stand = machine_stand()
    case = fuzz_case(Role.MACHINE, NO_PRESET, texts)
    return run(stand.clock, play_fuzz(stand.bench, case, waits=waits))


def test_any_part_of_a_case_can_be_played_and_nothing_is_found() -> None:
    for size in (0, 1, 2, 5, 6):
        for part in combinations(RECHARGE, size):
            assert played(*part).findings == (), part


@pytest.mark.parametrize(
    "texts",
    [
        ("send stored VOUCHER", "send kept before", "packet before", "frank 1000000 9"),
        ("dial INSPECTION", "send VOUCHER | octet=9999:00", "send ACK | cut=9999"),
        ("finish", "take nothing", "drop", "disconnect", "power cut", "power cut"),
        ("dial INSPECTION", "power cut"),
        ("ask days 3", "ask fund 100"),
        ("frame up", "frame send RR", "octets 7e", "body 45"),
    ],
)
def test_what_cannot_be_carried_out_is_passed_over(texts: tuple[str, ...]) -> None:
    assert played(*texts).findings == ()


@pytest.mark.parametrize(
    "bend", ["counter=0", "counter=+0", "aad=04", "octet=0:04", "cut=0", "late"]
)
def test_a_bend_that_changes_nothing_is_noted_as_what_it_is(bend: str) -> None:
    """The machine takes that RECEIPT, and says so with its mark."""
    texts = ("dial INSPECTION", "take STATEMENT", f"send RECEIPT | {bend}", "finish")
    assert played(*texts).findings == ()


@pytest.mark.parametrize(
    ("bend", "noted"),
    [("counter=0", True), ("counter=1", False), ("bare", False), ("flip=-1", False)],
)
def test_only_what_can_be_taken_is_noted(bend: str, noted: bool) -> None:
    stand = machine_stand()
    texts = ("dial INSPECTION", "take STATEMENT", f"send RECEIPT | {bend}")
    case = fuzz_case(Role.MACHINE, NO_PRESET, texts)
    stand.bench.begin_case()
    player = Player(stand.bench, stand.bench.side, case.as_case)

    async def play() -> int:
        for step in case.steps:
            await player.carry_out(step)
        return len(stand.bench.side.book.marks)

    assert run(stand.clock, play()) == 1 + noted


def test_the_bench_waits_for_the_end_or_hangs_up_at_once() -> None:
    texts = RECHARGE[:4]
    assert played(*texts).lasted_s > 60
    assert played(*texts, waits=False).lasted_s < 30


def test_what_passed_is_read_from_the_trace_in_order() -> None:
    found = list(wire(played(*RECHARGE).trace))
    assert isinstance(found[0], Did)
    assert found[0].text == RECHARGE[0]
    messages = [
        (one.channel, one.message)
        for one in found
        if isinstance(one, Passed) and one.message is not None
    ]
    assert messages[:5] == [
        (1, MessageType.STATEMENT),
        (1, MessageType.VOUCHER),
        (1, MessageType.CONFIRMATION),
        (1, MessageType.RECEIPT),
        (1, MessageType.GOODBYE),
    ]
    assert {channel for channel, _ in messages} == {1, 2}


class Dead:
    """An operator who finds the unit dead, and does all else as another one."""

    def __init__(self, operator: Operator) -> None:
        self.dial = operator.dial
        self.frank = operator.frank
        self.power = operator.power
        self.do = operator.do
        self.new_life = operator.new_life
        self.memory_octets = operator.memory_octets

    async def is_alive(self) -> bool:
        return False


def test_a_unit_that_has_died_is_found() -> None:
    stand = machine_stand()
    stand.bench.operator = Dead(stand.bench.operator)
    case = fuzz_case(Role.MACHINE, NO_PRESET, RECHARGE)
    result = run(stand.clock, play_fuzz(stand.bench, case))
    assert [str(one) for one in result.findings] == ["ALIVE DLG-1: the unit has died"]


class OutOfHook:
    """An operator whose hook for dialling fails from a dial-in on."""

    def __init__(
        self,
        operator: Operator,
        error: type[OperatorError] = OperatorError,
        *,
        dials: int,
        is_alive: bool,
    ) -> None:
        self._error = error
        self.frank = operator.frank
        self.power = operator.power
        self.do = operator.do
        self.new_life = operator.new_life
        self.memory_octets = operator.memory_octets
        self._dial = operator.dial
        self._dials = dials
        self._is_alive = is_alive

    async def dial(self, asked: Asked) -> None:
        self._dials -= 1
        if self._dials < 0:
            raise self._error("[hooks.dial] no such thing")
        await self._dial(asked)

    async def is_alive(self) -> bool:
        # Whoever asks before the dial-in is told yes.
        return self._is_alive or self._dials >= 0


def without_hook(
    *texts: str,
    dials: int,
    is_alive: bool = True,
    error: type[OperatorError] = OperatorError,
) -> FuzzResult:
    stand = machine_stand()
    operator = OutOfHook(stand.bench.operator, error, dials=dials, is_alive=is_alive)
    stand.bench.operator = operator
    case = fuzz_case(Role.MACHINE, NO_PRESET, texts)
    return run(stand.clock, play_fuzz(stand.bench, case))


def test_a_hook_that_fails_in_the_good_dial_in_says_nothing_of_the_unit() -> None:
    with pytest.raises(OperatorError, match=r"\[hooks.dial\] no such thing"):
        without_hook(*RECHARGE, dials=1)
    with pytest.raises(OperatorError, match=r"\[hooks.dial\] no such thing"):
        without_hook("dial INSPECTION", dials=0)


@pytest.mark.parametrize("error", [BusyError, UnitRefusedError, UnitOffError])
def test_a_unit_that_says_why_it_does_not_dial_in_is_found(
    error: type[OperatorError],
) -> None:
    found = without_hook(*RECHARGE, dials=1, error=error).findings
    assert [one.oracle.value for one in found] == ["ALIVE"]


def test_a_unit_that_has_died_is_to_blame_for_its_hook() -> None:
    found = without_hook(*RECHARGE, dials=1, is_alive=False).findings
    words = "no good dial-in: [hooks.dial] no such thing"
    assert [str(one) for one in found] == [f"ALIVE DLG-1: {words}"]


def test_what_was_found_before_a_hook_failed_is_kept() -> None:
    unit = faulty_unit("voucher-signature-not-checked")
    texts = (*RECHARGE[:2], "send VOUCHER signature=wrong")
    case = fuzz_case(Role.MACHINE, NO_PRESET, texts)
    with universe(unit.id, unit.edits) as there, stand_in(there, unit.role) as stand:
        bench = stand.bench
        bench.operator = OutOfHook(bench.operator, dials=1, is_alive=True)
        result = run(stand.clock, play_fuzz(bench, case))
    assert {one.clause for one in result.findings} == {"REG-6", "DLG-5.3"}
