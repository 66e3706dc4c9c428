"""Weeks of a rehearsal, day by day and window by window.

Each working day: licensees pay; in every window the gateway makes its files, each maker
exchanges its own, and the gateway looks round at the end; between the windows machines
frank and dial. At 22:00 the bank's files are taken, and at night the jobs run.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.registered import SOURCES
from dop_gateway.licences.model import Licence
from dop_gateway.simulators.bank import PaidIn
from fm_device.model import MODEL
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from protocol.calendar import shipped_calendar
from protocol.dialogue.machine import Outcome
from protocol.parameters import INDIA
from protocol.values import LicenceIdentifier, Paise
from rmfs_tools.rehearsal.bank import RehearsedBank, bank_in_memory
from rmfs_tools.rehearsal.crossing import Crossing
from rmfs_tools.rehearsal.department import Department, department_in
from rmfs_tools.rehearsal.maker import Maker, maker_in
from rmfs_tools.rehearsal.mistakes import Mistake
from rmfs_tools.rehearsal.plan import CALM, Plan, draw_plan
from rmfs_tools.rehearsal.striking import Striking, mistake_of_bank
from rmfs_tools.simulation.dice import Dice

LETTERS: Final = ("N", "P")
WINDOWS: Final = (time(9, 30), time(13, 30), time(16, 30))
_IN_WINDOW: Final = timedelta(minutes=10)
_END: Final = timedelta(minutes=30)
_NIGHT: Final = time(22, 0)
_FIRST_NUMBER: Final = 100_001
_FIRST_PAISE: Final = Paise(500_000)
_LATER_PAISE: Final = Paise(300_000)
_LOW_PAISE: Final = 100_000
_PAYS_AGAIN: Final = 0.02
_PAYMENTS_LEAST: Final = 3
"""On a working day: a bank makes mistakes with payments."""
_DIALS: Final = 0.1
"""Of all machines, before each window."""


@dataclass
class Played:
    """What a rehearsal has done so far."""

    days: int = 0
    working_days: int = 0
    dial_ins: int = 0
    failed_dial_ins: int = 0
    franks: int = 0
    deposits: int = 0
    deposited_paise: int = 0
    downloaded_paise: int = 0
    files: int = 0


@dataclass
class Rehearsal:
    """Everybody, and the time that they live in."""

    department: Department
    bank: RehearsedBank
    makers: list[Maker]
    striking: dict[str, Striking]
    clock: MemoryWallClock
    dice: Dice
    licences: dict[LicenceIdentifier, Licence] = field(default_factory=dict)
    played: Played = field(default_factory=Played)
    mistakes: list[Mistake] = field(default_factory=list)
    _paid: set[LicenceIdentifier] = field(default_factory=set)
    _to_pay: list[LicenceIdentifier] = field(default_factory=list)

    def at(self, day: date, of_day: time) -> None:
        """Let the time come."""
        self.clock.set(datetime.combine(day, of_day, INDIA))

    def issue(self, machines: int, progress: Callable[[str], None]) -> None:
        """Have machines made and licences issued."""
        divisions = self.department.divisions
        for number in range(machines):
            maker = self.makers[number % len(self.makers)]
            division = divisions[number % len(divisions)]
            offices = self.department.offices_of(division)
            office = offices[(number // len(divisions)) % len(offices)]
            identifier, papers = maker.make_machine(
                _FIRST_NUMBER + number // len(self.makers), int(office.pin or "560001")
            )
            licence = self.department.issue(
                identifier, papers, f"Licensee {number + 1}", office, division
            )
            maker.enrol(licence)
            self.licences[identifier] = licence
            self._to_pay.append(identifier)
            if (number + 1) % 200 == 0:
                progress(f"{number + 1} of {machines} licences issued")

    def day(self, day: date, plan: Plan = CALM) -> None:
        """Let a day go by, with what goes wrong on it."""
        works = shipped_calendar().is_working_day(day)
        number = self.played.working_days
        self.at(day, time(8, 0))
        self.department.run_jobs()
        if works:
            for window, start in enumerate(WINDOWS):
                self._dial_ins(day, start)
                self._window(day, window, start, plan)
            self.played.working_days += 1
        self.at(day, time(21, 30))
        faults = [plan.evenings[number]] if works and number in plan.evenings else []
        made = self.bank.close_day(day, self._payments(works=works), faults)
        self.mistakes += [mistake_of_bank(one) for one in made.injected]
        self.at(day, _NIGHT)
        self.bank.fetched(day)
        self.at(day, time(23, 30))
        self.department.run_jobs()
        self.played.days += 1

    def _window(self, day: date, window: int, start: time, plan: Plan) -> None:
        begins = datetime.combine(day, start, INDIA)
        self.clock.set(begins)
        self.department.run_jobs()
        self.clock.set(begins + _IN_WINDOW)
        for maker in self.makers:
            strike = plan.windows.get((self.played.working_days, window, maker.letter))
            striking = self.striking[maker.letter]
            striking.begin(day, window + 1, strike)
            done = maker.dial_department(striking.crossing)
            self.mistakes += striking.struck()
            if done is not None:
                self.played.files += len(done.judged) + len(done.handed)
        self.clock.set(begins + _END)
        self.department.run_jobs()

    def _dial_ins(self, day: date, before: time) -> None:
        """Let machines frank and dial before a window, some of them."""
        self.clock.set(datetime.combine(day, before, INDIA) - _END)
        for maker in self.makers:
            for licence in maker.fleet.licences:
                if self.dice.happens(_DIALS):
                    self._dial_in(maker, licence)

    def _dial_in(self, maker: Maker, licence: LicenceIdentifier) -> None:
        registers = maker.fleet.machine(licence).record.registers
        for _ in range(3):
            maker.fleet.frank(licence, 500 * self.dice.between(1, 40), 3)
        low = registers.descending_paise < _LOW_PAISE
        amount = 200_000 if low else 0
        report = maker.fleet.dial(licence, amount)
        self.played.dial_ins += 1
        if report.outcome not in {Outcome.CONFIRMED, Outcome.INSPECTED}:
            self.played.failed_dial_ins += 1
        before = report.before.control_total_paise
        self.played.downloaded_paise += report.after.control_total_paise - before

    def _payments(self, *, works: bool) -> Iterator[PaidIn]:
        if not works:
            return
        paying, self._to_pay = self._to_pay, []
        again = sorted(self._paid)
        paying += [one for one in again if self.dice.happens(_PAYS_AGAIN)]
        while again and len(paying) < _PAYMENTS_LEAST:
            paying.append(self.dice.one_of(again))
        for identifier in paying:
            licence = self.licences[identifier]
            first = identifier not in self._paid
            self._paid.add(identifier)
            amount = _FIRST_PAISE if first else _LATER_PAISE
            self.played.deposits += 1
            self.played.deposited_paise += amount
            yield PaidIn(identifier, licence.number, licence.holder.name, amount)


@contextmanager
def rehearsal_in(folder: Path, seed: int, began: date) -> Iterator[Rehearsal]:
    """Found a gateway, two makers and a bank in a folder."""
    clock = MemoryWallClock(datetime.combine(began, time(7, 0), INDIA))
    with ExitStack() as stack:
        entropy = SeededEntropy(f"rehearsal {seed}".encode())
        department = stack.enter_context(
            department_in(folder / "gateway", clock, entropy)
        )
        bank = bank_in_memory(department, seed)
        made: list[Maker] = []
        striking = {}
        exchange = department.parts.exchange
        for letter in LETTERS:
            maker = stack.enter_context(maker_in(folder, letter, clock, seed))
            key_id = department.add_maker(
                letter, MODEL, maker.keys.maker.public, maker.files_key.public
            )
            maker.know(key_id, exchange.key_id, exchange.key.public)
            made.append(maker)
            drop = Drop(department.parts, SOURCES, letter)
            striking[letter] = Striking(maker, Crossing(drop))
        dice = Dice(seed)
        yield Rehearsal(department, bank, made, striking, clock, dice)


@dataclass(frozen=True, slots=True)
class Span:
    """What is rehearsed.

    Attributes:
        machines: Of both makers together.
        days: Of the calendar; files go on those that are worked.
        seed: Decides what is paid, franked and goes wrong.
        began: The first day.
    """

    machines: int
    days: int
    seed: int
    began: date

    def dates(self) -> list[date]:
        """List the days."""
        return [self.began + timedelta(days=number) for number in range(self.days)]


@contextmanager
def play(
    folder: Path, span: Span, progress: Callable[[str], None]
) -> Iterator[Rehearsal]:
    """Rehearse some days in an empty folder, and leave everything open to look at."""
    calendar = shipped_calendar()
    worked = sum(calendar.is_working_day(day) for day in span.dates())
    plan = draw_plan(worked, LETTERS, span.seed)
    with rehearsal_in(folder, span.seed, span.began) as rehearsal:
        rehearsal.issue(span.machines, progress)
        for day in span.dates():
            rehearsal.day(day, plan)
            done = rehearsal.played
            progress(
                f"{day}: {done.dial_ins} dial-ins, {done.files} files, "
                f"{len(rehearsal.mistakes)} mistakes so far"
            )
        yield rehearsal
