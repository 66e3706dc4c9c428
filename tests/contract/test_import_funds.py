"""A fund file comes into the books whole or not at all, once, on both engines.

Every test ends with the oracles: the ledger sums to zero, and the totals of all files
are what they put into the funds and what waits in suspense.
"""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from hw.database import Store
from protocol.exchange import ExchangeFileError
from protocol.messages import LicenceState
from protocol.parameters import INDIA, business_date
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber
from rmfs_server.fund_reports import ImportReport
from rmfs_server.funds import import_fund_file
from rmfs_server.store import ledger, licences, schema
from rmfs_server.store.funds import read_funds
from rmfs_server.store.migrations import migrate
from rmfs_server.store.schema import JournalKind
from tests.at_once import with_patience
from tests.migrated import open_migrated

NOW = EpochSeconds(int(datetime(2026, 11, 21, 10, 0, tzinfo=INDIA).timestamp()))
BHARAT = LicenceIdentifier("N123456")
SANGHA = LicenceIdentifier("N123457")
EXPIRED = LicenceIdentifier("N200001")
LAST_DAY = LicenceIdentifier("N200002")
CANCELLED = LicenceIdentifier("N200003")
BLOCKED = LicenceIdentifier("N200004")

LICENCES = {
    BHARAT: ("KN0600065", "Bharat Stationers, Bengaluru", "REGISTERED", "2030-12-31"),
    SANGHA: ("KN0600066", "Mysuru Seva Sangha", "RENEWED", "2030-12-31"),
    EXPIRED: ("KN0600067", "Yesterday Ltd", "REGISTERED", "2026-11-20"),
    LAST_DAY: ("KN0600068", "Today Ltd", "REGISTERED", "2026-11-21"),
    CANCELLED: ("KN0600069", "Never Ltd", "CANCELLED", "2030-12-31"),
    BLOCKED: ("KN0600070", "Later Ltd", "BLOCKED", "2030-12-31"),
}


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    store = open_migrated(store_place, migrate)
    with store.writing("test") as connection:
        for identifier, (number, licensee, state, expires_on) in LICENCES.items():
            licences.add(
                connection,
                licences.Licence(
                    identifier=identifier,
                    number=LicenceNumber(number),
                    licensee=licensee,
                    kind="COMMERCIAL",
                    state=LicenceState[state],
                    expires_on=date.fromisoformat(expires_on),
                    refund_allowed=False,
                ),
                NOW,
            )
    yield store
    _check_money(store)
    store.close()


def _check_money(store: Store) -> None:
    line, suspense = schema.fund_line.c, schema.suspense.c
    waiting = (
        select(func.coalesce(func.sum(line.amount_paise), 0))
        .select_from(schema.fund_line.join(schema.suspense))
        .where(suspense.outcome.is_(None))
    )

    def total(column: Any) -> int:
        return int(connection.scalar(select(func.coalesce(func.sum(column), 0))) or 0)

    with store.reading() as connection:
        credited = total(schema.fund_credit.c.amount_paise)
        assert total(schema.entry.c.amount_paise) == 0
        assert total(schema.fund_file.c.total_paise) == credited + int(
            connection.scalar(waiting) or 0
        )
        funds = 0
        for licence in LICENCES:
            funds += ledger.balance_paise(connection, ledger.funds_of(licence))
            funds += ledger.balance_paise(connection, ledger.machine_of(licence))
        assert credited == funds
        assert credited == -ledger.balance_paise(connection, ledger.DEPARTMENT)


def _deposit(line_id: str, amount: str, licence: str = BHARAT, **fields: str) -> str:
    return "|".join(("D", line_id, *_paid(amount, licence, fields)))


def _correction(
    line_id: str, amount: str, corrects: str, licence: str = BHARAT, **fields: str
) -> str:
    old = corrects.split("/")
    return "|".join(("C", line_id, *_paid(amount, licence, fields), *old))


def _paid(amount: str, licence: str, fields: dict[str, str]) -> tuple[str, ...]:
    number, licensee, *_ = LICENCES.get(
        LicenceIdentifier(licence), ("KN0699999", "Nobody")
    )
    return (
        licence,
        fields.get("number", number),
        fields.get("licensee", licensee),
        amount,
        "NETBANKING",
        fields.get("value_date", "2026-11-16"),
        fields.get("available_from", "2026-11-17"),
    )


