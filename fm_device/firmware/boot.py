"""From power-on to ready: what is tested, in which order, and where each result leads.

    1. the memories     PSD and flash; damaged copies are repaired and counted
    2. the image        does the firmware that runs pass its own test?
    3. the rest         registers, clock, printer, scale, tariff

A PSD memory without a whole copy is beyond repair: the machine stops, and switching it
off and on only tests it again. Without a flash that can be read it franks nothing and
can be dialled in with. It stops upon a firmware image that does not pass its own test,
until the one before it is started instead (`update`). A PSD that trusts its registers
no more, or has repaired more copies than a sound memory ever shows (999), franks no
more but can still be dialled in with, so that its credit is not lost. Without a clock
it can be dialled in with too, which sets the clock. A printer, a scale or a tariff that
is missing is a fault that goes away (`faults`): the machine is ready, and franks when
it has gone.

The table is pure; `power_on` performs the tests through ports (`Checks`) and hands
their results to it as events.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fm_device.psd.vault import DAMAGE_MAX
from protocol.coded import Coded
from protocol.errors import StoreError
from protocol.table import Row, Table


class BootState(Enum):
    """How far the machine is."""

    OFF = auto()
    MEMORY_TEST = auto()
    """Are both memories whole?"""
    REPAIRING = auto()
    """Copies are brought back from the whole ones."""
    SELF_TEST = auto()
    """Registers, clock, and what hangs on the machine."""
    READY = auto()
    WITHOUT_CLOCK = auto()
    """No franking until a dial-in has set the clock."""
    DIAL_ONLY = auto()
    """No franking any more; a dial-in saves the credit."""
    STOPPED = auto()
    """The memory is beyond repair, or the firmware does not work."""


@dataclass(frozen=True, slots=True)
class PowerOn:
    """The power came."""


@dataclass(frozen=True, slots=True)
class PowerOff:
    """The power went, by a switch or a cut."""


@dataclass(frozen=True, slots=True)
class MemoryWhole:
    """Every copy in both memories is whole and the newest."""


@dataclass(frozen=True, slots=True)
class MemoryDamaged:
    """Copies are damaged, and there is a whole one of each.

    Attributes:
        copies: How many are damaged now.
    """

    copies: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """Every copy is whole again.

    Attributes:
        copies_in_life: How many were repaired since the memory is in use.
    """

    copies_in_life: int


@dataclass(frozen=True, slots=True)
class WornOut:
    """Copies were repaired more often than a sound memory ever needs."""


@dataclass(frozen=True, slots=True)
class FlashLost:
    """The firmware's memory cannot be read; the PSD does without it."""


@dataclass(frozen=True, slots=True)
class BeyondRepair:
    """No copy is whole, or the memory does not answer."""

    words: str


@dataclass(frozen=True, slots=True)
class ImageFailed:
    """The firmware image that runs does not pass its own test."""


@dataclass(frozen=True, slots=True)
class ClockRunning:
    """The clock shows a time that can be."""


@dataclass(frozen=True, slots=True)
class ClockStopped:
    """The clock is not set, or shows what no time can be."""


@dataclass(frozen=True, slots=True)
class RegistersWrong:
    """The PSD does not trust its own registers: AR + DR is not CT."""


BootEvent = (
    PowerOn
    | PowerOff
    | MemoryWhole
    | MemoryDamaged
    | Repaired
    | WornOut
    | FlashLost
    | BeyondRepair
    | ImageFailed
    | ClockRunning
    | ClockStopped
    | RegistersWrong
)


def _nothing() -> None:
    """Do nothing more: whoever drives the table acts on the state."""


def _rows() -> Iterator[Row[BootState, Callable[[], None]]]:
    state = BootState
    moves: tuple[tuple[BootState, type, BootState], ...] = (
        (state.OFF, PowerOn, state.MEMORY_TEST),
        (state.MEMORY_TEST, MemoryWhole, state.SELF_TEST),
        (state.MEMORY_TEST, MemoryDamaged, state.REPAIRING),
        (state.REPAIRING, Repaired, state.SELF_TEST),
        (state.SELF_TEST, ImageFailed, state.STOPPED),
        # What the start finds wrong may be found later, while the machine runs.
        *((tested, WornOut, state.DIAL_ONLY) for tested in _RUNNING),
        (state.SELF_TEST, FlashLost, state.DIAL_ONLY),
        *((tested, RegistersWrong, state.DIAL_ONLY) for tested in _RUNNING),
        *((tested, ClockRunning, state.READY) for tested in _FRANKING),
        *((tested, ClockStopped, state.WITHOUT_CLOCK) for tested in _FRANKING),
        # A clock that is set or lost gives no credit back.
        (state.DIAL_ONLY, ClockRunning, state.DIAL_ONLY),
        (state.DIAL_ONLY, ClockStopped, state.DIAL_ONLY),
        *(
            (tested, BeyondRepair, state.STOPPED)
            for tested in (state.MEMORY_TEST, state.REPAIRING, *_RUNNING)
        ),
        *((on, PowerOff, state.OFF) for on in state if on is not state.OFF),
    )
    for before, event, after in moves:
        yield Row(before, event, _nothing, after)


_FRANKING: Final = (BootState.SELF_TEST, BootState.READY, BootState.WITHOUT_CLOCK)
_RUNNING: Final = (*_FRANKING, BootState.DIAL_ONLY)

TABLE: Final = Table(BootState.OFF, _rows())


def moved(state: BootState, event: BootEvent) -> BootState:
    """Say where an event leads.

    Raises:
        NoTransitionError: The event has no place in this state.
    """
    return TABLE.row(state, event).to


