"""The whole way of money in the books: deposits, a maker's files, a machine that signs.

What truly happens at the maker is kept beside the books; what it tells may be wrong.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from dop_gateway.downloads import service as downloads
from dop_gateway.downloads.model import Download
from dop_gateway.exchange import file_store
from dop_gateway.exchange.model import Direction, FileState
from dop_gateway.money import reconciling
from dop_gateway.money.model import Cause
from dop_gateway.money.reconciling import Outcome
from dop_gateway.remaining import service as remaining
from dop_gateway.usage import service as usage
from protocol.values import EpochSeconds, Paise
from tests.deposit_desk import N1, DepositDesk
from tests.money_desk import MakerFiles, SigningMachine, know, record

RS = 100
WINDOW_S = 14_400


@dataclass
class Sent:
    """A fund file that the maker was sent."""

    file_id: str
    amount: int
    is_carried_out: bool = False
    is_answered: bool = False


@dataclass
class MoneyOffice:
    """A licence whose money goes all ways.

    Attributes:
        funds: What truly remains at the maker.
        untold: Credits that the maker has still to tell of.
        waiting: Paise of deposits that are in no fund file yet.
        withheld: Numbers of credits that it never told of, or told otherwise.
    """

    deposits: DepositDesk
    machine: SigningMachine
    maker: MakerFiles = field(default_factory=MakerFiles)
    funds: int = 0
    waiting: int = 0
    sent: list[Sent] = field(default_factory=list)
    untold: list[Download] = field(default_factory=list)
    withheld: list[int] = field(default_factory=list)
    error: int = 0

    @property
    def now(self) -> EpochSeconds:
        """A minute behind the files of this window."""
        return EpochSeconds(self.maker.made_at + 60)

    def deposit(self, rupees: int) -> None:
        """Bring a deposit to the licence."""
        self.deposits.bring(rupees * RS)
        self.waiting += rupees * RS

    def recharge(self, rupees: int) -> None:
        """Let the machine take from its funds, as far as there are any."""
        amount = min(rupees * RS, self.funds)
        if amount:
            self.untold.append(
                self.machine.recharge(amount, str(self.machine.number + 1))
            )
            self.funds -= amount

    def frank(self, rupees: int) -> None:
        """Let the machine frank, as far as it can."""
        value = min(rupees * RS, self.machine.registers.descending_paise)
        if value:
            self.machine.frank(value)

    def exchange(self, mistake: str = "", error: int = 0) -> None:
        """Let a window pass, in which one thing may go wrong."""
        self.maker.window += 1
        self.error = error
        self._send()
        if mistake == "down":
            return
        for one in self.sent:
            if not one.is_carried_out and mistake != "fund_lost":
                one.is_carried_out = True
                self.funds += one.amount
        told = self._told(mistake)
        balance: dict[str, Any] = {
            "licence": N1,
            "licence_number": self.machine.licence_number,
            "remaining_paise": self.funds + error,
            "recharge_number": self.machine.number,
            "control_total_paise": self.machine.registers.control_total_paise,
        }
        dials_in = [] if mistake == "usage_missing" else [self.machine]
        by = replace(self.deposits.by(), now=self.now)
        with self.deposits.store.writing("exchange") as connection:
            for file, apply in (
                (self.maker.downloads(*told), downloads.apply),
                (self.maker.usage(*dials_in), usage.apply),
                (self.maker.remaining(balance), remaining.apply),
            ):
                apply(connection, file, str(file.header["file_id"]), by)
                record(connection, file, by.now)
        if mistake != "answer_lost":
            self._answer()

    def _send(self) -> None:
        if not self.waiting:
            return
        file_id = self.deposits.send()
        self.sent.append(Sent(file_id, self.waiting))
        self.waiting = 0
        with self.deposits.store.writing("record") as connection:
            know(connection, self.maker.maker)
            file_store.add(
                connection,
                b"",
                direction=Direction.OUT.name,
                party=self.maker.maker,
                layout="fund",
                file_id=file_id,
                name=f"{file_id}.txt",
                sequence=len(self.sent),
                business_date=self.maker.day,
                window_of_day=1,
                made_for=None,
                at=self.now,
                sha256=bytes(32),
                size=0,
                state=FileState.OFFERED.name,
                state_at=self.now,
                code="",
                words="",
                lines=1,
                refused=0,
                offers=1,
                answer_by=self.now + WINDOW_S,
                owed=False,
            )

    def _told(self, mistake: str) -> list[Download]:
        told, self.untold = self.untold, []
        if told and mistake == "withhold":
            self.withheld.append(told.pop(0).number)
        if told and mistake == "disbelieve":
            self.withheld.append(told[0].number)
            told[0] = replace(told[0], amount_paise=Paise(told[0].amount_paise + 1))
        return told

    def _answer(self) -> None:
        for one in self.sent:
            if one.is_carried_out and not one.is_answered:
                one.is_answered = True
                self.deposits.answer(one.file_id)
        with self.deposits.store.writing("resume") as connection:
            downloads.resume(connection, None, self.deposits.by())

    def reconcile(self) -> Outcome:
        """Explain everything."""
        now = EpochSeconds(self.maker.made_at + 900)
        by = replace(self.deposits.by(), now=now)
        with self.deposits.store.writing("reconcile") as connection:
            return reconciling.reconcile(connection, self.maker.day, by)

    def named(self) -> set[Cause]:
        """Reconcile, see that all is explained, and give the causes."""
        outcome = self.reconcile()
        assert outcome.unexplained_paise == 0
        self.deposits.adds_up()
        return {
            one.cause
            for report in outcome.reports
            for one in report.explanations
            if one.amount_paise
        }