def _file(file_id: str, *lines: str) -> bytes:
    paise = sum(int(line.split("|")[5].replace(".", "")) for line in lines)
    sign, (rupees, rest) = "-" if paise < 0 else "", divmod(abs(paise), 100)
    head = f"H|RMFS-FUNDS|2|{file_id}|DCR|N|0|2026-11-20|0|2026-11-20T00:00:00+05:30"
    tail = f"T|{len(lines)}|{sign}{rupees}.{rest:02d}"
    return "".join(f"{line}\n" for line in (head, *lines, tail)).encode()


def _import(store: Store, file_id: str, *lines: str) -> ImportReport:
    return import_fund_file(store, _file(file_id, *lines), NOW)


def _reasons(report: ImportReport) -> list[str | None]:
    return [line.suspended_because for line in report.lines]


def _funds(
    store: Store, licence: LicenceIdentifier = BHARAT, on: str = "2026-11-21"
) -> tuple[int, int]:
    with store.reading() as connection:
        funds = read_funds(connection, licence, date.fromisoformat(on))
    return funds.available_paise, funds.later_paise


def _waiting(store: Store) -> list[str]:
    suspense = schema.suspense.c
    query = (
        select(suspense.file_id, suspense.line_id)
        .where(suspense.outcome.is_(None))
        .order_by(suspense.file_id, suspense.line_id)
    )
    with store.reading() as connection:
        return [f"{row.file_id}/{row.line_id}" for row in connection.execute(query)]


def _dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(select(table))), key=repr
            )
            for table in schema.metadata.sorted_tables
        }


def test_two_deposits_are_applied_and_reported(store: Store) -> None:
    octets = _file("F1", _deposit("1", "2000.00"), _deposit("2", "1100.00"))
    report = import_fund_file(store, octets, NOW)
    assert report.as_json() == {
        "file_id": "F1",
        "sha256": report.sha256.hex(),
        "already_known": False,
        "lines": 2,
        "total_paise": 310_000,
        "applied": 2,
        "applied_paise": 310_000,
        "suspended_paise": 0,
        "suspended": [],
    }
    assert _funds(store) == (310_000, 0)


def test_a_deposit_names_its_line_in_the_ledger(store: Store) -> None:
    _import(store, "F1", _deposit("7", "2000.00"))
    with store.reading() as connection:
        row = connection.execute(select(schema.journal)).one()
    assert (row.idem, row.kind) == ("fund:F1/7", JournalKind.DEPOSIT.name)
    assert row.reason == "deposit, fund file line F1/7"


def test_nothing_may_be_used_before_it_is_available(store: Store) -> None:
    _import(
        store,
        "F1",
        _deposit("1", "2000.00", available_from="2026-11-21"),
        _deposit("2", "1100.00", available_from="2026-11-22"),
    )
    assert _funds(store, on="2026-11-20") == (0, 310_000)
    assert _funds(store, on="2026-11-21") == (200_000, 110_000)
    assert _funds(store, on="2026-11-22") == (310_000, 0)


def test_the_same_file_again_changes_nothing_and_gets_the_same_report(
    store: Store,
) -> None:
    octets = _file("F1", _deposit("1", "2000.00"), _deposit("2", "950.00"))
    first = import_fund_file(store, octets, NOW)
    before = _dump(store)
    again = import_fund_file(store, octets, EpochSeconds(NOW + 86_400))
    assert again.already_known
    assert again.lines == first.lines
    assert again.show() == first.show().replace(
        "file F1", "file F1: known already, nothing changed"
    )
    assert _dump(store) == before


def test_a_known_file_id_with_other_content_is_refused_whole(store: Store) -> None:
    _import(store, "F1", _deposit("1", "2000.00"))
    before = _dump(store)
    with pytest.raises(ExchangeFileError) as caught:
        _import(store, "F1", _deposit("1", "3000.00"))
    assert str(caught.value).startswith(
        "line 1: file id F1 came earlier with other content (SHA-256 "
    )
    assert _dump(store) == before


