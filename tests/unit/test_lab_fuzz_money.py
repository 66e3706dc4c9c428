"""The money oracles, fed with what could have passed on a line."""

from collections.abc import Iterable

from hw.capture import CaptureDirection
from hw.lab.fuzz.machine_money import MachineMoney
from hw.lab.fuzz.server_money import ServerMoney
from hw.lab.fuzz.vouchers import Standing
from hw.lab.fuzz.wire import Did, Passed
from hw.seen.decoding import UnderstoodPacket
from protocol.channel import PacketType
from protocol.messages import TABLE_OF, MessageType
from protocol.messages.codec import FieldValue, decode_fields
from tests.unit.test_lab_fuzz_vouchers import HOLDER, STANDING, body

FUNDS = 100_000
VOID = {"kind": 3, "amount_paise": 0, "control_total_after_paise": 50_000}
Wire = Iterable[Did | Passed]


def passed(
    message: MessageType,
    fields: dict[str, FieldValue],
    *,
    channel: int = 1,
    counter: int = 0,
    octets: bytes = b"\x00",
) -> Passed:
    table = TABLE_OF[message]
    by_machine = table.sender == "machine"
    way = CaptureDirection.FROM_MACHINE if by_machine else CaptureDirection.TO_MACHINE
    packet = UnderstoodPacket(
        way, b"", PacketType.RECORD, counter, octets, table, fields
    )
    return Passed(0.0, channel, by_machine, packet)


def statement(number: int, total: int, channel: int = 1, **more: FieldValue) -> Passed:
    fields: dict[str, FieldValue] = {
        "licence": b"N123456",
        "ascending_paise": 1_000,
        "descending_paise": total - 1_000,
        "control_total_paise": total,
        "items": 1,
        "items_with_zero": 1,
        "recharge_number": number,
        "state": 2,
        "request": 1,
        "amount_paise": 20_000,
    }
    fields |= more
    return passed(MessageType.STATEMENT, fields, channel=channel)


def voucher(
    channel: int = 1, *, counter: int = 0, octets: bytes | None = None, **wish: int
) -> Passed:
    whole = body(wish) if octets is None else octets
    table = TABLE_OF[MessageType.VOUCHER]
    fields = dict(decode_fields(table, whole))
    return passed(
        MessageType.VOUCHER, fields, channel=channel, counter=counter, octets=whole
    )


def receipt(number: int, funds: int, channel: int = 1) -> Passed:
    fields: dict[str, FieldValue] = {"recharge_number": number, "funds_paise": funds}
    return passed(MessageType.RECEIPT, fields, channel=channel, counter=1)


def refusal(code: int, channel: int = 1) -> Passed:
    return passed(MessageType.REFUSAL, {"code": code}, channel=channel)


def at_machine(wire: Wire, known: Standing | None = STANDING) -> list[str]:
    return [f"{one.clause}" for one in MachineMoney(HOLDER, known).findings(wire)]


def at_server(wire: Wire) -> list[str]:
    money = ServerMoney(HOLDER, STANDING, FUNDS)
    return [one.clause for one in money.findings(wire)]


# A machine.


def test_a_valid_voucher_may_be_applied_or_not() -> None:
    before = [statement(4, 50_000), voucher()]
    assert at_machine([*before, statement(5, 70_000, 2)]) == []
    assert at_machine([*before, statement(4, 50_000, 2)]) == []


def test_a_voucher_counts_once() -> None:
    wire = [statement(4, 50_000), voucher(), statement(6, 90_000, 2)]
    assert at_machine(wire) == ["REG-4"]


def test_no_credit_comes_without_a_valid_voucher() -> None:
    assert at_machine([statement(4, 50_000), statement(4, 50_001, 2)]) == ["REG-4"]
    bad = voucher(recharge_number=6)
    wire = [statement(4, 50_000), bad, statement(6, 70_000, 2)]
    assert at_machine(wire) == ["REG-6"]


