"""What the maker tells the Department: dial-ins, usage, credit, discrepancies.

Requirements: RMFS-29, RMFS-32, RMFS-33 (the maker's half).
"""

from protocol.messages import SIGNATURE_OCTETS
from protocol.registers import RequestKind
from protocol.usage import usage_digest
from rmfs_server.exchange.session import run_session
from rmfs_server.exchange.windows import Slot
from rmfs_server.proposing import Action
from rmfs_server.store import messages
from tests.exchange_desk import (
    FIRST,
    SECOND,
    PaperDepartment,
    at,
    dial,
    exchange_office,
)
from tests.paper_machine import BY, LICENCE, NOW, Office


def test_each_dial_in_is_told_with_the_usage_that_it_signs(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    for value in (500, 700):
        machine.frank(value)
        turn, closed = office.state(machine)
        with office.store.reading() as connection:
            statement = messages.last_statement(connection, LICENCE)
        assert statement is not None
        rows = tuple(machine.usage.values())
        office.books.store_usage(turn, statement, rows, NOW)
        office.books.store_goodbye(turn, machine.take(closed), NOW)
    dial(office, dop)
    dial_ins = dop.lines("usage", "dial_in")
    assert [line["dial_in"] for line in dial_ins] == [1, 2, 3]
    products = dop.lines("usage", "product")
    assert [
        (line["dial_in_line_id"], line["items"], line["amount_paise"])
        for line in products
    ] == [("2", 1, 500), ("4", 2, 1_200)]
    for line in dial_ins:
        octets = line["statement"]
        signed, signature = octets[:-SIGNATURE_OCTETS], octets[-SIGNATURE_OCTETS:]
        credential = machine.identity.credential
        assert credential.verify("STATEMENT", line["binding"] + signed, signature)
    dial(office, dop, SECOND)
    assert len(dop.lines("usage", "dial_in")) == 3


def test_usage_that_still_comes_is_waited_for_and_lost_usage_is_not(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    dial(office, dop)
    machine.frank(500)
    office.state(machine)
    dial(office, dop, SECOND)
    assert len(dop.lines("usage", "dial_in")) == 1
    exchange = exchange_office(office.store, office.credit_key)
    run_session(exchange, dop, Slot(FIRST.day, 3), at(FIRST, 7_200))
    (_, late) = dop.lines("usage", "dial_in")
    assert late["ascending_paise"] == 500
    assert dop.lines("usage", "product") == []


def test_what_did_not_fit_is_told_with_what_showed_it_and_how_it_ended(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    office.state(machine, mark=b"\x09" * 8)
    dial(office, dop)
    (found,) = dop.lines("discrepancy", "found")
    assert (found["licence"], found["code"]) == (LICENCE, "MARK_WRONG")
    assert found["control_total_paise"] == 200_000
    assert usage_digest(()) in found["message"]
    assert len(dop.lines("usage", "dial_in")) == 1
    office.resolving.resolve(LICENCE, Action.ADOPT, BY)
    dial(office, dop, SECOND)
    (resolved,) = dop.lines("discrepancy", "resolved")
    assert (resolved["number"], resolved["resolution"]) == (found["number"], "ADOPT")
    assert (resolved["person"], resolved["words"]) == ("asha", "a test")


def test_a_voucher_that_a_person_settled_is_told_with_the_last_word_of_its_machine(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000)
    office.state(machine, RequestKind.RECHARGE, 200_000)
    office.administration.revoke(LICENCE, BY)
    office.resolving.resolve(LICENCE, Action.REVERSE, BY)
    dial(office, dop)
    (line,) = dop.lines("credit-download")
    assert (line["kind"], line["recharge_number"]) == ("VOID", 1)
    assert line["control_total_before_paise"] == line["control_total_after_paise"] == 0
    assert dop.lines("remaining-fund")[0]["remaining_paise"] == 500_000
