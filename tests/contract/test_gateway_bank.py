"""The two files of a bank are held against each other, payment by payment (RMFS-15)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, text

from dop_gateway.audit import trail
from dop_gateway.audit.tables import audit
from dop_gateway.bank.model import FileState
from dop_gateway.bank.tables import bank_file, bank_item
from dop_gateway.simulators.bank import Entry, Fault, MadeFile, PaidIn
from protocol.errors import InvariantError
from protocol.values import Paise
from tests.bank_desk import (
    BHARAT,
    KAVERI,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    BankDesk,
    Noted,
)
from tests.gateway import gateway_at


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def desk(store_place: str, noted: Noted) -> Iterator[BankDesk]:
    with gateway_at(store_place) as store:
        yield BankDesk(store, noted).register()


def states(desk: BankDesk) -> dict[str, str]:
    with desk.store.reading() as connection:
        rows = connection.execute(select(bank_item)).all()
    return {row.reference: row.state for row in rows}


def received(noted: Noted) -> list[tuple[str, int, bool]]:
    return [(one.licence, one.amount_paise, bool(one.doubt)) for one in noted.paid]


def test_what_both_files_tell_is_received_once_with_what_the_bank_captured(
    desk: BankDesk, noted: Noted
) -> None:
    """RMFS-11, RMFS-13, RMFS-15: identifier, number, name, amount; verified."""
    made = desk.day(MONDAY, BHARAT, KAVERI)
    taken = desk.take(made.files, MONDAY)
    assert [one.state for one in taken] == [FileState.TAKEN, FileState.TAKEN]
    assert received(noted) == [("N123456", 200_000, False), ("N123457", 350_000, False)]
    first = noted.paid[0]
    assert (first.licence_number, first.licensee) == ("KN0600065", "Bharat Stationers")
    assert (first.file_id, first.line_id) == ("SBI-FR-20261116-1", "1")
    assert (first.value_date, first.mode) == (MONDAY, "NETBANKING")
    assert noted.named == []
    assert desk.missing(MONDAY) == []


def test_a_file_of_payments_alone_waits_for_the_account(
    desk: BankDesk, noted: Noted
) -> None:
    funds, statement = desk.day(MONDAY, BHARAT).files
    desk.take_one(funds, MONDAY)
    assert noted.paid == []
    assert list(states(desk).values()) == ["TOLD"]
    assert desk.missing(MONDAY) == ["account-statement"]
    desk.take_one(statement, TUESDAY)
    assert received(noted) == [("N123456", 200_000, False)]
    assert noted.waits == set()


def test_a_statement_alone_waits_for_the_file_of_payments(
    desk: BankDesk, noted: Noted
) -> None:
    funds, statement = desk.day(MONDAY, BHARAT).files
    desk.take_one(statement, MONDAY)
    assert list(states(desk).values()) == ["ENTERED"]
    assert desk.missing(MONDAY) == ["funds-received"]
    assert noted.kinds == [("FILE_MISSING", "SBI funds-received 2026-11-16")]
    desk.take_one(funds, TUESDAY)
    assert received(noted) == [("N123456", 200_000, False)]
    assert noted.waits == set()


def test_taking_the_same_files_again_changes_nothing(
    desk: BankDesk, noted: Noted
) -> None:
    files = desk.day(MONDAY, BHARAT).files
    first = desk.take(files, MONDAY)
    assert desk.take(files, MONDAY) == first
    assert len(noted.paid) == 1
    with desk.store.reading() as connection:
        told = connection.execute(select(audit.c.move)).scalars().all()
        assert list(trail.verify(connection)) == []
    assert told == ["take", "take"]


def test_an_empty_day_is_taken_and_nothing_is_missing(
    desk: BankDesk, noted: Noted
) -> None:
    """RMFS-35, by the same rule: an empty file is sent too."""
    desk.take(desk.day(MONDAY).files, MONDAY)
    assert desk.missing(MONDAY) == []
    assert (noted.paid, noted.named) == ([], [])


@pytest.mark.parametrize("fault", [Fault.WRONG_TOTAL, Fault.TRUNCATED])
def test_a_file_that_does_not_add_up_is_refused_whole_and_its_successor_taken(
    desk: BankDesk, noted: Noted, fault: Fault
) -> None:
    """RMFS-17: the file goes to DCR; nothing of it counts."""
    made = desk.day(MONDAY, BHARAT, faults=[fault])
    taken = desk.take(made.files, MONDAY)
    assert [one.state for one in taken] == [FileState.REFUSED, FileState.TAKEN]
    assert desk.missing(MONDAY) == ["funds-received"]
    assert noted.paid == []
    wanted = {(one.kind.name, one.subject) for one in made.injected if one.kind}
    assert set(noted.kinds) == wanted
    again = desk.day(TUESDAY)
    desk.take(again.files, TUESDAY)
    assert received(noted) == [("N123456", 200_000, False)]
    missing = ("FILE_MISSING", "SBI funds-received 2026-11-16")
    assert noted.waits == wanted - {missing}


def test_a_line_that_is_told_twice_counts_once(desk: BankDesk, noted: Noted) -> None:
    made = desk.day(MONDAY, BHARAT, KAVERI, faults=[Fault.DUPLICATE_LINE])
    desk.take(made.files, MONDAY)
    assert received(noted) == [("N123456", 200_000, False), ("N123457", 350_000, False)]
    (injected,) = made.injected
    assert noted.kinds == [("LINE_REFUSED", injected.subject)]


def test_what_is_told_and_not_in_the_account_is_named_and_waits_for_it(
    desk: BankDesk, noted: Noted
) -> None:
    made = desk.day(MONDAY, BHARAT, KAVERI, faults=[Fault.NOT_IN_ACCOUNT])
    desk.take(made.files, MONDAY)
    assert received(noted) == [("N123457", 350_000, False)]
    (injected,) = made.injected
    assert noted.kinds == [("BANK_NOT_IN_ACCOUNT", injected.subject)]
    assert states(desk)[injected.subject] == "NOT_IN_ACCOUNT"
    desk.take(desk.day(TUESDAY).files, TUESDAY)
    assert received(noted)[1:] == [("N123456", 200_000, False)]
    assert noted.waits == set()


def test_what_the_account_has_and_nobody_tells_is_received_for_a_person_to_look_at(
    desk: BankDesk, noted: Noted
) -> None:
    made = desk.day(MONDAY, BHARAT, faults=[Fault.NOT_IN_FILE])
    desk.take(made.files, MONDAY)
    assert received(noted) == [("N123456", 200_000, False), ("", 200_000, True)]
    (injected,) = made.injected
    assert noted.kinds == [("BANK_NOT_IN_FILE", injected.subject)]


def test_it_is_told_when_a_later_file_tells_of_money_in_suspense(
    desk: BankDesk, noted: Noted
) -> None:
    made = desk.day(MONDAY, BHARAT, faults=[Fault.NOT_IN_FILE])
    desk.take(made.files, MONDAY)
    late = replace(KAVERI, reference=made.injected[0].subject)
    funds, _ = desk.day(TUESDAY, late).files
    desk.take_one(funds, TUESDAY)
    assert len(noted.paid) == 2
    kind, subject = noted.kinds[-1]
    assert (kind, subject) == ("LINE_REFUSED", late.reference)
    assert "N123457" in noted.named[-1].words


def test_another_amount_in_the_account_is_named_and_what_is_there_is_received(
    desk: BankDesk, noted: Noted
) -> None:
    made = desk.day(MONDAY, BHARAT, faults=[Fault.AMOUNT_DIFFERS])
    desk.take(made.files, MONDAY)
    assert received(noted) == [("N123456", 190_000, True)]
    (named,) = noted.named
    assert named.kind.name == "BANK_AMOUNT"
    assert named.amount_paise == 10_000
    assert "tells 2000.00, the account has 1900.00" in named.words


def test_a_payment_that_is_taken_back_bounces_once_both_files_tell_it(
    desk: BankDesk, noted: Noted
) -> None:
    """RMFS-39, BOUNCED."""
    desk.take(desk.day(MONDAY, BHARAT).files, MONDAY)
    funds, statement = desk.day(TUESDAY, faults=[Fault.BOUNCED_CHEQUE]).files
    desk.take_one(funds, TUESDAY)
    assert noted.back == []
    desk.take_one(statement, TUESDAY)
    (back,) = noted.back
    assert (back.reference, back.on) == (noted.paid[0].reference, TUESDAY)
    assert back.words == "funds insufficient"
    assert noted.named == []


def test_a_cheque_is_not_received_before_it_is_realised(
    desk: BankDesk, noted: Noted
) -> None:
    """RMFS-10: told only after realisation; one that is told before is named."""
    cheque = replace(BHARAT, mode="SBI_CHEQUE", reference="CHQ1", instrument="000042")
    desk.take(desk.day(MONDAY, cheque).files, MONDAY)
    assert noted.paid[0].realised_on == MONDAY


def test_a_late_pair_of_files_is_taken_for_its_own_day(
    desk: BankDesk, noted: Noted
) -> None:
    made = desk.day(MONDAY, BHARAT, faults=[Fault.LATE])
    assert made.files == ()
    assert desk.missing(MONDAY) == ["funds-received", "account-statement"]
    tuesday = desk.day(TUESDAY, KAVERI)
    taken = desk.take(tuesday.files, TUESDAY)
    assert [one.business_date for one in taken] == [MONDAY, MONDAY, TUESDAY, TUESDAY]
    assert [one.value_date for one in noted.paid] == [MONDAY, TUESDAY]
    assert desk.missing(TUESDAY) == []
    assert noted.waits == set()


def test_a_statement_out_of_order_waits_for_the_one_before_it(
    desk: BankDesk, noted: Noted
) -> None:
    desk.take(desk.day(date(2026, 11, 15)).files, date(2026, 11, 15))
    monday = desk.day(MONDAY, BHARAT, faults=[Fault.OUT_OF_ORDER])
    desk.take(monday.files, MONDAY)
    assert desk.missing(MONDAY) == ["account-statement"]
    tuesday = desk.day(TUESDAY, KAVERI)
    held = desk.take(tuesday.files, TUESDAY)[-1]
    assert (held.state, held.code) == (FileState.HELD, "BNK-01-009")
    # It has come: only that it does not follow is wrong.
    assert desk.missing(TUESDAY) == []
    assert noted.paid == []
    assert ("BANK_TOTAL", f"SBI {held.name}") in noted.waits
    desk.take(desk.day(WEDNESDAY).files, WEDNESDAY)
    assert [one.licence for one in noted.paid] == ["N123456", "N123457"]
    assert noted.waits == set()


def test_the_first_statement_may_come_after_the_second(
    desk: BankDesk, noted: Noted
) -> None:
    monday = desk.day(MONDAY, BHARAT, faults=[Fault.OUT_OF_ORDER])
    desk.take(monday.files, MONDAY)
    desk.take(desk.day(TUESDAY, KAVERI).files, TUESDAY)
    assert received(noted) == [("N123457", 350_000, False)]
    desk.take(desk.day(WEDNESDAY).files, WEDNESDAY)
    assert received(noted)[1:] == [("N123456", 200_000, False)]
    assert noted.waits == set()


def test_a_statement_without_entries_may_come_after_the_next_one(
    desk: BankDesk, noted: Noted
) -> None:
    desk.take(desk.day(date(2026, 11, 15), BHARAT).files, date(2026, 11, 15))
    desk.take(desk.day(MONDAY, faults=[Fault.OUT_OF_ORDER]).files, MONDAY)
    desk.take(desk.day(TUESDAY, KAVERI).files, TUESDAY)
    last = desk.take(desk.day(WEDNESDAY).files, WEDNESDAY)
    assert {one.state for one in last} == {FileState.TAKEN}
    assert noted.waits == set()


def test_a_statement_that_does_not_close_with_what_the_next_opened_with_is_held(
    desk: BankDesk, noted: Noted
) -> None:
    other = BankDesk(
        desk.store, noted, books=replace(desk.books, balance_paise=7, sequence=7)
    )
    desk.take(desk.day(TUESDAY, KAVERI).files, TUESDAY)
    held = desk.take(other.day(MONDAY, BHARAT).files, TUESDAY)[-1]
    assert (held.state, held.code) == (FileState.HELD, "BNK-01-009")
    assert "that of 2026-11-17 opened with 50000.00" in held.words


def test_a_payment_that_is_taken_back_before_it_came_in_bounces_when_it_comes(
    desk: BankDesk, noted: Noted
) -> None:
    faults = [Fault.BOUNCED_CHEQUE, Fault.NOT_IN_ACCOUNT]
    desk.take(desk.day(MONDAY, BHARAT, faults=faults).files, MONDAY)
    assert (noted.paid, noted.back) == ([], [])
    desk.take(desk.day(TUESDAY).files, TUESDAY)
    assert [one.reference for one in noted.paid] == [noted.back[0].reference]


def test_another_amount_or_another_payment_that_is_taken_back_is_named(
    desk: BankDesk, noted: Noted
) -> None:
    desk.take(desk.day(MONDAY, BHARAT).files, MONDAY)
    (entry,) = desk.books.recent
    odd = replace(entry, amount_paise=100_000), Entry("NOBODY1", 100_000)
    for day, one in zip((TUESDAY, WEDNESDAY), odd, strict=True):
        desk.books = replace(desk.books, recent=(one,))
        desk.take(desk.day(day, faults=[Fault.BOUNCED_CHEQUE]).files, day)
    assert noted.back == []
    assert noted.kinds == [
        ("BANK_AMOUNT", f"{entry.reference} returned"),
        ("BANK_AMOUNT", "NOBODY1 returned"),
    ]


def test_a_file_under_another_name_is_refused_by_its_file_id(
    desk: BankDesk, noted: Noted
) -> None:
    made = desk.day(MONDAY, BHARAT, faults=[Fault.TWICE])
    taken = desk.take(made.files, MONDAY)
    assert taken[-1].code == "BNK-01-005"
    assert len(noted.paid) == 1
    wanted = [(one.kind.name, one.subject) for one in made.injected if one.kind]
    assert noted.kinds == wanted


def test_a_name_with_other_content_is_refused_and_told(
    desk: BankDesk, noted: Noted
) -> None:
    (funds, statement) = desk.day(MONDAY, BHARAT).files
    desk.take([funds, statement], MONDAY)
    other = desk.take_one(MadeFile(funds.name, statement.octets), MONDAY)
    assert (other.state, other.code) == (FileState.REFUSED, "BNK-01-001")
    assert noted.kinds == [("FILE_REPLACED", f"SBI {funds.name}")]


def test_a_file_of_another_account_or_key_is_refused(
    desk: BankDesk, noted: Noted
) -> None:
    _, statement = desk.day(MONDAY, BHARAT).files
    desk.bank = replace(desk.bank, account="30099999999")
    assert desk.take_one(statement, MONDAY).code == "BNK-01-004"
    desk.bank = replace(desk.bank, key_id="SBI-2025")
    renamed = MadeFile(statement.name.replace("-1.", "-9."), statement.octets)
    assert desk.take_one(renamed, MONDAY).code == "BNK-01-010"
    assert noted.paid == []


def test_a_number_that_is_left_out_is_named_until_its_file_comes(
    desk: BankDesk, noted: Noted
) -> None:
    desk.take(desk.day(MONDAY).files, MONDAY)
    lost, _ = desk.day(TUESDAY, BHARAT).files
    funds, _ = desk.day(WEDNESDAY, KAVERI).files
    desk.take_one(funds, WEDNESDAY)
    gap = ("SEQUENCE_GAP", "SBI funds-received no. 2")
    assert noted.kinds == [gap]
    desk.take_one(lost, WEDNESDAY)
    assert noted.waits == set()


def test_an_unknown_licence_is_received_as_it_was_captured(
    desk: BankDesk, noted: Noted
) -> None:
    """RMFS-17: whoever receives deposits judges it, and keeps it in suspense."""
    made = desk.day(MONDAY, BHARAT, faults=[Fault.UNKNOWN_LICENCE])
    desk.take(made.files, MONDAY)
    assert received(noted)[-1] == ("Z999999", 200_000, False)


def test_many_payments_are_judged_in_one_transaction(
    desk: BankDesk, noted: Noted
) -> None:
    many = [PaidIn(f"N{n:06d}", "KN0600065", "X", Paise(100_000)) for n in range(1_200)]
    desk.take(desk.day(MONDAY, *many).files, MONDAY)
    assert len(noted.paid) == 1_200


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bank_file SET name = 'x'",
        "DELETE FROM bank_file",
        "UPDATE bank_item SET reference = 'x'",
        "DELETE FROM bank_item",
        "DELETE FROM bank",
    ],
)
def test_what_a_bank_handed_over_stays_written(desk: BankDesk, change: str) -> None:
    desk.take(desk.day(MONDAY, BHARAT).files, MONDAY)
    with desk.store.reading() as connection:
        kept = connection.execute(select(bank_file.c.octets)).scalars().all()
    assert len(kept) == 2
    with (
        pytest.raises(InvariantError, match=r"only grows|stays what it was|keeps its"),
        desk.store.writing("by hand") as connection,
    ):
        connection.execute(text(change))
