"""What the bench as a server says, and which of it a machine may have taken."""

from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.lab.server_side import ServerSide
from hw.lab.side import Fields, octets, registers_of
from protocol.messages import TABLE_OF, Disposition, MessageType, OrderKind
from protocol.messages.codec import FieldValue, encode_fields
from protocol.registers import RequestKind, VoucherKind
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.simulation.setting import BEGAN, CREDIT_KEY, IDENTITY, MAKER_KEY

BINDING = bytes(32)


def side() -> ServerSide:
    return ServerSide(
        IDENTITY,
        CREDIT_KEY,
        machine_stand().unit.provisioning,
        clock=MemoryWallClock(BEGAN),
        entropy=SeededEntropy(b"server side"),
        maker=MAKER_KEY,
    )


def heard(bench: ServerSide, kind: MessageType, **wish: FieldValue) -> list[str]:
    table = TABLE_OF[kind]
    fields: Fields = {**bench.right(table, {}), **wish}
    found = bench.heard(table, fields, encode_fields(table, fields), BINDING)
    # The bench has no key of the machine: its signature is none here.
    return [one.clause for one in found if one.clause != "DLG-3.2"]


def said(bench: ServerSide, kind: MessageType, **wish: FieldValue) -> Fields:
    table = TABLE_OF[kind]
    fields: Fields = {**bench.right(table, wish), **wish}
    body = (
        bench.sign(table, fields) if table.is_signed else encode_fields(table, fields)
    )
    bench.said(table, fields, body)
    return fields


def stated(**wish: FieldValue) -> ServerSide:
    bench = side()
    bench.book.is_known = True
    assert heard(bench, MessageType.STATEMENT, **wish) == []
    return bench


def asking(amount_paise: int) -> ServerSide:
    return stated(request=int(RequestKind.RECHARGE), amount_paise=amount_paise)


def test_a_mark_that_was_issued_may_come_back() -> None:
    bench = stated()
    mark = octets(said(bench, MessageType.RECEIPT), "mark")
    assert bench.book.marks[-1] == mark
    assert heard(bench, MessageType.GOODBYE) == []


def test_the_mark_of_a_receipt_that_a_machine_must_refuse_may_not() -> None:
    wrong: tuple[Fields, ...] = (
        {"recharge_number": 7},
        {"licence_state": 9},
        {"funds_paise": 2**53},
    )
    for wish in wrong:
        bench = stated()
        mark = octets(said(bench, MessageType.RECEIPT, **wish), "mark")
        assert mark not in bench.book.marks
        assert heard(bench, MessageType.GOODBYE, mark=mark) == ["DLG-7.2"]


def test_the_mark_of_a_second_receipt_may_not() -> None:
    bench = stated()
    first = octets(said(bench, MessageType.RECEIPT), "mark")
    said(bench, MessageType.RECEIPT)
    assert bench.book.marks[-1] == first


def test_a_voucher_that_passes_every_check_is_outstanding() -> None:
    bench = asking(50_000)
    fields = said(bench, MessageType.VOUCHER)
    assert (fields["amount_paise"], fields["recharge_number"]) == (50_000, 1)
    assert bench.book.outstanding
    after = {**fields, **bench.right(TABLE_OF[MessageType.CONFIRMATION], {})}
    assert registers_of(after).descending_paise == 50_000
    assert heard(bench, MessageType.CONFIRMATION) == []
    assert bench.book.applied


def test_a_voucher_that_fails_a_check_is_counted_and_not_outstanding() -> None:
    bench = asking(50_000)
    said(bench, MessageType.VOUCHER, recharge_number=2)
    assert (bench.book.outstanding, bench.book.wrong_vouchers) == (b"", 1)
    assert heard(bench, MessageType.CONFIRMATION, recharge_number=1) == []
    bench.begin()
    number = bench.book.recharge_number
    assert "REG-6" in heard(bench, MessageType.STATEMENT, recharge_number=number + 1)


def test_a_refund_that_nobody_asked_for_is_over_the_whole_descending_register() -> None:
    bench = asking(50_000)
    said(bench, MessageType.VOUCHER)
    heard(bench, MessageType.CONFIRMATION)
    wish: Fields = {"kind": int(VoucherKind.REFUND)}
    fields = bench.right(TABLE_OF[MessageType.VOUCHER], wish)
    assert (fields["amount_paise"], fields["control_total_after_paise"]) == (50_000, 0)


def test_a_credit_key_signs_once_its_order_was_applied_and_until_it_is_retired() -> (
    None
):
    bench = asking(50_000)
    added = bench.offers.added
    said(bench, MessageType.VOUCHER, credit_key=added)
    assert not bench.book.outstanding
    bench.make_content("CREDIT_KEY", {})
    said(bench, MessageType.ORDER, order=int(OrderKind.CREDIT_KEY))
    bench.book.order_serial = 1
    said(bench, MessageType.VOUCHER, credit_key=added)
    assert bench.book.outstanding
    bench.book.outstanding = b""
    said(bench, MessageType.ORDER, order=int(OrderKind.RETIRE_CREDIT_KEY), value=added)
    bench.book.order_serial = 2
    said(bench, MessageType.VOUCHER, credit_key=added)
    assert not bench.book.outstanding


def test_a_refusal_that_clears_lets_the_request_end() -> None:
    for disposition, found in (
        (Disposition.CLEARED, []),
        (Disposition.KEPT, ["DLG-4.2"]),
    ):
        bench = asking(50_000)
        said(bench, MessageType.REFUSAL, disposition=int(disposition))
        bench.begin()
        inspection: Fields = {"request": 0, "amount_paise": 0}
        assert heard(bench, MessageType.STATEMENT, **inspection) == found


def test_a_content_goes_out_in_parts_as_it_is_wanted() -> None:
    bench = stated()
    bench.make_content("FIRMWARE", {"size": "450"})
    said(bench, MessageType.RECEIPT, orders=1)
    said(bench, MessageType.ORDER, order=int(OrderKind.FIRMWARE))
    content = bench.book.contents[bench.offers.content_id]
    got = b""
    for offset in range(0, len(content), 512):
        assert heard(bench, MessageType.WANT, offset=offset) == []
        part = bench.right(TABLE_OF[MessageType.CONTENT], {})
        assert part["total"] == len(content)
        got += octets(part, "data")
    assert got[: len(content)] == content
    assert heard(bench, MessageType.WANT, content_id=7) == ["DLG-16.2"]


def test_after_a_refusal_alone_all_rows_are_awaited() -> None:
    bench = stated()
    bench.book.count([])
    said(bench, MessageType.REFUSAL, code=40)
    assert heard(bench, MessageType.GOODBYE) == []
    assert bench.book.rows == {}


def test_a_machine_that_was_in_use_before_is_taken_as_it_states_itself() -> None:
    bench = side()
    used: Fields = {"dial_in": 70, "recharge_number": 9, "order_serial": 4}
    assert heard(bench, MessageType.STATEMENT, **used, mark=b"12345678") == []
    bench.begin()
    assert heard(bench, MessageType.STATEMENT) == []
    bench.begin()
    assert heard(bench, MessageType.STATEMENT, dial_in=71) == ["DLG-4.4"]


def test_another_life_begins_with_an_empty_book_and_goes_on_counting_dial_ins() -> None:
    bench = stated()
    said(bench, MessageType.ORDER, order=int(OrderKind.LOCK))
    bench.begin_life(bench.machine)
    assert (bench.book.dial_in, bench.book.orders) == (1, {})
    assert heard(bench, MessageType.STATEMENT, dial_in=1) == ["DLG-4.4"]