def test_a_voucher_has_a_place_once_in_a_dialogue() -> None:
    late = voucher(counter=1)
    wire = [statement(4, 50_000), receipt(4, 0), late, statement(5, 70_000, 2)]
    assert at_machine(wire) == ["REG-6"]
    skipped = voucher(counter=3)
    wire = [statement(4, 50_000), skipped, statement(5, 70_000, 2)]
    assert at_machine(wire) == ["REG-6"]


def test_registers_agree_and_do_not_go_back() -> None:
    wrong = statement(4, 50_000, descending_paise=48_999)
    assert at_machine([wrong]) == ["REG-2"]
    back = statement(4, 50_000, ascending_paise=999, descending_paise=49_001)
    assert at_machine([back]) == ["REG-3"]
    assert at_machine([statement(3, 50_000)]) == ["REG-3"]


def test_a_machine_in_fault_is_not_held_to_what_it_cannot_know() -> None:
    wrong = statement(4, 50_000, descending_paise=48_999, state=5)
    assert at_machine([wrong]) == []


def test_franks_between_dialogues_move_value_to_ar() -> None:
    franked = statement(4, 50_000, ascending_paise=1_500, descending_paise=48_500)
    assert at_machine([statement(4, 50_000), franked]) == []


def test_what_is_stated_first_is_believed_of_a_machine_that_nobody_knows() -> None:
    assert at_machine([statement(9, 10)], known=None) == []


# A server.


def test_a_voucher_for_what_was_asked_is_right_and_a_receipt_tells_the_rest() -> None:
    wire = [statement(4, 50_000), voucher(), receipt(5, FUNDS - 20_000)]
    assert at_server(wire) == []
    assert at_server([*wire[:2], receipt(5, FUNDS)]) == ["DLG-7.5"]


def test_one_number_has_one_voucher() -> None:
    other = body({"time": 2})
    wire = [statement(4, 50_000), voucher(), statement(4, 50_000, 2)]
    assert at_server([*wire, voucher(2)]) == []
    assert at_server([*wire, voucher(2, octets=other)]) == ["REG-7.1"]


def test_a_voucher_is_for_what_was_asked_in_whole_steps() -> None:
    other = voucher(amount_paise=10_000, control_total_after_paise=60_000)
    assert at_server([statement(4, 50_000), other]) == ["DLG-5"]
    asked = statement(4, 50_000, amount_paise=20_001)
    odd = voucher(amount_paise=20_001, control_total_after_paise=70_001)
    assert at_server([asked, odd]) == ["DLG-8"]


def test_more_than_was_brought_is_never_granted() -> None:
    asked = statement(4, 50_000, amount_paise=110_000)
    much = voucher(amount_paise=110_000, control_total_after_paise=160_000)
    assert at_server([asked, much]) == ["REG-8"]
    assert at_server([Did(0.0, "ask fund 10000"), asked, much]) == []


def test_a_void_comes_only_when_something_was_taken_back() -> None:
    void = voucher(2, octets=body(VOID))
    wire = [statement(4, 50_000), voucher(), statement(4, 50_000, 2), void]
    assert at_server(wire) == ["REG-7.2"]
    assert at_server([Did(0.0, "ask void"), *wire]) == []


def test_registers_that_cannot_be_are_not_served() -> None:
    wrong = statement(4, 50_000, descending_paise=48_999)
    assert at_server([wrong, receipt(4, FUNDS)]) == ["REG-5.2"]
    back = statement(4, 50_000, 2, items=0)
    wire = [statement(4, 50_000, request=0), receipt(4, FUNDS), back]
    assert at_server([*wire, receipt(4, FUNDS, 2)]) == ["REG-3"]


def test_a_frozen_account_is_served_no_more() -> None:
    wire = [statement(4, 50_000, request=0), refusal(36), statement(4, 50_000, 2)]
    assert at_server([*wire, refusal(40, 2)]) == []
    assert at_server([*wire, voucher(2)]) == ["REG-9"]


def test_a_ct_that_no_voucher_explains_is_not_served() -> None:
    high = voucher(control_total_before_paise=60_000, control_total_after_paise=80_000)
    assert at_server([statement(4, 60_000), high]) == ["REG-5"]
