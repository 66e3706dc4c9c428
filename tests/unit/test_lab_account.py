"""What the bench's machine knows of its account, where a line was lost in between."""

import pytest

from hw.lab.account import Account
from hw.lab.book import Book, orders_back
from hw.lab.side import Fields
from protocol.messages import OrderKind
from protocol.registers import ZERO_REGISTERS

REFUSAL: Fields = {
    "code": 36,
    "disposition": 0,
    "receipt_follows": 0,
    "allowed_paise": 0,
}
VOUCHER: Fields = {"kind": 1, "recharge_number": 1, "amount_paise": 20_000}


def stated(number: int) -> Fields:
    return {
        "capabilities": 0,
        "order_serial": 0,
        "recharge_number": number,
        "request": 0,
    }


def with_voucher() -> Account:
    account = Account()
    account.stated(stated(0))
    account.voucher(VOUCHER, b"a voucher")
    return account


def test_a_voucher_that_is_out_is_kept_by_a_refusal() -> None:
    account = with_voucher()
    account.stated(stated(0))
    assert [one.clause for one in account.refusal(REFUSAL)] == ["DLG-8.4"]


@pytest.mark.parametrize("number", [0, 1])
def test_a_confirmation_without_an_answer_may_have_settled_it(number: int) -> None:
    account = with_voucher()
    account.confirmed({"recharge_number": 1})
    assert account.named == {0, 1}
    account.stated(stated(number))
    assert not account.refusal(REFUSAL)


def test_a_statement_that_names_its_number_settles_it() -> None:
    account = with_voucher()
    account.stated(stated(1))
    assert not account.refusal(REFUSAL)


def test_a_serial_far_ahead_does_not_make_more_orders_than_a_receipt_announces() -> (
    None
):
    book = Book(ZERO_REGISTERS, 0)
    book.orders[4_000_000_000] = int(OrderKind.NOTHING), 0
    assert len(orders_back(book, {"state": 2, "time": 1})) == 100
