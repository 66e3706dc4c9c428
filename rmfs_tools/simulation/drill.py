"""The restore drill: an old copy of the books is put back under machines in use.

1. Machines are enrolled, funded by fund files, recharged; each is brought to where its
   case begins, and the books are copied.
2. What the cases lay out happens: recharges, refunds, withdrawals, vouchers lost and
   taken back, new licences, new fund files.
3. The disk is lost and the copy put back. What is in the archive is done again: the
   enrolments, each new life after the one before it was closed, then the fund files.
4. All machines dial in; an operator carries out what the evidence proposes; those that
   were not heard to the end dial again, until nothing is open.

What is asked at the end is asked of the machines' memories and of the entries of the
ledger: for each licence, what the Department's files brought is what is in its funds,
and in its machine.

Source: SPEC.md REG-9; docs/restore-drill.md.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from protocol.dialogue.machine import INSPECTION
from protocol.values import LicenceIdentifier
from rmfs_server.store import discrepancies, ledger, machines, schema
from rmfs_server.store.ledger import AccountName
from rmfs_tools.simulation.drill_bodies import Body, Life
from rmfs_tools.simulation.drill_cases import (
    CASES,
    FIRST_DEPOSIT_PAISE,
    LATE,
    LATER_DEPOSIT_PAISE,
    Case,
    frank,
    recharge,
)
from rmfs_tools.simulation.drill_operator import OfficeOperator, Operator
from rmfs_tools.simulation.drill_result import DrillResult, Fate, Totals
from rmfs_tools.simulation.drill_world import DrillWorld

ROUNDS_MAX: Final = 5
"""So often every machine may have to dial: more is a failure of the drill."""

_PROGRESS_EVERY: Final = 100

OnWord = Callable[[str], None]


class Drill:
    """One drill, step by step."""

    def __init__(
        self,
        folder: Path,
        machines_count: int,
        seed: int,
        on_word: OnWord,
        cases: Sequence[Case] = CASES,
    ) -> None:
        """Make the server and the machines.

        Args:
            folder: A new or empty folder.
            machines_count: How many machines.
            seed: Chooses keys, amounts and franks.
            on_word: Told of what goes on.
            cases: Dealt out to the machines in turn.
        """
        self.world = DrillWorld(folder, seed)
        self.result = DrillResult()
        self._copy = folder / "copy.sqlite"
        self._on_word = on_word
        self._bodies: list[tuple[Body, Case]] = []
        for index in range(machines_count):
            body, case = self.world.make_body(index), cases[index % len(cases)]
            self._bodies.append((body, case))
            self.result.fates[body.licence] = (case, Fate())
        self._late: list[Path] = []

    def run(self) -> DrillResult:
        """Do the whole drill, with an operator who uses the functions of the commands.

        Raises:
            DrillError: It did not go as it was laid out.
        """
        self.use_and_copy()
        self.go_on()
        self.lose_and_put_back()
        return self.settle(OfficeOperator(self.world, self._on_word))

    def use_and_copy(self) -> None:
        """Enrol, fund and recharge; bring about each case's beginning; copy."""
        operator = OfficeOperator(self.world, self._on_word)
        known = [(body, case) for body, case in self._bodies if not case.enrolled_since]
        for body, _ in known:
            operator.enrol(body.life)
        deposits = [(body, FIRST_DEPOSIT_PAISE) for body, _ in known]
        if deposits:
            operator.import_funds(self.world.send_funds(deposits))
        for place, (body, case) in enumerate(known, 1):
            recharge(self.world, body)
            frank(self.world, body)
            recharge(self.world, body)
            for step in case.at_copy:
                step(self.world, body)
            self._progress("in use", place, len(known))
        self.world.back_up(self._copy)
        self._take_totals("copied")

    def go_on(self) -> None:
        """Let happen what the books will have forgotten."""
        operator = OfficeOperator(self.world, self._on_word)
        new = [(body, case) for body, case in self._bodies if case.enrolled_since]
        for body, _ in new:
            operator.enrol(body.life)
        for late in (False, True):
            deposits = [
                (body, LATER_DEPOSIT_PAISE)
                for body, case in self._bodies
                if case.deposit and (case.deposit == LATE) is late
            ]
            if not late:
                deposits += [(body, FIRST_DEPOSIT_PAISE) for body, _ in new]
            if deposits:
                path = self.world.send_funds(deposits)
                operator.import_funds(path)
                self._late += [path] if late else []
        for place, (body, case) in enumerate(self._bodies, 1):
            for step in case.since:
                step(self.world, body)
            self._progress("since the copy", place, len(self._bodies))
        again = [(body, case) for body, case in self._bodies if case.next_life]
        if again:
            deposits = [(body, LATER_DEPOSIT_PAISE) for body, _ in again]
            operator.import_funds(self.world.send_funds(deposits))
        for body, case in again:
            for step in case.next_life:
                step(self.world, body)
        self._take_totals("lost")

    def lose_and_put_back(self) -> None:
        """End the server, delete its books, put the copy in their place, and start."""
        self.world.stop_server()
        self.world.lose_the_disk(self._copy)
        self.world.start_server()
        self._take_totals("put back")
        held = self._sums()
        for body, _ in self._bodies:
            booked = sum(_booked(held, life) for life in body.lives)
            total = self.world.psd(body).record.registers.control_total_paise
            self._fate(body).behind_paise = total - booked
            body.dial_ins = 0

    def settle(self, operator: Operator) -> DrillResult:
        """Do what docs/restore-drill.md says, until nothing is open.

        Args:
            operator: Who does it.

        Raises:
            DrillError: A move did not go as it must.
        """
        self._do_again(operator)
        waiting = [body for body, _ in self._bodies]
        while waiting and self.result.rounds < ROUNDS_MAX:
            self.result.rounds += 1
            waiting = self._let_dial(waiting)
            self._on_word(f"round {self.result.rounds}: {len(waiting)} not heard out")
            if waiting:
                self._resolve(operator)
        self._take_totals("settled")
        self._judge(operator, {body.licence for body in waiting})
        self.world.stop_server()
        self.result.dial_ins = self.world.dial_ins
        images = (body.nvram.image() for body, _ in self._bodies)
        self.result.history = sha256(b"".join(images)).hexdigest()
        return self.result

    def _do_again(self, operator: Operator) -> None:
        """Enrol and import what the copy does not know; it changes nothing else."""
        for body, case in self._bodies:
            if case.enrolled_since:
                operator.enrol(body.lives[0])
                self.result.commands["enrol"] += 1
            for former, life in pairwise(body.lives):
                operator.close(former, life)
                operator.enrol(life)
                self._fate(body).actions += ("close",)
                self.result.commands["resolve --next-life"] += 1
                self.result.commands["enrol"] += 1
        for path in self.world.archive.fund_files:
            if path not in self._late:
                operator.import_funds(path)
                self.result.commands["import-funds"] += 1
        self._explain(operator)

    def _let_dial(self, waiting: Sequence[Body]) -> list[Body]:
        """Let each machine dial once; those that were not heard to the end remain."""
        unheard = []
        for place, body in enumerate(waiting, 1):
            report = self.world.dial(body, INSPECTION)
            if report.receipt is None or report.pending is not None:
                unheard.append(body)
            self._progress("redialled", place, len(waiting))
        return unheard

    def _resolve(self, operator: Operator) -> None:
        done = operator.resolve_proposed()
        self.result.commands["resolve --proposed"] += 1
        for licence, actions in done.items():
            self._fate_of(licence).actions += tuple(actions)
        for path in self._late:
            operator.import_funds(path)
            self.result.commands["import-funds"] += 1
        self._late = []
        self._explain(operator)

    def _explain(self, operator: Operator) -> None:
        for licence in operator.explain():
            self._fate_of(licence).actions += ("explain",)
            self.result.commands["explain"] += 1

    def _judge(self, operator: Operator, unheard: set[LicenceIdentifier]) -> None:
        held = self._sums()
        self.result.findings = operator.verify()
        self.result.commands["verify"] += 1
        for body, _ in self._bodies:
            fate, record = self._fate(body), self.world.psd(body).record
            fate.dial_ins = body.dial_ins
            rules = {
                "it was not heard to the end": body.licence not in unheard,
                "a request is pending in it": record.pending is None,
                "AR + DR is not CT": record.registers.balanced,
            }
            fate.wrong = _broken(rules)
            ends = body.ends_paise(record.registers.control_total_paise)
            for life, total in zip(body.lives, ends, strict=True):
                self._judge_life(life, fate, held, total)

    def _judge_life(
        self, life: Life, fate: Fate, held: Mapping[AccountName, int], total: int
    ) -> None:
        licence = life.licence
        funds = held.get(ledger.funds_of(licence), 0)
        reserved = held.get(ledger.reserved_of(licence), 0)
        with self.world.store.reading() as connection:
            machine = machines.find(connection, licence)
            found = discrepancies.all_of(connection, licence)
        codes = (*fate.codes, *(one.code.name for one in found))
        fate.codes = tuple(dict.fromkeys(codes))
        used = total - life.base_paise
        difference = funds + reserved + used - life.deposited_paise
        fate.differences_paise += (difference,)
        rules = {
            "it is frozen": machine is not None and not machine.frozen,
            "a discrepancy is open": all(one.resolved_at for one in found),
            "its CT is not that of the books": _booked(held, life) == used,
            "something is reserved": reserved == 0,
            "money is not where it was": difference == 0,
        }
        fate.wrong += _broken(rules)

    def _fate(self, body: Body) -> Fate:
        return self.result.fates[body.lives[0].licence][1]

    def _fate_of(self, licence: LicenceIdentifier) -> Fate:
        return next(
            self._fate(body)
            for body, _ in self._bodies
            if any(life.licence == licence for life in body.lives)
        )

    def _sums(self) -> dict[AccountName, int]:
        """Sum the entries of every account, whatever its cached balance says."""
        entry, account = schema.entry.c, schema.account.c
        query = (
            select(account.name, func.sum(entry.amount_paise))
            .select_from(schema.entry.join(schema.account))
            .group_by(account.name)
        )
        with self.world.store.reading() as connection:
            return {
                AccountName(name): int(total)
                for name, total in connection.execute(query)
            }

    def _take_totals(self, moment: str) -> None:
        held = self._sums()

        def of_all(name: Callable[[LicenceIdentifier], AccountName]) -> int:
            return sum(held.get(name(life.licence), 0) for life in lives)

        lives = [life for body, _ in self._bodies for life in body.lives]
        self.result.totals[moment] = Totals(
            deposited=sum(life.deposited_paise for life in lives),
            machines=sum(
                self.world.psd(body).record.registers.control_total_paise
                for body, _ in self._bodies
            ),
            funds=of_all(ledger.funds_of),
            reserved=of_all(ledger.reserved_of),
            booked=sum(_booked(held, life) for life in lives),
            suspense=held.get(ledger.SUSPENSE, 0),
        )

    def _progress(self, what: str, place: int, of: int) -> None:
        if place % _PROGRESS_EVERY == 0 or place == of:
            self._on_word(f"{what}: {place} of {of}")


def _booked(held: Mapping[AccountName, int], life: Life) -> int:
    """Give CT in the books beyond that with which a life began; 0 when unknown."""
    booked = held.get(ledger.machine_of(life.licence))
    return 0 if booked is None else booked - life.base_paise


def _broken(rules: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(words for words, holds in rules.items() if not holds)