GOOD = _file(
    "F2",
    _deposit("1", "2000.00"),
    _deposit("2", "1100.00"),
    _correction("3", "-500.00", "F1/1"),
)


BAD = (
    (GOOD.replace(b"H|RMFS-FUNDS|2|", b"H|RMFS-FUNDS|9|"), 1),
    (GOOD[GOOD.index(b"\n") + 1 :], 1),
    (GOOD.replace(b"T|3|", b"T|2|"), 5),
    (GOOD.replace(b"T|3|2600.00", b"T|3|2600.01"), 5),
    (GOOD[: GOOD.index(b"T|")], 4),
    (GOOD[:-10], 5),
    (GOOD + b"\n", 6),
    (GOOD.replace(b"Bharat", b"Bh\xe4rat", 1), 2),
    (b"\xef\xbb\xbf" + GOOD, 1),
    (GOOD.replace(b"\n", b"\r\n"), 1),
    (GOOD.replace(b"D|2|", b"D|1|"), 3),
    (GOOD.replace(b"|1100.00|", b"|1100|"), 3),
    (GOOD.replace(b"2026-11-17", b"2026-02-30", 1), 2),
    (GOOD.replace(b"|F1|1\n", b"|F2|1\n"), 4),
    (b"", 1),
)


def test_a_file_of_wrong_structure_is_refused_whole_and_changes_nothing(
    store: Store, subtests: pytest.Subtests
) -> None:
    _import(store, "F1", _deposit("1", "3000.00"), _deposit("2", "950.00"))
    before = _dump(store)
    for octets, line_number in BAD:
        with subtests.test(octets=octets):
            with pytest.raises(ExchangeFileError) as caught:
                import_fund_file(store, octets, NOW)
            assert caught.value.findings[0].line_number == line_number
            assert caught.value.findings[0].reason
            assert _dump(store) == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            _deposit("2", "2000.00", "N999999"),
            "licence identifier N999999 is not known here",
        ),
        (
            _deposit("2", "2000.00", "P123456"),
            "licence identifier P123456 is not of the OEM that the file is for, N",
        ),
        (
            _deposit("2", "2000.00", SANGHA, number=LicenceNumber("KN0600065")),
            "licence number KN0600065 is not that of N123457, KN0600066",
        ),
        (
            _deposit("2", "2000.00", SANGHA, licensee="Mysore Seva Sangha"),
            "'Mysore Seva Sangha' is not the licensee of N123457, 'Mysuru Seva Sangha'",
        ),
        (
            _deposit("2", "1900.00", SANGHA),
            "Rs 1,900.00 is less than the first deposit must be, Rs 2,000.00",
        ),
        (
            _deposit("2", "2050.00", SANGHA),
            "Rs 2,050.00 is not a multiple of Rs 100.00",
        ),
        (
            _deposit("2", "900.00"),
            "Rs 900.00 is less than a later deposit must be, Rs 1,000.00",
        ),
        (_deposit("2", "1050.00"), "Rs 1,050.00 is not a multiple of Rs 100.00"),
        (_deposit("2", "2000.00", CANCELLED), "licence N200003 is cancelled"),
        (
            _deposit("2", "2000.00", EXPIRED),
            "licence N200001 expired on 2026-11-20: no fund is sent from the day after",
        ),
        (
            _deposit("2", "2000.00", value_date="2010-08-15"),
            "no deposit rule holds on 2010-08-15",
        ),
        (
            _correction("2", "-500.00", "F0/1"),
            "line F0/1, which it corrects, is not known",
        ),
    ],
)
def test_a_line_that_does_not_fit_waits_and_the_rest_is_applied(
    store: Store, line: str, reason: str
) -> None:
    lines = _deposit("1", "2000.00"), line, _deposit("3", "1000.00")
    report = _import(store, "F1", *lines)
    assert _reasons(report) == [None, reason, None]
    assert [line.line_number for line in report.suspended] == [3]
    assert report.applied_paise == 300_000
    assert f"): {reason}" in report.show()
    assert _waiting(store) == ["F1/2"]
    assert _funds(store) == (300_000, 0)


