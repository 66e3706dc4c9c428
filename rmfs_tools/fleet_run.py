"""Running a fleet: every machine takes its turn, in one process with one reactor.

A turn is a working day: dial in if the machine was never in service, frank the day's
mail, dial in again, and ask for money when it runs low. A machine is switched on for
its turn alone, and at most so many turns go on at once, so that a fleet of any size
needs few files and few lines.

In real time a day of the fleet is laid over the seconds that the run may take;
`fleet_simulated` lets its days go by in virtual time.
"""

from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import (
    Deferred,
    DeferredSemaphore,
    gatherResults,
    inlineCallbacks,
)
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from fm_device.dial_in import DialInReport
from fm_device.firmware.dialling import DialPlan
from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine
from fm_device.folder import open_machine
from fm_device.program import dial_repeatedly
from fm_device.psd.franking import FrankRefusal
from hw.clock import SystemWallClock, WallClock
from hw.lines.build import build_dialler
from hw.lines.port import Dialler
from hw.lines.strings import LineAddress
from hw.reactor import MonotonicReactor
from hw.scales.simulated import SimulatedScale
from protocol.dialogue.machine import Outcome
from protocol.errors import LinkDownError, RmfsError
from protocol.parameters import business_date
from protocol.registers import MachineState, RequestKind
from protocol.values import LicenceIdentifier, Paise, show_rupees
from rmfs_tools.fleet import FleetPlan, Member
from rmfs_tools.fleet_folder import read_fleet
from rmfs_tools.parties import run_on_a_reactor

OnWord = Callable[[str], None]

AT_ONCE: Final = 16
"""Turns that go on at once: each has a line and three open files."""
ATTEMPTS: Final = 3
_ITEMS_A_STEP: Final = 20
"""So many franks, and then the lines of others get their time."""
_GOOD: Final = frozenset({Outcome.CONFIRMED, Outcome.INSPECTED})


@dataclass
class FleetSummary:
    """What a fleet did.

    Attributes:
        machines: How many machines had a turn, whatever came of it.
        turns: How many turns there were.
        franks: Items that were franked.
        franked_paise: Their postage.
        refused: Turns whose mail was not franked to the end, by the code that said so.
        dial_ins: Dial-ins that came to their end.
        recharged_paise: What they brought.
        failed: Dial-ins that did not, by outcome or code.
        errors: Turns that an error ended, by what it said.
    """

    machines: int = 0
    turns: int = 0
    franks: int = 0
    franked_paise: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    dial_ins: int = 0
    recharged_paise: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether all mail was franked, and every dial-in and turn came to its end."""
        return not (self.refused or self.failed or self.errors)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program; money in paise."""
        return asdict(self)

    def show(self) -> list[str]:
        """Tell a person."""
        franked, brought = Paise(self.franked_paise), Paise(self.recharged_paise)
        lines = [
            f"{self.machines} machines, {self.turns} working days",
            f"{self.franks} items franked, {show_rupees(franked)}",
            f"{self.dial_ins} dial-ins, {show_rupees(brought)} recharged",
        ]
        for words, counts in (
            ("mail not franked to the end", self.refused),
            ("dial-ins failed", self.failed),
            ("ended by an error", self.errors),
        ):
            lines += [f"{count} {words}: {why}" for why, count in counts.items()]
        return lines


