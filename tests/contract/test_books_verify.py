"""`verify` finds every kind of tampering that it claims to find, on both engines.

The triggers are switched off first: whoever can do that can write anything.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest
from sqlalchemy import Connection, text

from hw.database import Store
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.registers import RequestKind
from rmfs_server.funds import import_fund_file
from rmfs_server.store.migrations import migrate
from rmfs_server.store.verify import verify_books
from tests.migrated import open_migrated
from tests.paper_machine import (
    BY,
    LICENCE,
    NEW,
    NOW,
    Office,
    PaperMachine,
    build_office,
)

PAID_ON = date(2026, 9, 21)

TAMPERING = {
    "journal balanced": "UPDATE entry SET amount_paise = amount_paise + 1 WHERE id = 1",
    "entry in a journal": (
        "DELETE FROM journal WHERE id = (SELECT max(id) FROM journal)"
    ),
    "balance is the sum of entries": (
        "UPDATE balance SET balance_paise = balance_paise + 1"
        " WHERE account = (SELECT id FROM account WHERE name = 'funds:N123456')"
    ),
    "entries numbered without gaps": "UPDATE entry SET seq = seq + 10 WHERE seq = 2",
    "pooled account": (
        "INSERT INTO balance (account, balance_paise, seq)"
        " SELECT id, 0, 0 FROM account WHERE name = 'department'"
    ),
    "settled is the sum of posted vouchers": (
        "UPDATE machine SET settled_paise = settled_paise + 5,"
        " base_paise = base_paise - 5"
    ),
    "the machine's account is its control total": (
        "UPDATE machine SET base_paise = base_paise + 5"
    ),
    "reserved is what is open": (
        "UPDATE recharge SET state = 'POSTED', settled_at = 0,"
        " settled_by = 'PERSON' WHERE number = 2"
    ),
    "the registers last accepted fit the books": (
        "UPDATE machine SET last_descending_paise = last_descending_paise + 1,"
        " last_control_total_paise = last_control_total_paise + 1"
    ),
    "a fund credit is what was posted": (
        "UPDATE fund_credit SET amount_paise = amount_paise + 100"
    ),
    "a settled voucher is told to the Department": (
        "DELETE FROM told_item WHERE kind = 'RECHARGE'"
    ),
    "usage accounts for AR": "UPDATE machine SET usage_ascending_paise = 7",
    "the open recharge is the next": (
        "UPDATE recharge SET number = number + 1 WHERE number = 2"
    ),
    "numbers settle in order": "UPDATE machine SET number = number - 1",
    "a frozen machine freezes its recharge": "UPDATE machine SET frozen = 1",
    "a recharge has its postings": (
        "UPDATE journal SET idem = 'other' WHERE idem = 'settle:N123456:1'"
    ),
    "vouchers say what the books say": (
        "UPDATE recharge SET amount_paise = amount_paise + 1 WHERE number = 1"
    ),
}


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    with closing(open_migrated(store_place, migrate)) as store:
        office = build_office(store)
        prepare(office)
        with store.writing("triggers off") as connection:
            triggers_off(connection)
        assert office.findings() == []
        yield store


def prepare(office: Office) -> None:
    """Post one recharge and leave a second one open."""
    machine = PaperMachine()
    office.administration.enrol(machine.provisioning, NEW, BY)
    office.deposit(500_000)
    office.recharge(machine, 100_000)
    office.state(machine, RequestKind.RECHARGE, 200_000)
    line = DetailLine(
        line_id="1",
        licence=LICENCE,
        licence_number=NEW.number,
        licensee=NEW.licensee,
        amount_paise=200_000,
        mode=PaymentMode.NETBANKING,
        value_date=PAID_ON,
        available_from=PAID_ON,
    )
    file = FundFile.by_hand("FND-N-0001", "N", PAID_ON, (line,))
    report = import_fund_file(office.store, encode_fund_file(file), NOW)
    assert "applied" in report.show().casefold()


def triggers_off(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        found = connection.execute(
            text(
                "SELECT tgname, tgrelid::regclass FROM pg_trigger"
                " WHERE NOT tgisinternal"
            )
        )
        statements = [f"DROP TRIGGER {name} ON {table}" for name, table in found.all()]
    else:
        found = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        )
        statements = [f"DROP TRIGGER {name}" for (name,) in found.all()]
    for statement in statements:
        connection.execute(text(statement))


def tamper(store: Store, statement: str) -> None:
    if store.engine.dialect.name == "postgresql":
        with store.writing("by hand") as connection:
            # Foreign keys are triggers, too: this transaction checks nothing.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(statement))
        return
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.execute(text(statement))
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")


@pytest.mark.parametrize("rule", TAMPERING)
def test_verify_finds_tampering(store: Store, rule: str) -> None:
    tamper(store, TAMPERING[rule])
    with store.reading() as connection:
        found = {finding.rule for finding in verify_books(connection)}
    assert rule in found


@pytest.mark.parametrize("place", [1, 30, 113])
def test_verify_finds_a_voucher_whose_octets_were_changed(
    store: Store, place: int
) -> None:
    with store.reading() as connection:
        octets = connection.execute(
            text("SELECT voucher FROM recharge WHERE number = 1")
        ).scalar_one()
    bent = bytearray(octets)
    bent[place] ^= 1
    with store.writing("by hand") as connection:
        connection.execute(
            text("UPDATE recharge SET voucher = :octets WHERE number = 1"),
            {"octets": bytes(bent)},
        )
    with store.reading() as connection:
        found = {finding.rule for finding in verify_books(connection)}
    assert "vouchers say what the books say" in found
