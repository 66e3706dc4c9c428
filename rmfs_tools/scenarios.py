"""Playing a scenario, step by step, until one is not as expected.

A step that the machine refuses, that fails, or in which the power is cut is in order
only where its `expect` says so. After the last step the money oracles run; what fails
comes with the command that plays it again.

Time is virtual, and passes at once or at the pace of a real clock. A scenario that is
stopped ends between two steps: the machine is switched off, and the oracles run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fm_device.firmware.dates import NextWorkingDay
from fm_device.scenarios.expectations import is_met
from fm_device.scenarios.scenario import Scenario
from fm_device.scenarios.steps import (
    Repeat,
    Step,
)
from fm_device.scenarios.vocabulary import reached_name, spelled
from hw.nvram import PowerCutError
from protocol.coded import Coded
from protocol.errors import RmfsError
from protocol.parameters import INDIA
from rmfs_tools.scenario_deeds import Deeds
from rmfs_tools.scenario_findings import (
    Finder,
    StepResult,
    money_findings,
)
from rmfs_tools.scenario_happenings import Happenings
from rmfs_tools.scenario_pace import Pace
from rmfs_tools.scenario_world import World

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Unmet:
    """One thing that was not as expected.

    Attributes:
        step: Where, like ``steps[3]``; ``money`` for an oracle.
        key: What.
        expected: As the file has it; empty for an oracle.
        found: What was found instead.
    """

    step: str
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        """Say it in one line."""
        if not self.expected:
            return f"{self.step}: {self.found}"
        return f"{self.step}: {self.key} expected {self.expected}, found {self.found}"


@dataclass
class Played:
    """How a scenario went.

    Attributes:
        steps: Steps taken, those of repetitions each time.
        franks: Imprints that came out of the printer.
        dial_ins: Dial-ins begun.
        virtual_s: Time that passed in it.
        unmet: What was not as expected; empty when all was.
        reached: Codes that people were told, with their kind.
        replay: The command that plays it again.
        stopped: Somebody has stopped it before its end.
    """

    name: str
    seed: int
    replay: str
    steps: int = 0
    franks: int = 0
    dial_ins: int = 0
    virtual_s: float = 0.0
    unmet: list[Unmet] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    stopped: bool = False

    @property
    def met(self) -> bool:
        """Whether everything was as expected, to its end."""
        return not self.unmet and not self.stopped


def play(
    scenario: Scenario,
    *,
    seed: int | None = None,
    pictures: Path | None = None,
    say: Say = lambda _line: None,
    called: str = "",
    begin_pace: Callable[[], Pace] | None = None,
) -> Played:
    """Play a scenario from its start to its end, or to the first step that is not met.

    Args:
        scenario: Which.
        seed: In place of the scenario's own.
        pictures: Where pictures of franks go, or None.
        say: Told of every step, for people.
        called: What to play it again by: a file or a name; its name if left out.
        begin_pace: Begins a pace when the first step does; None: time passes at once.

    Returns:
        How it went, with every oracle's finding.
    """
    chosen = scenario.seed if seed is None else seed
    replay = f"rmfs scenario run {called or scenario.name} --seed {chosen}"
    played = Played(scenario.name, chosen, replay)
    with TemporaryDirectory(prefix="rmfs-scenario-") as folder:
        world = World(scenario, Path(folder), chosen, pictures)
        try:
            if begin_pace is not None:
                world.keep_pace(begin_pace())
            _Player(world, played, say).play()
        finally:
            world.close()
    return played


class _Player:
    """Takes the steps of one scenario in its world."""

    def __init__(self, world: World, played: Played, say: Say) -> None:
        self._world = world
        self._played = played
        self._say = say
        self._happenings = Happenings(world)
        self._deeds = Deeds(world, self._happenings.do, self._note_reached)

    def play(self) -> None:
        """Take every step, then run the oracles on what the memories hold."""
        world, played = self._world, self._played
        began = world.wall.utc()
        self._note_reached()
        self._take_all(world.scenario.steps)
        if played.stopped:
            world.put_away()
        played.unmet += [Unmet("money", "", "", one) for one in money_findings(world)]
        played.franks = world.printer.printed
        played.dial_ins = world.line.dial_ins
        played.virtual_s = (world.wall.utc() - began).total_seconds()

    def _take_all(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if self._has_ended or not self._comes(step):
                return
            self._take(step)

    @property
    def _has_ended(self) -> bool:
        return bool(self._played.unmet) or self._played.stopped

    def _comes(self, step: Step) -> bool:
        """Wait for a step; whether it comes."""
        if step.at is not None:
            return self._wait_until(step.at.after(self._world.wall.utc()), step.place)
        self._played.stopped = not self._world.goes_on()
        return not self._played.stopped

    def _wait_until(self, moment: datetime, place: str) -> bool:
        world = self._world
        lapse = moment - world.wall.utc()
        if world.is_paced and lapse > timedelta(0):
            shown = timedelta(seconds=round(lapse.total_seconds()))
            at = moment.astimezone(INDIA)
            self._say(f"    {place} comes at {at:%Y-%m-%d %H:%M:%S}, in {shown}")
        self._played.stopped = not world.wait_until(moment)
        return not self._played.stopped

    def _take(self, step: Step) -> None:
        world = self._world
        self._played.steps += 1
        if not isinstance(step.action, Repeat):
            self._tell(step)
        self._deeds.result = StepResult()
        try:
            if isinstance(step.action, Repeat):
                self._repeat(step.action)
            elif step.action is not None:
                self._deeds.do(step.action)
        except PowerCutError:
            self._deeds.result.cut = True
            world.power_lost()
        except RmfsError as error:
            self._deeds.result.error = str(error)
        self._note_reached()
        if self._has_ended:
            return
        self._tell_result()
        unmet = list(self._unmet(step))
        self._played.unmet += unmet
        for one in unmet:
            self._say(f"    NOT MET {one}")
        if world.is_paced and not unmet and not isinstance(step.action, Repeat):
            self._say("    as expected")

    def _unmet(self, step: Step) -> Iterator[Unmet]:
        finder = Finder(self._world, self._deeds.result)
        for key, expected in step.expect.items():
            try:
                found = finder.find(key)
            except RmfsError as error:
                yield Unmet(step.place, key, _shown(expected), str(error))
                continue
            if not is_met(key, expected, found):
                yield Unmet(step.place, key, _shown(expected), _shown(found))
        result = self._deeds.result
        if result.refusal is not None and "refused" not in step.expect:
            found = f"{result.refusal.code} {result.refusal.words}"
            yield Unmet(step.place, "refused", "nothing", found)
        if result.error is not None and "fails" not in step.expect:
            yield Unmet(step.place, "fails", "nothing", result.error)
        if result.cut and step.expect.get("power") != "off":
            yield Unmet(step.place, "power", "on", "a power cut")

    def _tell(self, step: Step) -> None:
        moment = self._world.wall.utc().astimezone(INDIA)
        said = f": {step.say}" if step.say else ""
        verb = step.verb or "expect"
        self._say(f"{moment:%Y-%m-%d %H:%M:%S}  {step.place} {verb}{said}")

    def _tell_result(self) -> None:
        result = self._deeds.result
        if result.done > 1:
            self._say(f"    {result.done} done")
        if result.report is not None:
            self._say(f"    {result.report.outcome.value}")
        if result.pin is not None:
            self._say(f"    {result.pin.verdict.words}")
        if result.refusal is not None:
            self._say(f"    {result.refusal.code} {result.refusal.words}")
        if result.error is not None:
            self._say(f"    {result.error}")
        if result.cut:
            self._say("    the power fails")

    def _note_reached(self) -> None:
        result, machine = self._deeds.result, self._world.machine
        told: list[Any] = [result.refusal, result.meanwhile]
        told += [*machine.faults, *self._world.failed_parts]
        if result.pin is not None:
            told.append(result.pin.verdict)
        self._played.reached |= {
            reached_name(one) for one in told if isinstance(one, Coded)
        }

    def _repeat(self, action: Repeat) -> None:
        outer = self._happenings.turn
        began = self._world.wall.utc()
        for turn in range(1, action.times + 1):
            if action.every is not None:
                moment = began + action.every * (turn - 1)
                if not self._wait_until(moment, f"turn {turn}"):
                    return
            self._happenings.turn = turn
            self._take_all(action.steps)
            if self._has_ended:
                return
        self._happenings.turn = outer
        self._deeds.result = StepResult()


def _shown(value: Any) -> str:
    """Show a value to people; refusals by name, so that they can be copied."""
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_shown(one) for one in value) + "]"
    if isinstance(value, Coded):
        return value.name
    if value is None:
        return "nothing"
    if isinstance(value, NextWorkingDay):
        return spelled(value)
    return str(value)
