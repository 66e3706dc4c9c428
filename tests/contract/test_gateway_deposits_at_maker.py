"""A maker's server takes our fund lines as we mean them: the two sides, face to face.

The maker is the product's own recharge server; what it says is handed back as its
acknowledgement would say it. Whatever happened, its funds are our ``remaining:``.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from dop_gateway.deposits import desk as suspense
from dop_gateway.deposits import funds
from dop_gateway.deposits.model import Action, DepositState, Payment
from hw.database import Store, open_store
from protocol.exchange import (
    DEPARTMENT,
    FileHeader,
    shipped_layouts,
    write_file,
)
from protocol.messages import LicenceState
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.funds import import_fund_file
from rmfs_server.store import ledger, licences
from rmfs_server.store.migrations import migrate
from tests.deposit_desk import (
    N1,
    N2,
    NAME,
    DepositDesk,
    deposit_desk_at,
    moment,
    number_of,
)

S = DepositState


@dataclass
class Pair:
    """The Department, and the server of the maker N."""

    desk: DepositDesk
    server: Store
    files: int = 0

    def know(self, licence: LicenceIdentifier, name: str = NAME) -> None:
        """Let the server know a licence, under a name."""
        with self.server.writing("licence") as connection:
            licences.add(
                connection,
                licences.Licence(
                    identifier=licence,
                    number=number_of(licence),
                    licensee=name,
                    kind="COMMERCIAL",
                    state=LicenceState.REGISTERED,
                    expires_on=date(2031, 1, 1),
                    refund_allowed=False,
                ),
                moment(self.desk.day),
            )

    def exchange(self) -> int:
        """Send what waits, and hand back what the server says; give the refusals."""
        self.files += 1
        file_id = f"FND-N-{self.files:06d}"
        now = moment(self.desk.day)
        header = FileHeader(
            file_id=file_id,
            sender=DEPARTMENT,
            receiver="N",
            sequence=self.files,
            business_date=self.desk.day,
            window=1,
            made_at=now,
        )
        with self.desk.store.writing("make a file") as connection:
            lines = funds.waiting(connection, "N")
            layout = shipped_layouts()[funds.LAYOUT]
            octets = write_file(layout, header.values(), [one.line for one in lines])
            ids = [one.id for one in lines]
            funds.put_in_file(connection, ids, file_id, self.desk.by())
        report = import_fund_file(self.server, octets, now)
        refused = {
            one.line_id: ("FND-02-001", str(one.suspended_because))
            for one in report.suspended
        }
        with self.desk.store.writing("answer") as connection:
            funds.answered(connection, file_id, refused, self.desk.by())
        return len(refused)

    def funds_of(self, licence: LicenceIdentifier = N1) -> Paise:
        """Read the funds at the server; they are what we say remains there."""
        with self.server.reading() as connection:
            found = ledger.balance_paise(connection, ledger.funds_of(licence))
        assert found == self.desk.balances(licence).remaining
        assert found == self.desk.taken(licence)
        return found


@pytest.fixture
def pair(store_place: str, tmp_path: Path) -> Iterator[Pair]:
    """Give both sides; the money of both must add up when the test is over."""
    server_url = f"sqlite:///{tmp_path / 'server.sqlite'}"
    with (
        deposit_desk_at(store_place) as desk,
        closing(open_store(server_url)) as server,
    ):
        migrate(server)
        pair = Pair(desk, server)
        pair.know(N1)
        yield pair
        desk.adds_up()
        with server.reading() as connection:
            assert list(ledger.verify(connection)) == []


def _decide(pair: Pair, payment: Payment, action: Action, licence: str = "") -> None:
    number = pair.desk.deposit(payment).id
    with pair.desk.store.writing("decide") as connection:
        by = pair.desk.by("omar")
        made = suspense.propose(connection, number, action, by, licence=licence)
        suspense.approve(connection, made.id, pair.desk.by("sunita"))


def test_what_we_authenticate_the_maker_takes(pair: Pair) -> None:
    for amount in (200_000, 100_000, 150_000):
        pair.desk.bring(amount)
    assert pair.exchange() == 0
    assert pair.funds_of() == 450_000


def test_what_bounces_comes_out_of_the_maker_s_funds(pair: Pair) -> None:
    first = pair.desk.bring()
    pair.desk.bring(100_000)
    pair.exchange()
    pair.desk.bounce(first)
    assert pair.exchange() == 0
    assert (pair.funds_of(), pair.desk.state(first)) == (100_000, S.BOUNCED)


def test_what_bounces_in_flight_is_corrected_in_the_next_file(pair: Pair) -> None:
    payment = pair.desk.bring()
    pair.exchange()
    pair.desk.bring(100_000)
    pair.desk.bounce(payment)
    assert pair.exchange() == 0
    assert pair.funds_of() == 100_000


def test_what_the_maker_refuses_it_takes_when_it_is_told_again(pair: Pair) -> None:
    payment = pair.desk.bring(licence=N2)
    assert pair.exchange() == 1
    assert pair.desk.state(payment) is S.SUSPENSE
    pair.know(N2)
    _decide(pair, payment, Action.RELEASE, N2)
    assert pair.exchange() == 0
    assert (pair.funds_of(N2), pair.desk.state(payment)) == (200_000, S.ACKNOWLEDGED)


def test_what_the_maker_refuses_leaves_its_suspense_when_it_is_given_back(
    pair: Pair,
) -> None:
    payment = pair.desk.bring(licence=N2)
    pair.exchange()
    _decide(pair, payment, Action.RETURN)
    # It does not know the licence, and needs none to take back what only waits.
    assert pair.exchange() == 0
    pair.know(N2)
    assert pair.funds_of(N2) == 0
    assert pair.desk.state(payment) is S.RETURNED


def test_what_was_released_to_another_licence_leaves_the_first(pair: Pair) -> None:
    pair.know(N2, "Renamed at the maker")
    payment = pair.desk.bring(licence=N2)
    assert pair.exchange() == 1
    _decide(pair, payment, Action.RELEASE, N1)
    pair.exchange()
    assert (pair.funds_of(N1), pair.funds_of(N2)) == (200_000, 0)
    assert pair.desk.state(payment) is S.ACKNOWLEDGED
    pair.desk.bounce(payment)
    assert pair.exchange() == 0
    assert (pair.funds_of(N1), pair.desk.state(payment)) == (0, S.BOUNCED)


def test_the_department_takes_back_what_a_machine_has_not_used(pair: Pair) -> None:
    payment = pair.desk.bring()
    pair.exchange()
    _decide(pair, payment, Action.REVERSE)
    assert pair.exchange() == 0
    assert (pair.funds_of(), pair.desk.state(payment)) == (0, S.REVERSED)
