"""A panel on a machine: wishes are carried out, and what became of them is heard.

`Panel` is driven by one thread at a time, as its machine is. A dial-in lasts: `press`
gives its plan, and whoever drives the panel runs `dial` with it, in a thread if there
is something to be drawn meanwhile, and hands every piece of news to `hear`. Until then
keys come through `press` as ever: the table gives them nothing to wish for.

A run of franks lasts too: while `runs` says so, whoever drives the panel calls `go_on`
for every item, and lets keys through between two of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from fm_device.dial_in import DialInReport, OnProgress
from fm_device.firmware.dialling import DialPlan
from fm_device.firmware.machine import Machine
from fm_device.firmware.reporting import report
from fm_device.panel.actions import carry_out, refused
from fm_device.panel.choices import Screen
from fm_device.panel.facts import Facts, facts_of
from fm_device.panel.frames import describe_frame
from fm_device.panel.keys import (
    DialBegan,
    DialEnded,
    DialMoved,
    FramePassed,
    News,
    NextItem,
    PanelEvent,
    Started,
    Told,
)
from fm_device.panel.screens import press
from fm_device.panel.state import PanelState
from fm_device.panel.view import PanelView, view
from fm_device.panel.wishes import (
    Dial,
    PrintReport,
    Wish,
)
from fm_device.program import OnFrame
from fm_device.reports.document import Report
from fm_device.show import show_progress, show_report
from protocol.dialogue.machine import Request
from protocol.errors import RmfsError
from protocol.link import Direction

Tell = Callable[[News], None]

_NO_LINE: Final = Told("NO LINE: start the panel with --line to dial in")


class Line(Protocol):
    """Where a panel dials in: runs one dial-in to its end."""

    def __call__(
        self, request: Request, on_progress: OnProgress, on_frame: OnFrame
    ) -> DialInReport:
        """Dial in and wait for the end.

        Raises:
            RmfsError: What stopped the machine itself.
        """


@dataclass(frozen=True, slots=True)
class Paper:
    """A report that came out of the machine's printer."""

    name: str
    reports: tuple[Report, ...]


class Panel:
    """A panel, and the machine behind it.

    Attributes:
        machine: The machine.
        state: What the panel remembers.
        facts: What the machine showed of itself last.
        paper: The report printed last, or None.
    """

    def __init__(self, machine: Machine, line: Line | None = None) -> None:
        """Stand before a machine that may be on or off."""
        self.machine = machine
        self.paper: Paper | None = None
        self._line = line
        self.facts = self._look()
        self.state = PanelState()
        if machine.is_on:
            self.hear(Started())

    @property
    def view(self) -> PanelView:
        """What is to be seen now."""
        return view(self.state, self.facts)

    def press(self, event: PanelEvent) -> DialPlan | None:
        """Press a key: do what it wishes, and hear what became of it.

        Returns:
            The plan of a dial-in that begins with it, for `dial`.
        """
        self.state, wishes = press(self.state, event, self.facts)
        plan = None
        for wish in wishes:
            plan = self._carry_out(wish) or plan
        return plan

    def hear(self, news: News) -> None:
        """Hear news of a dial-in."""
        self.press(news)

    @property
    def runs(self) -> bool:
        """Whether a run of franks is under way."""
        return self.state.screen is Screen.RUNNING

    def go_on(self) -> bool:
        """Frank the next item of the run that is under way.

        Returns:
            Whether there is another one: keys may stop it before.
        """
        if self.runs:
            self.press(NextItem())
        return self.runs

    def look(self) -> None:
        """Look at the machine anew; not while it dials."""
        self.facts = self._look()

    def dial(self, plan: DialPlan, tell: Tell) -> None:
        """Run a dial-in to its end.

        Args:
            plan: What `press` gave.
            tell: Told all news in order; it hands them to `hear`, in whatever thread.
        """
        if self._line is None:
            return

        def on_frame(direction: Direction, octets: bytes) -> None:
            sent = direction is Direction.SENT
            tell(FramePassed(sent, describe_frame(octets)))

        try:
            done = self._line(
                plan.request,
                lambda event: tell(DialMoved(show_progress(event))),
                on_frame,
            )
            self.machine.calls.done(done)
            # The last line counts octets; the frames beside the display show them.
            lines = tuple(show_report(done)[:-1])
        except RmfsError as error:
            lines = (str(error),)
        self.look()
        tell(DialEnded(lines))

    def _look(self) -> Facts:
        return facts_of(self.machine, with_line=self._line is not None)

    def _carry_out(self, wish: Wish) -> DialPlan | None:
        """Carry out one wish; what the machine itself fails at is told, not raised."""
        try:
            if isinstance(wish, Dial):
                return self._plan(wish)
            if isinstance(wish, PrintReport):
                news: News | None = self._print(wish)
            else:
                news = carry_out(self.machine, wish)
        except RmfsError as error:
            news = Told(str(error))
        self.look()
        if news is None:
            return None
        return self.press(news)

    def _plan(self, wish: Dial) -> DialPlan | None:
        if self._line is None:
            self.press(_NO_LINE)
            return None
        plan = self.machine.calls.plan(wish.kind, wish.amount_paise)
        if not isinstance(plan, DialPlan):
            self.press(refused(plan, wish))
            return None
        self.press(DialBegan(plan.notice))
        return plan

    def _print(self, wish: PrintReport) -> News:
        made = report(self.machine, wish.name.key, by_total=wish.by_total)
        if not isinstance(made, tuple):
            return refused(made, wish)
        self.paper = Paper(wish.name.words, made)
        return Told(f"PRINTED: {wish.name.words}")
