"""What the bench as a server keeps of a machine, and which breaches it sees."""

from hw.lab.book import Book, orders_back
from hw.lab.side import Fields, unsigned
from protocol.messages import TABLE_OF, MessageType, OrderKind, UsageRow
from protocol.registers import (
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
    after_voucher,
)
from protocol.usage import usage_digest
from protocol.values import Paise

HELD = Registers(Paise(300), Paise(700), Paise(1_000), 3, 4)
RECHARGE = int(RequestKind.RECHARGE)
LETTERS = UsageRow(3, 2, Paise(300))


def voucher(amount_paise: int) -> bytes:
    table = TABLE_OF[MessageType.VOUCHER]
    fields: Fields = {
        "kind": int(VoucherKind.RECHARGE),
        "licence": b"N100001",
        "credential_hash": bytes(8),
        "recharge_number": 6,
        "amount_paise": amount_paise,
        "control_total_before_paise": 1_000,
        "control_total_after_paise": 1_000 + amount_paise,
        "time": 0,
        "credit_key": 1,
    }
    return unsigned(table, fields) + bytes(64)


def book() -> Book:
    return Book(HELD, 5)


def clauses(found: list[object]) -> list[str]:
    return [str(one).split(":")[0] for one in found]


def recharged(amount_paise: int) -> Registers:
    after = after_voucher(HELD, VoucherKind.RECHARGE, Paise(amount_paise))
    assert after is not None
    return after


def test_a_voucher_that_was_sent_may_have_been_applied_or_not() -> None:
    for stated, number in ((HELD, 5), (recharged(200), 6)):
        known = book()
        known.outstanding = voucher(200)
        assert known.settle(stated, number) == []


def test_a_voucher_that_was_applied_is_the_one_to_be_presented() -> None:
    known = book()
    known.pending = (RECHARGE, 200)
    known.outstanding = voucher(200)
    known.settle(recharged(200), 6)
    assert (known.applied, known.outstanding) == (voucher(200), b"")
    assert known.pending is None


def test_a_number_that_rises_without_a_voucher_is_a_breach() -> None:
    assert clauses(list(book().settle(HELD, 6))) == ["REG-6"]


def test_a_control_total_that_moves_without_a_voucher_is_a_breach() -> None:
    assert clauses(list(book().settle(recharged(1), 5))) == ["REG-4"]


def test_a_pending_request_must_be_asked_for_again() -> None:
    known = book()
    assert known.ask(RECHARGE, 200, 700) == []
    assert clauses(list(known.ask(RECHARGE, 201, 700))) == ["DLG-4.2"]


def test_a_refusal_that_may_have_been_lost_allows_the_request_to_have_ended() -> None:
    for request, amount in ((RECHARGE, 200), (int(RequestKind.INSPECTION), 0)):
        known = book()
        known.ask(RECHARGE, 200, 700)
        known.may_have_ended = True
        assert known.ask(request, amount, 700) == []


def test_a_withdrawal_of_less_than_everything_is_a_breach() -> None:
    withdrawal = int(RequestKind.WITHDRAWAL)
    assert book().ask(withdrawal, 700, 700) == []
    assert clauses(list(book().ask(withdrawal, 699, 700))) == ["DLG-4.1"]


def test_a_serial_that_falls_or_was_never_ordered_is_a_breach() -> None:
    for serial in (1, 4):
        known = book()
        known.order_serial = 2
        known.orders = {2: (int(OrderKind.NOTHING), 0), 3: (int(OrderKind.LOCK), 1)}
        assert clauses(list(known.obey(serial))) == ["DLG-10.1"]


def test_rows_that_were_forgotten_on_purpose_are_missed_once() -> None:
    known = book()
    known.count([LETTERS])
    digest = usage_digest([LETTERS])
    assert known.check_rows(digest, 300) == []
    known.forget_rows()
    assert clauses(list(known.check_rows(digest, 300))) == ["DLG-9.3"]
    assert known.check_rows(digest, 300) == []


def test_rows_that_do_not_add_up_to_the_ascending_register_are_a_breach() -> None:
    known = book()
    known.count([LETTERS])
    digest = usage_digest([LETTERS])
    assert clauses(list(known.check_rows(digest, 301))) == ["DLG-9.3"]


def test_orders_that_were_not_applied_are_taken_back_first() -> None:
    known = book()
    known.orders = {1: (int(OrderKind.LOCK), 1), 2: (int(OrderKind.CLOCK), 0)}
    known.order_serial = 1
    stated: Fields = {"state": int(MachineState.LOCKED), "time": 1}
    kinds = [one["order"] for one in orders_back(known, stated)]
    assert kinds == [OrderKind.NOTHING, OrderKind.UNLOCK]


def test_a_lock_out_takes_two_unlocks_and_a_limit_is_lifted() -> None:
    known = book()
    known.orders = {1: (int(OrderKind.FRANK_LIMIT), 100)}
    known.order_serial = 1
    stated: Fields = {"state": int(MachineState.LOCKED_OUT), "time": 0}
    kinds = [one["order"] for one in orders_back(known, stated)]
    assert kinds == [
        OrderKind.UNLOCK,
        OrderKind.UNLOCK,
        OrderKind.FRANK_LIMIT,
        OrderKind.CLOCK,
    ]


def test_wrong_vouchers_are_forgiven_before_they_lock_a_machine_out() -> None:
    known = book()
    known.wrong_vouchers = 1
    stated: Fields = {"state": int(MachineState.IN_SERVICE), "time": 1}
    assert [one["order"] for one in orders_back(known, stated)] == [OrderKind.UNLOCK]
    known.orders = {1: (int(OrderKind.UNLOCK), 0)}
    known.obey(1)
    assert orders_back(known, stated) == []
