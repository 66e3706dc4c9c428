"""Books that are several: each part of the machines has a database of its own.

What docs/growing.md says of it is played here with two books and one Department: a
letter of identifiers for each goes, one letter for both does not.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from dop_gateway.exchange import jobs
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.sources import Sources, WaitingLine
from protocol.exchange import Line
from protocol.keys import SigningKey
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.department import Department
from rmfs_server.exchange.office import OurSide
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.windows import Slot
from tests.contract.test_gateway_exchange_two_halves import SOURCES as BOTH
from tests.exchange_desk import DAY, DEPOSIT, OEM_KEY, exchange_office
from tests.gateway_desk import OURS, Gateway, new_gateway
from tests.gateway_exchange import Maker, add_tables, let_wait, register, rows
from tests.paper_machine import BY, LICENCE, NEW, Office, PaperMachine, office_at

OTHER = LicenceIdentifier("P123456")
KEYS = {"N": OEM_KEY, "P": SigningKey(b"\x03" * 32)}


def _waiting(connection: Connection, maker: str) -> list[WaitingLine]:
    """Let deposit 1 be for the machine of N, and deposit 2 for that of P."""
    found = connection.execute(text("SELECT id FROM told WHERE file_id IS NULL"))
    licences = {1: LICENCE, 2: OTHER}
    return [
        WaitingLine(
            row.id,
            Line("deposit", {**DEPOSIT, "line_id": str(row.id), "licence": licence}),
        )
        for row in found
        if (licence := licences[row.id])[0] == maker
    ]


SOURCES = Sources(
    {"fund": replace(BOTH.outgoing["fund"], waiting=_waiting)}, BOTH.incoming
)


@dataclass
class Country:
    """A gateway and two books, each with its half of the machines."""

    gateway: Gateway
    one: Office
    other: Office

    def dial(self, office: Office, letter: str) -> SessionReport:
        """Let the exchange of some books dial as the maker of a letter."""
        books = exchange_office(office.store, office.credit_key)
        return run_session(
            replace(
                books,
                department=Department(
                    {"dop-1": OURS.key.public}, OURS.realm, OURS.layouts
                ),
                ours=OurSide(letter, f"oem-{letter}-1", KEYS[letter]),
            ),
            Drop(self.gateway.parts, SOURCES, letter),
            Slot(DAY, 1),
            self.gateway.clock.now(),
        )

    def is_before_the_windows(self) -> None:
        """Let it be nine o'clock of that day in India."""
        self._at(9, 0)

    def lay_out(self) -> None:
        """Let the Department lay its files out, at 9:30 of that day in India."""
        jobs.make(self.gateway.parts, self._at(9, 30), SOURCES)
        self._at(9, 40)

    def _at(self, hour: int, minute: int) -> EpochSeconds:
        moment = datetime(DAY.year, DAY.month, DAY.day, hour, minute, tzinfo=UTC)
        self.gateway.clock.set(moment)
        self.gateway.clock.advance(-5.5 * 3_600)
        return self.gateway.clock.now()


@pytest.fixture
def country(tmp_path: Path) -> Iterator[Country]:
    gateway = new_gateway(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    add_tables(gateway)
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(office_at(f"sqlite:///{tmp_path / name}.sqlite"))
            for name in ("one", "other")
        )
        one.administration.enrol(PaperMachine().provisioning, NEW, BY)
        machine = PaperMachine(OTHER, "PSD00002", seed=b"another machine")
        other.administration.enrol(machine.provisioning, NEW, BY)
        made = Country(gateway, one, other)
        made.is_before_the_windows()
        yield made


def test_two_books_exchange_as_two_makers_with_a_letter_each(country: Country) -> None:
    for letter, key in KEYS.items():
        login = f"maker-{letter.lower()}"
        register(country.gateway, Maker(letter, key, f"oem-{letter}-1"), login)
    let_wait(country.gateway, 1, 2)
    country.lay_out()
    for office, letter in ((country.one, "N"), (country.other, "P")):
        report = country.dial(office, letter)
        assert report.is_complete, report.show()
        assert report.in_order, report.show()
    assert country.one.balances(LICENCE)[0] == DEPOSIT["amount_paise"]
    assert country.other.balances(OTHER)[0] == DEPOSIT["amount_paise"]
    refused = "SELECT name FROM exchange_file WHERE state = 'REFUSED'"
    assert rows(country.gateway, refused) == []


def test_two_books_cannot_exchange_as_one_maker(country: Country) -> None:
    register(country.gateway, Maker("N", OEM_KEY, "oem-N-1"))
    country.lay_out()
    first = country.dial(country.one, "N")
    assert first.is_complete, first.show()
    # Whoever dials first takes the funds of all machines, and answers for them.
    second = country.dial(country.other, "N")
    assert second.missing == ["license-issue", "license-modification", "fund"]
    refused = "SELECT name FROM exchange_file WHERE state = 'REFUSED' ORDER BY name"
    assert rows(country.gateway, refused) == [
        ("acknowledgement-ACK-N-000001.txt",),
        ("remaining-fund-RF-N-000001.txt",),
    ]