@pytest.mark.parametrize("licence", [LAST_DAY, BLOCKED, SANGHA])
def test_a_licence_that_is_not_over_gets_its_funds(
    store: Store, licence: LicenceIdentifier
) -> None:
    _import(store, "F1", _deposit("1", "2000.00", licence))
    assert _funds(store, licence) == (200_000, 0)


def test_letter_case_and_white_space_of_a_name_do_not_count(store: Store) -> None:
    name = "BHARAT  stationers,  Bengaluru"
    report = _import(store, "F1", _deposit("1", "2000.00", licensee=name))
    assert _reasons(report) == [None]


def test_a_first_deposit_that_waits_leaves_the_next_one_the_first(store: Store) -> None:
    report = _import(store, "F1", _deposit("1", "1900.00"), _deposit("2", "1000.00"))
    assert len(report.suspended) == 2
    assert _funds(store) == (0, 0)


def test_an_empty_file_is_taken(store: Store) -> None:
    assert _import(store, "F1").lines == ()
    assert _import(store, "F1").already_known


def test_a_suspended_name_is_mended_by_a_correction_of_nothing(store: Store) -> None:
    _import(store, "F1", _deposit("1", "2000.00", licensee="Barat Stationers"))
    report = _import(
        store, "F2", _correction("1", "0.00", "F1/1", available_from="2026-11-22")
    )
    assert _reasons(report) == [None]
    assert _waiting(store) == []
    assert _funds(store, on="2026-11-21") == (0, 200_000)
    assert _funds(store, on="2026-11-22") == (200_000, 0)
    with store.reading() as connection:
        row = connection.execute(select(schema.suspense)).one()
        journal = connection.execute(select(schema.journal)).one()
    assert (row.outcome, row.closed_by_file_id) == ("APPLIED", "F2")
    assert journal.reason == "fund file line F2/1, which corrects line F1/1"


def test_a_suspended_licence_is_mended_by_naming_the_right_one(store: Store) -> None:
    _import(store, "F1", _deposit("1", "2000.00", "N999999"))
    _import(store, "F2", _correction("1", "0.00", "F1/1", SANGHA))
    assert _funds(store, SANGHA) == (200_000, 0)


def test_a_suspended_amount_is_mended_by_the_difference(store: Store) -> None:
    _import(store, "F1", _deposit("1", "1900.00"))
    _import(store, "F2", _correction("1", "100.00", "F1/1"))
    assert _funds(store) == (200_000, 0)
    report = _import(store, "F3", _correction("1", "-100.00", "F1/1"))
    assert _reasons(report) == [
        "Rs 1,900.00 is less than the first deposit must be, Rs 2,000.00"
    ]


def test_a_correction_that_is_still_wrong_leaves_the_old_line_waiting(
    store: Store,
) -> None:
    _import(store, "F1", _deposit("1", "2000.00", "N999999"))
    report = _import(store, "F2", _correction("1", "0.00", "F1/1", "N999998"))
    assert _reasons(report) == ["licence identifier N999998 is not known here"]
    assert _waiting(store) == ["F1/1", "F2/1"]
    _import(store, "F3", _correction("1", "0.00", "F1/1"))
    assert _waiting(store) == []
    assert _funds(store) == (200_000, 0)


def test_a_suspended_deposit_is_taken_back(store: Store) -> None:
    _import(store, "F1", _deposit("1", "2000.00", "N999999"))
    report = _import(store, "F2", _correction("1", "-2000.00", "F1/1", "N999999"))
    assert _reasons(report) == [None]
    assert _waiting(store) == []
    report = _import(store, "F3", _correction("1", "2000.00", "F1/1"))
    assert _reasons(report) == [
        "line F1/1 was taken back; a deposit is a line of its own"
    ]


def test_a_suspended_correction_can_only_be_taken_back(store: Store) -> None:
    _import(store, "F1", _deposit("1", "3000.00"))
    report = _import(store, "F2", _correction("1", "-550.00", "F1/1"))
    assert _reasons(report) == ["Rs 2,450.00 is not a multiple of Rs 100.00"]
    report = _import(store, "F3", _correction("1", "50.00", "F2/1"))
    assert _reasons(report) == [
        "line F2/1 is a suspended correction: it can only be taken back, by Rs 550.00"
    ]
    report = _import(
        store,
        "F4",
        _correction("1", "550.00", "F2/1"),
        _correction("2", "-50.00", "F3/1"),
        _correction("3", "-500.00", "F1/1"),
    )
    assert _reasons(report) == [None, None, None]
    assert _waiting(store) == []
    assert _funds(store) == (250_000, 0)


