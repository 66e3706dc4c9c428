"""Dial-ins that failed: the maker's word, kept once, listed, and moving no money.

Requirement: RMFS-40.
"""

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from dop_gateway import ledger
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.registered import SOURCES
from dop_gateway.identity.model import Grant, PersonKind, Role, ScopeKind
from dop_gateway.incidents.tables import incident
from dop_gateway.parts import make_parts
from dop_gateway.usage.tables import failed_dial_in
from dop_gateway.web.app import build_app
from hw.entropy import SeededEntropy
from protocol.dialogue.machine import Outcome
from protocol.exchange import (
    ExchangeFile,
    FileHeader,
    Line,
    read_file,
    shipped_layouts,
    write_file,
)
from protocol.parameters import business_date
from protocol.values import EpochSeconds
from rmfs_tools.rehearsal.playing import Rehearsal, rehearsal_in
from tests.gateway_desk import CHEAP, KEY, OFTEN, OURS, Gateway
from tests.posting_desk import PostingDesk, posting_desk
from tests.posting_office import NUMBER
from tests.witness.small_server import LICENCE

MONDAY = date(2026, 11, 16)


@pytest.fixture
def desk(store_place: str) -> Iterator[PostingDesk]:
    with posting_desk(store_place) as desk:
        yield desk


def failed(desk: PostingDesk, line_id: str = "1", **changes: Any) -> Line:
    values: dict[str, Any] = {
        "line_id": line_id,
        "licence": LICENCE,
        "licence_number": NUMBER,
        "at": desk.now,
        "code": "FUNDS_SHORT",
        "words": "more was asked for than is left of what was paid in",
        **changes,
    }
    return Line("failed", values)


def usage_file(desk: PostingDesk, *lines: Line, **bent: Any) -> ExchangeFile:
    header = FileHeader(
        **{
            "file_id": "US-N-000001",
            "sender": "N",
            "receiver": "DCR",
            "sequence": 1,
            "business_date": desk.today,
            "window": 1,
            "made_at": desk.now,
            **bent,
        }
    )
    layout = shipped_layouts()["usage"]
    return read_file(layout, write_file(layout, header.values(), lines))


def kept(desk: PostingDesk) -> list[tuple[str, ...]]:
    of = failed_dial_in.c
    with desk.store.reading() as connection:
        rows = connection.execute(
            select(of.maker, of.licence, of.file_id, of.line_id, of.code).order_by(
                of.id
            )
        )
        return [tuple(row) for row in rows]


def balances(desk: PostingDesk) -> ledger.Balances:
    with desk.store.reading() as connection:
        return ledger.balances(connection, LICENCE)


def test_a_line_is_kept_once_however_often_its_file_is_taken(
    desk: PostingDesk,
) -> None:
    before = balances(desk)
    file = usage_file(desk, failed(desk), failed(desk, "2", code="NO_CONFIRMATION"))
    for _ in range(2):
        assert desk.take(file) == []
    assert kept(desk) == [
        ("N", LICENCE, "US-N-000001", "1", "FUNDS_SHORT"),
        ("N", LICENCE, "US-N-000001", "2", "NO_CONFIRMATION"),
    ]
    assert desk.take(usage_file(desk, failed(desk), file_id="US-N-000002")) == []
    assert len(kept(desk)) == 3
    assert balances(desk) == before


def test_the_day_of_a_failure_is_that_of_india(desk: PostingDesk) -> None:
    late = EpochSeconds(1_795_285_800)
    desk.take(usage_file(desk, failed(desk, at=late)))
    with desk.store.reading() as connection:
        row = connection.execute(select(failed_dial_in)).one()
    assert row.on_day == business_date(late) == date(2026, 11, 22)
    assert (row.at, row.came_at) == (late, desk.now)


def test_what_failed_stands_beside_the_registers_of_the_same_file(
    desk: PostingDesk,
) -> None:
    desk.frank(2)
    told = desk.dial_in()
    file = usage_file(desk, *told.lines("7"), failed(desk, "9"))
    assert desk.take(file) == []
    assert balances(desk).machine == 200_000 - 1_000
    assert [row[3] for row in kept(desk)] == ["9"]


