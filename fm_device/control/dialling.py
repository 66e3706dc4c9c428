"""The dial-ins of a machine on the stand: each begins, lasts, and is told how it ends.

One runs at a time, as a task of its own in the machine's thread. The last 64 are kept,
so that whoever has begun one learns how it ended.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from fm_device.control.problems import ControlRefusal, ProblemError
from fm_device.control.stream import Publish
from fm_device.dial_in import DialInReport, OnProgress
from fm_device.firmware.dialling import DialPlan, DialRefusal
from fm_device.panel.keys import DialBegan
from fm_device.program import Hold, OnFrame, run_dial_in
from fm_device.show import report_as_json, show_progress
from hw.clock import WallClock
from hw.lines.strings import LineAddress
from hw.nvram import PowerCutError
from protocol.dialogue.machine import Request
from protocol.errors import RmfsError
from protocol.link import Direction
from protocol.registers import RequestKind
from protocol.values import Paise

if TYPE_CHECKING:
    from fm_device.control.stand import Stand

DIAL_INS_KEPT: Final = 64
PROGRESS_KEPT: Final = 256


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


class DialIns:
    """The dial-ins of one stand.

    Attributes:
        running: Number of the dial-in that is running, or None.
    """

    def __init__(
        self,
        stand: "Stand",
        *,
        line: LineAddress | None,
        clock: WallClock,
        hold: Hold,
        start: Callable[[Callable[[], None]], object],
        publish: Publish,
    ) -> None:
        """Belong to a stand.

        Args:
            stand: Whose machine dials.
            line: Where it dials in, or None.
            clock: The battery clock.
            hold: Has the reactor of a dial-in while it runs.
            start: Runs a long task after the one that is being done.
            publish: Told what happens.
        """
        self.running: int | None = None
        self._stand = stand
        self._line = line
        self._clock = clock
        self._hold = hold
        self._start = start
        self._publish = publish
        self._tasks: OrderedDict[int, DialTask] = OrderedDict()
        self._last = 0

    @property
    def kept(self) -> tuple[DialTask, ...]:
        """The dial-ins that are kept, oldest first."""
        return tuple(self._tasks.values())

    def find(self, number: int) -> DialTask:
        """Find a dial-in.

        Raises:
            ProblemError: There is none of this number, or it was too long ago.
        """
        if number not in self._tasks:
            raise ProblemError(ControlRefusal.NO_DIAL_IN)
        return self._tasks[number]

    def check_none(self) -> None:
        """Go on only while no dial-in runs.

        Raises:
            ProblemError: One does.
        """
        running = self.running
        if running is not None:
            raise ProblemError(DialRefusal.ALREADY_DIALLING, dial_in=str(running))

    def plan(self, wish: DialWish) -> DialTask:
        """Begin a dial-in; it runs after the task that begins it.

        Raises:
            ProblemError: The machine refuses, or there is no line.
        """
        line = wish.line or self._line
        if line is None:
            raise ProblemError(ControlRefusal.NO_LINE)
        plan = self._stand.machine.calls.plan(wish.kind, wish.amount_paise)
        if not isinstance(plan, DialPlan):
            raise ProblemError(plan)
        # Whatever stood on the display gives way: nobody at the panel began this.
        self._stand.new_panel()
        self._stand.panel.hear(DialBegan(plan.notice))
        return self._begun(plan, line, wish.attempts)

    def begin(self, plan: DialPlan) -> DialTask:
        """Begin a dial-in that a key of the panel has planned."""
        return self._begun(plan, self._line, 1)

    def _begun(
        self, plan: DialPlan, line: LineAddress | None, attempts: int
    ) -> DialTask:
        self._last += 1
        request = plan.request
        task = DialTask(
            self._last,
            request.kind.name,
            request.amount_paise,
            "" if line is None else str(line),
            attempts,
            plan.notice,
        )
        self.running = task.number
        self._plan = plan, line
        self._keep(task)
        self._start(self._run)
        return task

    def _run(self) -> None:
        """Carry out the dial-in that was begun, to its end."""
        if self.running is None:
            return
        panel = self._stand.panel
        try:
            # What stops the machine itself is in the task already.
            with suppress(RmfsError):
                panel.dial(self._plan[0], panel.hear)
        finally:
            number, self.running = self.running, None
            task = self._tasks[number]
            if task.state is DialState.RUNNING:
                self._keep(replace(task, state=DialState.FAILED, words="not begun"))
            self._stand.see(changed=True)

    def dial(
        self, request: Request, on_progress: OnProgress, on_frame: OnFrame
    ) -> DialInReport:
        """Be the panel's line.

        Raises:
            RmfsError: What stopped the machine itself.
        """
        task, plug = self._tasks[self.running or 0], self._stand.plug
        psd, line = self._stand.machine.psd, self._plan[1]

        def tell_frame(direction: Direction, octets: bytes) -> None:
            way = "machine" if direction is Direction.SENT else "server"
            self._publish(
                "frame",
                {"dial_in": str(task.number), "from": way, "octets": octets.hex()},
            )
            on_frame(direction, octets)

        try:
            plug.check()
            if line is None:
                raise ProblemError(ControlRefusal.NO_LINE)
            report = run_dial_in(
                psd,
                request,
                line,
                attempts=task.attempts,
                clock=self._clock,
                capture=None,
                on_progress=lambda event: self._move(
                    show_progress(event), lambda: on_progress(event)
                ),
                on_frame=tell_frame,
                signals=False,
                hold=self._hold,
            )
            # Whoever has lost the power has no report to give.
            plug.check()
        except RmfsError as error:
            found = self._tasks[task.number]
            self._keep(replace(found, state=DialState.FAILED, words=str(error)))
            if not isinstance(error, PowerCutError):
                with suppress(RmfsError):
                    psd.hang_up()
            raise
        ended = replace(
            self._tasks[task.number],
            state=DialState.ENDED,
            report=report_as_json(report),
        )
        self._keep(ended)
        return report

    def _move(self, words: str, tell: Callable[[], None]) -> None:
        task = self._tasks[self.running or 0]
        progress = (*task.progress, words)[-PROGRESS_KEPT:]
        self._tasks[task.number] = replace(task, progress=progress)
        self._publish("progress", {"dial_in": str(task.number), "words": words})
        tell()

    def _keep(self, task: DialTask) -> None:
        self._tasks[task.number] = task
        if len(self._tasks) > DIAL_INS_KEPT:
            self._tasks.popitem(last=False)
        told = {"dial_in": str(task.number), "state": task.state.value}
        self._publish("dial-in", {**told, "report": task.report, "words": task.words})