@pytest.mark.parametrize(
    ("difference", "left"), [("-500.00", 250_000), ("500.00", 350_000)]
)
def test_an_applied_deposit_is_corrected_by_a_journal_that_names_it(
    store: Store, difference: str, left: int
) -> None:
    _import(store, "F1", _deposit("1", "3000.00"))
    report = _import(store, "F2", _correction("1", difference, "F1/1"))
    assert _reasons(report) == [None]
    assert _funds(store) == (left, 0)
    with store.reading() as connection:
        old, new = connection.execute(
            select(schema.journal).order_by(
                schema.journal.c.posted_at, schema.journal.c.id
            )
        ).all()
    assert (new.idem, new.kind) == ("fund:F2/1", JournalKind.CORRECTION.name)
    assert (new.refers_to, old.refers_to) == (old.id, None)


def test_a_deposit_can_be_taken_back_whole_and_given_to_another_licence(
    store: Store,
) -> None:
    _import(store, "F1", _deposit("1", "2000.00"))
    report = _import(
        store,
        "F2",
        _correction("1", "-2000.00", "F1/1"),
        _deposit("2", "2000.00", SANGHA),
        _deposit("3", "1000.00"),
    )
    # What was taken back whole was not the first deposit.
    assert _reasons(report) == [
        None,
        None,
        "Rs 1,000.00 is less than the first deposit must be, Rs 2,000.00",
    ]
    assert _funds(store) == (0, 0)
    assert _funds(store, SANGHA) == (200_000, 0)


@pytest.mark.parametrize(
    ("correction", "reason"),
    [
        (
            _correction("1", "-500.00", "F1/1", SANGHA),
            (
                "line F1/1 is in the funds of N123456: take it back there, and bring "
                "the amount by a deposit line here"
            ),
        ),
        (
            _correction("1", "0.00", "F1/1"),
            "line F1/1 is applied; Rs 0.00 changes nothing",
        ),
        (
            _correction("1", "-3100.00", "F1/1"),
            "-Rs 100.00 is less than the first deposit must be, Rs 2,000.00",
        ),
        (
            _correction("1", "-1500.00", "F1/1"),
            "Rs 1,500.00 is less than the first deposit must be, Rs 2,000.00",
        ),
        (
            _correction("1", "-100.00", "F1/1", licensee="Nobody"),
            "'Nobody' is not the licensee of N123456, 'Bharat Stationers, Bengaluru'",
        ),
    ],
)
def test_a_correction_that_does_not_fit_waits(
    store: Store, correction: str, reason: str
) -> None:
    _import(store, "F1", _deposit("1", "3000.00"))
    assert _reasons(_import(store, "F2", correction)) == [reason]
    assert _funds(store) == (300_000, 0)


def test_a_correction_is_not_corrected_but_its_deposit(store: Store) -> None:
    _import(store, "F1", _deposit("1", "3000.00"))
    _import(store, "F2", _correction("1", "500.00", "F1/1"))
    report = _import(store, "F3", _correction("1", "-500.00", "F2/1"))
    assert _reasons(report) == [
        (
            "line F2/1 is a correction that was carried out; name the deposit line "
            "that it corrected"
        )
    ]


def test_a_correction_never_makes_the_funds_negative(store: Store) -> None:
    _import(store, "F1", _deposit("1", "3000.00"))
    with store.writing("test") as connection:
        ledger.post(
            connection,
            idem="test",
            request_hash=bytes(32),
            kind=JournalKind.POST,
            entries=[
                (ledger.funds_of(BHARAT), -200_000),
                (ledger.machine_of(BHARAT), 200_000),
            ],
            now=NOW,
            reason="downloaded",
        )
    report = _import(store, "F2", _correction("1", "-3000.00", "F1/1"))
    assert _reasons(report) == [
        "the funds remaining are Rs 1,000.00, too little to take Rs 3,000.00 from"
    ]
    assert _reasons(_import(store, "F3", _correction("1", "-1000.00", "F1/1"))) == [
        None
    ]
    assert _funds(store) == (0, 0)


