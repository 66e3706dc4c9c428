"""Reports of files: windows, lines that match nothing, and who had which report.

Source: RMFS-37, RMFS-40, GW-08.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, insert, literal, select

from dop_gateway.access import Permit
from dop_gateway.bank.model import BankKind, FileState, ItemState, Side
from dop_gateway.bank.tables import bank, bank_file, bank_item
from dop_gateway.cli import add_commands
from dop_gateway.exchange import window_store
from dop_gateway.exchange.tables import exchange_refused_line
from dop_gateway.exchange.windows import Turn
from dop_gateway.folder import DATABASE, create_gateway
from dop_gateway.identity.model import GATEWAY, Grant, Role, ScopeKind
from dop_gateway.reports.days import DayOf
from dop_gateway.settings import Settings
from hw.database import Store
from hw.entropy import SystemEntropy
from protocol.values import EpochSeconds
from tests.deposit_desk import N1, TODAY, DepositDesk, moment
from tests.money_desk import MakerFiles, know, money_desk_at, record
from tests.posting_desk import posting_desk
from tests.report_desk import report_desk, reported

NOVEMBER = "2026-11"
NOW = moment(TODAY + timedelta(days=20))
ROOT = click.Group("rmfs")
add_commands(ROOT)


def only(role: Role, kind: ScopeKind, scope: str) -> Permit:
    """Let somebody ask whose role reaches so far."""
    return Permit(GATEWAY, (Grant(role, kind, scope),))


@pytest.fixture
def desk(store_place: str) -> Iterator[DepositDesk]:
    with money_desk_at(store_place) as (desk, _machine):
        yield desk


def test_windows_are_counted_by_maker_and_day(desk: DepositDesk) -> None:
    """One that came late was missed, and has come."""
    with desk.store.writing("windows") as connection:
        _windows(connection)
    both = reported(desk.store, "windows", NOW, month=NOVEMBER, sort="day")
    assert both[:2] == [
        {"maker": "F", "day": "2026-11-16", "met": 0, "missed": 1, "late": 0},
        {"maker": "N", "day": "2026-11-16", "met": 1, "missed": 2, "late": 1},
    ]
    by_maker = reported(
        desk.store, "windows", NOW, month=NOVEMBER, group="maker", sort="-missed"
    )
    assert [tuple(one.values()) for one in by_maker] == [("N", 2, 2, 1), ("F", 0, 1, 0)]
    by_day = reported(desk.store, "windows", NOW, month=NOVEMBER, group="day")
    assert [tuple(one.values()) for one in by_day] == [
        ("2026-11-17", 1, 0, 0),
        ("2026-11-16", 1, 3, 1),
    ]
    maker = only(Role.MAKER_OFFICER, ScopeKind.MAKER, "F")
    assert len(reported(desk.store, "windows", NOW, maker, month=NOVEMBER)) == 1
    foreign = reported(desk.store, "windows", NOW, maker, month=NOVEMBER, maker="N")
    assert foreign == []
    office = only(Role.POSTAL_AUTHORITY, ScopeKind.OFFICE, str(desk.circle))
    assert reported(desk.store, "windows", NOW, office, month=NOVEMBER) == []


def _windows(connection: Connection) -> None:
    for maker in ("N", "F"):
        know(connection, maker)
    for maker, day, window, met in (
        ("N", TODAY, 1, True),
        ("N", TODAY, 2, False),
        ("N", TODAY, 3, False),
        ("N", TODAY + timedelta(days=1), 1, True),
        ("F", TODAY, 1, False),
    ):
        end = moment(day)
        window_store.add(
            connection, maker, Turn(day, window, end, end), "usage", met=met
        )
    files = MakerFiles()
    files.window = 2
    record(connection, files.usage(), moment(TODAY))


def test_lines_that_match_nothing_come_from_all_sides(desk: DepositDesk) -> None:
    desk.bring(123_456)
    unknown = desk.bring(200_000, licence="")
    with desk.store.writing("lines") as connection:
        _bank_items(connection)
        _refused_lines(connection)
    lines = reported(desk.store, "unmatched", NOW, month=NOVEMBER, sort="-amount")
    assert [(one["kind"], one["amount"]) for one in lines] == [
        ("BANK", "7000.00"),
        ("SUSPENSE", "2000.00"),
        ("SUSPENSE", "1234.56"),
        ("REFUSED_BY_US", None),
    ]
    assert lines[0]["why"] == ItemState.NOT_IN_FILE.value
    assert (lines[0]["licence"], lines[0]["refusal"]) == (N1, "NOT_IN_FILE")
    assert lines[1]["reference"] == unknown.reference
    refused = lines[3]
    assert (refused["party"], refused["refusal"]) == ("N", "USG-20-001")
    assert refused["reference"] == "USA-N-000001.txt 7"
    (kept,) = reported(desk.store, "unmatched", NOW, month=NOVEMBER, kind="BANK")
    assert kept == lines[0]
    assert reported(desk.store, "unmatched", NOW, month="2026-10") == []


def test_lines_that_match_nothing_are_seen_by_whose_they_are(desk: DepositDesk) -> None:
    desk.bring(123_456)
    desk.bring(200_000, licence="")
    with desk.store.writing("lines") as connection:
        _bank_items(connection)
        _refused_lines(connection)
    of_n1 = ("SUSPENSE", N1)
    for permit, seen in (
        (
            only(Role.MAKER_OFFICER, ScopeKind.MAKER, "N"),
            {of_n1, ("REFUSED_BY_US", "")},
        ),
        (only(Role.MAKER_OFFICER, ScopeKind.MAKER, "F"), set()),
        (only(Role.POSTAL_AUTHORITY, ScopeKind.OFFICE, str(desk.circle)), {of_n1}),
    ):
        found = reported(desk.store, "unmatched", NOW, permit, month=NOVEMBER)
        assert {(one["kind"], one["licence"]) for one in found} == seen


def _bank_items(connection: Connection) -> None:
    connection.execute(
        insert(bank).values(
            code="SBI",
            kind=BankKind.BANK.name,
            name="A bank",
            account="1",
            host="127.0.0.1",
            port=22,
            login="dop",
            host_key="",
            folder="",
            key_id="sbi-1",
            key_x=bytes(32),
            key_y=bytes(32),
            in_use=True,
            known_since=0,
        )
    )
    connection.execute(
        insert(bank_file).values(
            id=1,
            bank="SBI",
            name="statement.txt",
            modified_at=0,
            sha256="0" * 64,
            octets=b"",
            octet_count=0,
            layout="account-statement",
            file_id="STM-1",
            sequence=1,
            business_date=TODAY,
            line_count=2,
            total_paise=0,
            state=FileState.TAKEN.name,
            code="",
            words="",
            received_at=0,
        )
    )
    for state, amount in ((ItemState.NOT_IN_FILE, 700_000), (ItemState.ENTERED, 1)):
        connection.execute(insert(bank_item).values(_item(state, amount)))


def _item(state: ItemState, amount: int) -> dict[str, Any]:
    captured = ("licence_number", "licensee", "mode", "branch", "instrument", "words")
    return {
        **dict.fromkeys(captured, ""),
        "bank": "SBI",
        "reference": state.name,
        "side": Side.CREDIT.name,
        "state": state.name,
        "licence": N1,
        "entered_paise": amount,
        "entered_file": 1,
        "entered_line": "1",
        "entered_on": TODAY,
    }


def _refused_lines(connection: Connection) -> None:
    record(connection, MakerFiles().usage(), EpochSeconds(moment(TODAY)))
    connection.execute(
        insert(exchange_refused_line).values(
            file=1, line_id="7", code="USG-20-001", words="no machine of this maker"
        )
    )


def test_who_had_which_report_is_listed_for_those_who_audit(store_place: str) -> None:
    """RMFS-37."""
    desk = report_desk(store_place, 3)
    authority = desk.in_circle
    authority.ask("GET", "/reports/month?month=2026-11&maker=N&format=csv")
    authority.ask("GET", "/reports/silent?month=2026-12&lang=hi&format=pdf")
    authority.ask("GET", "/reports/month?month=2026-11")
    assert authority.ask("GET", "/reports/downloaded").status_code == 403
    auditor = desk.of(Role.AUDITOR, ScopeKind.EVERYTHING)
    last, first = auditor.get("/reports/downloaded")["results"]
    assert first["person"] == authority.login
    assert (first["report"], first["format"], first["rows"]) == (
        "report-month",
        "CSV",
        1,
    )
    assert first["filter"] == "maker: N; month: 2026-11"
    assert (last["report"], last["filter"]) == ("report-silent", "month: 2026-12")
    narrowed = auditor.get("/reports/downloaded?report=report-silent&person=nobody")
    assert narrowed["count"] == 0
    assert auditor.get("/reports/downloaded?month=2026-11")["count"] == 0
    of_part = desk.of(Role.AUDITOR, ScopeKind.OFFICE, desk.circle)
    assert of_part.get("/reports/downloaded")["count"] == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "gateway"
    create_gateway(made, Settings(), SystemEntropy())
    with posting_desk(f"sqlite:///{made / DATABASE}") as desk:
        desk.frank(2)
        desk.tell(desk.dial_in())
    return made


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        ROOT,
        ["dop", "report", *arguments, "--gateway", str(folder)],
        standalone_mode=False,
    )


def test_a_report_is_written_by_command(folder: Path, tmp_path: Path) -> None:
    said = run(folder, "month", "--month", "2026-06", "--format", "json")
    (row,) = json.loads(said.stdout)["rows"]
    assert (row["items"], row["usage"]) == (2, "10.00")
    path = tmp_path / "report.xlsx"
    days = ("--by", "first=2026-06-01", "--by", "last=2026-06-30")
    said = run(folder, "usage", *days, "--format", "xlsx", "--output", str(path))
    assert said.output == f"1 rows are in {path}\n"
    assert path.read_bytes().startswith(b"PK")
    had = run(folder, "downloaded", "--format", "json")
    reports = [one["report"] for one in json.loads(had.stdout)["rows"]]
    assert reports == ["report-usage", "report-month"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "colour=blue"), "colour"),
        (("--by", "colour"), "NAME=VALUE"),
        (("--month", "2026-13"), "month"),
    ],
)
def test_what_a_report_does_not_know_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    said = run(tmp_path, "month", *arguments)
    assert isinstance(said.exception, click.UsageError)
    assert words in said.exception.message


def test_a_day_of_india_is_the_same_on_both_engines(desk: DepositDesk) -> None:
    """The last second of a day, and the first of the next, at the end of a year."""
    last = moment(date(2026, 12, 31)) + 2 * 3600 - 1
    with desk.store.reading() as connection:
        found = connection.execute(
            select(DayOf(literal(last)), DayOf(literal(last + 1)))
        ).one()
    assert tuple(found) == (date(2026, 12, 31), date(2027, 1, 1))


def test_a_store_without_anything_has_empty_reports(desk: DepositDesk) -> None:
    store: Store = desk.store
    for name in ("deposits", "downloads", "dial-ins", "failed-dial-ins", "unmatched"):
        assert reported(store, name, NOW, month=NOVEMBER) == []
