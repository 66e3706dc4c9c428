"""What is asked of a unit is done or refused, and put back when a case has stopped."""

from collections.abc import Sequence

import pytest

from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.lab.operator import Nobody, OperatorError, UnitRefusedError
from hw.lab.server_side import ServerSide
from hw.lab.steps import StepError, parse_step
from hw.lab.stopping import StepStoppedError
from hw.lab.unit_steps import UnitSteps
from hw.lab.verbs import check_step
from protocol.link import Role
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.simulation.clock import SimulatedClock
from rmfs_tools.simulation.setting import BEGAN, CREDIT_KEY, IDENTITY


class Willing(Nobody):
    def __init__(self) -> None:
        self.done: list[str] = []

    async def frank(self, paise: int, product_class: int) -> None:
        self.done.append(f"frank {paise} {product_class}")

    async def power(self, what: str) -> None:
        self.done.append(f"power {what}")

    async def do(self, what: Sequence[str], licence: str) -> None:
        del licence
        self.done.append(" ".join(what))


class Stubborn(Nobody):
    async def frank(self, paise: int, product_class: int) -> None:
        raise UnitRefusedError("locked")


def side() -> ServerSide:
    return ServerSide(
        IDENTITY,
        CREDIT_KEY,
        machine_stand().unit.provisioning,
        clock=MemoryWallClock(BEGAN),
        entropy=SeededEntropy(b"unit steps"),
    )


def franked(operator: Nobody, text: str) -> str:
    """What stopped the step; empty if it came true."""
    steps = UnitSteps(operator, side())
    try:
        run(SimulatedClock(), steps.frank(parse_step(text)))
    except StepStoppedError as stop:
        return stop.reason
    return ""


def test_a_refusal_comes_true_where_a_step_expects_it() -> None:
    assert franked(Stubborn(), "frank 500 3 refused") == ""
    assert franked(Stubborn(), "frank 500 3") == "frank 500 3: locked"


def test_obedience_differs_where_a_step_expects_a_refusal() -> None:
    assert franked(Willing(), "frank 500 3") == ""
    refused = "frank 500 3 refused"
    assert franked(Willing(), refused) == f"{refused}: it was not refused"


def test_what_cannot_be_done_is_no_refusal() -> None:
    with pytest.raises(OperatorError):
        franked(Nobody(), "frank 500 3 refused")


def test_power_and_date_are_put_back() -> None:
    operator = Willing()
    steps = UnitSteps(operator, side())

    async def play() -> None:
        await steps.ask(parse_step("ask days 30"))
        await steps.ask(parse_step("ask days 1"))
        await steps.power(parse_step("power cut"))
        await steps.put_back()
        await steps.put_back()

    run(SimulatedClock(), play())
    assert operator.done == [
        "days 30",
        "days 1",
        "power cut",
        "power on",
        "days -31",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "dial by-itself within=12",
        "dial nothing within=3",
        "dial recharge 50000 repeatedly",
        "! dial recharge 50000 refused",
        "recharge 10000",
        "frank 500 3 refused",
        "ask days -31",
        "content FIRMWARE size=450 signature=wrong",
        "send kept old",
        "send RECEIPT | shorter=1",
    ],
)
def test_steps_of_the_bench_as_a_server_are_read(text: str) -> None:
    check_step(parse_step(text), Role.MACHINE)


@pytest.mark.parametrize(
    "text",
    [
        "dial tomorrow",
        "dial nothing within=long",
        "recharge",
        "recharge much",
        "ask days",
        "ask days many",
        "content LETTER",
        "content SLOGAN colour=red",
        "send kept",
        "take RECEIPT | shorter=1",
    ],
)
def test_steps_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(StepError):
        check_step(parse_step(text), Role.MACHINE)


def test_a_bench_that_is_a_machine_has_no_contents() -> None:
    with pytest.raises(StepError):
        check_step(parse_step("content SLOGAN"), Role.SERVER)
