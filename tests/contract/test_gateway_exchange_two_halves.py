"""The gateway's half against a maker's server: both are the product's own.

Requirements: RMFS-31, RMFS-33 to RMFS-35.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from dop_gateway.exchange import jobs
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.model import FileState
from dop_gateway.exchange.sources import Sources, WaitingLine
from protocol.exchange import Line
from protocol.values import EpochSeconds
from rmfs_server.department import Department
from rmfs_server.exchange.remote import Remote, RemoteError
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.windows import Slot
from tests.exchange_desk import DAY, DEPOSIT, OEM_KEY, exchange_office
from tests.gateway_desk import OURS, Gateway, new_gateway
from tests.gateway_exchange import SOURCES as FAKES
from tests.gateway_exchange import Maker, add_tables, let_wait, register, rows
from tests.paper_machine import BY, NEW, Office, PaperMachine

FUND = FAKES.outgoing["fund"]
FIVE = ["acknowledgement", "credit-download", "discrepancy", "remaining-fund", "usage"]


def _waiting(connection: Connection, _maker: str) -> list[WaitingLine]:
    found = connection.execute(text("SELECT id FROM told WHERE file_id IS NULL"))
    return [
        WaitingLine(row.id, Line("deposit", {"line_id": str(row.id), **DEPOSIT}))
        for row in found
    ]


SOURCES = Sources(
    {"fund": replace(FUND, waiting=_waiting)},
    {name: FAKES.incoming["usage"] for name in FIVE if name != "acknowledgement"},
)


@dataclass
class Pair:
    """A gateway and a maker's server, each with books of its own."""

    gateway: Gateway
    office: Office
    drop: Drop

    def at(self, hour: int, minute: int = 0) -> EpochSeconds:
        """Let it be a time of that day in India."""
        moment = datetime(DAY.year, DAY.month, DAY.day, hour, minute, tzinfo=UTC)
        self.gateway.clock.set(moment)
        self.gateway.clock.advance(-5.5 * 3_600)
        return self.gateway.clock.now()

    def dial(self, window: int, remote: Remote | None = None) -> SessionReport:
        """Let the server dial."""
        office = exchange_office(self.office.store, self.office.credit_key)
        known = Department({"dop-1": OURS.key.public}, OURS.realm, OURS.layouts)
        return run_session(
            replace(office, department=known),
            remote or self.drop,
            Slot(DAY, window),
            self.gateway.clock.now(),
        )

    def states(self, direction: str) -> dict[str, str]:
        """Give the states of files by their names."""
        found = rows(self.gateway, "SELECT name, state, direction FROM exchange_file")
        return {name: state for name, state, way in found if way == direction}


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    gateway = new_gateway(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    add_tables(gateway)
    made = Pair(gateway, office, Drop(gateway.parts, SOURCES, "N"))
    made.at(9)
    office.administration.enrol(PaperMachine().provisioning, NEW, BY)
    register(gateway, Maker("N", OEM_KEY, "oem-N-1"))
    return made


def test_a_window_leaves_nothing_open_on_either_side(pair: Pair) -> None:
    let_wait(pair.gateway, 1)
    assert jobs.make(pair.gateway.parts, pair.at(9, 30), SOURCES).words.startswith("4 ")
    pair.at(9, 40)
    report = pair.dial(1)
    assert report.is_complete, report.show()
    assert report.in_order, report.show()
    assert pair.office.balances()[0] == DEPOSIT["amount_paise"]
    assert rows(pair.gateway, "SELECT answers, code FROM told") == [(1, None)]
    ours = pair.states("OUT")
    answered = {name: state for name, state in ours.items() if "acknowl" not in name}
    assert set(answered.values()) == {FileState.ACKNOWLEDGED.name}
    came = pair.states("IN")
    assert set(came.values()) == {FileState.APPLIED.name}
    assert "0 files missing, 0 offered" in _check(pair, 10)
    # Dialled again, nothing is new; the next window goes on with the next numbers.
    pair.dial(1)
    assert pair.states("IN").keys() == came.keys()
    jobs.make(pair.gateway.parts, pair.at(13, 30), SOURCES)
    assert pair.dial(2).is_complete
    assert "0 files missing, 0 offered" in _check(pair, 14)
    assert pair.office.balances()[0] == DEPOSIT["amount_paise"]


def _check(pair: Pair, hour: int) -> str:
    return jobs.check(pair.gateway.parts, pair.at(hour), SOURCES).words


@dataclass
class Cut:
    """A line to a drop that is cut after so many requests, before or after the last."""

    drop: Drop
    left: int
    late: bool

    def names(self) -> list[str]:
        self._use()
        return self.drop.names()

    def read(self, name: str, octets_max: int) -> bytes:
        self._use()
        octets = self.drop.read(name, octets_max)
        self._cut()
        return octets

    def write(self, name: str, octets: bytes) -> None:
        self._use()
        self.drop.write(name, octets)
        self._cut()

    def _use(self) -> None:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.late):
            raise RemoteError("the line was cut")

    def _cut(self) -> None:
        if self.left == 0 and self.late:
            raise RemoteError("the line was cut")


@pytest.mark.parametrize("late", [False, True])
def test_a_line_that_is_cut_anywhere_is_dialled_again_and_ends_well(
    pair: Pair, late: bool
) -> None:
    let_wait(pair.gateway, 1)
    jobs.make(pair.gateway.parts, pair.at(9, 30), SOURCES)
    cuts = 0
    for cut_after in range(1, 14):
        try:
            pair.dial(1, Cut(pair.drop, cut_after, late))
        except RemoteError:
            cuts += 1
    assert cuts > len(FIVE)
    report = pair.dial(1)
    assert report.is_complete, report.show()
    assert pair.office.balances()[0] == DEPOSIT["amount_paise"]
    assert rows(pair.gateway, "SELECT answers FROM told") == [(1,)]
    assert set(pair.states("IN").values()) == {FileState.APPLIED.name}
    twice = "SELECT line_id FROM applied GROUP BY file_id, line_id HAVING count(*) > 1"
    assert rows(pair.gateway, twice) == []


def test_a_maker_that_was_down_for_two_windows_catches_up(pair: Pair) -> None:
    let_wait(pair.gateway, 1)
    jobs.make(pair.gateway.parts, pair.at(9, 30), SOURCES)
    assert "4 files missing" in _check(pair, 10)
    jobs.make(pair.gateway.parts, pair.at(13, 30), SOURCES)
    assert "4 files missing, 4 offered again" in _check(pair, 14)
    jobs.make(pair.gateway.parts, pair.at(16, 30), SOURCES)
    report = pair.dial(3)
    assert report.is_complete, report.show()
    assert "0 files missing, 0 offered" in _check(pair, 17)
    open_now = dict(
        rows(pair.gateway, "SELECT kind, count(*) FROM incident GROUP BY kind")
    )
    assert open_now == {"FILE_MISSING": 8, "NOT_ACKNOWLEDGED": 4}
    late = "SELECT DISTINCT state FROM incident WHERE kind = 'NOT_ACKNOWLEDGED'"
    assert rows(pair.gateway, late) == [("ACTED",)]
