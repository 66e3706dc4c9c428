"""A scenario as data: how it starts, what the machine and the line are like, the steps.

The form is this product's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from fm_device.flash.settings import Department
from fm_device.scenarios.steps import Repeat, Step
from protocol.parameters import INDIA
from protocol.values import Paise

FUNDS_PAISE: Final = Paise(200_000)
DEPOSITED_PAISE: Final = Paise(500_000)

ASK_FOR: Final = ("inspection", "recharge", "withdrawal", "refund")


class StartState(Enum):
    """How far the machine is when the first step is taken."""

    NEW = "new"
    """Made, not installed, not enrolled."""
    INSTALLED = "installed"
    """Installed and enrolled; it has never dialled in."""
    IN_SERVICE = "in-service"
    """It has dialled in, for the funds that it starts with."""


@dataclass(frozen=True, slots=True)
class StartRegisters:
    """Registers that the machine comes with: for counters near their end.

    Attributes:
        ascending_paise: AR.
        descending_paise: DR.
        items: Franks with a value.
        imprints: Franks, zero imprints included.
        recharge_number: Of the voucher applied last.
    """

    ascending_paise: Paise
    descending_paise: Paise
    items: int
    imprints: int
    recharge_number: int


@dataclass(frozen=True, slots=True)
class Start:
    """How it starts.

    Attributes:
        at: When the first step is taken; what is before it happens then too.
        state: How far the machine is.
        funds_paise: DR of a machine in service, by a recharge.
        deposited_paise: What is deposited at the server beside that; a first deposit is
            at least Rs 2,000.
        with_tariff: The factory has put its tariff in.
        with_clock: The factory has set the clock.
        registers: What the machine comes with, or None for zeros.
        preset: A situation of the library of presets that the PSD is brought into
            before the first step; empty for none. The books do not know of it.
    """

    at: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=INDIA)
    state: StartState = StartState.IN_SERVICE
    funds_paise: Paise = FUNDS_PAISE
    deposited_paise: Paise = DEPOSITED_PAISE
    with_tariff: bool = True
    with_clock: bool = True
    registers: StartRegisters | None = None
    preset: str = ""


@dataclass(frozen=True, slots=True)
class MachineSettings:
    """What the machine is set to before the first step.

    Attributes:
        pins: By role.
        departments: Set up already.
        drift_ppm: What its clock gains, in parts per million.
        changes: Other fields of `fm_device.flash.settings.Settings`.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    departments: Sequence[Department] = ()
    drift_ppm: float = 0.0
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """What the line is like.

    Attributes:
        bit_s: Speed of each direction.
        delay_s: From one end to the other.
        bit_error_rate: Probability that a bit is struck.
        real_channel: The channel of the product, whose keys are drawn anew each time,
            in place of its deterministic double.
    """

    bit_s: int = 33_600
    delay_s: float = 0.02
    bit_error_rate: float = 0.0
    real_channel: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario.

    Attributes:
        name: Its file's name, without the ending.
        title: In one line.
        description: For people.
        shows: Clauses of protocol/SPEC.md that it shows.
        seed: Chooses keys, marks and noise.
    """

    name: str
    title: str
    description: str
    shows: tuple[str, ...]
    seed: int
    start: Start
    machine: MachineSettings
    line: Line
    steps: tuple[Step, ...]

    def every_step(self) -> Iterator[Step]:
        """Give every step once, those of repetitions behind their head."""
        return _every(self.steps)


def _every(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step.action, Repeat):
            yield from _every(step.action.steps)