class FleetRun:
    """Gives every machine of a fleet its turns."""

    def __init__(
        self,
        folder: Path,
        plan: FleetPlan,
        reactor: IReactorTime,
        clock: WallClock,
        dialler: Dialler,
        *,
        at_once: int = AT_ONCE,
        on_word: OnWord,
    ) -> None:
        """Join what a run needs.

        Args:
            folder: The fleet's.
            plan: What its file says.
            reactor: The time, real or virtual.
            clock: The battery clock of every machine.
            dialler: Makes their lines.
            at_once: How many turns may go on at once.
            on_word: Told of what goes on.
        """
        self.summary = FleetSummary()
        self._had_turns: set[LicenceIdentifier] = set()
        self._folder = folder
        self._plan = plan
        self._reactor = reactor
        self._clock = clock
        self._dialler = dialler
        self._places = DeferredSemaphore(at_once)
        self._say = on_word

    def day(self, number: int, wait_s: Callable[[Member], float]) -> "Deferred[None]":
        """Give every machine its turn of one day.

        Args:
            number: The ordinal of the Indian day: chooses the mail.
            wait_s: How long from now until the turn of a machine.
        """
        turns = [
            deferLater(
                self._reactor,
                max(0.0, wait_s(member)),
                self._places.run,
                self._turn,
                member,
                number,
            )
            for member in self._plan.members()
        ]
        whole: Deferred[Any] = gatherResults(turns)
        return whole.addCallback(_forget)

    @inlineCallbacks
    def _turn(self, member: Member, day: int) -> Generator[Deferred[Any], Any, None]:
        summary = self.summary
        summary.turns += 1
        self._had_turns.add(member.licence)
        summary.machines = len(self._had_turns)
        scale = SimulatedScale()
        try:
            with open_machine(
                self._folder / member.licence, self._clock, "fleet run", scale=scale
            ) as machine:
                if machine.psd.state is not MachineState.IN_SERVICE:
                    yield self._dial(member, machine)
                yield self._frank(member, machine, scale, day)
                if machine.psd.state is MachineState.IN_SERVICE:
                    yield self._dial(member, machine)
        except (RmfsError, OSError) as error:
            _count(summary.errors, str(error))
            self._say(f"{member.licence}: {error}")
            return
        self._say(f"{member.licence}: done; {summary.franks} items in the fleet so far")

    @inlineCallbacks
    def _frank(
        self, member: Member, machine: Machine, scale: SimulatedScale, day: int
    ) -> Generator[Deferred[Any], Any, None]:
        for number, item in enumerate(member.mail(day)):
            scale.put(item.grams)
            machine.franking.choose_class(item.product_class)
            if item.zone:
                machine.franking.choose_zone(item.zone)
            done = machine.franking.frank(confirmed=True)
            if done is FrankRefusal.FUNDS_SHORT:
                yield self._dial(member, machine)
                done = machine.franking.frank(confirmed=True)
            if not isinstance(done, Printed):
                _count(self.summary.refused, done.code)
                return
            self.summary.franks += 1
            self.summary.franked_paise += done.face.value_paise
            if number % _ITEMS_A_STEP == _ITEMS_A_STEP - 1:
                yield deferLater(self._reactor, 0, _nothing)

    @inlineCallbacks
    def _dial(
        self, member: Member, machine: Machine
    ) -> Generator[Deferred[Any], Any, None]:
        low = self._plan.recharge_below_paise
        wanted = machine.record.registers.descending_paise < low
        plan = (
            machine.calls.plan(RequestKind.RECHARGE, self._plan.recharge_paise)
            if wanted and self._plan.recharge_paise
            else machine.calls.plan(RequestKind.INSPECTION, Paise(0))
        )
        if not isinstance(plan, DialPlan):
            _count(self.summary.failed, plan.code)
            return
        report: DialInReport = yield dial_repeatedly(
            machine.psd,
            plan.request,
            self._dialler,
            self._reactor,
            attempts=ATTEMPTS,
        )
        machine.calls.done(report)
        if report.outcome not in _GOOD:
            _count(self.summary.failed, report.outcome.name)
            return
        self.summary.dial_ins += 1
        before = report.before.control_total_paise
        self.summary.recharged_paise += report.after.control_total_paise - before


def run_in_real_time(
    folder: Path, line: LineAddress, for_s: float, *, at_once: int, on_word: OnWord
) -> FleetSummary:
    """Lay one working day of a fleet over so many seconds.

    Raises:
        FleetError: The folder holds no fleet.
        LinkDownError: It was interrupted.
    """
    plan = read_fleet(folder)
    reactor = MonotonicReactor()
    run = FleetRun(
        folder,
        plan,
        reactor,
        SystemWallClock(),
        build_dialler(reactor, line),
        at_once=at_once,
        on_word=on_word,
    )
    day = business_date(SystemWallClock().now()).toordinal()

    def whole() -> "Deferred[None]":
        return run.day(day, lambda member: for_s * member.index / plan.count)

    if not run_on_a_reactor(reactor, whole):
        raise LinkDownError("interrupted: what is pending is asked for again next time")
    return run.summary


def _count(counts: dict[str, int], what: str) -> None:
    counts[what] = counts.get(what, 0) + 1


def _forget(_turns: Any) -> None:
    """Nobody needs what turns return."""


def _nothing() -> None:
    """Let others have their time."""
