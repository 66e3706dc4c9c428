"""The month's report says what ledger and machines say, of whom somebody may see.

Source: RMFS-37, RMFS-40, GW-04, GW-08.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from dop_gateway import ledger
from dop_gateway.audit.tables import audit
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.ledger import AccountKind, JournalKind
from dop_gateway.reports import gathering
from dop_gateway.reports.licences_store import Licences, within
from dop_gateway.reports.model import Figures, LicenceLine, Narrowed, Period
from protocol.exchange import show_amount
from protocol.parameters import business_date
from protocol.values import EpochSeconds, Paise
from rmfs_tools.bench import report_rows
from tests.deposit_desk import N1, TODAY, DepositDesk, moment
from tests.money_desk import money_desk_at
from tests.money_office import MoneyOffice
from tests.report_desk import (
    EVERYTHING,
    MACHINES,
    ReportDesk,
    csv_rows,
    report_desk,
)

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
MONTH = "/reports/month?month=2026-11"
PAID = report_rows.DEPOSITS * report_rows.DEPOSIT_PAISE
TAKEN = report_rows.DOWNLOADS * report_rows.DOWNLOAD_PAISE
USED = report_rows.DIAL_INS * report_rows.DAY_PAISE


@pytest.fixture
def begun(store_place: str) -> Iterator[MoneyOffice]:
    """Give a licence whose money went through the books, in two windows of a day."""
    with money_desk_at(store_place) as (deposits, machine):
        office = MoneyOffice(deposits, machine)
        office.deposit(5_000)
        office.exchange()
        office.recharge(2_000)
        office.frank(150)
        office.exchange()
        yield office


@pytest.fixture
def office(begun: MoneyOffice) -> MoneyOffice:
    """Let the next day come, with another window."""
    begun.deposits.next_day()
    begun.deposit(1_000)
    begun.recharge(300)
    begun.frank(45)
    begun.frank(5)
    begun.exchange()
    begun.deposit(1_500)
    return begun


@pytest.fixture
def desk(store_place: str) -> ReportDesk:
    return report_desk(store_place)


def line_of(desk: DepositDesk, period: Period, now: EpochSeconds) -> LicenceLine:
    """Give the line about N123456."""
    walk = _walk(desk, period, now)
    with desk.store.reading() as connection:
        return next(
            one for one in walk.all(connection, "name") if one.of.identifier == N1
        )


def _walk(
    desk: DepositDesk, period: Period, now: EpochSeconds, portion: int = 3
) -> gathering.Walk[LicenceLine]:
    with desk.store.reading() as connection:
        where = within(connection, EVERYTHING, Narrowed(period))
    licences = Licences(tuple(where), portion)
    gather = gathering.month_of(licences, period, business_date(now))
    return gathering.Walk(licences, gather, {})


def test_the_figures_are_those_of_the_ledger(office: MoneyOffice) -> None:
    """Each figure against a sum that the ledger knows by itself."""
    deposits = office.deposits
    told = line_of(deposits, NOVEMBER, moment(TODAY)).figures
    with deposits.store.reading() as connection:
        deposited, machine = (
            ledger.sums_by_kind(connection, kind, [N1])
            for kind in (AccountKind.DEPOSITED, AccountKind.MACHINE)
        )
    held = deposits.balances()
    assert told.deposits_paise == deposited[N1, JournalKind.AUTHENTICATED] == 750_000
    assert told.downloads_paise == machine[N1, JournalKind.DOWNLOADED] == 230_000
    assert told.used_paise == -machine[N1, JournalKind.USED] == 20_000
    assert (told.deposits, told.downloads, told.items) == (3, 2, 3)
    balances = (told.deposited_paise, told.remaining_paise, told.machine_paise)
    assert balances == (held.deposited, held.remaining, held.machine)
    assert told.deposits_paise == sum(balances) + told.used_paise
    assert told.told_paise == office.funds
    assert (told.dial_ins, told.silent) == (3, 0)


def test_balances_are_those_at_the_end_of_the_days(begun: MoneyOffice) -> None:
    deposits = begun.deposits
    before = deposits.balances()
    assert before.machine == 185_000
    deposits.next_day()
    begun.deposit(1_000)
    begun.recharge(300)
    begun.exchange()
    after = deposits.balances()
    assert after.remaining == before.remaining + 70_000
    tomorrow = moment(deposits.day)
    for last, held in ((TODAY, before), (deposits.day, after), (NOVEMBER.last, after)):
        days = replace(NOVEMBER, last=last)
        told = line_of(deposits, days, tomorrow).figures
        balances = (told.deposited_paise, told.remaining_paise, told.machine_paise)
        assert balances == (held.deposited, held.remaining, held.machine)


def test_usage_of_days_adds_up_to_the_usage_of_all(office: MoneyOffice) -> None:
    """Registers are told at dial-ins: no part is lost between two periods."""
    for _ in range(4):
        office.frank(10)
        office.exchange()
    end = moment(TODAY + timedelta(days=30))
    first = office.maker.day
    whole = line_of(office.deposits, NOVEMBER, end).figures
    parts = Figures()
    for days in (
        Period(NOVEMBER.first, TODAY),
        Period(TODAY + timedelta(days=1), first),
        Period(first + timedelta(days=1), NOVEMBER.last),
    ):
        parts.add(line_of(office.deposits, days, end).figures)
    assert (parts.items, parts.used_paise) == (whole.items, whole.used_paise)
    assert whole.used_paise == 24_000
    assert (parts.dial_ins, whole.dial_ins) == (7, 7)


def test_a_licence_that_never_dialled_is_silent_since_it_was_issued(
    office: MoneyOffice,
) -> None:
    walk = _walk(office.deposits, NOVEMBER, moment(TODAY))
    with office.deposits.store.reading() as connection:
        lines = {one.of.identifier: one for one in walk.all(connection, "name")}
    silent = next(one for name, one in lines.items() if name != N1)
    assert (silent.last_dial_in, silent.figures.silent) == (None, 1)
    assert silent.days_silent == (TODAY - date(2026, 1, 2)).days
    assert lines[N1].days_silent == 0


@pytest.mark.parametrize("portion", [1, 2, 3, 4, 5])
def test_portions_leave_nobody_out(office: MoneyOffice, portion: int) -> None:
    walk = _walk(office.deposits, NOVEMBER, moment(TODAY), portion)
    with office.deposits.store.reading() as connection:
        rising = [one.of.identifier for one in walk.all(connection, "name")]
        falling = [one.of.identifier for one in walk.all(connection, "-name")]
        pages = [
            one.of.identifier
            for first in range(0, 4, 2)
            for one in walk.page(connection, "name", first, 2)
        ]
        assert walk.count(connection) == 4
    assert rising == sorted(rising) == pages
    assert falling == rising[::-1]
    assert len(rising) == 4


def test_a_circle_is_told_of_its_own_machines(desk: ReportDesk) -> None:
    page = desk.in_circle.get(f"{MONTH}&page_size=100")
    assert page["count"] == MACHINES
    assert desk.everywhere.get(MONTH)["count"] == MACHINES + 2
    narrowed = f"{MONTH}&office={desk.facility}"
    assert desk.everywhere.get(narrowed)["count"] == MACHINES
    first = page["results"][0]
    assert first == {
        "licence": "F000001",
        "licence_number": "KN0000001",
        "licensee": "Bharat Stationers, Bengaluru",
        "post_office": "Post Office 560001",
        "code": None,
        "name": None,
        "facility": None,
        "day": None,
        "product_class": None,
        "machines": None,
        "silent": None,
        "deposits": report_rows.DEPOSITS,
        "deposits_amount": show_amount(Paise(PAID)),
        "downloads": report_rows.DOWNLOADS,
        "downloads_amount": show_amount(Paise(TAKEN)),
        "given_back": "0.00",
        "items": report_rows.DIAL_INS * report_rows.DAY_ITEMS,
        "usage": show_amount(Paise(USED)),
        "deposited": "0.00",
        "remaining": show_amount(Paise(PAID - TAKEN)),
        "in_machine": show_amount(Paise(TAKEN - USED)),
        "told": show_amount(Paise(PAID - TAKEN)),
        "dial_ins": report_rows.DIAL_INS,
        "failed": 1,
        "told_at": "2026-12-01T11:00:00+05:30",
        "last_dial_in": "2026-11-26",
        "days_silent": 4,
    }


def test_groups_add_up_to_all(desk: ReportDesk) -> None:
    for group in ("division", "circle", "maker", "region"):
        _adds_up(desk, group)


def _adds_up(desk: ReportDesk, group: str) -> None:
    page = desk.everywhere.get(f"{MONTH}&group={group}&page_size=100")
    machines = MACHINES + 2
    for name, of_one in (
        ("machines", 1),
        ("deposits", report_rows.DEPOSITS),
        ("items", report_rows.DIAL_INS * report_rows.DAY_ITEMS),
        ("dial_ins", report_rows.DIAL_INS),
    ):
        assert sum(row[name] for row in page["results"]) == of_one * machines
    used = sum(float(row["usage"]) for row in page["results"])
    assert used == USED / 100 * machines
    names = [row["name"] for row in page["results"]]
    if group == "circle":
        assert names == ["KN", "TN"]
        assert [row["machines"] for row in page["results"]] == [MACHINES, 2]
    if group == "region":
        # There is none above these offices: they stand in one line without a name.
        assert names == [""]
    assert names == sorted(names)


def test_a_file_has_the_filter_the_days_and_the_sums(desk: ReportDesk) -> None:
    """And it is kept who had it (RMFS-37)."""
    answer = desk.in_circle.ask("GET", f"{MONTH}&maker=N&format=csv")
    assert "report-month-2026-12-02.csv" in answer.headers["Content-Disposition"]
    lines = answer.text.removeprefix("\ufeff").splitlines()
    assert lines[0] == '"Month\'s report, 01-11-2026 – 30-11-2026"'  # noqa: RUF001
    assert lines[1] == "Filter,month: 2026-11; maker: N"
    *rows, total = csv_rows(answer.text)
    assert len(rows) == MACHINES // 3
    assert {row["License Identifier"][0] for row in rows} == {"N"}
    assert total["Deposited in the period"] == show_amount(Paise(PAID * len(rows)))
    with desk.gateway.store.reading() as connection:
        (told,) = connection.execute(
            select(audit.c.subject, audit.c.detail).where(audit.c.move == "download")
        )
    assert told.subject == "report-month"
    assert json.loads(told.detail) == {
        "filter": {"maker": "N", "month": "2026-11"},
        "format": "CSV",
        "rows": len(rows),
    }


def test_in_hindi_names_and_words_are_hindi(desk: ReportDesk) -> None:
    answer = desk.in_circle.ask("GET", f"{MONTH}&lang=hi&format=csv")
    *rows, total = csv_rows(answer.text)
    assert rows[0]["लाइसेंसधारी"] == "भारत स्टेशनर्स"
    assert total["लाइसेंस पहचान"] == "कुल"
    assert "मासिक रिपोर्ट" in answer.text
    drawn = desk.in_circle.ask("GET", f"{MONTH}&lang=hi&format=pdf")
    assert drawn.content.startswith(b"%PDF-")


def test_an_order_by_a_figure_is_that_of_the_whole(desk: ReportDesk) -> None:
    whole = desk.everywhere.get(f"{MONTH}&sort=-usage&page_size=100")["results"]
    paged = [
        row
        for page in (1, 2, 3)
        for row in desk.everywhere.get(f"{MONTH}&sort=-usage&page={page}")["results"]
    ]
    assert [row["licence"] for row in whole] == [row["licence"] for row in paged]


def test_days_that_are_none_are_refused(desk: ReportDesk) -> None:
    for query, pointer in (
        ("month=2026-11&first=2026-11-01", "/month"),
        ("first=2026-11-02&last=2026-11-01", "/last"),
        ("first=2025-01-01&last=2026-11-01", "/last"),
        ("month=2026-13", "/month"),
        ("office=KN", "/office"),
        ("group=day", "/group"),
        ("last=9999-12-31", "/last"),
    ):
        answer = desk.everywhere.ask("GET", f"/reports/month?{query}")
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"].endswith(pointer)


def test_an_office_that_there_is_not_is_answered_so(desk: ReportDesk) -> None:
    answer = desk.everywhere.ask("GET", "/reports/month?office=F000009999")
    assert answer.status_code == 404


def test_nobody_sees_beyond_what_their_role_reaches(desk: ReportDesk) -> None:
    for role, kind, scope, count in (
        (Role.MAKER_OFFICER, ScopeKind.MAKER, "N", 9),
        (Role.LICENSEE, ScopeKind.LICENCE, "N000000", 1),
        (Role.LICENSEE, ScopeKind.LICENCE, "N999999", 0),
    ):
        somebody = desk.of(role, kind, scope)
        assert somebody.get(MONTH)["count"] == count
        grouped = somebody.get(f"{MONTH}&group=circle")["results"]
        assert sum(row["machines"] for row in grouped) == count
