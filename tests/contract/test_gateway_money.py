"""Three balances of a licence are explained out of the books, on both engines."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import text

from dop_gateway import ledger
from dop_gateway.downloads import service as downloads
from dop_gateway.downloads.model import Download
from dop_gateway.identity.model import GATEWAY
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind, IncidentState
from dop_gateway.incidents.store import Wanted
from dop_gateway.ledger import movements
from dop_gateway.money import reconciling, report_store
from dop_gateway.money.model import Cause
from dop_gateway.money.reconciling import Outcome
from dop_gateway.remaining import service as remaining
from dop_gateway.usage import service as usage
from protocol.values import EpochSeconds
from tests.deposit_desk import N1, DepositDesk
from tests.money_desk import MakerFiles, SigningMachine, money_desk_at, record

RS = 100


@dataclass
class Desk:
    """A licence whose money is explained.

    Attributes:
        funds: What truly remains at the maker.
        told: Credits that the maker has still to tell of.
    """

    deposits: DepositDesk
    machine: SigningMachine
    maker: MakerFiles = field(default_factory=MakerFiles)
    funds: int = 0
    told: list[Download] = field(default_factory=list)

    def deliver(self, rupees: int) -> None:
        """Bring a deposit into the maker's funds."""
        self.deposits.deliver(rupees * RS)
        self.funds += rupees * RS

    def recharge(self, rupees: int) -> Download:
        """Let the machine take from its funds."""
        line = self.machine.recharge(rupees * RS, str(len(self.told) + 1))
        self.funds -= rupees * RS
        self.told.append(line)
        return line

    def exchange(
        self,
        *,
        tells: bool = True,
        dial_in: bool = True,
        funds: int | None = None,
    ) -> None:
        """Let the maker bring its files of a window."""
        self.maker.window += 1
        by = replace(self.deposits.by(), now=EpochSeconds(self.maker.made_at + 60))
        told, self.told = self.told, []
        there = self.funds if funds is None else funds
        balance: dict[str, Any] = {
            "licence": N1,
            "licence_number": self.machine.licence_number,
            "remaining_paise": there,
            "recharge_number": self.machine.number,
            "control_total_paise": self.machine.registers.control_total_paise,
        }
        with self.deposits.store.writing("exchange") as connection:
            for file, apply in (
                (self.maker.downloads(*(told if tells else ())), downloads.apply),
                (
                    self.maker.usage(*([self.machine] if dial_in else [])),
                    usage.apply,
                ),
                (self.maker.remaining(balance), remaining.apply),
            ):
                assert not apply(connection, file, str(file.header["file_id"]), by)
                record(connection, file, by.now)

    def reconcile(self) -> Outcome:
        """Explain everything."""
        by = replace(self.deposits.by(), now=EpochSeconds(self.maker.made_at + 900))
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

    def open_incidents(self) -> set[IncidentKind]:
        """Give the kinds of incidents that nobody has acted upon."""
        with self.deposits.store.reading() as connection:
            wanted = Wanted(states=[IncidentState.OPEN])
            found = incidents.list_incidents(connection, wanted, rows_max=100)
        return {one.kind for one in found}


@pytest.fixture
def desk(store_place: str) -> Iterator[Desk]:
    """Open a Department whose licence has Rs 5,000 at the maker."""
    with money_desk_at(store_place) as (deposits, machine):
        desk = Desk(deposits, machine)
        desk.deliver(5_000)
        yield desk


def test_what_goes_well_needs_no_explanation(desk: Desk) -> None:
    desk.exchange()
    desk.recharge(2_000)
    desk.machine.frank(24 * RS)
    desk.exchange()
    assert desk.named() == set()
    held = desk.deposits.balances()
    assert (held.remaining, held.machine) == (3_000 * RS, 1_976 * RS)
    assert desk.open_incidents() == set()


def test_a_deposit_that_waits_for_its_file_is_in_flight(desk: Desk) -> None:
    desk.exchange()
    desk.deposits.bring(1_000 * RS)
    outcome = desk.reconcile()
    (report,) = outcome.reports
    (found,) = report.explanations
    assert (found.cause, found.amount_paise) == (Cause.IN_FLIGHT, -1_000 * RS)
    assert found.words == "Rs 1,000.00 go into the next fund file"
    assert outcome.unexplained_paise == 0


def test_a_credit_that_is_left_out_is_named_and_told_until_it_comes(desk: Desk) -> None:
    desk.exchange()
    line = desk.recharge(300)
    desk.exchange(tells=False)
    assert desk.named() == {Cause.NOT_REPORTED}
    assert desk.open_incidents() == {IncidentKind.CREDIT_NOT_REPORTED}
    desk.told = [line]
    desk.exchange()
    assert desk.named() == set()
    assert desk.open_incidents() == set()


