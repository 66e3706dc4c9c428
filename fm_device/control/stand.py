"""A machine on the stand: its plug, its panel, its paper, and what it tells.

All of it is used in the machine's thread; `Plug.pull`, `MachineThread.stop_reactor` and
`Stand.stop_run` are the three things that another thread may do. Every task goes
through `do`, which sees afterwards whether the power has failed in it, and tells what
has become different.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from threading import Event
from typing import Any, TypeVar

from fm_device.control.dialling import DialIns, DialTask
from fm_device.control.once import Answers
from fm_device.control.plug import Plug, PluggedPrinter
from fm_device.control.problems import ControlRefusal, ProblemError, check
from fm_device.control.stream import Publish
from fm_device.firmware.boot import BootState, Start
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.event_words import event_facts
from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.new_flash import put_new_flash
from fm_device.firmware.printing import MemoryPrinter
from fm_device.firmware.refusals import Refusal
from fm_device.firmware.runs import Run, print_run
from fm_device.flash.events import EventLog
from fm_device.panel.driver import Panel
from fm_device.panel.keys import Clear, PanelEvent
from fm_device.presets import Preset, apply_preset, check_test_realm, realm_of
from fm_device.program import Hold
from fm_device.show import printed_as_json
from hw.clock import WallClock
from hw.lines.strings import LineAddress
from hw.nvram import Nvram
from hw.scales.port import Scale
from protocol.errors import RmfsError

_T = TypeVar("_T")


class Stand:
    """A machine at a test rig.

    Attributes:
        machine: The machine; a new one after the power has failed.
        panel: Its panel.
        plug: Its power.
        scale: Whatever weighs.
        printed: What came out of the printer last, power cuts notwithstanding.
        answers: What was done for which key.
        dial_ins: Its dial-ins.
    """

    def __init__(
        self,
        memories: tuple[Nvram, Nvram],
        battery: WallClock,
        scale: Scale,
        sensors: Sensors,
        *,
        renew_flash: Callable[[], Nvram],
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
            renew_flash: Gives an erased flash in place of the firmware's memory.
            line: Where it dials in, or None.
            hold: Has the reactor of a dial-in while it runs.
            start: Runs a long task after the one that is being done.
            publish: Told what happens.
        """
        self.plug = Plug(*memories)
        self.scale = scale
        self.printed: Printed | None = None
        self.answers = Answers()
        self.dial_ins = DialIns(
            self, line=line, clock=battery, hold=hold, start=start, publish=publish
        )
        self._memories = memories
        self._renew_flash = renew_flash
        self._battery = battery
        self._publish = publish
        self._start = start
        self._stop = Event()
        self._in_run = False
        self._told: dict[str, Any] = {}
        self._logged = 0
        with suppress(RmfsError):
            self._logged = EventLog(memories[1]).last_number
        self.machine = self._made(sensors)
        self.panel: Panel
        self.new_panel()

    # Tasks.

    def do(self, task: Callable[["Stand"], _T], *, changes: bool) -> _T:
        """Do one task of a request.

        Args:
            task: What is done.
            changes: Whether it changes the machine, which a dial-in forbids.

        Raises:
            RmfsError: It is not possible, or the machine has failed.
        """
        if changes:
            self.dial_ins.check_none()
        try:
            return task(self)
        finally:
            self.see(changed=changes)

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
        self.new_panel()
        return start

    def switch_off(self) -> None:
        """Switch off in order."""
        self.machine.switch_off()
        self.new_panel()

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

    def put_new_flash(self, *, meant: bool) -> None:
        """Put an erased flash in, as service does; the machine is on before and after.

        Args:
            meant: Whoever asks knows that the old one may be sound.

        Raises:
            ProblemError: The old one is sound.
            RmfsError: The machine is off, or there is no new one.
        """

        def take() -> Nvram:
            flash = self._renew_flash()
            self._memories = (self._memories[0], flash)
            self._logged = 0
            return self.plug.hang_flash(flash)

        check(put_new_flash(self.machine, take, meant=meant))
        self.new_panel()

    # Franks.

    def print_run(self, count: int, print_one: Callable[[], Printed | Refusal]) -> Run:
        """Print one item after the other, telling of each; `stop_run` ends it.

        Raises:
            RmfsError: The machine is off or has failed, or its power has.
        """
        self._stop.clear()

        def goes_on(_printed: Printed) -> bool:
            self._tell_frank()
            return not self._stop.is_set()

        return print_run(count, print_one, goes_on)

    def stop_run(self) -> None:
        """End a run before its next item; from any thread, without waiting."""
        self._stop.set()

    # Panel.

    def new_panel(self) -> None:
        """Let nothing stand on the display but what the machine shows by itself."""
        self.panel = Panel(self.machine, self.dial_ins.dial)

    def press(self, key: PanelEvent) -> DialTask | None:
        """Press a key; gives the dial-in that begins with it."""
        plan = self.panel.press(key)
        if self.panel.runs and not self._in_run:
            self._in_run = True
            self._stop.clear()
            self._start(self._run_on)
        return None if plan is None else self.dial_ins.begin(plan)

    def _run_on(self) -> None:
        """Frank one item of the panel's run; tasks that wait come before the next."""
        # What stops the machine itself stands on the panel.
        with suppress(RmfsError):
            self.do(lambda _stand: self._frank_next(), changes=True)
        self._in_run = self.panel.runs
        if self._in_run:
            self._start(self._run_on)

    def _frank_next(self) -> None:
        if self._stop.is_set() and self.panel.runs:
            self.panel.press(Clear())
        self.panel.go_on()

    # What has become different.

    def _made(self, sensors: Sensors) -> Machine:
        printer = PluggedPrinter(self.plug, MemoryPrinter())
        return Machine(
            Parts(self.plug.nvram, self.plug.flash, self._battery, self.scale, printer),
            sensors,
        )

    def look(self) -> None:
        """Let the panel look at the machine, which weighs; a dial-in shows itself."""
        if self.dial_ins.running is None:
            # Whatever fails here fails again, and is told, when it is asked for.
            with suppress(RmfsError):
                self.panel.look()

    def see(self, *, changed: bool) -> None:
        """See what has become different: whether the power has failed, and the rest."""
        if self.dial_ins.running is None and self.plug.is_cut:
            self._fall()
        elif changed:
            self.look()
        self._tell()

    def _fall(self) -> None:
        """Be what is left of a machine whose power has failed: memories and sensors."""
        place, self.plug.armed = self.plug.armed, None
        self.machine = self._made(self.machine.sensors)
        self.plug.put_in()
        self.new_panel()
        self._publish("power", {"cut_at": "now" if place is None else place.value})

    def _tell(self) -> None:
        self._tell_frank()
        with suppress(RmfsError):
            self._tell_log()
        state = self.state
        if state != self._told:
            self._told = state
            self._publish("state", state)

    def _tell_frank(self) -> None:
        last = self.machine.franking.last
        if last is not None and last is not self.printed:
            self.printed = last
            self._publish("frank", printed_as_json(last))

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
        machine, running = self.machine, self.dial_ins.running
        found: dict[str, Any] = {
            "power": "on" if self.is_on else "off",
            "boot": machine.boot.name,
            "state": None,
            "registers": None,
            "faults": [],
            "dial_in": None if running is None else str(running),
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
