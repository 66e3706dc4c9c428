"""A machine on the stand: its plug, its panel, its paper, and what it tells.

All of it is used in the machine's thread; `Plug.pull` and `MachineThread.stop_reactor`
are the two things that another thread may do. Every task goes through `do`, which sees
afterwards whether the power has failed in it, and tells what has become different.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any, Final, TypeVar

from fm_device.control.plug import Plug, PluggedPrinter
from fm_device.control.problems import (
    ControlRefusal,
    ProblemError,
    problem_of,
)
from fm_device.dial_in import DialInReport, OnProgress
from fm_device.firmware.boot import BootState, Start
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.dialling import DialPlan, DialRefusal
from fm_device.firmware.event_words import event_facts
from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.printing import MemoryPrinter
from fm_device.flash.events import EventLog
from fm_device.panel.driver import Panel
from fm_device.panel.keys import DialBegan, News, PanelEvent
from fm_device.presets import Preset, apply_preset, check_test_realm, realm_of
from fm_device.program import Hold, OnFrame, run_dial_in
from fm_device.show import printed_as_json, report_as_json, show_progress
from hw.clock import WallClock
from hw.lines.strings import LineAddress
from hw.nvram import Nvram, PowerCutError
from hw.scales.port import Scale
from protocol.dialogue.machine import Request
from protocol.errors import RmfsError
from protocol.link import Direction
from protocol.registers import RequestKind
from protocol.values import Paise

Publish = Callable[[str, dict[str, Any]], None]
_T = TypeVar("_T")

DIAL_INS_KEPT: Final = 64
PROGRESS_KEPT: Final = 256
KEYS_KEPT: Final = 1_024


class DialState(Enum):
    """How far a dial-in is."""

    RUNNING = "running"
    ENDED = "ended"
    """There is a report."""
    FAILED = "failed"
    """The machine itself has stopped it, or somebody else; the words say why."""


@dataclass(frozen=True, slots=True)
class DialTask:
    """A dial-in that was begun at this port.

    Attributes:
        number: From 1 since the port was opened.
        kind: What was asked for.
        amount_paise: How much.
        line: Where, as a line string.
        attempts: How often at most.
        notice: What the operator was told before.
        state: How far it is.
        progress: What has happened, oldest first; the last `PROGRESS_KEPT`.
        report: How it ended, as `rmfs machine dial --json` says it.
        words: Why there is no report.
    """

    number: int
    kind: str
    amount_paise: int
    line: str
    attempts: int
    notice: str
    state: DialState = DialState.RUNNING
    progress: tuple[str, ...] = ()
    report: dict[str, Any] | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class DialWish:
    """What a dial-in is to do; None for the line is that of the port."""

    kind: RequestKind
    amount_paise: Paise
    line: LineAddress | None
    attempts: int


class Stand:
    """A machine at a test rig.

    Attributes:
        machine: The machine; a new one after the power has failed.
        panel: Its panel.
        plug: Its power.
        scale: Whatever weighs.
        printed: What came out of the printer last, power cuts notwithstanding.
    """

    def __init__(
        self,
        memories: tuple[Nvram, Nvram],
        battery: WallClock,
        scale: Scale,
        sensors: Sensors,
        *,
        line: LineAddress | None,
        hold: Hold,
        start: Callable[[Callable[[], None]], object],
        publish: Publish,
    ) -> None:
        """Put a machine on the stand; it is off.

        Args:
            memories: Those of the PSD and of the firmware.
            battery: The battery clock.
            scale: Whatever weighs.
            sensors: What is around the machine.
            line: Where it dials in, or None.
            hold: Has the reactor of a dial-in while it runs.
            start: Runs a long task after the one that is being done.
            publish: Told what happens.
        """
        self.plug = Plug(*memories)
        self.scale = scale
        self.printed: Printed | None = None
        self._memories = memories
        self._battery = battery
        self._line = line
        self._hold = hold
        self._start = start
        self._publish = publish
        self._dial_ins: OrderedDict[int, DialTask] = OrderedDict()
        self._last_dial_in = 0
        self._dialling: int | None = None
        self._answered: OrderedDict[str, tuple[str, dict[str, Any] | RmfsError]] = (
            OrderedDict()
        )
        self._told: dict[str, Any] = {}
        self._logged = 0
        with suppress(RmfsError):
            self._logged = EventLog(memories[1]).last_number
        self.machine = self._made(sensors)
        self.panel = Panel(self.machine, self._dial)

    # Tasks.

    def do(self, task: Callable[["Stand"], _T], *, changes: bool) -> _T:
        """Do one task of a request.

        Args:
            task: What is done.
            changes: Whether it changes the machine, which a dial-in forbids.

        Raises:
            RmfsError: It is not possible, or the machine has failed.
        """
        if changes and self._dialling is not None:
            raise ProblemError(
                DialRefusal.ALREADY_DIALLING, dial_in=str(self._dialling)
            )
        try:
            return task(self)
        finally:
            self._see(changed=changes)

    def once(
        self, key: str | None, asked: str, task: Callable[[], dict[str, Any]]
    ) -> tuple[dict[str, Any], bool]:
        """Do something once for each key, however often it is asked for.

        What was refused has not happened, and may be asked for again with its key. What
        the power has cut may have happened: it is not done a second time. Keys are kept
        in memory alone, the last `KEYS_KEPT` of them.

        Args:
            key: Of the client, or None: done every time.
            asked: What was asked for; a key goes with one request.
            task: What is done.

        Returns:
            What was answered, and whether that was before.

        Raises:
            ProblemError: The key was used for another request.
        """
        if key is None:
            return task(), False
        before = self._answered.get(key)
        if before is not None:
            if before[0] != asked:
                raise ProblemError(ControlRefusal.KEY_USED)
            if isinstance(before[1], RmfsError):
                raise before[1]
            return before[1], True
        try:
            answer = task()
        except ProblemError:
            raise
        except RmfsError as error:
            self._answer(key, asked, problem_of(error))
            raise
        self._answer(key, asked, answer)
        return answer, False

    def _answer(self, key: str, asked: str, answer: dict[str, Any] | RmfsError) -> None:
        self._answered[key] = (asked, answer)
        if len(self._answered) > KEYS_KEPT:
            self._answered.popitem(last=False)

    # Power.

    @property
    def is_on(self) -> bool:
        """Whether it is switched on, be its memory beyond repair."""
        return self.machine.boot is not BootState.OFF

    def switch_on(self) -> Start | None:
        """Switch on; None when it is on already."""
        if self.is_on:
            return None
        start = self.machine.switch_on()
        self.panel = Panel(self.machine, self._dial)
        return start

    def switch_off(self) -> None:
        """Switch off in order."""
        self.machine.switch_off()
        self.panel = Panel(self.machine, self._dial)

    def apply(self, preset: Preset) -> None:
        """Bring the machine into a situation; it is off before and after.

        Raises:
            ProblemError: It is on.
            PresetError: It is not of the realm TEST, or cannot be brought there.
        """
        if self.is_on:
            raise ProblemError(ControlRefusal.ON)
        apply_preset(self._memories[0], preset, self._battery.now())

    def check_test_realm(self) -> None:
        """Go on only with a machine to try things with.

        Raises:
            ProblemError: It is another one.
        """
        is_on = self.machine.is_on
        try:
            check_test_realm(
                self.machine.psd.server.realm if is_on else realm_of(self._memories[0])
            )
        except RmfsError as error:
            raise ProblemError(ControlRefusal.PRODUCTION) from error

    def image(self) -> tuple[bytes, bytes]:
        """Copy both memories, keys included.

        Raises:
            ProblemError: The machine is not of the realm TEST.
        """
        self.check_test_realm()
        nvram, flash = self._memories
        return nvram.read(0, nvram.size_octets), flash.read(0, flash.size_octets)

    # Panel and dial-ins.

    def press(self, key: PanelEvent) -> DialTask | None:
        """Press a key; gives the dial-in that begins with it."""
        plan = self.panel.press(key)
        if plan is None:
            return None
        return self._begun(plan, self._line, 1)

    def plan(self, wish: DialWish) -> DialTask:
        """Begin a dial-in; it runs after the task that begins it.

        Raises:
            ProblemError: The machine refuses, or there is no line.
        """
        line = wish.line or self._line
        if line is None:
            raise ProblemError(ControlRefusal.NO_LINE)
        plan = self.machine.calls.plan(wish.kind, wish.amount_paise)
        if not isinstance(plan, DialPlan):
            raise ProblemError(plan)
        # Whatever stood on the display gives way: nobody at the panel began this.
        self.panel = Panel(self.machine, self._dial)
        self.panel.hear(DialBegan(plan.notice))
        return self._begun(plan, line, wish.attempts)

    def _begun(
        self, plan: DialPlan, line: LineAddress | None, attempts: int
    ) -> DialTask:
        self._last_dial_in += 1
        request = plan.request
        task = DialTask(
            self._last_dial_in,
            request.kind.name,
            request.amount_paise,
            "" if line is None else str(line),
            attempts,
            plan.notice,
        )
        self._dialling = task.number
        self._plan = plan, line
        self._keep(task)
        self._start(self.run)
        return task

    def run(self) -> None:
        """Carry out the dial-in that was begun, to its end."""
        if self._dialling is None:
            return
        try:
            # What stops the machine itself is in the task already.
            with suppress(RmfsError):
                self.panel.dial(self._plan[0], self._hear)
        finally:
            number, self._dialling = self._dialling, None
            task = self._dial_ins[number]
            if task.state is DialState.RUNNING:
                self._keep(replace(task, state=DialState.FAILED, words="not begun"))
            self._see(changed=True)

    def dial_in(self, number: int) -> DialTask:
        """Find a dial-in.

        Raises:
            ProblemError: There is none of this number, or it was too long ago.
        """
        if number not in self._dial_ins:
            raise ProblemError(ControlRefusal.NO_DIAL_IN)
        return self._dial_ins[number]

    @property
    def dial_ins(self) -> tuple[DialTask, ...]:
        """The dial-ins that are kept, oldest first."""
        return tuple(self._dial_ins.values())

    @property
    def dialling(self) -> int | None:
        """Number of the dial-in that is running, or None."""
        return self._dialling

    def _dial(
        self, request: Request, on_progress: OnProgress, on_frame: OnFrame
    ) -> DialInReport:
        """Be the panel's line."""
        task = self._dial_ins[self._dialling or 0]
        line = self._plan[1]

        def tell_frame(direction: Direction, octets: bytes) -> None:
            way = "machine" if direction is Direction.SENT else "server"
            self._publish(
                "frame",
                {"dial_in": str(task.number), "from": way, "octets": octets.hex()},
            )
            on_frame(direction, octets)

        try:
            self.plug.check()
            if line is None:
                raise ProblemError(ControlRefusal.NO_LINE)
            report = run_dial_in(
                self.machine.psd,
                request,
                line,
                attempts=task.attempts,
                clock=self._battery,
                capture=None,
                on_progress=lambda event: self._move(
                    show_progress(event), lambda: on_progress(event)
                ),
                on_frame=tell_frame,
                signals=False,
                hold=self._hold,
            )
            # Whoever has lost the power has no report to give.
            self.plug.check()
        except RmfsError as error:
            found = self._dial_ins[task.number]
            self._keep(replace(found, state=DialState.FAILED, words=str(error)))
            if not isinstance(error, PowerCutError):
                with suppress(RmfsError):
                    self.machine.psd.hang_up()
            raise
        ended = replace(
            self._dial_ins[task.number],
            state=DialState.ENDED,
            report=report_as_json(report),
        )
        self._keep(ended)
        return report

    def _move(self, words: str, tell: Callable[[], None]) -> None:
        task = self._dial_ins[self._dialling or 0]
        progress = (*task.progress, words)[-PROGRESS_KEPT:]
        self._dial_ins[task.number] = replace(task, progress=progress)
        self._publish("progress", {"dial_in": str(task.number), "words": words})
        tell()

    def _hear(self, news: News) -> None:
        self.panel.hear(news)

    def _keep(self, task: DialTask) -> None:
        self._dial_ins[task.number] = task
        if len(self._dial_ins) > DIAL_INS_KEPT:
            self._dial_ins.popitem(last=False)
        told = {"dial_in": str(task.number), "state": task.state.value}
        self._publish("dial-in", {**told, "report": task.report, "words": task.words})

    # What has become different.

    def _made(self, sensors: Sensors) -> Machine:
        printer = PluggedPrinter(self.plug, MemoryPrinter())
        return Machine(
            Parts(self.plug.nvram, self.plug.flash, self._battery, self.scale, printer),
            sensors,
        )

    def look(self) -> None:
        """Let the panel look at the machine, which weighs; a dial-in shows itself."""
        if self._dialling is None:
            # Whatever fails here fails again, and is told, when it is asked for.
            with suppress(RmfsError):
                self.panel.look()

    def _see(self, *, changed: bool) -> None:
        if self._dialling is None and self.plug.is_cut:
            self._fall()
        elif changed:
            self.look()
        self._tell()

    def _fall(self) -> None:
        """Be what is left of a machine whose power has failed: memories and sensors."""
        place, self.plug.armed = self.plug.armed, None
        self.machine = self._made(self.machine.sensors)
        self.plug.put_in()
        self.panel = Panel(self.machine, self._dial)
        self._publish("power", {"cut_at": "now" if place is None else place.value})

    def _tell(self) -> None:
        machine = self.machine
        last = machine.franking.last
        if last is not None and last is not self.printed:
            self.printed = last
            self._publish("frank", printed_as_json(last))
        with suppress(RmfsError):
            self._tell_log()
        state = self.state
        if state != self._told:
            self._told = state
            self._publish("state", state)

    def _tell_log(self) -> None:
        if not self.machine.is_on:
            return
        log = self.machine.log
        for event in reversed(log.entries(max(0, log.last_number - self._logged))):
            self._publish("log", asdict(event_facts(event)))
        self._logged = log.last_number

    @property
    def state(self) -> dict[str, Any]:
        """Say in few words where the machine stands; it may have failed altogether."""
        machine = self.machine
        found: dict[str, Any] = {
            "power": "on" if self.is_on else "off",
            "boot": machine.boot.name,
            "state": None,
            "registers": None,
            "faults": [],
            "dial_in": None if self._dialling is None else str(self._dialling),
        }
        with suppress(RmfsError):
            psd = machine.psd
            registers = psd.record.registers
            found |= {
                "state": psd.state.name,
                "registers": {
                    "ascending_paise": registers.ascending_paise,
                    "descending_paise": registers.descending_paise,
                    "control_total_paise": registers.control_total_paise,
                    "items": registers.items,
                    "items_with_zero": registers.items_with_zero,
                },
                "faults": [fault.code for fault in machine.faults],
            }
        return found
