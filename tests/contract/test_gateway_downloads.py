"""Credits move money as far as machines signed them, in their turn; on both engines.

Source: RMFS-28 (CT goes on from the last reset), RMFS-30, RMFS-32.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from dop_gateway.downloads import service, store
from dop_gateway.downloads.model import Download, DownloadState
from dop_gateway.exchange.model import RefusedLine
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind, IncidentState
from dop_gateway.incidents.store import Wanted
from protocol.errors import RmfsError
from protocol.exchange import ExchangeFile
from protocol.registers import VoucherKind
from protocol.values import Paise
from tests.deposit_desk import N1, N2, DepositDesk
from tests.money_desk import MakerFiles, SigningMachine, money_desk_at, signing_machine

RS = 100


@dataclass
class Desk:
    """Where credits of one machine are taken."""

    deposits: DepositDesk
    machine: SigningMachine
    maker: MakerFiles = field(default_factory=MakerFiles)

    def take(self, *told: Download) -> list[RefusedLine]:
        """Take a file with these lines."""
        return self.take_file(self.maker.downloads(*told))

    def take_file(self, file: ExchangeFile) -> list[RefusedLine]:
        """Take a file."""
        with self.deposits.store.writing("take") as connection:
            by = self.deposits.by()
            return service.apply(connection, file, str(file.header["file_id"]), by)

    def balances(self) -> tuple[int, int, int]:
        """Read the three balances in rupees."""
        held = self.deposits.balances()
        return held.deposited // RS, held.remaining // RS, held.machine // RS

    def states(self) -> list[DownloadState]:
        """List the states of all lines."""
        with self.deposits.store.reading() as connection:
            found = store.downloads_matching().all(connection, "licence")
            return [one.state for one in found]

    def incidents(self) -> Sequence[tuple[IncidentKind, IncidentState]]:
        """List kinds and states of incidents, the oldest first."""
        with self.deposits.store.reading() as connection:
            found = incidents.list_incidents(connection, Wanted(), rows_max=100)
        return [(one.kind, one.state) for one in reversed(found)]


@pytest.fixture
def desk(store_place: str) -> Iterator[Desk]:
    """Open a Department whose licence has Rs 5,000 at the maker."""
    with money_desk_at(store_place) as (deposits, machine):
        deposits.deliver(5_000 * RS)
        yield Desk(deposits, machine)


def test_a_credit_goes_from_what_remains_into_the_machine(desk: Desk) -> None:
    assert desk.take(desk.machine.recharge(2_000 * RS)) == []
    assert desk.balances() == (0, 3_000, 2_000)
    desk.deposits.adds_up()


def test_what_a_machine_gives_back_remains_at_its_maker(desk: Desk) -> None:
    lines = [desk.machine.recharge(2_000 * RS, "1")]
    desk.machine.apply(VoucherKind.WITHDRAWAL, 2_000 * RS)
    lines.append(desk.machine.told("2"))
    assert desk.take(*lines) == []
    assert desk.balances() == (0, 5_000, 0)


def test_a_line_that_was_told_before_is_told_once(desk: Desk) -> None:
    line = desk.machine.recharge(2_000 * RS)
    desk.take(line)
    assert desk.take(line, replace(line, line_id="2")) == []
    assert desk.balances() == (0, 3_000, 2_000)
    assert desk.states() == [DownloadState.TAKEN]
    assert desk.incidents() == []


def test_what_no_machine_signed_moves_nothing_and_is_kept_and_told(desk: Desk) -> None:
    line = desk.machine.recharge(2_000 * RS)
    (refused,) = desk.take(replace(line, binding=bytes(32)))
    assert refused.code == "DWN-10-006"
    assert desk.balances() == (0, 5_000, 0)
    assert desk.states() == [DownloadState.REFUSED]
    kind = IncidentKind.CREDIT_NOT_SIGNED
    assert desk.incidents() == [(kind, IncidentState.OPEN)]
    assert desk.take(line) == []
    assert desk.balances() == (0, 3_000, 2_000)
    assert desk.incidents() == [(kind, IncidentState.ACTED)]


def test_an_altered_amount_is_refused_with_the_one_that_was_signed(desk: Desk) -> None:
    line = desk.machine.recharge(2_000 * RS)
    (refused,) = desk.take(replace(line, amount_paise=Paise(200 * RS)))
    assert refused.code == "DWN-10-008"
    assert "Rs 200.00 is told, Rs 2,000.00 is in the voucher" in refused.words
    assert desk.incidents() == [(IncidentKind.CREDIT_ALTERED, IncidentState.OPEN)]


def test_what_follows_a_missing_credit_waits_for_it(desk: Desk) -> None:
    first, second, third = (
        desk.machine.recharge(amount * RS, str(amount)) for amount in (500, 300, 100)
    )
    assert desk.take(first, third) == []
    assert desk.balances() == (0, 4_500, 500)
    kind = IncidentKind.CREDIT_NOT_REPORTED
    assert desk.incidents() == [(kind, IncidentState.OPEN)]
    with desk.deposits.store.reading() as connection:
        (told,) = incidents.list_incidents(connection, Wanted())
    assert told.amount_paise == 300 * RS
    assert "recharge 2 of Rs 300.00" in told.words
    assert desk.take(second) == []
    assert desk.balances() == (0, 4_100, 900)
    assert desk.incidents() == [(kind, IncidentState.ACTED)]


def test_a_maker_that_credits_more_than_there_is_is_found(desk: Desk) -> None:
    line = desk.machine.recharge(6_000 * RS)
    (refused,) = desk.take(line)
    assert refused.code == "DWN-10-012"
    assert desk.states() == [DownloadState.UNFUNDED]
    kind = IncidentKind.CREDIT_BEYOND_FUNDS
    assert desk.incidents() == [(kind, IncidentState.OPEN)]
    desk.deposits.deliver(1_000 * RS)
    with desk.deposits.store.writing("resume") as connection:
        assert service.resume(connection, None, desk.deposits.by()) == 1
    assert desk.balances() == (0, 0, 6_000)
    assert desk.incidents() == [(kind, IncidentState.ACTED)]


def test_a_credit_out_of_funds_not_yet_acknowledged_waits_without_a_word(
    desk: Desk,
) -> None:
    desk.deposits.bring(1_000 * RS)
    file = desk.deposits.send()
    assert desk.take(desk.machine.recharge(6_000 * RS)) == []
    assert desk.states() == [DownloadState.UNFUNDED]
    assert desk.incidents() == []
    desk.deposits.answer(file)
    with desk.deposits.store.writing("resume") as connection:
        assert service.resume(connection, [N1], desk.deposits.by()) == 1


def test_a_number_with_another_voucher_is_refused(desk: Desk) -> None:
    twin = signing_machine(int(N1[1:]))
    desk.take(desk.machine.recharge(500 * RS))
    (refused,) = desk.take(twin.recharge(700 * RS))
    assert refused.code == "DWN-10-010"
    assert desk.balances() == (0, 4_500, 500)


def test_a_control_total_that_does_not_go_on_is_kept_and_told(desk: Desk) -> None:
    desk.take(desk.machine.recharge(500 * RS))
    desk.machine.registers = replace(
        desk.machine.registers,
        descending_paise=Paise(600 * RS),
        control_total_paise=Paise(600 * RS),
    )
    (refused,) = desk.take(desk.machine.recharge(100 * RS))
    assert refused.code == "DWN-10-011"
    assert desk.states() == [DownloadState.TAKEN, DownloadState.BROKEN]
    assert desk.incidents() == [(IncidentKind.CREDIT_OUT_OF_TURN, IncidentState.OPEN)]


def test_another_makers_licence_is_refused(desk: Desk) -> None:
    desk.maker.maker = "P"
    (refused,) = desk.take(desk.machine.recharge(500 * RS))
    assert refused.code == "DWN-10-001"
    assert desk.incidents() == [(IncidentKind.CREDIT_NOT_OURS, IncidentState.OPEN)]


def test_a_licence_without_a_registered_machine_is_refused(desk: Desk) -> None:
    (refused,) = desk.take(signing_machine(int(N2[1:])).recharge(500 * RS))
    assert refused.code == "DWN-10-003"


def test_an_empty_file_changes_nothing(desk: Desk) -> None:
    assert desk.take() == []
    assert desk.balances() == (0, 5_000, 0)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE download_line SET amount_paise = 1",
        "UPDATE download_line SET state = 'REFUSED', code = 'X', taken_at = NULL",
        "DELETE FROM download_line",
    ],
)
def test_what_was_told_is_never_changed_nor_removed(desk: Desk, change: str) -> None:
    desk.take(desk.machine.recharge(500 * RS))
    with (
        pytest.raises(RmfsError),
        desk.deposits.store.writing("tamper") as connection,
    ):
        connection.execute(text(change))
