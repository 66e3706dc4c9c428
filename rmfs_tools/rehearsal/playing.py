"""Weeks of a rehearsal, day by day and window by window.

Each working day: licensees pay, at the bank or at a counter; in every window the
gateway makes its files, each maker exchanges its own, and the gateway looks round at
the end; between the windows machines frank and dial. At 22:00 the files of the bank and
of the counters are taken, and at night the jobs run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.registered import SOURCES
from dop_gateway.licences.model import Licence
from fm_device.dial_in import DialInReport
from fm_device.model import MODEL
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from protocol.calendar import shipped_calendar
from protocol.dialogue.machine import Outcome
from protocol.parameters import INDIA
from protocol.values import LicenceIdentifier, Paise
from rmfs_tools.rehearsal.bank import RehearsedBank, bank_in_memory
from rmfs_tools.rehearsal.cheating import Cheating
from rmfs_tools.rehearsal.counters import Payer
from rmfs_tools.rehearsal.crossing import Crossing
from rmfs_tools.rehearsal.department import Department, department_in
from rmfs_tools.rehearsal.maker import Maker, maker_in
from rmfs_tools.rehearsal.mistakes import Mistake
from rmfs_tools.rehearsal.paying import Licensees
from rmfs_tools.rehearsal.plan import CALM, Plan, draw_plan
from rmfs_tools.rehearsal.post_offices import PostOffices
from rmfs_tools.rehearsal.striking import Striking, mistake_of_bank
from rmfs_tools.simulation.dice import Dice

LETTERS: Final = ("N", "P")
WINDOWS: Final = (time(9, 30), time(13, 30), time(16, 30))
_IN_WINDOW: Final = timedelta(minutes=10)
_END: Final = timedelta(minutes=30)
_COUNTERS_OPEN: Final = time(11, 0)
_COUNTERS_CLOSE: Final = time(18, 0)
_NIGHT: Final = time(22, 0)
LAST_WINDOW: Final = len(WINDOWS) - 1
"""Makers cheat in this one: the night looks at it before another file comes."""
_FIRST_NUMBER: Final = 100_001
_LOW_PAISE: Final = 100_000
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
    at_counters: int = 0
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
    post_offices: PostOffices
    licensees: Licensees
    cheating: dict[str, Cheating]
    clock: MemoryWallClock
    dice: Dice
    played: Played = field(default_factory=Played)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def licences(self) -> Mapping[LicenceIdentifier, Licence]:
        """Every licence that was issued."""
        return self.licensees.licences

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
            self.licensees.add(Payer(licence, office, division))
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
                if window == LAST_WINDOW:
                    self._prepare_cheats(plan)
                self._window(day, window, start, plan)
                if window == 0:
                    self.at(day, _COUNTERS_OPEN)
                    mistake = plan.counters.get(number)
                    paid = self.licensees.pay_at_counters(day, mistake)
                    self.played.at_counters += len(paid)
                    self._count(paid)
            self.at(day, _COUNTERS_CLOSE)
            self.post_offices.end(day)
            self.played.working_days += 1
        self.at(day, time(21, 30))
        faults = [plan.evenings[number]] if works and number in plan.evenings else []
        payments = self.licensees.pay_to_bank() if works else []
        self._count([one.amount_paise for one in payments])
        made = self.bank.close_day(day, payments, faults)
        self.mistakes += [mistake_of_bank(one) for one in made.injected]
        self.mistakes += self.post_offices.close_day(day)
        self.at(day, _NIGHT)
        self.bank.fetched(day)
        self.post_offices.fetched(day)
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
            cheating = self.cheating[maker.letter]
            if window == 0:
                cheating.tell_again(self.played.working_days)
            self.mistakes += cheating.before_session(self.played.working_days)
            done = maker.dial_department(striking.crossing)
            self.mistakes += striking.struck()
            if done is not None:
                self.played.files += len(done.judged) + len(done.handed)
        self.clock.set(begins + _END)
        self.department.run_jobs()

    def _count(self, paid: Sequence[Paise]) -> None:
        self.played.deposits += len(paid)
        self.played.deposited_paise += sum(paid)

    def _prepare_cheats(self, plan: Plan) -> None:
        today = self.played.working_days
        for maker in self.makers:
            if plan.ends_calm(today, maker.letter):
                cheat = plan.cheats.get((today, maker.letter))
                self.cheating[maker.letter].prepare(cheat, partial(self._dial, maker))

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
        self._dial(maker, licence, amount)

    def _dial(
        self, maker: Maker, licence: LicenceIdentifier, amount_paise: int
    ) -> DialInReport:
        report = maker.fleet.dial(licence, amount_paise)
        self.played.dial_ins += 1
        if report.outcome not in {Outcome.CONFIRMED, Outcome.INSPECTED}:
            self.played.failed_dial_ins += 1
        before = report.before.control_total_paise
        self.played.downloaded_paise += report.after.control_total_paise - before
        return report


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
        post_offices = PostOffices(department, seed)
        yield Rehearsal(
            department,
            bank,
            made,
            striking,
            post_offices,
            Licensees(post_offices, seed),
            {one.letter: Cheating(one, department) for one in made},
            clock,
            Dice(seed),
        )


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