def test_a_maker_that_contradicts_itself_is_told(desk: Desk) -> None:
    desk.exchange(funds=desk.funds - 7)
    assert desk.named() == {Cause.OEM_ERROR}
    assert desk.open_incidents() == {IncidentKind.SNAPSHOT_WRONG}
    desk.exchange()
    assert desk.named() == set()
    assert desk.open_incidents() == set()


def test_a_lost_acknowledgement_shows_in_what_the_maker_has(desk: Desk) -> None:
    desk.exchange()
    desk.deposits.bring(1_000 * RS)
    file = desk.deposits.send()
    desk.funds += 1_000 * RS
    desk.exchange()
    outcome = desk.reconcile()
    amounts = [
        one.amount_paise for report in outcome.reports for one in report.explanations
    ]
    assert (amounts, outcome.unexplained_paise) == ([-1_000 * RS, 1_000 * RS], 0)
    desk.deposits.answer(file)
    assert desk.named() == set()


def test_a_credit_out_of_funds_not_acknowledged_is_explained(desk: Desk) -> None:
    desk.deposits.bring(1_000 * RS)
    file = desk.deposits.send()
    desk.funds += 1_000 * RS
    desk.recharge(5_500)
    desk.machine.frank(100 * RS)
    desk.exchange()
    assert desk.named() == {Cause.IN_FLIGHT}
    desk.deposits.answer(file)
    assert desk.named() == set()
    held = desk.deposits.balances()
    assert (held.remaining, held.machine) == (500 * RS, 5_400 * RS)


def test_usage_that_is_left_out_is_found_by_the_next_confirmation(desk: Desk) -> None:
    desk.recharge(2_000)
    desk.exchange()
    desk.machine.frank(50 * RS)
    desk.recharge(100)
    desk.exchange(dial_in=False)
    found = desk.reconcile()
    causes = {one.cause for report in found.reports for one in report.explanations}
    assert found.unexplained_paise == 0
    assert causes <= {Cause.USAGE_NOT_REPORTED, Cause.IN_FLIGHT}
    assert causes


def test_a_payment_that_the_bank_takes_back_is_explained_on_its_way(desk: Desk) -> None:
    payment = desk.deposits.bring(1_000 * RS)
    file = desk.deposits.send()
    desk.exchange()
    desk.deposits.bounce(payment)
    assert Cause.CLAIM in desk.named()
    desk.deposits.answer(file)
    desk.funds += 1_000 * RS
    desk.exchange()
    assert desk.reconcile().unexplained_paise == 0
    back = desk.deposits.send()
    desk.funds -= 1_000 * RS
    desk.exchange()
    assert desk.reconcile().unexplained_paise == 0
    desk.deposits.answer(back)
    assert desk.named() == set()


def test_all_money_lies_somewhere(desk: Desk) -> None:
    desk.recharge(2_000)
    desk.machine.frank(24 * RS)
    desk.exchange()
    payment = desk.deposits.payment(700 * RS, licence="")
    desk.deposits.receive(payment)
    found = desk.reconcile().whole
    assert found is not None
    assert found.received["BANK"] == 5_000 * RS
    assert found.places["POSTAGE"] == 24 * RS
    assert [(one.cause, one.amount_paise) for one in found.explanations] == [
        (Cause.CLEARANCE, 700 * RS)
    ]
    assert found.unexplained_paise == 0


def test_money_that_our_own_ledger_moved_for_nothing_is_never_explained_away(
    desk: Desk,
) -> None:
    desk.exchange()
    wrong = movements.downloaded(N1, 5 * RS, "by-mistake", "nobody said so")
    with desk.deposits.store.writing("wrong") as connection:
        ledger.post(connection, wrong, desk.deposits.by())
    outcome = desk.reconcile()
    assert outcome.unexplained_paise == 10 * RS
    assert IncidentKind.UNEXPLAINED in desk.open_incidents()


def test_a_reconciliation_is_kept_and_one_done_again_replaces_it(desk: Desk) -> None:
    desk.exchange(funds=desk.funds - 7)
    desk.reconcile()
    desk.reconcile()
    with desk.deposits.store.reading() as connection:
        done = report_store.find(connection, None)
        parts = list(
            report_store.parts_matching(desk.maker.day).all(connection, "licence")
        )
        rows = connection.execute(text("SELECT count(*) FROM reconciliation"))
        assert rows.scalar_one() == 1
    assert done is not None
    assert (done.unexplained_paise, done.licences) == (0, 4)
    assert [(one.cause, one.amount_paise) for one in parts] == [(Cause.OEM_ERROR, -7)]
    assert parts[0].entries[0].kind == "remaining funds"


def test_the_gateway_is_who_reconciles(desk: Desk) -> None:
    desk.exchange(funds=desk.funds - 7)
    desk.reconcile()
    with desk.deposits.store.reading() as connection:
        (one,) = incidents.list_incidents(connection, Wanted())
        (step,) = incidents.history(connection, one.id)
    assert step.login == GATEWAY.login
