"""Reports of money and machines say what is kept, and agree with one another.

Source: RMFS-32, RMFS-40.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert

from dop_gateway import ledger
from dop_gateway.access import Permit
from dop_gateway.identity.model import GATEWAY, Grant, Role, ScopeKind
from dop_gateway.ledger import AccountKind, JournalKind
from dop_gateway.usage.tables import failed_dial_in
from hw.database import Store
from rmfs_tools.bench import report_rows
from tests.deposit_desk import N1, TODAY, moment
from tests.money_desk import money_desk_at
from tests.money_office import MoneyOffice
from tests.report_desk import MACHINES, filled, reported, rupees

NOVEMBER = "2026-11"
ALL = MACHINES + 2
"""Machines of both Circles."""
PAID = Decimal(report_rows.DEPOSITS * report_rows.DEPOSIT_PAISE) / 100
TAKEN = Decimal(report_rows.DOWNLOADS * report_rows.DOWNLOAD_PAISE) / 100
USED = Decimal(report_rows.DIAL_INS * report_rows.DAY_PAISE) / 100
NOW = moment(TODAY + timedelta(days=20))


def only(kind: ScopeKind, scope: str) -> Permit:
    """Let somebody ask whose role reaches so far."""
    role = Role.LICENSEE if kind is ScopeKind.LICENCE else Role.MAKER_OFFICER
    return Permit(GATEWAY, (Grant(role, kind, scope),))


@pytest.fixture
def store(store_place: str) -> Store:
    return filled(store_place)


@pytest.fixture
def office(store_place: str) -> Iterator[MoneyOffice]:
    """Give a licence whose money goes through the books."""
    with money_desk_at(store_place) as (deposits, machine):
        office = MoneyOffice(deposits, machine)
        office.deposit(5_000)
        office.exchange()
        yield office


def test_reports_agree_with_the_months_report_in_every_group(store: Store) -> None:
    """Sums that the database makes, and those that are gathered by licences."""
    for group in ("licence", "division", "circle", "region", "maker"):
        month, deposits, downloads, usage, remaining = (
            reported(store, name, month=NOVEMBER, group=group)
            for name in ("month", "deposits", "downloads", "usage", "remaining")
        )
        for column, rows, of_one in (
            ("deposits_amount", deposits, PAID),
            ("downloads_amount", downloads, TAKEN),
            ("usage", usage, USED),
            ("remaining", remaining, PAID - TAKEN),
            ("in_machine", remaining, TAKEN - USED),
        ):
            assert [one[column] for one in month] == [one[column] for one in rows]
            assert rupees(rows, column) == of_one * ALL
        assert rupees(usage, "classed_usage") == USED * ALL
        assert rupees(deposits, "by_bank") == PAID * ALL
        names = "licence" if group == "licence" else "name"
        assert len({one[names] for one in month}) == len(month)


def test_days_and_classes_add_up_to_the_month(store: Store) -> None:
    deposits, downloads, usage = (
        reported(store, name, month=NOVEMBER, group="day")
        for name in ("deposits", "downloads", "usage")
    )
    assert (len(deposits), len(downloads)) == (
        report_rows.DEPOSITS,
        report_rows.DOWNLOADS,
    )
    assert len(usage) == report_rows.DIAL_INS
    assert rupees(deposits, "deposits_amount") == PAID * ALL
    assert rupees(downloads, "downloads_amount") == TAKEN * ALL
    assert usage[0] == {
        "day": "2026-11-02",
        "classed_items": report_rows.DAY_ITEMS * ALL,
        "classed_usage": f"{report_rows.DAY_PAISE * ALL / 100:.2f}",
    }
    assert [one["day"] for one in usage] == sorted(one["day"] for one in usage)
    classes = reported(store, "usage", month=NOVEMBER, group="product_class")
    assert {one["product_class"]: one["classed_items"] for one in classes} == {
        number: items * report_rows.DIAL_INS * ALL
        for number, items, _ in report_rows.CLASSES
    }
    assert rupees(classes, "classed_usage") == USED * ALL


def test_a_day_is_indias(store: Store) -> None:
    """Money of 11:00 stands on its day; the night before belongs to the day before."""
    days: dict[str, Any] = {"first": "2026-11-04", "last": "2026-11-04"}
    (line,) = reported(store, "downloads", group="day", **days)
    assert (line["day"], line["downloads"]) == ("2026-11-04", ALL)


def test_what_is_taken_back_is_told_apart(office: MoneyOffice) -> None:
    desk = office.deposits
    bounced = desk.bring(100_000)
    desk.bounce(bounced)
    desk.bring(123_456)
    waiting = desk.payment(300_000)
    desk.receive(waiting)
    (line,) = reported(desk.store, "deposits", month=NOVEMBER, now=NOW)
    assert (line["deposits"], line["deposits_amount"]) == (1, "5000.00")
    assert (line["taken_back"], line["taken_back_amount"]) == (1, "1000.00")
    with desk.store.reading() as connection:
        kinds = ledger.sums_by_kind(connection, AccountKind.DEPOSITED, [N1])
    assert kinds[N1, JournalKind.AUTHENTICATED] == 600_000
    assert kinds[N1, JournalKind.REVERSED] == -100_000
    (suspended,) = reported(desk.store, "unmatched", month=NOVEMBER, now=NOW)
    assert (suspended["kind"], suspended["amount"]) == ("SUSPENSE", "1234.56")
    assert (suspended["licence"], suspended["party"]) == (N1, "BANK")


def test_what_is_held_is_no_download_yet(office: MoneyOffice) -> None:
    """A credit that does not follow the one before waits, and is told apart."""
    office.recharge(300)
    office.exchange("withhold")
    office.recharge(200)
    office.exchange()
    store = office.deposits.store
    (line,) = reported(store, "downloads", month=NOVEMBER, now=NOW)
    assert (line["downloads"], line["downloads_amount"]) == (0, "0.00")
    assert (line["held"], line["held_amount"]) == (1, "200.00")


def test_usage_without_classes_is_seen_by_the_registers(office: MoneyOffice) -> None:
    """A maker that tells no classes hides no postage."""
    office.recharge(1_000)
    office.frank(70)
    office.exchange()
    (line,) = (
        one
        for one in reported(office.deposits.store, "usage", month=NOVEMBER, now=NOW)
        if one["licence"] == N1
    )
    assert (line["items"], line["usage"]) == (1, "70.00")
    assert (line["classed_items"], line["classed_usage"]) == (0, "0.00")


def test_machines_that_did_not_dial_in_are_listed(store: Store) -> None:
    december = reported(store, "silent", month="2026-12")
    assert len(december) == ALL
    assert {(one["last_dial_in"], one["days_silent"]) for one in december} == {
        ("2026-11-26", 6)
    }
    assert reported(store, "silent", month=NOVEMBER) == []
    before = reported(store, "silent", month="2026-09", maker="N")
    assert {(one["last_dial_in"], one["days_silent"]) for one in before} == {
        (None, 182)
    }
    october = reported(store, "silent", month="2026-10", sort="name")
    assert len(october) == ALL / 2, "every second machine dialled in at its end"


def test_a_machine_with_a_credit_has_dialled_in(office: MoneyOffice) -> None:
    """Also where its maker told nothing of the dial-in."""
    store = office.deposits.store
    days: dict[str, Any] = {"first": "2026-11-01", "last": "2026-11-10"}
    assert N1 in {one["licence"] for one in reported(store, "silent", NOW, **days)}
    office.recharge(300)
    office.exchange("usage_missing")
    assert N1 not in {one["licence"] for one in reported(store, "silent", NOW, **days)}
    (line,) = reported(store, "dial-ins", NOW, **days)
    assert (line["licence"], line["dial_ins"], line["downloads"]) == (N1, 0, 1)
    assert line["downloads_amount"] == "300.00"


def test_machines_that_dialled_in_are_listed_with_what_they_downloaded(
    store: Store,
) -> None:
    """RMFS-32."""
    days: dict[str, Any] = {"first": "2026-11-04", "last": "2026-11-05"}
    lines = reported(store, "dial-ins", sort="day", **days)
    assert len(lines) == 2 * ALL
    first, last = lines[0], lines[-1]
    assert (first["day"], first["dial_ins"], first["downloads"]) == ("2026-11-04", 1, 1)
    assert first["downloads_amount"] == "700.00"
    assert first["first_at"] == first["last_at"] == "2026-11-04T11:00:00+05:30"
    assert (last["day"], last["downloads_amount"]) == ("2026-11-05", "0.00")
    one = reported(store, "dial-ins", licence="N000000", month=NOVEMBER)
    assert len(one) == report_rows.DIAL_INS
    assert sum(line["downloads"] for line in one) == report_rows.DOWNLOADS


def test_a_window_is_told_of_as_its_files_told_of_it(office: MoneyOffice) -> None:
    """The machine dials in before each window; the first file is that of the second."""
    office.recharge(300)
    office.exchange()
    store = office.deposits.store
    told = {
        window: reported(store, "dial-ins", NOW, month=NOVEMBER, window=str(window))
        for window in (1, 2, 3)
    }
    assert told[1] == []
    (second,) = told[2]
    assert (second["dial_ins"], second["downloads"]) == (1, 0)
    third = {one["day"]: (one["dial_ins"], one["downloads"]) for one in told[3]}
    assert third == {"2026-11-07": (0, 1), TODAY.isoformat(): (1, 0)}


def test_failed_dial_ins_are_listed_as_makers_tell_them(store: Store) -> None:
    lines = reported(store, "failed-dial-ins", month=NOVEMBER)
    assert len(lines) == ALL
    assert lines[0]["refusal"] == "FUNDS"
    with store.writing("a failure of nobody we know") as connection:
        (row,) = report_rows.failed_rows("F", "F999999")
        connection.execute(insert(failed_dial_in).values(row))
    of_f = reported(store, "failed-dial-ins", month=NOVEMBER, maker="F", sort="name")
    assert (of_f[-1]["licence"], of_f[-1]["licensee"]) == ("F999999", "")
    maker = only(ScopeKind.MAKER, "F")
    assert (
        reported(store, "failed-dial-ins", permit=maker, month=NOVEMBER, sort="name")
        == of_f
    )
    licensee = only(ScopeKind.LICENCE, "F000001")
    seen = reported(store, "failed-dial-ins", permit=licensee, month=NOVEMBER)
    assert [one["licence"] for one in seen] == ["F000001"]
    assert reported(store, "failed-dial-ins", month=NOVEMBER, code="OTHER") == []