def test_what_is_taken_back_counts_from_the_day_of_its_deposit(store: Store) -> None:
    _import(
        store,
        "F1",
        _deposit("1", "2000.00"),
        _deposit("2", "3000.00", available_from="2026-11-25"),
    )
    _import(store, "F2", _correction("1", "-1000.00", "F1/2"))
    assert _funds(store, on="2026-11-24") == (200_000, 200_000)
    assert _funds(store, on="2026-11-25") == (400_000, 0)


def test_funds_can_be_taken_back_from_a_licence_that_is_over(store: Store) -> None:
    _import(store, "F1", _deposit("1", "2000.00", LAST_DAY))
    later = EpochSeconds(NOW + 86_400)
    assert business_date(later) == date(2026, 11, 22)
    lines = (
        _correction("1", "100.00", "F1/1", LAST_DAY),
        _correction("2", "-2000.00", "F1/1", LAST_DAY),
    )
    report = import_fund_file(store, _file("F2", *lines), later)
    assert [reason is None for reason in _reasons(report)] == [False, True]
    assert _funds(store, LAST_DAY) == (0, 0)


def test_two_imports_of_one_file_at_the_same_time_apply_it_once(store: Store) -> None:
    octets = _file("F1", _deposit("1", "2000.00"), _deposit("2", "1100.00"))

    def run(_number: int) -> ImportReport:
        return import_fund_file(store, octets, NOW)

    with_patience(store)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(run, range(8)))
    assert sorted(report.already_known for report in reports) == [False] + [True] * 7
    assert len({report.lines for report in reports}) == 1
    assert _funds(store) == (310_000, 0)


def test_a_thousand_lines_for_many_licences_are_applied(store: Store) -> None:
    lines = [
        _deposit(
            str(number), "2000.00", (BHARAT, SANGHA, f"N3{number:05d}")[number % 3]
        )
        for number in range(1_200)
    ]
    report = _import(store, "F1", *lines)
    assert (len(report.applied), len(report.suspended)) == (800, 400)
    assert _funds(store, SANGHA) == (80_000_000, 0)


def test_funds_never_grow_beyond_what_a_machine_can_be_told(store: Store) -> None:
    _import(store, "F1", _deposit("1", "2000.00"))
    report = _import(store, "F2", _deposit("1", "90071992547400.00"))
    assert _reasons(report) == ["the funds would be more than can be held"]


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_sequence_of_files_the_money_adds_up(store: Store, seed: int) -> None:
    generator = random.Random(seed)
    imported: list[bytes] = []
    earlier: list[str] = []
    outcomes: Counter[str] = Counter()
    for number in range(40):
        lines = [
            _random_line(generator, str(line), earlier)
            for line in range(generator.randrange(6))
        ]
        octets = _file(f"F{number}", *lines)
        report = import_fund_file(store, octets, NOW)
        imported.append(octets)
        earlier += [f"F{number}/{line}" for line in range(len(lines))]
        for line, judged in zip(lines, report.lines, strict=True):
            verdict = "applied" if judged.suspended_because is None else "suspended"
            outcomes[f"{line[0]} {verdict}"] += 1
        assert import_fund_file(store, generator.choice(imported), NOW).already_known
        _check_money(store)
    assert min(outcomes.values()) > 0
    assert set(outcomes) == {"D applied", "D suspended", "C applied", "C suspended"}


def _random_line(generator: random.Random, line_id: str, earlier: list[str]) -> str:
    licence = generator.choice((BHARAT, BHARAT, SANGHA, CANCELLED, "N999999"))
    if earlier and generator.random() < 0.6:
        amount = generator.choice((-2000, -1000, -500, -50, 0, 50, 500, 1000))
        return _correction(
            line_id, f"{amount}.00", generator.choice(earlier[-8:]), licence
        )
    amount = generator.choice((900, 1000, 1050, 2000, 3000))
    return _deposit(line_id, f"{amount}.00", licence)