@pytest.mark.parametrize(
    ("changes", "sender", "code"),
    [
        ({"licence": "N999999"}, "N", "USG-20-001"),
        ({}, "P", "USG-20-001"),
        ({"licence_number": "KN0600066"}, "N", "USG-20-002"),
    ],
)
def test_a_licence_that_is_not_the_makers_is_refused_and_told(
    desk: PostingDesk, changes: dict[str, Any], sender: str, code: str
) -> None:
    ours = failed(desk, "1") if sender == "N" else None
    lines = [failed(desk, "2", **changes), *([ours] if ours else [])]
    (refused,) = desk.take(usage_file(desk, *lines, sender=sender))
    assert (refused.line_id, refused.code) == ("2", code)
    assert [row[3] for row in kept(desk)] == ["1"] * len(lines[1:])
    with desk.store.reading() as connection:
        (found,) = connection.execute(select(incident)).all()
    assert (found.kind, found.maker) == ("LINE_REFUSED", sender)
    assert found.subject == f"{sender}:US-N-000001:2"


def test_they_are_listed_to_who_sees_their_licence(desk: PostingDesk) -> None:
    desk.take(
        usage_file(
            desk,
            failed(desk, "1"),
            failed(desk, "2", code="NO_CONFIRMATION", words="उत्तर नहीं आया"),
        )
    )
    parts = make_parts(
        desk.store,
        desk.bench.clock,
        SeededEntropy(b"failed dial-ins"),
        key=KEY,
        cost=CHEAP,
        scope_exists=lambda *_: True,
        exchange=OURS,
        rates=OFTEN,
    )
    gateway = Gateway(parts, desk.bench.clock, TestClient(build_app(parts)))
    postmaster, elsewhere = (
        gateway.somebody(login, Grant(Role.POSTMASTER, ScopeKind.OFFICE, str(office)))
        for login, office in (("pia", desk.office), ("mira", desk.other))
    )
    maker = gateway.somebody(
        "nora", Grant(Role.MAKER_OFFICER, ScopeKind.MAKER, "N"), kind=PersonKind.MAKER
    )
    route = "/usage/failed-dial-ins"
    for seen in (postmaster, maker):
        assert seen.get(route)["count"] == 2
    (row,) = postmaster.get(f"{route}?code=NO_CONFIRMATION")["results"]
    assert (row["licence"], row["licence_number"]) == (LICENCE, NUMBER)
    assert (row["maker"], row["words"]) == ("N", "उत्तर नहीं आया")
    assert row["licensee"] == "Asha Textiles"
    assert elsewhere.get(route)["count"] == 0
    day = desk.today.isoformat()
    for query, count in (
        (f"first={day}&last={day}", 2),
        ("last=2026-01-01", 0),
        ("first=2099-01-01", 0),
        ("licence=N654321", 0),
    ):
        assert postmaster.get(f"{route}?{query}")["count"] == count, query
    answer = postmaster.ask("GET", f"{route}?format=csv&sort=code")
    _, *lines = answer.content.decode("utf-8-sig").splitlines()
    assert [line.split(",")[5] for line in lines if LICENCE in line] == [
        "FUNDS_SHORT",
        "NO_CONFIRMATION",
    ]
    assert postmaster.ask("GET", f"{route}?what=1").status_code == 400


def window(rehearsal: Rehearsal) -> None:
    """Let the first window open on Monday, and maker N dial."""
    department, maker = rehearsal.department, rehearsal.makers[0]
    rehearsal.at(MONDAY, time(9, 30))
    department.run_jobs()
    rehearsal.at(MONDAY, time(9, 40))
    report = maker.dial_department(Drop(department.parts, SOURCES, maker.letter))
    assert report is not None
    assert report.in_order, report.show()


def test_a_machine_without_funds_is_known_at_the_department_after_the_window(
    tmp_path: Path,
) -> None:
    """Machine, maker's server, file and gateway are the product's own."""
    with rehearsal_in(tmp_path, 7, MONDAY) as rehearsal:
        rehearsal.at(MONDAY, time(8, 0))
        rehearsal.department.run_jobs()
        rehearsal.issue(1, print)
        (identifier, licence), *_ = rehearsal.licences.items()
        rehearsal.at(MONDAY, time(9, 0))
        fleet = rehearsal.makers[0].fleet
        assert fleet.dial(identifier, 200_000).outcome is Outcome.REFUSED
        assert fleet.dial(identifier).outcome is Outcome.INSPECTED
        window(rehearsal)
        with rehearsal.department.parts.store.reading() as connection:
            (row,) = connection.execute(select(failed_dial_in)).all()
            files = connection.execute(select(incident.c.kind)).scalars().all()
        assert (row.maker, row.licence) == ("N", identifier)
        assert row.licence_number == licence.number
        assert (row.code, row.on_day) == ("FUNDS_SHORT", MONDAY)
        assert "Rs 0.00 could be had" in row.words
        assert files == []