class Part(Coded):
    """What a self-test looks at, and the code of its failure."""

    NVRAM = ("FMW-13-001", "PSD memory")
    FLASH = ("FMW-13-002", "flash memory")
    IMAGE = ("FMW-13-003", "firmware image")
    REGISTERS = ("FMW-13-004", "registers")
    CLOCK = ("FMW-13-005", "clock")
    PRINTER = ("FMW-13-006", "printer")
    SCALE = ("FMW-13-007", "scale")
    TARIFF = ("FMW-13-008", "tariff")


class Verdict(Enum):
    """How a test ended."""

    PASSED = "passed"
    REPAIRED = "repaired"
    """It works, and was damaged before."""
    WORN_OUT = "worn out"
    """It works still, and was damaged too often to be trusted."""
    FAILED = "failed"
    SKIPPED = "not tested"
    """What it needs has failed."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The result of one test; the words say what was found, if there is more to say."""

    part: Part
    verdict: Verdict
    words: str = ""


@dataclass(frozen=True, slots=True)
class MemoryFound:
    """What was found when a memory was opened, which repairs it.

    Attributes:
        copies: Damaged copies that were repaired just now.
        copies_in_life: All that were repaired since the memory is in use.
    """

    copies: int = 0
    copies_in_life: int = 0

    @property
    def worn_out(self) -> bool:
        """Whether a sound memory never shows so much damage."""
        return self.copies_in_life > DAMAGE_MAX


@dataclass(frozen=True, slots=True)
class Checks:
    """The tests of one machine, as ports; each is called once.

    Attributes:
        nvram: Opens the PSD. Raises `StoreError` when there is no whole copy.
        flash: Opens the flash likewise; when it raises, something stands in for it.
        image: Whether the firmware image that runs passes its own test.
        registers: Whether the PSD trusts its registers.
        clock: Whether it shows a time.
        printer: Whether the print head answers.
        scale: Whether the scale answers.
        tariff: Whether a whole tariff is in force.
    """

    nvram: Callable[[], MemoryFound]
    flash: Callable[[], MemoryFound]
    image: Callable[[], bool]
    registers: Callable[[], bool]
    clock: Callable[[], bool]
    printer: Callable[[], bool]
    scale: Callable[[], bool]
    tariff: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Start:
    """How a start went: where it ended, and what was found on the way.

    Attributes:
        state: READY, WITHOUT_CLOCK, DIAL_ONLY or STOPPED.
        tests: Every test, in the order of `Part`.
        events: What led to the state, in order.
    """

    state: BootState
    tests: tuple[SelfTest, ...]
    events: tuple[BootEvent, ...]

    def verdict(self, part: Part) -> Verdict:
        """Give the result of one test."""
        return next(test.verdict for test in self.tests if test.part is part)


def power_on(checks: Checks) -> Start:
    """Perform the tests in their order and follow the table.

    Nothing is asked further after a test that stops the machine: the rest is skipped.
    """
    results: dict[Part, SelfTest] = {}
    events: list[BootEvent] = [PowerOn()]
    events += _test_memories(checks, results)
    state = _follow(BootState.OFF, events)
    if state is BootState.SELF_TEST:
        events += _test_rest(checks, results)
    skipped = {part: SelfTest(part, Verdict.SKIPPED) for part in Part}
    every = tuple(results.get(part, skipped[part]) for part in Part)
    return Start(_follow(BootState.OFF, events), every, tuple(events))


def _follow(state: BootState, events: list[BootEvent]) -> BootState:
    for event in events:
        state = moved(state, event)
    return state


def _test_memories(checks: Checks, results: dict[Part, SelfTest]) -> list[BootEvent]:
    found: list[MemoryFound] = []
    for part, check in ((Part.NVRAM, checks.nvram), (Part.FLASH, checks.flash)):
        try:
            memory = check()
        except StoreError as error:
            results[part] = SelfTest(part, Verdict.FAILED, str(error))
            if part is Part.NVRAM:
                return [BeyondRepair(str(error))]
            continue
        found.append(memory)
        results[part] = _memory_result(part, memory)
    copies = sum(memory.copies for memory in found)
    if not copies:
        return [MemoryWhole()]
    in_life = max(memory.copies_in_life for memory in found)
    return [MemoryDamaged(copies), Repaired(in_life)]


def _memory_result(part: Part, memory: MemoryFound) -> SelfTest:
    if memory.worn_out:
        words = f"worn out: {memory.copies_in_life} copies repaired in its life"
        return SelfTest(part, Verdict.WORN_OUT, words)
    if memory.copies:
        return SelfTest(part, Verdict.REPAIRED, f"{memory.copies} copies repaired")
    return SelfTest(part, Verdict.PASSED)


def _test_rest(checks: Checks, results: dict[Part, SelfTest]) -> list[BootEvent]:
    def passed(part: Part, check: Callable[[], bool]) -> bool:
        verdict = Verdict.PASSED if check() else Verdict.FAILED
        results[part] = SelfTest(part, verdict)
        return verdict is Verdict.PASSED

    if not passed(Part.IMAGE, checks.image):
        return [ImageFailed()]
    events: list[BootEvent] = []
    if results[Part.FLASH].verdict is Verdict.FAILED:
        events.append(FlashLost())
    if any(test.verdict is Verdict.WORN_OUT for test in results.values()):
        events.append(WornOut())
    if not passed(Part.REGISTERS, checks.registers):
        events.append(RegistersWrong())
    clock = passed(Part.CLOCK, checks.clock)
    events.append(ClockRunning() if clock else ClockStopped())
    passed(Part.PRINTER, checks.printer)
    passed(Part.SCALE, checks.scale)
    passed(Part.TARIFF, checks.tariff)
    return events
